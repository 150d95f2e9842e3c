/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of the settings, in the order of the public promise: scripts pass them by position as well.
 *
 * A description says what the setting does to the picture; hosts show it as a tooltip and in their help.
 */
#include "pipeline/sf-settings.h"

#include <glib/gi18n.h>

#include "diffusion/sf-noise-preset.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"

#define REGENERATE (1u << SF_TASK_REGENERATE)
#define FILL (1u << SF_TASK_FILL)
#define EXPAND (1u << SF_TASK_EXPAND)
#define GENERATE (1u << SF_TASK_GENERATE)
#define ALL (REGENERATE | FILL | EXPAND | GENERATE)

#define MAX_SIZE 16384 /* pixels */

static const SfChoice automatic = { "auto", N_ ("Auto"), N_ ("What suits the model best") };

/* `auto`, then the registry; made once. */
static const SfChoice *
sampler_choices (int *n)
{
  static const SfChoice *choices;
  const SfSampler *const *samplers = sf_samplers (n);

  if (g_once_init_enter (&choices))
    {
      SfChoice *made = g_new (SfChoice, *n + 1);

      made[0] = automatic;
      for (int i = 0; i < *n; i++)
        made[i + 1] = (SfChoice) { samplers[i]->name, samplers[i]->label, samplers[i]->description,
                                   samplers[i]->family != SF_FAMILY_COMMON ? sf_family_label (samplers[i]->family) : NULL };
      g_once_init_leave (&choices, made);
    }
  *n += 1;
  return choices;
}

static const SfChoice *
schedule_choices (int *n)
{
  static const SfChoice *choices;
  const SfSchedule *const *schedules = sf_schedules (n);

  if (g_once_init_enter (&choices))
    {
      SfChoice *made = g_new (SfChoice, *n + 1);

      made[0] = automatic;
      for (int i = 0; i < *n; i++)
        made[i + 1] = (SfChoice) { schedules[i]->name, schedules[i]->label, schedules[i]->description,
                                   schedules[i]->family != SF_SPACING_COMMON ? sf_spacing_family_label (schedules[i]->family) : NULL };
      g_once_init_leave (&choices, made);
    }
  *n += 1;
  return choices;
}

static const SfChoice *
noise_choices (int *n)
{
  static const SfChoice *choices;
  const SfNoisePreset *presets = sf_noise_presets (n);

  if (g_once_init_enter (&choices))
    {
      SfChoice *made = g_new (SfChoice, *n + 1);

      made[0] = (SfChoice) { "auto", N_ ("Auto"), N_ ("As the model says") };
      for (int i = 0; i < *n; i++)
        made[i + 1] = (SfChoice) { presets[i].name, presets[i].label, presets[i].description };
      g_once_init_leave (&choices, made);
    }
  *n += 1;
  return choices;
}

static const SfChoice *
tileable_choices (int *n)
{
  static const SfChoice choices[] = {
    { "none", N_ ("No"), N_ ("The edges need not fit together") },
    { "horizontal", N_ ("Horizontally"), N_ ("The left edge continues the right one") },
    { "vertical", N_ ("Vertically"), N_ ("The top edge continues the bottom one") },
    { "both", N_ ("In both directions"), N_ ("Repeats without a seam in every direction, as for a pattern") },
  };

  *n = G_N_ELEMENTS (choices);
  return choices;
}

static const SfChoice *
output_choices (int *n)
{
  static const SfChoice choices[] = {
    { "new-layer", N_ ("New layer with a mask"), N_ ("The picture stays as it is below; paint on the mask to adjust the edge") },
    { "replace", N_ ("Change this layer"), N_ ("Writes into the layer itself; Undo brings back what was there") },
    { "new-image", N_ ("New image"), N_ ("Opens the result as an image of its own") },
  };

  *n = G_N_ELEMENTS (choices);
  return choices;
}

#define MEMBER(field) .offset = G_STRUCT_OFFSET (SfSettings, field)
#define STRING(field, default_text) .type = SF_PARAM_STRING, .text = default_text, MEMBER (field)
#define CHOICE(field, default_text, list) .type = SF_PARAM_CHOICE, .text = default_text, .choices = list, MEMBER (field)
#define INT(field, lo, hi, value) .type = SF_PARAM_INT, .min = lo, .max = hi, .fallback = value, MEMBER (field)
#define DOUBLE(field, lo, hi, value) .type = SF_PARAM_DOUBLE, .min = lo, .max = hi, .fallback = value, MEMBER (field)
#define BOOLEAN(field, value) .type = SF_PARAM_BOOLEAN, .max = 1, .fallback = value, MEMBER (field)

