/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of jobs with a network share: the smallest networks there are, with random weights. */
#pragma once

#include "job.h"

#include "../denoisers/files.h"

#define NATIVE 8 /* side of these networks */

static inline void
use_text (char **setting, const char *text)
{
  g_free (*setting);
  *setting = g_strdup (text);
}

/* (transfer full): settings for the network @name in the test's folder. */
static inline SfSettings *
settings_for (const char *name)
{
  SfSettings *s = sf_settings_new ();

  g_free (s->model);
  s->model = files_path (name);
  use_text (&s->noise_process, "linear-1000");
  s->steps = 5;
  return s;
}

static inline void
write_network (const char *name, const NetShape *shape)
{
  g_autofree char *weights = g_build_filename (name, "model.safetensors", NULL), *config = g_build_filename (name, "config.json", NULL);

  files_write_unet2d (weights, shape);
  files_write_unet2d_config (config, shape);
}

/* A picture of its own, from nothing. */
static inline SfResult *
generate (const SfSettings *s, int seed, int candidate)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
  SfResult *result = NULL;

  g_assert_no_error (error);
  g_assert_false (sf_job_needs_pixels (job));
  result = sf_job_run (job, seed, candidate, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  job_assert_finite (result);
  return result;
}
