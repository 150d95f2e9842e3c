/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every engine of the list promises to the pipeline, over all kinds of regions. */
#include "denoisers/sf-engine.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-model-share.h"
#include "diffusion/sf-betas.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"
#include "files.h"
#include "picture.h"

typedef struct
{
  const char *name;
  int h, w;             /* of the picture */
  int hole_h, hole_w;   /* 0 = none: generate */
  int height, width;    /* of the frame that is generated */
  gboolean keep_content, wrap_y, wrap_x;
} Case;

static const Case cases[] = {
  { "fill", 96, 80, 30, 24 },
  { "fill-one-pixel", 40, 50, 1, 1 },
  { "fill-line", 40, 90, 40, 3 },
  { "fill-small", 16, 15, 4, 3 },
  { "fill-tiny", 7, 8, 1, 1 },
  { "fill-little-known", 20, 20, 14, 14 },
  { "regenerate", 90, 70, 40, 40, .keep_content = TRUE },
  { "regenerate-whole", 60, 50, 60, 50, .keep_content = TRUE },
  { "regenerate-tiny", 3, 3, 3, 3, .keep_content = TRUE },
  { "generate", 64, 60, .height = 70, .width = 90 },
  { "generate-tile", 64, 60, .height = 64, .width = 48, .wrap_y = TRUE, .wrap_x = TRUE },
  { "generate-tile-x", 40, 60, .height = 33, .width = 50, .wrap_x = TRUE },
  { "generate-from-tiny", 3, 3, .height = 20, .width = 20 },
  { "generate-small", 64, 60, .height = 8, .width = 40 },
  { "generate-small-tile", 64, 60, .height = 8, .width = 9, .wrap_y = TRUE, .wrap_x = TRUE },
};

static void
assert_level (const SfLevel *level)
{
  g_assert_cmpint (level->height, >, 0);
  g_assert_cmpint (level->width, >, 0);
  g_assert_true (level->scale > 0 && level->scale <= 1);
  g_assert_true (level->channels == 3 || level->channels == 1);
  g_assert_true (level->spacing.sigma_max == 0 || level->spacing.sigma_min < level->spacing.sigma_max);
  g_assert_nonnull (level->process);
  g_assert_true (level->step_share > 0);
  g_assert_cmpint (level->finish_evaluations, >=, 0);
  g_assert_cmpint (level->trials, >=, 1);
  g_assert_true (level->cost > 0);
}

static void
assert_picture (const SfTensor *x)
{
  for (gsize i = 0; i < sf_tensor_size (x); i++)
    g_assert_true (fabsf (x->data[i]) <= 2); /* [-1, 1], and the overshoot that the pipeline clips */
}

/* One level: starts, or is lifted from @below, is denoised in two steps, finished and shown. */
static SfTensor *
run_level (SfEngine *engine, int l, const SfTensor *below, const SfRegion *region)
{
  const SfLevel *level = engine->level (engine, l);
  SfTensor *x = sf_tensor_new (1, level->height, level->width, level->channels, NULL);
  g_autoptr (SfTensor) shown = NULL;
  const SfSamplerOptions options = { SF_SAMPLER_OPTIONS, .clip = level->clip };
  SfNoiseLevel levels[3];

  g_assert_nonnull (level->denoiser);
  if (below != NULL)
    g_assert_true (level->lift (level, engine->level (engine, l - 1), below, x, NULL, NULL));
  else
    g_assert_true (level->start (level, x, NULL, NULL));
  assert_picture (x);
  g_assert_true (sf_schedule_fill (sf_schedule_find (engine->info->schedule), level->process, &level->spacing, 2, levels, NULL));
  sf_add_noise (x, levels[0].sigma, (SfRng) { 4, l });
  g_assert_true (sf_sample (sf_sampler_find (engine->info->sampler), level->denoiser, level->process, levels, 2, &options,
                            (SfRng) { 4, 100 + l }, x, NULL, NULL));
  if (level->finish != NULL)
    g_assert_true (level->finish (level, x, NULL, NULL));
  if (level->energy != NULL)
    g_assert_true (level->energy (level) >= 0);
  shown = engine->render (engine, l, x, NULL);
  g_assert_nonnull (shown);
  assert_picture (shown);
  if (l == engine->n_levels - 1)
    {
      g_assert_cmpint (shown->h, ==, region->height);
      g_assert_cmpint (shown->w, ==, region->width);
    }
  return x;
}

