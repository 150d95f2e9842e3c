/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sf-bench [SUITE …] [--json FILE] [--prototype DIR] [--peers DIR] [--peers-command COMMAND] [--blas-core NAME]
 * [--repeats N]: how fast, and how much memory.
 *
 * Every figure is the best of several runs, in a child process of its own, so that no suite warms another one's caches
 * and the peak of the memory is the run's own.  The machine is described first: the product of matrices is measured in
 * the same run, as a shared machine changes from minute to minute.
 */
#include "sf-bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "kernels/sf-blas.h"
#include "kernels/sf-kernels.h"

static const struct
{
  const char *name;
  void (*run) (Bench *bench);
} suites[] = { { "cancel", bench_cancel }, { "fill", bench_fill }, { "kernels", bench_kernels }, { "networks", bench_networks }, { "samplers", bench_samplers } };

void
bench_figure (Bench *bench, const char *name, double value, const char *unit)
{
  g_print ("  %s %.4g%s%s", name, value, *unit != '\0' ? " " : "", unit);
  json_builder_set_member_name (bench->json, name);
  json_builder_add_double_value (bench->json, value);
}

void
bench_row (Bench *bench, const char *name)
{
  g_print ("%-34s", name);
  json_builder_begin_object (bench->json);
  json_builder_set_member_name (bench->json, "name");
  json_builder_add_string_value (bench->json, name);
}

void
bench_row_end (Bench *bench)
{
  g_print ("\n");
  json_builder_end_object (bench->json);
}

double
bench_best (void (*func) (gpointer), gpointer data, int repeats)
{
  gint64 best = G_MAXINT64;

  for (int i = 0; i < repeats; i++)
    {
      gint64 begin = g_get_monotonic_time ();

      func (data);
      best = MIN (best, g_get_monotonic_time () - begin);
    }
  return best / 1e6;
}

gboolean
bench_in_child (int n_threads, BenchChild func, gconstpointer in, gpointer out, gsize size)
{
  int ends[2], status;
  pid_t child;
  gboolean done;

  fflush (NULL);
  if (pipe (ends) != 0 || (child = fork ()) < 0)
    return FALSE;
  if (child == 0)
    {
      sf_parallel_set_threads (n_threads);
      func (in, out);
      _exit (write (ends[1], out, size) == (gssize) size ? 0 : 1);
    }
  close (ends[1]);
  done = read (ends[0], out, size) == (gssize) size;
  close (ends[0]);
  return waitpid (child, &status, 0) == child && WIFEXITED (status) && WEXITSTATUS (status) == 0 && done;
}

/*** The machine ***/

#define GEMM_SIDE 768

static void
multiply (gpointer data)
{
  float *x = data;

  sf_gemm_nt (GEMM_SIDE, GEMM_SIDE, GEMM_SIDE, x, x + GEMM_SIDE * GEMM_SIDE, x + 2 * GEMM_SIDE * GEMM_SIDE);
}

static void
measure_gemm (gconstpointer in, gpointer out)
{
  g_autofree float *x = g_new (float, 3 * GEMM_SIDE * GEMM_SIDE);

  sf_rng_normal ((SfRng) { 1, 1 }, 0, x, 3 * GEMM_SIDE * GEMM_SIDE);
  *(double *) out = 2e-9 * GEMM_SIDE * GEMM_SIDE * GEMM_SIDE / bench_best (multiply, x, 10);
}

static char *
cpu_model (void)
{
  g_autofree char *text = NULL;
  const char *line;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL) || (line = strstr (text, "model name")) == NULL)
    return g_strdup ("unknown");
  line = strchr (line, ':') + 2;
  return g_strndup (line, strcspn (line, "\n"));
}

