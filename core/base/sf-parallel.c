/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A fixed set of helper threads waits on a condition; the caller works too.  Each thread has a share of the tiles, in the
 * same place of every loop, so that it mostly reads what its own core's cache has from the loop before; whoever is done
 * goes on with the shares of others, so a slow core takes fewer.  Helpers are offered to one loop at a time: whoever
 * comes while it is open (a second caller, a nested call) works alone.
 *
 * A loop lives on its caller's stack and counts the helpers inside of it itself, so that a caller never waits for a
 * helper of another loop: a tile that the caller is still waiting for may open the next loop.
 * In a forked child, where the helpers do not exist, no one joins and the caller does all the work.
 */
#include "base/sf-parallel.h"

#include <stdlib.h>

#define MAX_THREADS 64
#define PATIENCE 100 /* us; about what a sleeping thread needs to wake */

/* Tiles that one thread takes first, in a cache line of its own. */
typedef struct
{
  _Alignas (64) gsize next; /* (atomic) next item */
  gsize end;
} Share;

typedef struct
{
  Share shares[MAX_THREADS];
  int n_shares;
  gsize grain;
  SfTileFunc func;
  gpointer data;
  GCancellable *cancellable;
  gint stopped;  /* (atomic) */
  gint n_inside; /* (atomic) helpers at work; changes with the mutex held */
} Loop;

static GMutex mutex;     /* guards what follows */
static GCond work, done; /* "a loop is there", "all helpers left a loop" */
static int n_idle, n_waiting; /* threads that wait for the one, for the other: to wake nobody takes as long as to wake one */
static Loop *current;    /* the open loop */
static gint generation;  /* (atomic) counts loops, so that a helper joins each once */
static int n_helpers;    /* threads that exist */
static int n_wanted;     /* threads to use, the caller's included; 0 = not chosen yet */

/* Watches *@value, which is @old, for a moment; returns whether it has changed.  Loops follow one another closely, and a
 * thread that sleeps wakes late. */
static gboolean
await_change (const gint *value, gint old)
{
  gint64 until = g_get_monotonic_time () + PATIENCE;

  while (g_atomic_int_get (value) == old)
    {
      if (g_get_monotonic_time () > until)
        return FALSE;
      g_thread_yield ();
    }
  return TRUE;
}

static void
loop_divide (Loop *loop, gsize n, int n_threads)
{
  gsize n_tiles = n / loop->grain + (n % loop->grain != 0);

  loop->n_shares = n_threads;
  for (int i = 0; i < n_threads; i++)
    loop->shares[i] = (Share) { .next = n_tiles * (gsize) i / (gsize) n_threads * loop->grain,
                                .end = MIN (n_tiles * (gsize) (i + 1) / (gsize) n_threads * loop->grain, n) };
}

/* Works on the tiles of the share @first and on those of others that are left then. */
static void
loop_run (Loop *loop, int first)
{
  for (int i = 0; i < loop->n_shares; i++)
    {
      Share *share = &loop->shares[(first + i) % loop->n_shares];

      for (;;)
        {
          gsize begin = (gsize) g_atomic_pointer_add (&share->next, (gssize) loop->grain);

          if (begin >= share->end)
            break;
          if (g_atomic_int_get (&loop->stopped))
            return;
          if (g_cancellable_is_cancelled (loop->cancellable))
            {
              g_atomic_int_set (&loop->stopped, TRUE);
              return;
            }
          loop->func (begin, MIN (begin + loop->grain, share->end), loop->data);
        }
    }
}

static gpointer
helper_main (gpointer index_pointer)
{
  int index = GPOINTER_TO_INT (index_pointer);
  gint seen = 0;

  g_mutex_lock (&mutex);
  for (;;)
    {
      Loop *loop;

      while (current == NULL || generation == seen || index >= n_wanted - 1)
        {
          n_idle++;
          g_cond_wait (&work, &mutex);
          n_idle--;
        }
      seen = generation;
      loop = current;
      g_atomic_int_inc (&loop->n_inside);
      g_mutex_unlock (&mutex);
      loop_run (loop, index + 1);
      g_mutex_lock (&mutex);
      if (g_atomic_int_dec_and_test (&loop->n_inside) && n_waiting > 0) /* the loop may be gone from here on */
        g_cond_broadcast (&done);
      g_mutex_unlock (&mutex);
      await_change (&generation, seen);
      g_mutex_lock (&mutex);
    }
  return NULL;
}

static int
default_threads (void)
{
  const char *text = g_getenv ("SFUMATO_THREADS");
  int n = text != NULL ? (int) g_ascii_strtoll (text, NULL, 10) : 0;

  return n > 0 ? n : (int) g_get_num_processors ();
}

void
sf_parallel_set_threads (int n_threads)
{
  g_mutex_lock (&mutex);
  n_wanted = CLAMP (n_threads > 0 ? n_threads : default_threads (), 1, MAX_THREADS);
  g_mutex_unlock (&mutex);
}

int
sf_parallel_get_threads (void)
{
  int n;

  g_mutex_lock (&mutex);
  n = n_wanted > 0 ? n_wanted : CLAMP (default_threads (), 1, MAX_THREADS);
  g_mutex_unlock (&mutex);
  return n;
}

gboolean
sf_parallel_for (gsize n, gsize grain, SfTileFunc func, gpointer data, GCancellable *cancellable)
{
  Loop loop = { .grain = MAX (grain, 1), .func = func, .data = data, .cancellable = cancellable };
  gboolean shared = FALSE;

  loop_divide (&loop, n, 1);
  if (n > loop.grain)
    {
      g_mutex_lock (&mutex);
      if (n_wanted == 0)
        n_wanted = CLAMP (default_threads (), 1, MAX_THREADS);
      for (; n_helpers < n_wanted - 1; n_helpers++)
        {
          GThread *thread = g_thread_try_new ("sfumato", helper_main, GINT_TO_POINTER (n_helpers), NULL);

          if (thread == NULL)
            break;
          g_thread_unref (thread);
        }
      shared = current == NULL && n_wanted > 1 && n_helpers > 0;
      if (shared)
        {
          loop_divide (&loop, n, n_wanted);
          current = &loop;
          g_atomic_int_inc (&generation);
          if (n_idle > 0)
            g_cond_broadcast (&work);
        }
      g_mutex_unlock (&mutex);
    }
  loop_run (&loop, 0);
  if (shared)
    {
      gint inside;

      g_mutex_lock (&mutex);
      current = NULL;
      g_mutex_unlock (&mutex);
      while ((inside = g_atomic_int_get (&loop.n_inside)) > 0 && await_change (&loop.n_inside, inside))
        ;
      g_mutex_lock (&mutex);
      n_waiting++;
      while (loop.n_inside > 0)
        g_cond_wait (&done, &mutex);
      n_waiting--;
      g_mutex_unlock (&mutex);
    }
  return !g_atomic_int_get (&loop.stopped) && !g_cancellable_is_cancelled (cancellable);
}
