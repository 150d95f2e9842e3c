/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A plug-in for the tests: what Script-Fu cannot do itself.
 *
 *   (digest layer)              a checksum of the pixels as GIMP stores them
 *   (compare a b)               how many pixels differ in any bit: (inside outside) the selection
 *   (paint layer "kind")        "random" bits; "nan": NaN, infinities and huge values in floats; "clear": zeros
 *   (later "what" layer when)   does something to @layer while Sfumato computes, in @when milliseconds, or once it has written
 *                               so often to GIMP
 */
#include <libgimp/gimp.h>

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SF_TYPE_PROBE (sf_probe_get_type ())
G_DECLARE_FINAL_TYPE (SfProbe, sf_probe, SF, PROBE, GimpPlugIn)

struct _SfProbe
{
  GimpPlugIn parent_instance;
};

G_DEFINE_FINAL_TYPE (SfProbe, sf_probe, GIMP_TYPE_PLUG_IN)

/*** Pixels ***/

/* The pixels of @drawable as they are stored. */
static guint8 *
read_raw (GimpDrawable *drawable, gsize *n_pixels, gsize *size)
{
  GeglBuffer *buffer = gimp_drawable_get_buffer (drawable);
  const Babl *format = gegl_buffer_get_format (buffer);
  guint8 *raw;

  *size = babl_format_get_bytes_per_pixel (format);
  *n_pixels = (gsize) gegl_buffer_get_width (buffer) * gegl_buffer_get_height (buffer);
  raw = g_malloc (*n_pixels * *size);
  gegl_buffer_get (buffer, NULL, 1.0, format, raw, GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_NONE);
  g_object_unref (buffer);
  return raw;
}

static GimpValueArray *
run_digest (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpValueArray *values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  g_autofree guint8 *raw = NULL;
  GimpDrawable *drawable;
  gsize n, size;

  g_object_get (config, "drawable", &drawable, NULL);
  raw = read_raw (drawable, &n, &size);
  GIMP_VALUES_TAKE_STRING (values, 1, g_compute_checksum_for_data (G_CHECKSUM_SHA256, raw, n * size));
  g_object_unref (drawable);
  return values;
}

/* The selection at each pixel of @drawable. */
static float *
read_selection (GimpDrawable *drawable)
{
  GimpImage *image = gimp_item_get_image (GIMP_ITEM (drawable));
  GeglBuffer *buffer = gimp_drawable_get_buffer (GIMP_DRAWABLE (gimp_image_get_selection (image)));
  int x = 0, y = 0, w = gimp_drawable_get_width (drawable), h = gimp_drawable_get_height (drawable);
  float *selection = g_new0 (float, (gsize) w *h);

  gimp_drawable_get_offsets (drawable, &x, &y);
  gegl_buffer_get (buffer, GEGL_RECTANGLE (x, y, w, h), 1.0, babl_format ("Y float"), selection, GEGL_AUTO_ROWSTRIDE,
                   GEGL_ABYSS_NONE);
  g_object_unref (buffer);
  return selection;
}

static GimpValueArray *
run_compare (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpValueArray *values = gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
  g_autofree guint8 *raw_a = NULL, *raw_b = NULL;
  g_autofree float *selection = NULL;
  GimpDrawable *a, *b;
  gsize n, m, size_a, size_b;
  int inside = 0, outside = 0;

  g_object_get (config, "drawable", &a, "other", &b, NULL);
  raw_a = read_raw (a, &n, &size_a);
  raw_b = read_raw (b, &m, &size_b);
  selection = read_selection (a);
  for (gsize i = 0; i < n; i++)
    if (n != m || size_a != size_b || memcmp (raw_a + i * size_a, raw_b + i * size_b, size_a) != 0)
      *(selection[i] > 0 ? &inside : &outside) += 1;
  GIMP_VALUES_SET_INT (values, 1, inside);
  GIMP_VALUES_SET_INT (values, 2, outside);
  g_object_unref (a);
  g_object_unref (b);
  return values;
}

static void
paint_random (guint8 *raw, gsize n, const char *format)
{
  GRand *rand = g_rand_new_with_seed (1);

  /* Numbers of every size, but no NaN: those are another test. */
  for (gsize i = 0; i < n; i++)
    raw[i] = (guint8) g_rand_int (rand);
  if (strstr (format, "float"))
    for (gsize i = 0; i + 4 <= n; i += 4)
      *(float *) (raw + i) = (float) g_rand_double_range (rand, -0.2, 1.5);
  if (strstr (format, "double"))
    for (gsize i = 0; i + 8 <= n; i += 8)
      *(double *) (raw + i) = g_rand_double_range (rand, -0.2, 1.5);
  if (strstr (format, "half"))
    for (gsize i = 0; i + 2 <= n; i += 2)
      *(guint16 *) (raw + i) = (guint16) g_rand_int_range (rand, 0, 0x3e00); /* 0 … 1.5 */
  g_rand_free (rand);
}

static void
paint_nan (guint8 *raw, gsize n)
{
  static const float bad[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0.5f, 1e-40f };
  float *p = (float *) raw;

  for (gsize i = 0; i < n / sizeof (float); i++)
    if (i % 5 == 0)
      p[i] = bad[(i / 5) % G_N_ELEMENTS (bad)];
}

