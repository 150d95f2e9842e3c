/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which rectangles a job looks at and changes, what is refused, and how pixels become states and masks. */
#include "pipeline/sf-region.h"

#include <math.h>
#include <string.h>

#include "picture.h"

#define RECT(...) (&(SfRect) { __VA_ARGS__ })

static gboolean
contains (SfRect a, SfRect b)
{
  return b.x >= a.x && b.y >= a.y && b.x + b.width <= a.x + a.width && b.y + b.height <= a.y + a.height;
}

#define assert_rect(r, X, Y, W, H)       \
  G_STMT_START                           \
  {                                      \
    g_assert_cmpint ((r).x, ==, X);      \
    g_assert_cmpint ((r).y, ==, Y);      \
    g_assert_cmpint ((r).width, ==, W);  \
    g_assert_cmpint ((r).height, ==, H); \
  }                                      \
  G_STMT_END

static SfPlan
plan (SfTask task, const SfSettings *settings, int width, int height, const SfRect *selection)
{
  g_autoptr (GError) error = NULL;
  SfPlan plan;

  g_assert_true (sf_plan (task, settings, &(SfPlanSize) { .width = width, .height = height }, selection, &plan, &error));
  g_assert_no_error (error);
  /* what holds always */
  g_assert_true (contains (plan.picture, plan.crop));
  if (task != SF_TASK_GENERATE)
    {
      g_assert_true (contains (plan.frame, plan.box));
      g_assert_true (contains (plan.work, plan.frame));
      g_assert_true (contains (plan.canvas, plan.work));
      g_assert_true (contains (plan.work, plan.crop));
    }
  return plan;
}

static void
test_rects (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  SfPlan p;

  s->context = 50;
  p = plan (SF_TASK_FILL, s, 400, 300, RECT (100, 120, 30, 20));
  assert_rect (p.canvas, 0, 0, 400, 300);
  assert_rect (p.box, 100, 120, 30, 20);
  assert_rect (p.work, 50, 70, 130, 120);
  assert_rect (p.crop, 50, 70, 130, 120);
  g_assert_true (contains (p.frame, p.box));
  /* partly outside, on each corner */
  p = plan (SF_TASK_FILL, s, 400, 300, RECT (-20, -10, 50, 40));
  assert_rect (p.box, 0, 0, 30, 30);
  assert_rect (p.work, 0, 0, 80, 80);
  p = plan (SF_TASK_REGENERATE, s, 400, 300, RECT (390, 290, 500, 500));
  assert_rect (p.box, 390, 290, 10, 10);
  assert_rect (p.work, 340, 240, 60, 60);
  /* no selection: all */
  p = plan (SF_TASK_REGENERATE, s, 40, 30, NULL);
  assert_rect (p.box, 0, 0, 40, 30);
  assert_rect (p.frame, 0, 0, 40, 30);
  /* context by itself is at least as far as the box is long */
  s->context = -1;
  p = plan (SF_TASK_FILL, s, 6000, 4000, RECT (3000, 2000, 512, 512));
  g_assert_cmpint (p.crop.width, >=, 3 * 512);
  /* and a small thing in a huge picture takes little of it */
  g_assert_cmpint (p.crop.width, <=, 4 * 512);
  g_assert_cmpint (p.crop.height, <=, 4 * 512);
  p = plan (SF_TASK_FILL, s, 6000, 4000, RECT (5999, 3999, 1, 1));
  g_assert_true ((double) p.crop.width * p.crop.height <= 1024.0 * 1024);
  /* context 0 still has room for the patches at the edge */
  s->context = 0;
  p = plan (SF_TASK_FILL, s, 400, 300, RECT (100, 120, 30, 20));
  g_assert_cmpint (p.crop.x, <=, 100 - 6);
}

static void
test_strip (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  SfPlan p = plan (SF_TASK_FILL, s, 300, 30000, RECT (0, 15000, 300, 200));

  g_assert_cmpint (p.crop.width, ==, 300);
  g_assert_cmpint (p.crop.height, <, 2000);
}

static void
test_grown (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  SfPlan p;

  s->feather = 20;
  p = plan (SF_TASK_FILL, s, 400, 300, RECT (100, 120, 30, 20));
  assert_rect (p.box, 100, 120, 30, 20); /* a respected selection is not exceeded */
  s->respect_selection = FALSE;
  p = plan (SF_TASK_FILL, s, 400, 300, RECT (100, 120, 30, 20));
  assert_rect (p.box, 90, 110, 50, 40);
}

