/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "golden-nets.h"

#include <math.h>
#include <string.h>

#include "arch/sf-network.h"

/* golden/nets/README.md: element by element, of 1 + |value|; and root mean square, of that of the values. */
#define TOLERANCE 5e-4
#define RMS_TOLERANCE 5e-5
#define RMS_TOLERANCE_GRADIENT 2e-4
/* Gradients that are zero but for rounding, as those of the biases of keys are, are measured as if they were this large. */
#define LEAST_GRADIENT 1e-4

typedef struct
{
  const char *name;
  char *folder;
  SfNetwork *network;
  SfWeights *io;
  GHashTable *seen;
  char *failure;     /* (nullable) */
  double worst, rms; /* of the comparisons that came nearest to failing, as parts of what is allowed */
} Net;

static void fail (Net *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

static void
fail (Net *self, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (self->failure == NULL)
    self->failure = g_strdup_vprintf (format, arguments);
  va_end (arguments);
}

/* What the case is about belongs to later work. */
static const char *const later[] = { "UNet2DConditionModel", "AutoencoderKL", "AutoencoderTiny", "CLIPTextModel" };

static gboolean
is_later (const char *reference)
{
  for (gsize i = 0; i < G_N_ELEMENTS (later); i++)
    if (strstr (reference, later[i]) != NULL)
      return TRUE;
  return FALSE;
}

/*** Tensors ***/

static const SfArray *
look (Net *self, const char *name)
{
  const SfArray *array = sf_weights_get (self->io, name);

  if (array != NULL)
    g_hash_table_add (self->seen, g_strdup (name));
  return array;
}

/* (transfer full) (nullable): of [n, c, h, w], or [n, c] */
static SfTensor *
load (Net *self, const char *name)
{
  const SfArray *array = look (self, name);
  g_autofree float *values = NULL;
  SfTensor *x;
  gsize c, pixels;

  if (array == NULL || array->n_dims < 2 || array->n_dims > 4 || array->n == 0)
    {
      fail (self, "there is no tensor %s of pictures", name);
      return NULL;
    }
  c = array->dim[1];
  pixels = array->n / array->dim[0] / c;
  x = sf_tensor_new (array->dim[0], array->n_dims == 4 ? array->dim[2] : 1, array->n_dims == 4 ? array->dim[3] : pixels, c, NULL);
  values = g_new (float, array->n);
  sf_array_read (array, 0, array->n, values);
  for (gsize i = 0; i < array->n; i++)
    x->data[(i / (c * pixels) * pixels + i % pixels) * c + i / pixels % c] = values[i];
  return x;
}

/* (transfer full) (nullable) */
static float *
load_numbers (Net *self, const char *name, gsize n)
{
  const SfArray *array = look (self, name);
  float *values;

  if (array == NULL || array->n != n)
    {
      fail (self, "there is no tensor %s of %" G_GSIZE_FORMAT " numbers", name, n);
      return NULL;
    }
  values = g_new (float, n);
  sf_array_read (array, 0, n, values);
  return values;
}

static void
compare (Net *self, const char *name, const float *got, const float *want, gsize n, double rms_tolerance)
{
  double least = rms_tolerance == RMS_TOLERANCE_GRADIENT ? LEAST_GRADIENT : 0;
  double error = 0, power = 0, rms;

  for (gsize i = 0; i < n; i++)
    {
      double distance = fabs ((double) got[i] - want[i]) / (1 + fabs (want[i]));

      if (!(distance <= TOLERANCE))
        fail (self, "%s[%" G_GSIZE_FORMAT "] is %.9g, not %.9g", name, i, got[i], want[i]);
      self->worst = fmax (self->worst, distance / TOLERANCE);
      error += pow ((double) got[i] - want[i], 2);
      power += pow (want[i], 2);
    }
  rms = sqrt (error / fmax (power, fmax (n * least * least, G_MINDOUBLE)));
  if (!(rms <= rms_tolerance))
    fail (self, "%s is off by %.2g of its root mean square", name, rms);
  self->rms = fmax (self->rms, rms / rms_tolerance);
}

static void
compare_tensor (Net *self, const char *name, const SfTensor *got, double rms_tolerance)
{
  g_autoptr (SfTensor) want = load (self, name);

  if (got == NULL || want == NULL)
    return;
  if (sf_tensor_same_shape (got, want))
    compare (self, name, got->data, want->data, sf_tensor_size (got), rms_tolerance);
  else
    fail (self, "%s is %d x %d x %d x %d, not %d x %d x %d x %d", name, got->n, got->c, got->h, got->w, want->n, want->c, want->h, want->w);
}

/*** Runs ***/

/* (transfer full) (nullable): the classes of the case, if it has any. */
static int *
load_classes (Net *self, int n)
{
  const char *name = sf_weights_get (self->io, "class_labels") != NULL ? "class_labels" : "y";
  g_autofree float *values = sf_weights_get (self->io, name) != NULL ? load_numbers (self, name, n) : NULL;
  int *classes = values != NULL ? g_new (int, n) : NULL;

  for (int i = 0; values != NULL && i < n; i++)
    classes[i] = (int) values[i];
  return classes;
}

static gboolean
end (Net *self, SfContext *cx)
{
  g_autoptr (GError) error = NULL;

  if (!sf_context_end (cx, &error))
    fail (self, "%s", error->message);
  return error == NULL;
}

/* "y.t250": the output for x at timestep 250. */
static void
run_timestep (Net *self, const char *name)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  SfTensor *x = load (self, "x");
  int n = x != NULL ? x->n : 0;
  g_autofree int *classes = load_classes (self, n);
  g_autofree double *t = g_new (double, MAX (n, 1));
  g_autoptr (SfTensor) y = NULL;

  for (int i = 0; i < n; i++)
    t[i] = g_ascii_strtod (name + strlen ("y.t"), NULL);
  sf_context_begin (cx, NULL, 0);
  y = sf_network_forward (self->network, cx, x, t, classes);
  if (end (self, cx))
    compare_tensor (self, name, y, RMS_TOLERANCE);
}

