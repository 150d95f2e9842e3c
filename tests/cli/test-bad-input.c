/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whatever is wrong with a file: status 1, one line that names it, and nothing written. */
#include "cli.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define W 48
#define H 40

static float
square (int x, int y)
{
  return x >= 18 && x < 30 && y >= 14 && y < 26;
}

static void
prepare (void)
{
  if (cli_exists ("good.png"))
    return;
  cli_write_texture ("good.png", "R'G'B' u8", W, H);
  cli_write_mask ("mask.png", "Y' u8", W, H, square);
}

static void
check_refused (const char *in, const char *mask, const char *out, const char *part)
{
  int n = cli_count_files ();
  g_auto (CliRun) run = cli_run ("fill", cli_path (in), cli_path (out), "--mask", cli_path (mask), "--seed=1", "--steps=1");

  cli_assert_failed (&run, 1, part);
  g_assert_cmpint (cli_count_files (), ==, n);
}

static void
write_bytes (const char *name, const void *bytes, gsize n)
{
  g_assert_true (g_file_set_contents (cli_path (name), bytes, (gssize) n, NULL));
}

/*** Input ***/

static void
test_no_picture (void)
{
  prepare ();
  write_bytes ("empty.png", "", 0);
  write_bytes ("text.png", "This is no picture.\n", 20);
  g_mkdir (cli_path ("folder.png"), 0700);
  check_refused ("missing.png", "mask.png", "out.png", "missing.png");
  check_refused ("empty.png", "mask.png", "out.png", "empty.png");
  check_refused ("text.png", "mask.png", "out.png", "text.png");
  check_refused ("folder.png", "mask.png", "out.png", "folder");
  check_refused ("good.png/below.png", "mask.png", "out.png", "below.png");
  check_refused ("good.png", "missing-mask.png", "out.png", "missing-mask.png");
  check_refused ("good.png", "text.png", "out.png", "text.png");
}

static void
test_truncated (gconstpointer extension)
{
  g_autofree char *whole = g_strdup_printf ("whole.%s", (const char *) extension);
  g_autofree char *cut = g_strdup_printf ("cut.%s", (const char *) extension), *bytes = NULL;
  gsize n;

  prepare ();
  {
    g_auto (CliRun) run = cli_run ("regenerate", cli_path ("good.png"), cli_path (whole), "--strength=0");

    cli_assert_done (&run);
  }
  g_assert_true (g_file_get_contents (cli_path (whole), &bytes, &n, NULL));
  for (int i = 1; i < 8; i++)
    {
      write_bytes (cut, bytes, n * (gsize) i / 8);
      check_refused (cut, "mask.png", "out.png", cut);
    }
  write_bytes (cut, bytes, 9);
  check_refused (cut, "mask.png", "out.png", cut);
}

/* The structure is right, the content is not. */
static void
test_flipped_bits (void)
{
  g_autofree char *bytes = NULL;
  gsize n;

  prepare ();
  g_assert_true (g_file_get_contents (cli_path ("good.png"), &bytes, &n, NULL));
  for (gsize i = n / 2; i < n / 2 + 20; i++)
    bytes[i] ^= 0x55;
  write_bytes ("flipped.png", bytes, n);
  check_refused ("flipped.png", "mask.png", "out.png", "flipped.png");
}

/* libjpeg ends the program for this one: 77 colour components. */
static void
test_fatal_jpeg (void)
{
  g_autofree char *bytes = NULL;
  gsize n, at = 2;

  prepare ();
  {
    g_auto (CliRun) run = cli_run ("regenerate", cli_path ("good.png"), cli_path ("good.jpg"), "--strength=0");

    cli_assert_done (&run);
  }
  g_assert_true (g_file_get_contents (cli_path ("good.jpg"), &bytes, &n, NULL));
  /* Frame header: length 2, precision 1, height 2, width 2, components 1. */
  while (at + 9 < n && !((guint8) bytes[at] == 0xff && ((guint8) bytes[at + 1] & 0xfc) == 0xc0 && (guint8) bytes[at + 1] != 0xc4))
    at += 2 + ((gsize) (guint8) bytes[at + 2] << 8 | (guint8) bytes[at + 3]);
  g_assert_cmpint (at + 9, <, n);
  bytes[at + 9] = 77;
  write_bytes ("fatal.jpg", bytes, n);
  check_refused ("fatal.jpg", "mask.png", "out.png", "fatal.jpg");
}

