/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-run.h"

#include <glib/gi18n.h>
#include <libgimp/gimpui.h>

#include "sf-dialog.h"
#include "sf-image.h"
#include "sf-worker.h"
#include "sf-write.h"

/* What a run works on and what it has made so far. */
typedef struct
{
  const SfTaskInfo *info;
  gboolean show; /* new images get a window */
  SfPicture picture;
  GPtrArray *layers;
  int seed;
} Run;

/*** Arguments ***/

/* GIMP would turn an unknown value of a choice argument into the default without a word to the script; so choices are
 * registered as strings, and this is where they are checked.
 */
static gboolean
check_choices (GObject *config, SfTask task, GError **error)
{
  g_autoptr (SfSettings) scratch = sf_settings_new ();
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (int i = 0; i < n; i++)
    if (params[i].type == SF_PARAM_CHOICE && (params[i].tasks & (1u << task)) != 0)
      {
        g_autofree char *value = NULL;

        g_object_get (config, params[i].name, &value, NULL);
        if (value != NULL && *value != '\0' && !sf_settings_set (scratch, &params[i], value, error))
          return FALSE;
      }
  return TRUE;
}

static void
set_threads (void)
{
  /* 0 asks the core, which knows the environment. */
  sf_parallel_set_threads (g_getenv ("SFUMATO_THREADS") != NULL ? 0 : gimp_get_num_processors ());
}

/*** Without the dialog ***/

static gboolean
write_results (Run *run, GPtrArray *results, const SfSettings *settings, GError **error)
{
  g_autoptr (GPtrArray) layers = sf_write (&run->picture, settings, results, run->show, error);

  if (layers == NULL)
    return FALSE;
  g_ptr_array_extend (run->layers, layers, NULL, NULL);
  run->seed = ((const SfResult *) results->pdata[0])->seed;
  return TRUE;
}

static gboolean
run_directly (Run *run, const SfSettings *settings, GError **error)
{
  g_autoptr (SfJob) job = NULL;
  g_autoptr (GPtrArray) results = NULL;

  if (!sf_picture_check (&run->picture, settings, error))
    return FALSE;
  job = sf_picture_read (&run->picture, settings, error);
  if (job == NULL)
    return FALSE;
  /* The drawn seed stays out of the config, or Repeat would have it too. */
  results = sf_worker_run (job, sf_settings_pick_seed (settings), settings->candidates, _ (run->info->busy), error);
  return results != NULL && write_results (run, results, settings, error);
}

/*** For the dialog ***/

static SfJob *
prepare (const SfSettings *settings, gpointer data, GError **error)
{
  Run *run = data;

  if (!sf_settings_validate (settings, run->info->task, error) || !sf_picture_check (&run->picture, settings, error))
    return NULL;
  return sf_picture_read (&run->picture, settings, error);
}

static gboolean
view (const SfSettings *settings, const SfRect *rect, double scale, float **rgba, float **coverage, gpointer data,
      GError **error)
{
  Run *run = data;

  return sf_picture_view (&run->picture, settings, rect, scale, rgba, coverage, error);
}

static gboolean
keep (GPtrArray *results, const SfSettings *settings, gpointer data, GError **error)
{
  Run *run = data;

  if (!write_results (run, results, settings, error))
    return FALSE;
  /* After "replace" with Expand Canvas, say, the picture is another one. */
  if (run->picture.image != NULL && gimp_image_is_valid (run->picture.image) && gimp_item_is_valid (GIMP_ITEM (run->picture.layer)))
    sf_picture_init (&run->picture, run->info->task, run->picture.image,
                     (GimpDrawable *[]) { GIMP_DRAWABLE (run->picture.layer), NULL }, NULL);
  return TRUE;
}

static gboolean
run_dialog (Run *run, GimpProcedure *procedure, GimpProcedureConfig *config)
{
  SfDialogHost host = { .prepare = prepare, .read = view, .keep = keep, .data = run, .width = run->picture.bounds.width, .height = run->picture.bounds.height };

  gimp_ui_init ("sfumato");
  return sf_dialog_run (procedure, config, run->info->task, &host);
}

/*** Return values ***/

static GimpValueArray *
fail (GimpProcedure *procedure, GError *error)
{
  gboolean argument = g_error_matches (error, SF_ERROR, SF_ERROR_ARGUMENT) || g_error_matches (error, SF_ERROR, SF_ERROR_MODEL);

  return gimp_procedure_new_return_values (procedure, argument ? GIMP_PDB_CALLING_ERROR : GIMP_PDB_EXECUTION_ERROR, error);
}

static GimpValueArray *
succeed (GimpProcedure *procedure, Run *run)
{
  GimpValueArray *values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);

  g_ptr_array_add (run->layers, NULL);
  GIMP_VALUES_SET_CORE_OBJECT_ARRAY (values, 1, run->layers->pdata);
  GIMP_VALUES_SET_INT (values, 2, run->seed);
  return values;
}

GimpValueArray *
sf_run (GimpProcedure *procedure, GimpRunMode mode, GimpImage *image, GimpDrawable **drawables,
        GimpProcedureConfig *config, gpointer info)
{
  Run run = { .info = info, .show = mode != GIMP_RUN_NONINTERACTIVE };
  g_autoptr (GPtrArray) layers = run.layers = g_ptr_array_new ();
  g_autoptr (SfSettings) settings = sf_settings_from_config (G_OBJECT (config));
  GError *error = NULL;

  gegl_init (NULL, NULL);
  set_threads ();
  if (!sf_picture_init (&run.picture, run.info->task, image, drawables, &error))
    return fail (procedure, error);
  if (mode == GIMP_RUN_INTERACTIVE)
    return run_dialog (&run, procedure, config) ? succeed (procedure, &run)
                                                : gimp_procedure_new_return_values (procedure, GIMP_PDB_CANCEL, NULL);
  if (!check_choices (G_OBJECT (config), run.info->task, &error) ||
      !sf_settings_validate (settings, run.info->task, &error) || !run_directly (&run, settings, &error))
    return fail (procedure, error);
  return succeed (procedure, &run);
}
