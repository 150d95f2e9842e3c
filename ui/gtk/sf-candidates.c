/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-candidates.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "sf-fields.h"

/* One thumbnail, kept with its child of the flow box. */
typedef struct
{
  SfResult *result;
  GtkWidget *child, *mark, *tick, *label; /* tick: it is in the image */
  int run;
  gboolean kept;
} SfItem;

struct _SfCandidates
{
  GtkScrolledWindow parent;
  GtkWidget *flow, *stack;
  GPtrArray *items; /* of SfItem, oldest first */
  int run;
  gboolean user_chose, busy; /* busy: the selection is changed by us */
};

enum
{
  SELECTED,
  MARKED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_TYPE (SfCandidates, sf_candidates, GTK_TYPE_SCROLLED_WINDOW)

static void
free_item (gpointer data)
{
  SfItem *item = data;

  gtk_widget_destroy (item->child);
  sf_result_unref (item->result);
  g_free (item);
}

static SfItem *
item_of_child (GtkFlowBoxChild *child)
{
  return child ? g_object_get_data (G_OBJECT (child), "sf-item") : NULL;
}

static SfItem *
selected_item (SfCandidates *self)
{
  GList *children = gtk_flow_box_get_selected_children (GTK_FLOW_BOX (self->flow));
  SfItem *item = children ? item_of_child (children->data) : NULL;

  g_list_free (children);
  return item;
}

static int
compare_children (GtkFlowBoxChild *a, GtkFlowBoxChild *b, gpointer data)
{
  SfItem *ia = item_of_child (a), *ib = item_of_child (b);

  return ia->run != ib->run ? ib->run - ia->run : sf_result_compare (ia->result, ib->result);
}

/* The name that a screen reader says. */
static void
name_item (SfItem *item)
{
  int seed = sf_result_get_seed (item->result);
  gboolean marked = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (item->mark));
  g_autofree char *name = g_strdup_printf (item->kept ? _ ("Result with seed %d, in the image") : _ ("Result with seed %d"), seed);
  g_autofree char *mark = g_strdup_printf (_ ("Keep the result with seed %d"), seed);
  g_autofree char *text = g_strdup_printf ("%d", seed);

  atk_object_set_name (gtk_widget_get_accessible (item->child), name);
  atk_object_set_name (gtk_widget_get_accessible (item->mark), mark);
  gtk_label_set_text (GTK_LABEL (item->label), text);
  gtk_widget_set_visible (item->tick, item->kept);
  gtk_widget_set_tooltip_text (item->child, marked || item->kept ? name : _ ("Click to see it large; tick the box to keep several"));
}

static void
on_selection_changed (SfCandidates *self)
{
  if (self->busy)
    return;
  self->user_chose = TRUE;
  g_signal_emit (self, signals[SELECTED], 0, sf_candidates_get_selected (self));
}

static void
on_mark_toggled (GtkToggleButton *mark, SfCandidates *self)
{
  name_item (g_object_get_data (G_OBJECT (mark), "sf-item"));
  g_signal_emit (self, signals[MARKED], 0);
}

static void
add_child (SfCandidates *self, SfItem *item, cairo_surface_t *thumbnail)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 2);
  GtkWidget *overlay = gtk_overlay_new ();
  GtkWidget *image = gtk_image_new_from_surface (thumbnail);

  item->child = gtk_flow_box_child_new ();
  item->mark = gtk_check_button_new ();
  item->label = sf_note_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (item->label), 0.5);
  item->tick = gtk_image_new_from_icon_name ("object-select-symbolic", GTK_ICON_SIZE_MENU);
  gtk_widget_set_halign (item->tick, GTK_ALIGN_END);
  gtk_widget_set_valign (item->tick, GTK_ALIGN_END);
  gtk_style_context_add_class (gtk_widget_get_style_context (item->tick), GTK_STYLE_CLASS_OSD);
  gtk_widget_set_no_show_all (item->tick, TRUE);
  gtk_widget_set_halign (item->mark, GTK_ALIGN_START);
  gtk_widget_set_valign (item->mark, GTK_ALIGN_START);
  gtk_widget_set_focus_on_click (item->mark, FALSE);
  gtk_container_add (GTK_CONTAINER (overlay), image);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), item->mark);
  gtk_overlay_add_overlay (GTK_OVERLAY (overlay), item->tick);
  gtk_box_pack_start (GTK_BOX (box), overlay, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (box), item->label, FALSE, FALSE, 0);
  gtk_container_add (GTK_CONTAINER (item->child), box);
  g_object_set_data (G_OBJECT (item->child), "sf-item", item);
  g_object_set_data (G_OBJECT (item->mark), "sf-item", item);
  name_item (item);
  g_signal_connect (item->mark, "toggled", G_CALLBACK (on_mark_toggled), self);
  gtk_widget_show_all (item->child);
  gtk_flow_box_insert (GTK_FLOW_BOX (self->flow), item->child, -1);
}

