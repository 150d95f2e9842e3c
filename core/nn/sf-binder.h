/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Binds the arrays of a checkpoint to the parameters of a network: by name, with the shape checked.
 *
 * Like a context it keeps its first error: from then on everything that is asked for is %NULL, so that the code that builds a
 * network is a straight line.  What a family of checkpoints calls otherwise is a row of a table.
 */
#pragma once

#include "ops/sf-parameter.h"
#include "weights/sf-weights.h"

typedef struct _SfBinder SfBinder;

/* The beginning of a name below the current path, up to a dot: as our blocks call it, and as it may be called in the file.
 * Several rows for one name are tried in their order; a name that is in no row is the same in both. */
typedef struct
{
  const char *ours, *theirs;
} SfRenaming;

typedef struct
{
  int n_dims;
  gsize dim[SF_ARRAY_MAX_DIMS];
} SfShape;

#define SF_SHAPE(...) \
  ((SfShape) { .n_dims = sizeof ((gsize[]) { __VA_ARGS__ }) / sizeof (gsize), .dim = { __VA_ARGS__ } })

/* Weight and bias of a convolution, a linear layer or a norm; %NULL where there is none. */
typedef struct
{
  SfParameter *w, *b;
} SfLayer;

/**
 * sf_binder_new:
 * @anchor: (nullable): a name that the network has; what comes before it in the file comes before every name ("module.")
 * @renamings: (nullable): ended by a row of %NULL
 */
SfBinder *sf_binder_new (SfWeights *weights, const char *anchor, const SfRenaming *renamings);
void sf_binder_free (SfBinder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfBinder, sf_binder_free)

/* All names from now on are below this path: "down_blocks.0.resnets.1".  Returns @self. */
SfBinder *sf_binder_at (SfBinder *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
SfBinder *sf_binder_at_top (SfBinder *self);
/* (nullable) (transfer none): the array of that name, if there is one. */
const SfArray *sf_binder_peek (SfBinder *self, const char *name);
/* (transfer none) (nullable): a shape of 1s at the end fits one without them. */
SfParameter *sf_bind (SfBinder *self, const char *name, SfShape shape);
/* NAME.weight and NAME.bias */
SfLayer sf_bind_linear (SfBinder *self, const char *name, int in, int out);
SfLayer sf_bind_conv (SfBinder *self, const char *name, int in, int out, int kernel);
SfLayer sf_bind_norm (SfBinder *self, const char *name, int channels, int groups);
/* The first one stays; %SF_ERROR_MODEL, after the path of the file. */
void sf_binder_fail (SfBinder *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* FALSE: @error (inout) was one, of options that were read; it is the binder's now. */
gboolean sf_binder_check (SfBinder *self, GError **error);

/**
 * sf_binder_finish:
 * @unexpected: (out) (transfer full) (nullable): arrays of the file that nothing asked for
 *
 * Returns: (transfer full) (nullable): the parameters in the order in which they were asked for, or %NULL with the first error
 */
GPtrArray *sf_binder_finish (SfBinder *self, GStrv *unexpected, GError **error);
