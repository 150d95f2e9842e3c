/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small models with random weights, one of each architecture at least. */
#pragma once

#include "checkpoint.h"

typedef struct
{
  const char *arch;
  JsonObject *config;
  Checkpoint *checkpoint;
  int height, width; /* of pictures that suit it */
} Model;

/* The one called @name: "unet2d", "ncsnpp", "adm" or "adm-classifier". */
Model model_new (const char *name);
void model_clear (Model *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Model, model_clear)

/* Whether there is a model of @arch. */
gboolean model_is_there (const char *arch);
/* Adds the test /network/MODEL/@test for all of them; @func is given the model's name. */
void model_add_test (const char *test, GTestDataFunc func);

/* (transfer full): what the text is, with ' in place of ". */
JsonObject *model_parse (const char *text);
/* (transfer full) */
SfNetwork *model_open (const Model *self);

/* Runs are with two pictures, of these times and classes. */
#define MODEL_ITEMS 2
extern const double model_labels[MODEL_ITEMS];
extern const int model_classes[MODEL_ITEMS];

/* (transfer full): two pictures of noise. */
SfTensor *model_noise (int h, int w, int c);
/* (transfer full): what @network makes of them, in a context of its own. */
SfTensor *model_forward (SfNetwork *network, int h, int w);
