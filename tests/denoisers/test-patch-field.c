/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The closed-form denoiser at its heart: the exact posterior against a sum over all patches in double precision. */
#include "denoisers/sf-patch-field.h"

#include <math.h>
#include <string.h>

#include "base/sf-rng.h"
#include "picture.h"

/* D is the difference of terms of up to 147 * 20 * 1, in float: some hundred roundings of 1e-7 * their size. */
#define COST_TOLERANCE 2e-3
/* A weight is off by the cost's error / 2 sigma^2; means are of values below 1. */
#define MEAN_TOLERANCE(sigma) (2 * COST_TOLERANCE / (2 * (sigma) * (sigma)) + 1e-5)

typedef struct
{
  SfPatchImage *image;
  SfPatchField *field;
  guint8 *hole;
  float *z, *weight, *penalty;
} Setup;

static void
setup_clear (Setup *s)
{
  sf_patch_field_free (s->field);
  sf_patch_image_free (s->image);
  g_free (s->hole);
  g_free (s->z);
  g_free (s->weight);
  g_free (s->penalty);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Setup, setup_clear)

#define H 26
#define W 31

/* A random picture with a hole, and a frame that cuts the picture. */
static void
setup_init (Setup *s, int r, gboolean weighted, gboolean with_penalty, gboolean keep_content)
{
  g_autoptr (SfTensor) picture = picture_texture (H, W, 0, 9);
  g_autofree guint8 *state = picture_hole (H, W, 10, 12, 6, 5);
  const SfPatchFrame frame = { .h = 18, .w = 17, .y = 4, .x = 6 };

  *s = (Setup) { .image = sf_patch_image_new (picture, state, H, W, keep_content, FALSE, NULL, NULL) };
  s->hole = g_malloc (frame.h * frame.w);
  s->z = g_new0 (float, (frame.h * frame.w + 8) * 4);
  s->weight = g_new0 (float, (frame.h * frame.w + 8) * 4);
  for (int i = 0; i < frame.h * frame.w; i++)
    {
      gsize o = (gsize) (i / frame.w + frame.y) * W + i % frame.w + frame.x;
      float random[4];

      sf_rng_normal ((SfRng) { 2, i }, 0, random, 4);
      s->hole[i] = state[o] == SF_PIXEL_HOLE;
      for (int c = 0; c < 3; c++)
        s->z[i * 4 + c] = picture->data[o * 3 + c] + (s->hole[i] ? 0.3f * random[c] : 0);
      for (int c = 0; c < 4; c++)
        s->weight[i * 4 + c] = weighted && !s->hole[i] ? MIN (fabsf (random[3]) * 8, 20) : 1;
    }
  s->field = sf_patch_field_new (s->image, &frame, s->hole, s->hole, r, keep_content, NULL, NULL);
  g_assert_nonnull (s->field);
  memset (s->field->plain, !weighted, s->field->n_queries);
  if (with_penalty)
    {
      s->penalty = g_new (float, H *W);
      for (int i = 0; i < H * W; i++)
        s->penalty[i] = i * 37 % 100 / 1000.0f;
      g_assert_true (sf_patch_field_set_penalty (s->field, s->penalty, H, W, NULL, NULL));
    }
}

/* Cost of every source for query @i. */
static void
true_costs (const Setup *s, const SfPatchQuery *query, int i, double *d)
{
  const SfPatchField *field = s->field;
  const SfPatchFrame *f = &field->frame;
  const int r = field->r, side = 2 * r + 1, y = field->query[i] / f->w, x = field->query[i] % f->w;

  for (int k = 0; k < field->n_sources; k++)
    {
      int sy = field->sources[k] / W, sx = field->sources[k] % W, ey = sy - y - f->y, ex = sx - x - f->x;

      d[k] = query->mu * 3 * side * side * (ey * ey + ex * ex) / ((double) H * H + (double) W * W);
      d[k] += s->penalty != NULL ? (double) s->penalty[field->sources[k]] * 3 * side * side : 0;
      for (int j = 0; j < side * side * 3; j++)
        {
          int dy = j / 3 / side - r, dx = j / 3 % side - r, c = j % 3;
          gsize zi = ((gsize) (y + dy) * f->w + x + dx) * 4 + c;
          double e = (double) s->z[zi] - s->image->rgb[((gsize) (sy + dy) * W + sx + dx) * 4 + c];

          d[k] += s->weight[zi] * e * e;
        }
      if (ABS (ey) < query->exclude && ABS (ex) < query->exclude)
        d[k] = INFINITY;
    }
}

