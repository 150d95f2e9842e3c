/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "golden-private.h"

struct _Case
{
  const char *name;
  JsonNode *params;
  JsonObject *model;          /* (nullable) */
  GHashTable *asked;          /* paths of parameters */
  GHashTable *tensors;        /* name → GoldenTensor, of this case */
  GHashTable *seen;           /* names of tensors */
  char *failure, *skipped;    /* (nullable) */
  double worst, tolerance;    /* of the comparison that came nearest to failing */
};

const char *
case_name (const Case *c)
{
  return c->name;
}

/*** Parameters ***/

static JsonNode *
find (JsonNode *node, const char *path)
{
  const char *dot = strchr (path, '.');
  g_autofree char *name = dot != NULL ? g_strndup (path, dot - path) : g_strdup (path);
  JsonNode *member = NULL;

  if (JSON_NODE_HOLDS_OBJECT (node))
    member = json_object_get_member (json_node_get_object (node), name);
  else if (JSON_NODE_HOLDS_ARRAY (node) && g_ascii_isdigit (*name) && (guint) atoi (name) < json_array_get_length (json_node_get_array (node)))
    member = json_array_get_element (json_node_get_array (node), (guint) atoi (name));
  return member != NULL && dot != NULL ? find (member, dot + 1) : member;
}

JsonObject *
case_object (Case *c, const char *path)
{
  JsonNode *node = *path != '\0' ? find (c->params, path) : c->params;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

/* A null counts as not given. */
JsonNode *
case_node (Case *c, const char *path)
{
  JsonNode *node = find (c->params, path);

  g_hash_table_add (c->asked, g_strdup (path));
  return node != NULL && !json_node_is_null (node) ? node : NULL;
}

gboolean
case_has (Case *c, const char *path)
{
  return case_node (c, path) != NULL;
}

static JsonNode *
value_node (Case *c, const char *path)
{
  JsonNode *node = case_node (c, path);

  if (node != NULL && !JSON_NODE_HOLDS_VALUE (node))
    {
      case_fail (c, "parameter %s is not a plain value", path);
      return NULL;
    }
  return node;
}

double
case_number (Case *c, const char *path, double fallback)
{
  JsonNode *node = value_node (c, path);

  return node != NULL ? json_node_get_double (node) : fallback;
}

int
case_int (Case *c, const char *path, int fallback)
{
  JsonNode *node = value_node (c, path);

  return node != NULL ? (int) json_node_get_int (node) : fallback;
}

gboolean
case_flag (Case *c, const char *path, gboolean fallback)
{
  JsonNode *node = value_node (c, path);

  return node != NULL ? json_node_get_boolean (node) : fallback;
}

const char *
case_text (Case *c, const char *path, const char *fallback)
{
  JsonNode *node = value_node (c, path);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : fallback;
}

int
case_choice (Case *c, const char *path, const char *fallback, const CaseChoice *choices, gsize n)
{
  const char *name = case_text (c, path, fallback);

  for (gsize i = 0; i < n; i++)
    if (g_strcmp0 (choices[i].name, name) == 0)
      return choices[i].value;
  case_fail (c, "unknown %s %s", path, name != NULL ? name : "(none)");
  return choices[0].value;
}

JsonObject *
case_model (Case *c)
{
  return c->model;
}

/* (transfer full) (nullable): the path of the first parameter at or below @node, which is @path, that nobody asked for. */
static char *
not_asked (Case *c, JsonNode *node, const char *path)
{
  g_autoptr (GList) names = NULL;
  char *found = NULL;

  if (g_hash_table_contains (c->asked, path) || g_str_equal (path, "id") || g_str_equal (path, "seed") || g_str_equal (path, "note"))
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (node))
    names = json_object_get_members (json_node_get_object (node));
  for (GList *l = names; l != NULL && found == NULL; l = l->next)
    {
      g_autofree char *below = *path != '\0' ? g_strconcat (path, ".", l->data, NULL) : g_strdup (l->data);

      found = not_asked (c, json_object_get_member (json_node_get_object (node), l->data), below);
    }
  for (guint i = 0; JSON_NODE_HOLDS_ARRAY (node) && i < json_array_get_length (json_node_get_array (node)) && found == NULL; i++)
    {
      g_autofree char *below = g_strdup_printf ("%s.%u", path, i);

      found = not_asked (c, json_array_get_element (json_node_get_array (node), i), below);
    }
  return JSON_NODE_HOLDS_OBJECT (node) || JSON_NODE_HOLDS_ARRAY (node) ? found : g_strdup (path);
}

