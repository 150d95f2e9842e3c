/* SPDX-License-Identifier: GPL-3.0-or-later */
/* babl tells what a format means, but not how it converts; see sf-buffer.c.  The matrix from linear RGB to XYZ is read from the
 * space's ICC profile, which babl keeps, or makes: rXYZ, gXYZ and bXYZ are its columns (ICC.1:2010, 8.4.2 and 10.31).
 *
 *   numbers -> curve -> linear RGB -> matrix -> linear sRGB -> curve of sRGB -> R'G'B'
 *
 * Curves go on below 0: that of sRGB straight, powers mirrored.  Gray has neither primaries nor a way back from colours; what is
 * written there is their luminance.
 */
#include "sf-encoding.h"

#include <math.h>
#include <string.h>

typedef enum
{
  LINEAR,
  OF_SPACE,
  PERCEPTUAL, /* the curve of sRGB in any space */
} CurveKind;

static const struct
{
  const char *model;
  int n_colors;
  gboolean has_alpha;
  CurveKind curve;
} models[] = {
  { "RGB", 3, FALSE, LINEAR },
  { "RGBA", 3, TRUE, LINEAR },
  { "R'G'B'", 3, FALSE, OF_SPACE },
  { "R'G'B'A", 3, TRUE, OF_SPACE },
  { "R~G~B~", 3, FALSE, PERCEPTUAL },
  { "R~G~B~A", 3, TRUE, PERCEPTUAL },
  { "Y", 1, FALSE, LINEAR },
  { "YA", 1, TRUE, LINEAR },
  { "Y'", 1, FALSE, OF_SPACE },
  { "Y'A", 1, TRUE, OF_SPACE },
  { "Y~", 1, FALSE, PERCEPTUAL },
  { "Y~A", 1, TRUE, PERCEPTUAL },
};

/*** Curves ***/

#define SRGB 0.0f

static float
to_linear (float gamma, float x)
{
  if (gamma == SRGB)
    return x > 0.04045f ? powf ((x + 0.055f) / 1.055f, 2.4f) : x / 12.92f;
  return gamma == 1 ? x : copysignf (powf (fabsf (x), gamma), x);
}

static float
from_linear (float gamma, float x)
{
  if (gamma == SRGB)
    return x > 0.0031308f ? 1.055f * powf (x, 1 / 2.4f) - 0.055f : x * 12.92f;
  return gamma == 1 ? x : copysignf (powf (fabsf (x), 1 / gamma), x);
}

/* babl calls a power by its number. */
static gboolean
read_curve (const Babl *trc, float *gamma)
{
  const char *name = babl_get_name (trc);
  char *end;

  if (trc == babl_trc ("sRGB"))
    *gamma = SRGB;
  else if (trc == babl_trc ("linear"))
    *gamma = 1;
  else
    {
      *gamma = (float) g_ascii_strtod (name, &end);
      return *gamma > 0 && *end == '\0';
    }
  return TRUE;
}

static gboolean
read_curves (const Babl *space, CurveKind kind, float gamma[3])
{
  const Babl *trc[3];

  gamma[0] = gamma[1] = gamma[2] = kind == LINEAR ? 1 : SRGB;
  if (kind != OF_SPACE)
    return TRUE;
  babl_space_get (space, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, &trc[0], &trc[1], &trc[2]);
  for (int c = 0; c < 3; c++)
    if (!read_curve (trc[c] != NULL ? trc[c] : trc[0], &gamma[c]))
      return FALSE;
  return TRUE;
}

/*** Primaries ***/

static guint32
read_word (const guint8 *p)
{
  return (guint32) p[0] << 24 | (guint32) p[1] << 16 | (guint32) p[2] << 8 | p[3];
}

/* The three numbers of a tag of type XYZ, in fixed point. */
static gboolean
read_xyz (const guint8 *icc, gsize length, const char *tag, double xyz[3])
{
  gsize n = length >= 132 ? MIN (read_word (icc + 128), (length - 132) / 12) : 0;

  for (const guint8 *entry = icc + 132; n > 0; entry += 12, n--)
    {
      gsize at = read_word (entry + 4);

      if (memcmp (entry, tag, 4) != 0 || at > length || length - at < 20 || memcmp (icc + at, "XYZ ", 4) != 0)
        continue;
      for (int k = 0; k < 3; k++)
        xyz[k] = (gint32) read_word (icc + at + 8 + 4 * k) / 65536.0;
      return TRUE;
    }
  return FALSE;
}

