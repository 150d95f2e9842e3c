/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-error.h"

#include <stdlib.h>

static void
test_alloc (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *some = sf_try_alloc (1000, 1, &error);
  g_autofree char *none = sf_try_alloc (0, 8, &error);

  g_assert_no_error (error);
  g_assert_nonnull (some);
  g_assert_nonnull (none);
  for (int i = 0; i < 1000; i++)
    g_assert_cmpint (some[i], ==, 0);
}

static void
test_overflow (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sf_try_alloc (G_MAXSIZE / 2, 8, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
}

/* Likewise where lines of the cache are asked for; nobody may care, and an error from before is not hidden. */
static void
test_aligned (void)
{
  static const gsize counts[] = { G_MAXSIZE, G_MAXSIZE / 8, G_MAXSIZE / 16 };
  gpointer memory = sf_try_alloc_aligned (3 << 20, 1, NULL);

  g_assert_nonnull (memory);
  g_assert_cmpuint ((guintptr) memory % 64, ==, 0);
  free (memory);
  for (gsize i = 0; i < G_N_ELEMENTS (counts); i++)
    {
      g_autoptr (GError) error = NULL, before = g_error_new_literal (SF_ERROR, SF_ERROR_REGION, "before");

      g_assert_null (sf_try_alloc_aligned (counts[i], 8, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
      g_assert_null (sf_try_alloc_aligned (counts[i], 8, &before));
      g_assert_error (before, SF_ERROR, SF_ERROR_REGION);
      g_assert_null (sf_try_alloc_aligned (counts[i], 8, NULL));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error/alloc", test_alloc);
  g_test_add_func ("/error/overflow", test_overflow);
  g_test_add_func ("/error/aligned", test_aligned);
  return g_test_run ();
}
