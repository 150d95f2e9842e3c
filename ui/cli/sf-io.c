/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sf-io.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

gboolean
sf_io_write (int fd, const void *bytes, gsize n)
{
  const guint8 *p = bytes;

  while (n > 0)
    {
      ssize_t written = write (fd, p, n);

      if (written < 0 && errno == EINTR)
        continue;
      if (written <= 0)
        return FALSE;
      p += written;
      n -= (gsize) written;
    }
  return TRUE;
}

/* The number behind @key in a file of lines like "MemFree:  1234 kB", in bytes; 0 = not there. */
static double
proc_value (const char *path, const char *key)
{
  g_autofree char *text = NULL;
  const char *found;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (found = strstr (text, key)) == NULL)
    return 0;
  return 1024.0 * (double) g_ascii_strtoull (found + strlen (key), NULL, 10);
}

double
sf_io_memory_available (void)
{
  double available = proc_value ("/proc/meminfo", "MemAvailable:") + proc_value ("/proc/meminfo", "SwapFree:");
  struct rlimit limit;

  if (available <= 0)
    available = G_MAXDOUBLE; /* not known: the allocation itself will tell */
  if (getrlimit (RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    available = MIN (available, (double) limit.rlim_cur - proc_value ("/proc/self/status", "VmSize:"));
  return available;
}
