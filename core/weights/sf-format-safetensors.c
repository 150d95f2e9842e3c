/* SPDX-License-Identifier: GPL-3.0-or-later */
/* safetensors, as github.com/huggingface/safetensors describes it:
 *
 *   8 bytes   length n of the header
 *   n bytes   {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …, "__metadata__": {"key": "text", …}}
 *   the rest  the arrays, one after the other without holes, to the last byte
 */
#include "sf-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "base/sf-error.h"
#include "weights/sf-bytes.h"
#include "weights/sf-json.h"
#include "weights/sf-weights.h"

#define MOST_HEADER 100000000 /* as in the reference implementation */
#define ALIGN 64              /* of the first array in files that we write */

/*** Reading ***/

typedef struct
{
  gsize begin, end;
} Span;

typedef struct
{
  SfWeights *weights;
  SfJson json;
  const guint8 *data; /* the arrays */
  gsize size;
  GArray *spans; /* of the arrays */
  gboolean has_metadata;
} Reader;

static gboolean
probe (const guint8 *head, gsize n, gsize file_size)
{
  return n > 8 && head[8] == '{' && sf_bytes_number (head, 8) <= file_size - 8;
}

static void
read_metadata (Reader *r)
{
  if (r->has_metadata)
    sf_json_fail (&r->json);
  r->has_metadata = TRUE;
  for (int i = 0; sf_json_more (&r->json, i, '{'); i++)
    {
      g_autofree char *key = sf_json_key (&r->json);
      g_autofree char *value = sf_json_string (&r->json);

      if (!r->json.failed)
        sf_weights_set_metadata (r->weights, key, value);
    }
}

static gboolean
read_dtype (Reader *r, const char *name, SfDtype *dtype, GError **error)
{
  g_autofree char *text = sf_json_string (&r->json);

  for (*dtype = 0; *dtype < SF_N_DTYPES; (*dtype)++)
    if (g_str_equal (text, sf_dtype_name (*dtype)))
      return TRUE;
  return r->json.failed || sf_bad_file (error, _ ("array “%s” has numbers of the unknown kind “%s”"), name, text);
}

static gboolean
read_shape (Reader *r, const char *name, SfArray *array, GError **error)
{
  for (int i = 0; sf_json_more (&r->json, i, '['); i++)
    {
      guint64 n = sf_json_count (&r->json);

      if (i == SF_ARRAY_MAX_DIMS || n > G_MAXSIZE)
        return sf_bad_file (error, _ ("array “%s” has more than %d dimensions, or too large ones"), name, SF_ARRAY_MAX_DIMS);
      array->dim[i] = (gsize) n;
      array->n_dims = i + 1;
    }
  return TRUE;
}

static void
read_span (Reader *r, Span *span)
{
  guint64 at[2] = { 0, 0 };
  int n = 0;

  for (; sf_json_more (&r->json, n, '['); n++)
    at[MIN (n, 1)] = sf_json_count (&r->json);
  if (n != 2 || at[0] > at[1] || at[1] > r->size)
    sf_json_fail (&r->json);
  else
    *span = (Span) { (gsize) at[0], (gsize) at[1] };
}

/* An object with all three keys, each once; others may be there. */
static gboolean
read_array (Reader *r, const char *name, GError **error)
{
  static const char *const keys[] = { "dtype", "shape", "data_offsets" };
  SfArray array = { 0 };
  Span span = { 0 };
  gsize size;
  int seen = 0;

  for (int i = 0; sf_json_more (&r->json, i, '{'); i++)
    {
      g_autofree char *key = sf_json_key (&r->json);
      int which = 0;

      while (which < 3 && !g_str_equal (key, keys[which]))
        which++;
      if (which < 3 && (seen & 1 << which))
        sf_json_fail (&r->json);
      seen |= 1 << which;
      if (which == 0 && !read_dtype (r, name, &array.dtype, error))
        return FALSE;
      if (which == 1 && !read_shape (r, name, &array, error))
        return FALSE;
      if (which == 2)
        read_span (r, &span);
      if (which == 3)
        sf_json_skip (&r->json);
    }
  if ((seen & 7) != 7)
    sf_json_fail (&r->json);
  if (r->json.failed)
    return TRUE; /* said at the end */
  if (!sf_array_measure (&array, &size) || size != span.end - span.begin)
    return sf_bad_file (error, _ ("array “%s”: its shape does not fit its %zu bytes"), name, span.end - span.begin);
  g_array_append_val (r->spans, span);
  array.data = r->data + span.begin;
  return sf_weights_add (r->weights, name, &array, error);
}

static int
compare_spans (gconstpointer a, gconstpointer b)
{
  const Span *x = a, *y = b;

  if (x->begin != y->begin)
    return x->begin < y->begin ? -1 : 1;
  return x->end < y->end ? -1 : x->end > y->end;
}

/* The format forbids overlaps and holes, so that a file has one meaning and hides nothing. */
static gboolean
check_spans (Reader *r, GError **error)
{
  gsize at = 0;

  g_array_sort (r->spans, compare_spans);
  for (guint i = 0; i < r->spans->len; i++)
    {
      const Span *span = &g_array_index (r->spans, Span, i);

      if (span->begin != at)
        return sf_bad_file (error, _ ("arrays overlap or leave a hole at byte %zu"), MIN (at, span->begin));
      at = span->end;
    }
  return at == r->size || sf_bad_file (error, _ ("has %zu bytes after its last array"), r->size - at);
}

