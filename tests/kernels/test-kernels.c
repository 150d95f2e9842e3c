/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every flavour of the inner loops against plain loops in double precision that are written here, and against the
 * baseline flavour.  The data are random, the seeds fixed.
 */
#include "kernels/sf-kernels.h"

#include <float.h>
#include <string.h>

#include "numbers.h"

/* A sum of up to 3 * 49 positive terms in float, in another order: 147 roundings of 6e-8, and room for those within. */
#define COST_TOLERANCE 3e-5
/* A mean of up to 49 values of size 1: its error is a few roundings; the shared exponential is good to 1e-6. */
#define VOTE_TOLERANCE 2e-5
/* The documented error of the shared exponential, and its argument's rounding: |x| <= 87, 6e-8 each. */
#define EXP_TOLERANCE 1.2e-5
/* Share of queries where two flavours may choose differently: candidates that cost the same to the last digits. */
#define TIES 0.002

/* Random pixels, the fourth lane 0 as the header demands. */
static float *
random_pixels (guint64 stream, gsize n)
{
  float *x = noise (stream, (n + SF_PATCH_PAD) * 4);

  for (gsize i = 0; i < n + SF_PATCH_PAD; i++)
    x[i * 4 + 3] = 0;
  return x;
}

/*** Search ***/

typedef struct
{
  int r;
  gboolean weighted, wrap, priors;
} Case;

typedef struct
{
  SfPatchSearch search;
  float *z, *weight, *s;
  guint8 *fault, *plain, *detail;
  float *budget;
  gint32 *sources, *query_map, *query, *old, *nn;
  float *cost;
  int n_queries;
} Problem;

#define SIDE_H 41
#define SIDE_W 53
#define STATE_H 23
#define STATE_W 29

static void
problem_clear (Problem *p)
{
  g_free (p->z);
  g_free (p->weight);
  g_free (p->s);
  g_free (p->fault);
  g_free (p->plain);
  g_free (p->detail);
  g_free (p->budget);
  g_free (p->sources);
  g_free (p->query_map);
  g_free (p->query);
  g_free (p->old);
  g_free (p->nn);
  g_free (p->cost);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Problem, problem_clear)

/* A state of random pixels, a dictionary of random pixels in which every ninth place is no source. */
static void
problem_init (Problem *p, const Case *c)
{
  const int r = c->r, pad = c->wrap ? r : 0, zh = STATE_H + 2 * pad, zw = STATE_W + 2 * pad, edge = c->wrap ? 0 : r;
  int n_sources = 0, n = 0;

  *p = (Problem) { 0 };
  p->z = random_pixels (1, (gsize) zh * zw);
  p->s = random_pixels (2, SIDE_H * SIDE_W);
  p->weight = random_pixels (3, (gsize) zh * zw);
  for (int i = 0; i < (zh * zw + SF_PATCH_PAD); i++)
    {
      float w = c->weighted ? fabsf (p->weight[i * 4]) * 3 : 1;

      for (int k = 0; k < 4; k++)
        p->weight[i * 4 + k] = w;
    }
  p->fault = g_malloc (SIDE_H * SIDE_W);
  p->sources = g_new (gint32, SIDE_H * SIDE_W);
  for (int i = 0; i < SIDE_H * SIDE_W; i++)
    {
      int y = i / SIDE_W, x = i % SIDE_W;

      if (y < r || x < r || y >= SIDE_H - r || x >= SIDE_W - r || i % 9 == 0)
        p->fault[i] = SF_FAULT_NEVER;
      else
        {
          p->fault[i] = c->priors ? (guint8) (i * 7 % SF_FAULT_MAX) : 0;
          p->sources[n_sources++] = i;
        }
    }
  p->query_map = g_new (gint32, STATE_H * STATE_W);
  p->query = g_new (gint32, STATE_H * STATE_W);
  p->plain = g_malloc (STATE_H * STATE_W);
  p->nn = g_new (gint32, STATE_H * STATE_W);
  p->old = g_new (gint32, STATE_H * STATE_W);
  p->cost = g_new (float, STATE_H *STATE_W);
  p->budget = g_new (float, STATE_H *STATE_W);
  p->detail = g_malloc (SIDE_H * SIDE_W);
  for (int i = 0; i < SIDE_H * SIDE_W; i++)
    p->detail[i] = (guint8) (i * 11 % 200);
  for (int i = 0; i < STATE_H * STATE_W; i++)
    {
      int y = i / STATE_W, x = i % STATE_W;
      gboolean is_query = y >= edge && x >= edge && y < STATE_H - edge && x < STATE_W - edge && i % 7 != 0;

      p->query_map[i] = is_query ? n : -1;
      if (!is_query)
        continue;
      p->query[n] = i;
      p->plain[n] = !c->weighted;
      p->budget[n] = 40 + i * 13 % 150 + 0.25f;
      p->nn[n] = n % 5 == 0 ? -1 : p->sources[(n * 131) % n_sources];
      n++;
    }
  p->n_queries = n;
  p->search = (SfPatchSearch) {
    .z = p->z,
    .weight = p->weight,
    .zw = zw,
    .s = p->s,
    .sh = SIDE_H,
    .sw = SIDE_W,
    .fault = p->fault,
    .fault_scale = 0.01f,
    .sources = p->sources,
    .n_sources = n_sources,
    .qh = STATE_H,
    .qw = STATE_W,
    .query_map = p->query_map,
    .query = p->query,
    .plain = p->plain,
    .pad_y = pad,
    .pad_x = pad,
    .dy = c->priors ? 9 : 0,
    .dx = c->priors ? 11 : 0,
    .r = r,
    .mu = c->priors ? 0.003f : 0,
    .coherence = 1,
    .exclude = c->priors ? 4 : 0,
    .n_random = 6,
    .radius = SIDE_W / 2,
    .seed = 77,
    .old = p->old,
    .nn = p->nn,
    .cost = p->cost,
    .detail = c->priors ? p->detail : NULL,
    .budget = p->budget,
    .detail_scale = 3,
  };
}

