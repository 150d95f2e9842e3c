/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline/sf-settings.h"

#include "sf-config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <math.h>

#include "denoisers/sf-catalogue.h"
#include "denoisers/sf-engine.h"
#include "denoisers/sf-model-share.h"

#define VALUE(self, param, type) G_STRUCT_MEMBER (type, self, (param)->offset)

static gboolean
is_text (const SfParam *param)
{
  return param->type == SF_PARAM_STRING || param->type == SF_PARAM_CHOICE;
}

/*** Memory ***/

SfSettings *
sf_settings_new (void)
{
  SfSettings *self = g_new0 (SfSettings, 1);
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (const SfParam *p = params; p < params + n; p++)
    if (is_text (p))
      VALUE (self, p, char *) = g_strdup (p->text);
    else if (p->type == SF_PARAM_DOUBLE)
      VALUE (self, p, double) = p->fallback;
    else
      VALUE (self, p, int) = (int) p->fallback;
  return self;
}

SfSettings *
sf_settings_copy (const SfSettings *self)
{
  SfSettings *copy = g_memdup2 (self, sizeof *self);
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (const SfParam *p = params; p < params + n; p++)
    if (is_text (p))
      VALUE (copy, p, char *) = g_strdup (VALUE (self, p, char *));
  return copy;
}

void
sf_settings_free (SfSettings *self)
{
  int n;
  const SfParam *params = sf_settings_params (&n);

  if (self == NULL)
    return;
  for (const SfParam *p = params; p < params + n; p++)
    if (is_text (p))
      g_free (VALUE (self, p, char *));
  g_free (self);
}

/*** Errors ***/

static void
set_choice_error (GError **error, const SfParam *param, const char *text)
{
  int n;
  const SfChoice *choices = param->choices (&n);
  g_autoptr (GString) names = g_string_new (NULL);

  for (int i = 0; i < n; i++)
    g_string_append_printf (names, i > 0 ? ", %s" : "%s", choices[i].name);
  g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("There is no %s “%s”. Possible are: %s."),
               param->name, text, names->str);
}

static void
set_number_error (GError **error, const SfParam *param, const char *text)
{
  g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT,
               param->type == SF_PARAM_INT ? _ ("“%s” must be a whole number from %.0f to %.0f, but is “%s”.")
                                           : _ ("“%s” must be a number from %g to %g, but is “%s”."),
               param->name, param->min, param->max, text);
}

static void
set_bytes_error (GError **error, const SfParam *param)
{
  g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("“%s” must be text in UTF-8."), param->name);
}

/*** Text ***/

/* The shortest of 15 and 17 digits that gives the same number: "0.6", not "0.59999999999999998". */
static char *
format_double (double value)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (g_ascii_strtod (g_ascii_formatd (text, sizeof text, "%.15g", value), NULL) != value)
    g_ascii_dtostr (text, sizeof text, value);
  return g_strdup (text);
}

char *
sf_settings_get (const SfSettings *self, const SfParam *param)
{
  switch (param->type)
    {
    case SF_PARAM_BOOLEAN:
      return g_strdup (VALUE (self, param, gboolean) ? "true" : "false");
    case SF_PARAM_INT:
      return g_strdup_printf ("%d", VALUE (self, param, int));
    case SF_PARAM_DOUBLE:
      return format_double (VALUE (self, param, double));
    default:
      return g_strdup (VALUE (self, param, char *) != NULL ? VALUE (self, param, char *) : "");
    }
}

static gboolean
parse_boolean (const char *text, gboolean *value)
{
  static const char *const words[] = { "false", "true", "no", "yes", "0", "1" };

  for (gsize i = 0; i < G_N_ELEMENTS (words); i++)
    if (g_ascii_strcasecmp (text, words[i]) == 0)
      {
        *value = i % 2;
        return TRUE;
      }
  return FALSE;
}

/* Digits with a sign only: no spaces, no hexadecimal numbers, no "nan". */
static gboolean
parse_double (const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod (text, &end);
  return *text != '\0' && *end == '\0' && text[strspn (text, "+-.0123456789eE")] == '\0' && isfinite (*value);
}

static gboolean
is_choice (const SfParam *param, const char *text)
{
  int n;
  const SfChoice *choices = param->choices (&n);

  for (int i = 0; i < n; i++)
    if (g_strcmp0 (choices[i].name, text) == 0)
      return TRUE;
  return FALSE;
}

gboolean
sf_settings_set (SfSettings *self, const SfParam *param, const char *text, GError **error)
{
  gint64 whole;
  double number;
  gboolean flag;

  g_return_val_if_fail (text != NULL, FALSE);

  if (!g_utf8_validate (text, -1, NULL))
    {
      set_bytes_error (error, param);
      return FALSE;
    }
  switch (param->type)
    {
    case SF_PARAM_BOOLEAN:
      if (parse_boolean (text, &flag))
        {
          VALUE (self, param, gboolean) = flag;
          return TRUE;
        }
      g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("“%s” must be yes or no, but is “%s”."), param->name, text);
      return FALSE;

    case SF_PARAM_INT:
      if (g_ascii_string_to_signed (text, 10, (gint64) param->min, (gint64) param->max, &whole, NULL))
        {
          VALUE (self, param, int) = (int) whole;
          return TRUE;
        }
      set_number_error (error, param, text);
      return FALSE;

    case SF_PARAM_DOUBLE:
      if (parse_double (text, &number) && number >= param->min && number <= param->max)
        {
          VALUE (self, param, double) = number;
          return TRUE;
        }
      set_number_error (error, param, text);
      return FALSE;

    case SF_PARAM_CHOICE:
      if (!is_choice (param, text))
        {
          set_choice_error (error, param, text);
          return FALSE;
        }
      G_GNUC_FALLTHROUGH;
    case SF_PARAM_STRING:
    default:
      g_free (VALUE (self, param, char *));
      VALUE (self, param, char *) = g_strdup (text);
      return TRUE;
    }
}

