/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mathematics that several schedules share. */
#include <math.h>

#include "diffusion/sf-schedule.h"

double
sf_linspace (double a, double b, int i, int n)
{
  return i == n ? b : a + i * ((b - a) / n);
}

int
sf_uniform_times (const SfSpacing *s, double *t, GError **error)
{
  for (int k = 0; k < s->n; k++)
    t[k] = sf_linspace (0, s->last - 1, s->intervals - k, s->intervals);
  return s->n;
}

double
sf_table_sigma (const double table[11], double u, double sigma_max, double sigma_min)
{
  int i = MIN ((int) (10 * u), 9);
  double fall = log (table[i] / table[0]) + (10 * u - i) * log (table[i + 1] / table[i]);

  return sigma_max * exp (fall * log (sigma_min / sigma_max) / log (table[10] / table[0]));
}

/* x^a / B sum_k (1 - a)_k x^k / (k! (a + k)), which falls as 2^-k up to the middle; above it the distribution is mirrored.
 * Newton's method in w = x^a, of which the probability is nearly linear.
 */
double
sf_beta_quantile (double p, double a)
{
  double whole = exp (2 * lgamma (a) - lgamma (2 * a)), w;

  if (p > 0.5)
    return 1 - sf_beta_quantile (1 - p, a);
  w = p * whole * a;
  for (int i = 0; i < 50; i++)
    {
      double x = MIN (pow (w, 1 / a), 0.5), term = 1, sum = 1 / a, step;

      for (int k = 1; k < 60; k++)
        {
          term *= (k - a) / k * x;
          sum += term / (a + k);
        }
      step = (pow (x, a) * sum - p * whole) * a * pow (1 - x, 1 - a);
      w = pow (x, a) - step;
      if (fabs (step) <= 1e-16 * w)
        break;
    }
  return pow (w, 1 / a);
}
