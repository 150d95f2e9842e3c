/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks in pixel space as an engine.
 *
 * A network takes pictures of one size.  The region, with surroundings, is brought to that size (a long region: to so many tiles of it)
 * and made there; what was scaled down is then refined at twice the size, and again up to the region's own, in overlapping
 * tiles, each level from the one below noised to FINE_SIGMA.  A region that fits is made in one level.
 *
 *     crop    frame with surroundings, at least the network's size where the picture allows, else mirrored at its edges
 *     known   the crop at a level's size, freedom: what of it is to be made
 */
#include "denoisers/sf-engine.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "denoisers/sf-denoiser-guided.h"
#include "denoisers/sf-denoiser-keep.h"
#include "denoisers/sf-denoiser-network.h"
#include "denoisers/sf-denoiser-tiled.h"
#include "denoisers/sf-patch-solve.h"
#include "kernels/sf-blas.h"
#include "tensor/sf-image.h"

#define MAX_LEVELS 12
/* What the network sees of the picture around the frame, on each side, of its longer side: so much, and so much from strength NEW on.
 * Measured with a network of 64 x 64 on 8 to 10 holes of photographs that it had not seen: half a side instead of a quarter makes the
 * inside of fills 1.3 +- 0.5 dB more like the original, at strength 1 1.5 +- 0.3 dB; at 0.3 and 0.5 its band is 0.6 +- 0.2 dB less like it.  A
 * whole side gains another 0.5 +- 0.5 dB for more than twice the time. */
#define SURROUNDINGS 0.25
#define SURROUNDINGS_NEW 0.5
#define NEW 0.95
#define LONGEST 2         /* frames up to so many times as long as wide are made in one square */
/* At strengths of 0.05 to 0.2 runs of 1 or 2 evaluations leave the picture 0.5 to 12 dB nearer to what it was than runs of 4 do; 8 keep 3 +- 1 %
 * more contrast for twice the time. */
#define LEAST_STEPS 4
#define FINE_SIGMA 0.6    /* noise that a finer level starts with: takes away the blur of the enlarged level below, not its picture */
#define FINE_SHARE 0.35   /* of the steps */
#define NETWORK_GAIN 2    /* a network's convolutions need less multiplications than are counted */
#define MATCH_SIZE 64     /* px: the ring's colour is matched at no more than this, as it is smooth */
/* px there: width of the band, and of its average.  2 lets the inside drift by 0.6 levels of 255 more; 6 gains it
 * 1.2 +- 0.3 dB at strength 1, and costs the band 1.7 +- 0.4 dB. */
#define MATCH_BAND 3
/* Likewise where the two sides of the edge are compared.  Of the fill of 100 x 80 px of clouds the edge shows 3.2 times as much as that of the
 * untouched picture at 64 px, 1.8 times at 128; on 7 holes in crops of at most 112 px at 64 px without matching 1.5 times, with a band
 * of 1 px 1.0 times, of 1.5 px 1.2 times, of 3 px 1.7 times. */
#define BESIDE_SIZE 256
#define BESIDE_BAND 1

extern const SfEngineInfo sf_engine_network;

typedef struct _NetworkEngine NetworkEngine;

typedef struct
{
  SfLevel public;
  NetworkEngine *engine;
  SfTensor *known;   /* 1 x h x w x 3; of pictures of their own the example's mean does not matter: zero */
  SfTensor *freedom; /* (nullable) 1 x h x w x 1; %NULL = all free */
} Level;

struct _NetworkEngine
{
  SfEngine parent;
  SfRegion region;
  SfEngineUse use;
  SfModel *model;      /* that of @use */
  SfContext *context;
  double work;         /* of one evaluation of one tile */
  int tile_height, tile_width; /* what the network takes */
  int channels;        /* 3, or 1: grey */
  int candidate_class; /* of the present one; -1 = the network knows none */
  SfClassifierUse classifier_use;
  int x, y, width, height; /* the crop in the region's picture, beyond whose edges it is mirrored; generate: the state, from 0 */
  Level levels[MAX_LEVELS];
  float share; /* the highest in the frame */
  const SfTensor *content; /* (nullable) of the present candidate */
  double t_begin;          /* of its run */
};

/*** Geometry ***/

/* One side of the crop: @size pixels around [@begin, @begin + @length), inside of @whole if there is room. */
static int
place (int begin, int length, int size, int whole)
{
  int at = begin - (size - length) / 2;

  if (size >= whole)
    return (whole - size) / 2;
  return CLAMP (at, 0, whole - size);
}

