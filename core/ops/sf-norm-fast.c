/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First pass, unless the moments of x are known: for each channel the sums of x - p and (x - p)^2 over chunks of pixels, where p is
 * the channel's value in the first pixel, so that a large mean takes no digits from the variance.  From the means m and squares M of
 * n pixels and a channel each, those of a group are, in double,
 *
 *   mean = sum n m / sum n    sum n variance = sum M + n (m - mean)^2
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
  SfTensor *moments;    /* of chunks */
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

static void
sum_chunks (gsize begin, gsize end, gpointer data)
{
  const Run *run = data;
  const gsize c = run->job->c;

  for (gsize i = begin; i < end; i++)
    {
      const Chunk chunk = run_chunk (run, i);
      const float *x = run->job->x + chunk.image * run->job->pixels * c;
      const double pixels = chunk.end - chunk.begin;
      double *means = sf_moments_at (run->moments, 0, i), *squares = means + c;

      run->kernels->moments (x + chunk.begin * c, x, means, squares, chunk.end - chunk.begin, c);
      for (gsize j = 0; j < c; j++)
        {
          squares[j] -= means[j] * means[j] / pixels;
          means[j] = x[j] + means[j] / pixels;
        }
      squares[c] = pixels;
    }
}

/* Mean and variance of a group of image @image, by all that is known of its channels. */
static void
join_group (const SfGroupNormJob *job, const SfTensor *moments, gsize image, int group, double *mean, double *variance)
{
  const int size = job->c / job->groups, first = group * size;
  const double n = (double) job->pixels * size;

  *mean = *variance = 0;
  for (int part = 0; part < moments->h; part++)
    {
      const double *means = sf_moments_at (moments, image, part), pixels = means[2 * job->c];

      for (int i = first; i < first + size; i++)
        *mean += pixels * means[i] / n;
    }
  for (int part = 0; part < moments->h; part++)
    {
      const double *means = sf_moments_at (moments, image, part), *squares = means + job->c, pixels = squares[job->c];

      for (int i = first; i < first + size; i++)
        *variance += (squares[i] + pixels * (means[i] - *mean) * (means[i] - *mean)) / n;
    }
}

static void
finish_group (const SfGroupNormJob *job, const SfTensor *moments, gsize image, int group)
{
  const gsize c = job->c, size = c / job->groups, first = group * size;
  const float *modulation = job->modulation != NULL ? job->modulation + image * 2 * c : NULL;
  double mean, variance, rstd;

  join_group (job, moments, image, group, &mean, &variance);
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

      run->kernels->scale_shift (job->activation, job->x + at, line, line + c, run->stream, job->y + at, chunk.end - chunk.begin, c);
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
  g_autoptr (SfTensor) own = NULL;
  const SfTensor *moments = job->moments;

  if (moments == NULL)
    {
      moments = run.moments = own = sf_moments_new (cx, job->n, (int) run.chunks, job->c);
      if (own == NULL || !sf_op_run (cx, job->n * run.chunks, 1, sum_chunks, &run, job->n * job->pixels * job->c))
        return FALSE;
    }
  if (!sf_context_is_dry (cx))
    for (int image = 0; image < job->n; image++)
      for (int group = 0; group < job->groups; group++)
        finish_group (job, moments, image, group);
  return TRUE;
}

gboolean
sf_group_norm_run (SfContext *cx, const SfKernels *kernels, const SfGroupNormJob *job)
{
  Run run = run_open (kernels, job);

  return sf_group_norm_measure (cx, kernels, job) && sf_op_run (cx, job->n * run.chunks, 1, apply_chunks, &run, job->n * job->pixels * job->c);
}
