/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One thread, so that a job is never used twice at once.  What the thread has to say is left in the runner under a
 * lock, and one idle callback on the main thread takes all of it: the thread never waits for the dialog, and the
 * dialog never sees an outdated frame.
 *
 * A run that is stopped is over at once.  The thread notices within moments; what it still has to say is dropped, and
 * what is asked for next waits for it in the pool.
 */
#include "sf-runner.h"

struct _SfRunner
{
  GObject parent;
  GThreadPool *pool;
  SfJob **job;               /* (nullable) in an atomic box: the thread may still use an older one */
  GCancellable *cancellable; /* (nullable) while running */
  GCancellable *counting;    /* (nullable) of the last count that was asked for */
  gint permille;             /* atomic */

  GMutex lock; /* all below */
  guint idle;
  SfTensor *frame, *noised;
  int candidate, level, n_levels;
  SfEstimate estimate; /* no evaluations = nothing new */
  GQueue results;
  gboolean done;
  GError *error;
  SfJob **noise_job; /* (nullable) of the request that is not answered yet */
  GCancellable *noising; /* (nullable) of all such requests for the present job */
  double strength;
  int noise_seed;
};

/* What the thread is given. */
typedef struct _SfTaskItem SfTaskItem;
struct _SfTaskItem
{
  void (*work) (SfRunner *self, SfTaskItem *task);
  SfRunner *runner; /* borrowed: the runner waits for its thread */
  SfJob **job;      /* (nullable) */
  GCancellable *cancellable; /* (nullable) */
  SfResult *like;            /* (nullable) */
  int seed, n;
};

