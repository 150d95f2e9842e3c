/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-quadrature.h"

#include <math.h>

/* Coefficients, lowest power first, of the polynomial that is 1 at x[j] and 0 at the other nodes (Lagrange). */
static void
basis (const double *x, int n, int j, double *coefficient)
{
  int degree = 0;

  coefficient[0] = 1;
  for (int i = 0; i < n; i++)
    if (i != j)
      {
        /* times (x - x_i) / (x_j - x_i) */
        coefficient[++degree] = 0;
        for (int m = degree; m >= 0; m--)
          coefficient[m] = ((m > 0 ? coefficient[m - 1] : 0) - x[i] * coefficient[m]) / (x[j] - x[i]);
      }
}

void
sf_quadrature (const double *x, int n, const double *moment, double *weight)
{
  g_return_if_fail (n <= SF_MAX_HISTORY);

  for (int j = 0; j < n; j++)
    {
      double coefficient[SF_MAX_HISTORY];

      basis (x, n, j, coefficient);
      weight[j] = 0;
      for (int m = 0; m < n; m++)
        weight[j] += coefficient[m] * moment[m];
    }
}

void
sf_phi (double g, int n, double *phi)
{
  double factorial = 1;

  phi[0] = expm1 (g);
  for (int i = 1; i < n; i++)
    {
      factorial *= i;
      phi[i] = g != 0 ? phi[i - 1] / g - 1 / factorial : 0;
    }
}
