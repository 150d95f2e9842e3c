/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Jobs and the files and the memory of their network: what is kept with it, what is refused, and what goes wrong meanwhile. */
#include "job-network.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sf-parallel.h"
#include "denoisers/sf-gamma-file.h"
#include "denoisers/sf-model-cost.h"
#include "denoisers/sf-model-gamma.h"
#include "denoisers/sf-model-share.h"
#include "picture.h"

static void
assert_refused (const SfSettings *s, SfError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SfJob) job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
  g_autoptr (SfResult) result = job != NULL ? sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error) : NULL;

  g_assert_null (result);
  g_assert_error (error, SF_ERROR, (int) code);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("no “%s” in: %s", part, error->message);
}

/*** What belongs to a model ***/

/* Gamma that was estimated is stored, loaded with the model, and acts in Analytic-DPM only; only there that of another noise process is
 * refused, and made anew. */
static void
test_gamma (void)
{
  static const char *const samplers[] = { "analytic-ddpm", "ddim" };
  g_autofree char *folder = files_path ("measured"), *path = files_path ("measured/gamma.json");
  g_autoptr (SfSettings) s = settings_for ("measured");
  g_autoptr (SfTensor) pictures = picture_texture (NATIVE, NATIVE, 1, 3);
  g_autoptr (SfModel) model = NULL, again = NULL, other = NULL;
  g_autoptr (SfResult) made = NULL, anew = NULL;
  SfResult *before[2];
  g_autofree double *gamma = NULL;
  g_autoptr (GError) error = NULL;

  write_network ("measured", &(NetShape) { 0 });
  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    {
      use_text (&s->sampler, samplers[i]);
      before[i] = generate (s, 5, 0);
    }
  model = sf_model_get (folder, "linear-1000", TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (model->gamma);
  gamma = sf_model_estimate_gamma (model, pictures, -1, 1, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (sf_gamma_save (gamma, model->scheduler->process, "a texture", path, &error));
  again = sf_model_get (folder, "linear-1000", TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (again != model);
  g_assert_cmpmem (again->gamma, 1000 * sizeof (double), gamma, 1000 * sizeof (double));
  for (int t = 0; t < 1000; t++)
    g_assert_true (gamma[t] > 0 && isfinite (gamma[t]));
  for (gsize i = 0; i < G_N_ELEMENTS (samplers); i++)
    {
      g_autoptr (SfResult) after = NULL;

      use_text (&s->sampler, samplers[i]);
      after = generate (s, 5, 0);
      if (i == 0)
        g_assert_cmpfloat (job_distance (before[i], after), >, 1e-4);
      else
        job_assert_same (before[i], after);
    }
  use_text (&s->noise_process, "cosine-1000");
  made = generate (s, 5, 0);
  use_text (&s->sampler, "analytic-ddim");
  assert_refused (s, SF_ERROR_MODEL, "gamma.json");
  assert_refused (s, SF_ERROR_MODEL, "estimate-gamma");
  use_text (&s->sampler, "ddim");
  use_text (&s->schedule, "optimal");
  assert_refused (s, SF_ERROR_MODEL, "estimate-gamma");
  use_text (&s->schedule, "auto");
  other = sf_model_get (folder, "cosine-1000", TRUE, NULL, &error);
  g_assert_no_error (error);
  g_assert_null (other->gamma);
  g_assert_true (sf_gamma_save (gamma, other->scheduler->process, "a texture", path, &error));
  use_text (&s->sampler, "analytic-ddim");
  anew = generate (s, 5, 0);
  g_clear_pointer (&before[0], sf_result_unref);
  g_clear_pointer (&before[1], sf_result_unref);
}

/* It is that of what an upsampler says of the picture that it is shown. */
static void
test_gamma_upsampler (void)
{
  g_autofree char *folder = files_path ("upsampler");
  g_autoptr (SfTensor) pictures = picture_texture (NATIVE, NATIVE, 1, 3);
  g_autoptr (SfModel) model = sf_model_get (folder, "linear-1000", TRUE, NULL, NULL);
  g_autofree double *shown = NULL, *flat = NULL;

  shown = sf_model_estimate_gamma (model, pictures, -1, 1, NULL, NULL);
  model->factor = NATIVE; /* as if it were shown a mean */
  flat = sf_model_estimate_gamma (model, pictures, -1, 1, NULL, NULL);
  for (int t = 0; t < 1000; t++)
    g_assert_true (shown[t] > 0 && isfinite (shown[t]) && shown[t] != flat[t]);
}

/* It needs a class where the network was never without, and it can be stopped. */
static void
test_gamma_refused (void)
{
  g_autofree char *folder = files_path ("classes");
  g_autoptr (SfTensor) pictures = picture_texture (NATIVE, NATIVE, 1, 3);
  g_autoptr (SfModel) model = sf_model_get (folder, "linear-1000", TRUE, NULL, NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const SfProgress progress = { .cancellable = cancellable, .hi = 1 };
  g_autoptr (GError) error = NULL, stopped = NULL;

  g_assert_null (sf_model_estimate_gamma (model, pictures, -1, 1, NULL, &error));
  g_assert_error (error, SF_ERROR, SF_ERROR_ARGUMENT);
  g_cancellable_cancel (cancellable);
  g_assert_null (sf_model_estimate_gamma (model, pictures, 1, 1, &progress, &stopped));
  g_assert_error (stopped, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Time follows from the work and the rate of the model; before its first run there is more to do. */
static void
test_estimate (void)
{
  g_autofree char *folder = files_path ("counted");
  g_autoptr (SfSettings) s = settings_for ("counted");
  g_autoptr (SfModel) model = NULL;
  g_autoptr (SfJob) job = NULL;
  SfModelCost cost;
  SfEstimate first, later;

  write_network ("counted", &(NetShape) { 0 });
  job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, NULL);
  model = sf_model_get (folder, "linear-1000", TRUE, NULL, NULL);
  g_assert_true (sf_model_measure (model, NATIVE, NATIVE, &cost, NULL));
  g_assert_cmpfloat (sf_job_estimate (job, NULL).seconds, >, 0); /* by the machine's speed */
  model->rate = 1e9;
  first = sf_job_estimate (job, NULL);
  model->sound = TRUE;
  later = sf_job_estimate (job, NULL);
  g_assert_cmpint (later.evaluations, ==, s->steps);
  g_assert_cmpfloat_with_epsilon (later.seconds, s->steps * cost.work / 1e9, 1e-12);
  g_assert_cmpfloat (first.seconds, >, later.seconds);
  g_assert_cmpuint (later.memory, ==, cost.weights + cost.packed + cost.activations);
}

/*** Refused ***/

static void
test_refused (void)
{
  g_autoptr (SfSettings) s = settings_for ("plain");

  s->class_number = 3;
  assert_refused (s, SF_ERROR_ARGUMENT, "class");
  s->class_number = -1;
  use_text (&s->noise_process, "auto");
  assert_refused (s, SF_ERROR_MODEL, "noise-process");
  use_text (&s->noise_process, "linear-1000");
  g_free (s->classifier);
  s->classifier = files_path ("plain");
  assert_refused (s, SF_ERROR_MODEL, "classifier");
  g_free (s->model);
  s->model = files_path ("nowhere");
  assert_refused (s, SF_ERROR_MODEL, "nowhere");
}

/* An upsampler is of use for nothing but to regenerate; known before its checkpoint is opened, where its description tells. */
static void
test_upsampler_refused (void)
{
  static const char *const names[] = { "upsampler", "described.pt" };

  files_write ("described.pt", "no checkpoint");
  files_write ("described.json", "{\"format\": \"sfumato-model\", \"kind\": \"upsampler\", \"size\": 8}");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    for (SfTask task = 0; task < SF_N_TASKS; task++)
      {
        g_autoptr (SfSettings) s = settings_for (names[i]);
        g_autoptr (GError) error = NULL;
        g_autoptr (SfJob) job = NULL;

        s->left = 4;
        job = sf_job_new (task, s, SIDE, SIDE, NULL, &error);
        if (task == SF_TASK_REGENERATE && i == 0)
          g_assert_no_error (error);
        else
          g_assert_error (error, SF_ERROR, (int) (task == SF_TASK_REGENERATE ? SF_ERROR_MODEL : SF_ERROR_ARGUMENT));
        g_assert_true (job != NULL || task == SF_TASK_REGENERATE || strstr (error->message, "regenerate") != NULL);
      }
}

/* A checkpoint by itself tells neither its heads nor its size. */
static void
test_size (void)
{
  g_autoptr (SfSettings) s = settings_for ("bare.pt");
  g_autoptr (SfResult) made = NULL;

  files_write_adm ("bare.pt", &(NetShape) { 0 });
  files_write ("bare.json", "{\"format\": \"sfumato-model\", \"architecture\": {\"num_heads\": 1}}");
  assert_refused (s, SF_ERROR_MODEL, "size");
  files_write ("bare.json", "{\"format\": \"sfumato-model\", \"size\": 12, \"architecture\": {\"num_heads\": 1}}");
  made = generate (s, 1, 0);
  g_assert_cmpint (made->rect.width, ==, 12);
}

/* What the descriptions tell is refused before any checkpoint is opened: these are none. */
static void
test_early (void)
{
  g_autoptr (SfSettings) s = settings_for ("early.pt");
  g_autofree char *judge = files_path ("judge.pt"), *nowhere = files_path ("nowhere"), *plain = files_path ("plain"), *few = files_path ("few.pt");

  files_write ("early.pt", "no checkpoint");
  files_write ("early.json", "{\"format\": \"sfumato-model\", \"size\": 8, \"classes\": 2}");
  files_write ("judge.pt", "no checkpoint");
  files_write ("judge.json", "{\"format\": \"sfumato-model\", \"kind\": \"classifier\", \"size\": 12, \"classes\": 2}");
  files_write ("few.pt", "no checkpoint");
  files_write ("few.json", "{\"format\": \"sfumato-model\", \"kind\": \"classifier\", \"size\": 8, \"classes\": 3}");
  s->class_number = 2;
  assert_refused (s, SF_ERROR_ARGUMENT, "from 0 to 1");
  s->class_number = 1;
  assert_refused (s, SF_ERROR_MODEL, "early.pt"); /* now it was opened */
  use_text (&s->classifier, nowhere);
  assert_refused (s, SF_ERROR_MODEL, "nowhere");
  use_text (&s->classifier, judge);
  assert_refused (s, SF_ERROR_ARGUMENT, "12 × 12");
  use_text (&s->classifier, few);
  assert_refused (s, SF_ERROR_ARGUMENT, "3 classes");
  use_text (&s->model, plain); /* that says its size, but not that it knows no classes */
  use_text (&s->classifier, judge);
  assert_refused (s, SF_ERROR_ARGUMENT, "12 × 12");
  use_text (&s->model, judge);
  use_text (&s->classifier, "");
  assert_refused (s, SF_ERROR_MODEL, "is a classifier");
}

static void
test_class_range (void)
{
  g_autoptr (SfSettings) s = settings_for ("classes");

  s->class_number = 3;
  assert_refused (s, SF_ERROR_ARGUMENT, "class");
}

/* Numbers that are none are found before the first step, and the array is named. */
static void
test_broken (void)
{
  g_autoptr (SfSettings) s = settings_for ("broken");

  assert_refused (s, SF_ERROR_MODEL, "conv_out.bias");
}

/*** Files that change ***/

/* What befalls the checkpoint when half of the run is done. */
typedef struct
{
  const char *path;
  enum
  {
    CUT,
    EMPTIED,
    REPLACED,
    REMOVED,
    N_FATES,
  } fate;
  gboolean done;
} Fate;

static void
on_progress (double fraction, gpointer data)
{
  Fate *fate = data;

  if (fraction < 0.5 || fate->done)
    return;
  fate->done = TRUE;
  switch (fate->fate)
    {
    case CUT:
    case EMPTIED:
      g_assert_cmpint (truncate (fate->path, fate->fate == CUT ? 5000 : 0), ==, 0);
      break;
    case REPLACED:
      write_network ("changing", &(NetShape) { .extra = "more" });
      break;
    case REMOVED:
    case N_FATES:
    default:
      g_assert_cmpint (g_remove (fate->path), ==, 0);
    }
}

/* The run ends with an error that names the file, and the next one works with the file as it is then. */
static void
test_changed (void)
{
  g_autofree char *path = files_path ("changing/model.safetensors");
  g_autoptr (SfSettings) s = settings_for ("changing"), plain = settings_for ("plain");
  g_autoptr (SfResult) wanted = generate (plain, 5, 0);

  for (Fate fate = { path, CUT, FALSE }; fate.fate < N_FATES; fate.fate++, fate.done = FALSE)
    {
      const SfProgress progress = { .func = on_progress, .data = &fate, .hi = 1 };
      g_autoptr (GError) error = NULL;
      g_autoptr (SfJob) job = NULL;
      g_autoptr (SfResult) again = NULL;

      write_network ("changing", &(NetShape) { 0 });
      job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
      g_assert_no_error (error);
      g_assert_null (sf_job_run (job, 5, 0, NULL, NULL, NULL, &progress, &error));
      g_assert_true (fate.done);
      g_assert_error (error, SF_ERROR, SF_ERROR_MODEL);
      g_assert_true (g_str_has_prefix (error->message, path));
      write_network ("changing", &(NetShape) { 0 });
      again = generate (s, 5, 0);
      job_assert_same (again, wanted);
    }
}

/*** Memory ***/

/* 0: made; 1: refused for want of memory, in words with a number; 2: anything else.  @ready: the limit comes after the network was opened. */
static int
run_with (gsize room, gboolean ready)
{
  g_autoptr (SfSettings) s = settings_for ("large");
  g_autoptr (GError) error = NULL;
  SfJob *job = sf_job_new (SF_TASK_GENERATE, s, 0, 0, NULL, &error);
  SfResult *r;

  if (ready && sf_job_estimate (job, NULL).evaluations == 0)
    return 2;
  if (!job_limit_memory (room))
    return 2;
  r = sf_job_run (job, 1, 0, NULL, NULL, NULL, NULL, &error);
  if (r != NULL)
    return 0;
  return g_error_matches (error, SF_ERROR, SF_ERROR_MEMORY) && strpbrk (error->message, "123456789") != NULL ? 1 : 2;
}

static void
test_memory (void)
{
  int counts[2] = { 0 };
  g_autoptr (SfSettings) s = settings_for ("plain");
  g_autoptr (SfResult) warm = NULL;

#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("the sanitizer needs the address space itself");
  return;
#endif
  warm = generate (s, 1, 0); /* OpenBLAS takes its buffers once */
  for (int mebibytes = 0; mebibytes <= 64; mebibytes += 1 + mebibytes / 3)
    for (int ready = 0; ready < 2; ready++)
      {
        int status;
        pid_t child = fork ();

        g_assert_cmpint (child, >=, 0);
        if (child == 0)
          {
            sf_parallel_set_threads (1);
            _exit (run_with ((gsize) mebibytes << 20, ready));
          }
        g_assert_cmpint (waitpid (child, &status, 0), ==, child);
        if (!WIFEXITED (status) || WEXITSTATUS (status) > 1)
          g_error ("with %d MiB, ready %d: status %x", mebibytes, ready, status);
        counts[WEXITSTATUS (status)]++;
      }
  g_test_message ("%d made, %d refused", counts[0], counts[1]);
  g_assert_cmpint (counts[0], >, 0);
  g_assert_cmpint (counts[1], >, 0);
}

int
main (int argc, char **argv)
{
  int failed;

  job_one_heap ();
  g_test_init (&argc, &argv, NULL);
  files_begin ();
  write_network ("plain", &(NetShape) { 0 });
  write_network ("classes", &(NetShape) { .classes = 3 });
  write_network ("upsampler", &(NetShape) { .in = 6, .out = 6 });
  write_network ("large", &(NetShape) { .side = 96 });
  write_network ("broken", &(NetShape) { .broken = TRUE });
  g_test_add_func ("/job-network/estimate", test_estimate);
  g_test_add_func ("/job-network/gamma", test_gamma);
  g_test_add_func ("/job-network/gamma-upsampler", test_gamma_upsampler);
  g_test_add_func ("/job-network/gamma-refused", test_gamma_refused);
  g_test_add_func ("/job-network/refused", test_refused);
  g_test_add_func ("/job-network/upsampler-refused", test_upsampler_refused);
  g_test_add_func ("/job-network/size", test_size);
  g_test_add_func ("/job-network/early", test_early);
  g_test_add_func ("/job-network/class-range", test_class_range);
  g_test_add_func ("/job-network/broken", test_broken);
  g_test_add_func ("/job-network/changed", test_changed);
  g_test_add_func ("/job-network/memory", test_memory);
  failed = g_test_run ();
  files_end ();
  return failed;
}
