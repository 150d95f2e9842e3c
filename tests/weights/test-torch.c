/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pickles and archives that are wrong, strange or made to do harm. */
#include "sample.h"

#include <string.h>

#include "base/sf-error.h"

static const guint8 memory[256];

/* Reads an archive with that pickle and a storage "0" of 256 bytes. */
static SfWeights *
read_pickle (const GByteArray *pickle, GByteArray **file, GError **error)
{
  static const SampleEntry storage = { "0", memory, sizeof memory };

  *file = sample_archive (pickle, &storage, 1, FALSE);
  return sf_weights_read ((*file)->data, (*file)->len, "file", NULL, error);
}

static void
assert_refused (const GByteArray *pickle, const char *message)
{
  g_autoptr (GByteArray) file = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (read_pickle (pickle, &file, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  if (strstr (error->message, message) == NULL)
    g_test_fail_printf ("“%s” should say: %s", error->message, message);
}

static GByteArray *
begin (void)
{
  GByteArray *out = g_byte_array_new ();

  sample_bytes (out, "\x80\2", 2);
  return out;
}

static void
end (GByteArray *out, const char *steps)
{
  sample_bytes (out, steps, strlen (steps));
}

/*** The machine ***/

static void
test_machine (void)
{
#define ROW(bytes, message) { bytes, sizeof bytes - 1, message }
  static const struct
  {
    const char *bytes;
    gsize size;
    const char *message;
  } rows[] = {
    ROW ("\x80\2", "cut off"),
    ROW ("\x80\2.", "damaged"),
    ROW ("\x80\2(.", "damaged"),
    ROW ("\x80\2}", "cut off"),
    ROW ("\x80\2}.", "no tensors"),
    ROW ("\x80\2K\1.", "no tensors"),
    ROW ("\x80\2\xff", "unknown instruction 0xff at byte 2"),
    ROW ("I42\n.", "unknown instruction"),
    ROW ("\x82\1.", "unknown instruction"), /* of an extension registry */
    ROW ("X\xff\xff\xff\xff"
         "a.",
         "damaged"),
    ROW ("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"
         "a.",
         "damaged"),
    ROW ("B\xff\xff\xff\x7f"
         "a.",
         "damaged"),
    ROW ("\x8b\xff\xff\xff\xff"
         "a.",
         "damaged"),
    ROW ("\x95\1\2.", "damaged"),
    ROW ("G\1\2.", "damaged"),
    ROW ("h\0.", "damaged"),
    ROW ("j\xff\xff\xff\xff.", "damaged"),
    ROW ("}r\xff\xff\xff\xff.", "damaged"),
    ROW ("q\0.", "damaged"),
    ROW ("}q\5h\4.", "damaged"),
    ROW ("t.", "damaged"),
    ROW ("u.", "damaged"),
    ROW ("(u.", "damaged"),
    ROW ("((u.", "damaged"),
    ROW ("}(K\1u.", "damaged"),
    ROW ("}(K\1e.", "damaged"),
    ROW ("](K\1K\2u.", "damaged"),
    ROW ("K\1K\2a.", "damaged"),
    ROW ("](a.", "damaged"),
    ROW ("}(s.", "damaged"),
    ROW ("}K\1s.", "damaged"),
    ROW ("K\1(K\2\x86.", "damaged"),
    ROW ("\x86.", "damaged"),
    ROW ("(K\1d.", "damaged"),
    ROW ("0.", "damaged"),
    ROW ("1.", "damaged"),
    ROW ("2.", "damaged"),
    ROW ("(2.", "damaged"),
    ROW ("R.", "damaged"),
    ROW ("K\1R.", "damaged"),
    ROW ("b.", "damaged"),
    ROW ("K\1b.", "damaged"),
    ROW ("Q.", "damaged"),
    ROW ("cos", "damaged"),
    ROW ("cos\nsystem", "damaged"),
    ROW ("\x93.", "damaged"),
    ROW ("K\1K\1\x93.", "damaged"),
  };
#undef ROW

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) pickle = g_byte_array_new ();

      sample_bytes (pickle, rows[i].bytes, rows[i].size);
      assert_refused (pickle, rows[i].message);
    }
}

