/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of facts, told to a person as lines and to a program as a JSON object. */
#pragma once

#include <json-glib/json-glib.h>

typedef struct
{
  JsonBuilder *json;
  GString *lines;
} SfFacts;

SfFacts *sf_facts_new (void);
void sf_facts_free (SfFacts *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfFacts, sf_facts_free)

/* @name: in JSON, %NULL = for people only; @label: translated, %NULL = for programs only; @text: nothing is added for %NULL. */
void sf_facts_add (SfFacts *self, const char *name, const char *label, const char *text);
void sf_facts_add_list (SfFacts *self, const char *name, const char *label, const char *const *texts);
/* As numbers in JSON, for people as @text. */
void sf_facts_add_number (SfFacts *self, const char *name, const char *label, double number, const char *text);
void sf_facts_add_flag (SfFacts *self, const char *name, gboolean flag);
/* Prints and forgets them. */
void sf_facts_print (SfFacts *self, gboolean json);
