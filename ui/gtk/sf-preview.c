/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Two surfaces of the same size: before, and after, which is composed from it whenever there is something new to show.
 * Drawing is then one scaled blit, so that zooming and comparing are immediate whatever the size of the frame is.
 */
#include "sf-preview.h"

#include <math.h>

#include "sf-outline.h"
#include "sf-surface.h"

#define MAX_ZOOM 16.0
#define CHECK_SIZE 8

struct _SfPreview
{
  GtkDrawingArea parent;
  cairo_surface_t *before, *after; /* (nullable) */
  cairo_surface_t *made;           /* (nullable) alpha: where something is made */
  GArray *outline;                 /* (nullable) */
  SfRect view, frame;
  double scale;
  gboolean after_is_result, comparing, holding;
  double zoom, x, y; /* device pixels per pixel of the view; the view's point that is in the middle */
  gboolean fit;      /* to be fitted at the next draw */
  double press_x, press_y, drag_x, drag_y;
  gboolean pressed, dragging;
};

G_DEFINE_TYPE (SfPreview, sf_preview, GTK_TYPE_DRAWING_AREA)

/*** View ***/

static double
fit_zoom (SfPreview *self, double width, double height)
{
  return MIN (gtk_widget_get_allocated_width (GTK_WIDGET (self)) / MAX (width, 1),
              gtk_widget_get_allocated_height (GTK_WIDGET (self)) / MAX (height, 1));
}

