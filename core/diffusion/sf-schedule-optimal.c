/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bao et al., "Analytic-DPM" (2022), section 4 ("dp_seg" in their code): of all ways to take K of N timesteps, that with the
 * least variational bound.  With optimal variances a step from r down to q adds
 * F(q, r) = log (1 - beta_{r|q} Gamma_r / (1 - alpha_bar_r)) to it, so dynamic programming finds the path from 1 to N.
 * Where Gamma exceeds 1 (strong noise, an error of the network) F means nothing: that end gets even steps.
 */
#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"
#include "diffusion/sf-schedule.h"

/* @path (out): @k timesteps 0 = path[0] < … < path[k - 1] = @n - 1 with the least sum of F. */
static void
shortest_path (const SfSpacing *s, int n, int k, int *path)
{
  const double *log_alpha_bar = s->process->log_alpha_bar;
  g_autofree double *bound = g_new (double, (gsize) n *n);      /* F, by [r][q] */
  g_autofree double *cost = g_new (double, 2 * (gsize) n);       /* of the best path of so many steps to each timestep; of one more */
  g_autofree int *before = g_new0 (int, (gsize) k *n);          /* where that path was the step before, by [steps][r] */
  double *now = cost, *next = cost + n;

  for (int r = 0; r < n; r++)
    {
      now[r] = r == 0 ? 0 : INFINITY;
      for (int q = 0; q < r; q++)
        bound[(gsize) r * n + q] = log1p (expm1 (log_alpha_bar[r] - log_alpha_bar[q]) * s->options->gamma[r] / -expm1 (log_alpha_bar[r]));
    }
  for (int i = 1; i < k; i++)
    {
      for (int r = 0; r < n; r++)
        {
          next[r] = INFINITY;
          for (int q = i - 1; q < r; q++)
            if (now[q] + bound[(gsize) r * n + q] < next[r])
              {
                next[r] = now[q] + bound[(gsize) r * n + q];
                before[(gsize) i * n + r] = q;
              }
        }
      now = next;
      next = now == cost ? cost + n : cost;
    }
  path[k - 1] = n - 1;
  for (int i = k - 1; i > 0; i--)
    path[i - 1] = before[(gsize) i * n + path[i]];
}

static int
optimal_times (const SfSpacing *s, double *t, GError **error)
{
  const double *gamma = s->options->gamma;
  int total = s->last, first_bad = 0, bad, near, far;
  g_autofree int *path = NULL;

  if (s->process->kind != NULL || gamma == NULL)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                   _ ("Schedule “%s” of %d steps needs a discrete noise process and the table Gamma of a network"), s->name, s->n);
      return 0;
    }
  while (first_bad < total && gamma[first_bad] <= 1)
    first_bad++;
  bad = MIN (2 * (total - first_bad), total - 1);
  near = (int) ceil ((1 - 0.8 * bad / total) * s->n);
  near = CLAMP (near, MAX (1, s->n - bad), MIN (total - bad, bad > 0 && s->n > 1 ? s->n - 1 : s->n));
  far = s->n - near;
  path = g_new (int, near);
  shortest_path (s, total - bad, near, path);
  for (int k = 0; k < far; k++)
    t[k] = rint (total - (double) bad / far * k) - 1;
  for (int k = 0; k < near; k++)
    t[far + k] = path[near - 1 - k];
  return s->n;
}

const SfSchedule sf_schedule_optimal = {
  .name = "optimal",
  .label = N_ ("Optimal trajectory"),
  .description = N_ ("The timesteps with the best likelihood for this network; needs its table Gamma"),
  .family = SF_SPACING_TIMESTEPS,
  .whole = TRUE,
  .needs_gamma = TRUE,
  .times = optimal_times,
};
