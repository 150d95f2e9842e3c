/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks in pixel space as an engine.
 *
 * A network takes pictures of one size.  The region, with surroundings, is brought to that size (a long region: to so many tiles of it)
 * and made there; what was scaled down is then refined at twice the size, and again up to the region's own, in overlapping
 * tiles, each level from the one below noised to FINE_SIGMA.  A region that fits is made in one level, and so is any by an upsampler: it
 * is shown the picture without its detail, so tiles need no level below them that tells what is in them.
 *
 *     known   the crop at a level's size, freedom: what of it is to be made, condition: what an upsampler is shown of it
 */
#include "denoisers/sf-engine.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "denoisers/sf-color-match.h"
#include "denoisers/sf-crop.h"
#include "denoisers/sf-denoiser-guided.h"
#include "denoisers/sf-denoiser-keep.h"
#include "denoisers/sf-denoiser-network.h"
#include "denoisers/sf-denoiser-tiled.h"
#include "denoisers/sf-model-cost.h"
#include "ops/sf-speed.h"
#include "tensor/sf-image.h"

#define MAX_LEVELS 12
/* At strengths of 0.05 to 0.2 runs of 1 or 2 evaluations leave the picture 0.5 to 12 dB nearer to what it was than runs of 4 do; 8 keep 3 +- 1 %
 * more contrast for twice the time. */
#define LEAST_STEPS 4
#define LAST_FACTOR 2.2   /* from the last level but one to the last: at most */
#define FINE_SIGMA 0.6    /* noise that a finer level starts with: takes away the blur of the enlarged level below, not its picture */
#define FINE_SHARE 0.35   /* of the steps */
#define UPSAMPLER_CONTEXT 0.25 /* of a tile's side: as much as tiles share */

extern const SfEngineInfo sf_engine_network;

typedef struct _NetworkEngine NetworkEngine;

typedef struct
{
  SfLevel public;
  NetworkEngine *engine;
  SfTensor *known;   /* 1 x h x w x 3; of pictures of their own the example's mean does not matter: zero */
  SfTensor *freedom; /* (nullable) 1 x h x w x 1; %NULL = all free */
  SfTensor *condition; /* (nullable) 1 x h x w x 3, and its part that belongs to the tile which is made: */
  SfTensor *tile_condition;
} Level;

struct _NetworkEngine
{
  SfEngine parent;
  SfRegion region;
  SfEngineUse use;
  SfModel *model;      /* that of @use */
  SfContext *context;
  SfModelCost cost, classifier_cost; /* of one tile */
  int tile_height, tile_width; /* what the network takes */
  int candidate_class; /* of the present one; -1 = the network knows none */
  SfClassifierUse classifier_use;
  SfCrop crop;
  Level levels[MAX_LEVELS];
  const SfTensor *content; /* (nullable) of the present candidate */
  double t_begin;          /* of its run */
};

/*** Where levels start ***/

/* The candidate's content goes over the frame of @x. */
static void
put_content (const NetworkEngine *self, const Level *level, SfTensor *x)
{
  const SfCropFrame frame = sf_crop_get_frame (&self->crop, x->h, x->w);

  for (int y = 0; y < x->h; y++)
    for (int i = 0; i < x->w; i++)
      {
        double fy = (y + 0.5 - frame.y) / frame.height, fx = (i + 0.5 - frame.x) / frame.width;
        float *out = x->data + ((gsize) y * x->w + i) * x->c, rgb[3];

        if (fy <= 0 || fx <= 0 || fy >= 1 || fx >= 1)
          continue;
        sf_bilinear_sample (self->content->data, self->content->h, self->content->w, 3, fy * self->content->h - 0.5,
                            fx * self->content->w - 0.5, rgb);
        sf_rgb_to_channels (rgb, 1, x->c, out);
        sf_scheduler_to_range (self->model->scheduler, out, x->c);
      }
}

/* What is known goes back into @x. */
static void
put_known (const Level *level, SfTensor *x)
{
  for (gsize i = 0; level->freedom != NULL && i < (gsize) x->h * x->w; i++)
    if (level->freedom->data[i] <= 0)
      memcpy (x->data + i * x->c, level->known->data + i * x->c, x->c * sizeof (float));
}

