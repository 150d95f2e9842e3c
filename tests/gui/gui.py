# SPDX-License-Identifier: GPL-3.0-or-later
"""A dialog of the plug-in in a window of its own, seen and used as a screen reader does."""

import os
import subprocess
import time

import gi

gi.require_version('Atspi', '2.0')
from gi.repository import Atspi  # noqa: E402

DATA = os.environ['SF_DATA'] + '/images'
ELLIPSE = '(gimp-image-select-ellipse image CHANNEL-OP-REPLACE %d %d %d %d)'
LADYBIRD = ELLIPSE % (825, 345, 150, 150)

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

    def __init__(self, job, picture='ladybird.jpg', select='', arguments='', language=None):
        self.out = os.environ['SF_TMP'] + '/' + job + '.xcf'
        script = SCRIPT % (os.path.join(DATA, picture), select, 'plug-in-sfumato-' + job, arguments, self.out)
        # GIMP keeps the texts of plug-ins in the profile.
        self.start('gimp-console', '-idfs', '-b', script, '--quit', environment=dict(
            os.environ, LANG=language + '.UTF-8', GIMP3_DIRECTORY=os.environ['SF_TMP'] + '/' + language) if language else None)
        self.find_window()

    def start(self, *command, environment=None):
        Dialog.opened = self
        self.log = open(os.environ['SF_TMP'] + '/log', 'w+')
        self.gimp = subprocess.Popen([*command, '--batch-interpreter', 'plug-in-script-fu-eval'], stdout=self.log,
                                     stderr=subprocess.STDOUT, env=environment)

    def find_window(self):
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

    def places(self):
        """Where the controls are."""
        places = {}
        for n in self.all():
            if n.get_name() and n.get_role_name() in ('button', 'push button', 'toggle button', 'check box', 'spin button', 'combo box',
                                                      'drawing area', 'progress bar') and not n.get_name().startswith('Keep the result'):
                e = n.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
                places[n.get_name()] = e.x, e.y, e.width, e.height
        return places

    def texts(self):
        return {text for n in descendants(self.window) for text in (n.get_name(), n.get_description()) if text}

    def text_with(self, words):
        """The label that has WORDS in it."""
        return next((n for n in self.all() if n.get_role_name() == 'label' and words in n.get_name()), None)

    # What can be done

    def press(self, name):
        self.get(name).get_action_iface().do_action(0)

    def set(self, name, value):
        self.get(name, 'spin button').get_value_iface().set_current_value(value)

    def choose(self, name, choice):
        """Chooses in a combo box."""
        combo = self.get(name, 'combo box')
        menu = combo.get_child_at_index(0)
        names = [menu.get_child_at_index(i).get_name() for i in range(menu.get_child_count())]
        assert choice in names, names
        combo.get_selection_iface().select_child(names.index(choice))

    def type(self, name, text):
        """Puts TEXT into an entry, as from the keyboard."""
        entry = self.get(name, 'text')
        entry.get_component_iface().grab_focus()
        entry.get_editable_text_iface().set_text_contents('')
        time.sleep(0.3)
        subprocess.run(['xdotool', 'type', '--delay', '60', text], check=True)

    def text(self, name):
        """What is in an entry."""
        return Atspi.Text.get_text(self.get(name, 'text'), 0, -1)

    def shows(self, name, role):
        return any(n.get_name() == name and n.get_role_name() == role for n in self.all())

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

    def preview(self):
        """What the preview shows, as a file's bytes."""
        places = [n.get_component_iface().get_extents(Atspi.CoordType.SCREEN) for n in self.all()
                  if n.get_role_name() == 'drawing area']
        e = max(places, key=lambda place: place.width * place.height)
        path = os.environ['SF_TMP'] + '/preview.png'
        subprocess.run(['scrot', '-o', '-a', '%d,%d,%d,%d' % (e.x, e.y, e.width, e.height), path], check=True)
        with open(path, 'rb') as file:
            return file.read()

    def kept(self):
        """How many results are in the image."""
        return sum('in the image' in n.get_name() for n in self.results())

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def end(self):
        """Waits for GIMP's end; returns what it said."""
        self.gimp.wait(30)
        said = self.said()
        for line in said.splitlines():
            bad = line.startswith('(sfumato:') and ('CRITICAL' in line or 'WARNING' in line)
            # Without GIMP's own window there is nothing to be transient for; the pipe is closed at GIMP's end.
            assert not bad or 'gimp_window_transient' in line or 'gimp_flush' in line, line
        return said

    def close(self):
        """Closes the dialog; returns what GIMP said."""
        self.key('Escape')
        said = self.end()
        assert self.gimp.returncode == 0, said
        return said

    def size(self):
        e = self.window.get_component_iface().get_extents(Atspi.CoordType.SCREEN)
        return e.width, e.height


# Answers questions of ours about the image while GIMP's window is in use, until the folder of the test is gone.
SERVER = '''
(script-fu-use-v3)
(define image (vector-ref (gimp-get-images) 0))
%s
(let serve ()
  (if (file-exists? "%s")
      (begin (load "%s") (file-delete "%s")))
  (usleep 100000)
  (if (file-exists? "%s")
      (serve)))
'''


class InGimp(Dialog):
    """The dialog as it comes up in a whole GIMP."""

    def __init__(self, job, picture='ladybird.jpg', select=''):
        self.question = os.environ['SF_TMP'] + '/question'
        self.answer = os.environ['SF_TMP'] + '/answer'
        with open(os.environ['GIMP3_DIRECTORY'] + '/shortcutsrc', 'w') as f:
            f.write('(file-version 1)\n(action "plug-in-sfumato-%s" "<Primary><Alt>p")\n' % job)
        self.start('gimp', '--new-instance', '--no-splash', os.path.join(DATA, picture), '-b',
                   SERVER % (select, self.question, self.question, self.question, os.environ['SF_TMP']))
        search = ['xdotool', 'search', '--onlyvisible', '--name', 'GIMP$']
        self.main = wait('GIMP', lambda: subprocess.run(search, capture_output=True, text=True).stdout.split(), 60)[-1]
        subprocess.run(['xdotool', 'windowsize', '--sync', self.main, '100%', '100%'])
        self.ask('#t')
        self.open()

    def main_key(self, key):
        subprocess.run(['xdotool', 'windowactivate', '--sync', self.main, 'key', key], check=True)

    def open(self):
        self.main_key('ctrl+alt+p')
        self.find_window()

    def dismiss(self):
        """Closes the dialog; GIMP goes on."""
        self.key('Escape')
        wait('the end of the dialog', lambda: application() is None)

    def ask(self, expression):
        """What EXPRESSION is in GIMP's Script-Fu."""
        with open(self.question + '.new', 'w') as f:
            f.write('(let ((port (open-output-file "%s"))) (write %s port) (close-output-port port))' % (self.answer, expression))
        os.rename(self.question + '.new', self.question)
        wait('an answer', lambda: not os.path.exists(self.question))
        with open(self.answer) as f:
            return f.read()

    def quit(self):
        """Ends GIMP; that of 3.2 now and then says that it was terminated and goes on."""
        self.gimp.terminate()
        try:
            self.gimp.wait(10)
        except subprocess.TimeoutExpired:
            self.gimp.kill()
        return self.end()
