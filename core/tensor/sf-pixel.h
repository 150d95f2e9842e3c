/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8-bit values and what stands for them in a tensor, -1…1. */
#pragma once

#include <glib.h>
#include <math.h>

/* 0…1 */
static inline double
sf_pixel_to_unit (double x)
{
  return CLAMP (x / 2 + 0.5, 0, 1);
}

/* The nearest; of two as near, the even one. */
static inline guint8
sf_pixel_to_u8 (double x)
{
  return (guint8) nearbyint (sf_pixel_to_unit (x) * 255);
}

static inline double
sf_pixel_from_u8 (guint8 value)
{
  return 2 * (value / 255.0) - 1;
}
