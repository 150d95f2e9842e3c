# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash disable=SC2016,SC2034
#
# What every script here shares: the tool-chain roots and the builds.
#
# Debian 12 has no GIMP 3, so the scripts work in small Debian systems ("roots") made by mmdebstrap in the user's cache:
#
#   3.0     Debian 13 "trixie", GIMP 3.0      3.2     Debian "forky", GIMP 3.2
#   native  no root at all, where the running system has GIMP 3 itself
#
# A root is built under a temporary name and renamed when complete, under a lock; .packages inside it lists what was asked for,
# so that a longer list below is topped up. Nothing stays mounted: enter.sh mounts in a namespace of its own.
# The archive is the one that this system's apt uses, with apt's proxy settings.

set -euo pipefail
umask 022

top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${SFUMATO_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/sfumato}
[[ $cache = /* ]] || cache=$PWD/$cache
readonly top cache

# What a root holds: enough to build and to run GIMP …
packages_build=(gimp gcc libc6-dev meson ninja-build pkgconf gettext git ca-certificates
  libgimp-3.0-dev libgtk-3-dev libopenblas-dev libjson-glib-dev
  fonts-dejavu-core adwaita-icon-theme)
# … to run every test …
packages_check=("${packages_build[@]}" locales valgrind
  xvfb openbox xdotool x11-utils scrot dbus dbus-daemon at-spi2-core python3-gi gir1.2-atspi-2.0 fonts-wqy-microhei)
# … and to work on the code.
packages_code=("${packages_check[@]}" clang clangd clang-format libclang-rt-dev gcovr
  python3-numpy python3-scipy python3-pil)
locales=(de_DE es_ES fr_FR zh_CN)

# ---- messages: progress and errors on stderr, stdout is for results ----

me=$(basename "$0")

note () { printf '%s\n' "$*" >&2; }
die () { note "$me: $*"; exit 1; }
trap 'exit 130' INT

# step TEXT LOG COMMAND…: run it with its output in LOG; one line with the seconds it took. The command ends with this script.
step ()
{
  local text=$1 log=$2 begin=$SECONDS
  shift 2
  printf '%s … ' "$text" >&2
  if "$@" > "$log" 2>&1 < /dev/null; then
    printf '%d s\n' $((SECONDS - begin)) >&2
  else
    printf 'failed after %d s\n' $((SECONDS - begin)) >&2
    return 1
  fi
}

# Says in one line why an apt or mmdebstrap run failed.
die_install ()
{
  local log=$1 why="see $1"
  if grep -qi 'no space left' "$log"; then
    why="the disk is full ($cache)"
  elif grep -qiE 'could not resolve|temporary failure|unable to connect|failed to fetch|network is unreachable|could not connect' "$log"; then
    why="no network, or the Debian archive cannot be reached (log: $log)"
  elif grep -qi 'unable to locate package' "$log"; then
    why="$(grep -i -m1 -o 'unable to locate package.*' "$log") (log: $log)"
  fi
  die "could not install packages: $why"
}

# ---- becoming root ----

as_root=()
need_root ()
{
  ((EUID)) || return 0
  command -v sudo > /dev/null || die "needs root, and there is no sudo: run it as root"
  sudo -n true 2> /dev/null || { [[ -t 2 ]] && sudo -v; } || die "needs root, and sudo is not allowed without a password here: run it as root"
  as_root=(sudo)
}

# Runs a command as root with processes and mounts of its own, all of which end with it or with this script, so that an interrupted
# run leaves nothing behind.
jailed () { setpriv --pdeathsig KILL "${as_root[@]}" unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$@"; }

apt_install ()
{
  local log=$cache/log/apt
  command -v apt-get > /dev/null || die "needs a Debian or Ubuntu system (there is no apt-get here); README.md tells how to build by hand"
  need_root
  step "Installing $*" "$log" "${as_root[@]}" sh -c '
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq -o DPkg::Lock::Timeout=600 install --no-install-recommends "$@"' apt "$@" || die_install "$log"
}

# ---- roots ----

suite_of ()
{
  case $1 in
    3.0) echo trixie ;;
    3.2) echo forky ;;
    *) die "unknown root '$1' (3.0 or 3.2)" ;;
  esac
}

# Whether the running system can have GIMP 3 as a package.
have_native ()
{
  pkg-config --atleast-version=3.0 gimp-3.0 2> /dev/null && return
  [[ $(apt-cache policy libgimp-3.0-dev 2> /dev/null) = *'Candidate: '[0-9]* ]]
}

# The root to use where the caller names none.
default_root ()
{
  if [[ ${SFUMATO_ROOT:-} ]]; then
    echo "$SFUMATO_ROOT"
  elif [[ ! -e $cache/roots/3.0/.packages ]] && have_native; then
    echo native
  else
    echo 3.0
  fi
}

# The Debian archive of this system's apt, whatever its file format.
debian_mirror ()
{
  local uri
  uri=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' 2> /dev/null |
    awk '$3 == "main" && $2 !~ /[-\/]/ && ($4 == "Debian" || $1 ~ /\/debian\/?$/) { print $1; exit }')
  [[ $uri != mirror+file:* ]] || uri=$(awk '/^[a-z]+:/ { print $1; exit }' "${uri#mirror+file:}")
  [[ $uri ]] || die "apt's configuration names no Debian archive; this needs Debian, or a system with GIMP 3 of its own"
  echo "${uri%/}"
}

# The settings of this system's apt that matter for reaching the archive.
apt_network_options ()
{
  apt-config dump | grep -E '^Acquire::(https?|ftp|tor|socks|Retries|Check-|ForceIPv)[^ ]* "[^"]+";' || true
}

# root_ready NAME PACKAGE…: make or complete the root. Quick if there is nothing to do.
root_ready ()
{
  local name=$1 root=$cache/roots/$1 missing
  shift
  mkdir -p "$cache/roots" "$cache/log" 2> /dev/null || die "cannot write to $cache (set SFUMATO_CACHE)"
  if [[ $name = "${SFUMATO_ROOT:-}" ]]; then
    return
  elif [[ $name = native ]]; then
    mapfile -t missing < <(printf '%s\n' "$@" | grep -vxFf <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p'))
    ((${#missing[@]} == 0)) || apt_install "${missing[@]}"
    return
  fi
  root_has "$root" "$@" && return
  need_root
  exec 9> "$cache/roots/$name.lock"
  flock -n 9 || { note "Waiting for another command that is making the GIMP $name root"; flock 9; }
  if [[ ! -e $root/.packages ]]; then
    root_make "$name" "$@"
  elif ! root_has "$root" "$@"; then
    root_top_up "$name" "$@"
  fi
  exec 9>&-
}

# Whether everything asked for is in the root already.
root_has ()
{
  local root=$1
  shift
  [[ -e $root/.packages ]] && ! printf '%s\n' "$@" | grep -qvxFf "$root/.packages"
}

root_make ()
{
  local name=$1 root=$cache/roots/$1 log=$cache/log/root-$1 new=$cache/roots/$1.new keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  local suite mirror l need=()
  shift
  suite=$(suite_of "$name")
  command -v mmdebstrap > /dev/null || need+=(mmdebstrap)
  [[ -e $keyring ]] || need+=(debian-archive-keyring)
  ((${#need[@]} == 0)) || apt_install "${need[@]}"
  mirror=$(debian_mirror)
  (($(df -Pk "$cache" | awk 'END { print $4 }') > 4000000)) || die "the disk is nearly full: a root needs 4 GB in $cache (SFUMATO_CACHE moves it)"
  "${as_root[@]}" rm -rf --one-file-system "$new"
  apt_network_options > "$log.apt"
  echo 'Acquire::Check-Valid-Until "false";' >> "$log.apt"
  printf '%s\n' "$@" > "$log.packages"
  l=$(IFS=,; echo "$*")
  step "Making the GIMP $name root (Debian $suite, some minutes)" "$log" \
    jailed mmdebstrap --mode=root --format=directory --variant=minbase --include="$l" --aptopt="$log.apt" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
    "$suite" "$new" "deb [signed-by=$keyring] $mirror $suite main" || { "${as_root[@]}" rm -rf --one-file-system "$new"; die_install "$log"; }
  root_finish "$new"
  "${as_root[@]}" cp "$log.packages" "$new/.packages"
  "${as_root[@]}" mv -T "$new" "$root"
}

root_top_up ()
{
  local name=$1 root=$cache/roots/$1 log=$cache/log/root-$1
  shift
  sort -u "$root/.packages" - <<< "$(printf '%s\n' "$@")" > "$log.packages"
  { apt_network_options; echo 'Acquire::Check-Valid-Until "false";'; } > "$log.apt"
  step "Adding packages to the GIMP $name root" "$log" jailed sh -ec '
      root=$1 options=$2; shift 2
      export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
      cp "$options" "$root/etc/apt/apt.conf.d/99mmdebstrap"
      cp -L /etc/resolv.conf "$root/etc/" || true
      for d in proc sys dev; do mount --rbind /$d "$root/$d"; done
      chroot "$root" dpkg --configure -a
      chroot "$root" apt-get -qq update
      chroot "$root" apt-get -qq install --no-install-recommends "$@"
      chroot "$root" apt-get clean' sh "$root" "$log.apt" "$@" || die_install "$log"
  root_finish "$root"
  "${as_root[@]}" cp "$log.packages" "$root/.packages"
}

# What packages leave undone: the languages that tests use, once the package is there, and the identity that D-Bus asks for.
root_finish ()
{
  local l id=$1/etc/machine-id
  grep -qsE '^[0-9a-f]{32}$' "$id" || "${as_root[@]}" sh -c 'tr -d - < /proc/sys/kernel/random/uuid > "$1"' sh "$id"
  [[ -x $1/usr/bin/localedef && -d $1/usr/share/i18n/locales ]] || return 0
  for l in "${locales[@]}"; do
    [[ $("${as_root[@]}" chroot "$1" locale -a) = *$l* ]] || "${as_root[@]}" chroot "$1" localedef -i "$l" -f UTF-8 "$l.UTF-8"
  done
}

# ---- entering a root ----

# Runs a command in a root as a child that ends with this script.
in_root () ( enter --tied "$@" )

# enter [--paths] ROOT COMMAND…: replaces this shell by the command in the root, in the caller's directory. The caller's folders
# are there under their own names; with --paths so are files of the system folders that the arguments name. With --tied the
# command ends when this script does.
enter ()
{
  local paths=no root v vars=() tie=()
  case $1 in
    --paths) paths=yes; shift ;;
    --tied) tie=(setpriv --pdeathsig TERM); shift ;;
  esac
  root=$1
  shift
  if [[ $root = native || $root = "${SFUMATO_ROOT:-}" ]]; then
    export SFUMATO_ROOT=$root
    exec "${tie[@]}" "$@"
  fi
  while read -r v; do
    case $v in
      TERM | COLORTERM | HOME | USER | LOGNAME | TZ | CI | PS1 | TMPDIR | DISPLAY | XAUTHORITY | WAYLAND_DISPLAY | XDG_* | DBUS_* | NO_COLOR | \
        SFUMATO_* | GIMP* | GEGL_* | BABL_* | G_* | GTK_* | GDK_* | OPENBLAS_* | OMP_* | ASAN_* | UBSAN_* | LSAN_* | MESON_* | NINJA_*)
        vars+=("$v=${!v}") ;;
      LANG | LANGUAGE | LC_*)
        [[ " C.UTF-8 ${locales[*]/%/.UTF-8} " != *" ${LC_ALL:-${LANG:-}} "* ]] || vars+=("$v=${!v}") ;;
    esac
  done < <(compgen -e)
  need_root
  exec "${tie[@]}" "${as_root[@]}" unshare --mount --propagation private -- bash "$top/tools/enter.sh" "$root" "$cache" "$paths" "$(id -u):$(id -g)" "$(id -G | tr ' ' ,)" \
    env -i -C "$(pwd -P)" LANG=C.UTF-8 "${vars[@]}" PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin SFUMATO_ROOT="$root" "$@"
}

# ---- building ----

# build ROOT VARIANT [all|TARGET]: configures, compiles and installs into a stage folder, all in the cache and only what is needed;
# with all the tests too, with TARGET that one. Sets
#   dir    the cache folder of this checkout, root and variant; dir/build is meson's
#   stage  stage/bin/sfumato, stage/plug-ins/sfumato/sfumato, …
build ()
{
  local root=$1 variant=$2 setup source compiler=cc flags=(--buildtype=release) text
  case $variant in
    release) ;;
    asan) flags=(--buildtype=debugoptimized "-Db_sanitize=address,undefined" -Db_lundef=false) ;;
    # Atomic, as several threads count; optimised, as the tests compute.
    coverage) flags=(--buildtype=debugoptimized -Db_coverage=true -Dc_args=-fprofile-update=atomic) ;;
    fuzz) compiler=clang flags=(--buildtype=debugoptimized -Dfuzz=true -Dplugin=disabled -Dcli=disabled -Db_lundef=false
      "-Db_sanitize=address,undefined" -Dc_args=-fsanitize=fuzzer-no-link) ;;
    *) die "unknown variant '$variant'" ;;
  esac
  [[ $root = native ]] || flags+=(-Dwerror=true)
  text="for $root ($variant)"
  dir=$cache/build/$(sha1sum <<< "$top" | cut -c1-10)/$root-$variant
  stage=$dir/stage
  setup="--prefix=$stage -Dplugindir=$stage/plug-ins ${flags[*]}"
  mkdir -p "$dir"
  for source in "$cache"/build/*/source; do
    [[ ! -e $source || -d $(< "$source") ]] || rm -rf "${source%/source}"      # of a checkout that is gone
  done
  echo "$top" > "$dir/../source"
  exec 8> "$dir/lock"
  flock 8
  if [[ ! -e $dir/build/build.ninja || $(cat "$dir/setup" 2> /dev/null) != "$setup" ]]; then
    rm -rf "$dir/build" "$dir/setup"
    step "Configuring $text" "$dir/log" in_root "$root" env CC="$compiler" meson setup --prefix="$stage" -Dplugindir="$stage/plug-ins" "${flags[@]}" "$dir/build" "$top" 8>&- ||
      { rm -rf "$dir/build"; build_failed "$text"; return 1; }
    echo "$setup" > "$dir/setup"
  fi
  if [[ ! -e $dir/installed ]] || ! in_root "$root" "$top/tools/ninja.sh" "$dir" "${3:-}" -n 2>&1 8>&- | grep -q 'no work to do'; then
    rm -f "$dir/installed"
    step "Compiling $text" "$dir/log" in_root "$root" sh -ec '
      "$1" "$2" "$3"
      meson install -C "$2/build" --no-rebuild --quiet
      touch "$2/installed"' sh "$top/tools/ninja.sh" "$dir" "${3:-}" 8>&- || { build_failed "$text"; return 1; }
  fi
  exec 8>&-
}

build_failed ()
{
  grep -E -A12 '^FAILED|error:|ERROR' "$dir/log" | head -n 60 >&2 || tail -n 20 "$dir/log" >&2
  note "$me: the build $1 failed (whole log: $dir/log)"
}
