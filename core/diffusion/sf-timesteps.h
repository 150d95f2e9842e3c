/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of whole timesteps that are not schedules. */
#pragma once

#include <glib.h>

/**
 * sf_timesteps_sections:
 * @total: timesteps of the chain
 * @counts: (array length=n_counts): how many timesteps to take of each of @n_counts sections of equal length
 * @keep: (out) (array length=total): which, rising
 *
 * For sf_noise_process_respace() (Nichol and Dhariwal 2021; space_timesteps() of improved-diffusion).
 *
 * Returns: how many; 0 with %SF_ERROR_ARGUMENT where a section has too few
 */
int sf_timesteps_sections (int total, const int *counts, int n_counts, int *keep, GError **error);
/* "ddimN": the first whole stride that makes @n timesteps; as above, 0 where there is none. */
int sf_timesteps_ddim (int total, int n, int *keep, GError **error);

/**
 * sf_timesteps_jumps:
 * @total: timesteps of the (shortened) chain
 * @n_single: how often each step down is taken; 1 = no repeats
 * @jump: length of the jumps back up
 * @n_jumps: how often each stretch is walked down
 * @n: (out): length of the walk
 *
 * RePaint's walk (Lugmayr et al. 2022; get_schedule_jump()).
 *
 * Returns: (transfer full) (array length=n): from total - 1 to -1, each entry next to the one before
 */
int *sf_timesteps_jumps (int total, int n_single, int jump, int n_jumps, int *n);

/**
 * sf_singlestep_orders:
 * @n: evaluations, at least 1
 * @orders: (out) (array length=n): orders of the steps of a singlestep DPM-Solver of @order 1…3 that takes @n evaluations
 *
 * Returns: number of steps
 */
int sf_singlestep_orders (int n, int order, int *orders);
