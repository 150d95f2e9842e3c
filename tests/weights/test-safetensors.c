/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sample.h"

#include <string.h>

#include "base/sf-error.h"

#define TENSOR(shape, offsets) "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":" offsets "}"

/* Headers that are wrong, and a part of what is said about them. */
static const struct
{
  const char *header;
  gsize size; /* of the arrays */
  const char *message;
} refused[] = {
  /* JSON */
  { "{", 0, "at byte 1 " },
  { "{}x", 0, "at byte 2 " },
  { "{,}", 0, "at byte 1 " },
  { "{\"a\":" TENSOR ("[]", "[0,4]") ",}", 4, "at byte" },
  { "{\"a\" " TENSOR ("[]", "[0,4]") "}", 4, "at byte 5 " },
  { "{\"a\":" TENSOR ("[1,]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1 1]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[-1]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1.0]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1e0]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[\"1\"]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("{}", "[0,4]") "}", 4, "at byte" },
  { "{\"\\u0000\":" TENSOR ("[]", "[0,4]") "}", 4, "at byte" },
  { "{\"\\ud800\":" TENSOR ("[]", "[0,4]") "}", 4, "at byte" },
  { "{\"\\udc00\":" TENSOR ("[]", "[0,4]") "}", 4, "at byte" },
  { "{\"\\x\":" TENSOR ("[]", "[0,4]") "}", 4, "at byte" },
  { "{\"\xff\":" TENSOR ("[]", "[0,4]") "}", 4, "at byte" },
  { "{\"\n\":" TENSOR ("[]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, "at byte" },
  { "{\"a\":{\"x\":}}", 0, "at byte" },
  { "{\"__metadata__\":{\"a\":1}}", 0, "at byte" },
  { "{\"__metadata__\":{},\"__metadata__\":{}}", 0, "at byte" },
  /* arrays */
  { "{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", 4, "at byte" },
  { "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "at byte" },
  { "{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[],\"data_offsets\":[0,1]}}", 1, "“F8_E4M3”" },
  { "{\"a\":" TENSOR ("[]", "[0,4]") ",\"a\":" TENSOR ("[]", "[4,8]") "}", 8, "two arrays with the name “a”" },
  { "{\"a\":" TENSOR ("[1,1,1,1,1,1,1]", "[0,4]") "}", 4, "more than 6 dimensions" },
  { "{\"a\":" TENSOR ("[18446744073709551616]", "[0,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[18446744073709551615]", "[0,4]") "}", 4, "does not fit" },
  { "{\"a\":" TENSOR ("[4294967296,4294967296]", "[0,0]") "}", 0, "does not fit" },
  { "{\"a\":" TENSOR ("[4611686018427387905]", "[0,4]") "}", 4, "does not fit" },
  { "{\"a\":" TENSOR ("[4294967296,4294967296,0]", "[0,0]") "}", 0, "does not fit" },
  { "{\"a\":" TENSOR ("[2]", "[0,4]") "}", 4, "does not fit" },
  { "{\"a\":" TENSOR ("[1]", "[0,8]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1]", "[4,0]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1]", "[0]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1]", "[0,4,4]") "}", 4, "at byte" },
  { "{\"a\":" TENSOR ("[1]", "[0,18446744073709551615]") "}", 4, "at byte" },
  /* where they are */
  { "{\"a\":" TENSOR ("[1]", "[4,8]") "}", 8, "overlap or leave a hole at byte 0" },
  { "{\"a\":" TENSOR ("[1]", "[0,4]") ",\"b\":" TENSOR ("[1]", "[8,12]") "}", 12, "overlap or leave a hole at byte 4" },
  { "{\"a\":" TENSOR ("[2]", "[0,8]") ",\"b\":" TENSOR ("[2]", "[4,12]") "}", 12, "overlap or leave a hole at byte 4" },
  { "{\"a\":" TENSOR ("[1]", "[0,4]") ",\"b\":" TENSOR ("[1]", "[0,4]") "}", 4, "overlap or leave a hole at byte 0" },
  { "{\"a\":" TENSOR ("[1]", "[0,4]") "}", 5, "1 bytes after its last array" },
  { "{}", 1, "1 bytes after its last array" },
};

static void
test_refused (gconstpointer data)
{
  gsize i = GPOINTER_TO_SIZE (data);
  g_autoptr (GByteArray) file = sample_safetensors (refused[i].header, refused[i].size);
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_weights_read (file->data, file->len, "file", NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
  if (strstr (error->message, refused[i].message) == NULL)
    g_test_fail_printf ("%s: %s", refused[i].header, error->message);
}

/* Unusual, but right. */
static void
test_accepted (void)
{
  static const char *const headers[] = {
    "{}",
    "{ } \n\t ",
    "{\"__metadata__\":{}}",
    "{\"b\":" TENSOR ("[2]", "[4,12]") " , \"a\" : " TENSOR ("[]", "[0,4]") ", \"none\":" TENSOR ("[3,0]", "[4,4]") "}",
    "{\"\\u00fc\\ud83d\\ude00\\/\\n\":" TENSOR ("[3]", "[0,12]") "}",
    "{\"a\":{\"more\":[{\"x\":[1,-2.5e-3,null,true]},\"y\"],\"dtype\":\"U8\",\"shape\":[12],\"data_offsets\":[0,12]}}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (headers); i++)
    {
      g_autoptr (GByteArray) file = sample_safetensors (headers[i], strstr (headers[i], "12]") != NULL ? 12 : 0);
      g_autoptr (GError) error = NULL;
      g_autoptr (SfWeights) weights = sf_weights_read (file->data, file->len, "file", NULL, &error);

      g_assert_no_error (error);
      if (i == 4)
        g_assert_nonnull (sf_weights_get (weights, "ü😀/\n"));
    }
}

/* Lengths of the header that are lies, and one that the format forbids. */
static void
test_lengths (void)
{
  static const guint64 lengths[] = { 0, 1, 3, 1000, G_MAXUINT32, G_MAXINT64, G_MAXUINT64, G_MAXUINT64 - 7 };
  g_autofree guint8 *large = g_malloc0 (100000100);
  const guint64 too_long = GUINT64_TO_LE (G_GUINT64_CONSTANT (100000001));
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GByteArray) file = sample_safetensors ("{}", 0);
      g_autoptr (GError) bad = NULL;
      guint64 length = GUINT64_TO_LE (lengths[i]);

      memcpy (file->data, &length, sizeof length);
      g_assert_null (sf_weights_read (file->data, file->len, "file", NULL, &bad));
      g_assert_error (bad, SF_ERROR, SF_ERROR_MODEL);
    }
  memcpy (large, &too_long, sizeof too_long);
  large[8] = '{';
  g_assert_null (sf_weights_read (large, 100000100, "file", NULL, &error));
  g_assert_nonnull (strstr (error->message, "100000000 bytes"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    {
      g_autofree char *path = g_strdup_printf ("/safetensors/refused/%" G_GSIZE_FORMAT, i);

      g_test_add_data_func (path, GSIZE_TO_POINTER (i), test_refused);
    }
  g_test_add_func ("/safetensors/accepted", test_accepted);
  g_test_add_func ("/safetensors/lengths", test_lengths);
  return g_test_run ();
}
