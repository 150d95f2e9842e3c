/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Engines: a way to make pictures, as the pipeline sees it.
 *
 * An engine is opened for one region and gives, for each candidate, a cascade: a list of denoisers from coarse to
 * fine.  The pipeline drives every level with the same sampler and schedule; each finer level starts from the result
 * of the one below it, lifted to its size and noised to an intermediate sigma.
 * One file sf-engine-NAME.c and one line in meson.build each.
 */
#pragma once

#include "denoisers/sf-model.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"

typedef struct _SfEngine SfEngine;

/* The picture an engine works from.  Everything is read-only and outlives the engine. */
typedef struct
{
  const SfTensor *image; /* (nullable) 1 x H x W x 3 in [-1, 1]: crop, or example to generate from */
  const guint8 *state;   /* (array length=H*W) SfPixelState of each pixel; (nullable) = all known */
  /* The frame: the part of the crop where something is made.  For generate, a picture of its own. */
  int x, y, width, height;
  gboolean generate;     /* the frame is new and @image is only an example */
  gboolean wrap_x, wrap_y; /* generate: seamless edges */
  gboolean removal;      /* fill: what is in the hole is to go */
  gboolean keep_content; /* regenerate: the hole's present content is a legitimate source */
  gboolean match_color;
  const float *share;    /* (nullable) (array length=height*width): how much of each pixel of the frame is to be new, 0…1 */
} SfRegion;

/* What an engine is told beside the region. */
typedef struct
{
  SfModel *model;          /* (nullable): for engines that work with a network */
  SfModel *classifier;     /* (nullable): leads it to the class, with … */
  double classifier_scale; /* … this strength */
  int class;               /* -1 = none asked for: each candidate gets its own */
  double guidance;         /* classifier-free, for models that were trained for it */
  double strength;         /* of the runs to come: 1 leaves nothing of what is there */
  gboolean has_content;    /* what there is shows what is to be made (regenerate) */
  gboolean shift_mean;     /* the sampler's steps have a mean that a classifier can shift */
  gboolean uses_gamma;     /* the sampler or its schedule does */
  int context;             /* pixels of surroundings that it sees around the frame; -1 = by its own rule */
  gboolean fast;           /* arithmetic of half the precision where the CPU has it */
} SfEngineUse;

typedef enum
{
  SF_PIXEL_KNOWN, /* is kept, and may be copied from */
  SF_PIXEL_HOLE,  /* is made anew */
  SF_PIXEL_VOID,  /* counts for nothing (transparent) */
} SfPixelState;

/* One level of a cascade. */
typedef struct _SfLevel SfLevel;

struct _SfLevel
{
  SfDenoiser *denoiser; /* owned by the cascade's engine */
  const SfNoiseProcess *process; /* that it was trained with */
  const double *gamma;  /* (nullable): of Analytic-DPM, estimated for the denoiser */
  SfClip clip;          /* of D */
  SfGradientFunc gradient; /* (nullable): classifier guidance */
  gpointer gradient_data;
  int height, width, channels; /* of its state */
  double scale;         /* pixels of the level per pixel of the frame */
  SfScheduleOptions spacing; /* with its ends: 0 = those of the process */
  double step_share;    /* of the steps that the user asked for */
  double least_sigma;   /* a run that would begin with less noise begins on the next level instead, which drowns it */
  int finish_evaluations; /* of finish() */
  int trials;           /* times it is run from pure noise, the one with the lowest energy wins; >= 1 */
  double cost;          /* of one evaluation, relative to the other levels */
  double work;          /* floating point operations of one evaluation; 0 = not counted */
  /* (nullable) where the level begins when there is nothing below it (x is clean: noise is added later); default: 0 */
  gboolean (*start) (const SfLevel *self, SfTensor *x, const SfProgress *progress, GError **error);
  /* (nullable) from the result of the level below; default: bilinear */
  gboolean (*lift) (const SfLevel *self, const SfLevel *below, const SfTensor *result, SfTensor *x,
                    const SfProgress *progress, GError **error);
  /* (nullable) after the last step, in place */
  gboolean (*finish) (const SfLevel *self, SfTensor *x, const SfProgress *progress, GError **error);
  /* (nullable) how badly the last result is explained */
  double (*energy) (const SfLevel *self);
};

typedef struct
{
  const char *name;        /* "patch" */
  const char *label;       /* N_() */
  const char *description; /* N_(): one honest sentence */
  gboolean takes_prompt, takes_guidance;
  gboolean needs_picture;  /* generates from an example only */
  gboolean takes_class;    /* is a trained network: is opened with a model, has a use for class, classifier and noise process */
  int steps;               /* recommended */
  const char *sampler, *schedule;
  /* Whether there is enough in @region to work from, and @use fits together; quick.  With models also before their networks are loaded and
   * without @region (nullable): what is not known yet passes. */
  gboolean (*check) (const SfRegion *region, const SfEngineUse *use, GError **error);
  /* What was checked: levels are planned here, and the pyramid is made. */
  SfEngine *(*open) (const SfRegion *region, const SfEngineUse *use, const SfProgress *progress, GError **error);
} SfEngineInfo;

/* First member of every implementation. */
struct _SfEngine
{
  const SfEngineInfo *info;
  int n_levels;
  int least_steps; /* that a run makes, however low its strength is */
  double (*seconds) (SfEngine *self, double work); /* (nullable): that evaluations of so much work in all will take, as far as is known now */
  gsize memory;    /* bytes that a run takes beside pictures; 0 = not counted */
  /* Level @l, 0 = coarsest.  Sizes are valid from the start, the denoiser after begin(). */
  const SfLevel *(*level) (SfEngine *self, int l);
  /**
   * Makes the levels ready for candidate @i.
   * @content: (nullable): 1 x height x width x 3, the frame: where the run will start; %NULL = the picture's own
   *           content if the region keeps it, else noise
   */
  gboolean (*begin) (SfEngine *self, int candidate, guint64 seed, const SfTensor *content, const SfProgress *progress,
                     GError **error);
  /* 1 x h x w x 3: exactly the frame, with the state @x of level @l in it. */
  SfTensor *(*render) (SfEngine *self, int l, const SfTensor *x, GError **error);
  /* Learns what the finished candidate copied; returns its ranking energy, lower is better. */
  double (*end) (SfEngine *self, const SfTensor *result, const SfProgress *progress, GError **error);
  void (*free) (SfEngine *self);
};

/* All of them, in the order of the list. */
const SfEngineInfo *const *sf_engines (int *n);
/* (nullable): the one called @name. */
const SfEngineInfo *sf_engine_find (const char *name);
/* (nullable): likewise, if it needs no model beside it, so that its name is that of a model. */
const SfEngineInfo *sf_engine_find_model (const char *name);