static GimpValueArray *
run_paint (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  g_autofree guint8 *raw = NULL;
  g_autofree char *kind = NULL;
  GimpDrawable *drawable;
  GeglBuffer *buffer;
  const Babl *format;
  gsize n, size;

  g_object_get (config, "drawable", &drawable, "kind", &kind, NULL);
  raw = read_raw (drawable, &n, &size);
  format = gimp_drawable_get_format (drawable);
  if (g_str_equal (kind, "random"))
    paint_random (raw, n * size, babl_get_name (format));
  else if (g_str_equal (kind, "nan"))
    paint_nan (raw, n * size);
  else if (g_str_equal (kind, "clear"))
    memset (raw, 0, n * size);
  buffer = gimp_drawable_get_buffer (drawable);
  gegl_buffer_set (buffer, NULL, 0, format, raw, GEGL_AUTO_ROWSTRIDE);
  g_object_unref (buffer);
  g_object_unref (drawable);
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
}

/*** Meanwhile ***/

typedef struct
{
  char *what;
  GimpItem *item;
  int when;
  int old; /* the last run's process, if it is not gone yet */
} Later;

/* Whether a process is the plug-in called sfumato of the same GIMP, and lives. */
static gboolean
is_sfumato (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/stat", pid), *stat = NULL;
  int parent;
  char state;

  return g_file_get_contents (path, &stat, NULL, NULL) && sscanf (stat, "%*d (sfumato) %c %d", &state, &parent) == 2 &&
         state != 'Z' && parent == getppid ();
}

/* Sfumato's process that is not @old, 0 = none is running. */
static int
find_sfumato (int old)
{
  GDir *dir = g_dir_open ("/proc", 0, NULL);
  const char *name;
  int found = 0;

  while (found == 0 && (name = g_dir_read_name (dir)) != NULL)
    {
      const int pid = atoi (name);

      if (pid > 0 && pid != old && is_sfumato (pid))
        found = pid;
    }
  g_dir_close (dir);
  return found;
}

static void
kill_sfumato (void)
{
  int pid = find_sfumato (0);

  if (pid > 0)
    kill (pid, SIGKILL);
}

/* Whether the process has its working thread. */
static gboolean
is_working (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task", pid);
  GDir *dir = g_dir_open (path, 0, NULL);
  gboolean works = FALSE;
  const char *name;

  while (dir != NULL && !works && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *comm = g_build_filename (path, name, "comm", NULL), *text = NULL;

      works = g_file_get_contents (comm, &text, NULL, NULL) && g_str_equal (text, "sfumato-worker\n");
    }
  g_clear_pointer (&dir, g_dir_close);
  return works;
}

/* Waits until Sfumato works: all is read then.  Returns its process, 0 = it ended before that was seen. */
static int
wait_for_sfumato (int old)
{
  int pid = 0;

  for (int i = 0; i < 30000 && !is_working (pid); i++, g_usleep (1000))
    {
      const int last = pid;

      pid = find_sfumato (old);
      if (pid == 0 && last > 0)
        break;
    }
  return pid;
}

/* How often the process has called write(): it says all that it wants of GIMP that way. */
static guint64
count_writes (int pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/io", pid), *text = NULL;
  const char *count;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (count = strstr (text, "syscw: ")) == NULL)
    return G_MAXUINT64;
  return g_ascii_strtoull (count + strlen ("syscw: "), NULL, 10);
}

/* @writes after its work was done: while it changes the image.  GIMP is not asked whether it does: if a call of ours by the script
 * came in before the answer, libgimp would take that for the answer to a question that it asks itself to serve the call. */
static void
kill_writing_sfumato (int writes, int old)
{
  const int pid = wait_for_sfumato (old);
  guint64 begin;

  while (is_working (pid))
    g_usleep (100);
  begin = count_writes (pid);
  while (is_sfumato (pid) && count_writes (pid) < begin + writes)
    ;
  if (pid > 0)
    kill (pid, SIGKILL);
}

/* A second run of Sfumato while the first is at work. */
static void
run_sfumato (GimpItem *item)
{
  GimpProcedure *fill = gimp_pdb_lookup_procedure (gimp_get_pdb (), "plug-in-sfumato-fill");
  GimpProcedureConfig *config = gimp_procedure_create_config (fill);
  GimpItem *drawables[] = { item, NULL };

  g_object_set (config, "image", gimp_item_get_image (item), "drawables", drawables, "seed", 2, NULL);
  gimp_value_array_unref (gimp_procedure_run_config (fill, config));
  g_object_unref (config);
}