/* What the header says that source @s costs query @i; infinite where it is forbidden. */
static double
true_cost (const Problem *p, int i, int s)
{
  const SfPatchSearch *m = &p->search;
  int qy = m->query[i] / m->qw, qx = m->query[i] % m->qw, sy = s / m->sw, sx = s % m->sw;
  int ey = sy - qy - m->dy, ex = sx - qx - m->dx;
  double sum = (double) m->fault[s] * m->fault_scale + (double) m->mu * (ey * ey + ex * ex);

  if (m->detail != NULL)
    sum += CLAMP (m->detail[s] - m->budget[i], 0, SF_DETAIL_STEPS) * m->detail_scale / SF_DETAIL_STEPS;
  if (m->fault[s] == SF_FAULT_NEVER || (ABS (ey) < m->exclude && ABS (ex) < m->exclude))
    return INFINITY;
  for (int dy = -m->r; dy <= m->r; dy++)
    for (int dx = -m->r; dx <= m->r; dx++)
      for (int c = 0; c < 3; c++)
        {
          gsize zi = ((gsize) (qy + m->pad_y + dy) * m->zw + qx + m->pad_x + dx) * 4 + c;
          double d = (double) m->z[zi] - m->s[((sy + dy) * m->sw + sx + dx) * 4 + c];

          sum += (m->plain[i] ? 1 : m->weight[zi]) * d * d;
        }
  return sum;
}

static void
assert_costs (const Problem *p)
{
  for (int i = 0; i < p->n_queries; i++)
    {
      double expected;

      g_assert_cmpint (p->nn[i], >=, 0);
      expected = true_cost (p, i, p->nn[i]);
      assert_near (p->cost[i], expected, COST_TOLERANCE * expected);
    }
}

static void
assert_alike (const Problem *p, const gint32 *nn)
{
  int different = 0;

  for (int i = 0; i < p->n_queries; i++)
    different += p->nn[i] != nn[i];
  g_assert_cmpfloat (different, <=, TIES * p->n_queries);
}