/* Makes room for one more: the oldest goes, a marked one only if all are marked. */
static void
drop_oldest (SfCandidates *self)
{
  guint victim = 0;

  for (guint i = 0; i < self->items->len; i++)
    {
      SfItem *item = g_ptr_array_index (self->items, i);

      if (!gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (item->mark)))
        {
          victim = i;
          break;
        }
    }
  g_ptr_array_remove_index (self->items, victim);
}

static SfItem *
find_same (SfCandidates *self, const SfResult *result)
{
  for (guint i = 0; i < self->items->len; i++)
    {
      SfItem *item = g_ptr_array_index (self->items, i);
      const SfTensor *a = item->result->rgba, *b = result->rgba;

      if (g_strcmp0 (item->result->json, result->json) == 0 && sf_tensor_same_shape (a, b) && memcmp (a->data, b->data, sf_tensor_size (a) * sizeof (float)) == 0)
        return item;
    }
  return NULL;
}

static void
select_item (SfCandidates *self, SfItem *item)
{
  self->busy = TRUE;
  gtk_flow_box_select_child (GTK_FLOW_BOX (self->flow), GTK_FLOW_BOX_CHILD (item->child));
  self->busy = FALSE;
  g_signal_emit (self, signals[SELECTED], 0, item->result);
}

static gboolean
is_elsewhere (SfItem *item, const SfRect *frame)
{
  return memcmp (&item->result->rect, frame, sizeof *frame) != 0;
}

void
sf_candidates_begin_run (SfCandidates *self, const SfRect *frame)
{
  if (frame != NULL && self->items->len > 0 && is_elsewhere (g_ptr_array_index (self->items, 0), frame))
    sf_candidates_clear (self);
  self->run++;
  self->user_chose = FALSE;
}

void
sf_candidates_add (SfCandidates *self, SfResult *result, cairo_surface_t *thumbnail)
{
  SfItem *item = find_same (self, result);

  self->busy = TRUE;
  if (item == NULL)
    {
      while (self->items->len >= SF_CANDIDATES_MAX)
        drop_oldest (self);
      item = g_new0 (SfItem, 1);
      item->result = sf_result_ref (result);
      item->run = self->run;
      g_ptr_array_add (self->items, item);
      add_child (self, item, thumbnail);
    }
  item->run = self->run;
  gtk_flow_box_invalidate_sort (GTK_FLOW_BOX (self->flow));
  gtk_stack_set_visible_child (GTK_STACK (self->stack), self->flow);
  self->busy = FALSE;
  g_clear_pointer (&thumbnail, cairo_surface_destroy);
  if (!self->user_chose)
    select_item (self, item);
}

void
sf_candidates_end_run (SfCandidates *self)
{
  SfItem *best = item_of_child (gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->flow), 0));

  if (best == NULL)
    return;
  if (!self->user_chose)
    {
      GtkAdjustment *adjustment = gtk_scrolled_window_get_hadjustment (GTK_SCROLLED_WINDOW (self));

      gtk_adjustment_set_value (adjustment, 0);
      select_item (self, best);
    }
  else
    g_signal_emit (self, signals[SELECTED], 0, sf_candidates_get_selected (self));
}

void
sf_candidates_clear (SfCandidates *self)
{
  self->busy = TRUE;
  g_ptr_array_set_size (self->items, 0);
  self->busy = FALSE;
  gtk_stack_set_visible_child_name (GTK_STACK (self->stack), "empty");
  g_signal_emit (self, signals[SELECTED], 0, NULL);
}

