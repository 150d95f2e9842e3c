/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an evaluation of a network runs in: memory, progress, cancel, one sticky error, and a tape if gradients are wanted.
 *
 * After a cancel or a failed allocation the context holds the error; every op then frees what it consumed and returns %NULL,
 * and %NULL in gives %NULL out, so the code of a network is a straight line.  The caller takes the error once, at the end.
 *
 * A dry context computes nothing: ops check shapes, take memory of a dry arena and count their work.  It tells the memory and
 * the time that a run will take, and whether the network can take that size, before anything is read.
 */
#pragma once

#include "base/sf-progress.h"
#include "tensor/sf-arena.h"
#include "tensor/sf-tensor.h"

typedef struct _SfContext SfContext;

/* @budget: bytes of activations; see sf_arena_new(). */
SfContext *sf_context_new (gsize budget);
SfContext *sf_context_new_dry (void);
void sf_context_free (SfContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfContext, sf_context_free)
gboolean sf_context_is_dry (const SfContext *self);
SfArena *sf_context_get_arena (SfContext *self);
/* Whether linear layers and attention may round their operands to bf16 where the CPU multiplies those faster: an error of some
 * 2e-3 of their results.  Off at first. */
void sf_context_set_fast (SfContext *self, gboolean fast);
gboolean sf_context_is_fast (const SfContext *self);

/**
 * sf_context_begin:
 * @progress: (nullable): outlives the run
 * @work: that the run will take, as a dry run counted it; 0 = not known, nothing is reported
 *
 * Begins a run; the context is as new.
 */
void sf_context_begin (SfContext *self, const SfProgress *progress, double work);
/* FALSE with the sticky error, which the context loses. */
gboolean sf_context_end (SfContext *self, GError **error);

/* (transfer full): the result for @x (transfer full). */
typedef SfTensor *(*SfRunFunc) (SfContext *cx, SfTensor *x, gpointer data);

/**
 * sf_context_rehearse:
 * @x: what @run will be called with next
 * @key: by which the next rehearsal is known to be of the same; it is left out while the shape of @x is the same too
 *
 * Calls @run in a dry context, so that the arena knows what will be asked for and leaves no gaps; where there is not enough
 * memory, the context fails now.  Nothing but some memory is lost where the run is not the same then.  Does nothing with a tape,
 * which keeps almost all.
 */
void sf_context_rehearse (SfContext *self, const SfTensor *x, SfRunFunc run, gpointer data, gconstpointer key);

/*** For ops ***/

/* The sticky error is set, or the user asked to stop (then it is set now). */
gboolean sf_context_failed (SfContext *self);
/* @error: (transfer full); the first one stays. */
void sf_context_fail (SfContext *self, GError *error);
/* (nullable): for sf_parallel_for(). */
GCancellable *sf_context_get_cancellable (SfContext *self);
/* (transfer full) (nullable): from the arena, not zeroed. */
SfTensor *sf_context_tensor (SfContext *self, int n, int h, int w, int c) G_GNUC_WARN_UNUSED_RESULT;
/* Counts @flops as done and reports progress. */
void sf_context_work (SfContext *self, double flops);
double sf_context_get_work (const SfContext *self); /* since begin() */

/*** The tape: reverse-mode gradients (ops append to it, the last first) ***/

/**
 * SfBackwardFunc:
 * @dy: (transfer full): gradient of the loss with respect to the op's result
 * @saved: what the op kept
 *
 * Calls sf_context_add_gradient() for each input whose gradient is wanted, and adds to the gradients of the parameters.
 */
typedef void (*SfBackwardFunc) (SfContext *cx, SfTensor *dy, gpointer saved);

void sf_context_start_tape (SfContext *self);
void sf_context_stop_tape (SfContext *self); /* forgets all that was recorded */
gboolean sf_context_has_tape (const SfContext *self);
/* @y: (transfer none) (nullable): the op's result.  @saved: (transfer full).  Call it only with a tape. */
void sf_context_record (SfContext *self, SfTensor *y, SfBackwardFunc backward, gpointer saved, GDestroyNotify saved_free);
/* Whether sf_context_add_gradient() does anything with one of @x: it came from an op, or was asked for. */
gboolean sf_context_wants_gradient (const SfContext *self, SfTensor *x);
/* @dx: (transfer full) (nullable): added to what is known of the gradient with respect to @x. */
void sf_context_add_gradient (SfContext *self, SfTensor *x, SfTensor *dx);
/**
 * sf_context_gradient:
 * @y: a result on the tape
 * @dy: (transfer full): gradient of the loss with respect to it
 * @x: (nullable): an earlier tensor, which had to be kept (sf_tensor_ref()) when an op consumed it; %NULL where only those of
 *     parameters are wanted
 *
 * Runs the tape backwards and uses it up.
 * Returns: (transfer full) (nullable): gradient with respect to @x, zeros where @y does not depend on it; %NULL on failure
 */
SfTensor *sf_context_gradient (SfContext *self, SfTensor *y, SfTensor *dy, SfTensor *x) G_GNUC_WARN_UNUSED_RESULT;