static void
test_expand (void)
{
  static const int sides[][4] = { { 50, 0, 0, 0 }, { 0, 50, 0, 0 }, { 0, 0, 50, 0 }, { 0, 0, 0, 50 }, { 10, 20, 0, 0 }, { 0, 0, 10, 20 }, { 1, 2, 3, 4 }, { 500, 500, 500, 500 } };

  for (gsize i = 0; i < G_N_ELEMENTS (sides); i++)
    for (int feather = 0; feather < 20; feather += 8)
      {
        g_autoptr (SfSettings) s = sf_settings_new ();
        const int left = sides[i][0], right = sides[i][1], top = sides[i][2], bottom = sides[i][3];
        SfPlan p;

        s->left = left;
        s->right = right;
        s->top = top;
        s->bottom = bottom;
        s->feather = feather;
        p = plan (SF_TASK_EXPAND, s, 200, 150, RECT (10, 10, 20, 20)); /* a selection changes nothing */
        assert_rect (p.canvas, -left, -top, 200 + left + right, 150 + top + bottom);
        if (left > 0)
          g_assert_true (contains (p.box, (SfRect) { -left, 0, left, 150 }));
        if (right > 0)
          g_assert_true (contains (p.box, (SfRect) { 200, 0, right, 150 }));
        if (top > 0)
          g_assert_true (contains (p.box, (SfRect) { 0, -top, 200, top }));
        if (bottom > 0)
          g_assert_true (contains (p.box, (SfRect) { 0, 150, 200, bottom }));
      }
}

static void
test_generate (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  SfPlan p = plan (SF_TASK_GENERATE, s, 300, 200, NULL);

  assert_rect (p.frame, 0, 0, 300, 200);
  assert_rect (p.crop, 0, 0, 300, 200);
  s->width = 77;
  s->height = 99;
  p = plan (SF_TASK_GENERATE, s, 300, 200, RECT (250, 150, 100, 100));
  assert_rect (p.canvas, 0, 0, 77, 99);
  assert_rect (p.crop, 250, 150, 50, 50); /* the example is what is selected */
  p = plan (SF_TASK_GENERATE, s, 6000, 4000, NULL);
  g_assert_true ((double) p.crop.width * p.crop.height < 6e6); /* and no more of it than is useful */
}

static void
assert_refused (SfTask task, const SfSettings *settings, int width, int height, const SfRect *selection, int code,
                const char *words)
{
  g_autoptr (GError) error = NULL;
  SfPlan plan;

  g_assert_false (sf_plan (task, settings, &(SfPlanSize) { .width = width, .height = height }, selection, &plan, &error));
  g_assert_error (error, SF_ERROR, code);
  g_assert_nonnull (strstr (error->message, words));
}

static void
test_refused (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();

  assert_refused (SF_TASK_FILL, s, 100, 100, NULL, SF_ERROR_REGION, "Select the area to fill first");
  assert_refused (SF_TASK_FILL, s, 100, 100, RECT (200, 0, 10, 10), SF_ERROR_REGION, "outside of the layer");
  assert_refused (SF_TASK_REGENERATE, s, 100, 100, RECT (0, 100, 10, 10), SF_ERROR_REGION, "outside of the layer");
  assert_refused (SF_TASK_GENERATE, s, 100, 100, RECT (-10, 0, 10, 10), SF_ERROR_REGION, "outside of the layer");
  assert_refused (SF_TASK_GENERATE, s, 100, 7, NULL, SF_ERROR_ARGUMENT, "at least 8 × 8");
  assert_refused (SF_TASK_EXPAND, s, 100, 100, NULL, SF_ERROR_ARGUMENT, "how many pixels");
}

/*** Pixels ***/

#define SIDE 40

typedef struct
{
  SfPlan plan;
  SfPixels pixels;
  float *rgba, *coverage;
} Given;

static void
given_clear (Given *g)
{
  sf_pixels_clear (&g->pixels);
  g_free (g->rgba);
  g_free (g->coverage);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Given, given_clear)

