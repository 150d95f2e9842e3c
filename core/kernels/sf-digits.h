/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The digits of fixed point, for flavours that have it: see sf-tile.h. */
#pragma once

#include <immintrin.h>

#include "kernels/sf-flavour.h"
#include "kernels/sf-tile.h"

#define SF_FIXED_HIGHEST (127 * 65536) /* of a number */

/* Digits are of -128 to 127: such as 0 to 255, after 128 has been added and with the upper bit turned. */
#define SF_FIXED_CARRY 0x8080

/* Digits of 4 x 16 integers, in their lower 24 bits, to which the carry has been added: lane i of each result has those of number i
 * of n[0], n[2], n[1] and n[3].  Bytes change places by shuffles, as these do two steps in one: they leave the other bytes. */
SF_INLINE void
sf_split_digits (const __m512i n[4], __m512i digit[SF_FIXED_DIGITS])
{
  const __m512i sign = _mm512_set1_epi8 ((char) 0x80);
  const __m512i bytes = _mm512_set4_epi32 (0x0e0f0c0d, 0x0a0b0809, 0x06070405, 0x02030001); /* each with its neighbour */
  const __m512i words = _mm512_set4_epi32 (0x0d0c0f0e, 0x09080b0a, 0x05040706, 0x01000302);
  const __mmask64 odd = 0xaaaaaaaaaaaaaaaa, odd_words = 0xcccccccccccccccc;
  __m512i low[2], high[2];

  for (int i = 0; i < 2; i++)
    {
      low[i] = _mm512_mask_shuffle_epi8 (n[2 * i], odd_words, n[2 * i + 1], words);
      high[i] = _mm512_mask_shuffle_epi8 (n[2 * i + 1], ~odd_words, n[2 * i], words);
    }
  digit[0] = _mm512_mask_shuffle_epi8 (high[0], odd, high[1], bytes);
  digit[1] = _mm512_xor_si512 (_mm512_mask_shuffle_epi8 (low[1], ~odd, low[0], bytes), sign);
  digit[2] = _mm512_xor_si512 (_mm512_mask_shuffle_epi8 (low[0], odd, low[1], bytes), sign);
}
