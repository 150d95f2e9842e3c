/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files share that are compiled once per CPU flavour, with -DSF_FLAVOUR=name and that CPU's -m options. */
#pragma once

#include <glib.h>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

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

/* The first @n lanes; the others are 0, and their memory is not read. */
SF_INLINE SfV
sf_load_n (const float *x, int n)
{
#if defined(__AVX512F__)
  return (SfV) _mm512_maskz_loadu_ps ((__mmask16) ((1 << n) - 1), x);
#else
  SfV value = { 0 };

  for (int i = 0; i < n; i++)
    value[i] = x[i];
  return value;
#endif
}

SF_INLINE void
sf_store_n (float *x, SfV value, int n)
{
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps (x, (__mmask16) ((1 << n) - 1), (__m512) value);
#else
  for (int i = 0; i < n; i++)
    x[i] = value[i];
#endif
}

/* Around the caches, to an aligned place: for results larger than the caches, which would only be read and evicted again.
 * Only where a store is a whole line: parts of one that are written apart cost more than they save (a third of a network's time
 * with AVX2).  sf_stream_end() before another thread may read them. */
SF_INLINE void
sf_stream (float *x, SfV value)
{
#if defined(__AVX512F__)
  __builtin_ia32_movntps512 (x, value);
#else
  sf_store (x, value);
#endif
}

SF_INLINE void
sf_stream_end (void)
{
#if defined(__AVX512F__)
  __builtin_ia32_sfence ();
#endif
}
