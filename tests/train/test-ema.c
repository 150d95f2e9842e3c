/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "train/sf-ema.h"

#include <math.h>

#define SIZE 7

static SfTensor *
numbers (double first)
{
  SfTensor *x = sf_tensor_new (1, 1, SIZE, 1, NULL);

  for (int i = 0; i < SIZE; i++)
    x->data[i] = (SfReal) (first + 0.1 * i);
  return x;
}

/* What does not change stays what it is to the last bit, however often it is averaged. */
static void
test_still (void)
{
  g_autoptr (SfTensor) x = numbers (0.3);
  g_autoptr (SfTensor) average = numbers (0.3);

  for (int k = 0; k < 100000; k++)
    sf_ema_update (average, x, 0.9999);
  g_assert_cmpmem (x->data, SIZE * sizeof (SfReal), average->data, SIZE * sizeof (SfReal));
}

/* A step from 0 to x leaves decay^n of the distance. */
static void
test_constant (void)
{
  g_autoptr (SfTensor) x = numbers (1);
  g_autoptr (SfTensor) average = sf_tensor_new_like (x, NULL);
  SfEma ema = { .decay = 0.9 };

  for (int k = 1; k <= 20; k++)
    sf_ema_update (average, x, sf_ema_decay (&ema, k));
  for (int i = 0; i < SIZE; i++)
    g_assert_cmpfloat_with_epsilon (average->data[i], (1 - pow (0.9, 20)) * x->data[i], 1e-6);
}

static void
test_warm_up (void)
{
  static const SfEmaWarmUp kinds[] = { SF_EMA_RATIONAL, SF_EMA_POWER };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      SfEma ema = { SF_EMA, .warm_up = kinds[i], .delay = 3 };
      double last = 0;

      for (int k = 1; k <= 4; k++)
        g_assert_cmpfloat (sf_ema_decay (&ema, k), ==, 0);
      for (int k = 5; k < 100000; k += 1 + k / 2)
        {
          double decay = sf_ema_decay (&ema, k);

          g_assert_cmpfloat (decay, >, last);
          g_assert_cmpfloat (decay, <, ema.decay);
          last = decay;
        }
      g_assert_cmpfloat (sf_ema_decay (&ema, 1000000000), ==, ema.decay);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ema/still", test_still);
  g_test_add_func ("/ema/constant", test_constant);
  g_test_add_func ("/ema/warm-up", test_warm_up);
  return g_test_run ();
}
