/* SPDX-License-Identifier: GPL-3.0-or-later */
/* After the comments of CPython's pickletools.py, where all instructions are described. */
#include "weights/sf-pickle.h"

#include "sf-config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "weights/sf-bytes.h"
#include "weights/sf-weights.h"

#define MOST_STEPS (1 << 21) /* a network of a thousand arrays takes 30000 */
#define LONGEST_NAME 256

typedef struct
{
  const guint8 *at, *end;
  SfPickle *pickle;
  GPtrArray *stack; /* of values; a mark is %NULL */
  GPtrArray *memo;
  gboolean done;
} Machine;

/* An instruction: FALSE for one that cannot be followed. */
typedef gboolean (*StepFunc) (Machine *m, int n);

static gboolean
has (const Machine *m, guint64 n)
{
  return n <= (guint64) (m->end - m->at);
}

/* A number of @n bytes in the program. */
static gboolean
take_number (Machine *m, int n, guint64 *number)
{
  if (!has (m, n))
    return FALSE;
  *number = sf_bytes_number (m->at, n);
  m->at += n;
  return TRUE;
}

/* (transfer full) (nullable): text up to the end of the line. */
static char *
take_line (Machine *m)
{
  const guint8 *from = m->at, *end = memchr (from, '\n', MIN ((gsize) (m->end - from), LONGEST_NAME));

  if (end == NULL)
    return NULL;
  m->at = end + 1;
  return g_strndup ((const char *) from, end - from);
}

static gboolean
push (Machine *m, SfPickleValue *value)
{
  g_ptr_array_add (m->stack, value);
  return TRUE;
}

static SfPickleValue *
new_value (Machine *m, SfPickleKind kind)
{
  SfPickleValue *value = g_new0 (SfPickleValue, 1);

  value->kind = kind;
  g_ptr_array_add (m->pickle->values, value);
  return value;
}

static SfPickleValue *
push_new (Machine *m, SfPickleKind kind)
{
  SfPickleValue *value = new_value (m, kind);

  push (m, value);
  return value;
}

/* (nullable): the value at @depth below the topmost one, unless a mark is there. */
static SfPickleValue *
peek (const Machine *m, guint depth)
{
  return depth < m->stack->len ? g_ptr_array_index (m->stack, m->stack->len - 1 - depth) : NULL;
}

static SfPickleValue *
top (const Machine *m)
{
  return peek (m, 0);
}

static SfPickleValue *
pop (Machine *m)
{
  SfPickleValue *value = top (m);

  if (value != NULL)
    g_ptr_array_set_size (m->stack, (int) m->stack->len - 1);
  return value;
}

/* Index of the first value above the last mark; 0 if there is no mark. */
static guint
above_mark (const Machine *m)
{
  guint i = m->stack->len;

  while (i > 0 && g_ptr_array_index (m->stack, i - 1) != NULL)
    i--;
  return i;
}

/* Moves the values from @first on to the end of @value's items. */
static void
move_items (Machine *m, guint first, SfPickleValue *value)
{
  guint n = m->stack->len - first;

  if (n > 0 && value->items == NULL)
    value->items = g_ptr_array_sized_new (n);
  for (guint i = first; i < m->stack->len; i++)
    g_ptr_array_add (value->items, g_ptr_array_index (m->stack, i));
  g_ptr_array_set_size (m->stack, (int) first);
}

/*** Instructions: numbers and text ***/

static gboolean
push_constant (Machine *m, int kind)
{
  push_new (m, kind);
  return TRUE;
}

static gboolean
push_bool (Machine *m, int value)
{
  push_new (m, SF_PICKLE_INTEGER)->integer = value;
  return TRUE;
}

static gboolean
push_unsigned (Machine *m, int n)
{
  guint64 number;

  if (!take_number (m, n, &number))
    return FALSE;
  push_new (m, SF_PICKLE_INTEGER)->integer = (gint64) number;
  return TRUE;
}

static gboolean
push_int32 (Machine *m, int n)
{
  guint64 number;

  if (!take_number (m, n, &number))
    return FALSE;
  push_new (m, SF_PICKLE_INTEGER)->integer = (gint32) (guint32) number;
  return TRUE;
}

