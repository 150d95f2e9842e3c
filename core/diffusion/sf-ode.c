/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-ode.h"

#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "diffusion/sf-sampling.h"

#define STAGES 7
#define DEFAULT_TOLERANCE 1e-4
#define SHORTEST 1e-10 /* step, as a share of the way */

/* Row i: weights of the slopes so far in the state where slope i is evaluated; the last row is the result, of order 5. */
static const double nodes[STAGES] = { 0, 1.0 / 5, 3.0 / 10, 4.0 / 5, 8.0 / 9, 1, 1 };
static const double weights[STAGES][STAGES - 1] = {
  { 0 },
  { 1.0 / 5 },
  { 3.0 / 40, 9.0 / 40 },
  { 44.0 / 45, -56.0 / 15, 32.0 / 9 },
  { 19372.0 / 6561, -25360.0 / 2187, 64448.0 / 6561, -212.0 / 729 },
  { 9017.0 / 3168, -355.0 / 33, 46732.0 / 5247, 49.0 / 176, -5103.0 / 18656 },
  { 35.0 / 384, 0, 500.0 / 1113, 125.0 / 192, -2187.0 / 6784, 11.0 / 84 },
};
/* Order 5 less order 4. */
static const double errors[STAGES] = { 71.0 / 57600, 0, -71.0 / 16695, 71.0 / 1920, -17253.0 / 339200, 22.0 / 525, -1.0 / 40 };

/* The second slope is not in the result, nor in the error: the last one takes its place. */
static const int place[STAGES] = { 0, 1, 2, 3, 4, 5, 1 };

typedef struct
{
  const SfOde *ode;
  int n_z, evaluations;
  SfTensor *own[SF_ODE_WORK]; /* (nullable) */
  SfTensor *y, *trial;
  double *z, *trial_z;              /* n_z */
  SfTensor *slope[SF_ODE_SLOPES];
  double *slope_z[SF_ODE_SLOPES];   /* n_z each */
} Work;