/* A SIDE x SIDE picture with a 10 x 10 selection in its middle. */
static void
given_init (Given *g, SfTask task, const SfSettings *settings)
{
  g_autoptr (SfTensor) picture = picture_texture (SIDE, SIDE, 1, 4);

  *g = (Given) { .plan = plan (task, settings, SIDE, SIDE, RECT (15, 15, 10, 10)) };
  g_assert_cmpint (g->plan.crop.width * g->plan.crop.height, ==, SIDE * SIDE);
  g->rgba = picture_to_rgba (picture);
  g->coverage = g_new0 (float, SIDE *SIDE);
  for (int i = 0; i < SIDE * SIDE; i++)
    g->coverage[i] = i / SIDE >= 15 && i / SIDE < 25 && i % SIDE >= 15 && i % SIDE < 25;
}

static void
given_use (Given *g, SfTask task, const SfSettings *settings)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sf_pixels_init (&g->pixels, task, settings, &g->plan, g->rgba, g->coverage, NULL, &error));
  g_assert_no_error (error);
}

/* Of the frame, by coordinates of the picture. */
static float
mask_at (const Given *g, int y, int x)
{
  const SfRect *f = &g->plan.frame;

  return g->pixels.mask[(gsize) (y - f->y) * f->width + x - f->x];
}

static void
test_hard (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_auto (Given) g;
  const SfRect *f;

  given_init (&g, SF_TASK_FILL, s);
  given_use (&g, SF_TASK_FILL, s);
  f = &g.plan.frame;
  for (int y = f->y; y < f->y + f->height; y++)
    for (int x = f->x; x < f->x + f->width; x++)
      {
        gboolean inside = g.coverage[y * SIDE + x] > 0;

        g_assert_cmpfloat (mask_at (&g, y, x), ==, inside);
        g_assert_cmpint (g.pixels.state[y * SIDE + x], ==, inside ? SF_PIXEL_HOLE : SF_PIXEL_KNOWN);
      }
  for (int i = 0; i < SIDE * SIDE; i++)
    for (int c = 0; c < 3; c++)
      g_assert_true (fabsf (g.pixels.image->data[i * 3 + c] - (2 * g.rgba[i * 4 + c] - 1)) < 1e-6f);
}

static void
test_soft (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();

  for (int respect = 0; respect < 2; respect++)
    {
      g_auto (Given) g;

      s->respect_selection = respect;
      given_init (&g, SF_TASK_REGENERATE, s);
      g.coverage[20 * SIDE + 20] = 0.5f;
      g.coverage[20 * SIDE + 21] = 7; /* nonsense is cut */
      given_use (&g, SF_TASK_REGENERATE, s);
      g_assert_cmpfloat (mask_at (&g, 20, 20), ==, respect ? 0.5 : 1);
      g_assert_cmpfloat (mask_at (&g, 20, 21), ==, 1);
      g_assert_cmpfloat (mask_at (&g, 10, 20), ==, 0);
    }
}

/* The share rises from the edge of the hole inwards, over the feather. */
static void
test_feather (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_auto (Given) g;

  s->feather = 4;
  given_init (&g, SF_TASK_FILL, s);
  given_use (&g, SF_TASK_FILL, s);
  g_assert_cmpfloat (mask_at (&g, 14, 20), ==, 0);
  for (int y = 16; y < 20; y++)
    g_assert_cmpfloat (mask_at (&g, y, 20), >=, mask_at (&g, y - 1, 20));
  g_assert_cmpfloat (mask_at (&g, 15, 20), >, 0);
  g_assert_cmpfloat (mask_at (&g, 15, 20), <, 0.2);
  g_assert_cmpfloat (mask_at (&g, 20, 20), ==, 1);
}

static void
test_strange_values (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_auto (Given) g;

  given_init (&g, SF_TASK_FILL, s);
  g.rgba[0] = NAN;
  g.rgba[4] = INFINITY;
  g.rgba[8] = -INFINITY;
  g.rgba[12] = 3; /* a float picture's light */
  given_use (&g, SF_TASK_FILL, s);
  g_assert_cmpfloat (g.pixels.image->data[0], ==, -1);
  g_assert_cmpfloat (g.pixels.image->data[3], ==, 1);
  g_assert_cmpfloat (g.pixels.image->data[6], ==, -1);
  g_assert_cmpfloat (g.pixels.image->data[9], ==, 5);
  g_assert_cmpfloat (g.pixels.high, ==, 3);
  g_assert_cmpfloat (g.pixels.low, ==, 0);
}