/* Engines that work with a network get the smallest there is. */
static SfEngine *
open_at (const SfEngineInfo *info, const SfRegion *region, double strength, const SfProgress *progress, GError **error)
{
  g_autofree char *path = files_path ("tiny");
  g_autoptr (SfModel) model = info->takes_class ? sf_model_get (path, "linear-1000", TRUE, NULL, NULL) : NULL;
  const SfEngineUse use = { .model = model, .class = -1, .guidance = 1, .strength = strength, .context = -1 };

  return info->open (region, &use, progress, error);
}

static SfEngine *
open_engine (const SfEngineInfo *info, const SfRegion *region, const SfProgress *progress, GError **error)
{
  return open_at (info, region, 1, progress, error);
}

static void
check_engine (const SfEngineInfo *info, const Case *c)
{
  const int y = (c->h - c->hole_h) / 2, x = (c->w - c->hole_w) / 2;
  g_autoptr (SfTensor) picture = picture_texture (c->h, c->w, 1, 7);
  g_autofree guint8 *state = c->hole_h > 0 ? picture_hole (c->h, c->w, y, x, c->hole_h, c->hole_w) : NULL;
  SfRegion region = {
    .image = picture,
    .state = state,
    .generate = state == NULL,
    .keep_content = c->keep_content,
    .wrap_x = c->wrap_x,
    .wrap_y = c->wrap_y,
    .match_color = TRUE,
    .height = c->height,
    .width = c->width,
  };
  g_autoptr (GError) error = NULL;
  SfEngine *engine;
  double scale = 0;

  if (state != NULL) /* the frame is the hole with a margin */
    {
      region.y = MAX (y - 3, 0);
      region.x = MAX (x - 3, 0);
      region.height = MIN (y + c->hole_h + 3, c->h) - region.y;
      region.width = MIN (x + c->hole_w + 3, c->w) - region.x;
    }
  engine = open_engine (info, &region, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (engine->info == info);
  g_assert_cmpint (engine->n_levels, >, 0);
  for (int l = 0; l < engine->n_levels; l++)
    {
      assert_level (engine->level (engine, l));
      g_assert_true (engine->level (engine, l)->scale > scale);
      scale = engine->level (engine, l)->scale;
    }
  g_assert_cmpfloat (scale, ==, 1);
  for (int candidate = 0; candidate < 2; candidate++)
    {
      g_autoptr (SfTensor) state_of_level = NULL, result = NULL;

      g_assert_true (engine->begin (engine, candidate, 5 + candidate, NULL, NULL, NULL));
      for (int l = 0; l < engine->n_levels; l++)
        {
          SfTensor *next = run_level (engine, l, state_of_level, &region);

          sf_tensor_unref (state_of_level);
          state_of_level = next;
        }
      result = engine->render (engine, engine->n_levels - 1, state_of_level, NULL);
      for (int i = 0; state != NULL && i < region.height * region.width; i++) /* known pixels are as they were */
        {
          gsize o = (gsize) (i / region.width + region.y) * c->w + i % region.width + region.x;

          if (state[o] == SF_PIXEL_KNOWN)
            for (int k = 0; k < 3; k++)
              g_assert_true (fabsf (result->data[i * 3 + k] - picture->data[o * 3 + k]) < 1e-6f);
        }
      g_assert_true (engine->end (engine, result, NULL, NULL) >= 0);
    }
  engine->free (engine);
}

static void
test_contract (gconstpointer data)
{
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);

  g_assert_cmpint (n, >, 0);
  for (int i = 0; i < n; i++)
    check_engine (engines[i], data);
}

