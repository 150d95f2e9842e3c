/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole runs: what repeats, what differs, what is left behind. */
#include "cli.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#define W 72
#define H 56

static float
square (int x, int y)
{
  return x >= 30 && x < 44 && y >= 20 && y < 34;
}

static void
prepare (void)
{
  if (cli_exists ("in.png"))
    return;
  cli_write_texture ("in.png", "R'G'B' u8", W, H);
  cli_write_mask ("mask.png", "Y' u8", W, H, square);
}

static void
fill (const char *out, const char *seed, const char *environment)
{
  CliHow how = { .environment = environment };
  g_auto (CliRun) run = { 0 };

  prepare ();
  run = cli_run_with (&how, WORDS ("fill", cli_path ("in.png"), cli_path (out), "--mask", cli_path ("mask.png"), "--seed", seed, "--steps=3"));
  cli_assert_done (&run);
}

static gboolean
same_pixels (const char *a, const char *b)
{
  const Babl *format;
  int w, h;
  g_autofree guint8 *bytes_a = cli_read_bytes (a, &format, &w, &h), *bytes_b = cli_read_bytes (b, &format, &w, &h);

  return memcmp (bytes_a, bytes_b, (gsize) w * h * babl_format_get_bytes_per_pixel (format)) == 0;
}

static void
test_threads (void)
{
  fill ("one.png", "7", "SFUMATO_THREADS=1");
  fill ("two.png", "7", "SFUMATO_THREADS=2");
  fill ("four.png", "7", "SFUMATO_THREADS=4");
  fill ("other.png", "8", NULL);
  cli_assert_same_file ("one.png", "two.png");
  cli_assert_same_file ("one.png", "four.png");
  g_assert_false (same_pixels ("one.png", "other.png"));
}

/* A comma for a decimal point is for people, not for files. */
static void
test_locale (void)
{
  fill ("plain.png", "7", NULL);
  fill ("french.png", "7", "LC_ALL=fr_FR.UTF-8");
  cli_assert_same_file ("plain.png", "french.png");
}

static void
test_candidates (void)
{
  prepare ();
  {
    g_auto (CliRun) run = cli_run ("fill", cli_path ("in.png"), cli_path ("some.thing.png"), "--mask", cli_path ("mask.png"), "--seed=5", "--steps=1", "--candidates=3");

    cli_assert_done (&run);
  }
  g_assert_true (cli_exists ("some.thing.png") && cli_exists ("some.thing-2.png") && cli_exists ("some.thing-3.png"));
  g_assert_false (same_pixels ("some.thing.png", "some.thing-2.png"));
  g_assert_false (same_pixels ("some.thing-2.png", "some.thing-3.png"));
}

static void
test_streams (void)
{
  prepare ();
  {
    g_auto (CliRun) direct = cli_run ("fill", cli_path ("in.png"), cli_path ("direct.png"), "--mask", cli_path ("mask.png"), "--seed=5", "--steps=1");
    g_auto (CliRun) piped = cli_run_with (&(CliHow) { .in = cli_path ("in.png"), .out = cli_path ("piped.png") },
                                          WORDS ("fill", "-", "-", "--mask", cli_path ("mask.png"), "--seed=5", "--steps=1"));
    g_auto (CliRun) mask = cli_run_with (&(CliHow) { .in = cli_path ("mask.png") },
                                         WORDS ("fill", cli_path ("in.png"), cli_path ("mask-piped.png"), "--mask=-", "--seed=5", "--steps=1"));

    cli_assert_done (&direct);
    cli_assert_done (&piped);
    cli_assert_done (&mask);
  }
  cli_assert_same_file ("direct.png", "piped.png");
  cli_assert_same_file ("direct.png", "mask-piped.png");
}

static void
test_force (void)
{
  prepare ();
  {
    g_auto (CliRun) copy = cli_run ("regenerate", cli_path ("in.png"), cli_path ("self.png"), "--strength=0");
    g_auto (CliRun) over = cli_run ("fill", cli_path ("self.png"), cli_path ("self.png"), "--mask", cli_path ("mask.png"), "--seed=5", "--steps=1", "--force");
    g_auto (CliRun) plain = cli_run ("fill", cli_path ("in.png"), cli_path ("plain.png"), "--mask", cli_path ("mask.png"), "--seed=5", "--steps=1");

    cli_assert_done (&copy);
    cli_assert_done (&over);
    cli_assert_done (&plain);
  }
  g_assert_true (same_pixels ("self.png", "plain.png"));
}

/* More strength, more change; beyond about 0.6 nothing is left of a texture to depart from. */
static void
test_strength (void)
{
  double last = 0;

  prepare ();
  for (int i = 1; i <= 3; i++)
    {
      g_autofree char *strength = g_strdup_printf ("--strength=0.%d", 2 * i - 1);
      g_autofree float *before = NULL, *after = NULL;
      double sum = 0;
      int w, h;
      g_auto (CliRun) run = cli_run ("regenerate", cli_path ("in.png"), cli_path ("strong.png"), "--mask", cli_path ("mask.png"), "--seed=5", strength);

      cli_assert_done (&run);
      before = cli_read_rgba ("in.png", &w, &h);
      after = cli_read_rgba ("strong.png", &w, &h);
      for (int k = 0; k < w * h * 4; k++)
        sum += fabs (after[k] - before[k]);
      g_assert_cmpfloat (sum, >, last);
      last = sum;
    }
}

