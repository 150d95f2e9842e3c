/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mix.h"

#include <math.h>
#include <string.h>

#define MOST 16 /* components, channels */

typedef struct
{
  int k, c;
  double w[MOST], mu[MOST][MOST], s[MOST], kappa;
  int label[MOST];
} Mixture;

/* Of one pixel, per channel: E[n | x], E[x0 | x], E[n^2 | x]. */
typedef struct
{
  double m[MOST], d[MOST], q[MOST];
} Moments;

static Moments
moments (const Mixture *self, int y, const SfReal *x, double a, double b)
{
  double l[MOST], v[MOST], most = -G_MAXDOUBLE, sum = 0, share = 0;
  Moments o = { 0 };

  for (int k = 0; k < self->k; k++)
    if (y == MIX_ALL || self->label[k] == y)
      share += self->w[k];
  for (int k = 0; k < self->k; k++)
    {
      double square = 0;

      v[k] = a * a * self->s[k] * self->s[k] + b * b;
      for (int c = 0; c < self->c; c++)
        square += (x[c] - a * self->mu[k][c]) * (x[c] - a * self->mu[k][c]);
      l[k] = y == MIX_ALL || self->label[k] == y ? log (self->w[k] / share) - 0.5 * self->c * log (v[k]) - 0.5 * square / v[k] : -INFINITY;
      most = MAX (most, l[k]);
    }
  for (int k = 0; k < self->k; k++)
    sum += l[k] = exp (l[k] - most);
  for (int k = 0; k < self->k; k++)
    for (int c = 0; c < self->c; c++)
      {
        double r = l[k] / sum, e = b * (x[c] - a * self->mu[k][c]) / v[k];

        o.m[c] += r * e;
        o.d[c] += r * (self->mu[k][c] + a * self->s[k] * self->s[k] * (x[c] - a * self->mu[k][c]) / v[k]);
        o.q[c] += r * (e * e + a * a * self->s[k] * self->s[k] / v[k]);
      }
  return o;
}

static double
ripple (const Mixture *self, double t, int c)
{
  return self->kappa * sin (0.013 * t + 0.7 * c);
}

void
mix_head (const Mix *self, SfPrediction head, int y, const SfTensor *x, double a, double b, double t, SfTensor *out)
{
  const Mixture *mixture = self->mixture;

  for (gsize i = 0; i < sf_tensor_size (x); i += x->c)
    {
      Moments o = moments (mixture, y, x->data + i, a, b);

      for (int c = 0; c < x->c; c++)
        {
          double r = ripple (mixture, t, c), value = 0;

          switch (head)
            {
            case SF_PREDICTION_EPSILON:
              value = o.m[c] + r;
              break;
            case SF_PREDICTION_SAMPLE:
              value = o.d[c] + r;
              break;
            case SF_PREDICTION_V:
              value = a * o.m[c] - b * o.d[c] + r;
              break;
            case SF_PREDICTION_FLOW:
              value = o.m[c] - o.d[c] + r;
              break;
            case SF_PREDICTION_SCORE:
              value = -(o.m[c] + r) / b;
              break;
            case SF_PREDICTION_PREVIOUS:
              value = 0.6 * x->data[i + c] + 0.4 * (o.d[c] + r);
              break;
            default:
              g_assert_not_reached ();
            }
          out->data[i + c] = (SfReal) value;
        }
    }
}

void
mix_second (const Mix *self, MixSecond second, const SfTensor *x, double a, double b, double t, SfTensor *out)
{
  const Mixture *mixture = self->mixture;

  for (gsize i = 0; i < sf_tensor_size (x); i += x->c)
    {
      Moments o = moments (mixture, MIX_ALL, x->data + i, a, b);

      for (int c = 0; c < x->c; c++)
        {
          double value = x->data[i + c], e = o.m[c] + ripple (mixture, t, c);

          switch (second)
            {
            case MIX_SECOND_RANGE:
              value = 0.6 * sin (1.7 * value + 0.01 * t);
              break;
            case MIX_SECOND_LOGVAR:
              value = -3 + 0.5 * sin (value + 0.02 * t);
              break;
            case MIX_SECOND_VARIANCE:
              value = 0.05 * (1 + 0.5 * sin (value + 0.02 * t));
              break;
            case MIX_SECOND_EPS2:
              value = o.q[c];
              break;
            case MIX_SECOND_EPSC:
              value = o.q[c] - 2 * e * o.m[c] + e * e;
              break;
            default:
              g_assert_not_reached ();
            }
          out->data[i + c] = (SfReal) value;
        }
    }
}

void
mix_gradient (const Mix *self, int y, const SfTensor *x, double a, double b, SfTensor *out)
{
  for (gsize i = 0; i < sf_tensor_size (x); i += x->c)
    {
      Moments all = moments (self->mixture, MIX_ALL, x->data + i, a, b), one = moments (self->mixture, y, x->data + i, a, b);

      for (int c = 0; c < x->c; c++)
        out->data[i + c] = (SfReal) ((all.m[c] - one.m[c]) / b);
    }
}

/*** The denoiser ***/

/* The level below @level in the chain of the process: where its mean "previous" lies. */
static SfNoiseLevel
next_level (const Mix *self, const SfNoiseLevel *level)
{
  int i = (int) lrint (sf_noise_process_t (self->process, level->sigma));

  return i > 0 ? sf_noise_process_level (self->process, i - 1) : sf_noise_level_clean ();
}

