/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-noise-process.h"

#include <glib.h>
#include <math.h>

#define LAST 999

/* Published values: alpha_bar of the last step is 4.04e-5, sigma runs from 0.01 to 157.4. */
static void
test_table (void)
{
  const SfNoiseProcess *p = sf_noise_process_ddpm ();

  g_assert_cmpfloat_with_epsilon (p->beta[0], 1e-4, 1e-15);
  g_assert_cmpfloat_with_epsilon (p->beta[LAST], 0.02, 1e-15);
  g_assert_cmpfloat_with_epsilon (p->alpha_bar[0], 1 - 1e-4, 1e-14);
  g_assert_cmpfloat_with_epsilon (p->alpha_bar[LAST], 4.0358e-5, 1e-9);
  g_assert_cmpfloat_with_epsilon (exp (p->log_sigma[0]), sqrt (1e-4 / (1 - 1e-4)), 1e-14);
  g_assert_cmpfloat_with_epsilon (exp (p->log_sigma[LAST]), 157.407, 1e-3);
  for (int t = 1; t <= LAST; t++)
    g_assert_cmpfloat (p->log_sigma[t], >, p->log_sigma[t - 1]);
}

static void
test_inverse (void)
{
  const SfNoiseProcess *p = sf_noise_process_ddpm ();

  for (double t = -20; t < LAST + 20; t += 0.37)
    g_assert_cmpfloat_with_epsilon (sf_noise_process_t (p, sf_noise_process_sigma (p, t)), t, 1e-8);
  for (int t = 0; t <= LAST; t++)
    g_assert_cmpfloat_with_epsilon (log (sf_noise_process_sigma (p, t)), p->log_sigma[t], 1e-12);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/noise-process/table", test_table);
  g_test_add_func ("/noise-process/inverse", test_inverse);
  return g_test_run ();
}
