/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Members of a description: what is right is read, and anything else is refused by name, with what it is and what it may be. */
#include "base/sf-description.h"

#include <string.h>

#include "base/sf-error.h"

static const SfWord words[] = { { "one", 1 }, { "two", 2, .ours = "zwei" }, { "three", 3 }, { NULL } };

static SfDescription
parse (const char *text)
{
  g_autofree char *json = g_strdelimit (g_strdup (text), "'", '"');
  g_autoptr (GError) error = NULL;
  SfDescription self = { .object = sf_description_parse (json, -1, "x.json", &error), .file = "x.json" };

  g_assert_no_error (error);
  return self;
}

static void
assert_good (SfDescription *self)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sf_description_end (self, &error));
  g_assert_no_error (error);
  json_object_unref (self->object);
}

static void
test_read (void)
{
  SfDescription self = parse ("{'n': 7, 'x': 0.5, 'flag': true, 'text': 'a', 'word': 'two', 'words': ['three', 'one'], 'none': null,"
                              " 'list': [1, 2.5], 'side': 8, 'sides': [3, 4], 'object': {}, 'texts': ['a', 'b']}");
  g_auto (GStrv) texts = sf_description_texts (&self, "texts");
  double list[SF_DESCRIPTION_MAX_LIST];
  int values[SF_DESCRIPTION_MAX_LIST], side[2], n;
  g_autofree double *numbers = sf_description_numbers (&self, "list", 0, 3, &n);

  g_assert_cmpint (n, ==, 2);
  g_assert_cmpfloat (numbers[1], ==, 2.5);
  g_assert_cmpint (sf_description_int (&self, "n", 0, 9, 1), ==, 7);
  g_assert_cmpfloat (sf_description_number (&self, "x", 0, 1, 1), ==, 0.5);
  g_assert_true (sf_description_flag (&self, "flag", FALSE));
  g_assert_cmpstr (sf_description_text (&self, "text", NULL), ==, "a");
  g_assert_cmpstr (sf_description_word (&self, "word", words, NULL)->ours, ==, "zwei");
  g_assert_cmpint (sf_description_choice (&self, "word", words, 0), ==, 2);
  g_assert_cmpint (sf_description_choices (&self, "words", words, values), ==, 2);
  g_assert_cmpint (values[0], ==, 3);
  g_assert_cmpint (sf_description_list (&self, "list", 0, 3, list), ==, 2);
  g_assert_true (sf_description_sides (&self, "side", 8, side));
  g_assert_cmpint (side[1], ==, 8);
  g_assert_true (sf_description_sides (&self, "sides", 8, side));
  g_assert_cmpint (side[0], ==, 3);
  g_assert_cmpint (side[1], ==, 4);
  g_assert_nonnull (sf_description_object (&self, "object"));
  g_assert_cmpuint (g_strv_length (texts), ==, 2);
  g_assert_true (sf_description_is_null (&self, "none"));
  g_assert_false (sf_description_has (&self, "none"));
  assert_good (&self);
}

static void
test_missing (void)
{
  SfDescription self = parse ("{'none': null}");
  int n, side[2];

  g_assert_cmpint (sf_description_int (&self, "none", 0, 9, -1), ==, -1);
  g_assert_cmpint (sf_description_choice (&self, "word", words, 9), ==, 9);
  g_assert_cmpint (sf_description_word (&self, "word", words, "three")->value, ==, 3);
  g_assert_null (sf_description_word (&self, "word", words, NULL));
  g_assert_null (sf_description_numbers (&self, "list", 0, 1, &n));
  g_assert_null (sf_description_texts (&self, "texts"));
  g_assert_null (sf_description_object (&self, "object"));
  g_assert_false (sf_description_sides (&self, "side", 8, side));
  g_assert_false (sf_description_is_null (&self, "nothing"));
  assert_good (&self);
}

