/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Matrix products on OpenBLAS.  Its own threads are switched off: work is shared out by sf_parallel_for(), so results
 * are the same bits for any number of threads.
 */
#pragma once

#include <glib.h>

/* C (m x n) = A (m x k) B^T, B n x k; all row-major and dense. */
void sf_gemm_nt (int m, int n, int k, const float *a, const float *b, float *c);
/* C (m x n) = A (m x k) B, B k x n with @b_row floats from one row to the next. */
void sf_gemm_nn (int m, int n, int k, const float *a, const float *b, int b_row, float *c);
/**
 * sf_gemm:
 * @ta, @tb: whether A is stored as k x m, B as n x k
 * @lda, @ldb, @ldc: floats from one stored row to the next
 * @accumulate: whether the product is added to C
 */
void sf_gemm (gboolean ta, gboolean tb, int m, int n, int k, const float *a, int lda, const float *b, int ldb,
              gboolean accumulate, float *c, int ldc);

/**
 * sf_blas_reserve:
 *
 * OpenBLAS takes a large work buffer for each thread that multiplies, and when there is no memory for one, it asks
 * again for ever.  So they are taken here, before the work begins.
 *
 * Returns: how many threads may multiply at the same time: @n_threads, or fewer where memory is short; 0 with
 *          %SF_ERROR_MEMORY where there is none for one
 */
int sf_blas_reserve (int n_threads, GError **error);

/* The core that OpenBLAS chose kernels for, "SkylakeX" say. */
const char *sf_blas_core (void);