static void
work_clear (Work *self)
{
  for (int i = 0; i < SF_ODE_WORK; i++)
    sf_tensor_unref (self->own[i]);
  for (int i = 0; i < SF_ODE_SLOPES; i++)
    g_free (self->slope_z[i]);
  g_free (self->trial_z);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static gboolean
work_allocate (Work *self, GError **error)
{
  for (int i = 0; i < SF_ODE_WORK; i++)
    {
      SfTensor *given = self->ode->work[i], *state = given != NULL ? given : (self->own[i] = sf_tensor_new_like (self->y, error));

      if (state == NULL)
        return FALSE;
      *(i < SF_ODE_SLOPES ? &self->slope[i] : &self->trial) = state;
    }
  for (int i = 0; i < SF_ODE_SLOPES; i++)
    self->slope_z[i] = g_new0 (double, self->n_z);
  self->trial_z = g_new0 (double, self->n_z);
  return TRUE;
}

static gboolean
evaluate (Work *self, int i, double t, const SfTensor *y, GError **error)
{
  self->evaluations++;
  return self->ode->slope (t, y, self->slope[place[i]], self->slope_z[place[i]], self->ode->data, error);
}

/* trial = y + h (the slopes weighted as in row @i) */
static void
advance (Work *self, int i, double h)
{
  double w[STAGES] = { 1 };
  const SfTensor *x[STAGES] = { self->y };

  for (int j = 0; j < i; j++)
    {
      w[j + 1] = h * weights[i][j];
      x[j + 1] = self->slope[j];
    }
  sf_weighted_sum (self->trial, i + 1, w, x);
  for (int k = 0; k < self->n_z; k++)
    {
      self->trial_z[k] = self->z[k];
      for (int j = 0; j < i; j++)
        self->trial_z[k] += h * weights[i][j] * self->slope_z[j][k];
    }
}

static double
tolerance (const Work *self, double a, double b)
{
  double rtol = self->ode->rtol > 0 ? self->ode->rtol : DEFAULT_TOLERANCE, atol = self->ode->atol > 0 ? self->ode->atol : DEFAULT_TOLERANCE;

  return atol + rtol * MAX (fabs (a), fabs (b));
}

/* Squares of h (error) / tolerance. */
typedef struct
{
  const Work *work;
  double h;
} Errors;

static double
error_terms (gsize begin, gsize end, gconstpointer data)
{
  const Errors *self = data;
  const Work *work = self->work;
  double sum = 0;

  for (gsize i = begin; i < end; i++)
    {
      double e = 0;

      for (int j = 0; j < STAGES; j++)
        e += errors[j] * work->slope[place[j]]->data[i];
      e *= self->h / tolerance (work, work->y->data[i], work->trial->data[i]);
      sum += e * e;
    }
  return sum;
}

/* Error of the trial in units of what is allowed. */
static double
trial_error (const Work *self, double h)
{
  gsize n = sf_tensor_size (self->y);
  Errors terms = { self, h };
  double sum = sf_sum_terms (0, n, error_terms, &terms);

  for (int k = 0; k < self->n_z; k++)
    {
      double e = 0;

      for (int j = 0; j < STAGES; j++)
        e += errors[j] * self->slope_z[place[j]][k];
      e *= h / tolerance (self, self->z[k], self->trial_z[k]);
      sum += e * e;
    }
  return sqrt (sum / (n + self->n_z));
}

static double
state_terms (gsize begin, gsize end, gconstpointer data)
{
  const Work *self = data;
  double sum = 0;

  for (gsize i = begin; i < end; i++)
    sum += pow (self->y->data[i] / tolerance (self, self->y->data[i], 0), 2);
  return sum;
}

static double
slope_terms (gsize begin, gsize end, gconstpointer data)
{
  const Work *self = data;
  double sum = 0;

  for (gsize i = begin; i < end; i++)
    sum += pow (self->slope[0]->data[i] / tolerance (self, self->y->data[i], 0), 2);
  return sum;
}

/* Over it y changes by a hundredth of itself, as far as its slope says. */
static double
first_step (const Work *self)
{
  gsize n = sf_tensor_size (self->y);
  double y = sf_sum_terms (0, n, state_terms, self), slope = sf_sum_terms (0, n, slope_terms, self);

  return y > 0 && slope > 0 ? 0.01 * sqrt (y / slope) : 1e-6;
}

/* The trial at t + h, and the slope there. */
static gboolean
try_step (Work *self, double t, double h, GError **error)
{
  for (int i = 1; i < STAGES; i++)
    {
      advance (self, i, h);
      if (!evaluate (self, i, t + nodes[i] * h, self->trial, error))
        return FALSE;
    }
  return TRUE;
}

/* The last slope is the first of the next step, unless the state is changed in between. */
static gboolean
accept (Work *self, double t, GError **error)
{
  const int last = place[STAGES - 1];
  SfTensor *first = self->slope[0];
  double *first_z = self->slope_z[0];

  memcpy (self->y->data, self->trial->data, sf_tensor_size (self->y) * sizeof (SfReal));
  if (self->n_z > 0)
    memcpy (self->z, self->trial_z, self->n_z * sizeof (double));
  self->slope[0] = self->slope[last];
  self->slope[last] = first;
  self->slope_z[0] = self->slope_z[last];
  self->slope_z[last] = first_z;
  return self->ode->reached == NULL ||
         (self->ode->reached (t, self->y, self->ode->data, error) && evaluate (self, 0, t, self->y, error));
}

static gboolean
integrate (Work *self, double from, double to, const SfProgress *progress, GError **error)
{
  double way = fabs (to - from), sign = to < from ? -1 : 1, done = 0, h;

  if (!evaluate (self, 0, from, self->y, error))
    return FALSE;
  h = first_step (self);
  while (done < way)
    {
      double e;

      if (sf_progress_stopped (progress, error))
        return FALSE;
      h = MIN (h, way - done);
      if (!try_step (self, from + sign * done, sign * h, error))
        return FALSE;
      e = trial_error (self, h);
      if (e <= 1)
        {
          done = h < way - done ? done + h : way;
          if (!accept (self, from + sign * done, error))
            return FALSE;
          sf_progress_set (progress, done / way);
        }
      else if (!(h > SHORTEST * way))
        {
          g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
                       _ ("The differential equation cannot be followed at %g of its way with a tolerance of %g; allow a larger one"),
                       done / way, tolerance (self, 0, 0));
          return FALSE;
        }
      h *= e > 0 ? CLAMP (0.9 * pow (e, -0.2), 0.2, 5) : e == 0 ? 5
                                                                : 0.2;
    }
  return TRUE;
}

gboolean
sf_ode_solve (const SfOde *self, double from, double to, SfTensor *y, double *z, int n_z, int *evaluations,
              const SfProgress *progress, GError **error)
{
  g_auto (Work) work = { .ode = self, .n_z = n_z, .y = y, .z = z };
  gboolean ok = from == to || (work_allocate (&work, error) && integrate (&work, from, to, progress, error));

  if (evaluations != NULL)
    *evaluations = work.evaluations;
  return ok;
}