/* One search: scores, then improves some times.  After each step the costs are those of the twin. */
static void
run_search (const SfKernels *k, Problem *p)
{
  g_autofree gint32 *given = g_memdup2 (p->nn, p->n_queries * sizeof (gint32));
  g_autofree float *before = NULL;

  k->patch_score (&p->search, 0, p->n_queries);
  assert_costs (p);
  for (int i = 0; i < p->n_queries; i++)
    if (given[i] >= 0 && isfinite (true_cost (p, i, given[i])))
      g_assert_cmpint (p->nn[i], ==, given[i]);
  for (int t = 0; t < 4; t++)
    {
      double sum = 0, sum_before = 0;

      g_free (before);
      before = g_memdup2 (p->cost, p->n_queries * sizeof (float));
      memcpy (p->old, p->nn, p->n_queries * sizeof (gint32));
      p->search.iteration = t;
      k->patch_improve (&p->search, 0, p->n_queries);
      assert_costs (p);
      for (int i = 0; i < p->n_queries; i++)
        {
          g_assert_cmpfloat (p->cost[i], <=, before[i]); /* coherence is 1: nothing is taken that costs more */
          sum += p->cost[i];
          sum_before += before[i];
        }
      g_assert_cmpfloat (sum, <, sum_before);
    }
}

static void
test_search (gconstpointer data)
{
  const Case *c = data;
  g_autofree gint32 *reference = NULL;

  FOR_EACH_FLAVOUR (k)
  {
    g_auto (Problem) p;

    problem_init (&p, c);
    run_search (k, &p);
    if (reference == NULL)
      reference = g_memdup2 (p.nn, p.n_queries * sizeof (gint32));
    else
      assert_alike (&p, reference);
  }
}

/* Tiles of any size give the same as one. */
static void
test_tiles (void)
{
  FOR_EACH_FLAVOUR (k)
  {
    const Case c = { 3, TRUE, FALSE, TRUE };
    g_auto (Problem) whole, tiles;

    problem_init (&whole, &c);
    problem_init (&tiles, &c);
    k->patch_score (&whole.search, 0, whole.n_queries);
    for (int i = 0; i < tiles.n_queries; i += 13)
      k->patch_score (&tiles.search, i, MIN (i + 13, tiles.n_queries));
    memcpy (whole.old, whole.nn, whole.n_queries * sizeof (gint32));
    memcpy (tiles.old, tiles.nn, tiles.n_queries * sizeof (gint32));
    k->patch_improve (&whole.search, 0, whole.n_queries);
    for (int i = 0; i < tiles.n_queries; i += 13)
      k->patch_improve (&tiles.search, i, MIN (i + 13, tiles.n_queries));
    g_assert_cmpmem (whole.nn, whole.n_queries * sizeof (gint32), tiles.nn, tiles.n_queries * sizeof (gint32));
    g_assert_cmpmem (whole.cost, whole.n_queries * sizeof (float), tiles.cost, tiles.n_queries * sizeof (float));
  }
}

/* The state is a piece of the dictionary, and one query knows its place: propagation tells all the others. */
static void
test_propagation (void)
{
  FOR_EACH_FLAVOUR (k)
  {
    const Case c = { 2, FALSE, FALSE, FALSE };
    g_auto (Problem) p;
    int found = 0;

    problem_init (&p, &c);
    for (int y = 0; y < STATE_H; y++)
      memcpy (p.z + y * STATE_W * 4, p.s + ((y + 10) * SIDE_W + 12) * 4, STATE_W * 4 * sizeof (float));
    p.search.n_random = 0;
    p.search.coherence = 1.5f;
    p.nn[p.n_queries / 2] = (p.query[p.n_queries / 2] / STATE_W + 10) * SIDE_W + p.query[p.n_queries / 2] % STATE_W + 12;
    p.fault[p.nn[p.n_queries / 2]] = 0;
    k->patch_score (&p.search, 0, p.n_queries);
    g_assert_cmpfloat (p.cost[p.n_queries / 2], ==, 0);
    for (int t = 0; t < 40; t++)
      {
        memcpy (p.old, p.nn, p.n_queries * sizeof (gint32));
        p.search.iteration = t;
        k->patch_improve (&p.search, 0, p.n_queries);
      }
    for (int i = 0; i < p.n_queries; i++)
      found += p.cost[i] == 0;
    g_assert_cmpint (found, >, p.n_queries * 7 / 10); /* one place in nine is no source, and bars the way of a few more */
  }
}

/*** Vote ***/

#define VOTE_H 19
#define VOTE_W 22

typedef struct
{
  double v[3], w;
} Vote;

