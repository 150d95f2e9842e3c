/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A parameter of a network: the checkpoint's array, and what was made of it once for the kernels.
 *
 * Ops borrow parameters.  The array stays where it lies (a mapped file); a packed copy is made by the op that needs one, at its
 * first use, and stays with the parameter until sf_parameter_changed().
 */
#pragma once

#include "tensor/sf-array.h"
#include "tensor/sf-context.h"

typedef struct _SfParameter SfParameter;

/* One packed form.  @kind says which op made it and how. */
typedef struct
{
  const void *kind;      /* address of something static in the file that packs */
  gpointer data;
  gsize size;            /* bytes */
  GDestroyNotify free;
} SfPacking;

struct _SfParameter
{
  const char *name;      /* of the checkpoint, interned */
  SfArray array;
  float *gradient;       /* (nullable) of array.n, summed over backward runs */
  GArray *packings;      /* of SfPacking */
  gboolean lean;         /* a packed copy may not be larger than the array as float */
};

/* @array: what it points to outlives the parameter. */
SfParameter *sf_parameter_new (const char *name, const SfArray *array);
void sf_parameter_free (SfParameter *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfParameter, sf_parameter_free)
/* From now on backward runs sum the gradient here (zeroed now). */
void sf_parameter_want_gradient (SfParameter *self);
/* (nullable): the packed form of @kind. */
gpointer sf_parameter_find_packing (const SfParameter *self, const void *kind);
/* @data: (transfer full) */
void sf_parameter_add_packing (SfParameter *self, const void *kind, gpointer data, gsize size, GDestroyNotify free_func);
/* The values of the array are others now: drops all packed forms, as they are of the old ones.  Not between a forward run and its
 * backward run, which still reads them. */
void sf_parameter_changed (SfParameter *self);
/* Bytes of all packed forms. */
gsize sf_parameter_get_packed_size (const SfParameter *self);
/* (transfer none) (nullable): all elements as float in the array's own order: the array itself where it is aligned float32, else a
 * packed copy.  %NULL, and @cx has failed, where there is no memory for that.  In a dry context it must not be read. */
const float *sf_parameter_get_floats (SfParameter *self, SfContext *cx);
/* (transfer none) (nullable): room for a packed form of @n floats; %NULL, and @cx has failed, where there is no memory. */
float *sf_parameter_pack (SfParameter *self, SfContext *cx, const void *kind, gsize n);
