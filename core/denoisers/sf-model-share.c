/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-model-share.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  SfModel *model; /* (nullable) */
  char *key, *process, *stamp;
} Shared;

static GMutex shared_lock;
static Shared shared[2]; /* the newest first */

/* (transfer full): changes whenever a file of the model does. */
static char *
stamp_of (const SfModelFiles *files)
{
  const char *const paths[] = { files->weights, files->config, files->scheduler, files->manifest, files->classes, files->gamma };
  GString *stamp = g_string_new (NULL);
  GStatBuf status;

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    if (paths[i] != NULL && g_stat (paths[i], &status) == 0)
      g_string_append_printf (stamp, "%" G_GINT64_FORMAT ".%09" G_GINT64_FORMAT " %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT "\n", (gint64) status.st_mtim.tv_sec,
                              (gint64) status.st_mtim.tv_nsec, (gint64) status.st_size, (guint64) status.st_ino);
  return g_string_free (stamp, FALSE);
}

/* A part of a checkpoint, or one that was cut and then restored, shows in the opened files only. */
static gboolean
is_current (const Shared *found)
{
  g_autofree char *stamp = stamp_of (found->model->files);

  return g_str_equal (stamp, found->stamp) && (found->model->network == NULL || sf_model_check_files (found->model, NULL));
}

static void
shared_clear (Shared *self)
{
  g_clear_pointer (&self->model, sf_model_unref);
  g_clear_pointer (&self->key, g_free);
  g_clear_pointer (&self->process, g_free);
  g_clear_pointer (&self->stamp, g_free);
}

/* (transfer full) (nullable): the shared model of @key, with @process (nullable: with any), first in the list from now on; one that is no
 * longer true is dropped. */
static SfModel *
find_shared (const char *key, const char *process)
{
  for (gsize i = 0; i < G_N_ELEMENTS (shared); i++)
    if (shared[i].model != NULL && g_str_equal (shared[i].key, key) && (process == NULL || g_str_equal (shared[i].process, process)))
      {
        Shared found = shared[i];

        if (!is_current (&found))
          {
            shared_clear (&shared[i]);
            continue;
          }
        memmove (shared + 1, shared, i * sizeof (Shared));
        shared[0] = found;
        return sf_model_ref (found.model);
      }
  return NULL;
}

static void
share (SfModel *model, const char *key, const char *process)
{
  shared_clear (&shared[G_N_ELEMENTS (shared) - 1]);
  memmove (shared + 1, shared, sizeof shared - sizeof (Shared));
  shared[0] = (Shared) { sf_model_ref (model), g_strdup (key), g_strdup (process), stamp_of (model->files) };
}

SfModel *
sf_model_get (const char *name, const char *noise_process, gboolean load, const SfProgress *progress, GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&shared_lock);
  g_autofree char *key = g_strjoin ("\n", name, g_getenv ("SFUMATO_MODELS"), NULL);
  g_autoptr (SfModel) model = find_shared (key, noise_process);
  const char *process = noise_process != NULL ? noise_process : "auto";

  if (model == NULL)
    {
      if ((model = sf_model_new (name, error)) == NULL ||
          (!g_str_equal (process, "auto") && !sf_model_set_process (model, process, error)))
        return NULL;
      share (model, key, process);
    }
  return !load || sf_model_load (model, progress, error) ? g_steal_pointer (&model) : NULL;
}
