#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh TEST.scm [STATUS [MESSAGE]]: runs a Script-Fu file in a headless GIMP that has an empty profile of its own and hardly
# any plug-ins but ours. Succeeds if GIMP's exit status is STATUS (0), the plug-in complained of nothing on stderr, and MESSAGE,
# if given, was printed.
#
#   SF_PLUGIN  the plug-in    SF_PROBE  the tests' own    SF_CLI  the command-line tool    SF_DATA  tests/data
#   SF_WRITE_MODELS  the program that makes models    (set by meson)

here=$(cd "$(dirname "$0")" && pwd)
status=${2:-0} message=${3:-}

command -v gimp-console > /dev/null || { echo "no gimp-console"; exit 77; }
system=$(pkg-config --variable=gimplibdir gimp-3.0)/plug-ins
[ -e "$system/script-fu/script-fu" ] || { echo "no Script-Fu in $system"; exit 77; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$tmp/home" "$tmp/plug-ins/sfumato" "$tmp/plug-ins/sf-probe"
ln -s "$SF_PLUGIN" "$tmp/plug-ins/sfumato/sfumato"
ln -s "$SF_PROBE" "$tmp/plug-ins/sf-probe/sf-probe"
[ -z "$SF_GIMPRC" ] || { mkdir "$tmp/profile" && printf '%s\n' "$SF_GIMPRC" > "$tmp/profile/gimprc"; }
# Models of the tests, and none of the user's.
"$SF_WRITE_MODELS" "$tmp/models"
for p in script-fu file-png file-jpeg; do ln -s "$system/$p" "$tmp/plug-ins/$p"; done

cd "$tmp" || exit 1
HOME=$tmp/home XDG_DATA_HOME=$tmp/home SFUMATO_MODELS=$tmp/models GIMP3_DIRECTORY=$tmp/profile GIMP_TESTING_PLUGINDIRS=$tmp/plug-ins LANG=${SF_LANG:-C.UTF-8} \
  timeout "${SF_TIMEOUT:-900}" ${SF_GIMP:-gimp-console -idfs} --batch-interpreter plug-in-script-fu-eval \
  -b "(define data-folder \"$SF_DATA\") (define folder \"${SF_FOLDER:-$tmp}\") (load \"$here/common.scm\") (load \"$here/$1\")" --quit > out 2> err
got=$?
cat out
# What GIMP itself says, seen with every plug-in; see there for each.
grep -v -e '^$' -e 'declared resource name is invalid' -e 'Welcome to GIMP' -e 'Broken pipe' -e 'gimp_wire_read' \
  -e 'stray image' -e '^(gimp:.*g_object_unref' -e '^(script-fu:.*CRITICAL' -e 'batch command executed' -e 'Glycin' \
  -e 'resources' err > err.left
cat err.left >&2

if [ "$got" != "$status" ]; then
  echo "run.sh: GIMP ended with status $got, not $status" >&2
  exit 1
fi
if grep -q '^(sfumato:.*\(CRITICAL\|WARNING\|ERROR\)' err.left; then
  echo "run.sh: the plug-in complained" >&2
  exit 1
fi
if grep -q 'runtime error:\|AddressSanitizer' err.left; then
  echo "run.sh: a sanitizer complained" >&2
  exit 1
fi
if [ -n "$message" ] && ! cat out err | grep -qF -- "$message"; then
  echo "run.sh: there is no message: $message" >&2
  exit 1
fi