static void
test_expand (void)
{
  const Babl *format;
  int w, h, kept = 0;

  prepare ();
  {
    g_auto (CliRun) run = cli_run ("expand", cli_path ("in.png"), cli_path ("large.png"), "--left=12", "--top=5", "--right=3", "--seed=5", "--steps=2");
    g_auto (CliRun) nothing = cli_run ("expand", cli_path ("in.png"), cli_path ("not.png"));

    cli_assert_done (&run);
    g_assert_cmpint (nothing.status, !=, 0);
    g_assert_false (cli_exists ("not.png"));
  }
  {
    g_autofree guint8 *before = cli_read_bytes ("in.png", &format, &w, &h), *after = cli_read_bytes ("large.png", &format, &w, &h);

    g_assert_cmpint (w, ==, W + 15);
    g_assert_cmpint (h, ==, H + 5);
    for (int y = 0; y < H; y++)
      for (int x = 0; x < W; x++)
        kept += memcmp (before + (y * W + x) * 3, after + ((y + 5) * w + x + 12) * 3, 3) == 0;
  }
  /* All but a narrow seam. */
  g_assert_cmpint (kept, >, W * H / 2);
}

/* Mean step across the edge between column @a and column @b. */
static double
step_between (const float *rgba, int w, int h, int a, int b)
{
  double sum = 0;

  for (int y = 0; y < h; y++)
    for (int c = 0; c < 3; c++)
      sum += fabsf (rgba[(y * w + a) * 4 + c] - rgba[(y * w + b) * 4 + c]);
  return sum / (3 * h);
}

static void
test_generate (void)
{
  g_autofree char *example = NULL;
  g_autofree float *rgba = NULL;
  double inner = 0;
  int w, h;

  prepare ();
  example = g_strconcat ("--example=", cli_path ("in.png"), NULL);
  {
    g_auto (CliRun) run = cli_run ("generate", cli_path ("new.png"), example, "--width=60", "--height=44", "--tileable=horizontal", "--seed=5");

    cli_assert_done (&run);
  }
  rgba = cli_read_rgba ("new.png", &w, &h);
  g_assert_cmpint (w, ==, 60);
  g_assert_cmpint (h, ==, 44);
  for (int x = 1; x < w; x++)
    inner += step_between (rgba, w, h, x - 1, x) / (w - 1);
  g_assert_cmpfloat (step_between (rgba, w, h, w - 1, 0), <, 1.5 * inner);
}

/* At any time: nothing, or the whole. */
static void
test_interrupt (void)
{
  int n;

  prepare ();
  n = cli_count_files ();
  for (int i = 0; i < 8; i++)
    {
      CliHow how = { .interrupt_after = 200 + 150 * i };
      g_auto (CliRun) run = cli_run_with (&how, WORDS ("fill", cli_path ("in.png"), cli_path ("stopped.png"), "--mask", cli_path ("mask.png"), "--candidates=16", "--steps=100"));

      g_assert_cmpint (run.status, ==, 130);
      g_assert_cmpstr (run.err, ==, "");
      g_assert_cmpint (cli_count_files (), ==, n);
    }
}

static gpointer
fill_thread (gpointer out)
{
  fill (out, "7", NULL);
  return NULL;
}

static void
test_two_at_once (void)
{
  GThread *threads[4];
  const char *names[] = { "a.png", "b.png", "same.png", "same.png" };

  fill ("alone.png", "7", NULL);
  cli_path ("a.png");
  cli_path ("b.png");
  cli_path ("same.png");
  for (int i = 0; i < 4; i += 2)
    {
      threads[i] = g_thread_new ("first", fill_thread, (gpointer) names[i]);
      threads[i + 1] = g_thread_new ("second", fill_thread, (gpointer) names[i + 1]);
      g_thread_join (threads[i]);
      g_thread_join (threads[i + 1]);
    }
  cli_assert_same_file ("alone.png", "a.png");
  cli_assert_same_file ("alone.png", "b.png");
  cli_assert_same_file ("alone.png", "same.png");
}

static void
add_tests (void)
{
  g_test_add_func ("/cli/runs/threads", test_threads);
  g_test_add_func ("/cli/runs/locale", test_locale);
  g_test_add_func ("/cli/runs/candidates", test_candidates);
  g_test_add_func ("/cli/runs/streams", test_streams);
  g_test_add_func ("/cli/runs/force", test_force);
  g_test_add_func ("/cli/runs/strength", test_strength);
  g_test_add_func ("/cli/runs/expand", test_expand);
  g_test_add_func ("/cli/runs/generate", test_generate);
  g_test_add_func ("/cli/runs/interrupt", test_interrupt);
  g_test_add_func ("/cli/runs/two-at-once", test_two_at_once);
}

int
main (int argc, char **argv)
{
  return cli_main (argc, argv, add_tests);
}