static void
plan_crop (NetworkEngine *self)
{
  const SfRegion *region = &self->region;
  const int native_height = self->tile_height, native_width = self->tile_width;
  double share = self->use.strength >= NEW ? SURROUNDINGS_NEW : SURROUNDINGS;
  int pad = self->use.context >= 0 ? self->use.context : (int) ceil (share * MAX (region->width, region->height));
  int height = region->height + 2 * pad, width = region->width + 2 * pad;

  if (region->generate)
    {
      double scale = MAX (1, MAX ((double) native_height / region->height, (double) native_width / region->width));

      self->height = (int) lrint (region->height * scale);
      self->width = (int) lrint (region->width * scale);
      return;
    }
  if (native_height == native_width && MAX (height, width) <= LONGEST * MIN (height, width))
    height = width = MAX (height, width);
  /* more than the picture has is of use only up to the network's size */
  self->height = MAX (native_height, MIN (height, MAX (region->image->h, region->height)));
  self->width = MAX (native_width, MIN (width, MAX (region->image->w, region->width)));
  if (native_height == native_width && height == width)
    self->height = self->width = MAX (self->height, self->width);
  self->y = place (region->y, region->height, self->height, region->image->h);
  self->x = place (region->x, region->width, self->width, region->image->w);
}

static int
mirror (int i, int n)
{
  int period = 2 * n;

  i = ((i % period) + period) % period;
  return i < n ? i : period - 1 - i;
}

/* Row @y of the crop, as sf_area_resize_rows() takes it; 0 where nothing is visible. */
static void
crop_row (int y, float *row, gconstpointer data)
{
  const NetworkEngine *self = data;
  const SfTensor *image = self->region.image;
  int from = mirror (y + self->y, image->h);

  memset (row, 0, (gsize) self->width * self->channels * sizeof (float));
  for (int x = 0; x < self->width; x++)
    {
      gsize i = (gsize) from * image->w + mirror (x + self->x, image->w);
      const float *rgb = image->data + i * 3;

      if (self->region.state[i] == SF_PIXEL_VOID)
        continue;
      if (self->channels == 3)
        memcpy (row + x * 3, rgb, 3 * sizeof (float));
      else
        row[x] = (rgb[0] + rgb[1] + rgb[2]) / 3;
    }
}

/* 1 where something is visible. */
static void
visible_row (int y, float *row, gconstpointer data)
{
  const NetworkEngine *self = data;
  const SfTensor *image = self->region.image;
  const guint8 *state = self->region.state + (gsize) mirror (y + self->y, image->h) * image->w;

  for (int x = 0; x < self->width; x++)
    row[x] = state[mirror (x + self->x, image->w)] != SF_PIXEL_VOID;
}

/* The network takes no alpha: what is transparent has the colours of the visible around it, harmonically continued, not those that lie
 * hidden in it.  @known: of crop_row(), in which the visible has its share. */
static gboolean
spread_visible (const NetworkEngine *self, SfTensor *known, const SfProgress *progress, GError **error)
{
  const gsize n = (gsize) known->h * known->w;
  g_autofree float *visible = sf_try_alloc (n, sizeof (float), error), *x = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree guint8 *fixed = sf_try_alloc (n, 1, error);

  if (visible == NULL || x == NULL || fixed == NULL)
    return FALSE;
  sf_area_resize_rows (visible_row, self, self->height, self->width, 1, visible, known->h, known->w, sf_progress_cancellable (progress));
  for (gsize i = 0; i < n; i++)
    {
      fixed[i] = visible[i] > 0;
      for (int c = 0; c < known->c; c++)
        x[i * 4 + c] = fixed[i] ? known->data[i * known->c + c] / visible[i] : 0;
      for (int c = known->c; c < 4; c++)
        x[i * 4 + c] = 0;
    }
  sf_patch_harmonic (x, fixed, known->h, known->w);
  for (gsize i = 0; i < n; i++)
    memcpy (known->data + i * known->c, x + i * 4, known->c * sizeof (float));
  return !sf_progress_stopped (progress, error);
}

/* The highest share of a pixel in the frame. */
static float
most_share (const SfRegion *region)
{
  gsize n = region->share != NULL ? (gsize) region->width * region->height : 0;
  float most = 0;

  for (gsize i = 0; i < n; i++)
    most = MAX (most, region->share[i]);
  return most > 0 ? most : 1;
}

