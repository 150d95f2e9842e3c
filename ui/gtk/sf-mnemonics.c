/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-mnemonics.h"

#include <string.h>

#include "sf-fields.h"

/* Letters that are taken, a set of lower-case gunichars. */
typedef GHashTable Taken;

static gboolean
take (Taken *taken, gunichar c)
{
  return g_unichar_isalnum (c) && g_hash_table_add (taken, GUINT_TO_POINTER (g_unichar_tolower (c)));
}

static gboolean
is_free (Taken *taken, gunichar c)
{
  return g_unichar_isalnum (c) && !g_hash_table_contains (taken, GUINT_TO_POINTER (g_unichar_tolower (c)));
}

/* The free letter of @plain to underline, letters that begin a word before others; %NULL if all are taken.  A letter
 * that no keyboard types by itself is of no use. */
static const char *
find_letter (Taken *taken, const char *plain)
{
  for (int pass = 0; pass < 2; pass++)
    for (const char *c = plain; *c != '\0'; c = g_utf8_next_char (c))
      {
        gboolean begins = c == plain || !g_unichar_isalnum (g_utf8_get_char (g_utf8_prev_char (c)));
        gunichar letter = g_utf8_get_char (c);

        if ((begins || pass > 0) && g_unichar_get_script (letter) != G_UNICODE_SCRIPT_HAN && is_free (taken, letter))
          return c;
      }
  return NULL;
}

/* @text with an underscore before @letter of @plain, or in East Asian style. */
static char *
underline (const char *plain, const char *letter)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (const char *c = plain; *c != '\0'; c = g_utf8_next_char (c))
    {
      if (c == letter || *c == '_')
        g_string_append_c (text, '_');
      g_string_append_unichar (text, g_utf8_get_char (c));
    }
  return g_strdup (text->str);
}

static void
assign (Taken *taken, GtkLabel *label)
{
  const char *wanted = gtk_label_get_label (label);
  const char *mark = strchr (wanted, '_');
  g_autofree char *plain = sf_plain_label (wanted);
  g_autofree char *text = NULL;
  const char *letter;

  if (mark != NULL && take (taken, g_utf8_get_char (mark + 1)))
    return;
  letter = find_letter (taken, plain);
  if (letter != NULL)
    take (taken, g_utf8_get_char (letter));
  text = underline (plain, letter);
  gtk_label_set_label (label, text);
}

typedef struct
{
  Taken *taken;
  GtkWidget *skip; /* (nullable) */
} Walk;

static void
walk (GtkWidget *widget, gpointer data)
{
  Walk *w = data;

  if (widget == w->skip)
    return;
  if (GTK_IS_LABEL (widget) && gtk_label_get_use_underline (GTK_LABEL (widget)))
    assign (w->taken, GTK_LABEL (widget));
  else if (GTK_IS_CONTAINER (widget))
    gtk_container_forall (GTK_CONTAINER (widget), walk, w);
}

void
sf_mnemonics_assign (GtkWidget *toplevel, GtkWidget *first)
{
  g_autoptr (GHashTable) taken = g_hash_table_new (NULL, NULL);

  walk (first, &(Walk) { taken, NULL });
  walk (toplevel, &(Walk) { taken, first });
}
