/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The plug-in as GIMP sees it: four procedures, one row each, with arguments made from the rows of the settings. */
#include "sf-config.h"

#include <glib/gi18n.h>
#include <libgimp/gimpui.h>

#include "sf-run.h"

static const SfTaskInfo tasks[] = {
  { SF_TASK_REGENERATE, "plug-in-sfumato-regenerate", N_ ("_Regenerate Selection..."),
    N_ ("Re-imagine the selected area, keeping as much of it as wanted"),
    N_ ("Adds noise to the selected area, more with a higher strength, and takes it away again, so that large shapes stay "
        "and what is finer than the noise is invented anew from the surroundings. Strength 0 changes nothing."),
    N_ ("Regenerating the selection"), GIMP_PROCEDURE_SENSITIVE_DRAWABLE },
  { SF_TASK_FILL, "plug-in-sfumato-fill", N_ ("_Fill Selection..."),
    N_ ("Replace the selected area by a continuation of its surroundings"),
    N_ ("What was in the selected area is not looked at; what surrounds it is continued into it."),
    N_ ("Filling the selection"), GIMP_PROCEDURE_SENSITIVE_DRAWABLE },
  { SF_TASK_EXPAND, "plug-in-sfumato-expand", N_ ("_Expand Canvas..."),
    N_ ("Enlarge the canvas and continue the picture into the new border"),
    N_ ("The border is filled with a continuation of the picture. With the result in the layer itself, the layer is enlarged "
        "as well; else a new layer covers the border. The selection is ignored."),
    N_ ("Filling the new border"), GIMP_PROCEDURE_SENSITIVE_DRAWABLE },
  { SF_TASK_GENERATE, "plug-in-sfumato-generate", N_ ("_Generate..."),
    N_ ("Make a new picture that looks like an example"),
    N_ ("The example is the layer, or the box around the selection. With the result in the layer itself, all of its pixels are "
        "replaced and it takes the new size."),
    N_ ("Generating a picture"), GIMP_PROCEDURE_SENSITIVE_DRAWABLE | GIMP_PROCEDURE_SENSITIVE_NO_IMAGE },
};

/* What scripts have to know about all of them, after each one's help. */
#define COMMON_HELP                                                                                                               \
  N_ ("The image is changed in one undo step after all is computed, or not at all. The result is a new layer with an editable "   \
      "layer mask, the layer itself, or a new image. Of several candidates each becomes a layer, the best on top and the others " \
      "hidden; the layer itself takes the best. Returns the layers in the order of the candidates, and the seed. Each of them "   \
      "carries all settings as a parasite called sfumato. An unknown value of an argument is an error.")

/*** Arguments ***/

/* "…; one of: auto, euler, …" */
static char *
describe_choices (const SfParam *param)
{
  GString *text = g_string_new (_ (param->description));
  int n;
  const SfChoice *choices = param->choices (&n);

  g_string_append_printf (text, " (%s", choices[0].name);
  for (int i = 1; i < n; i++)
    g_string_append_printf (text, ", %s", choices[i].name);
  g_string_append_c (text, ')');
  return g_string_free (text, FALSE);
}

static void
add_argument (GimpProcedure *procedure, const SfParam *param)
{
  const char *label = _ (param->label), *blurb = _ (param->description);

  switch (param->type)
    {
    case SF_PARAM_BOOLEAN:
      gimp_procedure_add_boolean_argument (procedure, param->name, label, blurb, param->fallback != 0, G_PARAM_READWRITE);
      break;
    case SF_PARAM_INT:
      gimp_procedure_add_int_argument (procedure, param->name, label, blurb, (int) param->min, (int) param->max,
                                       (int) param->fallback, G_PARAM_READWRITE);
      break;
    case SF_PARAM_DOUBLE:
      gimp_procedure_add_double_argument (procedure, param->name, label, blurb, param->min, param->max, param->fallback,
                                          G_PARAM_READWRITE);
      break;
    case SF_PARAM_CHOICE:
      {
        /* A string and not GIMP's own choice type, which replaces an unknown value by the default silently. */
        g_autofree char *text = describe_choices (param);

        gimp_procedure_add_string_argument (procedure, param->name, label, text, param->text, G_PARAM_READWRITE);
        break;
      }
    case SF_PARAM_STRING:
    default:
      gimp_procedure_add_string_argument (procedure, param->name, label, blurb, param->text, G_PARAM_READWRITE);
      break;
    }
}

