/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zhang, Chen, "Fast sampling of diffusion models with exponential integrator" (2023), section 3.3: PNDM whose first steps
 * are of lower order instead of taking more evaluations.
 */
#include <glib/gi18n.h>

#include "diffusion/sf-pndm.h"

const SfSampler sf_sampler_ipndm = {
  .name = "ipndm",
  .label = N_ ("iPNDM"),
  .description = N_ ("PLMS with a plainer start; precise and quick where the steps are even"),
  .family = SF_FAMILY_ODE,
  .order = 2,
  .evaluations = 1,
  .output = SF_OUTPUT_NETWORK,
  .history = 4,
  .plan = sf_pndm_step,
};
