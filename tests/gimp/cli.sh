#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# The plug-in and the command-line tool make the same pixels from the same picture, selection and settings.

here=$(cd "$(dirname "$0")" && pwd)
SF_FOLDER=$(mktemp -d)
export SF_FOLDER
trap 'rm -rf "$SF_FOLDER"' EXIT
f=$SF_FOLDER

"$here/run.sh" cli-make.scm || exit
"$SF_CLI" fill "$f/in.png" "$f/cli-fill.png" --mask "$f/mask.png" --seed 7 --steps 4 &&
  "$SF_CLI" regenerate "$f/fill.png" "$f/cli-regenerate.png" --mask "$f/mask.png" --seed 8 --steps 6 --strength 0.5 --sampler heun &&
  "$SF_CLI" expand "$f/regenerate.png" "$f/cli-expand.png" --left 20 --seed 9 --steps 4 || exit 1
"$here/run.sh" cli-compare.scm