/*** Tensors ***/

const GoldenTensor *
case_tensor (Case *c, const char *name)
{
  const GoldenTensor *tensor = g_hash_table_lookup (c->tensors, name);

  if (tensor != NULL)
    g_hash_table_add (c->seen, g_strdup (name));
  return tensor;
}

const GoldenTensor *
case_need (Case *c, const char *name)
{
  static const GoldenTensor none;
  const GoldenTensor *tensor = case_tensor (c, name);

  if (tensor != NULL)
    return tensor;
  case_fail (c, "there is no tensor %s", name);
  return &none;
}

void
case_implied (Case *c, const char *name)
{
  case_tensor (c, name);
}

/* n, h, w, c of a block: the last @n_dims dimensions. */
static gsize
block_shape (const GoldenTensor *tensor, int n_dims, int shape[4])
{
  const gsize *dim = tensor->dim + tensor->n_dims - n_dims;

  shape[0] = n_dims == 4 ? (int) dim[0] : 1;
  dim += n_dims - 3;
  shape[1] = (int) dim[1];
  shape[2] = (int) dim[2];
  shape[3] = (int) dim[0];
  return (gsize) shape[0] * shape[1] * shape[2] * shape[3];
}

/* Position in [N, C, H, W] of element @i of [N, H, W, C]. */
static gsize
channel_first (gsize i, const int shape[4])
{
  gsize h = shape[1], w = shape[2], c = shape[3], pixel = i / c, n = pixel / (h * w);

  return (n * c + i % c) * h * w + pixel % (h * w);
}

SfTensor *
case_state (Case *c, const char *name, gsize index, int n_dims)
{
  const GoldenTensor *tensor = case_need (c, name);
  int shape[4] = { 1, 1, 1, 1 };
  gsize size = tensor->n_dims >= n_dims ? block_shape (tensor, n_dims, shape) : 0;
  SfTensor *state = sf_tensor_new (shape[0], shape[1], shape[2], shape[3], NULL);

  if (size == 0 || (index + 1) * size > tensor->size)
    {
      case_fail (c, "tensor %s has no block %" G_GSIZE_FORMAT, name, index);
      return state;
    }
  for (gsize i = 0; i < size; i++)
    state->data[i] = (SfReal) tensor->value[index * size + channel_first (i, shape)];
  return state;
}

void
case_fill_state (Case *c, const char *name, gsize index, SfTensor *out)
{
  g_autoptr (SfTensor) state = case_state (c, name, index, 4);

  if (sf_tensor_same_shape (state, out))
    memcpy (out->data, state->data, sf_tensor_size (out) * sizeof (SfReal));
  else
    case_fail (c, "%s has another shape than the state", name);
}

/*** Verdict ***/

void
case_fail (Case *c, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (c->failure == NULL)
    c->failure = g_strdup_vprintf (format, arguments);
  va_end (arguments);
}

void
case_skip (Case *c, const char *reason)
{
  g_free (c->skipped);
  c->skipped = g_strdup (reason);
}

gboolean
case_ok (Case *c, gboolean ok, GError **error)
{
  if (!ok)
    case_fail (c, "%s", *error != NULL ? (*error)->message : "no message");
  g_clear_error (error);
  return ok;
}

static void
judge (Case *c, const char *what, gsize i, double got, double want, double tolerance)
{
  double distance = fabs (got - want) / MAX (1, fabs (want));

  if (isfinite (want) ? !(distance <= tolerance) : !(got == want || (isnan (got) && isnan (want))))
    case_fail (c, "%s[%" G_GSIZE_FORMAT "] is %.12g, not %.12g (off by %.2g, tolerance %.2g)", what, i, got, want, distance, tolerance);
  if (isfinite (want) && isfinite (got) && distance * c->tolerance >= c->worst * tolerance)
    {
      c->worst = distance;
      c->tolerance = tolerance;
    }
}

void
case_compare (Case *c, const char *what, const double *got, const double *want, gsize n, double tolerance)
{
  for (gsize i = 0; i < n; i++)
    judge (c, what, i, got[i], want[i], tolerance);
}

