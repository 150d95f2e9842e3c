/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Three sets of pixels: the band (known, at most T from the hole), the outer band beyond it (O), and the object proper:
 * what is in the hole and is not found in O (I).  A band pixel with colour distance d_O to O and d_I to I, each within
 * 3 T + 2 px, is a sliver if d_O > 0.15 and d_I < d_O / 4.  T is a fifth of the hole, 3 to 6 px.
 */
#include "denoisers/sf-patch-sliver.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "tensor/sf-image.h"

#define STRANGE 0.15f    /* RMS colour distance to what lies outside */
#define RELATED 0.25f    /* of that distance, to the object */
#define DOUBTFUL 0.06f   /* enough next to a sliver */
#define PROPER 0.1f      /* distance of the object proper to all that lies outside */

enum
{
  BAND = 1,
  OUTER = 2,
  OBJECT = 4
};

static inline float
color_distance (const float *a, const float *b)
{
  float d0 = a[0] - b[0], d1 = a[1] - b[1], d2 = a[2] - b[2];

  return sqrtf ((d0 * d0 + d1 * d1 + d2 * d2) / 3);
}

/* The smallest colour distance of pixel (y, x) to those of @set at most @reach px away. */
static float
nearest (const SfPatchImage *image, const guint8 *sets, guint8 set, int y, int x, int reach)
{
  const float *rgb = image->full + ((gsize) y * image->w + x) * 4;
  float least = 9;

  for (int dy = MAX (-reach, -y); dy <= MIN (reach, image->h - 1 - y); dy++)
    for (int dx = MAX (-reach, -x); dx <= MIN (reach, image->w - 1 - x); dx++)
      {
        gsize i = (gsize) (y + dy) * image->w + x + dx;

        if ((sets[i] & set) && dy * dy + dx * dx <= reach * reach)
          least = MIN (least, color_distance (rgb, image->full + i * 4));
      }
  return least;
}

/* Pixels by rows, each judged by itself; what is written is not read. */
typedef struct
{
  const SfPatchImage *image;
  int t, reach;
  guint8 *sets;
  const gsize *outer; /* the pixels of OUTER */
  gsize n_outer;
  guint8 *sliver, *doubtful;
} Study;

/* The object proper is not found outside. */
static void
object_rows (gsize begin, gsize end, gpointer data)
{
  const Study *s = data;
  const float *full = s->image->full;

  for (gsize i = begin * s->image->w; i < end * s->image->w; i++)
    for (gsize o = 0; o < s->n_outer && s->sets[i] == OBJECT; o++)
      if (color_distance (full + i * 4, full + s->outer[o] * 4) <= PROPER)
        s->sets[i] = 0;
}

static gboolean
make_sets (Study *s, const SfProgress *progress, GError **error)
{
  const SfPatchImage *image = s->image;
  const int t = s->t;
  gsize n = (gsize) image->h * image->w;
  gboolean done;
  g_autofree float *known = sf_try_alloc (n, sizeof (float), error);
  g_autofree float *inside = sf_try_alloc (n, sizeof (float), error);
  g_autofree gsize *outer = sf_try_alloc (n, sizeof (gsize), error);

  if (known == NULL || inside == NULL || outer == NULL)
    return FALSE;
  sf_distance_transform (image->state, SF_PIXEL_KNOWN, image->h, image->w, FALSE, known, sf_progress_cancellable (progress));
  sf_distance_transform (image->state, SF_PIXEL_HOLE, image->h, image->w, FALSE, inside, sf_progress_cancellable (progress));
  for (gsize i = 0; i < n; i++)
    {
      s->sets[i] = 0;
      if (image->state[i] == SF_PIXEL_KNOWN && known[i] <= t)
        s->sets[i] = BAND;
      else if (image->state[i] == SF_PIXEL_KNOWN && known[i] > t + 0.5f && known[i] <= 3 * t + 2)
        {
          s->sets[i] = OUTER;
          outer[s->n_outer++] = i;
        }
      else if (image->state[i] == SF_PIXEL_HOLE && inside[i] > 1)
        s->sets[i] = OBJECT;
    }
  s->outer = outer;
  done = sf_patch_for (image->h, 1, object_rows, s, progress, error);
  s->outer = NULL;
  return done;
}

static void
band_rows (gsize begin, gsize end, gpointer data)
{
  const Study *s = data;
  const int h = s->image->h, w = s->image->w, t = s->t;

  for (int y = MAX ((int) begin, 2 * t); y < MIN ((int) end, h - 2 * t); y++)
    for (int x = 2 * t; x < w - 2 * t; x++)
      {
        gsize i = (gsize) y * w + x;
        float outer, object;

        if (s->sets[i] != BAND)
          continue;
        outer = nearest (s->image, s->sets, OUTER, y, x, s->reach);
        object = nearest (s->image, s->sets, OBJECT, y, x, s->reach);
        s->doubtful[i] = outer > DOUBTFUL;
        s->sliver[i] = outer > STRANGE && object < RELATED * outer;
      }
}

/* In place: pixels equal to @from that touch one equal to @to (8 neighbours), if @allowed, become @to; until none does
 * or @times.  */
static void
grow (guint8 *mark, const guint8 *allowed, int h, int w, guint8 from, guint8 to, int times)
{
  gboolean changed = TRUE;

  while (changed && times-- > 0)
    {
      g_autofree guint8 *before = g_memdup2 (mark, (gsize) h * w);

      changed = FALSE;
      for (int y = 1; y < h - 1; y++)
        for (int x = 1; x < w - 1; x++)
          {
            gsize i = (gsize) y * w + x;

            if (before[i] != from || (allowed != NULL && !allowed[i]))
              continue;
            for (int k = 0; k < 9 && mark[i] == from; k++)
              if (before[i + (k / 3 - 1) * (gssize) w + k % 3 - 1] == to)
                {
                  mark[i] = to;
                  changed = TRUE;
                }
          }
    }
}

int
sf_patch_find_slivers (const SfPatchImage *image, double hole, guint8 *sliver, const SfProgress *progress, GError **error)
{
  const int h = image->h, w = image->w, t = CLAMP ((int) lrint (0.2 * hole), 3, 6);
  gsize n = (gsize) h * w;
  g_autofree guint8 *sets = sf_try_alloc (n, 1, error), *doubtful = sf_try_alloc (n, 1, error);
  Study study = { .image = image, .t = t, .reach = 3 * t + 2, .sets = sets, .sliver = sliver, .doubtful = doubtful };
  int count = 0;

  memset (sliver, 0, n);
  if (sets == NULL || doubtful == NULL || !make_sets (&study, progress, error) ||
      !sf_patch_for (h, 1, band_rows, &study, progress, error))
    return -1;
  grow (sliver, doubtful, h, w, 0, 1, 2);
  /* only what hangs together with the hole: 2 = reached */
  for (gsize i = 0; i < n; i++)
    if (image->state[i] == SF_PIXEL_HOLE)
      sliver[i] = 2;
  grow (sliver, NULL, h, w, 1, 2, h + w);
  for (gsize i = 0; i < n; i++)
    sliver[i] = sliver[i] == 2 && image->state[i] != SF_PIXEL_HOLE;
  grow (sliver, NULL, h, w, 0, 1, 1);
  for (gsize i = 0; i < n; i++)
    {
      sliver[i] = sliver[i] && image->state[i] == SF_PIXEL_KNOWN;
      count += sliver[i];
    }
  return count;
}
