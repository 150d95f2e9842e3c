/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sfumato: the same as the plug-in, for files.
 *
 * Exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted; in all but the first case one line on standard error.
 */
#include "sf-config.h"

#include <glib/gi18n.h>
#include <gegl.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>

#include "sf-codec.h"
#include "sf-run.h"
#include "sf-tell.h"
#include "sf-terminal.h"
#include "sf-work.h"

static void
print_help (void)
{
  g_print ("%s\n\n", _ ("Sfumato regenerates, fills and extends pictures by diffusion, on this computer alone."));
  for (int task = 0; task < SF_N_TASKS; task++)
    g_print ("  sfumato %-10s %s\n      %s\n", sf_task_name (task), sf_options_usage (task), sf_options_summary (task));
  g_print ("  sfumato list       samplers|schedules|models|engines [--json]\n      %s\n", _ ("Tell what there is to choose from"));
  g_print ("  sfumato info       %s [--json]\n      %s\n", _ ("MODEL|PICTURE"),
           _ ("Tell what a model is, or with what settings a picture was made"));
  g_print ("  sfumato estimate-gamma %s\n      %s\n", _ ("MODEL PICTURE…"), _ ("Measure a model on pictures of its kind, once, for the samplers of Analytic-DPM"));
  g_print ("  sfumato bench      samplers FOLDER\n      %s\n", _ ("Draw what each sampler does, and how precise it is after how many evaluations"));
  g_print ("  sfumato --version\n\n%s\n", _ ("sfumato COMMAND --help tells the options of a command."));
}

static gboolean
make_picture (SfTask task, char **arguments, GError **error)
{
  g_autoptr (SfOptions) options = sf_options_parse (task, arguments + 1, error);

  if (options == NULL)
    return FALSE;
  gegl_init (NULL, NULL);
  g_object_set (gegl_config (), "use-opencl", FALSE, NULL);
  return sf_run (options, error);
}

/* @arguments: from the command's name on */
static gboolean
run_command (char **arguments, GError **error)
{
  const char *name = arguments[0];

  if (name == NULL)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("a command is missing"));
  else if (g_str_equal (name, "--version"))
    g_print ("sfumato %s\n", SF_VERSION);
  else if (g_str_equal (name, "--help") || g_str_equal (name, "-h") || g_str_equal (name, "help"))
    print_help ();
  else if (g_str_equal (name, "list"))
    return sf_list (arguments, error);
  else if (g_str_equal (name, "bench"))
    return sf_bench (arguments, error);
  else if (g_str_equal (name, "estimate-gamma"))
    return sf_gamma (arguments, error);
  else if (g_str_equal (name, "info"))
    return sf_info (arguments, error);
  else
    {
      for (int task = 0; task < SF_N_TASKS; task++)
        if (g_str_equal (name, sf_task_name (task)))
          return make_picture (task, arguments, error);
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("“%s” is no command"), name);
    }
  return *error == NULL;
}

static int
report (const GError *error)
{
  gboolean usage = error->domain == G_OPTION_ERROR || g_error_matches (error, SF_ERROR, SF_ERROR_ARGUMENT);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return SF_EXIT_INTERRUPTED;
  if (usage)
    sf_terminal_error (_ ("%s (sfumato --help tells more)"), error->message);
  else
    sf_terminal_error ("%s", error->message);
  return usage ? SF_EXIT_USAGE : EXIT_FAILURE;
}

/* Catalogues lie beside the program where it was moved as a whole, else where it was installed. */
static void
init_locale (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *folder = program != NULL ? g_path_get_dirname (program) : NULL;
  g_autofree char *beside = folder != NULL ? g_build_filename (folder, "..", "share", "locale", NULL) : NULL;

  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, beside != NULL && g_file_test (beside, G_FILE_TEST_IS_DIR) ? beside : SF_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;

  init_locale ();
  g_set_prgname ("sfumato");
  signal (SIGPIPE, SIG_IGN); /* a closed pipe is an error of write() */
  sf_codec_install ();
  return run_command (argv + MIN (argc, 1), &error) ? EXIT_SUCCESS : report (error);
}
