/* SPDX-License-Identifier: GPL-3.0-or-later */
/* First pass, unless the moments of x are known: for each channel the sums of x - p and (x - p)^2 over chunks of pixels, where p is
 * the channel's value in the first pixel, so that a large mean takes no digits from the variance.  From the means m and squares M of
 * parts of n pixels, those of a channel are, in double,
 *
 *   mean = sum n m / sum n    squares = sum M + n (m - mean)^2
 *
 * and those of a group likewise, from its channels'.  Second pass: y = activation (p_c x + q_c).
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
  gsize chunks; /* of an image */
  gboolean stream;
} Run;

/* Channels [first, first + c) of all. */
typedef struct
{
  const Run *run;
  const float *x; /* n x pixels x c */
  int first, c;
  const SfTensor *moments;
} Source;

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
  const Source *source = data;
  const gsize c = source->c;

  for (gsize i = begin; i < end; i++)
    {
      const Chunk chunk = run_chunk (source->run, i);
      const float *x = source->x + chunk.image * source->run->job->pixels * c;
      const double pixels = chunk.end - chunk.begin;
      double *means = sf_moments_at (source->moments, 0, i), *squares = means + c;

      source->run->kernels->moments (x + chunk.begin * c, x, means, squares, chunk.end - chunk.begin, c);
      for (gsize j = 0; j < c; j++)
        {
          squares[j] -= means[j] * means[j] / pixels;
          means[j] = x[j] + means[j] / pixels;
        }
      squares[c] = pixels;
    }
}

/* (transfer full) (nullable): those of @source. */
static SfTensor *
make_moments (SfContext *cx, Source *source)
{
  const Run *run = source->run;
  const gsize n = run->job->n;
  SfTensor *moments = sf_moments_new (cx, run->job->n, (int) run->chunks, source->c);

  source->moments = moments;
  if (moments != NULL)
    sf_op_run (cx, n * run->chunks, 1, sum_chunks, source, n * run->job->pixels * source->c);
  return moments;
}

/* Those of channel @i of an image: all parts together. */
static void
join_parts (const Source *sources, gsize image, int i, double *mean, double *squares)
{
  const Source *source = i < sources[1].first ? &sources[0] : &sources[1];
  const SfTensor *moments = source->moments;
  const double n = source->run->job->pixels;

  i -= source->first;
  *mean = *squares = 0;
  for (int part = 0; part < moments->h; part++)
    {
      const double *means = sf_moments_at (moments, image, part);

      *mean += means[i] * (means[2 * source->c] / n);
    }
  for (int part = 0; part < moments->h; part++)
    {
      const double *means = sf_moments_at (moments, image, part), away = means[i] - *mean;

      *squares += means[source->c + i] + means[2 * source->c] * away * away;
    }
}

static void
finish_group (const SfGroupNormJob *job, const Source *sources, gsize image, int group)
{
  const gsize c = job->c, size = c / job->groups, first = group * size;
  const float *modulation = job->modulation != NULL ? job->modulation + image * 2 * c : NULL;
  double mean = 0, within = 0, between = 0, rstd;

  for (gsize i = 0; i < size; i++)
    {
      double channel, squares, away;

      join_parts (sources, image, (int) (first + i), &channel, &squares);
      away = channel - mean;
      mean += away / (i + 1);
      within += squares;
      between += away * (channel - mean);
    }
  rstd = 1 / sqrt ((within / job->pixels + between) / size + job->eps);
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
  const Run run = run_open (kernels, job);
  const int x_c = job->c - job->beside_c;
  Source sources[] = { { &run, job->x, 0, x_c, job->moments }, { &run, job->beside, x_c, job->beside_c, job->beside_moments } };
  g_autoptr (SfTensor) own = job->moments == NULL ? make_moments (cx, &sources[0]) : NULL;
  g_autoptr (SfTensor) own_beside = job->beside != NULL && job->beside_moments == NULL ? make_moments (cx, &sources[1]) : NULL;

  if (sf_context_failed (cx))
    return FALSE;
  if (!sf_context_is_dry (cx))
    for (int image = 0; image < job->n; image++)
      for (int group = 0; group < job->groups; group++)
        finish_group (job, sources, image, group);
  return TRUE;
}

gboolean
sf_group_norm_run (SfContext *cx, const SfKernels *kernels, const SfGroupNormJob *job)
{
  Run run = run_open (kernels, job);

  return sf_group_norm_measure (cx, kernels, job) && sf_op_run (cx, job->n * run.chunks, 1, apply_chunks, &run, job->n * job->pixels * job->c);
}
