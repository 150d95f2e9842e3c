#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""screenshot.py OUT.png: GIMP with the ladybird selected and the dialog over it, after one run."""

import os
import subprocess
import sys
import time

from gui import InGimp, LADYBIRD


def main(out):
    dialog = InGimp('fill', select=LADYBIRD)
    dialog.set('Candidates', 6)
    dialog.run('Fill', 120)
    time.sleep(0.5)
    subprocess.run(['scrot', '-o', out], check=True)
    dialog.dismiss()
    dialog.quit()


if __name__ == '__main__':
    main(os.path.abspath(sys.argv[1]))
