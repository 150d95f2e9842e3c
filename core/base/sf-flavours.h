/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SF_FLAVOURS before a function compiles it twice, for any processor and for one with AVX2, picked when the program is loaded.  AVX2
 * alone has no fused multiply-add, so that the results are the same bits.  For loops that compilers turn into vector code; those that
 * gain from more are in kernels/.
 */
#pragma once

#include <glib.h>

#if defined(__x86_64__) && defined(__GLIBC__)
#define SF_FLAVOURS __attribute__ ((target_clones ("avx2", "default")))
#else
#define SF_FLAVOURS
#endif