/* @m: from linear RGB of @space to XYZ, row by row */
static gboolean
read_primaries (const Babl *space, double m[9])
{
  static const char *const tags[3] = { "rXYZ", "gXYZ", "bXYZ" };
  int length = 0;
  const guint8 *icc = (const guint8 *) babl_space_get_icc (space, &length);

  for (int c = 0; c < 3; c++)
    {
      double xyz[3];

      if (icc == NULL || length < 0 || !read_xyz (icc, (gsize) length, tags[c], xyz))
        return FALSE;
      for (int k = 0; k < 3; k++)
        m[3 * k + c] = xyz[k];
    }
  return TRUE;
}

/* @out = @a^-1 @b, by Cramer's rule; FALSE where there is no inverse */
static gboolean
divide (const double a[9], const double b[9], float out[9])
{
  double inverse[9], determinant = 0;

  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      {
        int r = (j + 1) % 3, s = (j + 2) % 3, u = (i + 1) % 3, v = (i + 2) % 3;

        inverse[3 * i + j] = a[3 * r + u] * a[3 * s + v] - a[3 * r + v] * a[3 * s + u];
      }
  for (int k = 0; k < 3; k++)
    determinant += a[k] * inverse[3 * k];
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      {
        double sum = 0;

        for (int k = 0; k < 3; k++)
          sum += inverse[3 * i + k] * b[3 * k + j];
        out[3 * i + j] = (float) (sum / determinant);
      }
  return fabs (determinant) > 1e-6;
}

static void
multiply (const float m[9], const float in[3], float out[3])
{
  for (int i = 0; i < 3; i++)
    out[i] = m[3 * i] * in[0] + m[3 * i + 1] * in[1] + m[3 * i + 2] * in[2];
}

/*** Pixels ***/

void
sf_encoding_decode (const SfEncoding *self, const float *numbers, float *rgba, gsize n)
{
  const int nc = self->n_colors, step = nc + self->has_alpha;

  for (gsize i = 0; i < n; i++, numbers += step, rgba += 4)
    {
      float light[3], moved[3];

      rgba[3] = self->has_alpha ? numbers[nc] : 1;
      for (int c = 0; c < 3; c++)
        rgba[c] = numbers[nc == 3 ? c : 0];
      if (self->direct)
        continue;
      for (int c = 0; c < 3; c++)
        light[c] = to_linear (self->gamma[c], rgba[c]);
      if (!self->same_primaries)
        multiply (self->to_srgb, light, moved);
      for (int c = 0; c < 3; c++)
        rgba[c] = from_linear (SRGB, self->same_primaries ? light[c] : moved[c]);
    }
}

void
sf_encoding_encode (const SfEncoding *self, const float *rgba, float *numbers, gsize n)
{
  const int nc = self->n_colors, step = nc + self->has_alpha;

  for (gsize i = 0; i < n; i++, numbers += step, rgba += 4)
    {
      gboolean colored = rgba[0] != rgba[1] || rgba[1] != rgba[2];
      float light[3], moved[3];

      if (self->has_alpha)
        numbers[nc] = rgba[3];
      for (int c = 0; c < nc; c++)
        numbers[c] = rgba[c];
      if (self->direct && (nc == 3 || !colored))
        continue;
      for (int c = 0; c < 3; c++)
        light[c] = to_linear (SRGB, rgba[c]);
      if (!self->same_primaries)
        multiply (self->from_srgb, light, moved);
      if (nc == 1 && colored)
        light[0] = 0.2126f * light[0] + 0.7152f * light[1] + 0.0722f * light[2];
      for (int c = 0; c < nc; c++)
        numbers[c] = from_linear (self->gamma[c], self->same_primaries ? light[c] : moved[c]);
    }
}

gboolean
sf_encoding_init (SfEncoding *self, const Babl *format)
{
  const Babl *space = babl_format_get_space (format), *srgb = babl_space ("sRGB");
  const char *name = babl_get_name (babl_format_get_model (format));
  double own[9], other[9];
  gsize i;

  for (i = 0; i < G_N_ELEMENTS (models) && strcmp (models[i].model, name) != 0;)
    i++;
  if (i == G_N_ELEMENTS (models))
    return FALSE;
  *self = (SfEncoding) { .n_colors = models[i].n_colors, .has_alpha = models[i].has_alpha };
  if (!read_curves (space, models[i].curve, self->gamma))
    return FALSE;
  self->same_primaries = self->n_colors == 1 || space == srgb;
  if (!self->same_primaries)
    {
      if (!read_primaries (space, own) || !read_primaries (srgb, other) || !divide (other, own, self->to_srgb) ||
          !divide (own, other, self->from_srgb))
        return FALSE;
      self->same_primaries = memcmp (own, other, sizeof own) == 0;
    }
  self->direct = self->same_primaries && self->gamma[0] == SRGB && self->gamma[1] == SRGB && self->gamma[2] == SRGB;
  return TRUE;
}