/* What the network gave, against block @call of model_out: the head, then the second head where the reference has one. */
static void
compare_output (const Mix *self, int call, const SfTensor *head, const SfTensor *x, double a, double b, double t)
{
  const GoldenTensor *want = case_tensor (self->c, "model_out");
  g_autoptr (SfTensor) second = NULL, both = NULL;

  /* In float32 it may magnify the state's error. */
  if (want == NULL || sizeof (SfReal) < sizeof (double))
    return;
  if (want->dim[want->n_dims - 3] != 2 * (gsize) head->c)
    {
      case_compare_state (self->c, "model_out", call, head, 1, TOLERANCE_STATE);
      return;
    }
  second = sf_tensor_new_like (x, NULL);
  both = sf_tensor_new (x->n, x->h, x->w, 2 * x->c, NULL);
  mix_second (self, self->second, x, a, b, t, second);
  for (gsize i = 0; i < sf_tensor_size (x); i += x->c)
    {
      memcpy (both->data + 2 * i, head->data + i, x->c * sizeof (SfReal));
      memcpy (both->data + 2 * i + x->c, second->data + i, x->c * sizeof (SfReal));
    }
  case_compare_state (self->c, "model_out", call, both, 1, TOLERANCE_STATE);
}

static void
compare_estimate (const Mix *self, int call, const SfTensor *denoised)
{
  g_autoptr (SfTensor) clipped = sf_tensor_copy (denoised, NULL);

  sf_clip (&self->clip, clipped);
  case_compare_state (self->c, self->estimate, call, clipped, 1, TOLERANCE_STATE);
}

static gboolean
predict (SfDenoiser *denoiser, const SfTensor *y, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
         const SfProgress *progress, GError **error)
{
  Mix *self = (Mix *) denoiser;
  g_autoptr (SfTensor) x = sf_tensor_new_like (y, NULL);
  double a = level->a, b = level->sigma * a, state, output;
  SfNoiseLevel next = { 0 };
  int call = self->call++;

  for (gsize i = 0; i < sf_tensor_size (x); i++)
    x->data[i] = (SfReal) (a * y->data[i]);
  if (self->c != NULL)
    {
      double tolerance = self->chosen ? TOLERANCE_STATE : TOLERANCE_TABLE;
      int row = self->row == NULL ? call : call < self->n_rows ? self->row[call]
                                                               : -1;

      if (self->trajectory != NULL && row >= 0)
        case_compare_state (self->c, self->trajectory, row, y, self->scaled ? a : 1, TOLERANCE_STATE);
      if (case_tensor (self->c, "model_t") != NULL)
        case_compare_number (self->c, "model_t", call, level->t, tolerance);
      if (case_tensor (self->c, "model_a") != NULL)
        case_compare_number (self->c, "model_a", call, a, tolerance);
    }
  mix_head (self, self->head, self->y, x, a, b, level->t, denoised);
  if (self->c != NULL)
    compare_output (self, call, denoised, x, a, b, level->t);
  if (variance != NULL)
    mix_second (self, self->second, x, a, b, level->t, variance);
  for (gsize i = 0; self->second == MIX_SECOND_VARIANCE && variance != NULL && i < sf_tensor_size (x); i++)
    variance->data[i] = (SfReal) log (variance->data[i]);
  if (self->head == SF_PREDICTION_PREVIOUS)
    next = next_level (self, level);
  sf_prediction_weights (self->head, level, &next, &state, &output);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    denoised->data[i] = (SfReal) (state * y->data[i] + output * denoised->data[i]);
  if (self->c != NULL && self->estimate != NULL)
    compare_estimate (self, call, denoised);
  return TRUE;
}

static void
mix_free (SfDenoiser *denoiser)
{
  g_free (((Mix *) denoiser)->mixture);
  g_free (denoiser);
}

Mix *
mix_new (Case *c)
{
  Mix *self = g_new0 (Mix, 1);
  Mixture *mixture = g_new0 (Mixture, 1);
  JsonObject *model = case_model (c);

  *self = (Mix) { .parent = { .predict = predict, .free = mix_free }, .y = MIX_ALL, .c = c, .mixture = mixture };
  if (model == NULL)
    {
      case_fail (c, "the case names no model");
      return self;
    }
  JsonArray *w = json_object_get_array_member (model, "w"), *mu = json_object_get_array_member (model, "mu");
  JsonArray *s = json_object_get_array_member (model, "s"), *label = json_object_get_array_member (model, "label");

  mixture->k = (int) json_array_get_length (w);
  mixture->c = (int) json_array_get_length (json_array_get_array_element (mu, 0));
  mixture->kappa = json_object_get_double_member (model, "kappa");
  g_assert_true (mixture->k <= MOST && mixture->c <= MOST);
  for (int k = 0; k < mixture->k; k++)
    {
      mixture->w[k] = json_array_get_double_element (w, k);
      mixture->s[k] = json_array_get_double_element (s, k);
      mixture->label[k] = (int) json_array_get_int_element (label, k);
      for (int j = 0; j < mixture->c; j++)
        mixture->mu[k][j] = json_array_get_double_element (json_array_get_array_element (mu, k), j);
    }
  return self;
}
