/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The largest first, each as low as it can lie beside those that have a place already: "greedy by size" of Pisarchyk and Lee 2020,
 * "Efficient memory management for deep neural net inference".
 */
#include "tensor/sf-memory-plan.h"

/* The largest first; of the same size the oldest. */
static int
compare_spans (gconstpointer a, gconstpointer b)
{
  const SfSpan *x = *(const SfSpan *const *) a, *y = *(const SfSpan *const *) b;

  return x->size != y->size ? (x->size < y->size) - (x->size > y->size) : (x->birth > y->birth) - (x->birth < y->birth);
}

/* @placed: in the order of their begins; @span goes in among them. */
static void
place (GPtrArray *placed, SfSpan *span)
{
  gsize low = 0;
  guint index;

  for (index = 0; index < placed->len; index++)
    {
      const SfSpan *other = g_ptr_array_index (placed, index);

      if (other->death <= span->birth || span->death <= other->birth)
        continue;
      if (other->begin >= low + span->size)
        break;
      low = MAX (low, other->begin + other->size);
    }
  span->begin = low;
  for (index = 0; index < placed->len && ((SfSpan *) g_ptr_array_index (placed, index))->begin < low; index++)
    ;
  g_ptr_array_insert (placed, index, span);
}

gsize
sf_memory_plan (SfSpan *spans, guint n)
{
  g_autoptr (GPtrArray) order = g_ptr_array_new (), placed = g_ptr_array_new ();
  gsize end = 0;

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (order, &spans[i]);
  g_ptr_array_sort (order, compare_spans);
  for (guint i = 0; i < n; i++)
    {
      SfSpan *span = g_ptr_array_index (order, i);

      place (placed, span);
      end = MAX (end, span->begin + span->size);
    }
  return end;
}
