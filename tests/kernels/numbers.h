/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of kernels have in common. */
#pragma once

#include <math.h>

#include "kernels/sf-kernels.h"

/* @k: const SfKernels *. */
#define FOR_EACH_FLAVOUR(k)                                                              \
  for (int n_flavours_, i_ = 0; i_ < (sf_kernels_all (&n_flavours_), n_flavours_); i_++) \
    for (const SfKernels *k = sf_kernels_all (&n_flavours_)[i_]; k != NULL; k = NULL)

#define assert_near(a, b, tolerance)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    double a_ = (a), b_ = (b), t_ = (tolerance);                                                   \
    if (!(fabs (a_ - b_) <= t_)) /* so written, NaN fails */                                       \
      g_error ("%s:%d: %s = %.9g, expected %.9g within %.2g", __FILE__, __LINE__, #a, a_, b_, t_); \
  }                                                                                                \
  G_STMT_END

/* (transfer full): unit normal. */
float *noise (guint64 stream, gsize n);