static void
compare_parameter_gradients (Net *self)
{
  for (guint i = 0; i < self->network->parameters->len; i++)
    {
      const SfParameter *parameter = self->network->parameters->pdata[i];
      g_autofree char *name = g_strconcat ("train.grad.", parameter->name, NULL);
      g_autofree float *want = load_numbers (self, name, parameter->array.n);

      if (want != NULL)
        compare (self, name, parameter->gradient, want, parameter->array.n, RMS_TOLERANCE_GRADIENT);
    }
}

/* Mean squared error against train.target, and its gradients. */
static void
run_training (Net *self)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) x = load (self, "x");
  g_autoptr (SfTensor) target = load (self, "train.target");
  int n = x != NULL ? x->n : 0;
  g_autofree float *labels = load_numbers (self, "train.t", n);
  g_autofree float *want_loss = load_numbers (self, "train.loss", 1);
  g_autofree int *classes = load_classes (self, n);
  g_autofree double *t = g_new (double, MAX (n, 1));
  g_autoptr (SfTensor) y = NULL;
  g_autoptr (SfTensor) dx = NULL;
  SfTensor *dy;
  double loss = 0;

  if (self->failure != NULL)
    return;
  for (int i = 0; i < n; i++)
    t[i] = labels[i];
  for (guint i = 0; i < self->network->parameters->len; i++)
    sf_parameter_want_gradient (self->network->parameters->pdata[i]);
  sf_context_begin (cx, NULL, 0);
  sf_context_start_tape (cx);
  y = sf_network_forward (self->network, cx, sf_tensor_ref (x), t, classes);
  if (y == NULL)
    {
      end (self, cx);
      return;
    }
  compare_tensor (self, "train.y", y, RMS_TOLERANCE);
  dy = sf_tensor_copy (y, NULL);
  for (gsize i = 0; i < sf_tensor_size (y); i++)
    {
      double difference = (double) y->data[i] - target->data[i];

      loss += difference * difference / sf_tensor_size (y);
      dy->data[i] = (float) (2 * difference / sf_tensor_size (y));
    }
  compare (self, "train.loss", (float[]) { (float) loss }, want_loss, 1, RMS_TOLERANCE);
  dx = sf_context_gradient (cx, y, dy, x);
  if (end (self, cx))
    {
      compare_tensor (self, "train.grad_x", dx, RMS_TOLERANCE_GRADIENT);
      compare_parameter_gradients (self);
    }
}

/* Gradient of sum of log softmax (y)[class]: 1 at the class, minus the softmax. */
static SfTensor *
log_probability_gradient (const SfTensor *y, const int *classes)
{
  SfTensor *dy = sf_tensor_copy (y, NULL);

  for (int i = 0; i < y->n; i++)
    {
      const float *logit = y->data + (gsize) i * y->c;
      double sum = 0;

      for (int j = 0; j < y->c; j++)
        sum += exp (logit[j]);
      for (int j = 0; j < y->c; j++)
        dy->data[(gsize) i * y->c + j] = (float) ((j == classes[i]) - exp (logit[j]) / sum);
    }
  return dy;
}