/* From what is there; what is to go leaves the mean of what is known, which the noise of a whole run covers: grey, a blur or a harmonic
 * surface instead change the result by less than 0.1 level of 255, in fills and at strength 1. */
static gboolean
network_start (const SfLevel *public, SfTensor *x, const SfProgress *progress, GError **error)
{
  const Level *level = (const Level *) public;
  const NetworkEngine *self = level->engine;
  double mean[3] = { 0 };
  gsize n = 0, pixels = (gsize) x->h * x->w;

  memcpy (x->data, level->known->data, sf_tensor_size (x) * sizeof (float));
  if (self->content != NULL)
    put_content (self, level, x);
  else if (!self->region.keep_content && level->freedom != NULL)
    {
      for (gsize i = 0; i < pixels; i++)
        if (level->freedom->data[i] <= 0)
          {
            for (int c = 0; c < x->c; c++)
              mean[c] += x->data[i * x->c + c];
            n++;
          }
      for (gsize i = 0; i < pixels; i++)
        for (int c = 0; c < x->c && level->freedom->data[i] > 0; c++)
          x->data[i * x->c + c] = (float) (mean[c] / MAX (n, 1));
    }
  put_known (level, x);
  return TRUE;
}

static gboolean
network_lift (const SfLevel *level, const SfLevel *below, const SfTensor *result, SfTensor *x, const SfProgress *progress, GError **error)
{
  sf_bilinear_resize (result->data, result->h, result->w, x->c, x->data, x->h, x->w, sf_progress_cancellable (progress));
  put_known ((const Level *) level, x);
  return !sf_progress_stopped (progress, error);
}

/*** Their end ***/

static gboolean
network_finish (const SfLevel *public, SfTensor *x, const SfProgress *progress, GError **error)
{
  const Level *level = (const Level *) public;
  const SfRegion *region = &level->engine->region;

  put_known (level, x);
  if (!region->match_color || level->freedom == NULL)
    return TRUE;
  return sf_color_match (level->known, level->freedom, region->keep_content, x, progress, error);
}

/*** Levels ***/

static gboolean
is_upsampler (const NetworkEngine *self)
{
  return self->model->kind == SF_MODEL_UPSAMPLER;
}

/* Of the level above one of @scale: twice as large, the last one slightly more, rather than another level that is hardly larger. */
static double
next_scale (double scale)
{
  return LAST_FACTOR * scale >= 1 ? 1 : 2 * scale;
}

static void
plan_levels (NetworkEngine *self)
{
  SfEngine *engine = &self->parent;
  const SfScheduler *scheduler = self->model->scheduler;
  const int native_height = self->tile_height, native_width = self->tile_width;
  double scale = is_upsampler (self) ? 1 : MIN (1, MAX ((double) native_height / self->crop.height, (double) native_width / self->crop.width));
  double shown = self->region.generate ? (double) self->crop.height / self->region.height : 1;

  for (engine->n_levels = 0; engine->n_levels < MAX_LEVELS; scale = next_scale (scale))
    {
      Level *level = &self->levels[engine->n_levels];
      gboolean first = engine->n_levels++ == 0;

      level->engine = self;
      level->public = (SfLevel) {
        .height = MAX (native_height, (int) lrint (self->crop.height * scale)),
        .width = MAX (native_width, (int) lrint (self->crop.width * scale)),
        .channels = self->model->channels,
        .scale = scale * shown,
        .process = scheduler->process,
        .gamma = self->model->gamma,
        .clip = scheduler->clip,
        .spacing = scheduler->options,
        .step_share = first ? 1 : FINE_SHARE,
        .trials = 1,
        .start = network_start,
        .lift = network_lift,
        .finish = network_finish,
      };
      level->public.cost = (double) level->public.height * level->public.width;
      if (!first)
        level->public.spacing.sigma_max = FINE_SIGMA * (scheduler->high - scheduler->low) / 2;
      if (scale >= 1)
        break;
      level->public.least_sigma = FINE_SIGMA / 2 * (scheduler->high - scheduler->low) / 2; /* of the noise above in the mean of 2 x 2 pixels */
    }
}

