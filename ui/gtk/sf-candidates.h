/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The strip of results: a thumbnail, the seed and a mark to keep it, for each.
 *
 * The results of the last run come first, the best of them at the left; then those of earlier runs.  There are at
 * most 16, the oldest that is not marked goes.
 *
 * Signals:
 *   selected (SfResult *result)   another one is to be shown, %NULL = none
 *   marked ()                     a mark was set or taken away
 */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

#define SF_CANDIDATES_MAX 16

#define SF_TYPE_CANDIDATES (sf_candidates_get_type ())
G_DECLARE_FINAL_TYPE (SfCandidates, sf_candidates, SF, CANDIDATES, GtkScrolledWindow)

GtkWidget *sf_candidates_new (void);

/**
 * sf_candidates_begin_run:
 * @frame: (nullable): results of another one cannot be kept beside the new ones, so they go
 *
 * The results added from now on are of a new run.
 */
void sf_candidates_begin_run (SfCandidates *self, const SfRect *frame);
/* @thumbnail: (transfer full).  One that is there already is only brought forward. */
void sf_candidates_add (SfCandidates *self, SfResult *result, cairo_surface_t *thumbnail);
/* Puts the best in front, and selects it unless the user has chosen one during the run. */
void sf_candidates_end_run (SfCandidates *self);
void sf_candidates_clear (SfCandidates *self);

/* (transfer none) (nullable) */
SfResult *sf_candidates_get_selected (SfCandidates *self);
/* (transfer container) (element-type SfResult): those that are marked; if there are none, the selected one. */
GPtrArray *sf_candidates_get_chosen (SfCandidates *self);
/* Shows that the chosen ones are in the image now. */
void sf_candidates_set_kept (SfCandidates *self);
/* Whether all chosen ones are in the image already. */
gboolean sf_candidates_get_kept (SfCandidates *self);

#define SF_THUMBNAIL_SIZE 72
