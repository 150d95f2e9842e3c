#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
#
# run.sh COMMAND…: runs it with a screen of 1366x768, a window manager and a session bus with accessibility, all of its own, and
# an empty profile for GIMP with hardly any plug-ins but ours.
#
#   SF_PLUGIN  the plug-in    SF_DATA  tests/data    SF_ARTIFACTS  where screenshots go    SF_LANG  another language (de_DE.UTF-8)
#   SF_SCREEN  another size (2732x1536, with GDK_SCALE=2)

for tool in Xvfb openbox xdotool scrot dbus-run-session gimp-console python3; do
  command -v $tool > /dev/null || { echo "no $tool"; exit 77; }
done
python3 -c 'import gi; gi.require_version ("Atspi", "2.0")' 2> /dev/null || { echo "no AT-SPI for Python"; exit 77; }
system=$(pkg-config --variable=gimplibdir gimp-3.0)/plug-ins
[ -e "$system/script-fu/script-fu" ] || { echo "no Script-Fu in $system"; exit 77; }

if [ -z "$SF_TMP" ]; then
  SF_TMP=$(mktemp -d)
  export SF_TMP
  dbus-run-session -- "$0" "$@"
  status=$?
  rm -rf "$SF_TMP"
  exit $status
fi

mkdir -p "$SF_TMP/home" "$SF_TMP/profile" "$SF_TMP/plug-ins/sfumato" "$SF_ARTIFACTS"
ln -s "$SF_PLUGIN" "$SF_TMP/plug-ins/sfumato/sfumato"
# The first start of a version welcomes, whatever show-welcome-dialog says.
printf '(show-welcome-dialog no)\n(check-updates no)\n(config-version "%s")\n' "$(pkg-config --modversion gimp-3.0)" > "$SF_TMP/profile/gimprc"
# The catalogues of the build.
ln -s "$(cd "$(dirname "$SF_PLUGIN")/../po" && pwd)" "$SF_TMP/plug-ins/sfumato/locale"
if [ -z "$SF_ALL_PLUGINS" ]; then
  for p in script-fu file-png file-jpeg; do ln -s "$system/$p" "$SF_TMP/plug-ins/$p"; done
else
  for p in "$system"/*; do [ -e "$SF_TMP/plug-ins/${p##*/}" ] || ln -s "$p" "$SF_TMP/plug-ins/${p##*/}"; done
fi
export HOME="$SF_TMP/home" GIMP3_DIRECTORY="$SF_TMP/profile" GIMP_TESTING_PLUGINDIRS="$SF_TMP/plug-ins" LANG="${SF_LANG:-C.UTF-8}"
export GTK_THEME="${SF_THEME:-}" NO_AT_BRIDGE=0
unset WAYLAND_DISPLAY
[ -n "$GTK_THEME" ] || unset GTK_THEME

# Xvfb looks for a free display by itself and tells its number.
Xvfb -displayfd 3 -screen 0 "${SF_SCREEN:-1366x768}x24" -nolisten tcp 3> "$SF_TMP/display" > /dev/null 2>&1 &
xvfb=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s "$SF_TMP/display" ] && break; sleep 0.25; done
DISPLAY=:$(cat "$SF_TMP/display")
export DISPLAY
# A window manager that comes too early for the screen ends at once; it is there when it has said so.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  [ -n "$openbox" ] && kill -0 $openbox 2> /dev/null || { openbox > "$SF_TMP/openbox" 2>&1 & openbox=$!; }
  sleep 0.25
  xdotool getwindowfocus > /dev/null 2>&1 && xprop -root _NET_SUPPORTING_WM_CHECK 2> /dev/null | grep -q 0x && break
done
[ -z "$SF_VERBOSE" ] || cat "$SF_TMP/openbox"
/usr/libexec/at-spi-bus-launcher --launch-immediately > /dev/null 2>&1 &
atspi=$!
trap 'kill $atspi $openbox $xvfb 2> /dev/null' EXIT
trap 'exit 1' INT TERM
timeout "${SF_TIMEOUT:-280}" "$@"
