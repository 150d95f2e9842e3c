/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the numbers of a pixel format to R'G'B'A of sRGB and back, by arithmetic that is always the same. */
#pragma once

#include <babl/babl.h>
#include <glib.h>

/* What the numbers of a format mean: gray or RGB, straight alpha, a curve for each colour, and primaries. */
typedef struct
{
  int n_colors; /* 1 or 3 */
  gboolean has_alpha;
  gboolean direct;                /* they are those of sRGB already */
  gboolean same_primaries;        /* as sRGB */
  float gamma[3];                 /* exponent of each curve; 0 = the curve of sRGB */
  float to_srgb[9], from_srgb[9]; /* row by row, of linear light */
} SfEncoding;

/**
 * sf_encoding_init:
 * @format: of any type
 *
 * Returns: %FALSE for what needs babl: other models, premultiplied alpha, and curves that are no power
 */
gboolean sf_encoding_init (SfEncoding *self, const Babl *format);
/* @numbers: @n pixels as the format has them, but floats; @rgba: n x 4. */
void sf_encoding_decode (const SfEncoding *self, const float *numbers, float *rgba, gsize n);
void sf_encoding_encode (const SfEncoding *self, const float *rgba, float *numbers, gsize n);