static const SfParam params[] = {
  { "model", N_ ("_Model"),
    N_ ("What the new content comes from; “patch” needs no weights and works from this picture alone"),
    STRING (model, "patch"), .tasks = ALL },
  { "prompt", N_ ("_Prompt"),
    N_ ("What to show, in words; only for models that read text"),
    STRING (prompt, ""), .tasks = ALL },
  { "negative-prompt", N_ ("Ne_gative prompt"),
    N_ ("What not to show, in words; only for models that read text"),
    STRING (negative_prompt, ""), .tasks = ALL },
  { "strength", N_ ("S_trength"),
    N_ ("How far to depart from what is there: at 0 nothing changes, low values keep shapes and colors, at 1 nothing is kept"),
    DOUBLE (strength, 0, 1, 0.6), .tasks = REGENERATE },
  { "steps", N_ ("St_eps"),
    N_ ("In how many steps the picture is worked out; more take longer and are more careful, 0 is what suits the model best"),
    INT (steps, 0, 1000, 0), .tasks = ALL },
  { "sampler", N_ ("S_ampler"),
    N_ ("How each step is made; calm ones give smooth pictures, those with fresh noise livelier texture"),
    CHOICE (sampler, "auto", sampler_choices), .tasks = ALL },
  { "schedule", N_ ("Sched_ule"),
    N_ ("Where the steps are spent: early ones settle the layout, late ones fine detail"),
    CHOICE (schedule, "auto", schedule_choices), .tasks = ALL },
  { "eta", N_ ("Fres_h noise (eta)"),
    N_ ("How much fresh noise each step adds: 0 gives calm, smooth pictures, 1 lively texture; only some samplers have it"),
    DOUBLE (eta, 0, 1, 1), .tasks = ALL },
  { "guidance", N_ ("Gu_idance"),
    N_ ("How closely the picture follows the prompt; high values cost variety and natural colors, only for models that read text"),
    DOUBLE (guidance, 0, 30, 7.5), .tasks = ALL },
  { "seed", N_ ("See_d"),
    N_ ("The same seed repeats a result, another one gives another; -1 draws one at random"),
    INT (seed, -1, G_MAXINT32, -1), .tasks = ALL },
  { "candidates", N_ ("Ca_ndidates"),
    N_ ("How many different results to make to choose from"),
    INT (candidates, 1, 16, 1), .tasks = ALL },
  { "width", N_ ("_Width"),
    N_ ("Width of the new picture in pixels; 0 is that of the image"),
    INT (width, 0, MAX_SIZE, 0), .tasks = GENERATE },
  { "height", N_ ("_Height"),
    N_ ("Height of the new picture in pixels; 0 is that of the image"),
    INT (height, 0, MAX_SIZE, 0), .tasks = GENERATE },
  { "tileable", N_ ("Tilea_ble"),
    N_ ("Which edges fit together, so that copies can be laid side by side without a seam"),
    CHOICE (tileable, "none", tileable_choices), .tasks = GENERATE },
  { "left", N_ ("_Left"),
    N_ ("Pixels to add at the left"),
    INT (left, 0, MAX_SIZE, 0), .tasks = EXPAND },
  { "right", N_ ("_Right"),
    N_ ("Pixels to add at the right"),
    INT (right, 0, MAX_SIZE, 0), .tasks = EXPAND },
  { "top", N_ ("_Top"),
    N_ ("Pixels to add at the top"),
    INT (top, 0, MAX_SIZE, 0), .tasks = EXPAND },
  { "bottom", N_ ("_Bottom"),
    N_ ("Pixels to add at the bottom"),
    INT (bottom, 0, MAX_SIZE, 0), .tasks = EXPAND },
  { "feather", N_ ("_Feather"),
    N_ ("Over how many pixels the new content fades into the old; -1 chooses by the size of the area"),
    DOUBLE (feather, -1, 512, -1), .tasks = REGENERATE | FILL | EXPAND },
  { "context", N_ ("Conte_xt"),
    N_ ("How many pixels of the surroundings are looked at and copied from; -1 chooses by the size of the area"),
    DOUBLE (context, -1, 4096, -1), .tasks = REGENERATE | FILL | EXPAND },
  { "match-color", N_ ("Match c_olors"),
    N_ ("Bends the colors of the new content towards those at its edge, so that no step shows"),
    BOOLEAN (match_color, TRUE), .tasks = REGENERATE | FILL | EXPAND },
  { "respect-selection", N_ ("Respect so_ft selections"),
    N_ ("Half-selected pixels are changed by half; off, all that is selected at all is changed in full"),
    BOOLEAN (respect_selection, TRUE), .tasks = REGENERATE | FILL },
  { "sample-merged", N_ ("Sample all _visible layers"),
    N_ ("Looks at the whole picture as it is seen, not at this layer alone"),
    BOOLEAN (sample_merged, FALSE), .tasks = REGENERATE | FILL | EXPAND },
  { "output", N_ ("_Result"),
    N_ ("Where the new content goes"),
    CHOICE (output, "new-layer", output_choices), .tasks = ALL },
  { "class", N_ ("_Class"),
    N_ ("Number of what to show, for models that know classes; -1 leaves it open"),
    INT (class_number, -1, 99999, -1), .tasks = ALL },
  { "classifier", N_ ("Classif_ier"),
    N_ ("A second model that pulls the picture towards the class: its name in the catalogue, or its file"),
    STRING (classifier, ""), .tasks = ALL },
  { "classifier-scale", N_ ("Classifier sca_le"),
    N_ ("How strongly the classifier pulls; high values cost variety"),
    DOUBLE (classifier_scale, 0, 100, 1), .tasks = ALL },
  { "noise-process", N_ ("_Noise of training"),
    N_ ("What noise the model was trained with, for files that do not tell"),
    CHOICE (noise_process, "auto", noise_choices), .tasks = ALL },
  { "fast", N_ ("Fast _arithmetic"),
    N_ ("Calculates with fewer digits where the processor gains by it; pictures differ a little"),
    BOOLEAN (fast, FALSE), .tasks = ALL },
};

const SfParam *
sf_settings_params (int *n)
{
  *n = G_N_ELEMENTS (params);
  return params;
}

const SfParam *
sf_settings_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (params); i++)
    if (g_strcmp0 (params[i].name, name) == 0)
      return &params[i];
  return NULL;
}

const char *
sf_task_name (SfTask task)
{
  static const char *const names[SF_N_TASKS] = { "regenerate", "fill", "expand", "generate" };

  g_return_val_if_fail (task >= 0 && task < SF_N_TASKS, NULL);
  return names[task];
}
