/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checkpoints with random numbers, made by tests. */
#pragma once

#include <json-glib/json-glib.h>

#include "arch/sf-network.h"

typedef struct _Checkpoint Checkpoint;

Checkpoint *checkpoint_new (void);
Checkpoint *checkpoint_copy (const Checkpoint *self);
void checkpoint_free (Checkpoint *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Checkpoint, checkpoint_free)

/* @shape: "[4, 3, 1, 1]", an array of floats.  Replaces one of that name. */
void checkpoint_add (Checkpoint *self, const char *name, const char *shape);
void checkpoint_remove (Checkpoint *self, const char *name);
/* All names that have @part get @with in its place; the first in each. */
void checkpoint_rename (Checkpoint *self, const char *part, const char *with);
/* Rounds all numbers to half precision; @store: and keeps them as such. */
void checkpoint_halve (Checkpoint *self, gboolean store);
/* (transfer container): sorted. */
GList *checkpoint_names (const Checkpoint *self);
SfArray *checkpoint_array (const Checkpoint *self, const char *name);

/* (transfer full): written to a file and read from it. */
SfWeights *checkpoint_open (const Checkpoint *self);
/* (transfer full) (nullable): as sf_network_open(). */
SfNetwork *checkpoint_network (const Checkpoint *self, JsonObject *config, GError **error);
/* Adds what sf_network_open() says is missing, until nothing is. */
void checkpoint_complete (Checkpoint *self, JsonObject *config);
