#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# ninja.sh DIR all|TARGET|'' [NINJA-OPTION]: runs ninja in DIR/build for everything, or for what is installed and TARGET.

set -eu
build=$1/build target=$2
shift 2
if [ "$target" = all ]; then
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
# shellcheck disable=SC2046,SC2086
exec ninja -C "$build" "$@" $target $(cat "$build/installed-targets")
