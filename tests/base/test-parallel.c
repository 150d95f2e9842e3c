/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/sf-parallel.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N 10007 /* a prime: the last tile is a part */

typedef struct
{
  int visits[N];
  double value[N];
} Items;

static void
visit (gsize begin, gsize end, gpointer data)
{
  Items *items = data;
  double sum = 0;

  g_assert_cmpuint (begin % 16, ==, 0);
  g_assert_cmpuint (end, <=, N);
  for (gsize i = begin; i < end; i++)
    {
      sum += 1.0 / (i + 1);
      items->visits[i]++;
      items->value[i] = sum;
    }
}

static void
test_same (void)
{
  g_autofree Items *one = g_new0 (Items, 1);

  sf_parallel_set_threads (1);
  g_assert_true (sf_parallel_for (N, 16, visit, one, NULL));
  for (int i = 0; i < N; i++)
    g_assert_cmpint (one->visits[i], ==, 1);
  /* Up, down and up again. */
  for (int i = 0; i < 6; i++)
    {
      g_autofree Items *many = g_new0 (Items, 1);

      sf_parallel_set_threads ((int[]) { 2, 4, 1, 3, 2, 8 }[i]);
      g_assert_true (sf_parallel_for (N, 16, visit, many, NULL));
      g_assert_cmpmem (many, sizeof *many, one, sizeof *one);
    }
}

static void
test_degenerate (void)
{
  g_autofree Items *items = g_new0 (Items, 1);

  g_assert_true (sf_parallel_for (0, 16, visit, items, NULL));
  g_assert_cmpint (items->visits[0], ==, 0);
  g_assert_true (sf_parallel_for (N, G_MAXSIZE, visit, items, NULL));
  g_assert_cmpint (items->visits[N - 1], ==, 1);
}

static void
test_threads (void)
{
  sf_parallel_set_threads (3);
  g_assert_cmpint (sf_parallel_get_threads (), ==, 3);
  g_setenv ("SFUMATO_THREADS", "5", TRUE);
  sf_parallel_set_threads (0);
  g_assert_cmpint (sf_parallel_get_threads (), ==, 5);
  g_setenv ("SFUMATO_THREADS", "rubbish", TRUE);
  sf_parallel_set_threads (0);
  g_assert_cmpint (sf_parallel_get_threads (), >=, 1);
  g_unsetenv ("SFUMATO_THREADS");
  sf_parallel_set_threads (0);
  g_assert_cmpint (sf_parallel_get_threads (), >=, 1);
}

typedef struct
{
  GCancellable *cancellable;
  gint tiles;
} Cancel;

static void
cancel_third (gsize begin, gsize end, gpointer data)
{
  Cancel *cancel = data;

  if (g_atomic_int_add (&cancel->tiles, 1) == 2)
    g_cancellable_cancel (cancel->cancellable);
}

static void
test_cancel (void)
{
  for (int n_threads = 1; n_threads <= 4; n_threads++)
    {
      g_autoptr (GCancellable) cancellable = g_cancellable_new ();
      Cancel cancel = { cancellable, 0 };

      sf_parallel_set_threads (n_threads);
      g_assert_false (sf_parallel_for (100000, 1, cancel_third, &cancel, cancellable));
      g_assert_cmpint (cancel.tiles, >=, 3);
      g_assert_cmpint (cancel.tiles, <, 100000);
      g_assert_false (sf_parallel_for (10, 1, cancel_third, &cancel, cancellable));
    }
}

typedef struct
{
  gint n_inside;
  GThread *threads[3];
} Meeting;

/* Each tile waits for the others: no thread can have two. */
static void
meet (gsize begin, gsize end, gpointer data)
{
  Meeting *meeting = data;

  g_assert_cmpuint (end, ==, begin + 1);
  meeting->threads[begin] = g_thread_self ();
  g_atomic_int_inc (&meeting->n_inside);
  while (g_atomic_int_get (&meeting->n_inside) < 3)
    g_thread_yield ();
}

/* What a thread has done in one loop, it does in the next. */
static void
test_shares (void)
{
  Meeting first = { 0 };

  sf_parallel_set_threads (3);
  g_assert_true (sf_parallel_for (3, 1, meet, &first, NULL));
  g_assert_true (first.threads[0] == g_thread_self ());
  for (int i = 0; i < 300; i++)
    {
      Meeting meeting = { 0 };

      g_assert_true (sf_parallel_for (3, 1, meet, &meeting, NULL));
      g_assert_cmpmem (meeting.threads, sizeof meeting.threads, first.threads, sizeof first.threads);
    }
}

static void
add (gsize begin, gsize end, gpointer data)
{
  g_atomic_int_add ((gint *) data, (gint) (end - begin));
}

static void
nest (gsize begin, gsize end, gpointer data)
{
  for (gsize i = begin; i < end; i++)
    sf_parallel_for (100, 3, add, data, NULL);
}

/* A tile that opens a loop of its own while its caller already waits for it. */
static void
test_nested (void)
{
  for (int i = 0; i < 300; i++)
    {
      gint sum = 0;

      sf_parallel_set_threads (1 + i % 4);
      g_assert_true (sf_parallel_for (20, 1, nest, &sum, NULL));
      g_assert_cmpint (sum, ==, 2000);
    }
}

static gpointer
loop_often (gpointer data)
{
  for (int i = 0; i < 300; i++)
    {
      gint sum = 0;

      g_assert_true (sf_parallel_for (200, 7, add, &sum, NULL));
      g_assert_cmpint (sum, ==, 200);
      g_assert_true (sf_parallel_for (5, 1, nest, &sum, NULL));
      g_assert_cmpint (sum, ==, 700);
    }
  return NULL;
}

static void
test_callers (void)
{
  GThread *callers[4];

  sf_parallel_set_threads (4);
  for (int i = 0; i < 4; i++)
    callers[i] = g_thread_new ("caller", loop_often, NULL);
  for (int i = 0; i < 4; i++)
    g_thread_join (callers[i]);
}

/* The helpers do not exist in a forked child: it works alone instead of waiting for them. */
static void
test_fork (void)
{
  gint sum = 0;
  int status;
  pid_t child;

  sf_parallel_set_threads (4);
  g_assert_true (sf_parallel_for (1000, 10, add, &sum, NULL));
  child = fork ();
  g_assert_cmpint (child, >=, 0);
  if (child == 0)
    {
      alarm (20);
      sum = 0;
      sf_parallel_for (1000, 10, add, &sum, NULL);
      _exit (sum == 1000 ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/parallel/threads", test_threads); /* first: it changes the environment */
  g_test_add_func ("/parallel/same", test_same);
  g_test_add_func ("/parallel/degenerate", test_degenerate);
  g_test_add_func ("/parallel/cancel", test_cancel);
  g_test_add_func ("/parallel/shares", test_shares);
  g_test_add_func ("/parallel/nested", test_nested);
  g_test_add_func ("/parallel/callers", test_callers);
  g_test_add_func ("/parallel/fork", test_fork);
  return g_test_run ();
}