static void
run_classifier (Net *self)
{
  g_autoptr (SfContext) cx = sf_context_new (0);
  g_autoptr (SfTensor) x = load (self, "x");
  int n = x != NULL ? x->n : 0;
  g_autofree float *labels = load_numbers (self, "t", n);
  g_autofree int *classes = load_classes (self, n);
  g_autofree double *t = g_new (double, MAX (n, 1));
  g_autoptr (SfTensor) y = NULL;
  g_autoptr (SfTensor) dx = NULL;

  if (self->failure != NULL || classes == NULL)
    return;
  for (int i = 0; i < n; i++)
    t[i] = labels[i];
  sf_context_begin (cx, NULL, 0);
  sf_context_start_tape (cx);
  y = sf_network_forward (self->network, cx, sf_tensor_ref (x), t, NULL);
  if (y != NULL)
    dx = sf_context_gradient (cx, y, log_probability_gradient (y, classes), x);
  if (end (self, cx))
    {
      compare_tensor (self, "logits", y, RMS_TOLERANCE);
      compare_tensor (self, "grad_log_p", dx, RMS_TOLERANCE_GRADIENT);
    }
}

/*** Cases ***/

static void
open_case (Net *self)
{
  static const char *const files[] = { "diffusion_pytorch_model.safetensors", "model.safetensors" };
  g_autofree char *config_path = g_build_filename (self->folder, "config.json", NULL);
  g_autofree char *io_path = g_build_filename (self->folder, "io.safetensors", NULL);
  g_autofree char *path = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (SfWeights) weights = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (files) && (path == NULL || !g_file_test (path, G_FILE_TEST_EXISTS)); i++)
    {
      g_free (path);
      path = g_build_filename (self->folder, files[i], NULL);
    }
  self->io = sf_weights_open (io_path, NULL, &error);
  if (self->io != NULL)
    weights = sf_weights_open (path, NULL, &error);
  if (weights != NULL && json_parser_load_from_file (parser, config_path, &error))
    self->network = sf_network_open (json_node_get_object (json_parser_get_root (parser)), weights, &error);
  if (error != NULL)
    fail (self, "%s", error->message);
  else if (self->network->unexpected != NULL)
    fail (self, "array %s is not used", self->network->unexpected[0]);
}

static void
run_case (Net *self, gint64 n_parameters)
{
  gint64 n = 0;

  open_case (self);
  if (self->failure != NULL)
    return;
  for (guint i = 0; i < self->network->parameters->len; i++)
    n += ((SfParameter *) self->network->parameters->pdata[i])->array.n;
  if (n != n_parameters)
    fail (self, "the network has %" G_GINT64_FORMAT " parameters, not %" G_GINT64_FORMAT, n, n_parameters);
  if (sf_weights_get (self->io, "logits") != NULL)
    run_classifier (self);
  for (int i = 0; i < sf_weights_get_n (self->io); i++)
    if (g_str_has_prefix (sf_weights_get_name (self->io, i), "y.t"))
      run_timestep (self, sf_weights_get_name (self->io, i));
  if (sf_weights_get (self->io, "train.target") != NULL)
    run_training (self);
  for (int i = 0; i < sf_weights_get_n (self->io); i++)
    if (!g_hash_table_contains (self->seen, sf_weights_get_name (self->io, i)))
      fail (self, "tensor %s is not looked at", sf_weights_get_name (self->io, i));
}

static Outcome
run_and_print (const char *folder, JsonObject *description)
{
  const char *reference = json_object_get_string_member_with_default (description, "reference", "");
  Net self = { .name = json_object_get_string_member (description, "name") };
  Outcome outcome;

  if (is_later (reference))
    {
      printf ("skip nets %s latent diffusion comes later\n", self.name);
      return OUTCOME_SKIPPED;
    }
  self.folder = g_build_filename (folder, self.name, NULL);
  self.seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  run_case (&self, json_object_get_int_member (description, "parameters"));
  outcome = self.failure != NULL ? OUTCOME_FAILED : OUTCOME_PASSED;
  if (self.failure != NULL)
    printf ("FAIL nets %s %s\n", self.name, self.failure);
  else
    printf ("ok nets %s worst=%.2g tol=%.2g rms=%.2g of what is allowed\n", self.name, self.worst * TOLERANCE, TOLERANCE, self.rms);
  fflush (stdout);
  g_clear_pointer (&self.network, sf_network_free);
  g_clear_pointer (&self.io, sf_weights_unref);
  g_hash_table_unref (self.seen);
  g_free (self.folder);
  g_free (self.failure);
  return outcome;
}

gboolean
golden_nets_run (const char *folder, int counts[N_OUTCOMES], GError **error)
{
  g_autofree char *path = g_build_filename (folder, "cases.json", NULL);
  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonArray *cases;

  if (!json_parser_load_from_file (parser, path, error))
    return FALSE;
  cases = json_node_get_array (json_parser_get_root (parser));
  for (guint i = 0; i < json_array_get_length (cases); i++)
    counts[run_and_print (folder, json_array_get_object_element (cases, i))]++;
  return TRUE;
}