static void
weighted_mean (const Vote *votes, int n, double scale, double mean[3])
{
  double total = 0, sum[3] = { 0 };

  for (int i = 0; i < n; i++)
    {
      double d = 0, w;

      for (int c = 0; c < 3; c++)
        d += (votes[i].v[c] - mean[c]) * (votes[i].v[c] - mean[c]);
      w = votes[i].w * (scale > 0 ? exp (-d * scale) + 1e-9 : 1);
      total += w;
      for (int c = 0; c < 3; c++)
        sum[c] += w * votes[i].v[c];
    }
  for (int c = 0; c < 3; c++)
    mean[c] = sum[c] / total;
}

/* The vote of pixel (y, x), as the header says it; FALSE when nothing votes. */
static gboolean
true_vote (const SfPatchVote *m, int y, int x, double mean[3])
{
  Vote votes[49];
  int n = 0, side = 2 * m->r + 1;

  for (int cy = y - m->r; cy <= y + m->r; cy++)
    for (int cx = x - m->r; cx <= x + m->r; cx++)
      {
        int wy = m->wrap_y ? (cy + m->qh) % m->qh : cy, wx = m->wrap_x ? (cx + m->qw) % m->qw : cx;
        gsize q = (gsize) wy * m->qw + wx;

        if (wy < 0 || wx < 0 || wy >= m->qh || wx >= m->qw || m->weight[q] <= 0)
          continue;
        for (int c = 0; c < 3; c++)
          votes[n].v[c] = m->s[m->centre[q] + (y - cy) * (gssize) m->row + (x - cx) * 4 + c];
        votes[n++].w = m->weight[q] * m->window[(y - cy + m->r) * side + x - cx + m->r];
      }
  if (n == 0)
    return FALSE;
  weighted_mean (votes, n, 0, mean);
  for (int pass = 0; pass < 2 && m->robust > 0; pass++)
    weighted_mean (votes, n, 1 / (2.0 * m->robust * m->robust), mean);
  return TRUE;
}

/* @contrast: of the pictures that the patches are copied from. */
static void
check_vote (const SfKernels *k, int r, gboolean wrap_y, gboolean wrap_x, float robust, float contrast)
{
  g_autofree float *s = random_pixels (21, SIDE_H * SIDE_W), *random = noise (22, VOTE_H * VOTE_W);
  g_autofree float *window = noise (23, 49), *out = g_new0 (float, VOTE_H *VOTE_W * 4);
  gsize centre[VOTE_H * VOTE_W];
  float weight[VOTE_H * VOTE_W];
  gint32 pixel[VOTE_H * VOTE_W];
  SfPatchVote vote = {
    .s = s,
    .row = SIDE_W * 4,
    .centre = centre,
    .weight = weight,
    .window = window,
    .qh = VOTE_H,
    .qw = VOTE_W,
    .r = r,
    .wrap_y = wrap_y,
    .wrap_x = wrap_x,
    .robust = robust,
    .pixel = pixel,
    .out = out,
  };

  for (int i = 0; i < SIDE_H * SIDE_W * 4; i++)
    s[i] *= contrast;
  for (int i = 0; i < 49; i++)
    window[i] = fabsf (window[i]) + 0.1f;
  for (int i = 0; i < VOTE_H * VOTE_W; i++)
    {
      int y = r + i * 17 % (SIDE_H - 2 * r), x = r + i * 29 % (SIDE_W - 2 * r);

      centre[i] = ((gsize) y * SIDE_W + x) * 4;
      weight[i] = i % 3 == 0 || i / VOTE_W < 2 * r + 1 ? 0 : fabsf (random[i]) + 1e-6f; /* the top has no votes */
      pixel[i] = i;
    }
  for (int i = 0; i < VOTE_H * VOTE_W * 4; i++)
    out[i] = -7;
  k->patch_vote (&vote, 0, VOTE_H * VOTE_W);
  for (int i = 0; i < VOTE_H * VOTE_W; i++)
    {
      double mean[3] = { -7, -7, -7 };

      true_vote (&vote, i / VOTE_W, i % VOTE_W, mean);
      for (int c = 0; c < 3; c++)
        assert_near (out[i * 4 + c], mean[c], VOTE_TOLERANCE);
      g_assert_cmpfloat (out[i * 4 + 3], ==, -7);
    }
}