/* Transparent pixels are no sources and stay transparent, unless all that is to be filled is. */
static void
test_transparent (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_auto (Given) a, b;
  int center = 20 * SIDE + 20;

  given_init (&a, SF_TASK_FILL, s);
  a.rgba[center * 4 + 3] = 0;
  a.rgba[3] = 0;
  given_use (&a, SF_TASK_FILL, s);
  g_assert_cmpint (a.pixels.state[center], ==, SF_PIXEL_VOID);
  g_assert_cmpint (a.pixels.state[0], ==, SF_PIXEL_VOID);
  g_assert_cmpfloat (mask_at (&a, 20, 20), ==, 0);
  given_init (&b, SF_TASK_FILL, s);
  for (int i = 0; i < SIDE * SIDE; i++)
    if (b.coverage[i] > 0)
      b.rgba[i * 4 + 3] = 0;
  given_use (&b, SF_TASK_FILL, s);
  g_assert_cmpint (b.pixels.state[center], ==, SF_PIXEL_HOLE);
  g_assert_cmpfloat (b.pixels.alpha[(gsize) (20 - b.plan.frame.y) * b.plan.frame.width + 20 - b.plan.frame.x], ==, 1);
}

static void
assert_pixels_refused (SfTask task, const SfSettings *settings, Given *g, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_pixels_init (&g->pixels, task, settings, &g->plan, g->rgba, g->coverage, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_REGION);
  g_assert_nonnull (strstr (error->message, words));
}

/* Whoever is told to stop fills nothing. */
static void
test_stopped (void)
{
  static const SfTask tasks[] = { SF_TASK_REGENERATE, SF_TASK_FILL };
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };

  g_cancellable_cancel (cancellable);
  s->feather = 4;
  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    {
      g_autoptr (GError) error = NULL;
      g_auto (Given) g;

      given_init (&g, tasks[i], s);
      g_assert_false (sf_pixels_init (&g.pixels, tasks[i], s, &g.plan, g.rgba, g.coverage, &progress, &error));
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_assert_null (g.pixels.image); /* the first thing to be filled */
    }
}

static void
test_pixels_refused (void)
{
  g_autoptr (SfSettings) s = sf_settings_new ();
  g_auto (Given) nothing, everything, clear, around;

  given_init (&nothing, SF_TASK_FILL, s);
  for (int i = 0; i < SIDE * SIDE; i++)
    nothing.coverage[i] = 0;
  assert_pixels_refused (SF_TASK_FILL, s, &nothing, "Nothing visible is selected");
  given_init (&everything, SF_TASK_FILL, s);
  for (int i = 0; i < SIDE * SIDE; i++)
    everything.coverage[i] = 1;
  assert_pixels_refused (SF_TASK_FILL, s, &everything, "covers the whole layer");
  given_init (&clear, SF_TASK_REGENERATE, s);
  for (int i = 0; i < SIDE * SIDE; i++)
    clear.rgba[i * 4 + 3] = 0;
  assert_pixels_refused (SF_TASK_REGENERATE, s, &clear, "Nothing visible is selected");
  given_init (&around, SF_TASK_FILL, s);
  for (int i = 0; i < SIDE * SIDE; i++)
    around.rgba[i * 4 + 3] = around.coverage[i];
  assert_pixels_refused (SF_TASK_FILL, s, &around, "surroundings are fully transparent");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/region/rects", test_rects);
  g_test_add_func ("/region/strip", test_strip);
  g_test_add_func ("/region/grown", test_grown);
  g_test_add_func ("/region/expand", test_expand);
  g_test_add_func ("/region/generate", test_generate);
  g_test_add_func ("/region/refused", test_refused);
  g_test_add_func ("/region/hard", test_hard);
  g_test_add_func ("/region/soft", test_soft);
  g_test_add_func ("/region/feather", test_feather);
  g_test_add_func ("/region/strange-values", test_strange_values);
  g_test_add_func ("/region/transparent", test_transparent);
  g_test_add_func ("/region/stopped", test_stopped);
  g_test_add_func ("/region/pixels-refused", test_pixels_refused);
  return g_test_run ();
}
