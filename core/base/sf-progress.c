/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-progress.h"

#define ETA_SMOOTHING 1.0 /* seconds after which a new estimate counts as much as the old one */

SfProgress
sf_progress_sub (const SfProgress *progress, double lo, double hi)
{
  SfProgress sub = { .lo = lo, .hi = hi };

  if (progress != NULL)
    {
      double span = progress->hi - progress->lo;

      sub = *progress;
      sub.lo = progress->lo + lo * span;
      sub.hi = progress->lo + hi * span;
    }
  return sub;
}

void
sf_progress_set (const SfProgress *progress, double fraction)
{
  if (progress != NULL && progress->func != NULL)
    progress->func (progress->lo + CLAMP (fraction, 0, 1) * (progress->hi - progress->lo), progress->data);
}

GCancellable *
sf_progress_cancellable (const SfProgress *progress)
{
  return progress != NULL ? progress->cancellable : NULL;
}

gboolean
sf_progress_stopped (const SfProgress *progress, GError **error)
{
  return progress != NULL && g_cancellable_set_error_if_cancelled (progress->cancellable, error);
}

double
sf_eta_update (SfEta *eta, double fraction, gint64 now)
{
  double elapsed, fresh, age, aged, weight;

  if (eta->start == 0)
    *eta = (SfEta) { .start = now, .when = now, .left = -1 };
  elapsed = (now - eta->start) / 1e6;
  if (fraction <= 0.02 || elapsed < 0.3)
    return -1;
  fresh = elapsed * (1 - MIN (fraction, 1)) / fraction;
  age = (now - eta->when) / 1e6;
  aged = MAX (eta->left - age, 0);
  /* By time, not by calls: a thousand calls in a second must not follow every jitter down. */
  weight = age / (age + ETA_SMOOTHING);
  eta->left = eta->left < 0 ? fresh : MIN (aged + weight * (fresh - aged), eta->left);
  eta->when = now;
  return eta->left;
}
