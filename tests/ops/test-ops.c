/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test-ops [plain]: every op of the table in reference.c, the way it runs on this machine or the plain way.  Its result and its
 * gradients against loops in double, the same bits for any number of threads and in place, dry runs, cancel, too little memory.
 */
#include "reference.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "base/sf-rng.h"
#include "ops/sf-ops-private.h"

/* Sums of some hundred products of size 1 in float, relative to the size of a typical value. */
#define FORWARD_TOLERANCE 3e-6
/* Winograd's transforms add and subtract numbers some times larger than the result (Lavin and Gray 2016). */
#define WINOGRAD_TOLERANCE 1e-5
/* Sums in float twice, once forward and once backward. */
#define GRADIENT_TOLERANCE 1e-5
/* Of the central difference in double: its error is about STEP^2 from above, 1e-16 / STEP from below. */
#define STEP 1e-5
#define MOST_ARRAYS (MOST_INPUTS + MOST_PARAMETERS)

/*** A case with numbers ***/

typedef struct
{
  const Case *self;
  Array x[MOST_INPUTS], w[MOST_PARAMETERS];
  float *floats[MOST_PARAMETERS];
  SfParameter *parameter[MOST_PARAMETERS];
  Array y, dy;
} Fixture;

static Array
noise (const gsize *dim, guint64 stream)
{
  Array a = { { dim[0], dim[1], dim[2], dim[3] }, NULL };
  gsize n = array_size (&a);
  g_autofree float *x = g_new (float, n);

  a.data = g_new (double, n);
  sf_rng_normal ((SfRng) { 11, stream }, 0, x, n);
  for (gsize i = 0; i < n; i++)
    a.data[i] = x[i];
  return a;
}

static void
fixture_init (Fixture *f, const Case *self)
{
  *f = (Fixture) { .self = self };
  for (int i = 0; i < MOST_INPUTS && self->x[i][0] > 0; i++)
    f->x[i] = noise (self->x[i], i);
  for (int i = 0; i < MOST_PARAMETERS && self->w[i][0] > 0; i++)
    {
      SfArray array = { .dtype = SF_DTYPE_F32, .n_dims = 4, .n = 1 };

      f->w[i] = noise (self->w[i], 10 + i);
      f->floats[i] = g_new (float, array_size (&f->w[i]));
      for (gsize j = 0; j < array_size (&f->w[i]); j++)
        f->floats[i][j] = f->w[i].data[j];
      for (int j = 0; j < 4; j++)
        array.n *= array.dim[j] = self->w[i][j];
      array.data = f->floats[i];
      f->parameter[i] = sf_parameter_new ("w", &array);
    }
  self->reference (self, f->x, f->w, &f->y);
  f->dy = noise (f->y.dim, 20);
}

static void
fixture_clear (Fixture *f)
{
  for (int i = 0; i < MOST_INPUTS; i++)
    array_clear (&f->x[i]);
  for (int i = 0; i < MOST_PARAMETERS; i++)
    {
      array_clear (&f->w[i]);
      g_free (f->floats[i]);
      sf_parameter_free (f->parameter[i]);
    }
  array_clear (&f->y);
  array_clear (&f->dy);
}

/* (transfer full) (nullable): in the context's own memory. */
static SfTensor *
to_tensor (SfContext *cx, const Array *a)
{
  SfTensor *x = sf_context_tensor (cx, a->dim[0], a->dim[1], a->dim[2], a->dim[3]);

  for (gsize i = 0; x != NULL && !sf_context_is_dry (cx) && i < array_size (a); i++)
    x->data[i] = a->data[i];
  return x;
}

static void
make_inputs (const Fixture *f, SfContext *cx, SfTensor **x)
{
  for (int i = 0; i < MOST_INPUTS; i++)
    x[i] = f->x[i].data != NULL ? to_tensor (cx, &f->x[i]) : NULL;
}

static void
append (GArray *all, const float *x, gsize n)
{
  g_array_append_vals (all, x, n);
}

