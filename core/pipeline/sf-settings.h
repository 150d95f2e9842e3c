/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a user can choose: one plain struct, and one table of rows that describes it to every host.
 *
 * The rows (name, label, range, default, tasks) are the single truth from which GIMP's arguments, the dialog's
 * tooltips, the command line's options and the saved metadata are made.
 */
#pragma once

#include "base/sf-error.h"
#include "base/sf-param.h"
#include "denoisers/sf-engine.h"

typedef enum
{
  SF_TASK_REGENERATE,
  SF_TASK_FILL,
  SF_TASK_EXPAND,
  SF_TASK_GENERATE,
  SF_N_TASKS
} SfTask;

/* "regenerate", "fill", "expand", "generate": command and procedure names end in it. */
const char *sf_task_name (SfTask task);

typedef struct
{
  char *model;
  char *prompt, *negative_prompt;
  double strength;
  int steps;
  char *sampler, *schedule;
  double eta, guidance;
  int seed, candidates;
  int width, height;
  char *tileable;
  int left, right, top, bottom;
  double feather, context;
  gboolean match_color, respect_selection, sample_merged;
  char *output;
  int class_number;
  char *classifier;
  double classifier_scale;
  char *noise_process;
  gboolean fast;
} SfSettings;

SfSettings *sf_settings_new (void); /* every member at its default */
SfSettings *sf_settings_copy (const SfSettings *self);
void sf_settings_free (SfSettings *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfSettings, sf_settings_free)

/* The rows, in the order of the promise in the public interface. */
const SfParam *sf_settings_params (int *n);
/* (nullable): the row called @name. */
const SfParam *sf_settings_find (const char *name);

/**
 * sf_settings_set:
 * @text: in the C locale; "true"/"false"/"yes"/"no"/"1"/"0" for booleans
 *
 * Returns: %FALSE with %SF_ERROR_ARGUMENT naming the setting, what was given and what is possible
 */
gboolean sf_settings_set (SfSettings *self, const SfParam *param, const char *text, GError **error);
/* The value as text that sf_settings_set() takes. */
char *sf_settings_get (const SfSettings *self, const SfParam *param);

/* Checks every value that @task has (%SF_ERROR_ARGUMENT), that the model exists (%SF_ERROR_MODEL), and that it can take
 * the rest (a prompt, say). */
gboolean sf_settings_validate (const SfSettings *self, SfTask task, GError **error);

/* What makes the pictures. */
const SfEngineInfo *sf_settings_engine (const SfSettings *self);

/* @self's seed, or when it is -1 one drawn at random so that seed + candidate fits an int. */
int sf_settings_pick_seed (const SfSettings *self);

/* Steps, sampler, schedule with 0 and "auto" replaced by what the model recommends. */
int sf_settings_steps (const SfSettings *self);
const char *sf_settings_sampler (const SfSettings *self);
const char *sf_settings_schedule (const SfSettings *self);

/**
 * sf_settings_to_json:
 * @seed: the seed really used
 * @candidate: 0-based number of the candidate
 *
 * Everything that is needed to repeat a result, as one line of JSON.  "auto" and 0 steps are stored as what they mean.
 */
char *sf_settings_to_json (const SfSettings *self, SfTask task, int seed, int candidate);
/* The reverse; unknown members are ignored.  @task and @candidate may be %NULL.  For untrusted text. */
SfSettings *sf_settings_from_json (const char *json, SfTask *task, int *candidate, GError **error);
