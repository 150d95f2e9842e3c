/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks: an architecture, with the parameters of a checkpoint bound to it.
 *
 * An architecture is a descriptor: one file sf-arch-NAME.c and one line in meson.build.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "nn/sf-binder.h"
#include "ops/sf-ops.h"
#include "weights/sf-weights.h"

typedef struct _SfNetwork SfNetwork;

typedef struct
{
  const char *name;        /* "unet2d" */
  const char *label;       /* N_() */
  /* Whether @config (config.json) and @weights are of this kind; by the names of arrays where there is no config. */
  gboolean (*probe) (JsonObject *config, const SfWeights *weights);
  /* (transfer full) (nullable): all shapes checked; %SF_ERROR_MODEL names the array, what was expected and what was found.
   * @config: (nullable): for architectures that can be read off the arrays. */
  SfNetwork *(*open) (JsonObject *config, SfWeights *weights, GError **error);
} SfArch;

const SfArch *const *sf_archs (int *n);

/* First member of every implementation. */
struct _SfNetwork
{
  const SfArch *arch;
  int in_channels, out_channels; /* of a classifier: out_channels = classes */
  int height, width;             /* native size, 0 = not known */
  gboolean fixed_size;           /* takes no other size than the native one */
  int divisor;                   /* sides must be multiples of it */
  int n_classes;                 /* 0 = unconditional */
  SfWeights *weights;
  GPtrArray *parameters;         /* of SfParameter, in the order of the network */
  gsize packed;                  /* bytes that its convolutions will be packed to at their first use */
  GStrv unexpected;              /* (nullable): arrays of the file that nothing asked for */

  SfTensor *(*forward) (SfNetwork *self, SfContext *cx, SfTensor *x, const double *t, const int *classes);
  void (*free) (SfNetwork *self);
};

/* (transfer full) (nullable): by the first architecture whose probe says yes. */
SfNetwork *sf_network_open (JsonObject *config, SfWeights *weights, GError **error);
void sf_network_free (SfNetwork *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfNetwork, sf_network_free)
/* Reads all parameters: FALSE with %SF_ERROR_MODEL that names an array with a number that is not finite. */
gboolean sf_network_check_values (const SfNetwork *self, const SfProgress *progress, GError **error);
/* FALSE with %SF_ERROR_ARGUMENT where the network cannot take pictures of that size. */
gboolean sf_network_check_size (const SfNetwork *self, int height, int width, GError **error);
/**
 * sf_network_forward:
 * @x: (transfer full): n x h x w x in_channels
 * @t: (array length=n): timestep labels, may be fractional
 * @classes: (nullable) (array length=n): in 0 … n_classes - 1; -1 = the network is told none.  %NULL only if it knows none
 *
 * Returns: (transfer full) (nullable): n x h x w x out_channels, a classifier n x 1 x 1 x classes
 */
SfTensor *sf_network_forward (SfNetwork *self, SfContext *cx, SfTensor *x, const double *t, const int *classes) G_GNUC_WARN_UNUSED_RESULT;

/*** For architectures ***/

/* Whether the file has an array whose name is @name, or ends with ".NAME". */
gboolean sf_weights_have (const SfWeights *weights, const char *name);
/* (transfer full) (nullable): @self (transfer full) with what @binder bound, or %NULL with its error. */
SfNetwork *sf_network_finish (SfNetwork *self, SfBinder *binder, SfWeights *weights, GError **error);
