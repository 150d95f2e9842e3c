#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""test-dialog.py NAME: one story with one dialog."""

import glob
import os
import random
import re
import subprocess
import sys
import time

from gui import Atspi, Dialog, ELLIPSE, InGimp, LADYBIRD, wait

CONTROLS = ['push button', 'toggle button', 'check box', 'spin button', 'combo box', 'text', 'password text', 'slider',
            'progress bar', 'drawing area', 'image', 'list box', 'flow box']


def mnemonic(node):
    action = node.get_action_iface()
    if action is None or action.get_n_actions() == 0:
        return None
    return next((k for k in action.get_key_binding(0).split(';') if k.startswith('<Alt>')), None)


def check_names(dialog):
    """Every control says what it is."""
    for node in dialog.all():
        role = node.get_role_name()
        focusable = node.get_state_set().contains(Atspi.StateType.FOCUSABLE)
        if role in CONTROLS and focusable:
            assert node.get_name(), 'a %s has no name' % role
    keys = [k for k in map(mnemonic, dialog.all()) if k]
    assert len(keys) == len(set(keys)), 'mnemonics clash: ' + ' '.join(sorted(keys))
    assert len(keys) > 10, keys
    width, height = dialog.size()
    assert width <= 1366 and height <= 740, (width, height)


def open_one(job, run, **arguments):
    dialog = Dialog(job, **arguments)
    check_names(dialog)
    wait('the number of evaluations', lambda: dialog.text_with('evaluations per candidate'))
    dialog.screenshot(job + '-open')
    places = dialog.places()
    dialog.press(run)
    wait('the run', lambda: not dialog.idle())
    assert dialog.places() == places, 'something moves when a run starts'
    wait('its end', lambda: dialog.idle() and dialog.sensitive(run), 150)
    assert dialog.places() == places, 'something moves when a run ends'
    assert len(dialog.results()) == 1
    time.sleep(0.3)
    dialog.screenshot(job + '-done')
    assert dialog.sensitive('Keep')
    return dialog


def fill():
    dialog = open_one('fill', 'Fill', select=LADYBIRD)
    dialog.press('Compare')
    time.sleep(0.3)
    dialog.screenshot('fill-compare')
    dialog.press('Compare')
    dialog.press('Keep')
    wait('the word that it was kept', dialog.kept)
    assert 'layers=2' in dialog.close()


def nothing_kept():
    """Escape after a run leaves the image as it was."""
    dialog = open_one('fill', 'Fill', select=LADYBIRD)
    assert 'layers=1' in dialog.close()


def regenerate():
    dialog = Dialog('regenerate', select=LADYBIRD)
    check_names(dialog)
    time.sleep(1)
    dialog.screenshot('regenerate-open')
    dialog.set('Strength', 30)
    time.sleep(1)
    dialog.screenshot('regenerate-strength-30')
    noised = dialog.preview()
    dialog.set('Steps', 2)
    wait('the noise of other steps', lambda: dialog.preview() != noised)
    dialog.set('Steps', 12)
    wait('the noise of the steps before', lambda: dialog.preview() == noised)
    dialog.set('Strength', 50)
    dialog.set('Candidates', 4)
    assert dialog.run('Regenerate') == 4
    dialog.press('More like this')
    wait('the run', lambda: not dialog.idle())
    wait('its end', dialog.idle, 60)
    assert len(dialog.results()) == 8
    time.sleep(0.3)
    dialog.screenshot('regenerate-more')
    marks = [n for n in dialog.all() if n.get_name().startswith('Keep the result')]
    for mark in marks[1:4]:
        mark.get_action_iface().do_action(0)
    dialog.press('Keep')
    wait('the word that it was kept', lambda: dialog.text_with('in the image now'))
    dialog.screenshot('regenerate-kept')
    assert 'layers=4' in dialog.close()


def expand():
    """The canvas is another one after Keep, so the dialog closes by itself."""
    dialog = open_one('expand', 'Expand', picture='storm.jpg')
    dialog.press('Keep')
    dialog.gimp.wait(30)
    assert 'layers=2' in dialog.close()


def generate():
    dialog = Dialog('generate', picture='grass.png')
    check_names(dialog)
    dialog.set('Width', 256)
    dialog.set('Height', 192)
    time.sleep(0.5)
    dialog.screenshot('generate-open')
    assert dialog.run('Generate') == 1
    dialog.screenshot('generate-done')
    dialog.press('Keep')
    wait('the word that it was kept', lambda: dialog.text_with('in the image now'))
    assert 'layers=2' in dialog.close()