static gboolean
read_file (SfWeights *self, const guint8 *data, gsize size, const SfProgress *progress, GError **error)
{
  const guint64 n = sf_bytes_number (data, 8);
  g_autoptr (GArray) spans = g_array_new (FALSE, FALSE, sizeof (Span));
  Reader r = { .weights = self, .data = data + 8 + n, .size = size - 8 - n, .spans = spans };

  if (n > MOST_HEADER)
    return sf_bad_file (error, _ ("has a header of more than %d bytes"), MOST_HEADER);
  sf_json_init (&r.json, data + 8, n);
  for (int i = 0; sf_json_more (&r.json, i, '{'); i++)
    {
      g_autofree char *name = sf_json_key (&r.json);

      if (sf_progress_stopped (progress, error))
        return FALSE;
      if (g_str_equal (name, "__metadata__"))
        read_metadata (&r);
      else if (!read_array (&r, name, error))
        return FALSE;
    }
  return sf_json_end (&r.json, error) && check_spans (&r, error);
}

/*** Writing ***/

static void
append_string (GString *out, const char *text)
{
  g_string_append_c (out, '"');
  for (; *text != '\0'; text++)
    if (g_ascii_iscntrl (*text))
      g_string_append_printf (out, "\\u%04x", *text);
    else
      {
        if (*text == '"' || *text == '\\')
          g_string_append_c (out, '\\');
        g_string_append_c (out, *text);
      }
  g_string_append_c (out, '"');
}

/* With the length before it, and spaces after it that align the arrays. */
static GString *
make_header (const char *const *names, const SfArray *arrays, int n, const char *const *metadata)
{
  GString *out = g_string_new ("12345678{\"__metadata__\":{");
  gsize begin = 0;
  guint64 length;

  for (int i = 0; metadata != NULL && metadata[i] != NULL; i += 2)
    {
      if (i > 0)
        g_string_append_c (out, ',');
      append_string (out, metadata[i]);
      g_string_append_c (out, ':');
      append_string (out, metadata[i + 1]);
    }
  g_string_append_c (out, '}');
  for (int i = 0; i < n; i++)
    {
      gsize end = begin + arrays[i].n * sf_dtype_size (arrays[i].dtype);

      g_string_append_c (out, ',');
      append_string (out, names[i]);
      g_string_append_printf (out, ":{\"dtype\":\"%s\",\"shape\":[", sf_dtype_name (arrays[i].dtype));
      for (int j = 0; j < arrays[i].n_dims; j++)
        g_string_append_printf (out, j == 0 ? "%" G_GSIZE_FORMAT : ",%" G_GSIZE_FORMAT, arrays[i].dim[j]);
      g_string_append_printf (out, "],\"data_offsets\":[%" G_GSIZE_FORMAT ",%" G_GSIZE_FORMAT "]}", begin, end);
      begin = end;
    }
  g_string_append_c (out, '}');
  while (out->len % ALIGN != 0)
    g_string_append_c (out, ' ');
  length = GUINT64_TO_LE (out->len - 8);
  memcpy (out->str, &length, sizeof length);
  return out;
}

static gboolean
write_all (int fd, gconstpointer data, gsize size)
{
  const guint8 *at = data;

  while (size > 0)
    {
      gssize n = write (fd, at, MIN (size, 1 << 30));

      if (n < 0 && errno != EINTR)
        return FALSE;
      at += MAX (n, 0);
      size -= MAX (n, 0);
    }
  return TRUE;
}

/* Closes @fd; 0 or the number of the error. */
static int
write_file (int fd, const GString *header, const SfArray *arrays, int n)
{
  gboolean ok = write_all (fd, header->str, header->len);
  int status;

  for (int i = 0; i < n && ok; i++)
    ok = write_all (fd, arrays[i].data, arrays[i].n * sf_dtype_size (arrays[i].dtype));
  ok = ok && fsync (fd) == 0;
  status = ok ? 0 : errno;
  return close (fd) == 0 || !ok ? status : errno;
}

gboolean
sf_weights_write_safetensors (const char *path, const char *const *names, const SfArray *arrays, int n,
                              const char *const *metadata, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".XXXXXX", NULL);
  g_autofree char *shown = g_filename_display_name (path);
  g_autoptr (GString) header = make_header (names, arrays, n, metadata);
  int fd = g_mkstemp_full (temporary, O_WRONLY | O_CLOEXEC, 0666), status = errno;

  if (fd >= 0)
    {
      status = write_file (fd, header, arrays, n);
      if (status == 0 && g_rename (temporary, path) == 0)
        return TRUE;
      status = status != 0 ? status : errno;
      g_unlink (temporary);
    }
  return sf_bad_file (error, _ ("%s: cannot be written: %s"), shown, g_strerror (status));
}

const SfFormat sf_format_safetensors = {
  .name = "safetensors",
  .label = N_ ("safetensors"),
  .suffixes = (const char *const[]) { ".safetensors", NULL },
  .probe = probe,
  .read = read_file,
};