static gboolean
make_level (NetworkEngine *self, Level *level, const SfProgress *progress, GError **error)
{
  const int h = level->public.height, w = level->public.width;

  if ((level->known = sf_crop_take_picture (&self->crop, h, w, progress, error)) == NULL)
    return FALSE;
  if (self->region.generate)
    return TRUE;
  sf_scheduler_to_range (self->model->scheduler, level->known->data, sf_tensor_size (level->known));
  if (is_upsampler (self) &&
      ((level->condition = sf_tensor_new_like (level->known, error)) == NULL ||
       (level->tile_condition = sf_tensor_new (1, self->tile_height, self->tile_width, self->model->channels, error)) == NULL ||
       !sf_upsampler_condition (level->known, self->model->factor, level->condition, progress, error)))
    return FALSE;
  return (level->freedom = sf_crop_take_freedom (&self->crop, h, w, progress, error)) != NULL;
}

/*** Candidates ***/

/* The network as a denoiser for @class, or for none. */
static SfDenoiser *
class_denoiser (const NetworkEngine *self, const Level *level, int class)
{
  const SfModel *model = self->model;
  SfNetworkUse use = {
    .network = model->network,
    .context = self->context,
    .work = self->cost.work,
    .rate = &self->model->rate,
    .prediction = model->scheduler->prediction,
    .variance = model->scheduler->variance,
    .classes = &class,
    .n_classes = model->n_classes > 0,
    .condition = level->tile_condition,
  };

  return sf_denoiser_network_new (&use);
}

/* A classifier shifts the mean where the sampler's step has one and the state is a single tile (Dhariwal & Nichol 2021, algorithm 1), else
 * the score within each tile (algorithm 2). */
static gboolean
shifts_mean (const NetworkEngine *self, const Level *level)
{
  return self->use.shift_mean && !self->region.wrap_x && !self->region.wrap_y && level->public.height == self->tile_height &&
         level->public.width == self->tile_width;
}

static gboolean
is_guided (const NetworkEngine *self)
{
  return self->model->drops_class && self->use.guidance != 1;
}

static void
make_denoiser (NetworkEngine *self, Level *level)
{
  const SfRegion *region = &self->region;
  SfDenoiser *denoiser = class_denoiser (self, level, self->candidate_class);

  if (is_guided (self))
    {
      SfGuidance guidance = { SF_GUIDANCE };

      guidance.kind = sf_guidance_kind_find ("cfg");
      guidance.scale = self->use.guidance;
      denoiser = sf_denoiser_guided_new (&guidance, denoiser, class_denoiser (self, level, self->model->null_class), NULL);
    }
  level->public.gradient = NULL;
  if (self->use.classifier != NULL && shifts_mean (self, level))
    {
      level->public.gradient = sf_classifier_gradient;
      level->public.gradient_data = &self->classifier_use;
    }
  else if (self->use.classifier != NULL)
    denoiser = sf_denoiser_classified_new (denoiser, sf_classifier_gradient, &self->classifier_use, &self->model->scheduler->clip);
  denoiser = sf_denoiser_tiled_new (denoiser, self->tile_height, self->tile_width, region->wrap_y, region->wrap_x, level->condition, level->tile_condition);
  if (level->freedom != NULL)
    denoiser = sf_denoiser_keep_new (denoiser, level->known, level->freedom, &self->t_begin);
  g_clear_pointer (&level->public.denoiser, sf_denoiser_free);
  level->public.denoiser = denoiser;
}

static gboolean
network_begin (SfEngine *engine, int candidate, guint64 seed, const SfTensor *content, const SfProgress *progress, GError **error)
{
  NetworkEngine *self = (NetworkEngine *) engine;
  int n = self->use.classifier != NULL ? self->use.classifier->n_classes : self->model->n_classes;

  self->content = content;
  self->t_begin = 0;
  self->candidate_class = self->use.class >= 0 || n == 0 ? self->use.class : (int) (seed % n);
  for (int l = 0; l < engine->n_levels; l++)
    make_denoiser (self, &self->levels[l]);
  return !sf_progress_stopped (progress, error);
}

