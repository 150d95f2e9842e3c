/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pipeline/sf-settings.h"

#include <math.h>
#include <string.h>

#include "denoisers/sf-engine.h"
#include "diffusion/sf-sampler.h"
#include "diffusion/sf-schedule.h"

/* @param set to @text and read back. */
static char *
round_trip (const SfParam *param, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSettings) settings = sf_settings_new ();

  g_assert_true (sf_settings_set (settings, param, text, &error));
  g_assert_no_error (error);
  return sf_settings_get (settings, param);
}

static void
assert_refused (const SfParam *param, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSettings) settings = sf_settings_new ();
  g_autofree char *before = sf_settings_get (settings, param);
  g_autofree char *after = NULL;

  g_assert_false (sf_settings_set (settings, param, text, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_assert_nonnull (strstr (error->message, param->name));
  after = sf_settings_get (settings, param);
  g_assert_cmpstr (before, ==, after);
}

static void
assert_kept (const SfParam *param, const char *text)
{
  g_autofree char *got = round_trip (param, text);

  g_assert_cmpstr (got, ==, text);
}

static char *
format (double value)
{
  return g_strdup_printf ("%.10g", value);
}

/*** Each row ***/

/* The promise: names, order, ranges, defaults and tasks (regenerate, fill, expand, generate) of the public interface. */
static void
test_promise (void)
{
  static const struct
  {
    const char *name;
    double min, max;
    const char *text;
    const char *tasks;
  } promise[] = {
    { "model", 0, 0, "patch", "rfeg" },
    { "prompt", 0, 0, "", "rfeg" },
    { "negative-prompt", 0, 0, "", "rfeg" },
    { "strength", 0, 1, "0.6", "r" },
    { "steps", 0, 1000, "0", "rfeg" },
    { "sampler", 0, 0, "auto", "rfeg" },
    { "schedule", 0, 0, "auto", "rfeg" },
    { "eta", 0, 1, "1", "rfeg" },
    { "guidance", 0, 30, "7.5", "rfeg" },
    { "seed", -1, 2147483647, "-1", "rfeg" },
    { "candidates", 1, 16, "1", "rfeg" },
    { "width", 0, 16384, "0", "g" },
    { "height", 0, 16384, "0", "g" },
    { "tileable", 0, 0, "none", "g" },
    { "left", 0, 16384, "0", "e" },
    { "right", 0, 16384, "0", "e" },
    { "top", 0, 16384, "0", "e" },
    { "bottom", 0, 16384, "0", "e" },
    { "feather", -1, 512, "-1", "rfe" },
    { "context", -1, 4096, "-1", "rfe" },
    { "match-color", 0, 1, "true", "rfe" },
    { "respect-selection", 0, 1, "true", "rf" },
    { "sample-merged", 0, 1, "false", "rfe" },
    { "output", 0, 0, "new-layer", "rfeg" },
    { "class", -1, 99999, "-1", "rfeg" },
    { "classifier", 0, 0, "", "rfeg" },
    { "classifier-scale", 0, 100, "1", "rfeg" },
    { "noise-process", 0, 0, "auto", "rfeg" },
    { "fast", 0, 1, "false", "rfeg" },
  };
  g_autoptr (SfSettings) settings = sf_settings_new ();
  int n;
  const SfParam *params = sf_settings_params (&n);

  g_assert_cmpint (n, ==, G_N_ELEMENTS (promise));
  for (int i = 0; i < n; i++)
    {
      g_autofree char *text = sf_settings_get (settings, &params[i]);

      g_assert_cmpstr (params[i].name, ==, promise[i].name);
      g_assert_cmpfloat (params[i].min, ==, promise[i].min);
      g_assert_cmpfloat (params[i].max, ==, promise[i].max);
      g_assert_cmpstr (text, ==, promise[i].text);
      for (int task = 0; task < SF_N_TASKS; task++)
        g_assert_true (((params[i].tasks >> task) & 1) == (strchr (promise[i].tasks, "rfeg"[task]) != NULL));
    }
}

static void
test_good (gconstpointer data)
{
  const SfParam *p = data;
  g_autofree char *min = format (p->min);
  g_autofree char *max = format (p->max);

  switch (p->type)
    {
    case SF_PARAM_BOOLEAN:
      for (int i = 0; i < 8; i++)
        {
          g_autofree char *got = round_trip (p, ((const char *[]) { "no", "yes", "0", "1", "False", "TRUE", "false", "true" })[i]);

          g_assert_cmpstr (got, ==, i % 2 ? "true" : "false");
        }
      break;
    case SF_PARAM_DOUBLE:
      assert_kept (p, "0.3");
      assert_kept (p, "0.30000000000000004");
      G_GNUC_FALLTHROUGH;
    case SF_PARAM_INT:
      assert_kept (p, min);
      assert_kept (p, max);
      break;
    case SF_PARAM_STRING:
      assert_kept (p, "");
      assert_kept (p, "Löwenzahn \"und\" \\ 蒲公英\n");
      break;
    case SF_PARAM_CHOICE:
      {
        int n;
        const SfChoice *choices = p->choices (&n);

        g_assert_cmpint (n, >, 1);
        for (int i = 0; i < n; i++)
          {
            g_assert_cmpuint (strlen (choices[i].label), >, 0);
            g_assert_cmpuint (strlen (choices[i].description), >, 0);
            assert_kept (p, choices[i].name);
          }
      }
    }
}

static void
test_bad (gconstpointer data)
{
  const SfParam *p = data;
  g_autofree char *below = format (p->min - 1);
  g_autofree char *above = format (p->max + 1);

  assert_refused (p, "\xff\xfe");
  if (p->type == SF_PARAM_STRING)
    return;
  assert_refused (p, "");
  assert_refused (p, "nonsense");
  assert_refused (p, " ");
  if (p->type == SF_PARAM_INT || p->type == SF_PARAM_DOUBLE)
    {
      static const char *const numbers[] = { "nan", "inf", "-inf", "1e400", "0x1", "1,0", "1 ", " 1", "1a", "--1", "99999999999999999999" };

      assert_refused (p, below);
      assert_refused (p, above);
      for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
        assert_refused (p, numbers[i]);
    }
  if (p->type == SF_PARAM_INT)
    assert_refused (p, "0.5");
}

/* A struct that was filled by hand is checked as text is, for the tasks that have the row, and only for them. */
static void
test_validate (gconstpointer data)
{
  const SfParam *p = data;

  for (int task = 0; task < SF_N_TASKS; task++)
    for (int side = 0; side < 3; side++)
      {
        g_autoptr (GError) error = NULL;
        g_autoptr (SfSettings) settings = sf_settings_new ();
        gpointer member = G_STRUCT_MEMBER_P (settings, p->offset);

        if (p->type == SF_PARAM_DOUBLE)
          *(double *) member = ((double[]) { p->min - 0.5, p->max + 0.5, NAN })[side];
        else if (p->type == SF_PARAM_INT && !(side == 1 && p->max == G_MAXINT32))
          *(int *) member = (int) (side == 0 ? p->min - 1 : p->max + (side == 1));
        else if (p->type == SF_PARAM_CHOICE)
          {
            g_free (*(char **) member);
            *(char **) member = g_strdup (((const char *[]) { "nonsense", "", NULL })[side]);
          }
        else
          continue;
        if (p->type == SF_PARAM_INT && side == 2) /* the end of the range itself; "patch" knows no classes */
          g_assert_cmpint (sf_settings_validate (settings, task, &error), ==, !g_str_equal (p->name, "class"));
        else if (p->tasks & (1u << task))
          {
            g_assert_false (sf_settings_validate (settings, task, &error));
            g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
            g_assert_nonnull (strstr (error->message, p->name));
          }
        else
          g_assert_true (sf_settings_validate (settings, task, &error));
      }
}

/*** The whole ***/

static void
test_choices (void)
{
  int n, n_samplers, n_schedules;
  const SfChoice *choices;
  const SfSampler *const *samplers = sf_samplers (&n_samplers);
  const SfSchedule *const *schedules = sf_schedules (&n_schedules);

  choices = sf_settings_find ("sampler")->choices (&n);
  g_assert_cmpint (n, ==, n_samplers + 1);
  g_assert_cmpstr (choices[0].name, ==, "auto");
  for (int i = 0; i < n_samplers; i++)
    g_assert_cmpstr (choices[i + 1].name, ==, samplers[i]->name);

  choices = sf_settings_find ("schedule")->choices (&n);
  g_assert_cmpint (n, ==, n_schedules + 1);
  g_assert_cmpstr (choices[0].name, ==, "auto");
  for (int i = 0; i < n_schedules; i++)
    g_assert_cmpstr (choices[i + 1].name, ==, schedules[i]->name);
}

/* What is possible is said. */
static void
test_possible (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfSettings) settings = sf_settings_new ();

  g_assert_false (sf_settings_set (settings, sf_settings_find ("sampler"), "eular", &error));
  g_assert_nonnull (strstr (error->message, "eular"));
  g_assert_nonnull (strstr (error->message, "auto, euler, "));
}