static void
check_query (const Setup *s, const SfPatchQuery *query, int i, const double *d, double tolerance)
{
  const SfPatchField *field = s->field;
  const int r = field->r, side = 2 * r + 1;
  double least = INFINITY, total = 0, mean[49 * 3] = { 0 };
  int own = -1;

  for (int k = 0; k < field->n_sources; k++)
    {
      least = MIN (least, d[k]);
      if (field->sources[k] == field->nn[i])
        own = k;
    }
  g_assert_cmpint (own, >=, 0);
  g_assert_true (fabs (field->cost[i] - least) <= tolerance);
  g_assert_true (d[own] <= least + 2 * tolerance);
  for (int k = 0; k < field->n_sources; k++)
    {
      double weight = exp ((least - d[k]) / (2 * query->sigma * query->sigma));
      const float *source = s->image->rgb + ((gsize) field->sources[k] - r * W - r) * 4;

      total += weight;
      for (int j = 0; j < side * side * 3; j++)
        mean[j] += weight * source[(j / 3 / side * W + j / 3 % side) * 4 + j % 3];
    }
  for (int j = 0; j < side * side * 3; j++)
    {
      double voted = field->means[((gsize) i * side * side + j / 3) * 4 + j % 3];

      g_assert_true (fabs (voted - mean[j] / total) <= MEAN_TOLERANCE (query->sigma) + (s->penalty ? tolerance / (query->sigma * query->sigma) : 0));
    }
}

static void
check_exact (int r, double sigma, gboolean weighted, gboolean priors, gboolean exclude)
{
  g_auto (Setup) s;
  SfPatchQuery query = { .sigma = sigma, .mu = priors ? 0.3 : 0, .exclude = exclude ? 4 : 0, .seed = 1 };
  g_autofree double *d = NULL;
  double tolerance = COST_TOLERANCE;

  setup_init (&s, r, weighted, priors, exclude);
  query.z = s.z;
  query.weight = s.weight;
  if (priors) /* penalties are kept as bytes: half a step of the largest */
    tolerance += 0.5 * s.field->fault_scale * 3 * (2 * r + 1) * (2 * r + 1);
  g_assert_true (sf_patch_field_search_exact (s.field, &query, NULL, NULL));
  g_assert_nonnull (s.field->means);
  d = g_new (double, s.field->n_sources);
  for (int i = 0; i < s.field->n_queries; i++)
    {
      true_costs (&s, &query, i, d);
      check_query (&s, &query, i, d, tolerance);
    }
}

static void
test_exact (void)
{
  for (int r = 1; r <= 3; r++)
    for (int bits = 0; bits < 8; bits++)
      {
        check_exact (r, 1, bits & 1, bits & 2, bits & 4);
        check_exact (r, 0.3, bits & 1, bits & 2, bits & 4);
      }
}

/* Which patches are queries, and which are sources. */
static void
test_queries (void)
{
  for (int r = 1; r <= 3; r++)
    for (int keep = 0; keep < 2; keep++)
      {
        g_auto (Setup) s;
        const SfPatchFrame *f;
        int n_queries = 0, n_sources = 0;

        setup_init (&s, r, FALSE, FALSE, keep);
        f = &s.field->frame;
        for (int y = r; y < f->h - r; y++)
          for (int x = r; x < f->w - r; x++)
            {
              gboolean touches = FALSE;

              for (int k = 0; k < (2 * r + 1) * (2 * r + 1); k++)
                touches |= s.hole[(y - r + k / (2 * r + 1)) * f->w + x - r + k % (2 * r + 1)];
              g_assert_cmpint (s.field->query_map[y * f->w + x] >= 0, ==, touches);
              n_queries += touches;
            }
        g_assert_cmpint (s.field->n_queries, ==, n_queries);
        for (int y = r; y < H - r; y++)
          for (int x = r; x < W - r; x++)
            {
              gboolean clean = TRUE;

              for (int k = 0; k < (2 * r + 1) * (2 * r + 1); k++)
                clean &= keep || s.image->state[(y - r + k / (2 * r + 1)) * W + x - r + k % (2 * r + 1)] == SF_PIXEL_KNOWN;
              n_sources += clean;
            }
        g_assert_cmpint (s.field->n_sources, ==, n_sources);
        g_assert_cmpint (sf_patch_count_sources (s.image, r, keep), ==, n_sources);
      }
}

