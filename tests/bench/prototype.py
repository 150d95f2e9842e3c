#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""prototype.py DIR PIXELS WxH HOLE THREADS REPEATS: seconds of the prototype in DIR for a square hole in raw RGBA floats."""
import os
import sys
import time

folder, path, size, hole, threads, repeats = sys.argv[1:]
for name in 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS':
    os.environ[name] = threads
sys.path.insert(0, folder)
import numpy as np
import sfq

w, h = (int(n) for n in size.split('x'))
hole = int(hole)
picture = (np.fromfile(path, np.float32).reshape(h, w, 4)[..., :3] * 2 - 1).astype(np.float32)
known = np.ones((h, w), bool)
known[(h - hole) // 2:(h + hole) // 2, (w - hole) // 2:(w + hole) // 2] = False
best = float('inf')
for _ in range(int(repeats)):
    begin = time.time()
    sfq.fill(picture, known, seed=1, init='harm', bridge=1, gdown=9, hdiam=12, mu=.3, bw=3, ring=.1)
    best = min(best, time.time() - begin)
print(best)
