/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which part of the picture the preview shows, and reading it. */
#pragma once

#include "sf-dialog.h"
#include "sf-preview.h"

/**
 * sf_view_choose:
 * @job: (nullable): %NULL = there is nothing to make, so the whole picture
 * @picture: as it is now, in the job's coordinates
 * @view: (out): in the job's coordinates times @scale
 */
void sf_view_choose (const SfJob *job, SfTask task, const SfRect *picture, SfRect *frame, SfRect *view, double *scale);
gboolean sf_view_equal (const SfRect *a, const SfRect *b);
/* Reads the view and gives it to @preview. */
void sf_view_load (SfPreview *preview, SfTask task, const SfDialogHost *host, const SfSettings *settings,
                   const SfRect *picture, const SfRect *frame, const SfRect *view, double scale, gboolean move);