static void
add_arguments (GimpProcedure *procedure, SfTask task)
{
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (int i = 0; i < n; i++)
    if (params[i].tasks & (1u << task))
      add_argument (procedure, &params[i]);

  gimp_procedure_add_core_object_array_return_value (procedure, "layers", _ ("Layers"),
                                                     _ ("What was made, in the order of the candidates, or the changed layer"),
                                                     GIMP_TYPE_LAYER, G_PARAM_READWRITE);
  gimp_procedure_add_int_return_value (procedure, "seed", _ ("Seed"), _ ("The seed that was used; candidate i has seed + i"),
                                       0, G_MAXINT32, 0, G_PARAM_READWRITE);
}

/*** The plug-in ***/

#define SF_TYPE_PLUG_IN (sf_plug_in_get_type ())
G_DECLARE_FINAL_TYPE (SfPlugIn, sf_plug_in, SF, PLUG_IN, GimpPlugIn)

struct _SfPlugIn
{
  GimpPlugIn parent_instance;
};

G_DEFINE_FINAL_TYPE (SfPlugIn, sf_plug_in, GIMP_TYPE_PLUG_IN)

static GList *
sf_plug_in_query_procedures (GimpPlugIn *plug_in)
{
  GList *names = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    names = g_list_append (names, g_strdup (tasks[i].procedure));
  return names;
}

static GimpProcedure *
create (GimpPlugIn *plug_in, const SfTaskInfo *info)
{
  g_autofree char *help = g_strdup_printf ("%s\n\n%s", _ (info->help), _ (COMMON_HELP));
  GimpProcedure *procedure = gimp_image_procedure_new (plug_in, info->procedure, GIMP_PDB_PROC_TYPE_PLUGIN, sf_run,
                                                       (gpointer) info, NULL);

  gimp_procedure_set_image_types (procedure, "RGB*, GRAY*");
  gimp_procedure_set_sensitivity_mask (procedure, info->sensitivity);
  gimp_procedure_set_menu_label (procedure, _ (info->label));
  gimp_procedure_add_menu_path (procedure, "<Image>/Filters/Sfumato/");
  gimp_procedure_set_icon_name (procedure, GIMP_ICON_GEGL);
  gimp_procedure_set_documentation (procedure, _ (info->blurb), help, info->procedure);
  gimp_procedure_set_attribution (procedure, "The Sfumato authors", "The Sfumato authors", "2026");
  add_arguments (procedure, info->task);
  return procedure;
}

static GimpProcedure *
sf_plug_in_create_procedure (GimpPlugIn *plug_in, const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    if (g_str_equal (tasks[i].procedure, name))
      return create (plug_in, &tasks[i]);
  return NULL;
}

/* Catalogues are in the folder "locale" beside the plug-in, which GIMP looks after, or in the build folder. */
static gboolean
sf_plug_in_set_i18n (GimpPlugIn *plug_in, const char *procedure, char **domain, char **catalogues)
{
  g_autofree char *folder = g_path_get_dirname (gimp_get_progname ());
  g_autofree char *installed = g_build_filename (folder, "locale", NULL);
  g_autofree char *built = g_build_filename (folder, "..", "po", NULL);

  if (g_file_test (installed, G_FILE_TEST_IS_DIR))
    {
      *domain = g_strdup (GETTEXT_PACKAGE);
      *catalogues = g_strdup ("locale");
      return TRUE;
    }
  bindtextdomain (GETTEXT_PACKAGE, built);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  return FALSE;
}

static void
sf_plug_in_class_init (SfPlugInClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = sf_plug_in_query_procedures;
  plug_in_class->create_procedure = sf_plug_in_create_procedure;
  plug_in_class->set_i18n = sf_plug_in_set_i18n;
}

static void
sf_plug_in_init (SfPlugIn *self)
{
}

GIMP_MAIN (SF_TYPE_PLUG_IN)
