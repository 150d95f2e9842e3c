/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "job.h"

#include <malloc.h>
#include <math.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "picture.h"

const SfRect job_hole = { HOLE_AT, HOLE_AT, HOLE, HOLE };

float *
job_cover (const SfJob *job, const SfRect *rect)
{
  SfRect crop = sf_job_get_crop (job);
  float *coverage = g_new0 (float, (gsize) crop.width *crop.height);

  for (int y = 0; y < crop.height; y++)
    for (int x = 0; x < crop.width; x++)
      coverage[(gsize) y * crop.width + x] = rect == NULL || (x + crop.x >= rect->x && y + crop.y >= rect->y &&
                                                              x + crop.x < rect->x + rect->width && y + crop.y < rect->y + rect->height);
  return coverage;
}

float *
job_cut (const float *rgba, int width, SfRect rect)
{
  float *out = g_new (float, (gsize) rect.width *rect.height * 4);

  for (int y = 0; y < rect.height; y++)
    memcpy (out + (gsize) y * rect.width * 4, rgba + ((gsize) (y + rect.y) * width + rect.x) * 4, (gsize) rect.width * 4 * sizeof (float));
  return out;
}

SfJob *
job_open (SfTask task, const SfSettings *settings, const float *rgba, int width, int height, const SfRect *selection)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJob) job = sf_job_new (task, settings, width, height, selection, &error);
  gboolean ready;

  g_assert_no_error (error);
  ready = sf_job_set_pixels (job, job_cut (rgba, width, sf_job_get_crop (job)), selection != NULL ? job_cover (job, selection) : NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (ready);
  return g_steal_pointer (&job);
}

SfResult *
job_candidate (SfJob *job, int seed, int candidate)
{
  g_autoptr (GError) error = NULL;
  SfResult *result = sf_job_run (job, seed, candidate, NULL, NULL, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (result);
  return result;
}

SfResult *
job_make (SfTask task, const SfSettings *settings, const float *rgba, int width, int height, const SfRect *selection, int seed)
{
  g_autoptr (SfJob) job = job_open (task, settings, rgba, width, height, selection);

  return job_candidate (job, seed, 0);
}

float *
job_blend (const SfResult *result, const float *rgba, int width, int height)
{
  float *out = g_memdup2 (rgba, (gsize) width * height * 4 * sizeof (float));
  g_autofree float *part = job_cut (rgba, width, result->rect);

  sf_result_blend (result, part);
  for (int y = 0; y < result->rect.height; y++)
    memcpy (out + ((gsize) (y + result->rect.y) * width + result->rect.x) * 4, part + (gsize) y * result->rect.width * 4,
            (gsize) result->rect.width * 4 * sizeof (float));
  return out;
}

float *
job_texture (int height, int width)
{
  g_autoptr (SfTensor) picture = picture_texture (height, width, 1.2, 8);

  return picture_to_rgba (picture);
}

void
job_assert_same (const SfResult *a, const SfResult *b)
{
  gsize n = sf_tensor_size (a->rgba) * sizeof (float);

  g_assert_true (sf_tensor_same_shape (a->rgba, b->rgba));
  g_assert_cmpmem (a->rgba->data, n, b->rgba->data, n);
  g_assert_cmpmem (a->mask->data, n / 4, b->mask->data, n / 4);
  g_assert_cmpfloat (a->energy, ==, b->energy);
}

double
job_distance (const SfResult *a, const SfResult *b)
{
  return picture_rms (a->rgba->data, b->rgba->data, sf_tensor_size (a->rgba));
}

void
job_assert_finite (const SfResult *r)
{
  for (gsize i = 0; i < sf_tensor_size (r->rgba); i++)
    g_assert_true (isfinite (r->rgba->data[i]));
  for (gsize i = 0; i < sf_tensor_size (r->mask); i++)
    g_assert_true (r->mask->data[i] >= 0 && r->mask->data[i] <= 1);
}

/* The first number in /proc/self/statm is the size of the address space, in pages. */
static gsize
address_space (void)
{
  g_autofree char *text = NULL;

  if (!g_file_get_contents ("/proc/self/statm", &text, NULL, NULL))
    return 0;
  return g_ascii_strtoull (text, NULL, 10) * (gsize) sysconf (_SC_PAGESIZE);
}

void
job_one_heap (void)
{
  mallopt (M_ARENA_MAX, 1);
}

gboolean
job_limit_memory (gsize room)
{
  struct rlimit limit;

  malloc_trim (0);
  mallopt (M_MMAP_THRESHOLD, 1 << 16); /* whole planes are asked of the system, and seen by the limit */
  getrlimit (RLIMIT_AS, &limit);
  limit.rlim_cur = address_space () + room;
  return setrlimit (RLIMIT_AS, &limit) == 0;
}
