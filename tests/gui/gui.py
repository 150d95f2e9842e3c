# SPDX-License-Identifier: GPL-3.0-or-later
"""A dialog of the plug-in in a window of its own, seen and used as a screen reader does."""

import os
import subprocess
import time

import gi

gi.require_version('Atspi', '2.0')
from gi.repository import Atspi  # noqa: E402

DATA = os.environ['SF_DATA'] + '/images'

SCRIPT = '''
(script-fu-use-v3)
(let* ((image (gimp-file-load RUN-NONINTERACTIVE "%s"))
       (drawables (gimp-image-get-selected-drawables image)))
  %s
  (%s #:run-mode RUN-INTERACTIVE #:image image #:drawables drawables%s)
  (display (string-append "layers=" (number->string (vector-length (gimp-image-get-layers image)))))
  (gimp-file-save RUN-NONINTERACTIVE image "%s" -1)
  (gimp-image-delete image))
'''


def wait(what, condition, seconds=40):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            value = condition()
        except gi.repository.GLib.Error:  # went away while we looked
            value = None
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError('waited in vain for ' + what)


def descendants(node):
    for i in range(node.get_child_count()):
        child = node.get_child_at_index(i)
        if child is not None:
            yield child
            yield from descendants(child)


def application(name='sfumato'):
    desktop = Atspi.get_desktop(0)
    for i in range(desktop.get_child_count()):
        app = desktop.get_child_at_index(i)
        if app is not None and app.get_name() == name and app.get_child_count() > 0:
            return app
    return None


class Dialog:
    """One run of one procedure, from opening to closing."""

    opened = None

    def __init__(self, job, picture='ladybird.jpg', select='', arguments=''):
        Dialog.opened = self
        self.job = job
        self.out = os.environ['SF_TMP'] + '/' + job + '.xcf'
        script = SCRIPT % (os.path.join(DATA, picture), select, 'plug-in-sfumato-' + job, arguments, self.out)
        self.log = open(os.environ['SF_TMP'] + '/log', 'w+')
        self.gimp = subprocess.Popen(
            ['gimp-console', '-idfs', '--batch-interpreter', 'plug-in-script-fu-eval', '-b', script, '--quit'],
            stdout=self.log, stderr=subprocess.STDOUT)
        self.app = wait('the dialog', application)
        self.window = self.app.get_child_at_index(0)
        time.sleep(0.5)

    # What is there

    def all(self):
        return [n for n in descendants(self.window) if n.get_state_set().contains(Atspi.StateType.VISIBLE)]

    def find(self, name, role=None):
        for n in descendants(self.window):
            if n.get_name() == name and (role is None or n.get_role_name() == role):
                return n
        return None

    def get(self, name, role=None):
        return wait('“%s”' % name, lambda: self.find(name, role), 5)

    def sensitive(self, name):
        return self.get(name).get_state_set().contains(Atspi.StateType.SENSITIVE)

    def progress(self):
        return self.get('Progress')

    def results(self):
        return [n for n in descendants(self.window)
                if n.get_name().startswith('Result with seed') and n.get_role_name() != 'check box']

    def text_with(self, words):
        """The label that has WORDS in it."""
        return next((n for n in self.all() if n.get_role_name() == 'label' and words in n.get_name()), None)

    # What can be done

    def press(self, name):
        self.get(name).get_action_iface().do_action(0)

    def set(self, name, value):
        self.get(name, 'spin button').get_value_iface().set_current_value(value)

    def key(self, *keys):
        subprocess.run(['xdotool', 'key', *keys], check=True)

    def idle(self):
        return not self.sensitive('Stop')

    def run(self, name, seconds=150):
        """Presses the run button and waits until the run is over."""
        before = len(self.results())
        self.press(name)
        wait('the end of the run', lambda: self.idle() and self.sensitive(name), seconds)
        return len(self.results()) - before

    def screenshot(self, name):
        path = '%s/%s.png' % (os.environ['SF_ARTIFACTS'], name)
        subprocess.run(['scrot', '-o', path], check=True)

    def kept(self):
        """How many results are in the image."""
        return sum('in the image' in n.get_name() for n in self.results())

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def close(self):
        """Closes the dialog; returns what GIMP said."""
        self.key('Escape')
        self.gimp.wait(30)
        said = self.said()
        for line in said.splitlines():
            bad = line.startswith('(sfumato:') and ('CRITICAL' in line or 'WARNING' in line)
            # Without GIMP's own window there is nothing to be transient for; the pipe is closed at GIMP's end.
            assert not bad or 'gimp_window_transient' in line or 'Broken pipe' in line, line
        assert self.gimp.returncode == 0, said
        return said

    def size(self):
        e = self.window.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
        return e.width, e.height
