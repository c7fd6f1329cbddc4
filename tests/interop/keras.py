#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Saved Keras files, read with h5py and zipfile: tests/interop/keras.py BUILD.

Every weight of each good fixture is changed in the neutral model; what
assay-save writes must have those numbers in its datasets, in Keras's order of
axes, and everything else as it was.
"""
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

import h5py
import numpy as np

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
BUILD = os.path.abspath(sys.argv[1])
FIX = os.path.join(ROOT, 'fixtures', 'keras')
FLOATS = {'F32': np.float32, 'F16': np.float16, 'F64': np.float64}


def tool(name, *args):
    subprocess.run([os.path.join(BUILD, 'bin', name), *args], check=True)


def change(path, out):
    """Add a half to every float weight; the new tensors by name."""
    data = bytearray(open(path, 'rb').read())
    n = struct.unpack('<Q', data[:8])[0]
    head, tensors = json.loads(data[8:8 + n]), {}
    for name, t in head.items():
        if name == '__metadata__' or name.startswith('assay.') or t['dtype'] not in FLOATS:
            continue
        a, b = (8 + n + x for x in t['data_offsets'])
        v = np.frombuffer(bytes(data[a:b]), FLOATS[t['dtype']]) + FLOATS[t['dtype']](0.5)
        data[a:b] = v.tobytes()
        tensors[name] = v.reshape(t['shape'])
    with open(out, 'wb') as f:
        f.write(data)
    return tensors


def keras_order(name, v, shape):
    """A weight of the graph as Keras has it."""
    if v.ndim == 4 and name.endswith('depthwise_kernel'):
        h, w, c, m = shape
        return v.reshape(c, m, h, w).transpose(2, 3, 0, 1)
    if v.ndim == 4 and name.endswith('kernel'):
        return v.transpose(2, 3, 1, 0)
    if v.ndim == 3 and name.endswith('alpha'):
        return v.transpose(1, 2, 0)
    return v


def datasets(raw):
    """Everything in the file: numbers, and attributes of all objects."""
    numbers, attributes = {}, {}
    with h5py.File(io.BytesIO(raw), 'r') as f:
        def visit(name, o):
            attributes[name] = {k: np.asarray(v).tolist() for k, v in o.attrs.items()}
            if isinstance(o, h5py.Dataset):
                numbers[name] = o[()]
        visit('', f)
        f.visititems(visit)
    return numbers, attributes


def weights(data, path):
    if path.endswith('.h5'):
        return data, {}
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        assert z.testzip() is None, path
        members = {i.filename: z.read(i) for i in z.infolist()}
    return members.pop('model.weights.h5'), members


def check(path, tmp):
    neutral, changed, saved = (os.path.join(tmp, n) for n in ('neutral', 'changed', 'saved'))
    tool('assay-load', path, '-o', neutral)
    new = change(neutral, changed)
    tool('assay-save', path, changed, '-o', saved)
    (old_h5, old_rest), (h5, rest) = (weights(open(p, 'rb').read(), path) for p in (path, saved))
    assert old_rest == rest, 'another member has changed'
    (before, old_attrs), (after, attrs) = datasets(old_h5), datasets(h5)
    assert attrs == old_attrs and before.keys() == after.keys()
    left = [(n, v) for n, v in after.items() if np.asarray(v).dtype.kind == 'f']
    for name, v in new.items():
        fit = [i for i, (_, d) in enumerate(left) if np.size(d) == np.size(v) and
               np.array_equal(np.asarray(keras_order(name, v, d.shape)).reshape(-1), np.asarray(d).reshape(-1))]
        assert fit, '%s: no dataset has the new %s' % (path, name)
        left.pop(fit[0])
    for name, v in left:
        assert np.array_equal(v, before[name]), '%s: %s has changed' % (path, name)
    return len(new)


with tempfile.TemporaryDirectory() as tmp:
    for name in sorted(os.listdir(FIX)):
        # what is packed cannot be changed; bfloat16 is no type of numpy's
        if not name.startswith('good-') or any(s in name for s in ('new', 'bfloat16')):
            continue
        print('%s: %d weights' % (name, check(os.path.join(FIX, name), tmp)))
