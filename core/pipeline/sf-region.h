/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where a job works: which pixels are looked at, which are made anew, and how the result is blended in. */
#pragma once

#include "denoisers/sf-engine.h"
#include "pipeline/sf-job.h"

/* All rectangles in the coordinates of the picture before the job. */
typedef struct
{
  SfRect picture; /* (0, 0, width, height) */
  SfRect canvas;  /* the picture afterwards */
  SfRect box;     /* what is selected, or new */
  SfRect frame;   /* the box with a margin: what results cover */
  SfRect work;    /* the frame with its context, within the canvas */
  SfRect crop;    /* the part of it that has pixels */
  double feather; /* px */
} SfPlan;

typedef struct
{
  int width, height;               /* of the picture, 0 = there is none */
  int native_width, native_height; /* what the model is made for, 0 = any size */
} SfPlanSize;

/**
 * sf_plan:
 *
 * See sf_job_new().
 */
gboolean sf_plan (SfTask task, const SfSettings *settings, const SfPlanSize *size, const SfRect *selection, SfPlan *plan,
                  GError **error);

/* The pixels of a job, as an engine and the blend want them. */
typedef struct
{
  SfTensor *image;  /* 1 x work height x work width x 3 in [-1, 1] */
  guint8 *state;    /* work height x width: SfPixelState */
  float *original;  /* frame height x width x 4: R'G'B'A in [0, 1] */
  float *mask;      /* frame height x width: share of the made pixel */
  float *alpha;     /* frame height x width: alpha of the made pixel */
  float low, high;  /* range of the picture's values, in [0, 1] for ordinary ones */
} SfPixels;

/* Takes neither @rgba nor @coverage.  See sf_job_set_pixels(). */
gboolean sf_pixels_init (SfPixels *self, SfTask task, const SfSettings *settings, const SfPlan *plan,
                         const float *rgba, const float *coverage, const SfProgress *progress, GError **error);
void sf_pixels_clear (SfPixels *self);
