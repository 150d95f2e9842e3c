#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Scripts cannot undo, so this opens GIMP's window on a display of its own and presses the keys that undo.scm asks for.

here=$(cd "$(dirname "$0")" && pwd)
for p in Xvfb openbox xdotool gimp; do
  command -v $p > /dev/null || { echo "no $p"; exit 77; }
done
SF_FOLDER=$(mktemp -d) pids=
trap 'kill $pids 2> /dev/null; rm -rf "$SF_FOLDER"' EXIT
Xvfb -displayfd 3 -screen 0 1366x768x24 3> "$SF_FOLDER/display" 2> /dev/null &
pids=$!
until [ -s "$SF_FOLDER/display" ]; do sleep 0.1; done
DISPLAY=:$(cat "$SF_FOLDER/display")
export DISPLAY SF_FOLDER
openbox 2> /dev/null &
pids="$pids $!"

(
  while sleep 0.2; do
    if [ -s "$SF_FOLDER/press" ]; then
      w=$(xdotool search --onlyvisible --name 'GIMP$' | tail -1)
      xdotool windowactivate --sync "$w" key --clearmodifiers "$(cat "$SF_FOLDER/press")"
      sleep 0.5
      rm -f "$SF_FOLDER/press"
    fi
  done
) 2> /dev/null &
pids="$pids $!"

# The first start of a version welcomes, whatever show-welcome-dialog says.
SF_GIMP='gimp --new-instance -dfs' SF_GIMPRC="(show-welcome-dialog no) (check-updates no)
(config-version \"$(pkg-config --modversion gimp-3.0)\")" "$here/run.sh" undo.scm