/* A PNG file that says it has a hundred thousand columns and rows; check sums are right. */
static void
test_huge (void)
{
  static const guint8 huge[] = {
    0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n',
    0, 0, 0, 13, 'I', 'H', 'D', 'R', 0x00, 0x01, 0x86, 0xa0, 0x00, 0x01, 0x86, 0xa0, 0x08, 0x02, 0x00, 0x00, 0x00, 0x27, 0x30, 0x9c, 0x9f,
    0, 0, 0, 12, 'I', 'D', 'A', 'T', 0x78, 0x9c, 0x63, 0x60, 0xa0, 0x3d, 0x00, 0x00, 0x00, 0x64, 0x00, 0x01, 0x86, 0x64, 0x3c, 0x35,
    0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42, 0x60, 0x82
  };

  prepare ();
  write_bytes ("huge.png", huge, sizeof huge);
  check_refused ("huge.png", "mask.png", "out.png", "huge.png");
  check_refused ("good.png", "huge.png", "out.png", "huge.png");
}

static float
black (int x, int y)
{
  return 0;
}

static void
test_mask (void)
{
  prepare ();
  cli_write_mask ("small.png", "Y' u8", W - 1, H, square);
  cli_write_mask ("black.png", "Y' u8", W, H, black);
  check_refused ("good.png", "small.png", "out.png", "47 × 40");
  check_refused ("good.png", "small.png", "out.png", "48 × 40");
  check_refused ("good.png", "black.png", "out.png", "black.png");
}

static float
white (int x, int y)
{
  return 1;
}

/* Nothing to continue, or hardly anything. */
static void
test_no_surroundings (void)
{
  g_autofree float *clear = g_new0 (float, W *H * 4);

  prepare ();
  cli_write_mask ("white.png", "Y' u8", W, H, white);
  check_refused ("good.png", "white.png", "out.png", "surround");
  cli_write_pixels ("clear.png", babl_format ("R'G'B'A u8"), W, H, clear);
  check_refused ("clear.png", "mask.png", "out.png", "transparent");
}

