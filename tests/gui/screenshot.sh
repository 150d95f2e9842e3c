#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# screenshot.sh OUT.png: the picture for the README: a whole GIMP at 1366x768 with the dialog open.
#
#   SF_PLUGIN  the plug-in, BUILD/plugin/sfumato

[ $# = 1 ] && [ -x "$SF_PLUGIN" ] || { echo "usage: SF_PLUGIN=BUILD/plugin/sfumato screenshot.sh OUT.png" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
export SF_DATA="${SF_DATA:-$here/../data}" SF_ARTIFACTS="$(cd "$(dirname "$1")" && pwd)" SF_ALL_PLUGINS=yes PYTHONDONTWRITEBYTECODE=1
exec "$here/run.sh" python3 "$here/screenshot.py" "$1"