void
case_compare_number (Case *c, const char *name, gsize index, double got, double tolerance)
{
  const GoldenTensor *tensor = case_need (c, name);

  if (index < tensor->size)
    judge (c, name, index, got, tensor->value[index], tolerance);
  else
    case_fail (c, "%s has no element %" G_GSIZE_FORMAT, name, index);
}

void
case_compare_array (Case *c, const char *name, const double *got, gsize n, double tolerance)
{
  const GoldenTensor *tensor = case_need (c, name);

  if (tensor->size == n)
    case_compare (c, name, got, tensor->value, n, tolerance);
  else
    case_fail (c, "%s has %" G_GSIZE_FORMAT " elements, not %" G_GSIZE_FORMAT, name, tensor->size, n);
}

void
case_compare_state (Case *c, const char *name, gsize index, const SfTensor *y, double scale, double tolerance)
{
  const GoldenTensor *tensor = case_need (c, name);
  int shape[4] = { y->n, y->h, y->w, y->c };
  gsize size = sf_tensor_size (y);

  if ((index + 1) * size > tensor->size)
    {
      case_fail (c, "%s has no block %" G_GSIZE_FORMAT " of this shape", name, index);
      return;
    }
  for (gsize i = 0; i < size; i++)
    {
      gsize j = index * size + channel_first (i, shape);

      judge (c, name, j, scale * y->data[i], tensor->value[j], tolerance);
    }
}

/*** Replay ***/

Replay *
replay_new (Case *c, const char *name)
{
  Replay *self = g_new (Replay, 1);
  g_autofree char *used_name = g_strconcat (name, "_used", NULL);
  const GoldenTensor *tensor = case_tensor (c, name), *used = case_tensor (c, used_name);
  gsize n = used != NULL ? used->size : tensor != NULL ? tensor->dim[0]
                                                       : 0;

  *self = (Replay) { .c = c, .name = name, .rows = g_array_new (FALSE, FALSE, sizeof (gsize)) };
  for (gsize i = 0; i < n; i++)
    if (used == NULL || used->value[i] != 0)
      g_array_append_val (self->rows, i);
  return self;
}

void
replay_free (Replay *self)
{
  g_array_unref (self->rows);
  g_free (self);
}

void
replay_draw (SfTensor *z, guint64 draw, gpointer replay)
{
  Replay *self = replay;

  if (draw >= self->rows->len)
    {
      case_fail (self->c, "more noise is drawn than the reference did (draw %" G_GUINT64_FORMAT ")", draw);
      return;
    }
  case_fill_state (self->c, self->name, g_array_index (self->rows, gsize, draw), z);
}

/*** Running one ***/

Outcome
case_run (const GoldenGroup *group, const char *name, JsonObject *description, JsonObject *model, GHashTable *tensors, FILE *out)
{
  Case c = { .name = name, .params = json_object_get_member (description, "params"), .model = model, .tensors = tensors };
  GHashTableIter iter;
  gpointer key;
  Outcome outcome;

  c.asked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  c.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  c.tolerance = TOLERANCE_TABLE;
  if (json_object_has_member (description, "compat"))
    case_skip (&c, json_object_get_string_member (description, "compat"));
  else
    {
      group->run (&c);
      if (c.failure == NULL)
        {
          g_autofree char *path = not_asked (&c, c.params, "");

          if (path != NULL)
            case_fail (&c, "unknown parameter %s", path);
        }
      g_hash_table_iter_init (&iter, tensors);
      while (g_hash_table_iter_next (&iter, &key, NULL))
        if (!g_hash_table_contains (c.seen, key))
          case_fail (&c, "tensor %s is not looked at", (char *) key);
    }
  if (c.skipped != NULL)
    fprintf (out, "skip %s %s %s\n", group->name, name, c.skipped);
  else if (c.failure != NULL)
    fprintf (out, "FAIL %s %s %s\n", group->name, name, c.failure);
  else
    fprintf (out, "ok %s %s worst=%.2g tol=%.2g\n", group->name, name, c.worst, c.tolerance);
  outcome = c.skipped != NULL ? OUTCOME_SKIPPED : c.failure != NULL ? OUTCOME_FAILED
                                                                    : OUTCOME_PASSED;
  g_hash_table_unref (c.asked);
  g_hash_table_unref (c.seen);
  g_free (c.failure);
  g_free (c.skipped);
  return outcome;
}
