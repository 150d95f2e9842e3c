#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
#
# enter.sh NAME CACHE PATHS UID:GID GROUPS COMMAND…: the inner half of enter () in common.sh. Runs as root in a mount namespace of
# its own: lays the caller's folders over the root, then becomes the command. The process id stays, so signals and the exit status are
# the command's own; the mounts vanish with it.

set -euo pipefail
root=$2/roots/$1 cache=$2 paths=$3 ids=$4 groups=$5 top=$(cd -P "$(dirname "$0")/.." && pwd) cwd=$PWD
shift 5

mount --bind "$root" "$root"
mount --make-unbindable "$root"      # or binding the folder that holds the cache would bind the root into itself

lay () { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }

# Makes a host path visible unless something of that name is: files always, as they are data that the caller named.
expose ()
{
  local p=$1
  while [[ ! -e $p ]]; do p=$(dirname "$p"); done
  if [[ -d $p ]]; then
    [[ -e $root$p ]] || lay "$p"
  elif [[ ! $p -ef $root$p ]]; then
    mkdir -p "$root$(dirname "$p")"
    [[ -e $root$p ]] || : > "$root$p"
    mount --bind "$p" "$root$p"
  fi
}

# Everything that is not the system's own.
mount -t tmpfs -o mode=755 tmpfs "$root/run"
for d in /* /var/* /run/user /run/media; do
  case $d in
    /bin | /boot | /etc | /lib* | /lost+found | /run | /sbin | /usr | /var | /var/cache | /var/lib | /var/lock | /var/run) continue ;;
  esac
  if [[ -L $d ]]; then
    ln -sfn "$(readlink "$d")" "$root$d"
  elif [[ -d $d ]]; then
    lay "$d"
  fi
done
for d in "$top" "$cwd" "$cache" "${HOME:-/}"; do expose "$d"; done
if [[ $ids != 0:* ]]; then expose /etc/passwd; expose /etc/group; fi
if [[ $paths = yes ]]; then
  for a in "$@"; do
    a=${a#--*=}
    [[ $a = /* ]] || a=$cwd/$a
    [[ ! -e $(dirname "$a") ]] || expose "$a"
  done
fi

exec chroot --userspec="$ids" --groups="$groups" "$root" "$@"