enum
{
  FRAME,
  NOISED,
  COUNTED,
  RESULT,
  FINISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_TYPE (SfRunner, sf_runner, G_TYPE_OBJECT)

static void
free_job (gpointer box)
{
  sf_job_free (*(SfJob **) box);
}

static void
release_job (SfJob **box)
{
  g_atomic_rc_box_release_full (box, free_job);
}

/*** On the main thread ***/

static gboolean
deliver (gpointer data)
{
  SfRunner *self = g_object_ref (data);
  g_autoptr (SfTensor) frame = NULL;
  g_autoptr (SfTensor) noised = NULL;
  g_autoptr (GError) error = NULL;
  SfResult *result;
  GQueue results;
  int candidate, level, n_levels;
  SfEstimate estimate;
  gboolean done;

  g_mutex_lock (&self->lock);
  self->idle = 0;
  frame = g_steal_pointer (&self->frame);
  noised = g_steal_pointer (&self->noised);
  error = g_steal_pointer (&self->error);
  results = self->results;
  g_queue_init (&self->results);
  candidate = self->candidate;
  level = self->level;
  n_levels = self->n_levels;
  estimate = self->estimate;
  self->estimate.evaluations = 0;
  done = self->done;
  self->done = FALSE;
  g_mutex_unlock (&self->lock);

  if (estimate.evaluations > 0)
    g_signal_emit (self, signals[COUNTED], 0, &estimate);
  if (noised != NULL)
    g_signal_emit (self, signals[NOISED], 0, noised);
  if (frame != NULL)
    g_signal_emit (self, signals[FRAME], 0, frame, candidate, level, n_levels);
  while ((result = g_queue_pop_head (&results)) != NULL)
    {
      g_signal_emit (self, signals[RESULT], 0, result);
      sf_result_unref (result);
    }
  if (done)
    {
      g_clear_object (&self->cancellable);
      g_signal_emit (self, signals[FINISHED], 0, error);
    }
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

/*** On the working thread ***/

/* With the lock held: what was left will be taken. */
static void
wake (SfRunner *self)
{
  if (self->idle == 0)
    self->idle = g_idle_add (deliver, self);
}

static gboolean
is_stopped (const SfTaskItem *task)
{
  return g_cancellable_is_cancelled (task->cancellable);
}

static void
on_frame (const SfTensor *image, int candidate, int level, int n_levels, gpointer data)
{
  SfTaskItem *task = data;
  SfRunner *self = task->runner;
  g_autoptr (SfTensor) copy = sf_tensor_copy (image, NULL); /* with no memory left there is no preview, that is all */

  if (copy == NULL)
    return;
  g_mutex_lock (&self->lock);
  if (!is_stopped (task))
    {
      g_clear_pointer (&self->frame, sf_tensor_unref);
      self->frame = g_steal_pointer (&copy);
      self->candidate = candidate;
      self->level = level;
      self->n_levels = n_levels;
      wake (self);
    }
  g_mutex_unlock (&self->lock);
}

static void
on_progress (double fraction, gpointer data)
{
  SfTaskItem *task = data;

  if (!is_stopped (task))
    g_atomic_int_set (&task->runner->permille, (gint) (fraction * 1000));
}

static void
on_result (SfResult *result, gpointer data)
{
  SfTaskItem *task = data;
  SfRunner *self = task->runner;

  g_mutex_lock (&self->lock);
  if (!is_stopped (task))
    {
      g_queue_push_tail (&self->results, sf_result_ref (result));
      wake (self);
    }
  g_mutex_unlock (&self->lock);
}

/* The engine is opened here, so it takes a while. */
static void
work_count (SfRunner *self, SfTaskItem *task)
{
  SfProgress progress = { .cancellable = task->cancellable, .hi = 1 };
  SfEstimate estimate = sf_job_estimate (*task->job, &progress);

  g_mutex_lock (&self->lock);
  if (!is_stopped (task))
    {
      self->estimate = estimate;
      wake (self);
    }
  g_mutex_unlock (&self->lock);
}

static void
work_run (SfRunner *self, SfTaskItem *task)
{
  SfProgress progress = { .cancellable = task->cancellable, .func = on_progress, .data = task, .lo = 0, .hi = 1 };
  SfJobHooks hooks = { .frame = on_frame, .result = on_result, .data = task };
  g_autoptr (GPtrArray) results = NULL;
  g_autoptr (GError) error = NULL;

  work_count (self, task);
  results = sf_job_run_all (*task->job, task->seed, task->n, task->like, &hooks, &progress, &error);
  work_count (self, task); /* by the evaluations just made */
  g_mutex_lock (&self->lock);
  if (!is_stopped (task))
    {
      self->done = TRUE;
      self->error = g_steal_pointer (&error);
      wake (self);
    }
  g_mutex_unlock (&self->lock);
}

/* Answers the last request; there is none if an earlier task has done so. */
static void
work_noised (SfRunner *self, SfTaskItem *task)
{
  g_autoptr (GCancellable) cancellable = NULL;
  SfProgress progress = { .hi = 1 };
  SfTensor *image;
  SfJob **job;
  double strength;
  int seed;

  g_mutex_lock (&self->lock);
  job = g_steal_pointer (&self->noise_job);
  progress.cancellable = cancellable = self->noising != NULL ? g_object_ref (self->noising) : NULL;
  strength = self->strength;
  seed = self->noise_seed;
  g_mutex_unlock (&self->lock);
  if (job == NULL)
    return;
  image = sf_job_get_noised (*job, strength, seed, &progress, NULL);
  release_job (job);
  if (image == NULL)
    return;
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->noised, sf_tensor_unref);
  self->noised = image;
  wake (self);
  g_mutex_unlock (&self->lock);
}

static void
work (gpointer data, gpointer user_data)
{
  SfTaskItem *task = data;

  task->work (task->runner, task);
  g_clear_pointer (&task->job, release_job);
  g_clear_object (&task->cancellable);
  g_clear_pointer (&task->like, sf_result_unref);
  g_free (task);
}

/*** Public ***/

/* Ends what was asked for the present job, with the lock held. */
static void
drop_noising (SfRunner *self)
{
  if (self->noising != NULL)
    g_cancellable_cancel (self->noising);
  g_clear_object (&self->noising);
}

/* A count that is not finished yet will not be told. */
static void
drop_count (SfRunner *self)
{
  g_mutex_lock (&self->lock);
  g_cancellable_cancel (self->counting);
  self->estimate.evaluations = 0;
  g_mutex_unlock (&self->lock);
  g_clear_object (&self->counting);
}

void
sf_runner_set_job (SfRunner *self, SfJob *job)
{
  drop_count (self);
  g_clear_pointer (&self->job, release_job);
  if (job != NULL)
    {
      self->job = g_atomic_rc_box_new (SfJob *);
      *self->job = job;
    }
  g_mutex_lock (&self->lock);
  drop_noising (self);
  self->noising = job != NULL ? g_cancellable_new () : NULL;
  if (self->noise_job != NULL) /* else the thread would make an engine ready for nothing more */
    {
      release_job (self->noise_job);
      self->noise_job = self->job != NULL ? g_atomic_rc_box_acquire (self->job) : NULL;
    }
  g_mutex_unlock (&self->lock);
}

gboolean
sf_runner_has_job (SfRunner *self)
{
  return self->job != NULL;
}

void
sf_runner_count (SfRunner *self)
{
  SfTaskItem *task;

  g_return_if_fail (self->job != NULL);
  drop_count (self);
  self->counting = g_cancellable_new ();
  task = g_new0 (SfTaskItem, 1);
  *task = (SfTaskItem) {
    .work = work_count,
    .runner = self,
    .job = g_atomic_rc_box_acquire (self->job),
    .cancellable = g_object_ref (self->counting),
  };
  g_thread_pool_push (self->pool, task, NULL);
}

void
sf_runner_run (SfRunner *self, int seed, int n, SfResult *like)
{
  SfTaskItem *task;

  g_return_if_fail (self->job != NULL && self->cancellable == NULL);
  self->cancellable = g_cancellable_new ();
  g_atomic_int_set (&self->permille, 0);
  task = g_new0 (SfTaskItem, 1);
  *task = (SfTaskItem) {
    .work = work_run,
    .runner = self,
    .job = g_atomic_rc_box_acquire (self->job),
    .cancellable = g_object_ref (self->cancellable),
    .like = like ? sf_result_ref (like) : NULL,
    .seed = seed,
    .n = n,
  };
  g_thread_pool_push (self->pool, task, NULL);
}

void
sf_runner_show_noised (SfRunner *self, double strength, int seed)
{
  SfTaskItem *task;

  g_return_if_fail (self->job != NULL);
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->noise_job, release_job);
  self->noise_job = g_atomic_rc_box_acquire (self->job);
  self->strength = strength;
  self->noise_seed = seed;
  g_mutex_unlock (&self->lock);
  task = g_new0 (SfTaskItem, 1);
  *task = (SfTaskItem) { .work = work_noised, .runner = self };
  g_thread_pool_push (self->pool, task, NULL);
}

