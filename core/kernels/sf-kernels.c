/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "kernels/sf-kernels.h"

#define SF_ITEM(name) extern const SfKernels sf_kernels_##name;
#include "kernels/sf-kernels-list.h"
#undef SF_ITEM

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>

#define ARCH_REQ_XCOMP_PERM 0x1023 /* of asm/prctl.h, which old systems lack */
#define XFEATURE_XTILEDATA 18

/* A process may use the tile registers after it has asked for them, as they make its threads' saved state 8 KB larger. */
static gboolean
ask_for_amx (void)
{
  return syscall (SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}
#else
#define ask_for_amx() FALSE
#endif

/* What each flavour needs, worst first: a later one that runs is better. */
static gboolean
can_run (const char *name)
{
#if defined(__x86_64__)
  if (g_str_equal (name, "amx"))
    return can_run ("avx512bf16") && __builtin_cpu_supports ("amx-bf16") && __builtin_cpu_supports ("amx-int8") && ask_for_amx ();
  if (g_str_equal (name, "avx512bf16"))
    return can_run ("avx512") && __builtin_cpu_supports ("avx512bf16");
  if (g_str_equal (name, "avx512"))
    return __builtin_cpu_supports ("avx512f") && __builtin_cpu_supports ("avx512bw") &&
           __builtin_cpu_supports ("avx512vl") && __builtin_cpu_supports ("avx512dq");
  if (g_str_equal (name, "avx2"))
    return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma");
#endif
  return g_str_equal (name, "baseline");
}

const SfKernels *const *
sf_kernels_all (int *n)
{
  static const SfKernels *const all[] = {
#define SF_ITEM(name) &sf_kernels_##name,
#include "kernels/sf-kernels-list.h"
#undef SF_ITEM
  };
  static const SfKernels *usable[G_N_ELEMENTS (all)];
  static int n_usable;
  static gsize once;

  if (g_once_init_enter (&once))
    {
      for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
        if (can_run (all[i]->name))
          usable[n_usable++] = all[i];
      g_once_init_leave (&once, 1);
    }
  *n = n_usable;
  return usable;
}

const SfKernels *
sf_kernels (void)
{
  static const SfKernels *chosen;
  static gsize once;

  if (g_once_init_enter (&once))
    {
      int n;
      const SfKernels *const *all = sf_kernels_all (&n);
      const char *forced = g_getenv ("SFUMATO_ISA");

      chosen = all[n - 1];
      for (int i = 0; i < n; i++)
        if (g_strcmp0 (forced, all[i]->name) == 0)
          chosen = all[i];
      g_once_init_leave (&once, 1);
    }
  return chosen;
}
