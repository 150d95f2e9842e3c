/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tables of layers and of networks share: how fast OpenBLAS multiplies on all threads, which is what a direct
 * convolution could not exceed.
 */
#pragma once

#include "sf-bench.h"

#define BENCH_THREADS 2

/* Operations per second of products that stay in the cache, one on each thread at a time: the best of a few. */
double bench_peak (void);
/* Seconds of now on a clock that only goes forward. */
double bench_now (void);

void bench_layers (Bench *bench);
/* Its rows for layers that are no convolutions. */
void bench_dense (Bench *bench);
