/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tools on pictures and maps: h x w pixels of c interleaved floats, or of one byte.
 *
 * A (nullable) GCancellable is asked every few rows; what is made of a picture is left unfinished when it stops.
 */
#pragma once

#include <gio/gio.h>

/**
 * sf_area_resize:
 * @in: H x W x @c
 * @out: (out): h x w x @c, each the mean over the area that it covers; h <= H, w <= W
 */
void sf_area_resize (const float *in, int H, int W, int c, float *out, int h, int w, GCancellable *cancellable);
/* Writes row @y of a picture that is never there as a whole: W x c floats. */
typedef void (*SfRowFunc) (int y, float *row, gconstpointer data);
/* The same from the rows that @func makes; several threads call it. */
void sf_area_resize_rows (SfRowFunc func, gconstpointer data, int H, int W, int c, float *out, int h, int w,
                          GCancellable *cancellable);
/* Bilinear, half-pixel centres, edges repeated. */
void sf_bilinear_resize (const float *in, int H, int W, int c, float *out, int h, int w, GCancellable *cancellable);
/* One sample at (y, x), pixel centres at integers. */
void sf_bilinear_sample (const float *in, int H, int W, int c, double y, double x, float *out);

/**
 * sf_distance_transform:
 * @mask: h x w
 * @distance: (out): h x w: Euclidean distance to the nearest pixel whose mask is not @inside; 0 where it is not
 *
 * Beyond the border counts as outside when @border.  G_MAXFLOAT-like large numbers where there is none.
 * Felzenszwalb and Huttenlocher 2012, exact, linear time.
 */
void sf_distance_transform (const guint8 *mask, guint8 inside, int h, int w, gboolean border, float *distance,
                            GCancellable *cancellable);
/* In place over h x w: separable Gaussian, sigma in pixels, edges repeated. */
void sf_gaussian_blur (float *x, int h, int w, double sigma, GCancellable *cancellable);
/* In place over h x w: 1 where anything at most @r rows and columns away is not 0, else 0.  Nothing is set outside. */
void sf_dilate (guint8 *mask, int h, int w, int r, gboolean wrap_y, gboolean wrap_x, GCancellable *cancellable);
/* @out: n x @c: each of @n pixels R'G'B' with all of its channels, or with one, their mean. */
void sf_rgb_to_channels (const float *rgb, gsize n, int c, float *out);
