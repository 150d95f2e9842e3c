/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tensor/sf-arena.h"

#include <string.h>
#include <sys/resource.h>

#include "base/sf-error.h"
#include "base/sf-rng.h"
#include "tensor/sf-memory-plan.h"

#define KIB 1024

static guint8 *
take (SfArena *arena, gsize size)
{
  g_autoptr (GError) error = NULL;
  guint8 *block = sf_arena_alloc (arena, size, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (GPOINTER_TO_SIZE (block) % 64, ==, 0);
  return block;
}

/* Gaps of 4, 2 and 3 KiB: what needs 2 goes into that of 2. */
static void
test_best_fit (void)
{
  g_autoptr (SfArena) arena = sf_arena_new (64 * KIB, FALSE);
  guint8 *gap[3], *wall[3];
  static const gsize sizes[] = { 4 * KIB, 2 * KIB, 3 * KIB };

  for (int i = 0; i < 3; i++)
    {
      gap[i] = take (arena, sizes[i]);
      wall[i] = take (arena, 64);
    }
  for (int i = 0; i < 3; i++)
    sf_arena_free (arena, gap[i]);
  g_assert_true (take (arena, 2 * KIB - 10) == gap[1]);
  g_assert_true (take (arena, 2 * KIB) == gap[2]);
  g_assert_true (take (arena, KIB) == gap[2] + 2 * KIB); /* what is left of it, before the larger one */
  g_assert_true (take (arena, 3 * KIB) == gap[0]);
  g_assert_true (take (arena, 2 * KIB) == wall[2] + 64); /* the rest of the first has 1 KiB */
  g_assert_cmpuint (sf_arena_get_peak (arena), ==, 11 * KIB + 3 * 64);
}

/* Whatever the order in which neighbours are freed, what they leave is one. */
static void
test_coalescing (void)
{
  static const int orders[][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };

  for (gsize i = 0; i < G_N_ELEMENTS (orders); i++)
    for (int wall = 0; wall < 2; wall++)
      {
        g_autoptr (SfArena) arena = sf_arena_new (4 * KIB, FALSE);
        guint8 *block[3];

        for (int j = 0; j < 3; j++)
          block[j] = take (arena, KIB);
        if (wall)
          take (arena, 64);
        for (int j = 0; j < 3; j++)
          sf_arena_free (arena, block[orders[i][j]]);
        g_assert_true (take (arena, 3 * KIB) == block[0]);
        g_assert_cmpuint (sf_arena_get_peak (arena), ==, 3 * KIB + (wall ? 64 : 0));
      }
}

/* Half of the memory is free, but nowhere in one piece. */
static void
test_fragmentation (void)
{
  g_autoptr (SfArena) arena = sf_arena_new (16 * KIB, FALSE);
  g_autoptr (GError) error = NULL;
  guint8 *block[16];

  for (int i = 0; i < 16; i++)
    block[i] = take (arena, KIB);
  for (int i = 0; i < 16; i += 2)
    sf_arena_free (arena, block[i]);
  g_assert_cmpuint (sf_arena_get_live (arena), ==, 8 * KIB);
  g_assert_null (sf_arena_alloc (arena, 2 * KIB, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
  for (int i = 0; i < 16; i += 2)
    g_assert_true (take (arena, KIB) == block[i]);
}

static void
test_budget (void)
{
  g_autoptr (SfArena) arena = sf_arena_new (1000 * 1000 * 64, FALSE);
  g_autoptr (GError) error = NULL, absurd = NULL;
  guint8 *all = take (arena, 1000 * 1000 * 64);

  memset (all, 1, 1000 * 1000 * 64); /* the budget is really there */
  g_assert_null (sf_arena_alloc (arena, 36 * 1000 * 1000, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "100.0"));
  g_assert_nonnull (strstr (error->message, "64.0"));
  g_assert_null (sf_arena_alloc (arena, G_MAXSIZE, &absurd));
  g_assert_error (absurd, SF_ERROR, SF_ERROR_MEMORY);
  sf_arena_free (arena, all);
  g_assert_null (sf_arena_alloc (arena, G_MAXSIZE - 3, NULL));
  sf_arena_free (arena, take (arena, 0));
}

static void
test_dry (void)
{
  g_autoptr (SfArena) arena = sf_arena_new ((gsize) 1 << 50, TRUE);
  guint8 *a = take (arena, (gsize) 1 << 40), *b = take (arena, (gsize) 1 << 41);

  g_assert_true (b == a + ((gsize) 1 << 40));
  sf_arena_free (arena, a);
  g_assert_true (take (arena, (gsize) 1 << 40) == a);
  g_assert_cmpuint (sf_arena_get_peak (arena), ==, (gsize) 3 << 40);
  g_assert_cmpuint (sf_arena_get_live_peak (arena), ==, (gsize) 3 << 40);
}

/*** Against a model: an array that says of each line of 64 bytes which block has it ***/

#define LINES 4096
#define SLOTS 64

typedef struct
{
  int owner[LINES]; /* -1: free */
  guint8 *base;
} Model;

/* The first line of the smallest gap that holds @lines lines, the lowest of those; else the end; -1: none. */
static int
place (const Model *self, int lines)
{
  int best = -1, best_size = G_MAXINT, end = 0;

  for (int i = 0; i < LINES; i++)
    if (self->owner[i] >= 0)
      end = i + 1;
  for (int i = 0; i < end;)
    {
      int first = i;

      for (; i < end && self->owner[i] < 0; i++)
        ;
      if (i - first >= lines && i - first < best_size)
        {
          best = first;
          best_size = i - first;
        }
      i += i == first;
    }
  if (best < 0 && end + lines <= LINES)
    best = end;
  return best;
}

static void
test_stress (void)
{
  static Model model;
  g_autoptr (SfArena) arena = sf_arena_new (LINES * 64, FALSE);
  guint8 *block[SLOTS] = { NULL };
  int lines[SLOTS], live = 0, live_peak = 0, peak = 0;

  memset (model.owner, -1, sizeof model.owner);
  model.base = take (arena, 64);
  sf_arena_free (arena, model.base);
  peak = live_peak = 1;
  for (guint64 step = 0; step < 20000; step++)
    {
      guint32 random[4];
      int slot;

      sf_rng_words ((SfRng) { 3, 4 }, step, random);
      slot = random[0] % SLOTS;
      if (block[slot] != NULL)
        {
          /* The block still holds what was written: nobody else had its memory. */
          for (int i = 0; i < lines[slot] * 64; i += 64)
            g_assert_cmpuint (block[slot][i], ==, slot);
          sf_arena_free (arena, block[slot]);
          for (int i = 0; i < LINES; i++)
            if (model.owner[i] == slot)
              model.owner[i] = -1;
          live -= lines[slot];
          block[slot] = NULL;
        }
      else
        {
          int first;

          lines[slot] = random[1] % (random[2] % 4 == 0 ? 400 : 40) + 1;
          first = place (&model, lines[slot]);
          block[slot] = sf_arena_alloc (arena, lines[slot] * 64 - random[3] % 64, NULL);
          g_assert_true (block[slot] == (first < 0 ? NULL : model.base + first * 64));
          if (first < 0)
            continue;
          memset (block[slot], slot, lines[slot] * 64);
          for (int i = first; i < first + lines[slot]; i++)
            model.owner[i] = slot;
          live += lines[slot];
          live_peak = MAX (live_peak, live);
          peak = MAX (peak, first + lines[slot]);
        }
      g_assert_cmpuint (sf_arena_get_live (arena), ==, live * 64);
    }
  g_assert_cmpuint (sf_arena_get_peak (arena), ==, peak * 64);
  g_assert_cmpuint (sf_arena_get_live_peak (arena), ==, live_peak * 64);
}

/*** Plans ***/

/* Random blocks, two of which never have the same memory at the same time. */
static void
test_plan (void)
{
  SfSpan span[200];

  for (guint64 round = 0; round < 20; round++)
    {
      gsize end, live_peak = 0;

      for (int i = 0; i < 200; i++)
        {
          guint32 random[4];

          sf_rng_words ((SfRng) { 8, round }, i, random);
          span[i] = (SfSpan) { .size = random[0] % 1000 + 1, .birth = random[1] % 500 };
          span[i].death = span[i].birth + 1 + random[2] % (random[3] % 5 == 0 ? 400 : 20);
        }
      end = sf_memory_plan (span, 200);
      for (int i = 0; i < 200; i++)
        {
          gsize live = 0; /* when this one begins */

          for (int j = 0; j < 200; j++)
            {
              gboolean meet = span[j].birth < span[i].death && span[i].birth < span[j].death;

              g_assert_true (i == j || !meet || span[i].begin >= span[j].begin + span[j].size || span[j].begin >= span[i].begin + span[i].size);
              live += span[j].birth <= span[i].birth && span[i].birth < span[j].death ? span[j].size : 0;
            }
          live_peak = MAX (live_peak, live);
          g_assert_cmpuint (span[i].begin + span[i].size, <=, end);
        }
      g_assert_cmpuint (end, >=, live_peak);
    }
}

/* A small one gives a larger one, and that an even larger one: where each lies beside the one before, none of the holes is large
 * enough.  @last: size of the last. */
static void
grow (SfArena *arena, gsize last)
{
  guint8 *a = take (arena, KIB), *b = take (arena, 2 * KIB), *c;

  sf_arena_free (arena, a);
  c = take (arena, last);
  sf_arena_free (arena, b);
  sf_arena_free (arena, c);
}

/* Followed, a plan leaves no gap; where something else is asked for, it still works. */
static void
test_follow (void)
{
  g_autoptr (SfArena) dry = sf_arena_new (0, TRUE), plain = sf_arena_new (64 * KIB, FALSE), arena = sf_arena_new (64 * KIB, FALSE);
  g_autoptr (GArray) plan = NULL;
  guint8 *below = take (arena, 64);

  sf_arena_record (dry);
  grow (dry, 3 * KIB);
  plan = sf_arena_make_plan (dry);
  g_assert_cmpuint (plan->len, ==, 3);
  grow (plain, 3 * KIB);
  g_assert_cmpuint (sf_arena_get_peak (plain), ==, 6 * KIB);
  for (int i = 0; i < 2; i++)
    {
      sf_arena_follow (arena, plan, NULL);
      grow (arena, 3 * KIB);
      g_assert_true (sf_arena_has_followed (arena));
      g_assert_cmpuint (sf_arena_get_peak (arena), ==, 5 * KIB + 64);
    }
  sf_arena_free (arena, take (arena, 10)); /* after the plan's end */
  g_assert_true (sf_arena_has_followed (arena));
  sf_arena_follow (arena, plan, NULL);
  grow (arena, 4 * KIB);
  g_assert_false (sf_arena_has_followed (arena));
  sf_arena_free (arena, below);
  g_assert_cmpuint (sf_arena_get_live (arena), ==, 0);
}

/* A plan for more than there is says so before anything is asked for. */
static void
test_plan_budget (void)
{
  SfSpan span = { .size = 30 * 1000 * 1000, .death = 9, .begin = 20 * 1000 * 1000 };
  g_autoptr (GArray) plan = g_array_new (FALSE, FALSE, sizeof (SfSpan));
  g_autoptr (SfArena) arena = sf_arena_new (50 * 1000 * 1000, FALSE);
  g_autoptr (GError) error = NULL;

  g_array_append_val (plan, span);
  g_assert_true (sf_arena_follow (arena, plan, &error));
  g_assert_no_error (error);
  take (arena, 1000 * 1000 * 20);
  g_assert_false (sf_arena_follow (arena, plan, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_MEMORY);
  g_assert_nonnull (strstr (error->message, "70.0"));
}

/* Where a plan wants a block, somebody else may have one. */
static void
test_taken (void)
{
  SfSpan span[] = { { .size = KIB, .death = 9, .begin = KIB }, { .size = KIB, .death = 9, .begin = 0 } };
  g_autoptr (GArray) plan = g_array_new (FALSE, FALSE, sizeof (SfSpan));
  g_autoptr (SfArena) arena = sf_arena_new (64 * KIB, FALSE);
  guint8 *first, *other;

  g_array_append_vals (plan, span, 2);
  sf_arena_follow (arena, plan, NULL);
  first = take (arena, KIB);
  sf_arena_follow (arena, NULL, NULL);
  other = take (arena, KIB); /* in the hole below */
  g_assert_true (other == first - KIB);
  sf_arena_free (arena, first);
  sf_arena_follow (arena, plan, NULL);
  first = take (arena, KIB);
  g_assert_true (first == other + 2 * KIB);
  sf_arena_follow (arena, NULL, NULL);
  sf_arena_free (arena, take (arena, KIB));
  sf_arena_follow (arena, plan, NULL);
  take (arena, KIB);
  take (arena, KIB);
  g_assert_true (sf_arena_has_followed (arena));
  for (int i = 0; i < 100; i++)
    memset (take (arena, 64), 1, 64);
}

/*** The system's limits ***/

/* With less room for addresses than the budget asks for, the arena has what there is, and leaves some to others. */
static void
test_address_limit (void)
{
#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the addresses");
#else
  if (g_test_subprocess ())
    {
      const gsize limit = (gsize) 1 << 30;
      g_autoptr (SfArena) arena = NULL;
      gsize n = 0;

      g_assert_cmpint (setrlimit (RLIMIT_AS, &(struct rlimit) { limit, limit }), ==, 0);
      arena = sf_arena_new ((gsize) 64 << 30, FALSE);
      while (sf_arena_alloc (arena, 1 << 20, NULL) != NULL)
        n++;
      g_assert_cmpuint (n, >=, 64);
      g_free (g_malloc (128 << 20));
      return;
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
#endif
}

/* Reserving a machine's memory does not use it. */
static void
test_default_budget (void)
{
  g_autoptr (SfArena) arena = sf_arena_new (0, FALSE);
  guint8 *block = take (arena, 1 << 20);

  memset (block, 1, 1 << 20);
  g_assert_cmpuint (sf_arena_get_peak (arena), ==, 1 << 20);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/arena/best-fit", test_best_fit);
  g_test_add_func ("/arena/coalescing", test_coalescing);
  g_test_add_func ("/arena/fragmentation", test_fragmentation);
  g_test_add_func ("/arena/budget", test_budget);
  g_test_add_func ("/arena/dry", test_dry);
  g_test_add_func ("/arena/stress", test_stress);
  g_test_add_func ("/arena/plan", test_plan);
  g_test_add_func ("/arena/follow", test_follow);
  g_test_add_func ("/arena/plan-budget", test_plan_budget);
  g_test_add_func ("/arena/taken", test_taken);
  g_test_add_func ("/arena/address-limit", test_address_limit);
  g_test_add_func ("/arena/default-budget", test_default_budget);
  return g_test_run ();
}
