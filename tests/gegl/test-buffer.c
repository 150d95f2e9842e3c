/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What 8 and 16 bits store arrives as the same floats whatever way babl takes, and goes back as it came.  babl measures
 * its ways anew in each run of this test, as it keeps no cache here. */
#include "sf-buffer.h"

#include <math.h>
#include <string.h>

#include "sf-encoding.h"

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

/*** Linear pictures, and other profiles ***/

#define LINEAR_TOLERANCE 1e-6
#define BABL_TOLERANCE 1e-3 /* it has polynomials instead of powers; less than half a step of 8 bits */

static const char *const spaces[] = { "sRGB", "Adobish", "Apple", "ProPhoto", "Rec2020" };
static const Kind converted[] = {
  { "R'G'B'A u8", 255 },
  { "R'G'B' u8", 255 },
  { "RGB u8", 255 },
  { "RGBA u8", 255 },
  { "R~G~B~A u8", 255 },
  { "Y u8", 255 },
  { "Y'A u8", 255 },
  { "RGBA u16", 65535 },
  { "YA u16", 65535 },
};

/* None of them is left to babl, which agrees (it takes seconds to find a way, so it is asked once); each number comes back. */
static void
test_converted (gconstpointer data)
{
  const Babl *space = babl_space (data);
  SfRect rect = { 0, 0, SIDE, SIDE };
  g_autofree float *expected = g_new (float, SIDE *SIDE * 4);

  for (gsize k = 0; k < G_N_ELEMENTS (converted); k++)
    {
      const Kind kind = { converted[k].format, converted[k].steps };
      const Babl *format = babl_format_with_space (kind.format, space);
      SfEncoding encoding;
      int n;
      g_autoptr (GeglBuffer) plain = make_buffer (&kind, &n), buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, SIDE, SIDE), format);
      g_autoptr (GeglBuffer) written = gegl_buffer_new (GEGL_RECTANGLE (0, 0, SIDE, SIDE), format);
      g_autofree guint8 *raw = g_malloc ((gsize) SIDE * SIDE * babl_format_get_bytes_per_pixel (format));
      g_autofree float *rgba = NULL;

      g_test_message ("%s", kind.format);
      g_assert_true (sf_encoding_init (&encoding, format));
      gegl_buffer_get (plain, NULL, 1, babl_format (kind.format), raw, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
      gegl_buffer_set (buffer, NULL, 0, format, raw, GEGL_AUTO_ROWSTRIDE);
      rgba = sf_buffer_read_rgba (buffer, &rect, NULL);
      if (k == 0)
        {
          gegl_buffer_get (buffer, NULL, 1, babl_format ("R'G'B'A float"), expected, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
          for (int i = 0; i < SIDE * SIDE * 4; i++)
            g_assert_cmpfloat (fabsf (rgba[i] - expected[i]), <=, BABL_TOLERANCE);
        }
      if (kind.steps == 65535 && space != babl_space ("sRGB"))
        continue; /* a float does not hold each of them: a power is steep at 0 */
      sf_buffer_write_rgba (written, &(SfResult) { .rect = rect, .rgba = &(SfTensor) { 1, SIDE, SIDE, 4, rgba } });
      assert_same (buffer, written);
    }
}

static double
curve_of_srgb (double x)
{
  return x > 0.0031308 ? 1.055 * pow (x, 1 / 2.4) - 0.055 : 12.92 * x;
}

/* Light below 0 and above 1 stays, and what is no number spoils no other. */
static void
test_light (void)
{
  static const float light[4] = { -0.25f, 0.5f, 3, 0.75f };
  const Babl *format = babl_format ("RGBA float");
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 2, 1), format);
  SfRect rect = { 0, 0, 2, 1 };
  float raw[8];
  g_autofree float *rgba = NULL;

  memcpy (raw, light, sizeof light);
  memcpy (raw + 4, light, sizeof light);
  raw[5] = NAN;
  gegl_buffer_set (buffer, NULL, 0, format, raw, GEGL_AUTO_ROWSTRIDE);
  rgba = sf_buffer_read_rgba (buffer, &rect, NULL);
  for (int i = 0; i < 8; i++)
    if (i == 5)
      g_assert_true (isnan (rgba[i]));
    else
      g_assert_cmpfloat (fabs (rgba[i] - (i % 4 == 3 ? light[3] : curve_of_srgb (light[i % 4]))), <=, LINEAR_TOLERANCE);
}