static void
set_zoom (SfPreview *self, double zoom)
{
  double smallest = MIN (fit_zoom (self, self->view.width, self->view.height), 1);

  self->zoom = CLAMP (zoom, smallest, MAX_ZOOM);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* The frame with half its size of surroundings, in the middle; small frames are not magnified beyond twice. */
static void
show_frame (SfPreview *self)
{
  double w = self->frame.width * self->scale, h = self->frame.height * self->scale;
  double around = 0.3 * MAX (w, h);
  double all = fit_zoom (self, self->view.width, self->view.height);

  self->x = self->frame.x * self->scale + w / 2 - self->view.x;
  self->y = self->frame.y * self->scale + h / 2 - self->view.y;
  set_zoom (self, CLAMP (fit_zoom (self, w + 2 * around, h + 2 * around), MIN (all, 2), MAX (all, 2)));
  self->fit = FALSE;
}

/* Keeps the picture where it can be seen: no empty border as long as it is larger than the widget. */
static void
clamp_position (SfPreview *self)
{
  double half_w = gtk_widget_get_allocated_width (GTK_WIDGET (self)) / self->zoom / 2;
  double half_h = gtk_widget_get_allocated_height (GTK_WIDGET (self)) / self->zoom / 2;

  self->x = 2 * half_w >= self->view.width ? self->view.width / 2.0 : CLAMP (self->x, half_w, self->view.width - half_w);
  self->y = 2 * half_h >= self->view.height ? self->view.height / 2.0 : CLAMP (self->y, half_h, self->view.height - half_h);
}

/* Where the view's origin is in the widget. */
static void
get_origin (SfPreview *self, double *x, double *y)
{
  *x = floor (gtk_widget_get_allocated_width (GTK_WIDGET (self)) / 2.0 - self->x * self->zoom + 0.5);
  *y = floor (gtk_widget_get_allocated_height (GTK_WIDGET (self)) / 2.0 - self->y * self->zoom + 0.5);
}

/* Zooms so that what is at (@x, @y) of the widget stays there. */
static void
zoom_at (SfPreview *self, double factor, double x, double y)
{
  double old = self->zoom;
  double dx = x - gtk_widget_get_allocated_width (GTK_WIDGET (self)) / 2.0;
  double dy = y - gtk_widget_get_allocated_height (GTK_WIDGET (self)) / 2.0;

  set_zoom (self, old * factor);
  self->x += dx / old - dx / self->zoom;
  self->y += dy / old - dy / self->zoom;
  clamp_position (self);
}

static void
move (SfPreview *self, double dx, double dy)
{
  self->x += dx / self->zoom;
  self->y += dy / self->zoom;
  clamp_position (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/*** Drawing ***/

static void
draw_checks (cairo_t *cr)
{
  double x1, y1, x2, y2;

  cairo_set_source_rgb (cr, 0.6, 0.6, 0.6);
  cairo_paint (cr);
  cairo_set_source_rgb (cr, 0.4, 0.4, 0.4);
  cairo_clip_extents (cr, &x1, &y1, &x2, &y2);
  for (int y = floor (y1 / CHECK_SIZE); y * CHECK_SIZE < y2; y++)
    for (int x = floor (x1 / CHECK_SIZE); x * CHECK_SIZE < x2; x++)
      if ((x + y) & 1)
        cairo_rectangle (cr, x * CHECK_SIZE, y * CHECK_SIZE, CHECK_SIZE, CHECK_SIZE);
  cairo_fill (cr);
}

static gboolean
sf_preview_draw (GtkWidget *widget, cairo_t *cr)
{
  SfPreview *self = SF_PREVIEW (widget);
  gboolean before = self->comparing || self->holding || self->after == NULL;
  cairo_surface_t *shown = before ? self->before : self->after;
  double x, y, width, height;

  /* A neutral grey, whatever the theme: colours are judged here. */
  cairo_set_source_rgb (cr, 0.22, 0.22, 0.22);
  cairo_paint (cr);
  if (self->view.width <= 0)
    return FALSE;
  if (self->fit)
    show_frame (self);
  clamp_position (self);
  get_origin (self, &x, &y);
  width = self->view.width * self->zoom;
  height = self->view.height * self->zoom;

  cairo_save (cr);
  cairo_rectangle (cr, x, y, width, height);
  cairo_clip (cr);
  draw_checks (cr);
  if (shown != NULL)
    {
      cairo_translate (cr, x, y);
      cairo_scale (cr, self->zoom, self->zoom);
      cairo_set_source_surface (cr, shown, 0, 0);
      cairo_pattern_set_filter (cairo_get_source (cr), self->zoom > 3 ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
      cairo_paint (cr);
    }
  cairo_restore (cr);

  if (self->outline != NULL && (before || !self->after_is_result))
    sf_outline_draw (cr, self->outline, x, y, self->zoom);
  if (gtk_widget_has_visible_focus (widget))
    gtk_render_focus (gtk_widget_get_style_context (widget), cr, 2, 2, gtk_widget_get_allocated_width (widget) - 4,
                      gtk_widget_get_allocated_height (widget) - 4);
  return FALSE;
}

/*** Pointer and keys ***/

static void
set_holding (SfPreview *self, gboolean holding)
{
  self->holding = holding;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static gboolean
sf_preview_button_press (GtkWidget *widget, GdkEventButton *event)
{
  SfPreview *self = SF_PREVIEW (widget);

  if (event->type != GDK_BUTTON_PRESS || event->button == GDK_BUTTON_SECONDARY)
    return FALSE;
  gtk_widget_grab_focus (widget);
  self->pressed = TRUE;
  self->dragging = event->button == GDK_BUTTON_MIDDLE;
  self->press_x = self->drag_x = event->x;
  self->press_y = self->drag_y = event->y;
  set_holding (self, !self->dragging);
  return TRUE;
}

static gboolean
sf_preview_button_release (GtkWidget *widget, GdkEventButton *event)
{
  SfPreview *self = SF_PREVIEW (widget);

  self->pressed = self->dragging = FALSE;
  set_holding (self, FALSE);
  return TRUE;
}

/* A press that moves is a drag, no longer a comparison. */
static gboolean
sf_preview_motion (GtkWidget *widget, GdkEventMotion *event)
{
  SfPreview *self = SF_PREVIEW (widget);

  if (self->pressed && !self->dragging && gtk_drag_check_threshold (widget, self->press_x, self->press_y, event->x, event->y))
    {
      self->dragging = TRUE;
      set_holding (self, FALSE);
    }
  if (self->dragging)
    {
      move (self, self->drag_x - event->x, self->drag_y - event->y);
      self->drag_x = event->x;
      self->drag_y = event->y;
    }
  return self->pressed;
}

static gboolean
sf_preview_scroll (GtkWidget *widget, GdkEventScroll *event)
{
  double dy = event->direction == GDK_SCROLL_DOWN ? 1 : event->direction == GDK_SCROLL_UP ? -1
                                                                                          : event->delta_y;

  if (dy != 0)
    zoom_at (SF_PREVIEW (widget), pow (1.25, -dy), event->x, event->y);
  return TRUE;
}

static gboolean
sf_preview_key_press (GtkWidget *widget, GdkEventKey *event)
{
  SfPreview *self = SF_PREVIEW (widget);
  double middle_x = gtk_widget_get_allocated_width (widget) / 2.0, middle_y = gtk_widget_get_allocated_height (widget) / 2.0;

  if (event->state & gtk_accelerator_get_default_mod_mask ())
    if (event->keyval != GDK_KEY_plus)
      return FALSE;
  switch (event->keyval)
    {
    case GDK_KEY_space:
      set_holding (self, TRUE);
      return TRUE;
    case GDK_KEY_plus:
    case GDK_KEY_equal:
    case GDK_KEY_KP_Add:
      zoom_at (self, 1.25, middle_x, middle_y);
      return TRUE;
    case GDK_KEY_minus:
    case GDK_KEY_KP_Subtract:
      zoom_at (self, 0.8, middle_x, middle_y);
      return TRUE;
    case GDK_KEY_0:
    case GDK_KEY_KP_0:
      set_zoom (self, fit_zoom (self, self->view.width, self->view.height));
      return TRUE;
    case GDK_KEY_1:
    case GDK_KEY_KP_1:
      set_zoom (self, 1 / self->scale / gtk_widget_get_scale_factor (widget));
      return TRUE;
    case GDK_KEY_Left:
    case GDK_KEY_Right:
      move (self, event->keyval == GDK_KEY_Left ? -40 : 40, 0);
      return TRUE;
    case GDK_KEY_Up:
    case GDK_KEY_Down:
      move (self, 0, event->keyval == GDK_KEY_Up ? -40 : 40);
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
sf_preview_key_release (GtkWidget *widget, GdkEventKey *event)
{
  if (event->keyval == GDK_KEY_space)
    set_holding (SF_PREVIEW (widget), FALSE);
  return event->keyval == GDK_KEY_space;
}

static gboolean
sf_preview_focus_out (GtkWidget *widget, GdkEventFocus *event)
{
  set_holding (SF_PREVIEW (widget), FALSE);
  return FALSE;
}

/*** Public ***/

static void
drop_after (SfPreview *self)
{
  g_clear_pointer (&self->after, cairo_surface_destroy);
  self->after_is_result = FALSE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

static void
drop_picture (SfPreview *self)
{
  drop_after (self);
  g_clear_pointer (&self->before, cairo_surface_destroy);
  g_clear_pointer (&self->made, cairo_surface_destroy);
  g_clear_pointer (&self->outline, g_array_unref);
}

/* A fresh after, a copy of before (or empty), to be drawn on in the job's coordinates. */
static cairo_t *
begin_after (SfPreview *self)
{
  cairo_t *cr;

  drop_after (self);
  if (self->before == NULL)
    return NULL;
  self->after = sf_surface_copy (self->before);
  if (self->after == NULL)
    return NULL;
  cr = cairo_create (self->after);
  cairo_translate (cr, -self->view.x, -self->view.y);
  cairo_scale (cr, self->scale, self->scale);
  return cr;
}

void
sf_preview_set_picture (SfPreview *self, const SfRect *view, double scale, const SfRect *frame, const float *rgba,
                        const float *coverage, gboolean move_to)
{
  drop_picture (self);
  self->view = *view;
  self->frame = *frame;
  self->scale = scale;
  self->fit = self->fit || move_to;
  if (rgba != NULL)
    self->before = sf_surface_from_rgba (rgba, view->width, view->height);
  else
    self->before = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, view->width, view->height);
  if (coverage != NULL)
    {
      self->made = sf_surface_from_coverage (coverage, view->width, view->height);
      self->outline = sf_outline_trace (coverage, view->width, view->height);
    }
}

void
sf_preview_show_frame (SfPreview *self, const SfTensor *image)
{
  cairo_surface_t *surface = sf_surface_from_tensor (image);
  cairo_t *cr = surface ? begin_after (self) : NULL;

  if (cr != NULL)
    {
      cairo_push_group (cr);
      sf_surface_paint_into (cr, surface, self->frame.x, self->frame.y, self->frame.width, self->frame.height);
      cairo_pop_group_to_source (cr);
      cairo_identity_matrix (cr);
      if (self->made != NULL)
        cairo_mask_surface (cr, self->made, 0, 0);
      else
        cairo_paint (cr);
      cairo_destroy (cr);
    }
  g_clear_pointer (&surface, cairo_surface_destroy);
}

void
sf_preview_show_result (SfPreview *self, const SfResult *result)
{
  cairo_t *cr = begin_after (self);

  if (cr != NULL)
    {
      sf_surface_paint_result (cr, result);
      cairo_destroy (cr);
      self->after_is_result = TRUE;
    }
}

void
sf_preview_show_original (SfPreview *self)
{
  drop_after (self);
}

void
sf_preview_set_comparing (SfPreview *self, gboolean comparing)
{
  self->comparing = comparing;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

cairo_surface_t *
sf_preview_make_thumbnail (SfPreview *self, const SfResult *result, int size)
{
  const SfRect *r = &result->rect;
  double zoom = (double) size / MAX (MAX (r->width, r->height), 1);
  int factor = gtk_widget_get_scale_factor (GTK_WIDGET (self));
  cairo_surface_t *thumbnail = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, size * factor, size * factor);
  cairo_t *cr;

  cairo_surface_set_device_scale (thumbnail, factor, factor);
  cr = cairo_create (thumbnail);
  cairo_translate (cr, (size - r->width * zoom) / 2, (size - r->height * zoom) / 2);
  cairo_scale (cr, zoom, zoom);
  cairo_translate (cr, -r->x, -r->y);
  cairo_rectangle (cr, r->x, r->y, r->width, r->height);
  cairo_clip (cr);
  if (self->before != NULL)
    sf_surface_paint_into (cr, self->before, self->view.x / self->scale, self->view.y / self->scale,
                           self->view.width / self->scale, self->view.height / self->scale);
  sf_surface_paint_result (cr, result);
  cairo_destroy (cr);
  return thumbnail;
}

static void
sf_preview_size_allocate (GtkWidget *widget, GtkAllocation *allocation)
{
  SfPreview *self = SF_PREVIEW (widget);

  self->fit = self->fit || allocation->width != gtk_widget_get_allocated_width (widget) || allocation->height != gtk_widget_get_allocated_height (widget);
  GTK_WIDGET_CLASS (sf_preview_parent_class)->size_allocate (widget, allocation);
}

static void
sf_preview_finalize (GObject *object)
{
  SfPreview *self = SF_PREVIEW (object);

  g_clear_pointer (&self->after, cairo_surface_destroy);
  g_clear_pointer (&self->before, cairo_surface_destroy);
  g_clear_pointer (&self->made, cairo_surface_destroy);
  g_clear_pointer (&self->outline, g_array_unref);
  G_OBJECT_CLASS (sf_preview_parent_class)->finalize (object);
}

static void
sf_preview_class_init (SfPreviewClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sf_preview_finalize;
  widget_class->draw = sf_preview_draw;
  widget_class->size_allocate = sf_preview_size_allocate;
  widget_class->button_press_event = sf_preview_button_press;
  widget_class->button_release_event = sf_preview_button_release;
  widget_class->motion_notify_event = sf_preview_motion;
  widget_class->scroll_event = sf_preview_scroll;
  widget_class->key_press_event = sf_preview_key_press;
  widget_class->key_release_event = sf_preview_key_release;
  widget_class->focus_out_event = sf_preview_focus_out;
}

static void
sf_preview_init (SfPreview *self)
{
  GtkWidget *widget = GTK_WIDGET (self);

  self->zoom = self->scale = 1;
  self->fit = TRUE;
  gtk_widget_set_can_focus (widget, TRUE);
  gtk_widget_add_events (widget, GDK_BUTTON_PRESS_MASK | GDK_BUTTON_RELEASE_MASK | GDK_BUTTON_MOTION_MASK | GDK_SCROLL_MASK | GDK_SMOOTH_SCROLL_MASK | GDK_KEY_PRESS_MASK | GDK_KEY_RELEASE_MASK | GDK_FOCUS_CHANGE_MASK);
}

GtkWidget *
sf_preview_new (void)
{
  return g_object_new (SF_TYPE_PREVIEW, NULL);
}