/* Small and thin pictures do not crash: they are worked on or refused. */
static void
test_small (void)
{
  static const int sizes[][2] = { { 1, 1 }, { 1, 50 }, { 50, 1 }, { 3, 3 }, { 8, 8 }, { 2, 2000 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (int task = 0; task < 3; task++)
      {
        static const char *const words[][2] = { { "regenerate", "--strength=0.5" }, { "expand", "--left=5" }, { "generate", "--width=9" } };

        cli_write_texture ("tiny.png", "R'G'B' u8", sizes[i][0], sizes[i][1]);
        {
          g_autofree char *example = g_strconcat ("--example=", cli_path ("tiny.png"), NULL);
          g_auto (CliRun) run = task == 2 ? cli_run ("generate", cli_path ("tiny-out.png"), example, "--steps=1", words[task][1])
                                          : cli_run (words[task][0], cli_path ("tiny.png"), cli_path ("tiny-out.png"), "--steps=1", words[task][1]);

          if (run.status != 0) /* 2: a new picture as low as the example is wrong usage */
            cli_assert_failed (&run, run.status == 2 ? 2 : 1, "");
        }
      }
}

/*** Output ***/

static void
test_unwritable (void)
{
  prepare ();
  g_mkdir (cli_path ("taken.png"), 0700);
  check_refused ("good.png", "mask.png", "good.png", "--force");
  check_refused ("good.png", "mask.png", "mask.png", "--force");
  check_refused ("good.png", "mask.png", "nowhere/out.png", "nowhere");
  check_refused ("good.png", "mask.png", "good.png/out.png", "good.png/out.png");
  check_refused ("good.png", "mask.png", "taken.png", "taken.png");
}

static void
test_full (void)
{
  prepare ();
  {
    g_auto (CliRun) run = cli_run ("regenerate", cli_path ("good.png"), "/dev/full", "--strength=0");

    cli_assert_failed (&run, 1, "/dev/full");
    g_assert_false (g_file_test ("/dev/full", G_FILE_TEST_IS_REGULAR));
  }
  {
    g_auto (CliRun) run = cli_run_with (&(CliHow) { .out = "/dev/full" }, WORDS ("regenerate", cli_path ("good.png"), "-", "--strength=0"));

    cli_assert_failed (&run, 1, "");
  }
}

/* On a disk of its own, in a mount namespace of its own: @options of mount, then what the tool must say. */
static void
check_disk (const char *options, const char *part)
{
  static const char script[] = "mount -t tmpfs -o \"$1\" none \"$2\" || exit 77\n"
                               "\"$SF_CLI\" regenerate \"$3\" \"$2/out.png\" --strength=0; status=$?\n"
                               "[ -z \"$(ls -A \"$2\")\" ] || status=78\n"
                               "umount \"$2\"\n"
                               "exit $status\n";
  /* Below a chroot the kernel refuses to make the root private, which it then is already. */
  static const char *const propagations[] = { "private", "unchanged" };

  prepare ();
  g_mkdir (cli_path ("disk"), 0700);
  for (gsize i = 0; i < G_N_ELEMENTS (propagations); i++)
    {
      const char *words[] = { "unshare", geteuid () == 0 ? "-m" : "-rm", "--propagation", propagations[i], "sh", "-c", script, "sh",
                              options, cli_path ("disk"), cli_path ("good.png"), NULL };
      g_autofree char *err = NULL;
      int status;

      if (!g_spawn_sync (NULL, (char **) words, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &err, &status, NULL) ||
          g_str_has_prefix (err, "unshare:") || g_str_has_prefix (err, "mount:"))
        continue;
      g_assert_true (WIFEXITED (status));
      g_assert_cmpint (WEXITSTATUS (status), ==, 1);
      g_assert_nonnull (strstr (err, part));
      return;
    }
  g_test_skip ("no rights to mount");
}

static void
test_full_disk (void)
{
  check_disk ("size=4k", "No space left on device");
}

static void
test_read_only_disk (void)
{
  check_disk ("ro", "Read-only file system");
}

/*** Memory ***/

/* Any limit ends in a result or in one line, never in a crash.  Below some 500 MB OpenBLAS and GEGL do not start. */
static void
test_memory (void)
{
  prepare ();
  if (g_getenv ("SF_NO_MEMORY_LIMIT") != NULL)
    {
      g_test_skip ("sanitizers need all addresses");
      return;
    }
  for (gsize megabytes = 550; megabytes <= 950; megabytes += 200)
    {
      CliHow how = { .memory = megabytes << 20 };
      g_autofree char *example = g_strconcat ("--example=", cli_path ("good.png"), NULL);
      g_auto (CliRun) large = cli_run_with (&how, WORDS ("generate", cli_path ("out.png"), example, "--width=12000", "--height=12000", "--steps=1"));
      g_auto (CliRun) small = cli_run_with (&how, WORDS ("fill", cli_path ("good.png"), cli_path ("out-small.png"), "--mask", cli_path ("mask.png"), "--steps=1"));

      cli_assert_failed (&large, 1, "emory");
      g_assert_false (cli_exists ("out.png"));
      if (small.status != 0)
        cli_assert_failed (&small, 1, "emory");
      g_assert_cmpint (cli_exists ("out-small.png"), ==, small.status == 0);
      g_unlink (cli_path ("out-small.png"));
    }
}

static void
add_tests (void)
{
  static const char *const extensions[] = { "png", "jpg", "tif", "webp", "exr", "ppm" };

  for (gsize i = 0; i < G_N_ELEMENTS (extensions); i++)
    {
      g_autofree char *path = g_strdup_printf ("/cli/bad-input/truncated/%s", extensions[i]);

      g_test_add_data_func (path, extensions[i], test_truncated);
    }
  g_test_add_func ("/cli/bad-input/no-picture", test_no_picture);
  g_test_add_func ("/cli/bad-input/flipped-bits", test_flipped_bits);
  g_test_add_func ("/cli/bad-input/fatal-jpeg", test_fatal_jpeg);
  g_test_add_func ("/cli/bad-input/huge", test_huge);
  g_test_add_func ("/cli/bad-input/mask", test_mask);
  g_test_add_func ("/cli/bad-input/no-surroundings", test_no_surroundings);
  g_test_add_func ("/cli/bad-input/small", test_small);
  g_test_add_func ("/cli/bad-input/unwritable", test_unwritable);
  g_test_add_func ("/cli/bad-input/full", test_full);
  g_test_add_func ("/cli/bad-input/full-disk", test_full_disk);
  g_test_add_func ("/cli/bad-input/read-only-disk", test_read_only_disk);
  g_test_add_func ("/cli/bad-input/memory", test_memory);
}

int
main (int argc, char **argv)
{
  return cli_main (argc, argv, add_tests);
}
