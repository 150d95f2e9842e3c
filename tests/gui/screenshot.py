#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""screenshot.py OUT.png: GIMP with the ladybird selected and the dialog over it, after one run."""

import os
import subprocess
import sys
import time

from gui import DATA, Dialog, application, wait

PROFILE = os.environ['GIMP3_DIRECTORY']

class InGimp(Dialog):
    """The dialog as it comes up from the menu of a whole GIMP."""

    def __init__(self, job, picture, select):
        self.job = job
        with open(PROFILE + '/gimprc', 'w') as f:
            f.write('(show-welcome-dialog no)\n(check-updates no)\n(single-window-mode yes)\n')
        with open(PROFILE + '/shortcutsrc', 'w') as f:
            f.write('(file-version 1)\n(action "plug-in-sfumato-%s" "<Primary><Alt>p")\n' % job)
        script = '(script-fu-use-v3) (gimp-image-select-ellipse (vector-ref (gimp-get-images) 0) CHANNEL-OP-REPLACE %s)' % select
        self.log = open(os.environ['SF_TMP'] + '/log', 'w+')
        self.gimp = subprocess.Popen(
            ['gimp', '--new-instance', '--no-splash', '--batch-interpreter', 'plug-in-script-fu-eval', '-b', script,
             os.path.join(DATA, picture)], stdout=self.log, stderr=subprocess.STDOUT)
        window = wait('GIMP', lambda: subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', 'GIMP$'],
                                                     capture_output=True, text=True).stdout.split(), 60)[-1]
        subprocess.run(['xdotool', 'windowsize', '--sync', window, '100%', '100%'])
        time.sleep(3)
        # The first start of a release welcomes, whatever the settings say.
        welcome = subprocess.run(['xdotool', 'search', '--onlyvisible', '--name', '^Welcome'], capture_output=True, text=True).stdout.split()
        for w in welcome:
            subprocess.run(['xdotool', 'windowactivate', '--sync', w, 'key', 'Escape'])
        subprocess.run(['xdotool', 'windowactivate', '--sync', window], check=True)
        time.sleep(0.5)
        self.key('ctrl+alt+p')
        self.app = wait('the dialog', application)
        self.window = self.app.get_child_at_index(0)
        time.sleep(1)


def main(out):
    dialog = InGimp('fill', 'ladybird.jpg', os.environ.get('SF_SELECT', '825 345 150 150'))
    dialog.set('Candidates', 6)
    dialog.run('Fill', 120)
    time.sleep(0.5)
    subprocess.run(['scrot', '-o', out], check=True)
    dialog.key('Escape')
    time.sleep(0.5)
    dialog.gimp.terminate()


if __name__ == '__main__':
    main(os.path.abspath(sys.argv[1]))
