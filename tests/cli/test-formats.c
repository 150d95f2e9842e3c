/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of every kind: precision, alpha and profile stay; what is not selected stays bit for bit; metadata stay. */
#include "cli.h"

#include <gexiv2/gexiv2.h>
#include <math.h>
#include <string.h>

#define W 64
#define H 48

/* A square in the middle. */
static float
square (int x, int y)
{
  return x >= 26 && x < 38 && y >= 18 && y < 30;
}

/* Full in the middle, down to nothing over twelve pixels. */
static float
hill (int x, int y)
{
  float distance = hypotf ((float) x - W / 2.0f, (float) y - H / 2.0f);

  return CLAMP (1 - (distance - 5) / 12, 0, 1);
}

typedef struct
{
  const char *name, *format;
} Kind;

static const Kind kinds[] = {
  { "rgb8.png", "R'G'B' u8" },
  { "gray8.png", "Y' u8" },
  { "rgba8.png", "R'G'B'A u8" },
  { "graya8.png", "Y'A u8" },
  { "rgb16.png", "R'G'B' u16" },
  { "graya16.png", "Y'A u16" },
  { "rgb8.tif", "R'G'B' u8" },
  { "rgba16.tif", "R'G'B'A u16" },
  { "rgbfloat.tif", "R'G'B' float" },
  { "grayfloat.tif", "Y' float" },
  { "rgbfloat.exr", "RGB float" },
  { "rgbafloat.exr", "RaGaBaA float" },
  { "rgb8.ppm", "R'G'B' u8" },
};

/* What is different outside and inside of the mask. */
static void
compare (const char *before, const char *after, float (*mask) (int x, int y), int *outside, int *inside)
{
  const Babl *format_a, *format_b;
  int w, h, w_b, h_b;
  g_autofree guint8 *a = cli_read_bytes (before, &format_a, &w, &h);
  g_autofree guint8 *b = cli_read_bytes (after, &format_b, &w_b, &h_b);
  gsize size = (gsize) babl_format_get_bytes_per_pixel (format_a);

  g_assert_cmpstr (babl_get_name (format_a), ==, babl_get_name (format_b));
  g_assert_cmpint (w, ==, w_b);
  g_assert_cmpint (h, ==, h_b);
  *outside = *inside = 0;
  for (int i = 0; i < w * h; i++)
    *(mask (i % w, i / w) > 0 ? inside : outside) += memcmp (a + (gsize) i * size, b + (gsize) i * size, size) != 0;
}

static void
test_precision (gconstpointer data)
{
  const Kind *kind = data;
  g_autofree char *in = g_strconcat ("in-", kind->name, NULL), *out = g_strconcat ("out-", kind->name, NULL);
  int outside, inside;

  cli_write_texture (in, kind->format, W, H);
  cli_write_mask ("square.png", "Y' u8", W, H, square);
  {
    g_auto (CliRun) run = cli_run ("fill", cli_path (in), cli_path (out), "--mask", cli_path ("square.png"), "--seed=3", "--steps=2");

    cli_assert_done (&run);
    compare (in, out, square, &outside, &inside);
    g_assert_cmpint (outside, ==, 0);
    g_assert_cmpint (inside, >, 12 * 12 / 2);
  }
  {
    g_auto (CliRun) run = cli_run ("regenerate", cli_path (in), cli_path (out), "--strength=0");

    cli_assert_done (&run);
    compare (in, out, square, &outside, &inside);
    g_assert_cmpint (outside + inside, ==, 0);
  }
}

/* Also for a mask of high precision, linear, or with alpha: it is the stored number that counts. */
static void
test_soft_mask (gconstpointer format)
{
  const char *mask = strstr (format, "float") != NULL ? "hill.tif" : "hill.png";
  g_autofree float *before = NULL, *after = NULL;
  int w, h, changed = 0;

  cli_write_texture ("soft-in.png", "R'G'B' u16", W, H);
  cli_write_mask (mask, format, W, H, hill);
  {
    g_auto (CliRun) run = cli_run ("fill", cli_path ("soft-in.png"), cli_path ("soft-out.png"), "--mask", cli_path (mask), "--seed=3", "--steps=2");

    cli_assert_done (&run);
  }
  before = cli_read_rgba ("soft-in.png", &w, &h);
  after = cli_read_rgba ("soft-out.png", &w, &h);
  for (int i = 0; i < w * h; i++)
    for (int c = 0; c < 3; c++)
      {
        float change = fabsf (after[4 * i + c] - before[4 * i + c]);

        g_assert_cmpfloat (change, <=, hill (i % w, i / w) + 1.0f / 255);
        changed += change > 0;
      }
  g_assert_cmpint (changed, >, 100);
}