void
sf_runner_stop (SfRunner *self)
{
  if (self->cancellable == NULL)
    return;
  g_mutex_lock (&self->lock);
  if (!self->done)
    {
      g_cancellable_cancel (self->cancellable);
      g_cancellable_set_error_if_cancelled (self->cancellable, &self->error);
      self->done = TRUE;
      wake (self);
    }
  g_mutex_unlock (&self->lock);
}

gboolean
sf_runner_is_running (SfRunner *self)
{
  return self->cancellable != NULL;
}

double
sf_runner_get_fraction (SfRunner *self)
{
  return g_atomic_int_get (&self->permille) / 1000.0;
}

static void
sf_runner_finalize (GObject *object)
{
  SfRunner *self = SF_RUNNER (object);

  sf_runner_stop (self);
  drop_count (self);
  g_mutex_lock (&self->lock);
  drop_noising (self);
  g_mutex_unlock (&self->lock);
  g_thread_pool_free (self->pool, FALSE, TRUE);
  if (self->idle != 0)
    g_source_remove (self->idle);
  g_clear_object (&self->cancellable);
  g_clear_pointer (&self->job, release_job);
  g_clear_pointer (&self->noise_job, release_job);
  g_clear_pointer (&self->frame, sf_tensor_unref);
  g_clear_pointer (&self->noised, sf_tensor_unref);
  g_queue_clear_full (&self->results, (GDestroyNotify) sf_result_unref);
  g_clear_error (&self->error);
  g_mutex_clear (&self->lock);
  G_OBJECT_CLASS (sf_runner_parent_class)->finalize (object);
}

static void
sf_runner_class_init (SfRunnerClass *klass)
{
  GType type = G_TYPE_FROM_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sf_runner_finalize;
  signals[FRAME] = g_signal_new ("frame", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 4, G_TYPE_POINTER,
                                 G_TYPE_INT, G_TYPE_INT, G_TYPE_INT);
  signals[NOISED] = g_signal_new ("noised", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[COUNTED] = g_signal_new ("counted", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[RESULT] = g_signal_new ("result", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
  signals[FINISHED] = g_signal_new ("finished", type, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_POINTER);
}

static void
sf_runner_init (SfRunner *self)
{
  g_mutex_init (&self->lock);
  g_queue_init (&self->results);
  self->pool = g_thread_pool_new (work, NULL, 1, TRUE, NULL);
}

SfRunner *
sf_runner_new (void)
{
  return g_object_new (SF_TYPE_RUNNER, NULL);
}