/* How free the pixels of the crop's row @y are: to be made at all, and how much of it is wanted; those of which most is wanted are as free
 * as can be, since the share itself comes in when the result is blended.  What is mirrored is as free as what it mirrors. */
static void
freedom_row (int y, float *row, gconstpointer data)
{
  const NetworkEngine *self = data;
  const SfRegion *region = &self->region;
  int iy = mirror (y + self->y, region->image->h);

  for (int x = 0; x < self->width; x++)
    {
      int ix = mirror (x + self->x, region->image->w), fy = iy - region->y, fx = ix - region->x;

      row[x] = region->state[(gsize) iy * region->image->w + ix] == SF_PIXEL_HOLE;
      if (row[x] > 0 && region->share != NULL && fy >= 0 && fx >= 0 && fy < region->height && fx < region->width)
        row[x] = MAX (region->share[(gsize) fy * region->width + fx] / self->share, 0.02f);
    }
}

static gboolean
make_level (NetworkEngine *self, Level *level, const SfProgress *progress, GError **error)
{
  const int h = level->public.height, w = level->public.width;
  const SfRegion *region = &self->region;

  if ((level->known = sf_tensor_new (1, h, w, self->channels, error)) == NULL)
    return FALSE;
  if (region->generate)
    return TRUE;
  if ((level->freedom = sf_tensor_new (1, h, w, 1, error)) == NULL)
    return FALSE;
  sf_area_resize_rows (crop_row, self, self->height, self->width, self->channels, level->known->data, h, w, sf_progress_cancellable (progress));
  if (memchr (region->state, SF_PIXEL_VOID, (gsize) region->image->h * region->image->w) != NULL &&
      !spread_visible (self, level->known, progress, error))
    return FALSE;
  sf_scheduler_to_range (self->model->scheduler, level->known->data, sf_tensor_size (level->known));
  sf_area_resize_rows (freedom_row, self, self->height, self->width, 1, level->freedom->data, h, w, sf_progress_cancellable (progress));
  /* of what is to go nothing may be seen, not even in a pixel that is partly known */
  for (gsize i = 0; !region->keep_content && i < sf_tensor_size (level->freedom); i++)
    level->freedom->data[i] = level->freedom->data[i] > 0;
  return TRUE;
}

/* The frame's place in a state of level @level. */
static void
frame_place (const NetworkEngine *self, const SfLevel *level, double *y, double *x, double *height, double *width)
{
  double sy = (double) level->height / self->height, sx = (double) level->width / self->width;

  if (self->region.generate)
    {
      *y = *x = 0;
      *height = level->height;
      *width = level->width;
      return;
    }
  *y = (self->region.y - self->y) * sy;
  *x = (self->region.x - self->x) * sx;
  *height = self->region.height * sy;
  *width = self->region.width * sx;
}

/*** Where levels start ***/