static double
network_seconds (SfEngine *engine, double work)
{
  const NetworkEngine *self = (NetworkEngine *) engine;
  const double speed = sf_conv_speed ();
  double seconds = sf_model_predict_seconds (self->model, &self->cost, work, speed);

  if (self->use.classifier != NULL) /* whose work is in the other's */
    seconds += sf_model_predict_seconds (self->use.classifier, &self->classifier_cost, 0, speed);
  return seconds;
}

static const SfLevel *
network_level (SfEngine *engine, int l)
{
  return &((NetworkEngine *) engine)->levels[l].public;
}

/* The frame out of a state: as it is on the last level, at the level's own size below. */
static SfTensor *
network_render (SfEngine *engine, int l, const SfTensor *x, GError **error)
{
  const NetworkEngine *self = (NetworkEngine *) engine;
  const SfRegion *region = &self->region;
  gboolean last = l == engine->n_levels - 1;
  const SfCropFrame frame = sf_crop_get_frame (&self->crop, x->h, x->w);
  SfTensor *out;

  out = sf_tensor_new (1, last ? region->height : MAX (1, (int) lrint (frame.height)), last ? region->width : MAX (1, (int) lrint (frame.width)), 3, error);
  if (out == NULL)
    return NULL;
  if (region->generate && out->h <= x->h && out->w <= x->w)
    sf_area_resize (x->data, x->h, x->w, x->c, out->data, out->h, out->w, NULL);
  else
    for (int y = 0; y < out->h; y++)
      for (int i = 0; i < out->w; i++)
        sf_bilinear_sample (x->data, x->h, x->w, x->c, frame.y + (y + 0.5) * frame.height / out->h - 0.5, frame.x + (i + 0.5) * frame.width / out->w - 0.5,
                            out->data + ((gsize) y * out->w + i) * x->c);
  for (gsize i = (gsize) out->h * out->w; i-- > 0 && x->c == 1;) /* from behind, in place */
    out->data[i * 3] = out->data[i * 3 + 1] = out->data[i * 3 + 2] = out->data[i];
  sf_scheduler_from_range (self->model->scheduler, out->data, sf_tensor_size (out));
  return out;
}

/* How far what was made differs from what lies around it, as steps across the hole's edge: rank by it. */
static double
network_end (SfEngine *engine, const SfTensor *result, const SfProgress *progress, GError **error)
{
  const NetworkEngine *self = (NetworkEngine *) engine;
  const SfRegion *region = &self->region;
  double sum = 0;
  gsize n = 0;

  for (int y = 0; !region->generate && y < region->height; y++)
    for (int x = 0; x < region->width; x++)
      for (int side = 0; side < 2; side++)
        {
          int by = y + !side, bx = x + side;
          gsize a = (gsize) (y + region->y) * region->image->w + x + region->x, b = (gsize) (by + region->y) * region->image->w + bx + region->x;
          const float *p = result->data + ((gsize) y * region->width + x) * 3, *q = p + (side ? 3 : (gsize) region->width * 3);

          if (by >= region->height || bx >= region->width || region->state[a] == region->state[b])
            continue;
          for (int c = 0; c < 3; c++)
            sum += (p[c] - q[c]) * (p[c] - q[c]);
          n++;
        }
  return n > 0 ? sqrt (sum / (3.0 * n)) : 0;
}

static void
network_free (SfEngine *engine)
{
  NetworkEngine *self = (NetworkEngine *) engine;

  for (int l = 0; l < MAX_LEVELS; l++)
    {
      sf_denoiser_free (self->levels[l].public.denoiser);
      sf_tensor_unref (self->levels[l].known);
      sf_tensor_unref (self->levels[l].freedom);
      sf_tensor_unref (self->levels[l].condition);
      sf_tensor_unref (self->levels[l].tile_condition);
    }
  sf_context_free (self->context);
  sf_model_unref (self->use.model);
  sf_model_unref (self->use.classifier);
  g_free (self);
}

/*** Opening ***/