/* As many bytes as a number of @n bytes says, two's complement; more than 8 are no number that a checkpoint needs. */
static gboolean
push_long (Machine *m, int n)
{
  guint64 size, number;

  if (!take_number (m, n, &size) || !has (m, size))
    return FALSE;
  if (size > 8)
    {
      m->at += size;
      return push_constant (m, SF_PICKLE_OTHER);
    }
  take_number (m, (int) size, &number);
  if (size > 0 && size < 8 && number >> (8 * size - 1))
    number |= ~0ULL << (8 * size);
  push_new (m, SF_PICKLE_INTEGER)->integer = (gint64) number;
  return TRUE;
}

static gboolean
push_real (Machine *m, int n)
{
  guint64 bits;

  if (!take_number (m, n, &bits))
    return FALSE;
  bits = GUINT64_SWAP_LE_BE (bits);
  memcpy (&push_new (m, SF_PICKLE_REAL)->real, &bits, sizeof bits);
  return TRUE;
}

static gboolean
push_text (Machine *m, int n)
{
  guint64 size;

  if (!take_number (m, n, &size) || !has (m, size))
    return FALSE;
  /* NUL bytes are invalid here, too. */
  if (g_utf8_validate ((const char *) m->at, (gssize) size, NULL))
    push_new (m, SF_PICKLE_TEXT)->text = g_strndup ((const char *) m->at, size);
  else
    push_constant (m, SF_PICKLE_OTHER);
  m->at += size;
  return TRUE;
}

static gboolean
push_bytes (Machine *m, int n)
{
  guint64 size;

  if (!take_number (m, n, &size) || !has (m, size))
    return FALSE;
  m->at += size;
  return push_constant (m, SF_PICKLE_OTHER);
}

/*** Instructions: containers ***/

static gboolean
push_mark (Machine *m, int n)
{
  return push (m, NULL);
}

/* All above the mark become a container. */
static gboolean
collect (Machine *m, int kind)
{
  guint first = above_mark (m);
  SfPickleValue *value;

  if (first == 0)
    return FALSE;
  value = new_value (m, kind);
  move_items (m, first, value);
  g_ptr_array_index (m->stack, first - 1) = value; /* in place of the mark */
  return kind != SF_PICKLE_DICT || sf_pickle_n (value) % 2 == 0;
}

/* The @n topmost values become a tuple. */
static gboolean
push_tuple (Machine *m, int n)
{
  SfPickleValue *value;

  for (int i = 0; i < n; i++)
    if (peek (m, (guint) i) == NULL)
      return FALSE;
  value = new_value (m, SF_PICKLE_TUPLE);
  move_items (m, m->stack->len - (guint) n, value);
  return push (m, value);
}

/* Puts all values from @first on into the container below them: one by one, or in pairs. */
static gboolean
put_into (Machine *m, guint first, int step)
{
  SfPickleValue *container = first > 0 ? g_ptr_array_index (m->stack, first - 1) : NULL;

  if (container == NULL || (m->stack->len - first) % (guint) step != 0)
    return FALSE;
  if (container->kind != SF_PICKLE_CALL && container->kind != (step == 2 ? SF_PICKLE_DICT : SF_PICKLE_LIST))
    return FALSE;
  move_items (m, first, container);
  return TRUE;
}

static gboolean
put_one (Machine *m, int step)
{
  for (int i = 0; i < step; i++)
    if (peek (m, (guint) i) == NULL)
      return FALSE;
  return put_into (m, m->stack->len - (guint) step, step);
}

static gboolean
put_all (Machine *m, int step)
{
  guint first = above_mark (m);
  guint n = m->stack->len - first;

  if (first == 0)
    return FALSE;
  g_ptr_array_remove_index (m->stack, first - 1); /* the mark */
  return put_into (m, m->stack->len - n, step);
}

static gboolean
drop (Machine *m, int n)
{
  if (top (m) != NULL)
    pop (m);
  else if (m->stack->len > 0) /* a mark */
    g_ptr_array_set_size (m->stack, (int) m->stack->len - 1);
  else
    return FALSE;
  return TRUE;
}

static gboolean
drop_to_mark (Machine *m, int n)
{
  guint first = above_mark (m);

  if (first > 0)
    g_ptr_array_set_size (m->stack, (int) first - 1);
  return first > 0;
}

