/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "nn/sf-waves.h"

#include <math.h>

/* Wave i of h: period^(-i / (h - shift)) */
void
sf_waves (const SfWaves *self, double t, SfReal *out, int n)
{
  int half = n / 2;
  double slope = log (self->period > 0 ? self->period : 10000) / (half - self->shift);
  SfReal *sines = out + (self->sine_first ? 0 : half), *cosines = out + (self->sine_first ? half : 0);

  g_return_if_fail (half > self->shift);

  for (int i = 0; i < half; i++)
    {
      double phase = t * exp (-slope * i);

      sines[i] = (SfReal) sin (phase);
      cosines[i] = (SfReal) cos (phase);
    }
  if (n % 2 != 0)
    out[n - 1] = 0;
}