static void
test_registry (void)
{
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);

  for (int i = 0; i < n; i++)
    {
      g_assert_true (sf_engine_find (engines[i]->name) == engines[i]);
      g_assert_nonnull (engines[i]->label);
      g_assert_nonnull (engines[i]->description);
      g_assert_cmpint (engines[i]->steps, >, 0);
      g_assert_nonnull (sf_sampler_find (engines[i]->sampler));
      g_assert_nonnull (sf_schedule_find (engines[i]->schedule));
    }
  g_assert_null (sf_engine_find ("no such engine"));
  g_assert_null (sf_engine_find (NULL));
}

/* A network sees more of the picture where nothing is left of what was there. */
static void
test_surroundings (void)
{
  static const struct
  {
    double strength;
    int side;
  } runs[] = { { 0.3, 30 }, { 0.9, 30 }, { 0.95, 40 }, { 1, 40 } };
  g_autoptr (SfTensor) picture = picture_texture (64, 64, 1, 7);
  g_autofree guint8 *state = picture_hole (64, 64, 24, 24, 14, 14);
  const SfRegion region = { .image = picture, .state = state, .x = 21, .y = 21, .width = 20, .height = 20, .keep_content = TRUE };

  for (gsize i = 0; i < G_N_ELEMENTS (runs); i++)
    {
      SfEngine *engine = open_at (sf_engine_find ("network"), &region, runs[i].strength, NULL, NULL);
      const SfLevel *level = engine->level (engine, engine->n_levels - 1);

      g_assert_cmpint (level->height, ==, runs[i].side);
      g_assert_cmpint (level->width, ==, runs[i].side);
      engine->free (engine);
    }
}

/* Cancelled before it is opened, and before it begins. */
static void
test_cancelled (void)
{
  g_autoptr (SfTensor) picture = picture_texture (80, 80, 1, 7);
  g_autofree guint8 *state = picture_hole (80, 80, 30, 30, 20, 20);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  SfRegion region = { .image = picture, .state = state, .x = 27, .y = 27, .width = 26, .height = 26 };
  SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);

  g_cancellable_cancel (cancellable);
  for (int i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL, begin_error = NULL;
      SfEngine *engine = open_engine (engines[i], &region, &progress, &error);

      g_assert_null (engine);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      engine = open_engine (engines[i], &region, NULL, NULL);
      g_assert_false (engine->begin (engine, 0, 1, NULL, &progress, &begin_error));
      g_assert_error (begin_error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      engine->free (engine);
    }
}

/* One pixel decides. */
static void
test_check (void)
{
  g_autoptr (SfTensor) picture = picture_texture (40, 40, 1, 7);
  g_autofree guint8 *state = g_malloc (40 * 40);
  SfRegion region = { .image = picture, .state = state, .x = 10, .y = 10, .width = 20, .height = 20, .removal = TRUE };
  const SfEngineUse use = { .class = -1, .guidance = 1, .context = -1 };
  int n;
  const SfEngineInfo *const *engines = sf_engines (&n);

  memset (state, SF_PIXEL_HOLE, 40 * 40);
  for (int i = 0; i < 8; i++)
    state[(30 + i / 3) * 40 + 5 + i % 3] = SF_PIXEL_KNOWN;
  for (int i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;

      state[32 * 40 + 7] = SF_PIXEL_VOID;
      if (engines[i]->takes_class) /* knows pictures without having one */
        continue;
      g_assert_false (engines[i]->check (&region, &use, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_REGION);
      state[32 * 40 + 7] = SF_PIXEL_KNOWN;
      g_assert_true (engines[i]->check (&region, &use, NULL));
    }
}

int
main (int argc, char **argv)
{
  static const NetShape tiny = { 0 };
  int failed;

  g_test_init (&argc, &argv, NULL);
  files_begin ();
  files_write_unet2d ("tiny/model.safetensors", &tiny);
  files_write_unet2d_config ("tiny/config.json", &tiny);
  g_test_add_func ("/engine/registry", test_registry);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/engine/contract/", cases[i].name, NULL);

      g_test_add_data_func (path, &cases[i], test_contract);
    }
  g_test_add_func ("/engine/surroundings", test_surroundings);
  g_test_add_func ("/engine/cancelled", test_cancelled);
  g_test_add_func ("/engine/check", test_check);
  failed = g_test_run ();
  files_end ();
  return failed;
}
