/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Golden cases: numbers that the public reference implementations made, and the program that redoes them with the core.
 *
 * A folder holds GROUP.json (parameters of each case, under the names of the reference) and GROUP.safetensors (CASE.TENSOR).
 * For each group one file golden-GROUP.c says what of the core those parameters mean and compares.  A parameter that nobody
 * asked for, or a tensor that nobody looked at, is a failure: it would mean that a case is not understood.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "diffusion/sf-sampler.h"
#include "tensor/sf-tensor.h"

typedef struct _Case Case;

typedef struct
{
  int n_dims;
  gsize dim[6];
  gsize size; /* elements */
  double *value;
} GoldenTensor;

typedef struct
{
  const char *name;
  void (*run) (Case *c);
} GoldenGroup;

/* Relative to max (1, |value|), as golden/README.md says. */
#define TOLERANCE_TABLE 1e-9 /* double precision throughout */
#ifdef SF_DOUBLE
#define TOLERANCE_STATE 1e-9
#else
#define TOLERANCE_STATE 1e-4 /* a float32 state with coefficients in double */
#endif

const char *case_name (const Case *c);

/*** Parameters: @path is "steps", or "kw.beta_start", or "args.0" in a list ***/

gboolean case_has (Case *c, const char *path);
double case_number (Case *c, const char *path, double fallback);
int case_int (Case *c, const char *path, int fallback);
gboolean case_flag (Case *c, const char *path, gboolean fallback);
const char *case_text (Case *c, const char *path, const char *fallback);
/* (nullable): everything at and below @path, which counts as asked for. */
JsonNode *case_node (Case *c, const char *path);
/* (nullable): the parameters below @path, "" = all, for whoever tells afterwards which of them were asked for. */
JsonObject *case_object (Case *c, const char *path);
/* What goes with the text of the parameter; the case fails if that is none of them. */
typedef struct
{
  const char *name;
  int value;
} CaseChoice;
int case_choice (Case *c, const char *path, const char *fallback, const CaseChoice *choices, gsize n);
/* (nullable): parameters of the closed-form model that the case names. */
JsonObject *case_model (Case *c);

/*** Tensors ***/

/* (nullable) */
const GoldenTensor *case_tensor (Case *c, const char *name);
/* As case_tensor(), but its absence fails the case and gives a tensor without elements. */
const GoldenTensor *case_need (Case *c, const char *name);
/* (transfer full): block @index of [C, H, W] or [N, C, H, W], the last of them for a tensor without further dimensions. */
SfTensor *case_state (Case *c, const char *name, gsize index, int n_dims);
/* Block @index of tensor @name, of the shape of @out, into it. */
void case_fill_state (Case *c, const char *name, gsize index, SfTensor *out);
/* Counts as looked at: it follows from what is compared. */
void case_implied (Case *c, const char *name);

/*** Verdict ***/

void case_fail (Case *c, const char *format, ...) G_GNUC_PRINTF (2, 3);
void case_skip (Case *c, const char *reason);
void case_compare (Case *c, const char *what, const double *got, const double *want, gsize n, double tolerance);
/* Value @index of tensor @name. */
void case_compare_number (Case *c, const char *name, gsize index, double got, double tolerance);
/* The whole of tensor @name. */
void case_compare_array (Case *c, const char *name, const double *got, gsize n, double tolerance);
/* scale * y against block @index of tensor @name. */
void case_compare_state (Case *c, const char *name, gsize index, const SfTensor *y, double scale, double tolerance);
/* No error: else the case fails with its message, which is freed. */
gboolean case_ok (Case *c, gboolean ok, GError **error);

/*** Noise as the reference drew it ***/

typedef struct
{
  Case *c;
  const char *name; /* of the tensor */
  GArray *rows;     /* gsize: the block of each draw */
} Replay;

/* The draws are the blocks of @name in order; those that a tensor NAME_used marks with 0 are left out. */
Replay *replay_new (Case *c, const char *name);
void replay_free (Replay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Replay, replay_free)
/* An SfNoiseFunc. */
void replay_draw (SfTensor *z, guint64 draw, gpointer replay);