/* A profile is no obstacle and stays. */
static void
test_profile (void)
{
  const Babl *space = babl_space ("Adobish"), *format = babl_format_with_space ("R'G'B' u8", space), *after;
  g_autofree float *rgba = g_new (float, W *H * 4);
  g_autofree guint8 *bytes = NULL;
  int w, h, outside, inside;

  for (int i = 0; i < W * H * 4; i++)
    rgba[i] = i % 4 == 3 ? 1 : (float) (i * 7 % 255) / 255;
  cli_write_pixels ("profile.png", format, W, H, rgba);
  cli_write_mask ("square.png", "Y' u8", W, H, square);
  {
    g_auto (CliRun) run = cli_run ("fill", cli_path ("profile.png"), cli_path ("profile-out.png"), "--mask", cli_path ("square.png"), "--seed=3", "--steps=2");

    cli_assert_done (&run);
  }
  compare ("profile.png", "profile-out.png", square, &outside, &inside);
  g_assert_cmpint (outside, ==, 0);
  bytes = cli_read_bytes ("profile-out.png", &after, &w, &h);
  g_assert_true (babl_format_get_space (after) != babl_space ("sRGB"));
}

/* Stored with the settings: who made it and how it lies, in all formats that can hold it. */
static void
test_metadata (gconstpointer extension)
{
  g_autofree char *in = g_strdup_printf ("meta-in.%s", (const char *) extension);
  g_autofree char *out = g_strdup_printf ("meta-out.%s", (const char *) extension);
  g_autoptr (GExiv2Metadata) before = gexiv2_metadata_new (), after = gexiv2_metadata_new ();
  g_autofree char *artist = NULL, *title = NULL;
  g_autoptr (GError) error = NULL;

  cli_write_texture (in, "R'G'B' u8", W, H);
  cli_write_mask ("square.png", "Y' u8", W, H, square);
  gexiv2_metadata_open_path (before, cli_path (in), &error);
  g_assert_no_error (error);
  gexiv2_metadata_try_set_tag_string (before, "Exif.Image.Artist", "A. Painter", &error);
  gexiv2_metadata_try_set_tag_string (before, "Exif.Image.Orientation", "6", &error);
  gexiv2_metadata_try_set_tag_string (before, "Xmp.dc.source", "meadow", &error);
  gexiv2_metadata_save_file (before, cli_path (in), &error);
  g_assert_no_error (error);
  {
    g_auto (CliRun) run = cli_run ("fill", cli_path (in), cli_path (out), "--mask", cli_path ("square.png"), "--seed=3", "--steps=2");

    cli_assert_done (&run);
  }
  gexiv2_metadata_open_path (after, cli_path (out), &error);
  g_assert_no_error (error);
  artist = gexiv2_metadata_try_get_tag_string (after, "Exif.Image.Artist", NULL);
  title = gexiv2_metadata_try_get_tag_string (after, "Xmp.dc.source", NULL);
  g_assert_cmpstr (artist, ==, "A. Painter");
  g_assert_cmpstr (title, ==, "meadow");
  g_assert_cmpint (gexiv2_metadata_try_get_orientation (after, NULL), ==, 6);
}