SfResult *
sf_candidates_get_selected (SfCandidates *self)
{
  SfItem *item = selected_item (self);

  return item ? item->result : NULL;
}

/* (transfer container) (element-type SfItem) */
static GPtrArray *
chosen_items (SfCandidates *self)
{
  GPtrArray *chosen = g_ptr_array_new ();
  SfItem *item;

  /* In the order that is seen. */
  for (int i = 0; (item = item_of_child (gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->flow), i))) != NULL; i++)
    if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (item->mark)))
      g_ptr_array_add (chosen, item);
  item = selected_item (self);
  if (chosen->len == 0 && item != NULL)
    g_ptr_array_add (chosen, item);
  return chosen;
}

GPtrArray *
sf_candidates_get_chosen (SfCandidates *self)
{
  GPtrArray *chosen = chosen_items (self);

  for (guint i = 0; i < chosen->len; i++)
    chosen->pdata[i] = ((SfItem *) chosen->pdata[i])->result;
  return chosen;
}

void
sf_candidates_set_kept (SfCandidates *self)
{
  g_autoptr (GPtrArray) chosen = chosen_items (self);

  for (guint i = 0; i < chosen->len; i++)
    {
      SfItem *item = g_ptr_array_index (chosen, i);

      item->kept = TRUE;
      gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (item->mark), FALSE);
      name_item (item);
    }
}

gboolean
sf_candidates_get_kept (SfCandidates *self)
{
  g_autoptr (GPtrArray) chosen = chosen_items (self);

  for (guint i = 0; i < chosen->len; i++)
    if (!((SfItem *) g_ptr_array_index (chosen, i))->kept)
      return FALSE;
  return TRUE;
}

static void
sf_candidates_dispose (GObject *object)
{
  SfCandidates *self = SF_CANDIDATES (object);

  self->busy = TRUE;
  g_clear_pointer (&self->items, g_ptr_array_unref);
  G_OBJECT_CLASS (sf_candidates_parent_class)->dispose (object);
}

static void
sf_candidates_class_init (SfCandidatesClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = sf_candidates_dispose;
  signals[SELECTED] = g_signal_new ("selected", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[MARKED] = g_signal_new ("marked", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sf_candidates_init (SfCandidates *self)
{
  GtkWidget *empty = gtk_label_new (_ ("The results will appear here; the best one comes first."));

  self->items = g_ptr_array_new_with_free_func (free_item);
  self->flow = gtk_flow_box_new ();
  gtk_flow_box_set_min_children_per_line (GTK_FLOW_BOX (self->flow), SF_CANDIDATES_MAX);
  gtk_flow_box_set_max_children_per_line (GTK_FLOW_BOX (self->flow), SF_CANDIDATES_MAX);
  gtk_flow_box_set_selection_mode (GTK_FLOW_BOX (self->flow), GTK_SELECTION_BROWSE);
  gtk_flow_box_set_sort_func (GTK_FLOW_BOX (self->flow), compare_children, NULL, NULL);
  gtk_widget_set_halign (self->flow, GTK_ALIGN_START);
  gtk_widget_set_valign (self->flow, GTK_ALIGN_START);
  atk_object_set_name (gtk_widget_get_accessible (self->flow), _ ("Results"));
  g_signal_connect_swapped (self->flow, "selected-children-changed", G_CALLBACK (on_selection_changed), self);

  self->stack = gtk_stack_new ();
  gtk_style_context_add_class (gtk_widget_get_style_context (empty), GTK_STYLE_CLASS_DIM_LABEL);
  gtk_stack_add_named (GTK_STACK (self->stack), empty, "empty");
  gtk_stack_add_named (GTK_STACK (self->stack), self->flow, "results");

  /* As high with results as without. */
  gtk_widget_set_size_request (GTK_WIDGET (self), -1, SF_THUMBNAIL_SIZE + 32);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self), GTK_POLICY_AUTOMATIC, GTK_POLICY_NEVER);
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (self), GTK_SHADOW_IN);
  gtk_container_add (GTK_CONTAINER (self), self->stack);
  gtk_widget_show_all (GTK_WIDGET (self));
}

GtkWidget *
sf_candidates_new (void)
{
  return g_object_new (SF_TYPE_CANDIDATES, NULL);
}
