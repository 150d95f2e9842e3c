/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Integrates dy/dt = f (t, y) for whole states, with steps as long as a tolerance allows: Dormand & Prince's pair of orders 5 and 4
 * (1980), of which the difference is the error of a step.  It evaluates f six times per step, and keeps six slopes.
 */
#pragma once

#include "base/sf-progress.h"
#include "tensor/sf-tensor.h"

/* dy (out): the slope of @y at @t; dz (out): that of the numbers beside it. */
typedef gboolean (*SfSlopeFunc) (double t, const SfTensor *y, SfTensor *dy, double *dz, gpointer data, GError **error);

/* Called after each step; may change @y. */
typedef gboolean (*SfReachedFunc) (double t, SfTensor *y, gpointer data, GError **error);

#define SF_ODE_SLOPES 6
#define SF_ODE_WORK (SF_ODE_SLOPES + 1) /* and the result that is tried */

typedef struct
{
  SfSlopeFunc slope;
  SfReachedFunc reached; /* (nullable): %NULL saves an evaluation per step */
  gpointer data;
  double rtol, atol; /* the error of a step may be atol + rtol |y|, root mean square over all elements; 0 = 1e-4 */
  SfTensor *work[SF_ODE_WORK]; /* (nullable) states to work in; %NULL = its own */
} SfOde;

/**
 * sf_ode_solve:
 * @from: @to: times; may rise or fall
 * @y: (inout): the state
 * @z: (inout) (nullable) (array length=n_z): numbers integrated beside it, such as a likelihood
 * @evaluations: (out) (nullable): of the slope
 *
 * Returns: %FALSE with @error from the slope, a cancel, or %SF_ERROR_ARGUMENT where no step is short enough
 */
gboolean sf_ode_solve (const SfOde *self, double from, double to, SfTensor *y, double *z, int n_z, int *evaluations,
                       const SfProgress *progress, GError **error);
