/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-tensor.h"

#include "base/sf-error.h"

static void
test_new (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfTensor) x = sf_tensor_new (1, 3, 5, 2, &error);
  g_autoptr (SfTensor) like = sf_tensor_new_like (x, &error);
  g_autoptr (SfTensor) other = sf_tensor_new (1, 5, 3, 2, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (sf_tensor_size (x), ==, 30);
  for (int i = 0; i < 30; i++)
    g_assert_cmpfloat (x->data[i], ==, 0);
  g_assert_true (sf_tensor_same_shape (x, like));
  g_assert_false (sf_tensor_same_shape (x, other));
}

static void
test_copy (void)
{
  g_autoptr (SfTensor) x = sf_tensor_new (1, 2, 2, 1, NULL);
  g_autoptr (SfTensor) copy = NULL;

  x->data[3] = 7;
  copy = sf_tensor_copy (x, NULL);
  x->data[3] = 8;
  g_assert_cmpfloat (copy->data[3], ==, 7);
}

static void
test_ref (void)
{
  SfTensor *x = sf_tensor_new (1, 1, 1, 1, NULL);

  g_assert_true (sf_tensor_ref (x) == x);
  sf_tensor_unref (x);
  x->data[0] = 1; /* still there; the sanitizers see if not */
  sf_tensor_unref (x);
  sf_tensor_unref (NULL);
  g_assert_null (sf_tensor_ref (NULL));
}

static void
count (gpointer counter, gpointer data)
{
  g_assert_cmpfloat (*(float *) data, ==, 1);
  ++*(int *) counter;
}

/* Memory that somebody lends is given back once, when the last view is gone. */
static void
test_lent (void)
{
  float data[24] = { 1 };
  int freed = 0;
  SfTensor *x = sf_tensor_new_for (1, 2, 3, 4, data, count, &freed), *view, *inner;

  g_assert_true (sf_tensor_is_unique (x));
  view = sf_tensor_view (sf_tensor_ref (x), 1, 1, 3, 4, 12);
  g_assert_false (sf_tensor_is_unique (x));
  g_assert_false (sf_tensor_is_unique (view)); /* x sees it */
  sf_tensor_unref (x);
  g_assert_true (sf_tensor_is_unique (view));
  inner = sf_tensor_view (view, 2, 1, 1, 2, 8);
  g_assert_true (inner->data == data + 20);
  g_assert_true (sf_tensor_is_unique (inner));
  g_assert_cmpint (freed, ==, 0);
  sf_tensor_unref (inner);
  g_assert_cmpint (freed, ==, 1);
}

/* Sizes whose number of elements, or of bytes, does not fit a gsize. */
static void
test_too_large (void)
{
  static const int shapes[][4] = {
    { G_MAXINT, G_MAXINT, G_MAXINT, G_MAXINT },
    { 1, G_MAXINT, G_MAXINT, 3 },
    { 4, G_MAXINT, G_MAXINT, 1 },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      g_autoptr (GError) error = NULL;
      const int *s = shapes[i];

      g_assert_null (sf_tensor_new (s[0], s[1], s[2], s[3], &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tensor/new", test_new);
  g_test_add_func ("/tensor/copy", test_copy);
  g_test_add_func ("/tensor/ref", test_ref);
  g_test_add_func ("/tensor/lent", test_lent);
  g_test_add_func ("/tensor/too-large", test_too_large);
  return g_test_run ();
}
