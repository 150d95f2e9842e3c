/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sfumato bench samplers DIR: a picture of every sampler, one SVG file for each family, and a page about them.
 *
 * A row for each sampler: the ways of some points from noise to the modes of a mixture, and its error against the number of evaluations
 * among those of all others.
 */
#include "sf-tell.h"

#include "sf-config.h"

#include <gio/gio.h>
#include <glib/gi18n.h>
#include <math.h>
#include <string.h>

#include "sfumato.h"

#define POINTS 2048
#define PATHS 24
#define PATH_STEPS 16

static const int budgets[] = { 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96 }; /* evaluations */

/* One curve. */
typedef struct
{
  const SfSampler *sampler;
  int n;
  SfTrial trial[G_N_ELEMENTS (budgets)];
} Curve;

static gboolean
measure (const SfSampler *sampler, const SfTrialGround *ground, Curve *curve, GError **error)
{
  *curve = (Curve) { .sampler = sampler };
  for (gsize i = 0; i < G_N_ELEMENTS (budgets); i++)
    {
      SfTrial *trial = &curve->trial[curve->n];
      int steps = budgets[i];

      while (steps > 1 && sf_sampler_evaluations (sampler, steps) > budgets[i])
        steps--;
      if (!sf_sampler_try (sampler, steps, ground, trial, error))
        return FALSE;
      if (curve->n == 0 || trial->evaluations > trial[-1].evaluations)
        curve->n++;
    }
  return TRUE;
}

/*** Drawing ***/

#define ROW 170    /* height of a row */
#define SIDE 150   /* of its two pictures */
#define CHART 300  /* width of the chart */
#define CHART_X (SIDE + 50)
#define TEXT_X (CHART_X + CHART + 20)
#define WIDTH (TEXT_X + 430)

#define LEAST_ERROR 1e-4
#define MOST_ERROR 3.0

static double
chart_x (double evaluations)
{
  return CHART_X + CHART * log (evaluations) / log (96);
}

static double
chart_y (double error)
{
  return SIDE * log (MOST_ERROR / CLAMP (error, LEAST_ERROR, MOST_ERROR)) / log (MOST_ERROR / LEAST_ERROR);
}

static void
draw_curve (GString *svg, const Curve *curve, const char *style)
{
  g_string_append_printf (svg, "<polyline class=\"%s\" points=\"", style);
  for (int i = 0; i < curve->n; i++)
    g_string_append_printf (svg, "%.1f,%.1f ", chart_x (curve->trial[i].evaluations), chart_y (curve->trial[i].error));
  g_string_append (svg, "\"/>\n");
  if (g_str_equal (style, "this"))
    for (int i = 0; i < curve->n; i++)
      g_string_append_printf (svg, "<circle r=\"2.5\" cx=\"%.1f\" cy=\"%.1f\"/>\n", chart_x (curve->trial[i].evaluations),
                              chart_y (curve->trial[i].error));
}

static void
draw_chart (GString *svg, const Curve *curves, int n, const Curve *curve)
{
  static const int ticks[] = { 1, 2, 4, 8, 16, 32, 64 };

  g_string_append_printf (svg, "<rect class=\"frame\" x=\"%d\" width=\"%d\" height=\"%d\"/>\n", CHART_X, CHART, SIDE);
  for (gsize i = 0; i < G_N_ELEMENTS (ticks); i++)
    g_string_append_printf (svg, "<text class=\"tick\" x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%d</text>\n", chart_x (ticks[i]), SIDE + 12, ticks[i]);
  for (int e = -4; e <= 0; e++)
    g_string_append_printf (svg,
                            "<line class=\"grid\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                            "<text class=\"tick\" x=\"%d\" y=\"%.1f\" text-anchor=\"end\">1e%d</text>\n",
                            CHART_X, CHART_X + CHART, chart_y (pow (10, e)), chart_y (pow (10, e)), CHART_X - 4, chart_y (pow (10, e)) + 4, e);
  for (int i = 0; i < n; i++)
    if (curves[i].trial[0].of_distribution == curve->trial[0].of_distribution)
      draw_curve (svg, &curves[i], "other");
  if (curve->trial[0].floor > 0)
    g_string_append_printf (svg, "<line class=\"floor\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>\n", CHART_X, CHART_X + CHART,
                            chart_y (curve->trial[0].floor), chart_y (curve->trial[0].floor));
  draw_curve (svg, curve, "this");
}

