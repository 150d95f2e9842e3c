/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of the command-line tool share: a folder of their own, pictures, and running the tool. */
#pragma once

#include <gegl.h>

/* For main(): as g_test_init(), with a folder that vanishes at the end. */
int cli_main (int argc, char **argv, void (*add_tests) (void));

/* (transfer none): a file in the folder; kept until the end. */
const char *cli_path (const char *name);

/*** Running ***/

typedef struct
{
  int status;       /* exit status, 128 + signal */
  char *out, *err;
} CliRun;

typedef struct
{
  const char *in, *out;    /* (nullable) files for standard input and output */
  const char *environment; /* (nullable) "NAME=value" */
  gsize memory;            /* limit of the address space, 0 = none */
  int interrupt_after;     /* ms until SIGINT, 0 = never */
} CliHow;

/* @words: NULL-terminated, without the name of the tool.  Aborts the test after a minute. */
CliRun cli_run_with (const CliHow *how, const char *const *words);
void cli_run_clear (CliRun *run);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CliRun, cli_run_clear)

#define WORDS(...) ((const char *const[]) { __VA_ARGS__, NULL })
#define cli_run(...) cli_run_with (&(CliHow) { NULL }, WORDS (__VA_ARGS__))

/* Ran well, and said nothing. */
#define cli_assert_done(run) cli_check_done (__FILE__, __LINE__, run)
void cli_check_done (const char *file, int line, const CliRun *run);
/* Ended with @status and one line on standard error that has @part in it. */
#define cli_assert_failed(run, status, part) cli_check_failed (__FILE__, __LINE__, run, status, part)
void cli_check_failed (const char *file, int line, const CliRun *run, int status, const char *part);

gboolean cli_exists (const char *name);
/* Files in the folder, hidden ones included. */
int cli_count_files (void);

/*** Pictures ***/

/* A texture in @format (babl's name), written by GEGL; the format follows the extension. */
void cli_write_texture (const char *name, const char *format, int width, int height);
/* As above from pixels ("R'G'B'A float" in the format's space), width x height x 4 of them. */
void cli_write_pixels (const char *name, const Babl *format, int width, int height, const float *rgba);
/* Gray: @value (x, y) in 0…1. */
void cli_write_mask (const char *name, const char *format, int width, int height, float (*value) (int x, int y));

/* The pixels as stored; g_free() them. */
guint8 *cli_read_bytes (const char *name, const Babl **format, int *width, int *height);
/* As "R'G'B'A float", 4 x width x height. */
float *cli_read_rgba (const char *name, int *width, int *height);

#define cli_assert_same_file(a, b) cli_check_same_file (__FILE__, __LINE__, a, b)
void cli_check_same_file (const char *file, int line, const char *a, const char *b);