/* Of any region something can be made; by an upsampler, what it shows. */
static gboolean
network_check (const SfRegion *region, const SfEngineUse *use, GError **error)
{
  const SfModel *model = use->model, *classifier = use->classifier;

  return sf_model_check_usable (model, error) && sf_model_check_content (model, use->has_content, error) &&
         (classifier == NULL || sf_model_check_classifier (classifier, error)) &&
         sf_model_check_size (model, model->height, model->width, error) && sf_model_check_class (model, classifier, use->class, error) &&
         (classifier == NULL || sf_model_check_size (classifier, model->height, model->width, error)) &&
         (!use->uses_gamma || sf_model_check_gamma (model, error));
}

/* What a tile takes: the network once or twice, and the classifier.  Activations of one are given back before the other begins. */
static gboolean
measure (NetworkEngine *self, GError **error)
{
  const SfModelCost *a = &self->cost, *b = &self->classifier_cost;

  if (!sf_model_measure (self->model, self->tile_height, self->tile_width, &self->cost, error) ||
      (self->use.classifier != NULL && !sf_model_measure (self->use.classifier, self->tile_height, self->tile_width, &self->classifier_cost, error)))
    return FALSE;
  self->parent.memory = a->weights + a->packed + b->weights + b->packed + MAX (a->activations, b->activations);
  return TRUE;
}

static double
tile_work (const NetworkEngine *self)
{
  return (is_guided (self) ? 2 : 1) * self->cost.work + self->classifier_cost.work;
}

/* In pixels; -1 = by the crop's own rule.  What an upsampler is shown of the frame tells it more than what lies around. */
static int
surroundings (const NetworkEngine *self)
{
  if (self->use.context >= 0 || !is_upsampler (self))
    return self->use.context;
  return (int) lrint (UPSAMPLER_CONTEXT * MAX (self->tile_height, self->tile_width));
}

static SfEngine *
network_open (const SfRegion *region, const SfEngineUse *use, const SfProgress *progress, GError **error)
{
  NetworkEngine *self = g_new0 (NetworkEngine, 1);
  gboolean done;

  self->parent = (SfEngine) {
    .info = &sf_engine_network,
    .least_steps = LEAST_STEPS,
    .seconds = network_seconds,
    .level = network_level,
    .begin = network_begin,
    .render = network_render,
    .end = network_end,
    .free = network_free,
  };
  self->region = *region;
  self->use = *use;
  self->model = self->use.model = sf_model_ref (use->model);
  self->use.classifier = use->classifier != NULL ? sf_model_ref (use->classifier) : NULL;
  self->context = sf_context_new (0);
  sf_context_set_fast (self->context, use->fast);
  self->tile_height = self->model->height;
  self->tile_width = self->model->width;
  self->classifier_use = (SfClassifierUse) {
    .network = use->classifier != NULL ? use->classifier->network : NULL,
    .context = self->context,
    .classes = &self->candidate_class,
    .n_classes = 1,
    .scale = use->classifier_scale,
  };
  done = measure (self, error);
  self->crop = sf_crop_new (&self->region, self->model->channels, self->tile_height, self->tile_width, use->strength, surroundings (self));
  plan_levels (self);
  for (int l = 0; l < self->parent.n_levels; l++)
    self->levels[l].public.work = tile_work (self) * sf_tiles_count (self->levels[l].public.height, self->levels[l].public.width, self->tile_height,
                                                                     self->tile_width, region->wrap_y, region->wrap_x);
  for (int l = 0; l < self->parent.n_levels && done; l++)
    done = make_level (self, &self->levels[l], progress, error) && !sf_progress_stopped (progress, error);
  if (!done)
    {
      network_free (&self->parent);
      return NULL;
    }
  return &self->parent;
}

const SfEngineInfo sf_engine_network = {
  .name = "network",
  .label = N_ ("Network in pixel space"),
  .description = N_ ("Makes what it was trained on, at the size it was trained for; larger pictures level by level, in tiles"),
  .takes_class = TRUE,
  .takes_guidance = TRUE,
  .steps = 50,
  .sampler = "ddim",
  .schedule = "uniform",
  .check = network_check,
  .open = network_open,
};