static void
test_copy (void)
{
  g_autoptr (SfSettings) settings = sf_settings_new ();
  g_autoptr (SfSettings) copy = NULL;

  g_assert_true (sf_settings_set (settings, sf_settings_find ("prompt"), "a meadow", NULL));
  settings->steps = 7;
  copy = sf_settings_copy (settings);
  g_assert_cmpstr (copy->prompt, ==, "a meadow");
  g_assert_true (copy->prompt != settings->prompt);
  g_assert_cmpint (copy->steps, ==, 7);
  sf_settings_free (NULL);
}

static void
test_seed (void)
{
  g_autoptr (SfSettings) settings = sf_settings_new ();
  int first = sf_settings_pick_seed (settings), different = 0;

  settings->candidates = 16;
  for (int i = 0; i < 100; i++)
    {
      int seed = sf_settings_pick_seed (settings);

      g_assert_cmpint (seed, >=, 0);
      g_assert_cmpint (seed, <=, G_MAXINT32 - 15);
      different += seed != first;
    }
  g_assert_cmpint (different, >, 90);
  settings->seed = 7;
  g_assert_cmpint (sf_settings_pick_seed (settings), ==, 7);
}

/*** The model ***/

static void
assert_invalid (const SfSettings *settings, int code, const char *word)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sf_settings_validate (settings, SF_TASK_FILL, &error));
  g_assert_error (error, SF_ERROR, code);
  g_assert_nonnull (strstr (error->message, word));
}