/* What the hole shows is an exact copy of another place: a search that does not look at all pairs still finds it. */
static void
test_planted (void)
{
  const int side = 190;
  g_autoptr (SfTensor) picture = picture_texture (side, side, 0.7, 3);
  g_autofree guint8 *state = picture_hole (side, side, 20, 30, 24, 24), *hole = g_malloc0 (side * side);
  g_autoptr (SfPatchImage) image = sf_patch_image_new (picture, state, side, side, FALSE, FALSE, NULL, NULL);
  const SfPatchFrame frame = { .h = 36, .w = 36, .y = 14, .x = 24 };
  g_autoptr (SfPatchField) field = NULL;
  g_autofree float *z = g_new0 (float, (36 * 36 + 8) * 4), *weight = g_new0 (float, (36 * 36 + 8) * 4);
  SfPatchQuery query = { .z = z, .weight = weight, .sigma = 0.1, .seed = 4 };
  int found = 0;

  for (int y = 0; y < 36; y++)
    for (int x = 0; x < 36; x++)
      {
        hole[y * 36 + x] = state[(y + 14) * side + x + 24] == SF_PIXEL_HOLE;
        memcpy (z + (y * 36 + x) * 4, image->rgb + ((y + 114) * side + x + 124) * 4, 4 * sizeof (float));
        for (int c = 0; c < 4; c++)
          weight[(y * 36 + x) * 4 + c] = 1;
      }
  field = sf_patch_field_new (image, &frame, hole, hole, 3, FALSE, NULL, NULL);
  memset (field->plain, 1, field->n_queries);
  g_assert_cmpfloat ((double) field->n_queries * field->n_sources, >, SF_PATCH_EXACT_PAIRS);
  g_assert_true (sf_patch_field_search (field, &query, NULL, NULL));
  for (int i = 0; i < field->n_queries; i++)
    found += field->nn[i] == (field->query[i] / 36 + 114) * side + field->query[i] % 36 + 124;
  g_assert_cmpint (found, >, field->n_queries * 99 / 100);
}

/* Every query's source goes to where the coarse counterpart's source is in the finer picture. */
static void
check_lift (int h, int w, int ch, int cw)
{
  g_autoptr (SfTensor) picture = picture_texture (h, w, 1, 3);
  g_autofree guint8 *state = picture_hole (h, w, h / 4, w / 4, h / 4, w / 4);
  g_autofree guint8 *hole = g_malloc (h * w), *coarse_hole = g_malloc (ch * cw);
  g_autoptr (SfPatchImage) fine = sf_patch_image_new (picture, state, h, w, FALSE, FALSE, NULL, NULL);
  g_autoptr (SfPatchImage) coarse = sf_patch_image_new (picture, state, ch, cw, FALSE, FALSE, NULL, NULL);
  const SfPatchFrame frame = { .h = h, .w = w }, coarse_frame = { .h = ch, .w = cw };
  g_autoptr (SfPatchField) field = NULL, below = NULL;
  double sy = (double) h / ch, sx = (double) w / cw;
  int lifted = 0;

  for (int i = 0; i < h * w; i++)
    hole[i] = fine->state[i] == SF_PIXEL_HOLE;
  for (int i = 0; i < ch * cw; i++)
    coarse_hole[i] = coarse->state[i] == SF_PIXEL_HOLE;
  field = sf_patch_field_new (fine, &frame, hole, hole, 3, FALSE, NULL, NULL);
  below = sf_patch_field_new (coarse, &coarse_frame, coarse_hole, coarse_hole, 3, FALSE, NULL, NULL);
  for (int i = 0; i < below->n_queries; i++)
    below->nn[i] = below->sources[i * 31 % below->n_sources];
  g_assert_true (sf_patch_field_lift (field, below, NULL, NULL));
  for (int i = 0; i < field->n_queries; i++)
    {
      int y = field->query[i] / w, x = field->query[i] % w, q, nn;

      if (field->nn[i] < 0)
        continue;
      g_assert_cmpint (field->fault[field->nn[i]], !=, 255);
      q = below->query_map[(int) ((y + 0.5) / sy) * cw + (int) ((x + 0.5) / sx)];
      nn = below->nn[q];
      lifted++;
      /* the source's middle is the coarse source's, give or take the size of a coarse pixel */
      g_assert_cmpfloat (fabs (field->nn[i] / w + 0.5 - (nn / cw + 0.5) * sy), <=, sy + 0.5);
      g_assert_cmpfloat (fabs (field->nn[i] % w + 0.5 - (nn % cw + 0.5) * sx), <=, sx + 0.5);
    }
  g_assert_cmpint (lifted, >, field->n_queries / 2);
}