/* Each would run a command or take all memory in Python. */
static void
test_hostile (void)
{
  g_autoptr (GByteArray) command = begin ();
  g_autoptr (GByteArray) steps = begin ();
  g_autoptr (GByteArray) deep = begin ();
  g_autoptr (GByteArray) itself = begin ();
  g_autoptr (GByteArray) wide = begin ();
  g_autoptr (GByteArray) memo = begin ();

  pickle_global (command, "os", "system");
  pickle_text (command, "touch /tmp/sfumato-was-here");
  end (command, "\x85R.");
  assert_refused (command, "“os.system”");
  g_assert_false (g_file_test ("/tmp/sfumato-was-here", G_FILE_TEST_EXISTS));

  for (int i = 0; i < 3 << 20; i++)
    end (steps, "N");
  assert_refused (steps, "steps");

  for (int i = 0; i < 1 << 20; i++)
    end (deep, "]");
  for (int i = 1; i < 1 << 20; i++)
    end (deep, "a");
  end (deep, ".");
  assert_refused (deep, "steps");

  /* A list of itself, a thousand times: that many to the 16th visits. */
  end (itself, "]q\1(");
  for (int i = 0; i < 1000; i++)
    end (itself, "h\1");
  end (itself, "e.");
  assert_refused (itself, "holds more than");

  /* Each list holds the one before it ten times. */
  end (wide, "]");
  for (int i = 0; i < 15; i++)
    {
      end (wide, "q\1](");
      for (int j = 0; j < 10; j++)
        end (wide, "h\1");
      end (wide, "e");
    }
  end (wide, ".");
  assert_refused (wide, "holds more than");

  end (memo, "}r");
  sample_number (memo, 1 << 20, 4);
  end (memo, ".");
  assert_refused (memo, "no tensors");
}

/*** Tensors ***/

static void
test_tensors (void)
{
  static const struct
  {
    const char *storage, *key;
    int n, offset, n_dims, shape[7], strides[7];
    const char *message; /* %NULL: is right */
  } rows[] = {
    { "FloatStorage", "0", 64, 0, 0, { 0 }, { 0 }, NULL },
    { "FloatStorage", "0", 64, 63, 1, { 1 }, { 1 }, NULL },
    { "FloatStorage", "0", 64, 0, 6, { 2, 2, 2, 2, 2, 2 }, { 32, 16, 8, 4, 2, 1 }, NULL },
    { "FloatStorage", "0", 64, 0, 2, { 8, 8 }, { 1, 8 }, NULL },   /* transposed */
    { "FloatStorage", "0", 64, 3, 3, { 5, 4, 2 }, { 0, 2, 5 }, NULL }, /* repeated along one axis, with gaps */
    { "FloatStorage", "0", 64, 99, 2, { 3, 0 }, { 1, 1 }, NULL },  /* nothing, so it is nowhere */
    { "FloatStorage", "0", 64, 5, 3, { 1, 4, 1 }, { 99, 1, 77 }, NULL },
    { "DoubleStorage", "0", 32, 0, 1, { 32 }, { 1 }, NULL },
    { "BoolStorage", "0", 256, 0, 1, { 256 }, { 1 }, NULL },
    { "FloatStorage", "0", 65, 0, 1, { 1 }, { 1 }, "beyond its memory" },
    { "DoubleStorage", "0", 64, 0, 1, { 1 }, { 1 }, "beyond its memory" },
    { "FloatStorage", "0", 64, 0, 1, { 65 }, { 1 }, "beyond its memory" },
    { "FloatStorage", "0", 64, 64, 0, { 0 }, { 0 }, "beyond its memory" },
    { "FloatStorage", "0", 64, 1, 2, { 8, 8 }, { 1, 8 }, "beyond its memory" },
    { "FloatStorage", "0", 8, 1, 1, { 8 }, { 1 }, "beyond its memory" },
    { "FloatStorage", "0", 64, 0, 3, { 0x7fffffff, 0x7fffffff, 0x7fffffff }, { 0, 0, 0 }, "beyond its memory" },
    { "FloatStorage", "0", 64, 0, 2, { 0x7fffffff, 0x7fffffff }, { 0, 0 }, "more memory than the file is large" },
    { "FloatStorage", "0", 64, 0, 1, { 1000 }, { 0 }, "more memory than the file is large" },
    { "FloatStorage", "0", 64, -1, 1, { 1 }, { 1 }, "not described" },
    { "FloatStorage", "0", 64, 0, 1, { -1 }, { 1 }, "not described" },
    { "FloatStorage", "0", 64, 0, 1, { 2 }, { -1 }, "not described" },
    { "FloatStorage", "0", -1, 0, 1, { 1 }, { 1 }, "not described" },
    { "FloatStorage", "1", 64, 0, 1, { 1 }, { 1 }, "“x/data/1” of array “a” is missing" },
    { "FloatStorage", "../data.pkl", 4, 0, 1, { 1 }, { 1 }, "is missing" },
    { "FloatStorage", "/etc/passwd", 4, 0, 1, { 1 }, { 1 }, "is missing" },
    { "ComplexFloatStorage", "0", 32, 0, 1, { 1 }, { 1 }, "“torch.ComplexFloatStorage”" },
    { "FloatStorage", "0", 64, 0, 7, { 1, 1, 1, 1, 1, 1, 1 }, { 1, 1, 1, 1, 1, 1, 1 }, "more than 6 dimensions" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) pickle = begin ();
      g_autoptr (GByteArray) file = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (SfWeights) weights = NULL;

      end (pickle, "}");
      pickle_text (pickle, "a");
      pickle_tensor (pickle, rows[i].storage, rows[i].key, rows[i].n, rows[i].offset, rows[i].shape, rows[i].strides, rows[i].n_dims);
      end (pickle, "s.");
      weights = read_pickle (pickle, &file, &error);
      if ((weights != NULL) != (rows[i].message == NULL) || (error != NULL && strstr (error->message, rows[i].message) == NULL))
        g_test_fail_printf ("row %" G_GSIZE_FORMAT ": %s", i, error != NULL ? error->message : "accepted");
    }
}

