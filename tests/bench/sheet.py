#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""sheet.py OUT.png [CASE …]: the quality contact sheet: holes in the test pictures, each beside what the built tool makes of it.

Figures are printed as well: seconds, PSNR inside of the hole where nothing was removed (the hidden picture is a fair answer
there), and, with --prototype DIR, the measures of DIR/metrics.py.
"""
import argparse
import itertools
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
from PIL import Image, ImageDraw

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGES = os.path.join(HERE, '..', 'data', 'images')

# name: picture, scale, shape, coordinates in the full picture, whether something is removed
CASES = {
    'bug': ('ladybird.jpg', .6, 'ellipse', (822, 340, 972, 502), True),
    'blue': ('ladybird.jpg', .6, 'ellipse', (52, 115, 265, 340), True),
    'stalk': ('dune.jpg', .6, 'polygon', [(800, 98), (838, 102), (745, 320), (700, 440), (645, 430), (690, 320)], True),
    'rail': ('storm.jpg', .6, 'rectangle', (480, 475, 680, 725), False),
    'sky': ('storm.jpg', .6, 'ellipse', (420, 170, 700, 400), False),
    'brick': ('brick.png', 1, 'rectangle', (186, 186, 326, 326), False),
    'table': ('coffee.png', 1, 'rectangle', (40, 8, 135, 98), False),
    'rocket': ('rocket.jpg', 1, 'polygon', [(322, 118), (345, 170), (347, 330), (360, 350), (362, 408), (284, 408), (284, 350),
                                            (302, 330), (302, 170)], True),
    'whisk': ('chelsea.png', 1, 'ellipse', (70, 190, 190, 278), False),
    'meadow': ('meadow.jpg', .6, 'ellipse', (400, 240, 640, 540), False),
    'grass': ('grass.png', 1, 'ellipse', (170, 170, 340, 340), False),
}
MARGIN = 60  # shown around the hole, pixels
GAP = 16
OUTLINE = (255, 0, 255)


def load(name, full):
    """The picture and the mask (white = hole) of a case."""
    file, scale, shape, where, _ = CASES[name]
    picture = Image.open(os.path.join(IMAGES, file)).convert('RGB')
    mask = Image.new('L', picture.size, 0)
    getattr(ImageDraw.Draw(mask), shape)(where, fill=255)
    if scale != 1 and not full:
        size = round(picture.width * scale), round(picture.height * scale)
        picture, mask = picture.resize(size, Image.LANCZOS), mask.resize(size, Image.NEAREST)
    return picture, mask


def outlined(picture, hole):
    inner = hole.copy()
    for axis in 0, 1:
        for step in -1, 1:
            inner &= np.roll(hole, step, axis)
    pixels = np.array(picture)
    pixels[hole & ~inner] = OUTLINE
    return Image.fromarray(pixels)


def window(hole):
    y, x = np.nonzero(hole)
    return (max(0, x.min() - MARGIN), max(0, y.min() - MARGIN), min(hole.shape[1], x.max() + MARGIN), min(hole.shape[0], y.max() + MARGIN))


def samplers(options):
    """Names to run, None for the model's own choice."""
    if options.samplers != 'all':
        return options.samplers.split(',') if options.samplers else [None]
    lines = subprocess.run([options.tool, 'list', 'samplers'], check=True, capture_output=True, text=True).stdout
    return [line.split()[0] for line in lines.splitlines()]


def run(options, name, seed, sampler, folder):
    """The result for a case, and the seconds it took."""
    picture, mask = load(name, options.full)
    paths = [os.path.join(folder, f'{name}{part}.png') for part in ('', '-mask', '-out')]
    picture.save(paths[0])
    mask.save(paths[1])
    command = [options.tool, options.task, paths[0], paths[2], '--mask', paths[1], '--seed', str(seed), '--force', '--quiet']
    if options.task == 'regenerate':
        command += ['--strength', str(options.strength)]
    if sampler:
        command += ['--sampler', sampler]
    begin = time.time()
    subprocess.run(command, check=True)
    seconds = time.time() - begin
    return Image.open(paths[2]).convert('RGB'), seconds


def figures(name, picture, result, hole, measure):
    a, x = (np.asarray(i, np.float32) / 127.5 - 1 for i in (picture, result))
    out = {}
    if not CASES[name][4]:
        out['psnr'] = 10 * np.log10(4 / max(((x - a)[hole] ** 2).mean(), 1e-10))
    if measure is not None:
        out.update((k, v) for k, v in measure(x, a, ~hole).items() if k != 'psnr')
    return out


def tile(before, after, title):
    pictures = [before, after] if before else [after]
    out = Image.new('RGB', (sum(p.width for p in pictures) + GAP // 2 * (len(pictures) - 1), after.height + GAP))
    for i, picture in enumerate(pictures):
        out.paste(picture, (i * (after.width + GAP // 2), GAP))
    ImageDraw.Draw(out).text((2, 2), title, fill='white')
    return out


def assemble(tiles, columns):
    rows = [tiles[i:i + columns] for i in range(0, len(tiles), columns)]
    width = max(sum(t.width + GAP for t in row) for row in rows)
    sheet = Image.new('RGB', (width, sum(max(t.height for t in row) + GAP for row in rows)), (40, 40, 40))
    y = 0
    for row in rows:
        x = 0
        for t in row:
            sheet.paste(t, (x, y))
            x += t.width + GAP
        y += max(t.height for t in row) + GAP
    return sheet


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n\n')[0], allow_abbrev=False)
    parser.add_argument('out')
    parser.add_argument('cases', nargs='*', metavar='CASE', help=f'of {", ".join(CASES)}; default all')
    parser.add_argument('--tool', default=os.environ.get('SFUMATO_TOOL', 'sfumato'), help='the built command-line tool')
    parser.add_argument('--seeds', default='1', help='comma-separated')
    parser.add_argument('--task', choices=['fill', 'regenerate'], default='fill')
    parser.add_argument('--strength', type=float, default=.6)
    parser.add_argument('--samplers', help='comma-separated, or all: without the picture before')
    parser.add_argument('--full', action='store_true', help='pictures at their full size')
    parser.add_argument('--columns', type=int, default=2)
    parser.add_argument('--prototype', help='folder of metrics.py')
    options = parser.parse_args()
    unknown = set(options.cases) - set(CASES)
    if unknown:
        parser.error(f'no case called {", ".join(sorted(unknown))}')
    measure = None
    if options.prototype:
        sys.path.insert(0, options.prototype)
        from metrics import measure
    tiles = []
    with tempfile.TemporaryDirectory() as folder:
        for name in options.cases or CASES:
            picture, mask = load(name, options.full)
            hole = np.asarray(mask) > 127
            for seed, sampler in itertools.product(options.seeds.split(','), samplers(options)):
                result, seconds = run(options, name, seed, sampler, folder)
                values = figures(name, picture, result, hole, measure)
                print(f'{name:8} seed {seed:3} {sampler or "":20} {seconds:5.1f} s ', ' '.join(f'{k} {v:.3g}' for k, v in values.items()),
                      flush=True)
                before = None if sampler else outlined(picture, hole).crop(window(hole))
                tiles.append(tile(before, result.crop(window(hole)), sampler or f'{name}, seed {seed}'))
    assemble(tiles, options.columns).save(options.out)


if __name__ == '__main__':
    main()