/* `sfumato info` prints a command line that makes the same file again. */
static void
test_repeat (void)
{
  g_auto (GStrv) lines = NULL, words = NULL;
  const char *last = NULL;

  cli_write_texture ("rep-in.png", "R'G'B' u8", W, H);
  cli_write_mask ("square.png", "Y' u8", W, H, square);
  {
    g_auto (CliRun) run = cli_run ("regenerate", cli_path ("rep-in.png"), cli_path ("rep-1.png"), "--mask", cli_path ("square.png"),
                                   "--strength=0.7", "--steps=3", "--sampler=heun", "--no-match-color");
    g_auto (CliRun) info = cli_run ("info", cli_path ("rep-1.png")), json = cli_run ("info", cli_path ("rep-1.png"), "--json");
    g_auto (CliRun) none = cli_run ("info", cli_path ("rep-in.png"));

    cli_assert_done (&run);
    cli_assert_done (&info);
    cli_assert_done (&json);
    cli_assert_failed (&none, 1, "rep-in.png");
    g_assert_nonnull (strstr (json.out, "\"strength\": 0.7"));
    lines = g_strsplit (g_strchomp (info.out), "\n", -1);
  }
  last = lines[g_strv_length (lines) - 1];
  g_assert_true (g_str_has_prefix (last, "sfumato regenerate IN OUT --mask=MASK "));
  words = g_strsplit (last + strlen ("sfumato "), " ", -1);
  for (char **word = words; *word != NULL; word++)
    {
      const char *replaced = g_str_equal (*word, "IN") ? cli_path ("rep-in.png") : g_str_equal (*word, "OUT") ? cli_path ("rep-2.png")
                                                                                                              : NULL;
      char *mask = g_str_equal (*word, "--mask=MASK") ? g_strconcat ("--mask=", cli_path ("square.png"), NULL) : g_strdup (replaced);

      if (mask != NULL)
        {
          g_free (*word);
          *word = mask;
        }
    }
  {
    g_auto (CliRun) run = cli_run_with (&(CliHow) { NULL }, (const char *const *) words);

    cli_assert_done (&run);
  }
  cli_assert_same_file ("rep-1.png", "rep-2.png");
}

/* NaN, infinities and values beyond white are no accident in float pictures. */
static void
test_odd_numbers (void)
{
  static const float odd[] = { NAN, INFINITY, -INFINITY, 1e30f, -3, 7 };
  g_autofree float *rgba = g_new (float, W *H * 4);
  int outside, inside;

  for (int i = 0; i < W * H * 4; i++)
    rgba[i] = i % 4 == 3 ? 1 : i % 29 == 0 ? odd[i / 29 % G_N_ELEMENTS (odd)]
                                           : 0.5f;
  cli_write_pixels ("odd.tif", babl_format ("R'G'B' float"), W, H, rgba);
  cli_write_mask ("square.png", "Y' u8", W, H, square);
  {
    g_auto (CliRun) run = cli_run ("fill", cli_path ("odd.tif"), cli_path ("odd-out.tif"), "--mask", cli_path ("square.png"), "--seed=3", "--steps=2");

    cli_assert_done (&run);
  }
  compare ("odd.tif", "odd-out.tif", square, &outside, &inside);
  g_assert_cmpint (outside, ==, 0);
}

/* Transparency must not vanish silently. */
static void
test_no_alpha (void)
{
  cli_write_texture ("alpha.png", "R'G'B'A u8", W, H);
  {
    g_auto (CliRun) run = cli_run ("regenerate", cli_path ("alpha.png"), cli_path ("alpha.jpg"), "--strength=0");

    cli_assert_failed (&run, 1, "transparency");
    g_assert_false (cli_exists ("alpha.jpg"));
  }
}

static void
add_tests (void)
{
  static const char *const masks[] = { "Y' u8", "Y' u16", "R'G'B'A u8", "Y float" };
  static const char *const extensions[] = { "png", "jpg", "tif", "webp" };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/formats/precision/%s", kinds[i].name);

      g_test_add_data_func (path, &kinds[i], test_precision);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (masks); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/formats/soft-mask/%s", masks[i]);

      g_test_add_data_func (path, masks[i], test_soft_mask);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (extensions); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/formats/metadata/%s", extensions[i]);

      g_test_add_data_func (path, extensions[i], test_metadata);
    }
  g_test_add_func ("/cli/formats/profile", test_profile);
  g_test_add_func ("/cli/formats/repeat", test_repeat);
  g_test_add_func ("/cli/formats/odd-numbers", test_odd_numbers);
  g_test_add_func ("/cli/formats/no-alpha", test_no_alpha);
}

int
main (int argc, char **argv)
{
  return cli_main (argc, argv, add_tests);
}
