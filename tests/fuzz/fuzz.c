/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fuzz.h"

static const SfFormat *
find_format (const char *name)
{
  int n;
  const SfFormat *const *formats = sf_formats (&n);

  for (int i = 0; i < n; i++)
    if (g_str_equal (formats[i]->name, name))
      return formats[i];
  g_assert_not_reached ();
}

/* All of it, piece by piece, as a network would. */
static void
read_array (const SfArray *array)
{
  float piece[1024];

  for (gsize i = 0; i < array->n; i += G_N_ELEMENTS (piece))
    sf_array_read (array, i, MIN (G_N_ELEMENTS (piece), array->n - i), piece);
}

int
fuzz_read (const char *name, const char *path, const uint8_t *data, size_t size)
{
  g_autoptr (SfWeights) weights = NULL;
  g_autoptr (GError) error = NULL;

  if (!find_format (name)->probe (data, MIN (size, 64), size))
    return -1;
  weights = sf_weights_read (data, size, path, NULL, &error);
  g_assert_true ((weights == NULL) == (error != NULL));
  for (int i = 0; weights != NULL && i < sf_weights_get_n (weights); i++)
    read_array (sf_weights_get (weights, sf_weights_get_name (weights, i)));
  return 0;
}
