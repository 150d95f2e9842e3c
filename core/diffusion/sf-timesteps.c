/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-timesteps.h"

#include <glib/gi18n.h>
#include <math.h>

#include "base/sf-error.h"

/* Of each section its first and last timestep and the sums of a stride between them, rounded half to even. */
int
sf_timesteps_sections (int total, const int *counts, int n_counts, int *keep, GError **error)
{
  int start = 0, n = 0;

  for (int j = 0; j < n_counts; j++)
    {
      int size = total / n_counts + (j < total % n_counts);
      double stride = counts[j] > 1 ? (size - 1.0) / (counts[j] - 1) : 1, sum = 0;

      if (counts[j] < 0 || counts[j] > size)
        {
          g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("Section %d of the timesteps has %d of them, so %d cannot be taken"), j, size, counts[j]);
          return 0;
        }
      for (int i = 0; i < counts[j]; i++, sum += stride)
        keep[n++] = start + (int) rint (sum);
      start += size;
    }
  return n;
}

int
sf_timesteps_ddim (int total, int n, int *keep, GError **error)
{
  for (int stride = 1; stride < total; stride++)
    if ((total + stride - 1) / stride == n)
      {
        for (int i = 0; i < n; i++)
          keep[i] = i * stride;
        return n;
      }
  g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("No whole stride takes %d of %d timesteps"), n, total);
  return 0;
}

int *
sf_timesteps_jumps (int total, int n_single, int jump, int n_jumps, int *n)
{
  g_autofree int *left = g_new0 (int, total + 1); /* jumps back from each timestep that are still to come */
  GArray *walk = g_array_new (FALSE, FALSE, sizeof (int));
  int t = total;

  for (int i = 0; i < total - jump; i += jump)
    left[i] = n_jumps - 1;
  while (t-- >= 1)
    {
      g_array_append_val (walk, t);
      for (int i = 1; i < n_single && t + 1 < total - 1; i++)
        {
          int pair[] = { t + 1, t };

          g_array_append_vals (walk, pair, 2);
        }
      if (left[t] > 0)
        {
          left[t]--;
          for (int i = 0; i < jump; i++)
            {
              t++;
              g_array_append_val (walk, t);
            }
        }
    }
  g_array_append_val (walk, t);
  *n = (int) walk->len;
  return (int *) (gpointer) g_array_free (walk, FALSE);
}

int
sf_singlestep_orders (int n, int order, int *orders)
{
  int steps = 0;

  while (n > 0)
    {
      /* order 3 is never the last: … 3, 2, 1 or … 3, 1 or … 3, 2 */
      int next = order == 3 && n == 3 ? 2 : MIN (order, n);

      orders[steps++] = next;
      n -= next;
    }
  return steps;
}
