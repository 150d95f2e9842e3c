/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A model: a network, and all that has to be known to draw pictures with it.
 *
 *   sf_model_new()    finds it and reads what is said about it; quick, the checkpoint is not opened
 *   sf_model_load()   opens the network
 *
 * What is known comes from the model's own description (diffusers' config.json and scheduler_config.json, or a manifest beside a
 * checkpoint), then from the catalogue, which knows public checkpoints by their names and checks them by their number of parameters.
 */
#pragma once

#include "base/sf-progress.h"
#include "denoisers/sf-manifest.h"
#include "denoisers/sf-model-files.h"
#include "denoisers/sf-scheduler.h"
#include "diffusion/sf-noise-preset.h"

typedef struct _SfNetwork SfNetwork; /* arch/sf-network.h */

/* Read-only, but for its rate and whether its values were checked. */
typedef struct
{
  char *id;              /* (nullable): in the catalogue */
  char *label;           /* for people */
  SfModelKind kind;
  SfModelFiles *files;
  SfManifest *manifest;  /* (nullable): what was known beforehand */
  JsonObject *config;    /* (nullable): of the architecture */
  SfScheduler *scheduler; /* (nullable): its noise process is not known; ask, see sf_model_set_process() */
  gboolean silent;       /* it was not known by itself */
  int width, height;     /* native size; 0 = not known */
  int n_classes;         /* 0 = unconditional */
  gboolean drops_class;  /* it also learned pictures without a class, as … */
  int null_class;        /* … this one, or -1 = told none */
  GStrv classes;         /* (nullable) (array length=n_classes): names */
  char *classifier;      /* (nullable): path of a classifier that goes with it */
  /* Recommended: */
  int steps;
  const char *sampler, *schedule;

  gsize parameters;      /* numbers in the checkpoint; 0 = not known */
  /* After sf_model_load(): */
  double *gamma;         /* (nullable) (array length=process->n): of Analytic-DPM */
  GError *gamma_error;   /* (nullable): why there is none, though there is a file */
  SfNetwork *network;
  const char *architecture; /* "adm" */
  int in_channels, out_channels;
  int channels;          /* of its pictures: an upsampler has another one among its inputs */
  int factor;            /* of an upsampler: by which that other one was enlarged */
  int divisor;           /* sides must be multiples of it */
  double rate;           /* floating point operations per second of its last evaluations; 0 = none yet */
  gint sound;            /* atomic: sf_model_check_values() has found nothing */
  const char *const *unexpected; /* (nullable): arrays of the checkpoint that are of no use */
} SfModel;

/**
 * sf_model_new:
 * @model: an id of the catalogue, or a path
 *
 * Returns: (transfer full) (nullable): %NULL with %SF_ERROR_MODEL: not there, incomplete, a description that is wrong, or a kind of
 *     model that is not supported
 */
SfModel *sf_model_new (const char *model, GError **error);
/* (transfer full): see sf_model_get(), which shares models. */
SfModel *sf_model_ref (SfModel *self);
void sf_model_unref (SfModel *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfModel, sf_model_unref)

/**
 * sf_model_load:
 *
 * Opens the checkpoint and binds the network.  A checkpoint that only has the name of a known one is no longer taken for it.
 *
 * Returns: %FALSE with %SF_ERROR_MODEL
 */
gboolean sf_model_load (SfModel *self, const SfProgress *progress, GError **error);

/* Whether nobody has to be asked for its noise process: it is known, or of no matter, as with a classifier. */
gboolean sf_model_tells_noise (const SfModel *self);
/* What the noise process most likely is, for who has to be asked; by known checkpoints and the shape of the network. */
const SfNoisePreset *sf_model_get_likely_process (const SfModel *self);
/**
 * sf_model_set_process:
 * @name: the setting noise-process: "auto", or one of sf_noise_presets()
 *
 * Returns: %FALSE with %SF_ERROR_MODEL naming that setting where it is "auto" and nothing is known, or %SF_ERROR_ARGUMENT for an
 *     unknown name
 */
gboolean sf_model_set_process (SfModel *self, const char *name, GError **error);
/* %SF_ERROR_MODEL: nobody knows its noise process; names the most likely one. */
void sf_model_refuse_unknown_process (const SfModel *self, GError **error);

/* What a model can be used for.  Before sf_model_load() it is judged by what is said about it, and what is not known yet passes. */

/* Whether pictures can be made with it; FALSE with %SF_ERROR_MODEL. */
gboolean sf_model_check_usable (const SfModel *self, GError **error);
/* Whether it can do with what there is: an upsampler has to be shown what it makes, @has_content; FALSE with %SF_ERROR_ARGUMENT. */
gboolean sf_model_check_content (const SfModel *self, gboolean has_content, GError **error);
/* Whether it takes pictures of that size, which is 0 where the model that makes them does not say it; FALSE with an error. */
gboolean sf_model_check_size (const SfModel *self, int height, int width, GError **error);
/* Whether Gamma, if it was estimated, fits its noise process; FALSE with %SF_ERROR_MODEL. */
gboolean sf_model_check_gamma (const SfModel *self, GError **error);
/* Whether it can lead another model to a class; FALSE with %SF_ERROR_MODEL. */
gboolean sf_model_check_classifier (const SfModel *self, GError **error);
/* Whether @class, or -1 for none, is one that it knows, or that @classifier (nullable), which must fit, can lead it to; FALSE with
 * %SF_ERROR_ARGUMENT. */
gboolean sf_model_check_class (const SfModel *self, const SfModel *classifier, int class, GError **error);

/* Reads all parameters, once: FALSE with %SF_ERROR_MODEL that names an array with a number that is not finite.  After sf_model_load(). */
gboolean sf_model_check_values (SfModel *self, const SfProgress *progress, GError **error);
/* Whether its checkpoint is as it was opened: FALSE with %SF_ERROR_MODEL.  To be asked after a run, whose result is worth nothing then. */
gboolean sf_model_check_files (const SfModel *self, GError **error);
