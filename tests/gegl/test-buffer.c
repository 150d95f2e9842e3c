/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What 8 and 16 bits store arrives as the same floats whatever way babl takes, and goes back as it came.  babl measures
 * its ways anew in each run of this test, as it keeps no cache here. */
#include "sf-buffer.h"

#define SIDE 256

typedef struct
{
  const char *format;
  int steps; /* the largest number that is stored */
} Kind;

static const Kind pixels[] = {
  { "R'G'B' u8", 255 },
  { "R'G'B'A u8", 255 },
  { "Y' u8", 255 },
  { "Y'A u8", 255 },
  { "R'G'B' u16", 65535 },
  { "R'G'B'A u16", 65535 },
  { "Y' u16", 65535 },
  { "Y'A u16", 65535 },
};

/* The numbers of masks count as they are, linear or not. */
static const Kind masks[] = {
  { "Y u8", 255 },
  { "Y' u8", 255 },
  { "YA u8", 255 },
  { "Y u16", 65535 },
  { "Y'A u16", 65535 },
};

/* Component @c of pixel @i: each number there is, in another order for each component. */
static int
stored (const Kind *kind, int i, int c)
{
  return (i + c * 85 * kind->steps / 255) % (kind->steps + 1);
}

static GeglBuffer *
make_buffer (const Kind *kind, int *n)
{
  const Babl *format = babl_format (kind->format);
  GeglBuffer *buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, SIDE, SIDE), format);
  g_autofree guint16 *raw = g_new (guint16, SIDE * SIDE * 4);

  *n = babl_format_get_n_components (format);
  for (int i = 0; i < SIDE * SIDE; i++)
    for (int c = 0; c < *n; c++)
      if (kind->steps == 255)
        ((guint8 *) raw)[i * *n + c] = (guint8) stored (kind, i, c);
      else
        raw[i * *n + c] = (guint16) stored (kind, i, c);
  gegl_buffer_set (buffer, NULL, 0, format, raw, GEGL_AUTO_ROWSTRIDE);
  return buffer;
}

