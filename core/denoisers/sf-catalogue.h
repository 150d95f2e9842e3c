/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The catalogue: the models that are known, and those that are there.
 *
 * Known are the public checkpoints whose manifests are built in (models/), and what has a manifest in a model folder.  There is what
 * lies in a model folder: those of the search path SFUMATO_MODELS, then sfumato/models in the user's data folder.  A checkpoint
 * is found under the names of its manifest, as the clone of its repository, and in the layout of the Hugging Face cache.
 */
#pragma once

#include "denoisers/sf-manifest.h"

typedef struct
{
  char *id;             /* what a setting calls it */
  SfManifest *manifest; /* (nullable): not known beforehand, or: */
  char *fault;          /* (nullable): why its manifest cannot be read */
  char *path;           /* (nullable): where it is */
  GStrv missing;        /* files without which it cannot be used; empty = it is complete */
} SfCatalogueEntry;

/* What people call it: its label, or its id. */
const char *sf_catalogue_entry_get_label (const SfCatalogueEntry *self);

typedef struct
{
  GStrv folders;        /* searched, the first first; some may not exist */
  GPtrArray *entries;   /* of SfCatalogueEntry, in the order of their ids */
} SfCatalogue;

/* (transfer full): as the folders are now; broken manifests are entries with a fault. */
SfCatalogue *sf_catalogue_new (void);
void sf_catalogue_free (SfCatalogue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfCatalogue, sf_catalogue_free)

/* (transfer none) (nullable): the entry called @id. */
const SfCatalogueEntry *sf_catalogue_find (const SfCatalogue *self, const char *id);
/* (transfer none) (nullable): the one whose manifest names the file or folder @path. */
const SfCatalogueEntry *sf_catalogue_find_path (const SfCatalogue *self, const char *path);
/* (transfer none) (nullable): one with as many parameters. */
const SfCatalogueEntry *sf_catalogue_find_parameters (const SfCatalogue *self, gsize parameters);
/* "patch, a, b": names of what can be used. */
char *sf_catalogue_list_present (const SfCatalogue *self);

/**
 * sf_catalogue_resolve:
 * @model: an id, or a path
 *
 * Returns: (transfer full) (nullable): the path; %NULL with %SF_ERROR_MODEL that says what is missing and where it was looked for, or
 *     what is known
 */
char *sf_catalogue_resolve (const SfCatalogue *self, const char *model, GError **error);
