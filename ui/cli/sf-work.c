/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that can fail is done before the first byte is written: all candidates are computed and encoded, all files
 * are complete under hidden names, and only then do they get their own names.
 */
#include "sf-work.h"

#include "sf-config.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "sf-buffer.h"
#include "sf-output.h"
#include "sf-picture.h"
#include "sf-terminal.h"

/* The picture worked on; all is empty where a model makes one from nothing. */
typedef struct
{
  SfSource *source;   /* (nullable) */
  GeglBuffer *pixels; /* (nullable) */
  GeglRectangle size;
} Input;

static void
input_clear (Input *input)
{
  g_clear_pointer (&input->source, sf_source_free);
  g_clear_object (&input->pixels);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Input, input_clear)

static gboolean
input_load (Input *input, const char *path, GError **error)
{
  input->source = sf_source_open (path, error);
  if (input->source == NULL)
    return FALSE;
  input->pixels = sf_source_load (input->source, error);
  if (input->pixels == NULL)
    return FALSE;
  input->size = *gegl_buffer_get_extent (input->pixels);
  if (babl_get_model_flags (babl_format_get_model (gegl_buffer_get_format (input->pixels))) & BABL_MODEL_FLAG_CMYK)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, _ ("%s: is a CMYK picture; convert it to RGB first"),
                   input->source->name);
      return FALSE;
    }
  return TRUE;
}

/* (nullable): the mask's pixels, looked at and found to fit. */
static GeglBuffer *
load_mask (const char *path, const Input *input, SfRect *bounds, GError **error)
{
  g_autoptr (SfSource) source = sf_source_open (path, error);
  g_autoptr (GeglBuffer) mask = source != NULL ? sf_source_load (source, error) : NULL;
  const GeglRectangle *size;

  if (mask == NULL)
    return NULL;
  size = gegl_buffer_get_extent (mask);
  if (size->width != input->size.width || size->height != input->size.height)
    {
      g_set_error (error, SF_ERROR, SF_ERROR_REGION,
                   _ ("%s: is %d × %d pixels large, but %s is %d × %d; a mask must have the size of the picture"),
                   source->name, size->width, size->height, input->source->name, input->size.width, input->size.height);
      return NULL;
    }
  if (!sf_buffer_find_coverage (mask, bounds))
    {
      g_set_error (error, SF_ERROR, SF_ERROR_REGION, _ ("%s: is black everywhere; paint white what to make anew"), source->name);
      return NULL;
    }
  return g_steal_pointer (&mask);
}

/* The plan, with just the pixels that it needs. */
static SfJob *
make_job (SfWork *self, const Input *input, GError **error)
{
  const SfOptions *options = self->options;
  g_autoptr (GeglBuffer) mask = NULL;
  const SfProgress progress = { .cancellable = self->cancellable };
  g_autoptr (SfJob) job = NULL;
  float *rgba, *coverage = NULL;
  SfRect bounds, crop;

  if (options->mask != NULL && (mask = load_mask (options->mask, input, &bounds, error)) == NULL)
    return NULL;
  job = sf_job_new (options->task, options->settings, input->size.width, input->size.height, mask != NULL ? &bounds : NULL, error);
  if (job == NULL || !sf_job_needs_pixels (job))
    return g_steal_pointer (&job);
  crop = sf_job_get_crop (job);
  rgba = sf_buffer_read_rgba (input->pixels, &crop, error);
  if (rgba == NULL)
    return NULL;
  if (mask != NULL && (coverage = sf_buffer_read_coverage (mask, &crop, error)) == NULL)
    {
      g_free (rgba);
      return NULL;
    }
  return sf_job_set_pixels (job, rgba, coverage, &progress, error) ? g_steal_pointer (&job) : NULL;
}

/*** Computing ***/

static void
on_progress (double fraction, gpointer data)
{
  g_atomic_int_set (&((SfWork *) data)->permille, (gint) (1000 * fraction));
}

/* All candidates, best first. */
static GPtrArray *
run_job (SfWork *self, SfJob *job, int seed, GError **error)
{
  SfProgress progress = { self->cancellable, on_progress, self, 0, 1 };
  g_autoptr (GPtrArray) results = sf_job_run_all (job, seed, self->options->settings->candidates, NULL, NULL, &progress,
                                                  error);

  return results != NULL ? sf_results_rank (results) : NULL;
}

/*** Writing ***/