/* Views come out in the order of their shape, whatever their order in memory. */
static void
test_strides (void)
{
  static const int shape[] = { 2, 3, 2 }, strides[] = { 1, 4, 2 };
  static const float expected[] = { 10, 12, 14, 16, 18, 20, 11, 13, 15, 17, 19, 21 };
  g_autoptr (GByteArray) pickle = begin ();
  g_autoptr (GByteArray) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfWeights) weights = NULL;
  float x[40], y[12];
  const SampleEntry storage = { "0", x, sizeof x };

  for (int i = 0; i < 40; i++)
    x[i] = (float) i;
  pickle_tensor (pickle, "FloatStorage", "0", 40, 10, shape, strides, 3);
  end (pickle, ".");
  file = sample_archive (pickle, &storage, 1, FALSE);
  weights = sf_weights_read (file->data, file->len, "file", NULL, &error);
  g_assert_no_error (error);
  sf_array_read (sf_weights_get (weights, "tensor"), 0, 12, y);
  g_assert_cmpmem (y, sizeof y, expected, sizeof expected);
}

/* Names of what is inside other things, and things that are passed over. */
static void
test_names (void)
{
  static const int one[] = { 1 };
  static const char *const names[] = { "0.w", "2.5.w", "2.k.0", "4" };
  g_autoptr (GByteArray) pickle = begin ();
  g_autoptr (GByteArray) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfWeights) weights = NULL;

  end (pickle, "](}"); /* [{"w": …}, 3, {5: {"w": …}, "k": [… , object], object: …}, object, …] */
  pickle_text (pickle, "w");
  pickle_tensor (pickle, "FloatStorage", "0", 64, 0, one, one, 1);
  end (pickle, "sK\3}(K\5}");
  pickle_text (pickle, "w");
  pickle_tensor (pickle, "FloatStorage", "0", 64, 0, one, one, 1);
  end (pickle, "s");
  pickle_text (pickle, "k");
  end (pickle, "](");
  pickle_tensor (pickle, "FloatStorage", "0", 64, 0, one, one, 1);
  pickle_global (pickle, "numpy.core.multiarray", "scalar");
  end (pickle, ")Re");
  pickle_global (pickle, "a", "b");
  pickle_tensor (pickle, "FloatStorage", "0", 64, 0, one, one, 1);
  end (pickle, "u");
  pickle_global (pickle, "argparse", "Namespace");
  end (pickle, ")\x81}b");
  pickle_global (pickle, "torch._tensor", "_rebuild_from_type_v2");
  end (pickle, "(");
  pickle_global (pickle, "torch._utils", "_rebuild_tensor_v2");
  pickle_global (pickle, "torch", "Tensor");
  pickle_arguments (pickle, "FloatStorage", "0", 64, 0, one, one, 1);
  end (pickle, "}tRe.");
  weights = read_pickle (pickle, &file, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sf_weights_get_n (weights), ==, (int) G_N_ELEMENTS (names));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_cmpstr (sf_weights_get_name (weights, (int) i), ==, names[i]);
}

