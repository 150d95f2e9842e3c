/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is true of every format: a good file is known and read, a cut one refused, and a damaged one does no harm. */
#include "sample.h"

#include <string.h>

#include "base/sf-error.h"
#include "base/sf-rng.h"

#define FLIPS 20000

/* Reads a file and all its arrays. */
static gboolean
read_all (const guint8 *data, gsize size, GError **error)
{
  g_autofree guint8 *copy = g_memdup2 (data, size); /* so that tools see a read beyond the end */
  g_autoptr (SfWeights) weights = sf_weights_read (copy, size, sample_path (), NULL, error);

  for (int i = 0; weights != NULL && i < sf_weights_get_n (weights); i++)
    {
      const SfArray *array = sf_weights_get (weights, sf_weights_get_name (weights, i));
      g_autofree float *x = g_new (float, MAX (array->n, 1));

      sf_array_read (array, 0, array->n, x);
    }
  return weights != NULL;
}

/* Every format has a sample, and each sample is known by its own format only. */
static void
test_probes (void)
{
  int n;
  const SfFormat *const *formats = sf_formats (&n);

  for (int i = 0; i < n; i++)
    {
      int own = 0;

      for (int j = 0; j < n_samples; j++)
        {
          g_autoptr (GByteArray) file = samples[j].make ();
          gboolean mine = g_str_equal (samples[j].format, formats[i]->name);

          own += mine;
          g_assert_cmpint (formats[i]->probe (file->data, MIN (file->len, 64), file->len), ==, mine);
        }
      g_assert_cmpint (own, >, 0);
    }
}

static void
test_read (gconstpointer data)
{
  const Sample *sample = data;
  g_autoptr (GByteArray) file = sample->make ();
  g_autoptr (GError) error = NULL;
  g_autoptr (SfWeights) weights = sf_weights_read (file->data, file->len, sample_path (), NULL, &error);

  g_assert_no_error (error);
  if (g_str_equal (sample->format, "index")) /* whose facts are of its parts */
    g_assert_null (sf_weights_get_metadata (weights, "total_size"));
  assert_sample (weights);
}

static void
test_truncated (gconstpointer data)
{
  const Sample *sample = data;
  g_autoptr (GByteArray) file = sample->make ();

  for (gsize size = 0; size < file->len; size++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (read_all (file->data, size, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_true (g_str_has_prefix (error->message, sample_path ()));
    }
}

/* One to four bits at random places: an error or arrays, both are right. */
static void
test_flipped (gconstpointer data)
{
  const Sample *sample = data;
  g_autoptr (GByteArray) file = sample->make ();
  const SfRng rng = { 5, 0 };

  for (guint64 i = 0; i < FLIPS; i++)
    {
      g_autofree guint8 *copy = g_memdup2 (file->data, file->len);
      guint32 words[4];

      sf_rng_words (rng, i, words);
      for (guint j = 0; j <= i % 4; j++)
        copy[words[j] / 8 % file->len] ^= 1 << words[j] % 8;
      read_all (copy, file->len, NULL);
    }
}

/* A message is cut at a length, and what a file says in it can be shown. */
static void
test_messages (void)
{
  for (int n = 300; n < 500; n++)
    {
      g_autoptr (GString) header = g_string_new ("{\"\\n\\u001b");
      g_autoptr (GByteArray) file = NULL;
      g_autoptr (GError) error = NULL;

      while (header->len < (gsize) n)
        g_string_append (header, "ü");
      g_string_append (header, "\":{\"dtype\":\"Ü\",\"shape\":[],\"data_offsets\":[0,0]}}");
      file = sample_safetensors (header->str, 0);
      g_assert_false (read_all (file->data, file->len, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_null (strpbrk (error->message, "\n\033"));
      g_assert_cmpuint (strlen (error->message), <, 600);
    }
}

static void
test_unknown (void)
{
  static const char *const texts[] = { "", "x", "GIF89a", "<html>not found</html>", "\x89HDF\r\n\x1a\n" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (read_all ((const guint8 *) texts[i], strlen (texts[i]), &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_nonnull (strstr (error->message, "safetensors"));
    }
}

static void
test_cancelled (gconstpointer data)
{
  const Sample *sample = data;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  g_autoptr (GByteArray) file = sample->make ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_null (sf_weights_read (file->data, file->len, sample_path (), &progress, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } kinds[] = { { "read", test_read }, { "truncated", test_truncated }, { "flipped", test_flipped }, { "cancelled", test_cancelled } };

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/formats/probes", test_probes);
  g_test_add_func ("/formats/messages", test_messages);
  g_test_add_func ("/formats/unknown", test_unknown);
  for (int i = 0; i < n_samples; i++)
    for (gsize j = 0; j < G_N_ELEMENTS (kinds); j++)
      {
        g_autofree char *path = g_strdup_printf ("/formats/%s/%s", kinds[j].name, samples[i].name);

        g_test_add_data_func (path, &samples[i], kinds[j].func);
      }
  return g_test_run ();
}
