/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inner loops on plain pointers, compiled once per CPU flavour and picked at run time.
 *
 * The files sf-*-impl.c are ordinary C (GCC vector types); kernels/meson.build compiles them once for each flavour, and
 * sf_kernels() returns the best table that this CPU can run.  The baseline flavour is the reference that the test
 * compares all others with.
 *
 * Pixels are 4 interleaved floats (R, G, B, 0).  A patch has side p = 2 r + 1, r <= SF_PATCH_MAX_RADIUS.  Images that
 * patches are read from are followed by SF_PATCH_PAD readable pixels.
 */
#pragma once

#include "kernels/sf-layers.h"
#include "kernels/sf-tile.h"
#include "kernels/sf-winograd.h"

#define SF_PATCH_MAX_RADIUS 3
#define SF_PATCH_PAD 8
/* A byte, so that a whole picture's faults stay in the cache: the search reads them at random. */
#define SF_FAULT_NEVER 255
#define SF_FAULT_MAX 254
#define SF_DETAIL_STEPS 32

/* A nearest-patch search: for each query patch of the state the source patch with the lowest
 *   cost (q, s) = sum_j W_j (z_qj - psi_sj)^2 + penalty_s + mu |pos_s - pos_q|^2.
 */
typedef struct
{
  const float *z, *weight; /* the state and W: zh x zw x 4 */
  int zw;
  const float *s;          /* the dictionary: sh x sw x 4 */
  int sh, sw;
  const guint8 *fault;     /* sh x sw: what source s costs by itself; SF_FAULT_NEVER where it is no source */
  float fault_scale;       /* penalty_s = fault_s * this */
  const guint8 *detail;    /* (nullable) sh x sw: detail of source s, SF_DETAIL_STEPS per octave */
  const float *budget;     /* of query i: detail up to which a source costs nothing, in the same units */
  float detail_scale;      /* cost of a whole octave above the budget, and of any more */
  const gint32 *sources;   /* the valid centres */
  int n_sources;

  int qh, qw;              /* the grid that queries live on */
  const gint32 *query_map; /* qh x qw -> query or -1 */
  const gint32 *query;     /* of query i: y * qw + x */
  const guint8 *plain;     /* of query i: all its W are 1 */
  int pad_y, pad_x;        /* grid (0, 0) is pixel (pad_y, pad_x) of z */
  int dy, dx;              /* grid (0, 0) is (dy, dx) of the dictionary, for the spatial prior */

  int r;
  float mu;
  float coherence;         /* a neighbour's source wins already below (this) * cost */
  int exclude;             /* > 0: sources closer than this to their query are forbidden */
  int iteration, n_random, radius;
  guint64 seed;
  const gint32 *old;       /* of query i: its source before this iteration */
  gint32 *nn;              /* of query i: its source, y * sw + x, or -1 */
  float *cost;
} SfPatchSearch;

/* A vote: each pixel becomes the robust mean of the patches that cover it. */
typedef struct
{
  const float *s;          /* patches are read here */
  gsize row;               /* floats from one row of a patch to the next */
  const gsize *centre;     /* qh x qw: the float in s where the centre of that query's patch begins */
  const float *weight;     /* qh x qw: of its vote; <= 0 where there is none */
  const float *window;     /* p x p */
  int qh, qw;
  int r;
  gboolean wrap_y, wrap_x;
  float robust;            /* > 0: twice re-weight each vote by exp (-|v - mean|^2 / (2 robust^2)) */
  const gint32 *pixel;     /* of pixel i: y * qw + x */
  float *out;              /* qh x qw x 4, untouched where nothing votes */
} SfPatchVote;

typedef struct
{
  const char *name;
  const SfLayerKernels *layers;
  const SfTileKernels *tile;
  const SfWinogradKernels *winograd;
  /* Scores what nn holds; queries without a source get random ones. */
  void (*patch_score) (const SfPatchSearch *search, gsize begin, gsize end);
  /* One PatchMatch iteration (Barnes et al. 2009) from `old`: propagation, then random search. */
  void (*patch_improve) (const SfPatchSearch *search, gsize begin, gsize end);
  void (*patch_vote) (const SfPatchVote *vote, gsize begin, gsize end);
  /* out = a x + b y; out may be x or y. */
  void (*combine) (float *out, float a, const float *x, float b, const float *y, gsize n);
  /* In place: d_i = exp (-(d_i - least) * scale), where d_i >= least; returns their sum. */
  float (*softmin) (float *d, gsize n, float least, float scale);
} SfKernels;

/* The table for this CPU, or the one that SFUMATO_ISA names. */
const SfKernels *sf_kernels (void);
/* All that this CPU can run, the baseline first; for tests and benchmarks. */
const SfKernels *const *sf_kernels_all (int *n);
