#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ninja.sh DIR all|'' [NINJA-OPTION]: runs ninja in DIR/build for everything, or for what will be installed only.

set -eu
build=$1/build all=$2
shift 2
if [ "$all" = all ]; then
  exec ninja -C "$build" "$@"
fi
if [ $# = 0 ]; then
  ninja -C "$build" build.ninja        # the list is up to date afterwards
fi
python3 -c '
import json, os, sys
for target in json.load (open (sys.argv[1] + "/meson-info/intro-targets.json")):
    if target["installed"]:
        for name in target["filename"]:
            print (os.path.relpath (name, sys.argv[1]))' "$build" > "$build/installed-targets"
# shellcheck disable=SC2046
exec ninja -C "$build" "$@" $(cat "$build/installed-targets")