static gboolean
repeat (Machine *m, int n)
{
  return top (m) != NULL && push (m, top (m));
}

/*** Instructions: the memo ***/

/* Writers count upwards, so that no index is beyond the number of steps. */
static gboolean
remember_at (Machine *m, guint64 i)
{
  if (top (m) == NULL || i >= MOST_STEPS)
    return FALSE;
  if (i >= m->memo->len)
    g_ptr_array_set_size (m->memo, (int) i + 1);
  g_ptr_array_index (m->memo, i) = top (m);
  return TRUE;
}

static gboolean
remember (Machine *m, int n)
{
  guint64 i;

  return take_number (m, n, &i) && remember_at (m, i);
}

static gboolean
remember_next (Machine *m, int n)
{
  return remember_at (m, m->memo->len);
}

static gboolean
recall (Machine *m, int n)
{
  guint64 i;

  return take_number (m, n, &i) && i < m->memo->len && g_ptr_array_index (m->memo, i) != NULL && push (m, g_ptr_array_index (m->memo, i));
}

/*** Instructions: what would run code ***/

static gboolean
push_global (Machine *m, int n)
{
  g_autofree char *module = take_line (m);
  g_autofree char *name = module != NULL ? take_line (m) : NULL;

  if (name == NULL)
    return FALSE;
  push_new (m, SF_PICKLE_GLOBAL)->text = g_strconcat (module, ".", name, NULL);
  return TRUE;
}

static gboolean
make_global (Machine *m, int n)
{
  const SfPickleValue *name = pop (m), *module = pop (m);

  if (name == NULL || module == NULL || name->kind != SF_PICKLE_TEXT || module->kind != SF_PICKLE_TEXT ||
      strlen (name->text) > LONGEST_NAME || strlen (module->text) > LONGEST_NAME)
    return FALSE;
  push_new (m, SF_PICKLE_GLOBAL)->text = g_strconcat (module->text, ".", name->text, NULL);
  return TRUE;
}

/* Function, arguments and, if @n is 3, arguments by name, which are dropped. */
static gboolean
push_call (Machine *m, int n)
{
  SfPickleValue *named = n == 3 ? pop (m) : top (m), *argument = pop (m), *function = pop (m), *value;

  if (named == NULL || argument == NULL || function == NULL)
    return FALSE;
  value = push_new (m, SF_PICKLE_CALL);
  value->function = function;
  value->argument = argument;
  return TRUE;
}

static gboolean
push_persistent (Machine *m, int n)
{
  SfPickleValue *name = pop (m);

  if (name == NULL)
    return FALSE;
  push_new (m, SF_PICKLE_PERSISTENT)->argument = name;
  return TRUE;
}

/* The state of an object, which is nothing to us. */
static gboolean
drop_state (Machine *m, int n)
{
  return pop (m) != NULL && top (m) != NULL;
}

/*** The machine ***/

static gboolean
pass (Machine *m, int n)
{
  guint64 number;

  return take_number (m, n, &number);
}

static gboolean
stop (Machine *m, int n)
{
  m->pickle->root = pop (m);
  m->done = TRUE;
  return m->pickle->root != NULL;
}

