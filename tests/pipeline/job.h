/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of jobs share: jobs on whole pictures, R'G'B'A float of width x height, and their results. */
#pragma once

#include "pipeline/sf-job.h"

#define SIDE 64
#define HOLE_AT 26
#define HOLE 14

extern const SfRect job_hole; /* HOLE x HOLE at (HOLE_AT, HOLE_AT) */

/* Opaque, coloured noise. */
float *job_texture (int height, int width);
/* Coverage of @rect in a picture, for the job's crop. */
float *job_cover (const SfJob *job, const SfRect *rect);
/* The part @rect of a picture of @width. */
float *job_cut (const float *rgba, int width, SfRect rect);
/* A job that has its pixels. */
SfJob *job_open (SfTask task, const SfSettings *settings, const float *rgba, int width, int height, const SfRect *selection);
SfResult *job_candidate (SfJob *job, int seed, int candidate);
/* One candidate of a job of its own. */
SfResult *job_make (SfTask task, const SfSettings *settings, const float *rgba, int width, int height, const SfRect *selection, int seed);
/* @rgba with @result blended in; for tasks that keep the size. */
float *job_blend (const SfResult *result, const float *rgba, int width, int height);
void job_assert_same (const SfResult *a, const SfResult *b);
/* RMS of the colours' differences. */
double job_distance (const SfResult *a, const SfResult *b);
/* Colours are numbers, the mask within 0 and 1. */
void job_assert_finite (const SfResult *r);

/* At the beginning of a program: heaps of threads hold 64 MiB of address space in reserve, and no limit of memory would be seen in them. */
void job_one_heap (void);
/* From now on there are only @room bytes more. */
gboolean job_limit_memory (gsize room);
