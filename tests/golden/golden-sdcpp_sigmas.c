/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stable-diffusion.cpp: sigmas by the names of the web interfaces, in float32. */
#include <string.h>

#include "diffusion/sf-schedule.h"
#include "reference.h"

#define TOLERANCE_FLOAT 2e-5
#define TOLERANCE_TANGENT 3e-4 /* of an angle near pi / 2 */

static const struct
{
  const char *scheduler, *model; /* model: (nullable): only of that */
  const char *row;
  gboolean repeats;
  double tolerance;
} rows[] = {
  { "discrete", NULL, "uniform", FALSE, TOLERANCE_FLOAT },
  { "karras", NULL, "karras", FALSE, TOLERANCE_FLOAT },
  { "exponential", NULL, "exponential", FALSE, TOLERANCE_FLOAT },
  { "ays", "sd1", "ays-sd15", FALSE, TOLERANCE_FLOAT },
  { "ays", "sdxl", "ays-sdxl", FALSE, TOLERANCE_FLOAT },
  { "sgm_uniform", NULL, "sgm-uniform", FALSE, TOLERANCE_FLOAT },
  { "simple", NULL, "simple", FALSE, TOLERANCE_FLOAT },
  { "lcm", NULL, "lcm", FALSE, TOLERANCE_FLOAT },
  { "beta", NULL, "beta-time", FALSE, TOLERANCE_FLOAT },
  { "kl_optimal", NULL, "cosine", FALSE, TOLERANCE_TANGENT },
  { "smoothstep", NULL, "smoothstep", TRUE, TOLERANCE_FLOAT },
};

static void
run (Case *c)
{
  const char *scheduler = case_text (c, "scheduler", ""), *model = case_text (c, "model", "");
  gboolean flow = g_str_has_prefix (scheduler, "flow_");
  const SfNoiseKind *kind = sf_noise_kind_find ("flow");
  g_autoptr (SfNoiseProcess) discrete = reference_diffusers_process (c, "");
  g_autoptr (SfNoiseProcess) continuous = sf_noise_process_new_continuous (kind, kind->defaults, NULL);
  const SfNoiseProcess *process = flow ? continuous : discrete;
  double shift = case_number (c, "flow_shift", 1);
  int n = case_int (c, "n", 1), made;
  g_autofree SfNoiseLevel *levels = g_new (SfNoiseLevel, n + 1);
  g_autoptr (GError) error = NULL;
  gsize i = 0;

  scheduler += flow ? strlen ("flow_") : 0;
  while (i < G_N_ELEMENTS (rows) && (!g_str_equal (rows[i].scheduler, scheduler) || (rows[i].model != NULL && !g_str_equal (rows[i].model, model))))
    i++;
  if (process == NULL || i == G_N_ELEMENTS (rows))
    {
      case_fail (c, "unknown scheduler %s of %s", scheduler, model);
      return;
    }
  made = sf_schedule_fill (sf_schedule_find (rows[i].row), process,
                           &(SfScheduleOptions) { .repeats = rows[i].repeats, .shift = flow ? shift : 0 }, n, levels, &error);
  if (!case_ok (c, made > 0, &error))
    return;
  if (case_need (c, "sigmas")->size != (gsize) made + 1 || case_need (c, "t")->size != (gsize) made)
    case_fail (c, "%d steps", made);
  for (int k = 0; k <= made; k++)
    {
      double sigma = flow && levels[k].sigma > 0 ? sf_noise_process_t (process, levels[k].sigma) : levels[k].sigma;

      case_compare_number (c, "sigmas", k, sigma, rows[i].tolerance);
      if (k < made)
        case_compare_number (c, "t", k, levels[k].t, rows[i].tolerance);
    }
}

const GoldenGroup golden_sdcpp_sigmas = { "sdcpp_sigmas", run };
