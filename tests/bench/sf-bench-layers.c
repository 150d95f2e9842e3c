/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Layers of pixel and latent diffusion networks, each beside the same on OpenBLAS (im2col and sgemm).
 *
 * "bound" is the time that the direct method's operations would take at the rate of OpenBLAS's product, measured in between:
 * 2 x is twice as fast as that.  Errors are against double precision, relative to the results' root mean square.
 */
#include "sf-bench-layers.h"

#include <math.h>

#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "kernels/sf-blas.h"
#include "ops/sf-ops-private.h"

double
bench_now (void)
{
  return g_get_monotonic_time () / 1e6;
}

/*** The bound ***/

#define SIDE 768

static void
multiply (gsize begin, gsize end, gpointer data)
{
  float *x = data;

  for (gsize i = begin; i < end; i++)
    sf_gemm_nn (SIDE, SIDE, SIDE, x, x + SIDE * SIDE, SIDE, x + (2 + i) * SIDE * SIDE);
}

double
bench_peak (void)
{
  const int n = sf_parallel_get_threads ();
  g_autofree float *x = g_new (float, (2 + n) * SIDE * SIDE);
  double best = G_MAXDOUBLE;

  sf_rng_normal ((SfRng) { 1, 1 }, 0, x, 2 * SIDE * SIDE);
  for (int i = 0; i < 5; i++)
    {
      double begin = bench_now ();

      sf_parallel_for (n, 1, multiply, x, NULL);
      best = MIN (best, bench_now () - begin);
    }
  return 2.0 * n * SIDE * SIDE * SIDE / best;
}

/*** Convolutions ***/

typedef struct
{
  int n, side, c, out_c;
} Convolution;

static const Convolution convolutions[] = {
  { 1, 64, 320, 320 },
  { 1, 64, 640, 320 },
  { 1, 32, 640, 640 },
  { 1, 32, 1280, 640 },
  { 1, 16, 1280, 1280 },
  { 1, 8, 1280, 1280 },
  { 1, 16, 512, 512 },
  { 1, 32, 512, 512 },
  { 1, 64, 512, 512 },
  { 1, 128, 512, 512 },
  { 1, 256, 256, 256 },
  { 1, 256, 512, 256 },
  { 1, 512, 128, 128 },
  { 1, 512, 256, 128 },
  { 1, 256, 128, 128 },
  { 8, 32, 128, 128 },
  { 8, 16, 256, 256 },
  { 8, 8, 256, 256 },
  { 8, 32, 256, 256 },
};

typedef struct
{
  const void *layer;
  int repeats;
} Question;

/* Seconds by our way and by OpenBLAS, operations per second of a product in between, and our error. */
typedef struct
{
  double ours, blas, peak, error;
} Answer;

static float *
noise (guint64 stream, gsize n)
{
  float *x = g_new (float, n);

  sf_rng_normal ((SfRng) { 1, stream }, 0, x, n);
  return x;
}

static SfTensor *
noise_tensor (SfContext *cx, int n, int h, int w, int c)
{
  SfTensor *x = sf_context_tensor (cx, n, h, w, c);

  sf_rng_normal ((SfRng) { 1, 0 }, 0, x->data, sf_tensor_size (x));
  return x;
}

#define SAMPLES 24

/* In some pixels, the corners among them. */
static double
convolution_error (const Convolution *layer, const SfTensor *x, const float *w, const SfTensor *y)
{
  const int side = layer->side;
  double error = 0, size = 0;

  for (int i = 0; i < SAMPLES; i++)
    {
      const int py = i < 4 ? i / 2 * (side - 1) : i * 7919 % side, px = i < 4 ? i % 2 * (side - 1) : i * 104729 % side, n = i % layer->n;

      for (int o = 0; o < layer->out_c; o++)
        {
          double sum = 0;

          for (int tap = 0; tap < 9; tap++)
            {
              const int yy = py + tap / 3 - 1, xx = px + tap % 3 - 1;

              if (yy >= 0 && yy < side && xx >= 0 && xx < side)
                for (int c = 0; c < layer->c; c++)
                  sum += (double) x->data[(((gsize) n * side + yy) * side + xx) * layer->c + c] * w[((gsize) o * layer->c + c) * 9 + tap];
            }
          error += pow (y->data[(((gsize) n * side + py) * side + px) * layer->out_c + o] - sum, 2);
          size += sum * sum;
        }
    }
  return sqrt (error / size);
}

static void
measure_convolution (gconstpointer in, gpointer out)
{
  const Question *question = in;
  const Convolution *layer = question->layer;
  const gsize n = (gsize) layer->out_c * layer->c * 9;
  const SfArray array = { SF_DTYPE_F32, 4, { layer->out_c, layer->c, 3, 3 }, n, noise (1, n) };
  SfParameter *w = sf_parameter_new ("w", &array);
  SfContext *cx = sf_context_new (0);
  SfTensor *x = noise_tensor (cx, layer->n, layer->side, layer->side, layer->c);
  Answer *answer = out;

  *answer = (Answer) { .ours = G_MAXDOUBLE, .blas = G_MAXDOUBLE };
  sf_context_begin (cx, NULL, 0);
  for (int i = 0; i <= question->repeats; i++) /* the first packs the weights */
    {
      answer->peak = MAX (answer->peak, bench_peak ());
      for (int plain = 0; plain < 2; plain++)
        {
          double *best = plain ? &answer->blas : &answer->ours, begin = bench_now ();
          SfTensor *y;

          sf_ops_force_plain (plain);
          y = sf_conv2d (cx, sf_tensor_ref (x), w, NULL, (SfConv) { .top = 1, .left = 1, .bottom = 1, .right = 1 });
          if (i > 0)
            *best = MIN (*best, bench_now () - begin);
          else if (!plain)
            answer->error = convolution_error (layer, x, array.data, y);
          sf_tensor_unref (y);
        }
    }
}

/* @flops: of the direct method */
static void
print_row (Bench *bench, const char *name, double flops, BenchChild measure, const void *layer)
{
  const Question question = { layer, bench->repeats };
  Answer answer;

  if (!bench_in_child (BENCH_THREADS, measure, &question, &answer, sizeof answer))
    return;
  bench_row (bench, name);
  bench_figure (bench, "time", answer.ours * 1e3, "ms");
  bench_figure (bench, "speed", flops / answer.peak / answer.ours, "x");
  bench_figure (bench, "error", answer.error, "");
  bench_figure (bench, "OpenBLAS", answer.blas * 1e3, "ms");
  bench_figure (bench, "speed of it", flops / answer.peak / answer.blas, "x");
  bench_figure (bench, "sgemm", answer.peak / 1e9, "GFLOP/s");
  bench_row_end (bench);
}

void
bench_layers (Bench *bench)
{
  for (gsize i = 0; i < G_N_ELEMENTS (convolutions); i++)
    {
      const Convolution *layer = &convolutions[i];
      g_autofree char *name = g_strdup_printf ("conv %d x %d x %d, %d to %d", layer->n, layer->side, layer->side, layer->c, layer->out_c);

      print_row (bench, name, 2.0 * layer->n * layer->side * layer->side * layer->c * layer->out_c * 9, measure_convolution, layer);
    }
  bench_dense (bench);
}