/* The candidate's content goes over the frame of @x. */
static void
put_content (const NetworkEngine *self, const Level *level, SfTensor *x)
{
  double y0, x0, height, width;

  frame_place (self, &level->public, &y0, &x0, &height, &width);
  for (int y = 0; y < x->h; y++)
    for (int i = 0; i < x->w; i++)
      {
        double fy = (y + 0.5 - y0) / height, fx = (i + 0.5 - x0) / width;
        float *out = x->data + ((gsize) y * x->w + i) * x->c, rgb[3];

        if (fy <= 0 || fx <= 0 || fy >= 1 || fx >= 1)
          continue;
        sf_bilinear_sample (self->content->data, self->content->h, self->content->w, 3, fy * self->content->h - 0.5,
                            fx * self->content->w - 0.5, rgb);
        for (int c = 0; c < x->c; c++)
          out[c] = x->c == 3 ? rgb[c] : (rgb[0] + rgb[1] + rgb[2]) / 3;
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
network_start (const SfLevel *public, SfTensor *x, GError **error)
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
  sf_bilinear_resize (result->data, result->h, result->w, x->c, x->data, x->h, x->w);
  put_known ((const Level *) level, x);
  return !sf_progress_stopped (progress, error);
}

/*** Colour ***/

/* Channel @c of @x around each pixel: the mean of the pixels that count.  @total: @counted, blurred by @sigma. */
static void
near_mean (const float *x, int channels, int c, const float *counted, const float *total, int h, int w, double sigma, float *mean)
{
  for (gsize i = 0; i < (gsize) h * w; i++)
    mean[i] = x[i * channels + c] * counted[i];
  sf_gaussian_blur (mean, h, w, sigma);
  for (gsize i = 0; i < (gsize) h * w; i++)
    mean[i] /= MAX (total[i], 1e-6f);
}

/* What was made in the band inside the selection's edge should agree in the mean with the original: with what was there if it is kept, or
 * else, as that is to go, with what lies beside it.  What they differ by is taken from all that was made, harmonically continued inwards. */
static gboolean
match_color (const Level *level, SfTensor *x, GError **error)
{
  const gboolean keep = level->engine->region.keep_content;
  const double band = keep ? MATCH_BAND : BESIDE_BAND;
  const int most = keep ? MATCH_SIZE : BESIDE_SIZE, h = MIN (x->h, most), w = MIN (x->w, most);
  const gsize n = (gsize) h * w, pixels = (gsize) x->h * x->w;
  g_autofree float *made = sf_try_alloc (n, x->c * sizeof (float), error), *known = sf_try_alloc (n, x->c * sizeof (float), error);
  g_autofree float *free = sf_try_alloc (n, sizeof (float), error), *distance = sf_try_alloc (n, sizeof (float), error);
  g_autofree float *planes = sf_try_alloc (n, 6 * sizeof (float), error), *shift = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree guint8 *fixed = sf_try_alloc (n, 1, error);
  float *inside = planes, *n_inside = planes + n, *beside = planes + 2 * n, *n_beside = planes + 3 * n;
  float *is = planes + 4 * n, *wanted = planes + 5 * n, rgb[4];

  if (made == NULL || known == NULL || free == NULL || distance == NULL || planes == NULL || shift == NULL || fixed == NULL)
    return FALSE;
  sf_area_resize (x->data, x->h, x->w, x->c, made, h, w, NULL);
  sf_area_resize (level->known->data, x->h, x->w, x->c, known, h, w, NULL);
  sf_area_resize (level->freedom->data, x->h, x->w, 1, free, h, w, NULL);
  for (gsize i = 0; i < n; i++)
    fixed[i] = free[i] > 0.5f;
  sf_distance_transform (fixed, TRUE, h, w, FALSE, distance, NULL);
  for (gsize i = 0; i < n; i++)
    {
      n_inside[i] = inside[i] = fixed[i] = fixed[i] && distance[i] <= band;
      n_beside[i] = beside[i] = keep ? inside[i] : free[i] <= 0;
    }
  sf_gaussian_blur (n_inside, h, w, band);
  sf_gaussian_blur (n_beside, h, w, band);
  for (int c = 0; c < x->c; c++)
    {
      near_mean (made, x->c, c, inside, n_inside, h, w, band, is);
      near_mean (known, x->c, c, beside, n_beside, h, w, band, wanted);
      for (gsize i = 0; i < n; i++)
        shift[i * 4 + c] = fixed[i] ? wanted[i] - is[i] : 0;
    }
  sf_patch_harmonic (shift, fixed, h, w);
  for (gsize i = 0; i < pixels; i++)
    if (level->freedom->data[i] > 0)
      {
        sf_bilinear_sample (shift, h, w, 4, (i / x->w + 0.5) * h / x->h - 0.5, (i % x->w + 0.5) * w / x->w - 0.5, rgb);
        for (int c = 0; c < x->c; c++)
          x->data[i * x->c + c] += rgb[c];
      }
  return TRUE;
}

static gboolean
network_finish (const SfLevel *public, SfTensor *x, const SfProgress *progress, GError **error)
{
  const Level *level = (const Level *) public;
  const SfRegion *region = &level->engine->region;

  put_known (level, x);
  if (!region->match_color || level->freedom == NULL)
    return TRUE;
  return match_color (level, x, error) && !sf_progress_stopped (progress, error);
}

static void
plan_levels (NetworkEngine *self)
{
  SfEngine *engine = &self->parent;
  const SfScheduler *scheduler = self->model->scheduler;
  const int native_height = self->tile_height, native_width = self->tile_width;
  double scale = MIN (1, MAX ((double) native_height / self->height, (double) native_width / self->width));
  double shown = self->region.generate ? (double) self->height / self->region.height : 1;

  for (engine->n_levels = 0; engine->n_levels < MAX_LEVELS; scale = MIN (1, 2 * scale))
    {
      Level *level = &self->levels[engine->n_levels];
      gboolean first = engine->n_levels++ == 0;

      level->engine = self;
      level->public = (SfLevel) {
        .height = MAX (native_height, (int) lrint (self->height * scale)),
        .width = MAX (native_width, (int) lrint (self->width * scale)),
        .channels = self->channels,
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

/*** Candidates ***/

/* The network as a denoiser for @class, or for none. */
static SfDenoiser *
class_denoiser (const NetworkEngine *self, int class)
{
  const SfModel *model = self->model;
  SfNetworkUse use = {
    .network = model->network,
    .context = self->context,
    .work = self->work,
    .rate = &self->model->rate,
    .prediction = model->scheduler->prediction,
    .variance = model->scheduler->variance,
    .classes = &class,
    .n_classes = model->n_classes > 0,
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
  SfDenoiser *denoiser = class_denoiser (self, self->candidate_class);

  if (is_guided (self))
    {
      SfGuidance guidance = { SF_GUIDANCE };

      guidance.kind = sf_guidance_kind_find ("cfg");
      guidance.scale = self->use.guidance;
      denoiser = sf_denoiser_guided_new (&guidance, denoiser, class_denoiser (self, self->model->null_class), NULL);
    }
  level->public.gradient = NULL;
  if (self->use.classifier != NULL && shifts_mean (self, level))
    {
      level->public.gradient = sf_classifier_gradient;
      level->public.gradient_data = &self->classifier_use;
    }
  else if (self->use.classifier != NULL)
    denoiser = sf_denoiser_classified_new (denoiser, sf_classifier_gradient, &self->classifier_use, &self->model->scheduler->clip);
  denoiser = sf_denoiser_tiled_new (denoiser, self->tile_height, self->tile_width, region->wrap_y, region->wrap_x);
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

/* A guess until there was an evaluation. */
static double
network_rate (SfEngine *engine)
{
  double rate = ((NetworkEngine *) engine)->model->rate;

  return rate > 0 ? rate : NETWORK_GAIN * sf_parallel_get_threads () * sf_blas_rate ();
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
  double y0, x0, height, width;
  SfTensor *out;

  frame_place (self, &self->levels[l].public, &y0, &x0, &height, &width);
  out = sf_tensor_new (1, last ? region->height : MAX (1, (int) lrint (height)), last ? region->width : MAX (1, (int) lrint (width)), 3, error);
  if (out == NULL)
    return NULL;
  if (region->generate && out->h <= x->h && out->w <= x->w)
    sf_area_resize (x->data, x->h, x->w, x->c, out->data, out->h, out->w, NULL);
  else
    for (int y = 0; y < out->h; y++)
      for (int i = 0; i < out->w; i++)
        sf_bilinear_sample (x->data, x->h, x->w, x->c, y0 + (y + 0.5) * height / out->h - 0.5, x0 + (i + 0.5) * width / out->w - 0.5,
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
    }
  sf_context_free (self->context);
  sf_model_unref (self->use.model);
  sf_model_unref (self->use.classifier);
  g_free (self);
}

/*** Opening ***/

static gboolean
network_check (const SfRegion *region, GError **error)
{
  return TRUE;
}

/* The network once or twice, and the classifier with its gradient, which takes twice what the way forward does. */
static double
tile_work (const NetworkEngine *self)
{
  SfModelCost classifier = { 0 };

  if (self->use.classifier != NULL)
    sf_model_measure (self->use.classifier, self->tile_height, self->tile_width, &classifier, NULL);
  return (is_guided (self) ? 2 : 1) * self->work + 3 * classifier.work;
}

static SfEngine *
network_open (const SfRegion *region, const SfEngineUse *use, const SfProgress *progress, GError **error)
{
  NetworkEngine *self = g_new0 (NetworkEngine, 1);
  SfModelCost cost = { 0 };
  gboolean done;

  self->parent = (SfEngine) {
    .info = &sf_engine_network,
    .least_steps = LEAST_STEPS,
    .rate = network_rate,
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
  self->channels = self->model->in_channels;
  self->classifier_use = (SfClassifierUse) {
    .network = use->classifier != NULL ? use->classifier->network : NULL,
    .context = self->context,
    .classes = &self->candidate_class,
    .n_classes = 1,
    .scale = use->classifier_scale,
  };
  done = sf_model_check_class (self->model, use->classifier, use->class, error) &&
         sf_model_measure (self->model, self->tile_height, self->tile_width, &cost, error);
  self->work = cost.work;
  self->parent.memory = cost.weights + self->model->packed + cost.activations;
  self->share = most_share (region);
  plan_crop (self);
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