/* Where the mask is 0 the pixels are those from before, bit by bit; elsewhere they are the mixture. */
static void
test_kept (void)
{
  const Babl *format = babl_format_with_space ("RGBA float", babl_space ("ProPhoto"));
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 4, 1), format);
  float raw[16] = { NAN, -3, 1e9f, 0.3f, 0.1f, 0.2f, 0.3f, 1, 1e-30f, 0.7f, INFINITY, 0, 0.9f, 0.1f, 0.5f, 1 }, after[16];
  float made[16] = { 0 }, share[4] = { 0, 1, 0, 0 };
  SfTensor rgba = { 1, 1, 4, 4, made }, mask = { 1, 1, 4, 1, share };
  SfResult result = { .rect = { 0, 0, 4, 1 }, .rgba = &rgba, .mask = &mask };

  for (int i = 4; i < 8; i++)
    made[i] = 1; /* white */
  gegl_buffer_set (buffer, NULL, 0, format, raw, GEGL_AUTO_ROWSTRIDE);
  g_assert_true (sf_buffer_blend (buffer, buffer, &result, NULL));
  gegl_buffer_get (buffer, NULL, 1, format, after, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  g_assert_cmpmem (after, 4 * sizeof (float), raw, 4 * sizeof (float));
  g_assert_cmpmem (after + 8, 8 * sizeof (float), raw + 8, 8 * sizeof (float));
  for (int i = 4; i < 8; i++)
    g_assert_cmpfloat (fabsf (after[i] - 1), <=, 1e-4); /* as exact as a profile's white */
}

/* What a network makes is meant for sRGB, and seen through another profile it is the same colour, not the same number. */
static void
test_color (void)
{
  const Babl *format = babl_format_with_space ("R'G'B' float", babl_space ("Adobish"));
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 1, 1), format);
  float green[4] = { 0, 1, 0, 1 }, raw[3];
  SfTensor rgba = { 1, 1, 1, 4, green };

  sf_buffer_write_rgba (buffer, &(SfResult) { .rect = { 0, 0, 1, 1 }, .rgba = &rgba });
  gegl_buffer_get (buffer, NULL, 1, format, raw, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  g_assert_cmpfloat (raw[0], >, 0.5);  /* sRGB's green is no pure one in Adobe RGB: 0.565, 1, 0.234 */
  g_assert_cmpfloat (raw[0], <, 0.6);
  g_assert_cmpfloat (raw[1], >, 0.99);
  g_assert_cmpfloat (raw[2], >, 0.2);
  g_assert_cmpfloat (raw[2], <, 0.3);
}

/* Colours of a gray picture become their luminance. */
static void
test_gray (void)
{
  const Babl *format = babl_format ("Y float");
  g_autoptr (GeglBuffer) buffer = gegl_buffer_new (GEGL_RECTANGLE (0, 0, 2, 1), format);
  float colors[8] = { 1, 0, 0, 1, 0.5f, 0.5f, 0.5f, 1 }, raw[2];
  SfTensor rgba = { 1, 1, 2, 4, colors };

  sf_buffer_write_rgba (buffer, &(SfResult) { .rect = { 0, 0, 2, 1 }, .rgba = &rgba });
  gegl_buffer_get (buffer, NULL, 1, format, raw, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  g_assert_cmpfloat (fabsf (raw[0] - 0.2126f), <=, LINEAR_TOLERANCE);
  g_assert_cmpfloat (fabs (curve_of_srgb (raw[1]) - 0.5), <=, LINEAR_TOLERANCE);
}

/* These are for babl to know. */
static void
test_others (void)
{
  static const char *const formats[] = { "cmykA u8", "RaGaBaA float", "CIE Lab float", "HSV float" };
  SfEncoding encoding;

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++)
    g_assert_false (sf_encoding_init (&encoding, babl_format (formats[i])));
}

/*** Masks ***/

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
  for (gsize i = 0; i < G_N_ELEMENTS (spaces); i++)
    {
      g_autofree char *name = g_strconcat ("/buffer/converted/", spaces[i], NULL);

      g_test_add_data_func (name, spaces[i], test_converted);
    }
  g_test_add_func ("/buffer/light", test_light);
  g_test_add_func ("/buffer/kept", test_kept);
  g_test_add_func ("/buffer/color", test_color);
  g_test_add_func ("/buffer/gray", test_gray);
  g_test_add_func ("/buffer/others", test_others);
  g_test_add_func ("/buffer/masks/written", test_mask_written);
  g_test_add_func ("/buffer/outside", test_outside);
  g_test_add_func ("/buffer/ink", test_ink);
  return g_test_run ();
}
