/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Square holes in a photograph, mirrored and tiled to any size.  The tiles hold copies of what is hidden, so this measures
 * time and memory, never quality.
 */
#pragma once

#include "sfumato.h"

typedef struct
{
  int hole, width, height;
  int steps;      /* the setting */
  double context; /* likewise; 0 = -1, by rule */
} BenchCase;

/* Reads the photograph; before any child process is made. */
gboolean bench_picture_load (void);

/* (transfer full) (array length=height*width*4): R'G'B'A of a part of the tiled picture. */
float *bench_picture_read (SfRect rect);

/* "256 x 256 hole in 512 x 512" */
char *bench_case_name (const BenchCase *c);

/* A fill of the hole, still without pixels. */
SfJob *bench_job_new (const BenchCase *c);

/* What the job asks for. */
void bench_job_read (const BenchCase *c, const SfJob *job, float **rgba, float **coverage);
