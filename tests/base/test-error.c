/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-error.h"

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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error/alloc", test_alloc);
  g_test_add_func ("/error/overflow", test_overflow);
  return g_test_run ();
}