static double
path_x (double x)
{
  return SIDE / 2 * (1 + x / 1.8);
}

typedef struct
{
  GString *path[PATHS];
} Paths;

static void
add_points (const SfTensor *points, double sigma, gpointer data)
{
  Paths *paths = data;

  for (int i = 0; i < PATHS; i++)
    g_string_append_printf (paths->path[i], "%.1f,%.1f ", path_x (points->data[2 * i]), SIDE - path_x (points->data[2 * i + 1]));
}

static gboolean
draw_paths (GString *svg, const SfSampler *sampler, int row, GError **error)
{
  static const char *const colors[] = { "#1f77b4", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17a2b8", "#bc8f00", "#555" };
  Paths paths;
  gboolean done;

  for (int i = 0; i < PATHS; i++)
    paths.path[i] = g_string_new (NULL);
  done = sf_sampler_follow (sampler, PATH_STEPS, PATHS, add_points, &paths, error);
  g_string_append_printf (svg, "<clipPath id=\"c%d\"><rect width=\"%d\" height=\"%d\"/></clipPath><rect class=\"frame\" width=\"%d\" height=\"%d\"/>"
                               "<g clip-path=\"url(#c%d)\">\n",
                          row, SIDE, SIDE, SIDE, SIDE, row);
  for (int m = 0; m < SF_MIXTURE_MODES; m++)
    g_string_append_printf (svg, "<circle class=\"mode\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"/>\n", path_x (sf_mixture_mean[m][0]),
                            SIDE - path_x (sf_mixture_mean[m][1]), 2 * sf_mixture_deviation * SIDE / 3.6);
  for (int i = 0; i < PATHS; i++)
    {
      g_string_append_printf (svg, "<polyline class=\"path\" stroke=\"%s\" points=\"%s\"/>\n", colors[i % G_N_ELEMENTS (colors)], paths.path[i]->str);
      g_string_free (paths.path[i], TRUE);
    }
  g_string_append (svg, "</g>\n");
  return done;
}

static void
draw_text (GString *svg, const char *text, int *y, const char *style)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  g_autoptr (GString) line = g_string_new (NULL);

  for (char **word = words;; word++)
    {
      if (*word == NULL || line->len + strlen (*word) > 58)
        {
          g_autofree char *escaped = g_markup_escape_text (line->str, -1);

          g_string_append_printf (svg, "<text class=\"%s\" x=\"%d\" y=\"%d\">%s</text>\n", style, TEXT_X, *y, escaped);
          *y += 17;
          g_string_truncate (line, 0);
        }
      if (*word == NULL)
        return;
      g_string_append_printf (line, "%s%s", line->len > 0 ? " " : "", *word);
    }
}

/* "order 2, 1 evaluation per step, no fresh noise" */
static char *
describe (const SfSampler *s)
{
  GString *facts = g_string_new (NULL);

  if (s->order > 0)
    g_string_append_printf (facts, _ ("order %d, "), s->order);
  if (s->evaluations > 0)
    g_string_append_printf (facts, g_dngettext (GETTEXT_PACKAGE, "%d evaluation per step, ", "%d evaluations per step, ", s->evaluations), s->evaluations);
  else
    g_string_append (facts, _ ("as many evaluations as it needs, "));
  if (s->keeps_scale)
    g_string_append (facts, _ ("by the noise process, "));
  g_string_append (facts, !s->stochastic ? _ ("no fresh noise") : s->uses_eta ? _ ("fresh noise by eta")
                                                                              : _ ("fresh noise"));
  return g_string_free (facts, FALSE);
}

static void
draw_facts (GString *svg, const Curve *curve)
{
  const SfSampler *s = curve->sampler;
  g_autofree char *title = g_strdup_printf ("%s   (%s)", _ (s->label), s->name), *facts = describe (s);
  int y = 16;

  draw_text (svg, title, &y, "title");
  draw_text (svg, _ (s->description), &y, "text");
  y += 6;
  draw_text (svg, facts, &y, "facts");
  draw_text (svg, curve->trial[0].of_distribution ? _ ("error: of the distribution (dashed: ideal draws)") : _ ("error: of each point's way"), &y, "facts");
}

