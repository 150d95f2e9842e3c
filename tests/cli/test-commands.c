/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Help, lists, and what is said to a wrong command line. */
#include "cli.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "sfumato.h"

static void
test_version (void)
{
  g_auto (CliRun) run = cli_run ("--version");

  cli_assert_done (&run);
  g_assert_true (g_str_has_prefix (run.out, "sfumato "));
}

/* Every setting that files can have is an option, with its range. */
static void
test_help (void)
{
  g_auto (CliRun) all = cli_run ("--help");
  int n;
  const SfParam *params = sf_settings_params (&n);

  cli_assert_done (&all);
  for (int task = 0; task < SF_N_TASKS; task++)
    {
      g_auto (CliRun) run = cli_run (sf_task_name (task), "--help");

      cli_assert_done (&run);
      g_assert_nonnull (strstr (all.out, sf_task_name (task)));
      for (const SfParam *p = params; p < params + n; p++)
        {
          g_autofree char *option = g_strdup_printf ("--%s=", p->name);
          gboolean expected = p->tasks & (1u << task) && !g_str_equal (p->name, "sample-merged") && !g_str_equal (p->name, "output");

          g_assert_cmpint (strstr (run.out, option) != NULL, ==, expected);
        }
    }
}

static void
check_list (const char *family, const char *first, int n)
{
  g_auto (CliRun) lines = cli_run ("list", family), json = cli_run ("list", family, "--json");
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_auto (GStrv) split = g_strsplit (lines.out, "\n", -1);
  JsonArray *array;

  cli_assert_done (&lines);
  cli_assert_done (&json);
  g_assert_cmpint (g_strv_length (split) - 1, ==, n);
  g_assert_true (g_str_has_prefix (lines.out, first));
  g_assert_true (json_parser_load_from_data (parser, json.out, -1, NULL));
  array = json_node_get_array (json_parser_get_root (parser));
  g_assert_cmpint (json_array_get_length (array), ==, n);
  g_assert_cmpstr (json_object_get_string_member (json_array_get_object_element (array, 0), "name"), ==, first);
}

static void
test_list (void)
{
  int n_samplers, n_schedules, n_engines, n_models = 0;
  const SfSampler *const *samplers = sf_samplers (&n_samplers);
  const SfSchedule *const *schedules = sf_schedules (&n_schedules);
  const SfEngineInfo *const *engines = sf_engines (&n_engines);
  g_autoptr (SfCatalogue) catalogue = sf_catalogue_new ();

  for (int i = 0; i < n_engines; i++)
    n_models += sf_engine_find_model (engines[i]->name) != NULL;
  check_list ("samplers", samplers[0]->name, n_samplers);
  check_list ("schedules", schedules[0]->name, n_schedules);
  check_list ("engines", engines[0]->name, n_engines);
  check_list ("models", engines[0]->name, n_models + (int) catalogue->entries->len);
}

static void
test_info (void)
{
  g_auto (CliRun) model = cli_run ("info", "patch"), unknown = cli_run ("info", "no-such-model");

  cli_assert_done (&model);
  g_assert_true (g_str_has_prefix (model.out, "patch: "));
  cli_assert_failed (&unknown, 1, "no-such-model");
}

static void
test_usage (void)
{
  static const struct
  {
    const char *words[7], *part;
  } rows[] = {
    { { NULL }, "command" },
    { { "draw" }, "draw" },
    { { "--nothing" }, "--nothing" },
    { { "list" }, "samplers" },
    { { "list", "colors" }, "samplers" },
    { { "info" }, "MODEL" },
    { { "info", "a", "b" }, "MODEL" },
    { { "fill", "a.png" }, "OUT" },
    { { "fill", "a.png", "b.png" }, "--mask" },
    { { "fill", "a.png", "b.png", "c.png", "--mask=m.png" }, "OUT" },
    { { "fill", "a.png", "b.png", "--mask" }, "--mask" },
    { { "fill", "a.png", "b.xyz", "--mask=m.png" }, "b.xyz" },
    { { "fill", "-", "b.png", "--mask=-" }, "MASK" },
    { { "fill", "a.png", "b.png", "--mask=m.png", "--strength=1" }, "--strength" },
    { { "fill", "a.png", "b.png", "--mask=m.png", "--seed=1.5" }, "seed" },
    { { "fill", "a.png", "b.png", "--mask=m.png", "--seed=99999999999999" }, "seed" },
    { { "fill", "a.png", "b.png", "--mask=m.png", "--match-color=perhaps" }, "match-color" },
    { { "fill", "a.png", "b.png", "--mask=m.png", "--prompt=a cat" }, "prompt" },
    { { "fill", "a.png", "-", "--mask=m.png", "--candidates=2" }, "candidates" },
    { { "regenerate", "a.png", "b.png", "--strength=1.01" }, "strength" },
    { { "regenerate", "a.png", "b.png", "--strength=nan" }, "strength" },
    { { "regenerate", "a.png", "b.png", "--strength=0,5" }, "strength" },
    { { "regenerate", "a.png", "b.png", "--steps=1001" }, "steps" },
    { { "regenerate", "a.png", "b.png", "--sampler=magic" }, "magic" },
    { { "regenerate", "a.png", "b.png", "--schedule=magic" }, "magic" },
    { { "regenerate", "a.png", "b.png", "--candidates=0" }, "candidates" },
    { { "expand", "a.png", "b.png", "--left=-1" }, "left" },
    { { "generate", "b.png" }, "--example" },
    { { "generate", "b.png", "--example=a.png", "--tileable=diagonal" }, "diagonal" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_auto (CliRun) run = cli_run_with (&(CliHow) { NULL }, rows[i].words);

      cli_assert_failed (&run, 2, rows[i].part);
    }
}

static void
add_tests (void)
{
  g_test_add_func ("/cli/commands/version", test_version);
  g_test_add_func ("/cli/commands/help", test_help);
  g_test_add_func ("/cli/commands/list", test_list);
  g_test_add_func ("/cli/commands/info", test_info);
  g_test_add_func ("/cli/commands/usage", test_usage);
}

int
main (int argc, char **argv)
{
  return cli_main (argc, argv, add_tests);
}
