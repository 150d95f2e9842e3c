/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/sf-blas.h"

#include <cblas.h>

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

void
sf_gemm_nt (int m, int n, int k, const float *a, const float *b, float *c)
{
  one_thread ();
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a, k, b, k, 0, c, n);
}

void
sf_gemm_nn (int m, int n, int k, const float *a, const float *b, float *c)
{
  one_thread ();
  cblas_sgemm (CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1, a, k, b, n, 0, c, n);
}

const char *
sf_blas_core (void)
{
  return openblas_get_corename ();
}