static void
test_model (void)
{
  static const char *const names[] = { "sd-1.5", "", "/nowhere/model.safetensors", "guided-imagenet-512", "network" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (SfSettings) settings = sf_settings_new ();

      sf_settings_set (settings, sf_settings_find ("model"), names[i], NULL);
      assert_invalid (settings, SF_ERROR_MODEL, names[i]);
    }
}

/* What a model has no use for is refused, not ignored. */
static void
test_use (void)
{
  static const struct
  {
    const char *name, *text;
  } rows[] = {
    { "prompt", "a meadow" },
    { "negative-prompt", "a meadow" },
    { "class", "3" },
    { "classifier", "guided-imagenet-64-classifier" },
    { "noise-process", "cosine-1000" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (SfSettings) settings = sf_settings_new ();

      sf_settings_set (settings, sf_settings_find (rows[i].name), rows[i].text, NULL);
      assert_invalid (settings, SF_ERROR_ARGUMENT, rows[i].name);
    }
}

static void
test_automatic (void)
{
  const SfEngineInfo *engine = sf_engine_find ("patch");
  g_autoptr (SfSettings) settings = sf_settings_new ();

  g_assert_nonnull (engine);
  g_assert_nonnull (sf_sampler_find (engine->sampler));
  g_assert_nonnull (sf_schedule_find (engine->schedule));
  g_assert_cmpint (sf_settings_steps (settings), ==, engine->steps);
  g_assert_cmpstr (sf_settings_sampler (settings), ==, engine->sampler);
  g_assert_cmpstr (sf_settings_schedule (settings), ==, engine->schedule);
  settings->steps = 3;
  sf_settings_set (settings, sf_settings_find ("sampler"), "heun", NULL);
  sf_settings_set (settings, sf_settings_find ("schedule"), "linear", NULL);
  g_assert_cmpint (sf_settings_steps (settings), ==, 3);
  g_assert_cmpstr (sf_settings_sampler (settings), ==, "heun");
  g_assert_cmpstr (sf_settings_schedule (settings), ==, "linear");
}

/*** JSON ***/

/* Values that are no default, for every row. */
static SfSettings *
unusual (void)
{
  static const char *const texts[] = {
    "model", "patch", "prompt", "a \"meadow\"\n\\ of 蒲公英", "negative-prompt", "Löwen", "strength", "0.35", "steps", "17",
    "sampler", "heun", "schedule", "karras", "eta", "0.1", "guidance", "3.25", "seed", "2147483647", "candidates", "9",
    "width", "640", "height", "16384", "tileable", "both", "left", "1", "right", "2", "top", "3", "bottom", "4",
    "feather", "12.5", "context", "100", "match-color", "false", "respect-selection", "false", "sample-merged", "true",
    "output", "replace", "class", "207", "classifier", "64x64_classifier.pt", "classifier-scale", "0.5",
    "noise-process", "cosine-4000", "fast", "true"
  };
  SfSettings *settings = sf_settings_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i += 2)
    g_assert_true (sf_settings_set (settings, sf_settings_find (texts[i]), texts[i + 1], NULL));
  return settings;
}

