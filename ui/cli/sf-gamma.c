/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sfumato estimate-gamma: random parts of pictures, at the model's size, measured at each of its timesteps. */
#include "sf-config.h"

#include <glib/gi18n.h>
#include <signal.h>
#include <string.h>

#include "sf-buffer.h"
#include "sf-source.h"
#include "sf-tell.h"
#include "sf-terminal.h"

#define PARTS 8 /* unless told otherwise */

typedef struct
{
  int parts, class, seed;
  const char *noise_process;
  gboolean quiet;
} Options;

/*** Pictures ***/

/* A random part of @pixels, from [0, 1] to [-1, 1], as picture @i of @out. */
static gboolean
take_part (GeglBuffer *pixels, GRand *rand, SfTensor *out, int i, GError **error)
{
  const GeglRectangle *all = gegl_buffer_get_extent (pixels);
  const SfRect rect = { all->x + g_rand_int_range (rand, 0, all->width - out->w + 1), all->y + g_rand_int_range (rand, 0, all->height - out->h + 1), out->w, out->h };
  g_autofree float *rgba = sf_buffer_read_rgba (pixels, &rect, error);
  gsize n = (gsize) out->h * out->w;
  float *rgb = out->data + i * n * 3;

  for (gsize k = 0; rgba != NULL && k < n * 3; k++)
    rgb[k] = 2 * CLAMP (rgba[k / 3 * 4 + k % 3], 0, 1) - 1;
  return rgba != NULL;
}

/* (nullable): the picture, if it is large enough. */
static GeglBuffer *
load (const char *path, int width, int height, GError **error)
{
  g_autoptr (SfSource) source = sf_source_open (path, error);
  g_autoptr (GeglBuffer) pixels = source != NULL ? sf_source_load (source, error) : NULL;

  if (pixels == NULL)
    return NULL;
  if (gegl_buffer_get_width (pixels) >= width && gegl_buffer_get_height (pixels) >= height)
    return g_steal_pointer (&pixels);
  g_set_error (error, SF_ERROR, SF_ERROR_REGION, _ ("%s: is %d × %d pixels large, but the model takes %d × %d; enlarge it, or leave it out"), source->name,
               gegl_buffer_get_width (pixels), gegl_buffer_get_height (pixels), width, height);
  return NULL;
}

/* (transfer full) (nullable): @n parts, of each picture in turn, which is so opened once. */
static SfTensor *
take_parts (char **paths, int n, int width, int height, int seed, GError **error)
{
  g_autoptr (SfTensor) parts = sf_tensor_new (n, height, width, 3, error);
  g_autoptr (GRand) rand = g_rand_new_with_seed ((guint32) seed);
  int pictures = (int) g_strv_length (paths);

  if (parts == NULL)
    return NULL;
  for (int p = 0; p < MIN (pictures, n); p++)
    {
      g_autoptr (GeglBuffer) pixels = load (paths[p], width, height, error);

      if (pixels == NULL)
        return NULL;
      for (int i = p; i < n; i += pictures)
        if (!take_part (pixels, rand, parts, i, error))
          return NULL;
    }
  return g_steal_pointer (&parts);
}

/*** Running ***/

static volatile sig_atomic_t interrupted;

static void
on_interrupt (int number)
{
  interrupted = TRUE;
}

typedef struct
{
  GCancellable *cancellable;
  SfEta eta;
} Run;

/* Called some hundred times a second. */
static void
on_progress (double fraction, gpointer data)
{
  Run *run = data;

  if (interrupted)
    g_cancellable_cancel (run->cancellable);
  else
    sf_terminal_progress (_ ("Measuring"), fraction, sf_eta_update (&run->eta, fraction, g_get_monotonic_time ()));
}

static gboolean
estimate (const Options *options, const char *name, char **paths, GError **error)
{
  g_autoptr (SfModel) model = sf_model_get (name, options->noise_process, TRUE, NULL, error);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Run run = { .cancellable = cancellable };
  const SfProgress progress = { .cancellable = cancellable, .func = on_progress, .data = &run, .hi = 1 };
  g_autoptr (SfTensor) parts = NULL;
  g_autofree double *gamma = NULL;
  g_autofree char *origin = NULL;

  if (model == NULL || !sf_model_check_usable (model, error) || (parts = take_parts (paths, options->parts, model->width, model->height, options->seed, error)) == NULL)
    return FALSE;
  signal (SIGINT, on_interrupt);
  signal (SIGTERM, on_interrupt);
  gamma = sf_model_estimate_gamma (model, parts, options->class, (guint64) options->seed, &progress, error);
  sf_terminal_progress (NULL, -1, -1);
  origin = g_strdup_printf ("%d parts of %u pictures", options->parts, g_strv_length (paths));
  if (gamma == NULL || !sf_gamma_save (gamma, model->scheduler->process, origin, model->files->gamma, error))
    return FALSE;
  sf_terminal_note (_ ("%s: written"), model->files->gamma);
  return TRUE;
}

gboolean
sf_gamma (char **arguments, GError **error)
{
  Options options = { .parts = PARTS, .class = -1, .noise_process = NULL };
  g_autofree char *noise_process = NULL;
  const GOptionEntry entries[] = {
    { "images", 'n', 0, G_OPTION_ARG_INT, &options.parts, N_ ("How many parts of the pictures to measure (8)"), N_ ("N") },
    { "class", 0, 0, G_OPTION_ARG_INT, &options.class, N_ ("Class that the pictures are of, for models that know classes only"), N_ ("N") },
    { "noise-process", 0, 0, G_OPTION_ARG_STRING, &noise_process, N_ ("What noise the model was trained with, for files that do not tell"), N_ ("NAME") },
    { "seed", 's', 0, G_OPTION_ARG_INT, &options.seed, N_ ("Another one takes other parts and other noise"), N_ ("N") },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options.quiet, N_ ("Say nothing but errors"), NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("estimate-gamma MODEL PICTURE…");
  g_auto (GStrv) words = g_strdupv (arguments);

  g_option_context_set_summary (context, _ ("Measure how large the noise is that a model finds in pictures of its kind, from which the samplers of Analytic-DPM "
                                            "know how much noise to add. The numbers are stored beside the model and used from then on."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (!g_option_context_parse_strv (context, &words, error))
    return FALSE;
  if (g_strv_length (words) < 3 || options.parts < 1)
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("name a model and pictures, and measure at least one: sfumato estimate-gamma MODEL PICTURE…"));
      return FALSE;
    }
  options.noise_process = noise_process != NULL ? noise_process : "auto";
  sf_terminal_set_quiet (options.quiet);
  gegl_init (NULL, NULL);
  return estimate (&options, words[1], words + 2, error);
}