static void
test_vote (void)
{
  FOR_EACH_FLAVOUR (k)
  for (int r = 1; r <= SF_PATCH_MAX_RADIUS; r++)
    for (int wrap = 0; wrap < 4; wrap++)
      {
        check_vote (k, r, wrap & 1, wrap >> 1, 0, 1);
        check_vote (k, r, wrap & 1, wrap >> 1, 0.2f, 0.3f);
        check_vote (k, r, wrap & 1, wrap >> 1, 0.2f, 0.003f); /* votes agree: the shortcut */
        check_vote (k, r, wrap & 1, wrap >> 1, 0.02f, 0.3f);  /* and hardly do: only the nearest count */
      }
}

/*** Vectors ***/

static void
test_combine (void)
{
  g_autofree float *x = noise (31, 1000), *y = noise (32, 1000);

  FOR_EACH_FLAVOUR (k)
  for (int n = 0; n < 70; n += 1 + n / 8)
    {
      float out[80], in_place[80];

      for (int i = 0; i < 80; i++)
        out[i] = in_place[i] = x[i];
      k->combine (out, 0.7f, x, -1.3f, y, n);
      k->combine (in_place, 0.7f, in_place, -1.3f, y, n);
      for (int i = 0; i < 80; i++)
        {
          /* one product and one sum, fused or not */
          assert_near (out[i], i < n ? 0.7 * x[i] - 1.3 * y[i] : x[i], 4e-7 * (fabs (x[i]) + fabs (y[i]) + 1));
          g_assert_cmpfloat (in_place[i], ==, out[i]);
        }
    }
}

static void
check_softmin (const SfKernels *k, const float *d, gsize n, float scale)
{
  g_autofree float *w = g_memdup2 (d, n * sizeof (float));
  float least = d[0], sum;
  double total = 0;

  for (gsize i = 0; i < n; i++)
    least = MIN (least, d[i]);
  sum = k->softmin (w, n, least, scale);
  for (gsize i = 0; i < n; i++)
    {
      double expected = exp (((double) least - d[i]) * scale);

      assert_near (w[i], expected, EXP_TOLERANCE * expected + 1e-37); /* e^-87, below which it is 0 */
      total += expected;
    }
  assert_near (sum, total, EXP_TOLERANCE * total);
}

static void
test_softmin (void)
{
  g_autofree float *d = noise (41, 1000);

  for (int i = 0; i < 1000; i++)
    d[i] = fabsf (d[i]) * 3;
  FOR_EACH_FLAVOUR (k)
  for (gsize n = 1; n <= 1000; n += 1 + n / 3)
    {
      check_softmin (k, d, n, 0.5f);
      check_softmin (k, d, n, 20);
      check_softmin (k, d, n, 500); /* most weights are 0 */
    }
}

/*** Table ***/

static void
test_table (void)
{
  int n;
  const SfKernels *const *all = sf_kernels_all (&n);

  g_assert_cmpint (n, >=, 1);
  g_assert_cmpstr (all[0]->name, ==, "baseline");
  if (g_getenv ("SFUMATO_ISA") == NULL)
    g_assert_true (sf_kernels () == all[n - 1]);
  for (int i = 0; i < n; i++)
    g_test_message ("flavour: %s", all[i]->name);
}

int
main (int argc, char **argv)
{
  static Case cases[24];
  int n = 0;

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kernels/table", test_table);
  for (int r = 1; r <= SF_PATCH_MAX_RADIUS; r++)
    for (int bits = 0; bits < 8; bits++)
      {
        Case *c = &cases[n++];
        g_autofree char *path = NULL;

        *c = (Case) { r, bits & 1, (bits >> 1) & 1, bits >> 2 };
        path = g_strdup_printf ("/kernels/search/radius-%d/%s/%s/%s", r, c->weighted ? "weighted" : "plain",
                                c->wrap ? "wrapped" : "flat", c->priors ? "priors" : "bare");
        g_test_add_data_func (path, c, test_search);
      }
  g_test_add_func ("/kernels/tiles", test_tiles);
  g_test_add_func ("/kernels/propagation", test_propagation);
  g_test_add_func ("/kernels/vote", test_vote);
  g_test_add_func ("/kernels/combine", test_combine);
  g_test_add_func ("/kernels/softmin", test_softmin);
  return g_test_run ();
}