/* The picture with the result in it, in the input's own format. */
static GeglBuffer *
compose (const SfOptions *options, const Input *input, SfJob *job, const SfResult *result, GError **error)
{
  const Babl *format = input->pixels != NULL ? gegl_buffer_get_format (input->pixels) : babl_format ("R'G'B' u8");
  SfRect canvas = sf_job_get_canvas (job);
  GeglRectangle rect = { canvas.x, canvas.y, canvas.width, canvas.height };
  g_autoptr (GeglBuffer) nothing = gegl_buffer_new (&rect, format);
  g_autoptr (GeglBuffer) picture = NULL;
  GeglBuffer *original = options->task == SF_TASK_GENERATE ? nothing : input->pixels;

  if (gegl_rectangle_equal (&rect, &input->size) && original == input->pixels)
    picture = gegl_buffer_dup (input->pixels); /* shares the tiles that stay as they are */
  else
    {
      picture = gegl_buffer_new (&rect, format);
      if (original == input->pixels)
        gegl_buffer_copy (original, NULL, GEGL_ABYSS_NONE, picture, &input->size);
    }
  return sf_buffer_blend (original, picture, result, error) ? g_steal_pointer (&picture) : NULL;
}

static gboolean
write_result (SfWork *self, const Input *input, SfJob *job, const SfResult *result, SfOutput *output, const SfFormat *format,
              GError **error)
{
  g_autoptr (GeglBuffer) picture = compose (self->options, input, job, result, error);
  /* A new picture has nothing of the example's place, camera or author. */
  const SfSource *from = self->options->task == SF_TASK_GENERATE ? NULL : input->source;
  gboolean done;
  int fd;

  if (picture == NULL)
    return FALSE;
  fd = sf_picture_encode (picture, format, from, result->json, sf_output_get_name (output), error);
  if (fd < 0)
    return FALSE;
  done = sf_output_fill (output, fd, self->cancellable, error);
  close (fd);
  return done;
}

static GPtrArray *
open_outputs (const SfOptions *options, GError **error)
{
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) sf_output_free);
  const char *inputs[] = { options->in, options->mask, NULL };
  const char *none[] = { NULL };

  for (int i = 0; i < options->settings->candidates; i++)
    {
      g_autofree char *path = sf_output_numbered (options->out, i + 1);
      SfOutput *output = sf_output_new (path, options->force ? none : inputs, error);

      if (output == NULL)
        return NULL;
      g_ptr_array_add (outputs, output);
    }
  return g_steal_pointer (&outputs);
}

static gboolean
write_results (SfWork *self, const Input *input, SfJob *job, GPtrArray *results, GPtrArray *outputs, GError **error)
{
  const SfFormat *format = sf_format_from_name (self->options->out);

  if (format == NULL) /* standard output */
    format = input->source != NULL && input->source->format->save != NULL ? input->source->format : sf_format_from_name (".png");
  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  if (!g_atomic_int_compare_and_exchange (&self->stage, SF_STAGE_READING_OR_COMPUTING, SF_STAGE_WRITING))
    for (;;) /* the main thread is about to end the program */
      g_usleep (G_USEC_PER_SEC);
  for (guint i = 0; i < results->len; i++)
    if (!write_result (self, input, job, results->pdata[i], outputs->pdata[i], format, error))
      return FALSE;
  for (guint i = 0; i < outputs->len; i++)
    if (!sf_output_commit (outputs->pdata[i], error))
      return FALSE;
  return TRUE;
}

gboolean
sf_work_do (SfWork *self, GError **error)
{
  g_autoptr (GPtrArray) outputs = open_outputs (self->options, error);
  g_autoptr (GPtrArray) results = NULL;
  g_auto (Input) input = { NULL };
  g_autoptr (SfJob) job = NULL;
  int seed;

  if (outputs == NULL || (self->options->in != NULL && !input_load (&input, self->options->in, error)))
    return FALSE;
  job = make_job (self, &input, error);
  if (job == NULL)
    return FALSE;
  seed = sf_settings_pick_seed (self->options->settings);
  results = run_job (self, job, seed, error);
  if (results == NULL || !write_results (self, &input, job, results, outputs, error))
    return FALSE;
  for (guint i = 0; i < results->len; i++)
    sf_terminal_note (_ ("%s: seed %d"), sf_output_get_name (outputs->pdata[i]), ((const SfResult *) results->pdata[i])->seed);
  return TRUE;
}
