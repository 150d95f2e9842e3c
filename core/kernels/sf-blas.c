/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/sf-blas.h"

#include <cblas.h>

#include "base/sf-error.h"

static void
one_thread (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      openblas_set_num_threads (1);
      g_once_init_leave (&once, 1);
    }
}

/*** Memory ***/

#define BUFFER ((gsize) 128 << 20) /* bytes, on x86-64 */
#define MAX_BUFFERS 64

/* OpenBLAS exports these two, but no header declares them. */
extern void *blas_memory_alloc (int position) __attribute__ ((weak));
extern void blas_memory_free (void *buffer) __attribute__ ((weak));

int
sf_blas_reserve (int n_threads, GError **error)
{
  static GMutex mutex;
  static int reserved;
  void *buffers[MAX_BUFFERS];
  int n = CLAMP (n_threads, 1, MAX_BUFFERS), taken = 0;

  if (blas_memory_alloc == NULL)
    return n;
  g_mutex_lock (&mutex);
  /* All at the same time, or it would be one buffer taken again and again. */
  while (reserved < n && taken < n)
    {
      void *probe = taken >= reserved ? sf_try_alloc (BUFFER, 1, taken == 0 ? error : NULL) : NULL;

      if (taken >= reserved && probe == NULL)
        break;
      g_free (probe);
      buffers[taken++] = blas_memory_alloc (0);
    }
  reserved = MAX (reserved, taken);
  n = MIN (n, reserved);
  while (taken > 0)
    blas_memory_free (buffers[--taken]);
  g_mutex_unlock (&mutex);
  return n;
}

/*** Products ***/

void
sf_gemm (gboolean ta, gboolean tb, int m, int n, int k, const float *a, int lda, const float *b, int ldb, gboolean accumulate,
         float *c, int ldc)
{
  one_thread ();
  cblas_sgemm (CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m, n, k, 1, a, lda, b, ldb,
               accumulate ? 1 : 0, c, ldc);
}

void
sf_gemm_nt (int m, int n, int k, const float *a, const float *b, float *c)
{
  sf_gemm (FALSE, TRUE, m, n, k, a, k, b, k, FALSE, c, n);
}

void
sf_gemm_nn (int m, int n, int k, const float *a, const float *b, int b_row, float *c)
{
  sf_gemm (FALSE, FALSE, m, n, k, a, k, b, b_row, FALSE, c, n);
}

const char *
sf_blas_core (void)
{
  return openblas_get_corename ();
}