/*** Validation ***/

static gboolean
validate_param (const SfSettings *self, const SfParam *param, GError **error)
{
  g_autofree char *text = sf_settings_get (self, param);

  switch (param->type)
    {
    case SF_PARAM_INT:
    case SF_PARAM_DOUBLE:
      {
        double value = param->type == SF_PARAM_INT ? VALUE (self, param, int) : VALUE (self, param, double);

        if (value >= param->min && value <= param->max) /* false for NaN */
          return TRUE;
        set_number_error (error, param, text);
        return FALSE;
      }
    case SF_PARAM_CHOICE:
      if (is_choice (param, text))
        return TRUE;
      set_choice_error (error, param, text);
      return FALSE;
    case SF_PARAM_STRING:
      if (g_utf8_validate (text, -1, NULL))
        return TRUE;
      set_bytes_error (error, param);
      return FALSE;
    default:
      return TRUE;
    }
}

/* All models that are no engines are networks. */
const SfEngineInfo *
sf_settings_engine (const SfSettings *self)
{
  const SfEngineInfo *engine = sf_engine_find_model (self->model);

  return engine != NULL ? engine : sf_engine_find ("network");
}

static gboolean
is_given (const char *text)
{
  return text != NULL && *text != '\0';
}

/* What only some models can use is refused by the others, not ignored. */
static gboolean
validate_use (const SfSettings *self, const SfEngineInfo *engine, GError **error)
{
  const struct
  {
    const char *name;
    gboolean given, taken;
    const char *reason;
  } rows[] = {
    { "prompt", is_given (self->prompt), engine->takes_prompt, _ ("it cannot read; leave it empty") },
    { "negative-prompt", is_given (self->negative_prompt), engine->takes_prompt, _ ("it cannot read; leave it empty") },
    { "class", self->class_number >= 0, engine->takes_class, _ ("it knows no classes; leave it at -1") },
    { "classifier", is_given (self->classifier), engine->takes_class, _ ("it knows no classes; leave it empty") },
    { "noise-process", g_strcmp0 (self->noise_process, "auto") != 0, engine->takes_class, _ ("it was not trained; leave it at auto") },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].given && !rows[i].taken)
      {
        g_set_error (error, SF_ERROR, SF_ERROR_ARGUMENT, _ ("The model “%s” has no use for “%s”: %s."), self->model, rows[i].name, rows[i].reason);
        return FALSE;
      }
  return TRUE;
}

/* Whether the models named are there; what is in them is seen when they are opened. */
static gboolean
validate_model (const SfSettings *self, GError **error)
{
  const SfEngineInfo *engine = sf_settings_engine (self);
  g_autoptr (SfCatalogue) catalogue = NULL;
  g_autofree char *model = NULL, *classifier = NULL;

  if (engine->takes_class)
    {
      catalogue = sf_catalogue_new ();
      if ((model = sf_catalogue_resolve (catalogue, self->model != NULL ? self->model : "", error)) == NULL)
        return FALSE;
      if (is_given (self->classifier) && (classifier = sf_catalogue_resolve (catalogue, self->classifier, error)) == NULL)
        return FALSE;
    }
  return validate_use (self, engine, error);
}

gboolean
sf_settings_validate (const SfSettings *self, SfTask task, GError **error)
{
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (const SfParam *p = params; p < params + n; p++)
    if ((p->tasks & (1u << task)) && !validate_param (self, p, error))
      return FALSE;
  return validate_model (self, error);
}

/*** What is really used ***/

int
sf_settings_pick_seed (const SfSettings *self)
{
  /* Candidate i uses seed + i, which is to fit as well. */
  return self->seed >= 0 ? self->seed : g_random_int_range (0, G_MAXINT32 - self->candidates + 1);
}

/* What @self's model recommends, and if that is not known, its engine. */
static void
recommend (const SfSettings *self, int *steps, const char **sampler, const char **schedule)
{
  const SfEngineInfo *engine = sf_settings_engine (self);
  g_autoptr (SfModel) model = engine->takes_class ? sf_model_get (self->model, self->noise_process, FALSE, NULL, NULL) : NULL;

  *steps = model != NULL && model->steps > 0 ? model->steps : engine->steps;
  *sampler = model != NULL && model->sampler != NULL ? model->sampler : engine->sampler;
  *schedule = model != NULL && model->schedule != NULL ? model->schedule : engine->schedule;
}

int
sf_settings_steps (const SfSettings *self)
{
  int steps;
  const char *sampler, *schedule;

  recommend (self, &steps, &sampler, &schedule);
  return self->steps > 0 ? self->steps : steps;
}

const char *
sf_settings_sampler (const SfSettings *self)
{
  int steps;
  const char *sampler, *schedule;

  recommend (self, &steps, &sampler, &schedule);
  return !g_str_equal (self->sampler, "auto") ? self->sampler : sampler;
}

const char *
sf_settings_schedule (const SfSettings *self)
{
  int steps;
  const char *sampler, *schedule;

  recommend (self, &steps, &sampler, &schedule);
  return !g_str_equal (self->schedule, "auto") ? self->schedule : schedule;
}
