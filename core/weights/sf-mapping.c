/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "weights/sf-mapping.h"

#include "sf-config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sf-error.h"
#include "weights/sf-weights.h"

/*** Guards: what the signal handler reads ***/

/* The addresses of a mapping.  A handler takes no locks, so guards are in a list that only grows; one that is no longer used
 * serves the next mapping.  @version is odd while the addresses change: what was read meanwhile does not count.
 */
typedef struct _Guard Guard;
struct _Guard
{
  Guard *next;
  gboolean used; /* under the lock */
  atomic_uint version;
  atomic_uintptr_t begin, end;
  atomic_bool lost; /* a page was */
};

static GMutex lock;
static _Atomic (Guard *) guards;
static struct sigaction previous;
static uintptr_t page_size;

/* The guard of the mapping at @address, and its end.  The thread that reads there holds the mapping, so that it stays. */
static Guard *
find_guard (uintptr_t address, uintptr_t *end)
{
  for (Guard *g = atomic_load (&guards); g != NULL; g = g->next)
    {
      unsigned version = atomic_load (&g->version);
      uintptr_t begin = atomic_load (&g->begin);

      *end = atomic_load (&g->end);
      if (version % 2 == 0 && atomic_load (&g->version) == version && address >= begin && address < *end)
        return g;
    }
  return NULL;
}

/* Pages behind a lost one are lost as well, so all get zeros at once: one mapping rather than thousands. */
static gboolean
replace_lost (uintptr_t address)
{
  uintptr_t page = address & ~(page_size - 1), end;
  Guard *guard = find_guard (address, &end);

  if (guard == NULL ||
      mmap ((gpointer) page, end - page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == MAP_FAILED)
    return FALSE;
  atomic_store (&guard->lost, TRUE);
  return TRUE;
}

/* Async-signal-safe: atomics and system calls only. */
static void
on_bus_error (int number, siginfo_t *info, gpointer context)
{
  int saved = errno;

  if (info->si_code > 0 && replace_lost ((uintptr_t) info->si_addr))
    ;
  else if (previous.sa_flags & SA_SIGINFO)
    previous.sa_sigaction (number, info, context);
  else if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN)
    previous.sa_handler (number);
  else if (previous.sa_handler == SIG_DFL || info->si_code > 0)
    {
      signal (number, SIG_DFL); /* as if we had not been here */
      raise (number);
    }
  errno = saved;
}

static void
install_handler (void)
{
  static gsize done;

  if (g_once_init_enter (&done))
    {
      struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_ONSTACK };

      page_size = (uintptr_t) sysconf (_SC_PAGESIZE);
      sigaction (SIGBUS, NULL, &previous);
      sigemptyset (&action.sa_mask);
      sigaction (SIGBUS, &action, NULL);
      g_once_init_leave (&done, 1);
    }
}

static void
set_guard (Guard *guard, uintptr_t begin, uintptr_t end)
{
  atomic_fetch_add (&guard->version, 1);
  atomic_store (&guard->begin, begin);
  atomic_store (&guard->end, end);
  atomic_fetch_add (&guard->version, 1);
}

static Guard *
take_guard (gconstpointer data, gsize size)
{
  uintptr_t begin = (uintptr_t) data;
  Guard *guard;

  install_handler ();
  g_mutex_lock (&lock);
  for (guard = atomic_load (&guards); guard != NULL && guard->used;)
    guard = guard->next;
  if (guard == NULL)
    {
      guard = g_new0 (Guard, 1);
      guard->next = atomic_load (&guards);
      atomic_store (&guards, guard);
    }
  guard->used = TRUE;
  atomic_store (&guard->lost, FALSE);
  set_guard (guard, begin, (begin + size + page_size - 1) & ~(page_size - 1));
  g_mutex_unlock (&lock);
  return guard;
}

static void
give_guard (Guard *guard)
{
  g_mutex_lock (&lock);
  set_guard (guard, 0, 0);
  guard->used = FALSE;
  g_mutex_unlock (&lock);
}

/*** Mappings ***/

struct _SfMapping
{
  char *path;
  struct stat status; /* when it was opened */
  gpointer data;
  gsize size;
  Guard *guard;
};

/* Opens what is a plain file, and does not wait for anything else. */
static int
open_plain (const char *path, struct stat *status, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

  if (fd < 0 || fstat (fd, status) != 0)
    sf_bad_file (error, "%s", g_strerror (errno));
  else if (!S_ISREG (status->st_mode))
    sf_bad_file (error, S_ISDIR (status->st_mode) ? _ ("is a folder, not a file") : _ ("is not a plain file"));
  else if (status->st_size == 0)
    sf_bad_file (error, _ ("is empty"));
  else
    return fd;
  if (fd >= 0)
    close (fd);
  return -1;
}

SfMapping *
sf_mapping_open (const char *path, GError **error)
{
  struct stat status;
  int fd = open_plain (path, &status, error);
  gpointer data = MAP_FAILED;
  SfMapping *self;

  if (fd < 0)
    return NULL;
  if ((guint64) status.st_size <= G_MAXSIZE)
    data = mmap (NULL, (gsize) status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (data == MAP_FAILED)
    {
      sf_bad_file (error, _ ("cannot be mapped into memory: %s"), g_strerror (errno));
      close (fd);
      return NULL;
    }
  close (fd);
  self = g_new (SfMapping, 1);
  *self = (SfMapping) { g_strdup (path), status, data, (gsize) status.st_size, take_guard (data, (gsize) status.st_size) };
  return self;
}

void
sf_mapping_free (SfMapping *self)
{
  give_guard (self->guard); /* first, as the addresses may be another's a moment later */
  munmap (self->data, self->size);
  g_free (self->path);
  g_free (self);
}

const guint8 *
sf_mapping_get_data (const SfMapping *self)
{
  return self->data;
}

const char *
sf_mapping_get_path (const SfMapping *self)
{
  return self->path;
}

gsize
sf_mapping_get_size (const SfMapping *self)
{
  return self->size;
}

static gboolean
same_file (const struct stat *a, const struct stat *b)
{
  return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
         a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

gboolean
sf_mapping_check (const SfMapping *self, GError **error)
{
  struct stat now;

  if (!atomic_load (&self->guard->lost) && stat (self->path, &now) == 0 && same_file (&self->status, &now))
    return TRUE;
  return sf_bad_file (error, _ ("was changed while in use; open it again"));
}