/* (transfer full): result and gradients, one after the other; shorter where the context fails. */
static GArray *
run_all (Fixture *f, SfContext *cx)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (float));

  for (int i = 0; i < MOST_PARAMETERS && f->parameter[i] != NULL; i++)
    sf_parameter_want_gradient (f->parameter[i]);
  for (int i = 0; i < MOST_INPUTS && (i == 0 || f->x[i].data != NULL); i++)
    {
      SfTensor *x[MOST_INPUTS];
      g_autoptr (SfTensor) y = NULL, wanted = NULL, dx = NULL;

      make_inputs (f, cx, x);
      sf_context_start_tape (cx);
      wanted = sf_tensor_ref (x[i]);
      y = f->self->run (f->self, cx, x, f->parameter);
      if (y == NULL)
        return all;
      if (!sf_context_is_dry (cx) && i == 0)
        append (all, y->data, sf_tensor_size (y));
      dx = sf_context_gradient (cx, y, to_tensor (cx, &f->dy), wanted);
      g_assert_true (dx != NULL || wanted == NULL || sf_context_failed (cx));
      if (dx != NULL && !sf_context_is_dry (cx))
        append (all, dx->data, sf_tensor_size (dx));
      if (i == 0 && !sf_context_is_dry (cx))
        for (int j = 0; j < MOST_PARAMETERS && f->parameter[j] != NULL; j++)
          append (all, f->parameter[j]->gradient, f->parameter[j]->array.n);
    }
  return all;
}

/*** Result ***/

static double
rms (const double *x, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += x[i] * x[i] / n;
  return sqrt (sum);
}

static void
check_forward (const Fixture *f, const SfTensor *y)
{
  double size = rms (f->y.data, array_size (&f->y));
  double tolerance = g_str_has_prefix (f->self->name, "conv/") && !sf_ops_are_plain () ? WINOGRAD_TOLERANCE : FORWARD_TOLERANCE;

  g_assert_cmpuint (sf_tensor_size (y), ==, array_size (&f->y));
  for (gsize i = 0; i < array_size (&f->y); i++)
    if (!(fabs (y->data[i] - f->y.data[i]) <= tolerance * (size + fabs (f->y.data[i]))))
      {
        g_test_fail_printf ("element %" G_GSIZE_FORMAT ": %g instead of %g", i, y->data[i], f->y.data[i]);
        return;
      }
}

static void
test_forward (gconstpointer data)
{
  g_autoptr (SfContext) cx = sf_context_new (64 << 20);
  g_autoptr (SfTensor) y = NULL, again = NULL;
  SfTensor *x[MOST_INPUTS], *kept[MOST_INPUTS];
  Fixture f;

  fixture_init (&f, data);
  make_inputs (&f, cx, x);
  y = f.self->run (f.self, cx, x, f.parameter);
  g_assert_nonnull (y);
  check_forward (&f, y);

  /* What somebody else holds is not written to. */
  make_inputs (&f, cx, x);
  for (int i = 0; i < MOST_INPUTS; i++)
    kept[i] = sf_tensor_ref (x[i]);
  again = f.self->run (f.self, cx, x, f.parameter);
  g_assert_cmpmem (y->data, sf_tensor_size (y) * sizeof (float), again->data, sf_tensor_size (again) * sizeof (float));
  for (int i = 0; i < MOST_INPUTS; i++)
    for (gsize j = 0; kept[i] != NULL && j < sf_tensor_size (kept[i]); j++)
      g_assert_true (kept[i]->data[j] == (float) f.x[i].data[j]);
  for (int i = 0; i < MOST_INPUTS; i++)
    sf_tensor_unref (kept[i]);
  fixture_clear (&f);
}

/*** Gradients ***/

/* Of sum (dy y). */
static double
loss (const Fixture *f)
{
  Array y;
  double sum = 0;

  f->self->reference (f->self, f->x, f->w, &y);
  for (gsize i = 0; i < array_size (&y); i++)
    sum += f->dy.data[i] * y.data[i];
  array_clear (&y);
  return sum;
}

static void
check_gradient (const Fixture *f, const char *what, int which, Array *array, const float *gradient, gsize samples)
{
  gsize n = array_size (array), step = MAX (n / samples, 1);
  double size = 0;

  for (gsize i = 0; i < n; i++)
    size += (double) gradient[i] * gradient[i] / n;
  size = sqrt (size);
  for (gsize i = n / 2 % step; i < n; i += step)
    {
      double old = array->data[i], numeric;

      array->data[i] = old + STEP;
      numeric = loss (f);
      array->data[i] = old - STEP;
      numeric = (numeric - loss (f)) / (2 * STEP);
      array->data[i] = old;
      if (!(fabs (gradient[i] - numeric) <= GRADIENT_TOLERANCE * (size + fabs (numeric))))
        {
          g_test_fail_printf ("%s %d, element %" G_GSIZE_FORMAT ": %.7g instead of %.7g", what, which, i, gradient[i], numeric);
          return;
        }
    }
}

