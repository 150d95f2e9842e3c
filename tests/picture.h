/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small pictures that tests of several folders share.  Random ones depend on their seed alone. */
#pragma once

#include "denoisers/sf-engine.h"

/* 1 x h x w x 3 of coloured noise, blurred by @sigma pixels, mean 0 and deviation 0.3: within [-1, 1]. */
SfTensor *picture_texture (int h, int w, double sigma, guint64 seed);
/* The same repeated with a period of @period pixels in both directions. */
SfTensor *picture_periodic (int h, int w, int period, guint64 seed);
/* From colour @a to colour @b where @direction x + y crosses the middle; one pixel of transition. */
SfTensor *picture_edge (int h, int w, double direction, float a, float b);

/* h x w SfPixelState: a hole from (y, x), the rest known. */
guint8 *picture_hole (int h, int w, int y, int x, int hole_h, int hole_w);

/* sqrt of the mean squared difference of the elements [0, n). */
double picture_rms (const float *a, const float *b, gsize n);

/* As sf_job_set_pixels() takes them: R'G'B'A in [0, 1], opaque. */
float *picture_to_rgba (const SfTensor *picture);