static void
describe (Bench *bench)
{
  g_autofree char *model = cpu_model ();
  double gflops = 0, load[1] = { 0 };

  bench_in_child (1, measure_gemm, NULL, &gflops, sizeof gflops);
  if (getloadavg (load, 1) != 1)
    load[0] = -1;
  g_print ("%s, %u cores, OpenBLAS core %s, kernels %s\n", model, g_get_num_processors (), sf_blas_core (), sf_kernels ()->name);
  json_builder_begin_object (bench->json);
  json_builder_set_member_name (bench->json, "cpu");
  json_builder_add_string_value (bench->json, model);
  json_builder_set_member_name (bench->json, "blas");
  json_builder_add_string_value (bench->json, sf_blas_core ());
  json_builder_set_member_name (bench->json, "kernels");
  json_builder_add_string_value (bench->json, sf_kernels ()->name);
  bench_figure (bench, "cores", g_get_num_processors (), "");
  bench_figure (bench, "sgemm", gflops, "GFLOP/s");
  bench_figure (bench, "load", load[0], "");
  bench_row_end (bench);
}

/*** Main ***/

static gboolean
write_json (JsonBuilder *builder, const char *path)
{
  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  g_autoptr (JsonGenerator) generator = json_generator_new ();
  g_autoptr (GError) error = NULL;

  json_generator_set_root (generator, root);
  json_generator_set_pretty (generator, TRUE);
  if (json_generator_to_file (generator, path, &error))
    return TRUE;
  g_printerr ("%s: %s\n", path, error->message);
  return FALSE;
}

static void
run_suites (Bench *bench, char **wanted)
{
  for (gsize i = 0; i < G_N_ELEMENTS (suites); i++)
    if (wanted == NULL || g_strv_contains ((const char *const *) wanted, suites[i].name))
      {
        g_print ("\n%s\n", suites[i].name);
        json_builder_set_member_name (bench->json, suites[i].name);
        json_builder_begin_array (bench->json);
        suites[i].run (bench);
        json_builder_end_array (bench->json);
      }
}

int
main (int argc, char **argv)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autoptr (GOptionContext) context = g_option_context_new ("[cancel] [fill] [kernels] [networks] [samplers]");
  g_autofree char *json = NULL, *prototype = NULL, *peers = NULL, *peers_command = NULL, *core = NULL;
  g_auto (GStrv) wanted = NULL;
  Bench bench = { .repeats = 3, .json = builder };
  GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_FILENAME, &json, "Write the figures there as JSON", "FILE" },
    { "prototype", 0, 0, G_OPTION_ARG_FILENAME, &prototype, "Time this Python implementation on the same pictures", "DIR" },
    { "peers", 0, 0, G_OPTION_ARG_FILENAME, &peers, "Time the networks of this folder", "DIR" },
    { "peers-command", 0, 0, G_OPTION_ARG_STRING, &peers_command, "Prints what others take for them", "COMMAND" },
    { "blas-core", 0, 0, G_OPTION_ARG_STRING, &core, "OpenBLAS uses the kernels of this CPU (Haswell)", "NAME" },
    { "repeats", 0, 0, G_OPTION_ARG_INT, &bench.repeats, "Runs of which the best counts", "N" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &wanted, NULL, NULL },
    { 0 },
  };
  g_autoptr (GError) error = NULL;

  g_auto (GStrv) again = g_strdupv (argv);

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    {
      g_printerr ("%s\n", error->message);
      return 2;
    }
  /* OpenBLAS reads its environment before main() is called. */
  if (core != NULL && g_strcmp0 (g_getenv ("OPENBLAS_CORETYPE"), core) != 0)
    {
      g_setenv ("OPENBLAS_CORETYPE", core, TRUE);
      execv ("/proc/self/exe", again);
    }
  bench.prototype = prototype;
  bench.peers = peers;
  bench.peers_command = peers_command;
  json_builder_begin_object (builder);
  json_builder_set_member_name (builder, "machine");
  describe (&bench);
  run_suites (&bench, wanted);
  json_builder_end_object (builder);
  return json == NULL || write_json (builder, json) ? 0 : 1;
}