static void
test_lift (void)
{
  check_lift (64, 80, 32, 40);
  check_lift (64, 80, 45, 57);
  check_lift (61, 83, 61, 83);
}

/* An offset between query and source that is the same everywhere comes out of an exact halving doubled. */
static void
test_lift_offset (void)
{
  const int h = 64, w = 64;
  g_autoptr (SfTensor) picture = picture_texture (h, w, 1, 3);
  g_autofree guint8 *state = picture_hole (h, w, 8, 8, 16, 16), *hole = g_malloc (h * w), *coarse_hole = g_malloc (h * w);
  g_autoptr (SfPatchImage) fine = sf_patch_image_new (picture, state, h, w, FALSE, FALSE, NULL, NULL);
  g_autoptr (SfPatchImage) coarse = sf_patch_image_new (picture, state, h / 2, w / 2, FALSE, FALSE, NULL, NULL);
  const SfPatchFrame frame = { .h = h, .w = w }, coarse_frame = { .h = h / 2, .w = w / 2 };
  g_autoptr (SfPatchField) field = NULL, below = NULL;

  for (int i = 0; i < h * w; i++)
    hole[i] = fine->state[i] == SF_PIXEL_HOLE;
  for (int i = 0; i < h * w / 4; i++)
    coarse_hole[i] = coarse->state[i] == SF_PIXEL_HOLE;
  field = sf_patch_field_new (fine, &frame, hole, hole, 2, FALSE, NULL, NULL);
  below = sf_patch_field_new (coarse, &coarse_frame, coarse_hole, coarse_hole, 2, FALSE, NULL, NULL);
  for (int i = 0; i < below->n_queries; i++)
    below->nn[i] = below->query[i] + 14 * (w / 2) + 13;
  g_assert_true (sf_patch_field_lift (field, below, NULL, NULL));
  for (int i = 0; i < field->n_queries; i++)
    if (field->nn[i] >= 0)
      g_assert_cmpint (field->nn[i], ==, field->query[i] + 28 * w + 26);
}

/* No pixel is used more than once over, and only sources' pixels are. */
static void
test_usage (void)
{
  g_auto (Setup) s;
  g_autofree float *usage = g_new0 (float, H *W);

  setup_init (&s, 2, FALSE, FALSE, FALSE);
  for (int i = 0; i < s.field->n_queries; i++)
    s.field->nn[i] = i % 3 == 0 ? -1 : s.field->sources[i % 9];
  sf_patch_field_add_usage (s.field, usage);
  for (int i = 0; i < H * W; i++)
    {
      g_assert_true (usage[i] >= 0 && usage[i] <= 1);
      if (s.image->state[i] != SF_PIXEL_KNOWN)
        g_assert_cmpfloat (usage[i], ==, 0);
    }
  g_assert_cmpfloat (usage[s.field->sources[4]], >, 0.9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/patch-field/exact", test_exact);
  g_test_add_func ("/patch-field/queries", test_queries);
  g_test_add_func ("/patch-field/planted", test_planted);
  g_test_add_func ("/patch-field/lift", test_lift);
  g_test_add_func ("/patch-field/lift-offset", test_lift_offset);
  g_test_add_func ("/patch-field/usage", test_usage);
  return g_test_run ();
}