static void
test_json (void)
{
  g_autoptr (SfSettings) settings = unusual ();
  int n;
  const SfParam *params = sf_settings_params (&n);

  for (int task = 0; task < SF_N_TASKS; task++)
    {
      g_autoptr (GError) error = NULL;
      g_autofree char *json = sf_settings_to_json (settings, task, 48151, 8);
      g_autoptr (SfSettings) back = NULL;
      SfTask back_task;
      int candidate;

      g_assert_null (strchr (json, '\n'));
      g_assert_true (g_utf8_validate (json, -1, NULL));
      if (task == SF_TASK_REGENERATE)
        g_assert_nonnull (strstr (json, "\"strength\": 0.35,"));
      back = sf_settings_from_json (json, &back_task, &candidate, &error);
      g_assert_no_error (error);
      g_assert_cmpint (back_task, ==, task);
      g_assert_cmpint (candidate, ==, 8);
      g_assert_cmpint (back->seed, ==, 48151);
      for (const SfParam *p = params; p < params + n; p++)
        if ((p->tasks & (1u << task)) && !g_str_equal (p->name, "seed"))
          {
            g_autofree char *one = sf_settings_get (settings, p);
            g_autofree char *other = sf_settings_get (back, p);

            g_assert_cmpstr (one, ==, other);
          }
    }
}

/* "auto" is stored as what it means today. */
static void
test_json_resolved (void)
{
  g_autoptr (SfSettings) settings = sf_settings_new ();
  g_autofree char *json = sf_settings_to_json (settings, SF_TASK_FILL, 1, 0);
  g_autoptr (SfSettings) back = sf_settings_from_json (json, NULL, NULL, NULL);

  g_assert_cmpint (back->steps, ==, sf_settings_steps (settings));
  g_assert_cmpstr (back->sampler, ==, sf_settings_sampler (settings));
  g_assert_cmpstr (back->schedule, ==, sf_settings_schedule (settings));
}

static void
test_json_bad (void)
{
  static const char *const texts[] = {
    "", "null", "3", "[]", "{", "{}", "{\"task\": 3}", "{\"task\": \"dance\"}", "{\"task\": [\"fill\"]}", "\xff",
    "{\"task\": \"fill\", \"steps\": 2000}",
    "{\"task\": \"fill\", \"steps\": 1.5}",
    "{\"task\": \"fill\", \"steps\": {}}",
    "{\"task\": \"fill\", \"steps\": null}",
    "{\"task\": \"fill\", \"sampler\": \"nonsense\"}",
    "{\"task\": \"fill\", \"strength\": 1e999}",
    "{\"task\": \"fill\", \"candidate\": 16}",
    "{\"task\": \"fill\", \"candidate\": -1}",
    "{\"task\": \"fill\", \"candidate\": []}",
    "{\"task\": \"fill\", \"match-color\": \"perhaps\"}"
  };
  g_autofree char *deep = g_strnfill (1000000, '[');
  g_autofree char *long_text = g_strnfill (5000000, ' ');
  g_autofree char *known = NULL;
  g_autoptr (SfSettings) ok = sf_settings_from_json ("{\"task\": \"fill\", \"from-the-future\": [1, {}], \"steps\": 4}", NULL, NULL, NULL);

  g_assert_nonnull (ok);
  g_assert_cmpint (ok->steps, ==, 4);
  for (gsize i = 0; i < G_N_ELEMENTS (texts) + 2; i++)
    {
      g_autoptr (GError) error = NULL;
      const char *text = i < G_N_ELEMENTS (texts) ? texts[i] : (i == G_N_ELEMENTS (texts) ? deep : long_text);

      g_assert_null (sf_settings_from_json (text, NULL, NULL, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
    }
  /* Cut anywhere, it is an error and no crash. */
  known = sf_settings_to_json (ok, SF_TASK_FILL, 1, 0);
  for (gsize length = strlen (known) - 1; length > 0; length--)
    {
      known[length] = '\0';
      g_assert_null (sf_settings_from_json (known, NULL, NULL, NULL));
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    GTestDataFunc func;
  } tests[] = { { "bad", test_bad }, { "good", test_good }, { "validate", test_validate } };
  int n;
  const SfParam *params = sf_settings_params (&n);

  g_test_init (&argc, &argv, NULL);
  g_setenv ("XDG_DATA_HOME", "/nowhere", TRUE); /* the user's own models are no part of this */
  g_unsetenv ("SFUMATO_MODELS");
  for (const SfParam *p = params; p < params + n; p++)
    for (gsize t = 0; t < G_N_ELEMENTS (tests); t++)
      {
        g_autofree char *path = g_strdup_printf ("/settings/%s/%s", p->name, tests[t].name);

        g_test_add_data_func (path, p, tests[t].func);
      }
  g_test_add_func ("/settings/automatic", test_automatic);
  g_test_add_func ("/settings/choices", test_choices);
  g_test_add_func ("/settings/copy", test_copy);
  g_test_add_func ("/settings/json", test_json);
  g_test_add_func ("/settings/json-bad", test_json_bad);
  g_test_add_func ("/settings/json-resolved", test_json_resolved);
  g_test_add_func ("/settings/model", test_model);
  g_test_add_func ("/settings/possible", test_possible);
  g_test_add_func ("/settings/promise", test_promise);
  g_test_add_func ("/settings/prompt", test_use);
  g_test_add_func ("/settings/seed", test_seed);
  return g_test_run ();
}
