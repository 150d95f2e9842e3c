/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gamma (diffusion/sf-gamma.h) in a file beside the model that it was estimated with:
 *
 *     { "gamma": [0.98, …], "alpha_bar": [0.9999, …], "origin": "64 images of …" }
 *
 * Both lists have an entry for each timestep; the second tells the noise process that the first belongs to.
 */
#pragma once

#include "diffusion/sf-noise-process.h"

/* The usual name, in the model's folder. */
#define SF_GAMMA_FILE "gamma.json"

/**
 * sf_gamma_save:
 * @gamma: (array length=process->n): as sf_estimate_gamma() gives it
 * @origin: what it was estimated from, for people
 */
gboolean sf_gamma_save (const double *gamma, const SfNoiseProcess *process, const char *origin, const char *path, GError **error);

/**
 * sf_gamma_load:
 * @process: discrete; what the table is to be used with
 * @origin: (out) (optional) (nullable) (transfer full): what it was estimated from
 *
 * Returns: (transfer full) (nullable) (array length=process->n): the table to the last digit; %NULL with an error of the file, or
 *     %SF_ERROR_MODEL naming it and what is wrong there, such as another noise process
 */
double *sf_gamma_load (const SfNoiseProcess *process, const char *path, char **origin, GError **error);
