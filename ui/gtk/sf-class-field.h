/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a model is to show: an entry that completes the names of its classes, bound to an int property; empty = -1, any. */
#pragma once

#include <gtk/gtk.h>

#include "sfumato.h"

GtkWidget *sf_class_field_new (GObject *config, const SfParam *param);
/* @model: (nullable): whose classes are offered. */
void sf_class_field_set_model (GtkWidget *field, SfModel *model);
