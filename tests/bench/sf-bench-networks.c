/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers, and whole networks beside what others take for the same ones.
 *
 * --peers DIR: networks as diffusers folders, each with io.safetensors: tensors CASE.x and CASE.t, and CASE.y, what PyTorch made
 * of them.  --peers-command COMMAND prints lines of JSON {net, case, peer, best_s}: times of the others in the same run.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "arch/sf-network.h"
#include "base/sf-parallel.h"
#include "sf-bench-layers.h"

static const struct
{
  const char *network, *name;
  double gflop; /* by the direct method */
} cases[] = {
  { "cifar32", "b1", 12.44 },
  { "cifar32", "b8", 8 * 12.44 },
  { "celebahq256", "b1", 497.0 },
};

typedef struct
{
  const char *folder, *name;
  int repeats;
} Question;

typedef struct
{
  double open, first, later, peak; /* seconds, seconds, seconds, operations per second */
  double packing, rate;            /* bytes, bytes of plain weights per second that the first run took longer */
  double error;
  double arena, live;              /* bytes */
  double late, latest;             /* seconds from a cancel to the end: the median, the most */
} Answer;

/*** One network ***/

static JsonObject *
read_config (const char *folder)
{
  g_autofree char *path = g_build_filename (folder, "config.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();

  if (!json_parser_load_from_file (parser, path, NULL))
    return NULL;
  return json_object_ref (json_node_get_object (json_parser_get_root (parser)));
}

static SfWeights *
open_weights (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  return sf_weights_open (path, NULL, NULL);
}

/* (nullable): array CASE.@part. */
static const SfArray *
get_array (const SfWeights *weights, const char *name, const char *part)
{
  g_autofree char *key = g_strdup_printf ("%s.%s", name, part);

  return sf_weights_get (weights, key);
}

/* n x c x h x w as n x h x w x c. */
static float *
interleave (const SfArray *array)
{
  const gsize c = array->dim[1], pixels = array->dim[2] * array->dim[3];
  g_autofree float *planes = g_new (float, array->n);
  float *out = g_new (float, array->n);

  sf_array_read (array, 0, array->n, planes);
  for (gsize i = 0; i < array->n; i++)
    out[(i / (c * pixels) * pixels + i % pixels) * c + i / pixels % c] = planes[i];
  return out;
}

static double
relative_error (const SfTensor *y, const float *right)
{
  double error = 0, size = 0;

  for (gsize i = 0; i < sf_tensor_size (y); i++)
    {
      error += pow ((double) y->data[i] - right[i], 2);
      size += pow (right[i], 2);
    }
  return sqrt (error / size);
}

typedef struct
{
  SfNetwork *network;
  const double *t;
} Forward;

static SfTensor *
forward (SfContext *cx, SfTensor *x, gpointer data)
{
  const Forward *self = data;

  return sf_network_forward (self->network, cx, x, self->t, NULL);
}

#define STEPS 3 /* in a row, as in a run: the product of matrices before them leaves nothing in the caches */

/*** Cancel ***/

#define CANCELS 51

typedef struct
{
  GCancellable *cancellable;
  gulong wait; /* microseconds */
  double at;
} Canceller;

static gpointer
cancel (gpointer data)
{
  Canceller *self = data;

  g_usleep (self->wait);
  self->at = bench_now ();
  g_cancellable_cancel (self->cancellable);
  return NULL;
}

static int
compare_doubles (const void *a, const void *b)
{
  const double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Cancels runs at times spread over all of one. */
static void
measure_cancel (SfContext *cx, const SfArray *x, const float *pixels, const Forward *call, Answer *answer)
{
  double late[CANCELS];

  for (int i = 0; i < CANCELS; i++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
      Canceller canceller = { cancellable, (gulong) (1e6 * answer->later * (i + 0.5) / CANCELS), 0 };
      SfTensor *image, *result;
      GThread *thread;

      sf_context_begin (cx, &progress, 0);
      image = sf_context_tensor (cx, x->dim[0], x->dim[2], x->dim[3], x->dim[1]);
      memcpy (image->data, pixels, x->n * sizeof (float));
      thread = g_thread_new ("cancel", cancel, &canceller);
      result = forward (cx, image, (gpointer) call);
      late[i] = bench_now ();
      g_thread_join (thread);
      late[i] = MAX (late[i] - canceller.at, 0);
      if (result != NULL)
        sf_tensor_unref (result);
      sf_context_end (cx, NULL);
    }
  qsort (late, CANCELS, sizeof *late, compare_doubles);
  answer->late = late[CANCELS / 2];
  answer->latest = late[CANCELS - 1];
}

static void
measure (gconstpointer in, gpointer out)
{
  const Question *question = in;
  Answer *answer = out;
  double begin = bench_now ();
  JsonObject *config = read_config (question->folder);
  SfWeights *weights = open_weights (question->folder, "diffusion_pytorch_model.safetensors"), *io = open_weights (question->folder, "io.safetensors");
  const SfArray *x = get_array (io, question->name, "x"), *y = get_array (io, question->name, "y");
  SfNetwork *network = sf_network_open (config, weights, NULL);
  SfContext *cx = sf_context_new (0);
  g_autofree float *pixels = interleave (x), *right = interleave (y);
  g_autofree double *t = g_new (double, x->dim[0]);
  Forward call = { network, t };
  gsize plain = 0;
  float label;

  sf_array_read (get_array (io, question->name, "t"), 0, 1, &label);
  for (gsize i = 0; i < x->dim[0]; i++)
    t[i] = label;
  *answer = (Answer) { .open = bench_now () - begin, .later = G_MAXDOUBLE };
  for (int i = 0; i <= STEPS * question->repeats; i++)
    {
      SfTensor *image, *result;

      if (i % STEPS == 0)
        answer->peak = MAX (answer->peak, bench_peak ());
      sf_context_begin (cx, NULL, 0);
      image = sf_context_tensor (cx, x->dim[0], x->dim[2], x->dim[3], x->dim[1]);
      memcpy (image->data, pixels, x->n * sizeof (float));
      begin = bench_now ();
      result = forward (cx, image, &call);
      *(i == 0 ? &answer->first : &answer->later) = MIN (i == 0 ? G_MAXDOUBLE : answer->later, bench_now () - begin);
      answer->error = relative_error (result, right);
      sf_tensor_unref (result);
      sf_context_end (cx, NULL);
    }
  measure_cancel (cx, x, pixels, &call, answer);
  for (guint i = 0; i < network->parameters->len; i++)
    {
      const SfParameter *parameter = g_ptr_array_index (network->parameters, i);

      answer->packing += sf_parameter_get_packed_size (parameter);
      plain += sf_parameter_get_packed_size (parameter) > 0 ? parameter->array.n * sizeof (float) : 0;
    }
  answer->rate = plain / MAX (answer->first - answer->later, 1e-9);
  answer->arena = sf_arena_get_peak (sf_context_get_arena (cx));
  answer->live = sf_arena_get_live_peak (sf_context_get_arena (cx));
}

/*** The table ***/

static void
print_ours (Bench *bench, const char *network, const char *name, double flops, int threads)
{
  g_autofree char *folder = g_build_filename (bench->peers, network, NULL);
  g_autofree char *title = g_strdup_printf ("%s %s, %d thread%s", network, name, threads, threads > 1 ? "s" : "");
  const Question question = { folder, name, bench->repeats };
  Answer answer;

  if (!bench_in_child (threads, measure, &question, &answer, sizeof answer))
    {
      g_printerr ("%s: could not be run\n", folder);
      return;
    }
  bench_row (bench, title);
  bench_figure (bench, "time", answer.later, "s");
  bench_figure (bench, "of bound", answer.later * answer.peak / flops, "");
  bench_figure (bench, "error", answer.error, "");
  bench_figure (bench, "first", answer.first, "s");
  bench_figure (bench, "open", answer.open, "s");
  bench_figure (bench, "packing", answer.rate / 1e9, "GB/s");
  bench_figure (bench, "packed", answer.packing / 1e6, "MB");
  bench_figure (bench, "arena", answer.arena / 1e6, "MB");
  bench_figure (bench, "live", answer.live / 1e6, "MB");
  bench_figure (bench, "cancelled after", answer.late * 1e3, "ms");
  bench_figure (bench, "at most", answer.latest * 1e3, "ms");
  bench_figure (bench, "sgemm", answer.peak / 1e9, "GFLOP/s");
  bench_row_end (bench);
}

static void
print_peer (Bench *bench, JsonObject *line, double flops, double peak)
{
  g_autofree char *title = g_strdup_printf ("%s %s, %s", json_object_get_string_member (line, "net"), json_object_get_string_member (line, "case"),
                                            json_object_get_string_member (line, "peer"));
  const double seconds = json_object_get_double_member (line, "best_s");

  bench_row (bench, title);
  bench_figure (bench, "time", seconds, "s");
  bench_figure (bench, "of bound", seconds * peak / flops, "");
  bench_row_end (bench);
}

static void
measure_peak (gconstpointer in, gpointer out)
{
  *(double *) out = bench_peak ();
}

static void
print_peers (Bench *bench)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  g_autoptr (GError) error = NULL;
  double peak = 0;

  if (!g_spawn_command_line_sync (bench->peers_command, &text, NULL, NULL, &error))
    {
      g_printerr ("%s\n", error->message);
      return;
    }
  bench_in_child (2, measure_peak, NULL, &peak, sizeof peak);
  lines = g_strsplit (text, "\n", -1);
  for (int i = 0; lines[i] != NULL; i++)
    {
      g_autoptr (JsonNode) node = *lines[i] == '{' ? json_from_string (lines[i], NULL) : NULL;

      for (gsize j = 0; node != NULL && j < G_N_ELEMENTS (cases); j++)
        if (g_strcmp0 (json_object_get_string_member (json_node_get_object (node), "net"), cases[j].network) == 0 &&
            g_strcmp0 (json_object_get_string_member (json_node_get_object (node), "case"), cases[j].name) == 0)
          print_peer (bench, json_node_get_object (node), cases[j].gflop * 1e9, peak);
    }
}

void
bench_networks (Bench *bench)
{
  for (gsize i = 0; bench->peers != NULL && i < G_N_ELEMENTS (cases); i++)
    for (int threads = 1; threads <= 2; threads++)
      print_ours (bench, cases[i].network, cases[i].name, cases[i].gflop * 1e9, threads);
  if (bench->peers_command != NULL)
    print_peers (bench);
  bench_layers (bench);
}
