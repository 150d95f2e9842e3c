/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

typedef enum
{
  SF_ACTIVATION_NONE,
  SF_ACTIVATION_SILU,       /* x sigmoid (x) */
  SF_ACTIVATION_GELU,       /* x Phi (x), by erf */
  SF_ACTIVATION_GELU_TANH,
  SF_ACTIVATION_QUICK_GELU, /* x sigmoid (1.702 x) */
  SF_ACTIVATION_RELU,
  SF_ACTIVATION_MISH,       /* x tanh (log (1 + e^x)) */
} SfActivation;

#define SF_N_ACTIVATIONS (SF_ACTIVATION_MISH + 1)
