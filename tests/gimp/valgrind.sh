#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# One run of the plug-in under valgrind: no invalid access, no use of an undefined value, nothing lost in our own code.

here=$(cd "$(dirname "$0")" && pwd)
command -v valgrind > /dev/null || { echo "no valgrind"; exit 77; }
tmp=$(mktemp -d)
export SF_FOLDER=$tmp
trap 'kill $! 2> /dev/null; rm -rf "$tmp"' EXIT
export G_SLICE=always-malloc
export GIMP_PLUGIN_DEBUG_WRAP=sfumato,run
export GIMP_PLUGIN_DEBUG_WRAPPER="valgrind --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite --num-callers=30 --suppressions=$here/valgrind.supp --log-file=$tmp/log"

# GIMP kills what still runs when it ends, so the script waits for the last line.
(until grep -qs 'ERROR SUMMARY' "$tmp/log"; do sleep 0.2; done; touch "$tmp/done") &

"$here/run.sh" valgrind.scm || exit
# Leaks count where one of our functions is on the stack.
awk '/definitely lost/ { leak = $0; ours = 0 } leak { text = text "\n" $0 } / sf_[a-z_]* \(/ { ours = 1 } /^==[0-9]+== $/ { if (leak && ours) print text; leak = ""; text = "" }' \
  "$tmp/log" > "$tmp/leaks"
grep 'ERROR SUMMARY\|Invalid \|uninitialised' "$tmp/log"
if [ -s "$tmp/leaks" ] || grep -q 'Invalid \|uninitialised' "$tmp/log"; then
  cat "$tmp/log"
  exit 1
fi
