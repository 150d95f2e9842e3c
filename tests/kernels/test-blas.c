/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The matrix products against the textbook's three loops. */
#include "kernels/sf-blas.h"

#include "numbers.h"

/* Each sum of k products of size 1 rounds k times; the order of the sum is the library's own. */
#define TOLERANCE(k) (2 * (k) * 1.2e-7)

static void
check (int m, int n, int k)
{
  const int row = n + 3;
  g_autofree float *a = noise (0, (gsize) m * k), *b = noise (1, (gsize) row * k);
  g_autofree float *nt = g_new (float, (gsize) m *n), *nn = g_new (float, (gsize) m *n);

  for (int i = 0; i < m * n; i++)
    nt[i] = nn[i] = NAN; /* C is written, not added to */
  sf_gemm_nt (m, n, k, a, b, nt);
  sf_gemm_nn (m, n, k, a, b, row, nn);
  for (int i = 0; i < m; i++)
    for (int j = 0; j < n; j++)
      {
        double t = 0, u = 0, size = 1;

        for (int l = 0; l < k; l++)
          {
            t += (double) a[i * k + l] * b[j * k + l];
            u += (double) a[i * k + l] * b[l * row + j];
            size += fabs ((double) a[i * k + l] * b[j * k + l]) + fabs ((double) a[i * k + l] * b[l * row + j]);
          }
        g_assert_true (fabs (nt[i * n + j] - t) <= TOLERANCE (k) * size);
        g_assert_true (fabs (nn[i * n + j] - u) <= TOLERANCE (k) * size);
      }
}

static void
test_products (void)
{
  check (1, 1, 1);
  check (1, 7, 3);
  check (5, 1, 196);
  check (17, 33, 100);
  check (64, 513, 196);
}

static void
test_core (void)
{
  g_assert_nonnull (sf_blas_core ());
  g_test_message ("OpenBLAS core: %s", sf_blas_core ());
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/blas/products", test_products);
  g_test_add_func ("/blas/core", test_core);
  return g_test_run ();
}