static void
test_gradient (gconstpointer data)
{
  g_autoptr (SfContext) cx = sf_context_new (64 << 20);
  g_autoptr (GArray) all = NULL;
  const float *at;
  Fixture f;
  gsize samples;

  fixture_init (&f, data);
  all = run_all (&f, cx);
  samples = CLAMP (3e7 / sf_context_get_work (cx), 3, 60);
  at = (const float *) (gpointer) all->data + array_size (&f.y);
  if (f.x[0].data != NULL)
    {
      check_gradient (&f, "input", 0, &f.x[0], at, samples);
      at += array_size (&f.x[0]);
    }
  for (int i = 0; i < MOST_PARAMETERS && f.w[i].data != NULL; i++)
    {
      check_gradient (&f, "parameter", i, &f.w[i], at, samples);
      at += array_size (&f.w[i]);
    }
  for (int i = 1; i < MOST_INPUTS && f.x[i].data != NULL; i++)
    {
      check_gradient (&f, "input", i, &f.x[i], at, samples);
      at += array_size (&f.x[i]);
    }
  g_assert_true (at == (const float *) (gpointer) all->data + all->len);
  fixture_clear (&f);
}

/*** Threads ***/

static void
test_threads (gconstpointer data)
{
  static const int threads[] = { 1, 2, 4 };
  g_autoptr (GArray) first = NULL;
  Fixture f;

  fixture_init (&f, data);
  for (gsize i = 0; i < G_N_ELEMENTS (threads); i++)
    {
      g_autoptr (SfContext) cx = sf_context_new (64 << 20);
      g_autoptr (GArray) all = NULL;

      sf_parallel_set_threads (threads[i]);
      all = run_all (&f, cx);
      if (first != NULL)
        g_assert_cmpmem (all->data, all->len * sizeof (float), first->data, first->len * sizeof (float));
      else
        first = g_steal_pointer (&all);
    }
  sf_parallel_set_threads (0);
  fixture_clear (&f);
}

/*** Memory ***/

/* A dry run counts the same work and peak; that much memory is enough, and a line less is not. */
static void
test_memory (gconstpointer data)
{
  g_autoptr (SfContext) dry = sf_context_new_dry ();
  g_autoptr (GArray) nothing = NULL;
  gsize peak;
  Fixture f;

  fixture_init (&f, data);
  nothing = run_all (&f, dry);
  peak = sf_arena_get_peak (sf_context_get_arena (dry));
  for (int part = 8; part > 0; part--)
    {
      gsize budget = part == 8 ? peak : CLAMP (peak * part / 7 / 64 * 64, 64, peak - 64);
      g_autoptr (SfContext) cx = sf_context_new (budget);
      g_autoptr (GArray) all = run_all (&f, cx);
      g_autoptr (GError) error = NULL;

      if (part == 8)
        {
          g_assert_cmpuint (sf_arena_get_peak (sf_context_get_arena (cx)), ==, peak);
          g_assert_cmpfloat (sf_context_get_work (cx), ==, sf_context_get_work (dry));
        }
      g_assert_true (sf_context_end (cx, &error) == (part == 8));
      if (part < 8)
        g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
      g_assert_cmpuint (sf_arena_get_live (sf_context_get_arena (cx)), ==, 0);
    }
  fixture_clear (&f);
}

static void
test_cancel (gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (SfContext) cx = sf_context_new (64 << 20);
  g_autoptr (GError) error = NULL;
  SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  SfTensor *x[MOST_INPUTS];
  Fixture f;

  fixture_init (&f, data);
  sf_context_begin (cx, &progress, 0);
  make_inputs (&f, cx, x);
  g_cancellable_cancel (cancellable);
  g_assert_null (f.self->run (f.self, cx, x, f.parameter));
  g_assert_false (sf_context_end (cx, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpuint (sf_arena_get_live (sf_context_get_arena (cx)), ==, 0);

  /* And nothing in gives nothing out, whatever else is there. */
  sf_context_begin (cx, NULL, 0);
  make_inputs (&f, cx, x);
  if (x[0] != NULL)
    {
      g_clear_pointer (&x[0], sf_tensor_unref);
      g_assert_null (f.self->run (f.self, cx, x, f.parameter));
    }
  g_assert_true (sf_context_end (cx, NULL));
  g_assert_cmpuint (sf_arena_get_live (sf_context_get_arena (cx)), ==, 0);
  fixture_clear (&f);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } kinds[] = {
    { "forward", test_forward },
    { "gradient", test_gradient },
    { "threads", test_threads },
    { "memory", test_memory },
    { "cancel", test_cancel },
  };

  g_test_init (&argc, &argv, NULL);
  sf_ops_force_plain (argc > 1 && g_str_equal (argv[1], "plain"));
  for (int i = 0; i < n_cases; i++)
    for (gsize j = 0; j < G_N_ELEMENTS (kinds); j++)
      {
        g_autofree char *path = g_strdup_printf ("/ops/%s/%s", cases[i].name, kinds[j].name);

        g_test_add_data_func (path, &cases[i], kinds[j].func);
      }
  return g_test_run ();
}