/* What else the outermost dictionary says, in the instructions of protocol 4. */
static void
test_facts (void)
{
#define ROW(key, bytes, value) { key, bytes, sizeof bytes - 1, value }
  static const struct
  {
    const char *key, *bytes;
    gsize size;
    const char *value; /* (nullable) */
  } rows[] = {
    ROW ("byte", "K\xff", "255"),
    ROW ("short", "M\xff\xff", "65535"),
    ROW ("int", "J\xff\xff\xff\xff", "-1"),
    ROW ("long", "\x8a\2\0\x80", "-32768"),
    ROW ("longer", "\x8b\5\0\0\0\0\0\0\0\1", "4294967296"),
    ROW ("no-digits", "\x8a\0", "0"),
    ROW ("longest", "\x8a\11\1\2\3\4\5\6\7\10\11", NULL),
    ROW ("real", "G\x3f\xe0\0\0\0\0\0\0", "0.5"),
    ROW ("true", "\x88", "1"),
    ROW ("none", "N", NULL),
    ROW ("bytes", "C\1x", NULL),
    ROW ("text", "\x8c\2\xc3\xbc\x94", "ü"),
    ROW ("binary", "\x8c\1\xff", NULL),
    ROW ("nul", "\x8c\3a\0b", NULL),
    ROW ("other", "\x8c\1a\x94\x8c\1b\x94\x93\x94)\x81\x94", NULL),
    ROW ("dropped", "K\1K\2(K\3(1000", "1"),
    ROW ("class", "cargparse\nNamespace\n", NULL),
    ROW ("outside", "K\1Q", NULL),
  };
#undef ROW
  static const int one[] = { 1 };
  g_autoptr (GByteArray) pickle = g_byte_array_new ();
  g_autoptr (GByteArray) file = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (SfWeights) weights = NULL;

  sample_bytes (pickle, "\x80\4\x95\0\0\0\0\0\0\0\0}\x94(", 14);
  pickle_text (pickle, "a");
  pickle_tensor (pickle, "FloatStorage", "0", 64, 0, one, one, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      pickle_text (pickle, rows[i].key);
      sample_bytes (pickle, rows[i].bytes, rows[i].size);
    }
  end (pickle, "u.");
  weights = read_pickle (pickle, &file, &error);
  g_assert_no_error (error);
  g_assert_cmpint (sf_weights_get_n (weights), ==, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpstr (sf_weights_get_metadata (weights, rows[i].key), ==, rows[i].value);
}

static void
test_unusable (void)
{
  static const int one[] = { 1 };
  g_autoptr (GByteArray) module = begin ();
  g_autoptr (GByteArray) sparse = begin ();
  g_autoptr (GByteArray) twice = begin ();
  g_autofree char *name = g_strnfill (600, 'n');
  g_autoptr (GByteArray) longest = begin ();

  pickle_global (module, "torch.nn.modules.container", "Sequential");
  end (module, ")\x81}b.");
  assert_refused (module, "“torch.nn.modules.container.Sequential”");

  end (sparse, "}");
  pickle_text (sparse, "a");
  pickle_global (sparse, "torch._utils", "_rebuild_sparse_tensor");
  end (sparse, ")Rs.");
  assert_refused (sparse, "_rebuild_sparse_tensor");

  end (twice, "}(");
  for (int i = 0; i < 2; i++)
    {
      pickle_text (twice, "a");
      pickle_tensor (twice, "FloatStorage", "0", 64, 0, one, one, 1);
    }
  end (twice, "u.");
  assert_refused (twice, "two arrays with the name “a”");

  end (longest, "}");
  pickle_text (longest, name);
  end (longest, "K\1s.");
  assert_refused (longest, "a name of more than");
}

/*** Archives ***/

/* Fields of the directory, from the signature of its last entry or of the end on, that lie. */
static void
test_lies (void)
{
  static const struct
  {
    const char *record;
    gsize at;
    int n;
    guint64 value;
    const char *message;
  } rows[] = {
    { "PK\1\2", 0, 4, 0, "directory of the zip archive is damaged" },
    { "PK\1\2", 8, 2, 1, "compressed or encrypted" },
    { "PK\1\2", 10, 2, 8, "compressed or encrypted" }, /* deflated: a bomb, it may be */
    { "PK\1\2", 20, 4, 1, "not where the directory" },
    { "PK\1\2", 24, 4, G_MAXUINT32 - 1, "not where the directory" },
    { "PK\1\2", 20, 8, 0xfffffff0fffffff0, "not where the directory" },
    { "PK\1\2", 20, 8, G_MAXUINT64, "not where the directory" }, /* with no zip64 field */
    { "PK\1\2", 28, 2, 4, "not where the directory" },
    { "PK\1\2", 28, 2, G_MAXUINT16, "directory of the zip archive is damaged" },
    { "PK\1\2", 30, 2, G_MAXUINT16, "directory of the zip archive is damaged" },
    { "PK\1\2", 32, 2, G_MAXUINT16, "directory of the zip archive is damaged" },
    { "PK\1\2", 42, 4, 1, "not where the directory" },
    { "PK\1\2", 42, 4, G_MAXUINT32 - 1, "not where the directory" },
    { "PK\5\6", 0, 4, 0, "without an end" },
    { "PK\5\6", 10, 2, 9, "directory of the zip archive is damaged" },
    { "PK\5\6", 10, 2, 0, "none of PyTorch" },
    { "PK\5\6", 16, 4, 0, "directory of the zip archive is damaged" },
    { "PK\5\6", 16, 4, G_MAXUINT32, "directory of the zip archive is damaged" },
    { "PK\5\6", 20, 2, 1, "without an end" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) pickle = begin ();
      const SampleEntry entry = { "x/data.pkl", pickle->data, pickle->len };
      g_autoptr (GByteArray) file = sample_zip (&entry, 1, FALSE);
      g_autoptr (GError) error = NULL;
      guint64 value = GUINT64_TO_LE (rows[i].value);
      guint8 *record = file->data;

      while (memcmp (record, rows[i].record, 4) != 0)
        record++;
      memcpy (record + rows[i].at, &value, (gsize) rows[i].n);
      g_assert_null (sf_weights_read (file->data, file->len, "file", NULL, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      if (strstr (error->message, rows[i].message) == NULL)
        g_test_fail_printf ("row %" G_GSIZE_FORMAT ": %s", i, error->message);
    }
}

static void
test_archives (void)
{
  static const char pickle[] = "\x80\2}.";
  static const SampleEntry rows[][3] = {
    { { "x/data.pkl", pickle, 4 }, { "x/data.pkl", pickle, 4 }, { "c", "", 0 } },
    { { "x/data.pkl", pickle, 4 }, { "x/byteorder", "big", 3 }, { "c", "", 0 } },
    { { "../../data.pkl", pickle, 4 }, { "/data", "", 0 }, { "c:\\..\\", "", 0 } },
    { { "data.pkl", pickle, 4 }, { "x/y/data.pkl", pickle, 4 }, { "", "", 0 } },
  };
  static const char *const messages[] = { "two entries", "byte order", "none of PyTorch", "none of PyTorch" };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GByteArray) file = sample_zip (rows[i], 3, i % 2 == 0);
      g_autoptr (GError) error = NULL;

      g_assert_null (sf_weights_read (file->data, file->len, "file", NULL, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_nonnull (strstr (error->message, messages[i]));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/torch/machine", test_machine);
  g_test_add_func ("/torch/hostile", test_hostile);
  g_test_add_func ("/torch/tensors", test_tensors);
  g_test_add_func ("/torch/strides", test_strides);
  g_test_add_func ("/torch/names", test_names);
  g_test_add_func ("/torch/facts", test_facts);
  g_test_add_func ("/torch/unusable", test_unusable);
  g_test_add_func ("/torch/lies", test_lies);
  g_test_add_func ("/torch/archives", test_archives);
  return g_test_run ();
}