static void
assert_same (GeglBuffer *a, GeglBuffer *b)
{
  const Babl *format = gegl_buffer_get_format (a);
  gsize size = (gsize) babl_format_get_bytes_per_pixel (format) * SIDE * SIDE;
  g_autofree guint8 *x = g_malloc (size), *y = g_malloc (size);

  gegl_buffer_get (a, NULL, 1, format, x, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  gegl_buffer_get (b, NULL, 1, format, y, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  g_assert_cmpmem (x, size, y, size);
}

static void
test_pixels (gconstpointer data)
{
  const Kind *kind = data;
  int n;
  g_autoptr (GeglBuffer) buffer = make_buffer (kind, &n);
  g_autoptr (GeglBuffer) written = gegl_buffer_new (GEGL_RECTANGLE (0, 0, SIDE, SIDE), babl_format (kind->format));
  g_autoptr (SfTensor) mask = sf_tensor_new (1, SIDE, SIDE, 1, NULL);
  SfRect rect = { 0, 0, SIDE, SIDE };
  g_autofree float *rgba = sf_buffer_read_rgba (buffer, &rect, NULL);
  SfTensor made = { 1, SIDE, SIDE, 4, rgba };
  SfResult result = { .rect = rect, .rgba = &made, .mask = mask };

  for (int i = 0; i < SIDE * SIDE; i++)
    {
      for (int c = 0; c < 3; c++)
        g_assert_true (rgba[i * 4 + c] == (float) ((double) stored (kind, i, n < 3 ? 0 : c) / kind->steps));
      g_assert_true (rgba[i * 4 + 3] == (n % 2 == 1 ? 1 : (float) ((double) stored (kind, i, n - 1) / kind->steps)));
    }
  sf_buffer_write_rgba (written, &result);
  assert_same (buffer, written);

  gegl_buffer_clear (written, NULL);
  for (int i = 0; i < SIDE * SIDE; i++)
    mask->data[i] = 1;
  g_assert_true (sf_buffer_blend (buffer, written, &result, NULL));
  assert_same (buffer, written);
}

static void
test_masks (gconstpointer data)
{
  const Kind *kind = data;
  int n;
  g_autoptr (GeglBuffer) buffer = make_buffer (kind, &n);
  SfRect rect = { 0, 0, SIDE, SIDE };
  g_autofree float *coverage = sf_buffer_read_coverage (buffer, &rect, NULL);

  for (int i = 0; i < SIDE * SIDE; i++)
    {
      float value = (float) ((double) stored (kind, i, 0) / kind->steps);
      float alpha = n == 2 ? (float) ((double) stored (kind, i, 1) / kind->steps) : 1;

      g_assert_true (coverage[i] == value * alpha);
    }
}

static void
test_mask_written (void)
{
  Kind kind = { "Y u8", 255 };
  int n;
  g_autoptr (GeglBuffer) buffer = make_buffer (&kind, &n);
  g_autoptr (GeglBuffer) written = gegl_buffer_new (GEGL_RECTANGLE (0, 0, SIDE, SIDE), babl_format (kind.format));
  SfRect rect = { 0, 0, SIDE, SIDE };
  g_autofree float *coverage = sf_buffer_read_coverage (buffer, &rect, NULL);
  SfTensor mask = { 1, SIDE, SIDE, 1, coverage };
  SfResult result = { .rect = rect, .mask = &mask };

  sf_buffer_write_mask (written, &result);
  assert_same (buffer, written);
}

/* What lies outside is transparent, and not covered, although the format has no alpha. */
static void
test_outside (void)
{
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 1, 1), babl_format ("R'G'B' u8"));
  SfRect rect = { -1, -1, 3, 3 };
  guint8 white[] = { 255, 255, 255 };
  g_autofree float *rgba = NULL, *coverage = NULL;

  gegl_buffer_set (buffer, NULL, 0, NULL, white, GEGL_AUTO_ROWSTRIDE);
  rgba = sf_buffer_read_rgba (buffer, &rect, NULL);
  coverage = sf_buffer_read_coverage (buffer, &rect, NULL);
  for (int i = 0; i < 9; i++)
    {
      for (int c = 0; c < 4; c++)
        g_assert_cmpfloat (rgba[i * 4 + c], ==, i == 4);
      g_assert_cmpfloat (coverage[i], ==, i == 4);
    }
}

/* Models that hold something else than gray or RGB can be read too. */
static void
test_ink (void)
{
  const Babl *format = babl_format ("cmykA u8"); /* without its ink a paper is 255 */
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 2, 1), format);
  SfRect rect = { 0, 0, 2, 1 };
  guint8 raw[] = { 255, 255, 255, 255, 255, 0, 0, 0, 0, 255 };
  g_autofree float *rgba = NULL;

  gegl_buffer_set (buffer, NULL, 0, format, raw, GEGL_AUTO_ROWSTRIDE);
  rgba = sf_buffer_read_rgba (buffer, &rect, NULL);
  for (int c = 0; c < 3; c++)
    {
      g_assert_cmpfloat (rgba[c], >, 0.9);
      g_assert_cmpfloat (rgba[4 + c], <, 0.1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gegl_init (NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (pixels); i++)
    {
      g_autofree char *name = g_strdelimit (g_strconcat ("/buffer/pixels/", pixels[i].format, NULL), " ", '-');

      g_test_add_data_func (name, &pixels[i], test_pixels);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (masks); i++)
    {
      g_autofree char *name = g_strdelimit (g_strconcat ("/buffer/masks/", masks[i].format, NULL), " ", '-');

      g_test_add_data_func (name, &masks[i], test_masks);
    }
  g_test_add_func ("/buffer/masks/written", test_mask_written);
  g_test_add_func ("/buffer/outside", test_outside);
  g_test_add_func ("/buffer/ink", test_ink);
  return g_test_run ();
}