static void
read_all (SfDescription *self)
{
  double list[SF_DESCRIPTION_MAX_LIST];
  int values[SF_DESCRIPTION_MAX_LIST], side[2], n;

  sf_description_int (self, "n", 0, 9, 1);
  sf_description_number (self, "x", 0, 1, 1);
  sf_description_flag (self, "flag", FALSE);
  sf_description_text (self, "text", NULL);
  sf_description_choice (self, "word", words, 0);
  if (sf_description_has (self, "words"))
    sf_description_choices (self, "words", words, values);
  if (sf_description_has (self, "list"))
    sf_description_list (self, "list", 0, 3, list);
  sf_description_sides (self, "side", 8, side);
  sf_description_object (self, "object");
  g_strfreev (sf_description_texts (self, "texts"));
  g_free (sf_description_numbers (self, "numbers", 0, 1, &n));
}

static void
test_refused (void)
{
  static const struct
  {
    const char *text, *message;
  } rows[] = {
    { "{'n': 10}", "x.json: “n” is 10; it must be a number from 0 to 9" },
    { "{'n': 1.5}", "x.json: “n” is 1.5; it must be a whole number" },
    { "{'x': '0.5'}", "x.json: “x” is \"0.5\"; it must be a number from 0 to 1" },
    { "{'flag': 1}", "x.json: “flag” is 1; it must be true or false" },
    { "{'text': 1}", "x.json: “text” is 1; it must be text" },
    { "{'word': 'four'}", "x.json: “word” is \"four\"; it must be “one”, “two” or “three”" },
    { "{'words': ['one', 2]}", "x.json: “words” is 2; it must be “one”, “two” or “three”" },
    { "{'words': 'one'}", "x.json: “words” is \"one\"; it must be a list of at most 16 elements" },
    { "{'list': [1, 4]}", "x.json: “list” is 4; it must be a number from 0 to 3" },
    { "{'list': [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}", "it must be a list of at most 16 elements" },
    { "{'side': 9}", "x.json: “side” is 9; it must be a number from 1 to 8" },
    { "{'side': [1, 2, 3]}", "x.json: “side” is [1,2,3]; it must be one number or two" },
    { "{'object': []}", "x.json: “object” is []; it must be an object" },
    { "{'texts': [1]}", "x.json: “texts” is [1]; it must be a list of texts" },
    { "{'numbers': []}", "x.json: “numbers” is []; it must be a list of numbers" },
    { "{'numbers': [null]}", "x.json: “numbers” is null; it must be a number from 0 to 1" },
    { "{'n': 10, 'x': 7}", "“n”" }, /* the first one stays */
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SfDescription self = parse (rows[i].text);
      g_autoptr (JsonObject) object = self.object;
      g_autoptr (GError) error = NULL;

      read_all (&self);
      g_assert_false (sf_description_end (&self, &error));
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      if (strstr (error->message, rows[i].message) == NULL)
        g_test_fail_printf ("“%s” does not say “%s”", error->message, rows[i].message);
    }
}

/* What is long is not told in full. */
static void
test_long (void)
{
  g_autofree char *text = g_strnfill (100000, 'x'), *json = g_strdup_printf ("{'n': '%s'}", text);
  SfDescription self = parse (json);

  sf_description_int (&self, "n", 0, 9, 1);
  g_assert_cmpuint (strlen (self.error->message), <, 200);
  g_clear_error (&self.error);
  assert_good (&self);
}

/* Options of a network are called so, and a list that a network cannot do without is missed. */
static void
test_options (void)
{
  SfDescription self = { .object = NULL };
  double list[SF_DESCRIPTION_MAX_LIST];

  g_assert_cmpint (sf_description_list (&self, "list", 0, 3, list), ==, 0);
  g_assert_cmpstr (self.error->message, ==, "option “list” of the network is missing");
  g_clear_error (&self.error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/description/read", test_read);
  g_test_add_func ("/description/missing", test_missing);
  g_test_add_func ("/description/refused", test_refused);
  g_test_add_func ("/description/long", test_long);
  g_test_add_func ("/description/options", test_options);
  return g_test_run ();
}