/* What each byte means. */
static const struct
{
  StepFunc step;
  int n;
} steps[256] = {
  [0x80] = { pass, 1 }, /* protocol */
  [0x95] = { pass, 8 }, /* size of a frame */
  ['.'] = { stop },

  ['N'] = { push_constant, SF_PICKLE_OTHER }, /* None */
  [0x88] = { push_bool, TRUE },
  [0x89] = { push_bool, FALSE },
  ['J'] = { push_int32, 4 },
  ['K'] = { push_unsigned, 1 },
  ['M'] = { push_unsigned, 2 },
  [0x8a] = { push_long, 1 },
  [0x8b] = { push_long, 4 },
  ['G'] = { push_real, 8 },
  ['U'] = { push_text, 1 }, /* of Python 2 */
  ['T'] = { push_text, 4 },
  [0x8c] = { push_text, 1 },
  ['X'] = { push_text, 4 },
  [0x8d] = { push_text, 8 },
  ['C'] = { push_bytes, 1 },
  ['B'] = { push_bytes, 4 },
  [0x8e] = { push_bytes, 8 },
  [0x96] = { push_bytes, 8 },

  [')'] = { push_constant, SF_PICKLE_TUPLE },
  [']'] = { push_constant, SF_PICKLE_LIST },
  ['}'] = { push_constant, SF_PICKLE_DICT },
  [0x8f] = { push_constant, SF_PICKLE_LIST }, /* a set */
  ['('] = { push_mark },
  ['t'] = { collect, SF_PICKLE_TUPLE },
  ['l'] = { collect, SF_PICKLE_LIST },
  ['d'] = { collect, SF_PICKLE_DICT },
  [0x91] = { collect, SF_PICKLE_LIST }, /* a frozen set */
  [0x85] = { push_tuple, 1 },
  [0x86] = { push_tuple, 2 },
  [0x87] = { push_tuple, 3 },
  ['a'] = { put_one, 1 },
  ['e'] = { put_all, 1 },
  [0x90] = { put_all, 1 },
  ['s'] = { put_one, 2 },
  ['u'] = { put_all, 2 },
  ['0'] = { drop },
  ['1'] = { drop_to_mark },
  ['2'] = { repeat },

  ['q'] = { remember, 1 },
  ['r'] = { remember, 4 },
  [0x94] = { remember_next },
  ['h'] = { recall, 1 },
  ['j'] = { recall, 4 },

  ['c'] = { push_global },
  [0x93] = { make_global },
  ['R'] = { push_call, 2 },
  [0x81] = { push_call, 2 },
  [0x92] = { push_call, 3 },
  ['b'] = { drop_state },
  ['Q'] = { push_persistent },
};

static gboolean
run (Machine *m, const guint8 *begin, GError **error)
{
  for (int i = 0; !m->done; i++)
    {
      const guint8 *at = m->at;

      if (i == MOST_STEPS)
        return sf_bad_file (error, _ ("has a pickle of more than %d steps"), MOST_STEPS);
      if (at == m->end)
        return sf_bad_file (error, _ ("has a pickle that is cut off"));
      m->at++;
      if (steps[*at].step == NULL)
        return sf_bad_file (error, _ ("has an unknown instruction 0x%02x at byte %zu of its pickle"), *at, (gsize) (at - begin));
      if (!steps[*at].step (m, steps[*at].n))
        return sf_bad_file (error, _ ("has a damaged pickle: instruction 0x%02x at byte %zu"), *at, (gsize) (at - begin));
    }
  return TRUE;
}

static void
value_free (gpointer data)
{
  SfPickleValue *value = data;

  g_clear_pointer (&value->items, g_ptr_array_unref);
  g_free (value->text);
  g_free (value);
}

SfPickle *
sf_pickle_read (const guint8 *data, gsize size, GError **error)
{
  g_autoptr (SfPickle) self = g_new0 (SfPickle, 1);
  g_autoptr (GPtrArray) stack = g_ptr_array_new ();
  g_autoptr (GPtrArray) memo = g_ptr_array_new ();
  Machine machine = { .at = data, .end = data + size, .pickle = self, .stack = stack, .memo = memo };

  self->values = g_ptr_array_new_with_free_func (value_free);
  if (!run (&machine, data, error))
    return NULL;
  self->size = (gsize) (machine.at - data);
  return g_steal_pointer (&self);
}

void
sf_pickle_free (SfPickle *self)
{
  g_ptr_array_unref (self->values);
  g_free (self);
}

guint
sf_pickle_n (const SfPickleValue *self)
{
  return self->items != NULL ? self->items->len : 0;
}

const SfPickleValue *
sf_pickle_item (const SfPickleValue *self, guint i, SfPickleKind kind)
{
  const SfPickleValue *item = i < sf_pickle_n (self) ? g_ptr_array_index (self->items, i) : NULL;

  return item != NULL && item->kind == kind ? item : NULL;
}

const char *
sf_pickle_name (const SfPickleValue *self)
{
  if (self->kind == SF_PICKLE_CALL)
    self = self->function;
  return self->kind == SF_PICKLE_GLOBAL ? self->text : NULL;
}
