/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the suites of the benchmark share. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct
{
  const char *prototype; /* (nullable) folder of a Python implementation to compare with */
  const char *peers;     /* (nullable) folder of networks */
  const char *peers_command;
  int repeats;
  JsonBuilder *json;     /* rows go here too */
} Bench;

/* One figure: printed, and a member of the present JSON object. */
void bench_figure (Bench *bench, const char *name, double value, const char *unit);
/* A row of figures begins. */
void bench_row (Bench *bench, const char *name);
void bench_row_end (Bench *bench);

/* Seconds of the best of @repeats calls. */
double bench_best (void (*func) (gpointer), gpointer data, int repeats);

/* Runs @func in a child process with @n_threads and copies what it wrote to @out (@size bytes) back; FALSE when it died. */
typedef void (*BenchChild) (gconstpointer in, gpointer out);
gboolean bench_in_child (int n_threads, BenchChild func, gconstpointer in, gpointer out, gsize size);

void bench_cancel (Bench *bench);
void bench_fill (Bench *bench);
void bench_kernels (Bench *bench);
void bench_networks (Bench *bench);
void bench_samplers (Bench *bench);
