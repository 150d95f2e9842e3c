/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files share that are compiled once per CPU flavour, with -DSF_FLAVOUR=name and that CPU's -m options. */
#pragma once

#include <glib.h>

#define SF_CONCAT_(a, b) a##b
#define SF_CONCAT(a, b) SF_CONCAT_ (a, b)
#define SF_STRING_(name) #name
#define SF_STRING(name) SF_STRING_ (name)
/* The flavour's own name of a table: SF_TABLE (sf_tile) is sf_tile_avx2, say. */
#define SF_TABLE(table) SF_CONCAT (table##_, SF_FLAVOUR)

#define SF_INLINE static inline __attribute__ ((always_inline))

/* A register of this flavour. */
#if defined(__AVX512F__)
#define SF_LANES 16
#elif defined(__AVX__)
#define SF_LANES 8
#else
#define SF_LANES 4
#endif

typedef float SfV __attribute__ ((vector_size (SF_LANES * 4)));
typedef float SfVAny __attribute__ ((vector_size (SF_LANES * 4), aligned (4), may_alias)); /* in memory, anywhere */

SF_INLINE SfV
sf_load (const float *x)
{
  return *(const SfVAny *) x;
}

SF_INLINE void
sf_store (float *x, SfV value)
{
  *(SfVAny *) x = value;
}