static char *
draw_family (const Curve *curves, int n, SfFamily family, GError **error)
{
  GString *rows = g_string_new (NULL), *svg = g_string_new (NULL);
  int row = 0;
  gboolean done = TRUE;

  for (int i = 0; i < n && done; i++)
    if (curves[i].sampler->family == family)
      {
        g_string_append_printf (rows, "<g transform=\"translate(10,%d)\">\n", 10 + row * ROW);
        done = draw_paths (rows, curves[i].sampler, row, error);
        draw_chart (rows, curves, n, &curves[i]);
        draw_facts (rows, &curves[i]);
        g_string_append (rows, "</g>\n");
        row++;
      }
  g_string_append_printf (svg,
                          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" font-family=\"sans-serif\">\n"
                          "<style>.frame{fill:none;stroke:#999}.grid{stroke:#e4e4e4}.tick{font-size:10px;fill:#666}.mode{fill:#ddd}"
                          ".path{fill:none;stroke-width:.8;opacity:.8}.floor{stroke:#888;stroke-dasharray:4 3}.other{fill:none;stroke:#d0d0d0}.this{fill:none;stroke:#c0392b;stroke-width:2}"
                          ".title{font-size:15px;font-weight:bold}.text{font-size:13px}.facts{font-size:12px;fill:#555}circle{fill:#c0392b}</style>\n"
                          "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n%s</svg>\n",
                          WIDTH + 20, row * ROW + 20, rows->str);
  g_string_free (rows, TRUE);
  return g_string_free (svg, !done);
}

/*** The page ***/

static char *
write_page (const Curve *curves, int n)
{
  GString *page = g_string_new (NULL);

  g_string_append_printf (page, "# %s\n\n%s\n", _ ("Samplers"),
                          _ ("Each row shows a sampler at work on a target that is known exactly, three round clouds of points in the plane. Left: the ways "
                             "of some points from noise to the clouds, in 16 steps. Right: the error against the number of evaluations of the denoiser, this "
                             "sampler’s in red among the others’ in gray. Samplers without fresh noise lead each point to a certain place, and the error is "
                             "the distance from there. With fresh noise a point may end anywhere in the clouds, and the error is how far the whole of the "
                             "points is from a fair draw; the dashed line is what so few points have at best. All of it can be drawn again by "
                             "`sfumato bench samplers FOLDER`."));
  for (SfFamily family = 0; family < SF_N_FAMILIES; family++)
    {
      g_string_append_printf (page, "\n## %s\n\n![](samplers-%s.svg)\n\n", _ (sf_family_label (family)), sf_family_name (family));
      for (int i = 0; i < n; i++)
        if (curves[i].sampler->family == family)
          {
            g_autofree char *facts = describe (curves[i].sampler);

            g_string_append_printf (page, "* **%s**, `%s`: %s (%s)\n", _ (curves[i].sampler->label), curves[i].sampler->name,
                                    _ (curves[i].sampler->description), facts);
          }
    }
  return g_string_free (page, FALSE);
}

/*** The command ***/

static gboolean
write_file (const char *folder, const char *name, const char *text, GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);

  if (!g_file_set_contents (path, text, -1, error))
    return FALSE;
  g_print ("%s\n", path);
  return TRUE;
}

static gboolean
write_all (const char *folder, const Curve *curves, int n, GError **error)
{
  g_autofree char *page = write_page (curves, n);

  if (g_mkdir_with_parents (folder, 0777) != 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", folder, g_strerror (errno));
      return FALSE;
    }
  for (int family = 0; family < SF_N_FAMILIES; family++)
    {
      g_autofree char *svg = draw_family (curves, n, family, error);
      g_autofree char *name = g_strdup_printf ("samplers-%s.svg", sf_family_name (family));

      if (svg == NULL || !write_file (folder, name, svg, error))
        return FALSE;
    }
  return write_file (folder, "samplers.md", page, error);
}

gboolean
sf_bench (char **arguments, GError **error)
{
  int n;
  const SfSampler *const *samplers = sf_samplers (&n);
  g_autofree Curve *curves = g_new (Curve, n);
  g_autoptr (SfTrialGround) ground = NULL;

  if (g_strv_length (arguments) != 3 || !g_str_equal (arguments[1], "samplers"))
    {
      g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED, _ ("say what and where: sfumato bench samplers FOLDER"));
      return FALSE;
    }
  if ((ground = sf_trial_ground_new (POINTS, error)) == NULL)
    return FALSE;
  for (int i = 0; i < n; i++)
    if (!measure (samplers[i], ground, &curves[i], error))
      return FALSE;
  return write_all (arguments[2], curves, n, error);
}
