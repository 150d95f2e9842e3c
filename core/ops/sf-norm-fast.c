/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First pass: for each channel the sums of x - p and (x - p)^2 over chunks of pixels, where p is the channel's value in the first
 * pixel, so that a large mean takes no digits from the variance.  They are joined, in the order of the chunks, in double:
 *
 *   mean_c = p + s / n       M_c = q - s^2 / n
 *   mean = mean of mean_c    n variance = sum M_c + n sum (mean_c - mean)^2      over the channels of a group
 *
 * Second pass: y = activation (p_c x + q_c).
 */
#include "ops/sf-norm-fast.h"

#include <math.h>

#include "ops/sf-ops-private.h"

#define MOST_CHUNKS 64            /* of an image */
#define STREAM ((gsize) 16 << 20) /* bytes of a result that go around the caches */

typedef struct
{
  const SfGroupNormJob *job;
  const SfLayerKernels *kernels;
  gsize chunks;         /* of an image */
  gboolean stream;
  double *sums;         /* n x chunks x 2 x c */
} Run;

typedef struct
{
  gsize image, begin, end; /* pixels */
} Chunk;

static Chunk
run_chunk (const Run *run, gsize index)
{
  gsize image = index / run->chunks, i = index % run->chunks, pixels = run->job->pixels;

  return (Chunk) { image, pixels * i / run->chunks, pixels * (i + 1) / run->chunks };
}

/* Of channels [@first, @first + @c), which @x has alone. */
static void
sum_channels (const Run *run, gsize index, const float *x, gsize first, gsize c)
{
  const Chunk chunk = run_chunk (run, index);
  const float *image = x + chunk.image * run->job->pixels * c;
  double *sums = run->sums + index * 2 * run->job->c + first;

  run->kernels->moments (image + chunk.begin * c, image, sums, sums + run->job->c, chunk.end - chunk.begin, c);
}

static void
sum_chunks (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const SfGroupNormJob *job = run->job;
  const int x_c = job->c - job->beside_c;

  for (gsize i = begin; i < end; i++)
    {
      sum_channels (run, i, job->x, 0, x_c);
      if (job->beside != NULL)
        sum_channels (run, i, job->beside, x_c, job->beside_c);
    }
}

static double
get_pivot (const SfGroupNormJob *job, gsize image, gsize channel)
{
  const gsize beside_c = job->beside_c, x_c = job->c - beside_c;

  return channel < x_c ? job->x[image * job->pixels * x_c + channel] : job->beside[image * job->pixels * beside_c + channel - x_c];
}

/* The channels of a group from the sums of image @image. */
static void
finish_group (const Run *run, gsize image, int group)
{
  const SfGroupNormJob *job = run->job;
  const gsize c = job->c, size = c / job->groups, first = group * size, pixels = job->pixels;
  const float *modulation = job->modulation != NULL ? job->modulation + image * 2 * c : NULL;
  double *total = run->sums + image * run->chunks * 2 * c; /* becomes that of all chunks */
  const double per_pixel = 1.0 / pixels, per_channel = 1.0 / size;
  double mean = 0, variance = 0, rstd;

  for (gsize chunk = 1; chunk < run->chunks; chunk++)
    for (gsize i = first; i < first + size; i++)
      {
        total[i] += total[chunk * 2 * c + i];
        total[c + i] += total[chunk * 2 * c + c + i];
      }
  for (gsize i = first; i < first + size; i++)
    {
      total[c + i] -= total[i] * total[i] * per_pixel;
      total[i] = get_pivot (job, image, i) + total[i] * per_pixel;
      mean += total[i] * per_channel;
    }
  for (gsize i = first; i < first + size; i++)
    variance += (total[c + i] * per_pixel + (total[i] - mean) * (total[i] - mean)) * per_channel;
  rstd = 1 / sqrt (variance + job->eps);
  job->statistics[(image * job->groups + group) * 2] = mean;
  job->statistics[(image * job->groups + group) * 2 + 1] = rstd;
  for (gsize i = first; i < first + size; i++)
    {
      double scale = rstd * job->w[i], shift = job->b[i] - mean * scale;

      if (modulation != NULL)
        {
          scale *= 1 + modulation[i];
          shift = shift * (1 + modulation[i]) + modulation[c + i];
        }
      job->line[image * 2 * c + i] = scale;
      job->line[image * 2 * c + c + i] = shift;
    }
}

static void
apply_chunks (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const SfGroupNormJob *job = run->job;
  const gsize c = job->c;

  for (gsize i = begin; i < end; i++)
    {
      const Chunk chunk = run_chunk (run, i);
      const gsize at = (chunk.image * job->pixels + chunk.begin) * c;
      const float *line = job->line + chunk.image * 2 * c;

      run->kernels->scale_shift (job->activation, job->x + at, line, line + c, run->stream, job->y + at, c, chunk.end - chunk.begin, c);
    }
}

static Run
run_open (const SfKernels *kernels, const SfGroupNormJob *job)
{
  const gsize size = job->pixels * job->c;

  return (Run) {
    .job = job,
    .kernels = kernels->layers,
    .chunks = CLAMP (size / (SF_OP_TILE / 2), 1, MIN (MOST_CHUNKS, job->pixels)),
    .stream = job->y != job->x && job->n * size * sizeof (float) > STREAM,
  };
}

gboolean
sf_group_norm_measure (SfContext *cx, const SfKernels *kernels, const SfGroupNormJob *job)
{
  Run run = run_open (kernels, job);
  g_autoptr (SfTensor) sums = sf_context_tensor (cx, job->n, (int) run.chunks, 2 * job->c, sizeof (double) / sizeof (float));

  if (sums == NULL)
    return FALSE;
  run.sums = (double *) sums->data;
  if (!sf_op_run (cx, job->n * run.chunks, 1, sum_chunks, &run, job->n * job->pixels * job->c))
    return FALSE;
  if (!sf_context_is_dry (cx))
    for (int image = 0; image < job->n; image++)
      for (int group = 0; group < job->groups; group++)
        finish_group (&run, image, group);
  return TRUE;
}

gboolean
sf_group_norm_run (SfContext *cx, const SfKernels *kernels, const SfGroupNormJob *job)
{
  Run run = run_open (kernels, job);

  return sf_group_norm_measure (cx, kernels, job) && sf_op_run (cx, job->n * run.chunks, 1, apply_chunks, &run, job->n * job->pixels * job->c);
}