/* What happens to the image once Sfumato has read all of it. */
static void
change (GimpItem *item, const char *what)
{
  GimpImage *image = gimp_item_get_image (item);

  if (g_str_equal (what, "delete-layer"))
    gimp_image_remove_layer (image, GIMP_LAYER (item));
  else if (g_str_equal (what, "delete-image"))
    gimp_image_delete (image);
  else if (g_str_equal (what, "resize-layer"))
    gimp_layer_resize (GIMP_LAYER (item), 50, 40, 0, 0);
  else if (g_str_equal (what, "resize-image"))
    gimp_image_resize (image, 50, 40, 0, 0);
  else if (g_str_equal (what, "move-layer"))
    gimp_layer_set_offsets (GIMP_LAYER (item), 3, 3);
  else if (g_str_equal (what, "lock"))
    gimp_item_set_lock_content (item, TRUE);
  else if (g_str_equal (what, "select-none"))
    gimp_selection_none (image);
}

static gboolean
do_later (gpointer data)
{
  Later *self = data;

  if (g_str_equal (self->what, "kill"))
    kill_sfumato ();
  else if (g_str_equal (self->what, "kill-writing"))
    kill_writing_sfumato (self->when, self->old);
  else if (g_str_equal (self->what, "run"))
    run_sfumato (self->item);
  else
    {
      wait_for_sfumato (self->old);
      change (self->item, self->what);
    }
  g_free (self->what);
  g_object_unref (self->item);
  g_free (self);
  return G_SOURCE_REMOVE;
}

static GimpValueArray *
run_later (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  Later *later = g_new0 (Later, 1);

  g_object_get (config, "what", &later->what, "drawable", &later->item, "when", &later->when, NULL);
  later->old = find_sfumato (0);
  g_timeout_add (g_str_equal (later->what, "kill-writing") ? 0 : later->when, do_later, later);
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
}

/*** The plug-in ***/

typedef struct
{
  const char *name;
  GimpRunFunc run;
  const char *text; /* (nullable) name of a string argument, which comes first */
  gboolean other, when;
  const char *const results[2];
} Procedure;

static const Procedure procedures[] = {
  { "sf-probe-digest", run_digest, NULL, FALSE, FALSE, { "digest" } },
  { "sf-probe-compare", run_compare, NULL, TRUE, FALSE, { "inside", "outside" } },
  { "sf-probe-paint", run_paint, "kind", FALSE, FALSE, { NULL } },
  { "sf-probe-later", run_later, "what", FALSE, TRUE, { NULL } },
};

static void
add_procedure (GimpPlugIn *plug_in, const Procedure *row)
{
  GimpProcedure *procedure = gimp_procedure_new (plug_in, row->name, GIMP_PDB_PROC_TYPE_TEMPORARY, row->run, NULL, NULL);

  gimp_procedure_add_drawable_argument (procedure, "drawable", "Drawable", NULL, FALSE, G_PARAM_READWRITE);
  if (row->text != NULL)
    gimp_procedure_add_string_argument (procedure, row->text, "Text", NULL, "", G_PARAM_READWRITE);
  if (row->other)
    gimp_procedure_add_drawable_argument (procedure, "other", "Other", NULL, FALSE, G_PARAM_READWRITE);
  if (row->when)
    gimp_procedure_add_int_argument (procedure, "when", "When", NULL, 0, 60000, 0, G_PARAM_READWRITE);
  if (row->run == run_digest)
    gimp_procedure_add_string_return_value (procedure, "digest", "Digest", NULL, NULL, G_PARAM_READWRITE);
  else
    for (int i = 0; i < 2 && row->results[i] != NULL; i++)
      gimp_procedure_add_int_return_value (procedure, row->results[i], "Result", NULL, 0, G_MAXINT, 0, G_PARAM_READWRITE);
  gimp_plug_in_add_temp_procedure (plug_in, procedure);
  g_object_unref (procedure);
}

/* Started together with GIMP, stays, and offers all of them: quicker than a process for each call. */
static GimpValueArray *
run_extension (GimpProcedure *procedure, GimpProcedureConfig *config, gpointer data)
{
  GimpPlugIn *plug_in = gimp_procedure_get_plug_in (procedure);
  GMainLoop *loop = g_main_loop_new (NULL, FALSE);

  gegl_init (NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (procedures); i++)
    add_procedure (plug_in, &procedures[i]);
  gimp_procedure_persistent_ready (procedure);
  gimp_plug_in_persistent_enable (plug_in);
  g_main_loop_run (loop);
  return gimp_procedure_new_return_values (procedure, GIMP_PDB_SUCCESS, NULL);
}

static GList *
sf_probe_query_procedures (GimpPlugIn *plug_in)
{
  return g_list_append (NULL, g_strdup ("sf-probe-extension"));
}

static GimpProcedure *
sf_probe_create_procedure (GimpPlugIn *plug_in, const char *name)
{
  return gimp_procedure_new (plug_in, name, GIMP_PDB_PROC_TYPE_PERSISTENT, run_extension, NULL, NULL);
}

static void
sf_probe_class_init (SfProbeClass *klass)
{
  GimpPlugInClass *plug_in_class = GIMP_PLUG_IN_CLASS (klass);

  plug_in_class->query_procedures = sf_probe_query_procedures;
  plug_in_class->create_procedure = sf_probe_create_procedure;
  plug_in_class->set_i18n = NULL;
}

static void
sf_probe_init (SfProbe *self)
{
}

GIMP_MAIN (SF_TYPE_PROBE)