def stop():
    """Stop, Cancel and Escape end a run, whenever they come, and nothing else."""
    dialog = Dialog('fill', select=ELLIPSE % (100, 100, 400, 300))
    dialog.set('Candidates', 16)
    dialog.set('Steps', 60)
    button = dialog.get('Stop')
    ways = [('Stop', lambda: dialog.press('Stop')), ('Cancel', lambda: dialog.press('Cancel')), ('Escape', lambda: dialog.key('Escape'))]
    moments = random.Random(1)
    for name, press in ways * 5:
        dialog.press('Fill')
        wait('the run', lambda: not dialog.idle())
        time.sleep(moments.uniform(0, 2))
        begin = time.monotonic()
        press()
        while button.get_state_set().contains(Atspi.StateType.SENSITIVE):
            assert time.monotonic() < begin + 10, 'it does not stop'
        print('%s took %.0f ms' % (name, 1000 * (time.monotonic() - begin)))
        assert dialog.sensitive('Fill'), 'no next try'
    dialog.screenshot('stop-stopped')
    assert 'layers=1' in dialog.close()


def advanced():
    """The rest of the controls is seen and does not enlarge the window; the mouse compares, zooms and moves."""
    dialog = Dialog('regenerate', select=LADYBIRD)
    before = dialog.size()
    dialog.press('Advanced')
    time.sleep(0.5)
    places = dialog.places()
    last, below = places['Sample all visible layers'], places['Save Settings']
    assert last[1] + last[3] <= below[1], (last, below)
    check_names(dialog)
    assert dialog.size() == before
    dialog.screenshot('advanced')
    e = dialog.get('Preview').get_component_iface().get_extents(Atspi.CoordType.SCREEN)
    subprocess.run(['xdotool', 'mousemove', str(e.x + e.width // 2), str(e.y + e.height // 2), 'click', '4', 'click', '4'], check=True)
    time.sleep(0.3)
    dialog.screenshot('zoomed')
    subprocess.run(['xdotool', 'mousedown', '1'], check=True)
    time.sleep(0.3)
    dialog.screenshot('held')
    subprocess.run(['xdotool', 'mouseup', '1'], check=True)
    assert 'layers=1' in dialog.close()


def error():
    """With nothing selected the dialog says so and does not run."""
    dialog = Dialog('fill')
    check_names(dialog)
    time.sleep(0.5)
    dialog.screenshot('error')
    assert dialog.text_with('Select the area to fill first'), 'no message'
    assert not dialog.sensitive('Fill')
    assert 'layers=1' in dialog.close()


def keyboard():
    """Enter fills, Enter again keeps; the seed can be typed."""
    dialog = Dialog('fill', select=LADYBIRD)
    dialog.key('Return')
    wait('the run', lambda: not dialog.idle())
    wait('its end', lambda: dialog.idle() and dialog.sensitive('Keep'), 60)
    dialog.key('Return')
    wait('the word that it was kept', dialog.kept)
    assert 'layers=2' in dialog.close()


def model():
    """Networks: choosing one, its class by name, its noise; what cannot be used is said and cannot be run."""
    os.environ['SFUMATO_MODELS'] = os.environ['SF_TMP'] + '/models'
    subprocess.run([os.environ['SF_WRITE_MODELS'], os.environ['SFUMATO_MODELS']], check=True)
    dialog = Dialog('regenerate', picture='meadow.jpg', select=ELLIPSE % (60, 60, 40, 40), arguments=' #:model "animals" #:class 2 #:steps 6')
    check_names(dialog)
    wait('the estimate', lambda: dialog.text_with('of memory'))
    assert dialog.text_with('8 × 8 pixels') and dialog.text_with('3 classes')
    assert dialog.text('Class') == '2 · tiger cat', dialog.text('Class')
    dialog.screenshot('model-open')

    dialog.type('Class', 'cat')
    time.sleep(0.5)
    dialog.screenshot('model-class')
    dialog.key('Down')
    dialog.key('Return')
    wait('the class', lambda: dialog.text('Class') == '1 · tabby cat')
    wait('the estimate', lambda: dialog.text_with('of memory'))
    places = dialog.places()
    assert dialog.run('Regenerate') == 1
    assert dialog.places() == places, 'something moves with a run'
    dialog.screenshot('model-done')
    dialog.press('Keep')
    wait('the word that it was kept', dialog.kept)

    dialog.choose('Model', 'silent')
    wait('the noise', lambda: dialog.shows('Noise of training', 'combo box') and dialog.sensitive('Regenerate'))
    assert not dialog.shows('Class', 'text')
    assert dialog.text_with('does not say what noise')
    check_names(dialog)
    dialog.screenshot('model-silent')
    assert dialog.run('Regenerate') == 1

    dialog.choose('Model', 'upsampler')
    wait('what it is for', lambda: dialog.text_with('enlarged 4 times'))
    wait('the button', lambda: dialog.sensitive('Regenerate') and not dialog.shows('Noise of training', 'combo box'))
    dialog.screenshot('model-upsampler')

    for name, words in ('latent', 'latent diffusion'), ('classifier', 'is a classifier'):
        dialog.choose('Model', name)
        wait('the words about ' + name, lambda: dialog.text_with(words))
        assert not dialog.sensitive('Regenerate'), name
        dialog.screenshot('model-' + name)
    dialog.choose('Model', 'broken')
    wait('the button', lambda: dialog.sensitive('Regenerate'))
    dialog.press('Regenerate')
    wait('the words', lambda: dialog.text_with('conv_out.bias'))
    dialog.screenshot('model-broken')
    dialog.choose('Model', 'animals')
    wait('the class', lambda: dialog.shows('Class', 'text'))
    assert not dialog.text_with('conv_out.bias')
    assert 'layers=2' in dialog.close()

    for name, words in ('nowhere', 'Unknown model'), ('upsampler', 'adds detail to a picture that is there'):
        dialog = Dialog('fill', select=LADYBIRD, arguments=f' #:model "{name}"')
        wait('the words', lambda: dialog.text_with(words))
        assert not dialog.sensitive('Fill')
        dialog.screenshot('model-fill-' + name)
        dialog.close()


def names():
    """What samplers and schedules are called: names, which languages may leave as they are."""
    sources = glob.glob(os.path.join(os.environ['SF_DATA'], '../../core/diffusion/sf-s*-*.c'))
    return {'Flow matching'} | {label for source in sources for label in re.findall(r'\.label = N_ \("(.*?)"\)', open(source).read())}


def languages():
    """In every language the dialogs fit the screen and no phrase is left in English."""
    english = {}
    for language in ('C', 'de_DE', 'es_ES', 'fr_FR', 'zh_CN'):
        for job in ('regenerate', 'expand'):  # with the longest texts, and with the most rows
            dialog = Dialog(job, select=LADYBIRD, language=language)
            check_names(dialog)
            dialog.screenshot('%s-%s' % (job, language))
            texts = {text for text in dialog.texts() if ' ' in text} - names()
            if language == 'C':
                english[job] = texts
            else:
                assert not texts & english[job], (language, job, texts & english[job])
            dialog.close()


def repeat():
    """Ctrl+F after Keep fills again: with another seed if seeds are random, with the same one if it was typed."""
    dialog = InGimp('fill', select=LADYBIRD + '(define picture (gimp-image-get-selected-layers image))')
    count = '(vector-length (gimp-image-get-layers image))'
    made = '(gimp-item-get-parasite (vector-ref (gimp-image-get-layers image) %d) "sfumato")'

    def fill_and_repeat(layers):
        assert dialog.run('Fill') == 1
        dialog.press('Keep')
        wait('the word that it was kept', dialog.kept)
        dialog.dismiss()
        wait('the layer', lambda: dialog.ask(count) == str(layers + 1))
        dialog.main_key('ctrl+f')
        wait('the second layer', lambda: dialog.ask(count) == str(layers + 2))
        assert dialog.ask('(equal? (gimp-image-get-selected-layers image) picture)') == '#t'
        return dialog.ask(made % 0), dialog.ask(made % 1)

    again, first = fill_and_repeat(1)
    assert again != first, (again, first)
    dialog.open()
    dialog.press('Random each time')
    wait('the seed', lambda: dialog.sensitive('Seed'))
    dialog.set('Seed', 1234)
    again, first = fill_and_repeat(3)
    assert again == first and '1234' in first, (again, first)
    dialog.screenshot('repeat')
    dialog.quit()


def closed():
    """The image is closed while the dialog computes: the dialog says so, and GIMP goes on."""
    dialog = InGimp('fill', select=LADYBIRD)
    dialog.set('Candidates', 3)
    dialog.press('Fill')
    wait('the run', lambda: not dialog.idle())
    assert dialog.ask('(begin (gimp-display-delete 1) (vector-length (gimp-get-images)))') == '0'
    assert not dialog.idle(), 'the run was over before the image'
    wait('the end of the run', dialog.idle, 150)
    dialog.press('Keep')
    wait('the words', lambda: dialog.text_with('does not exist any more'))
    dialog.screenshot('closed')
    dialog.dismiss()
    dialog.quit()


if __name__ == '__main__':
    try:
        globals()[sys.argv[1].replace('-', '_')]()
    except BaseException:
        if Dialog.opened:
            Dialog.opened.screenshot('failed-' + sys.argv[1])
            print(Dialog.opened.said())
        raise
