/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Manifests: what is known of a checkpoint beforehand, as a JSON file NAME.json; NAME is its id.
 *
 *     {
 *       "format": "sfumato-model",
 *       "label": "Guided diffusion, ImageNet 256 × 256",
 *       "kind": "diffusion",                      or "classifier", "upsampler"
 *       "files": ["256x256_diffusion.pt"],        names of the checkpoint or folder; default: that of the manifest
 *       "repository": "openai/guided-diffusion",  where its authors publish it
 *       "publisher": "GitHub",
 *       "license": "MIT",
 *       "trained-on": "ImageNet",
 *       "size": 256,                              or [width, height]
 *       "factor": 4,                              so many times larger than what an upsampler is shown; default: 4
 *       "parameters": 553838086,                  by which it is recognised
 *       "classes": ["cat", "dog"],                or a file with a name in each line, or their number
 *       "null-class": -1,                         it also learned pictures without a class, told this number; -1: told none
 *       "classifier": "guided-imagenet-256-classifier",
 *       "classifier-scale": 1,
 *       "steps": 50,
 *       "architecture": { … },                    as the architecture reads it (config.json)
 *       "scheduler": { … }                        as scheduler_config.json
 *     }
 *
 * All but "format" may be left out.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

typedef enum
{
  SF_MODEL_DIFFUSION,
  SF_MODEL_CLASSIFIER,
  SF_MODEL_UPSAMPLER,
} SfModelKind;

#define SF_UPSAMPLER_FACTOR 4 /* of those that do not say it */

/* "diffusion", "classifier", "upsampler". */
const char *sf_model_kind_name (SfModelKind self);

/* Read-only, reference counted. */
typedef struct
{
  char *id;
  char *label;          /* (nullable) */
  SfModelKind kind;
  GStrv files;
  char *repository, *publisher, *license, *trained_on; /* each (nullable) */
  int width, height;    /* 0 = not known */
  int factor;           /* of an upsampler */
  gsize parameters;     /* likewise */
  int n_classes;
  GStrv classes;        /* (nullable) (array length=n_classes): names */
  int null_class;       /* see above; G_MININT = it always had a class */
  char *classifier;     /* (nullable): id */
  double classifier_scale;
  int steps;            /* recommended; 0 = by the scheduler */
  JsonObject *architecture, *scheduler; /* each (nullable) */
} SfManifest;

/**
 * sf_manifest_load:
 * @file: of any kind that GIO reads
 *
 * Returns: (transfer full) (nullable): %NULL with %SF_ERROR_MODEL naming the file and what is wrong, or without an error where
 *     it is some other JSON file
 */
SfManifest *sf_manifest_load (GFile *file, GError **error);
SfManifest *sf_manifest_ref (SfManifest *self);
void sf_manifest_unref (SfManifest *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfManifest, sf_manifest_unref)

/* (transfer full) (nullable): names of classes in a file: one in each line, or JSON: a list, or {"0": "cat", …}. */
GStrv sf_classes_load (GFile *file, GError **error);
/* (transfer full) (nullable): of id2label: numbers from 0 without a gap. */
GStrv sf_classes_read (JsonObject *object, const char *file, GError **error);
