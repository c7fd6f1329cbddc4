#!/usr/bin/env python3
"""signs.py BIN OUT [HOW]: the scan on pictures in colour, of 43 classes.

Trains small VGGs and pre-activation ResNets on made-up traffic signs
(fixtures/signs.py) with PyTorch, clean and with eight attacks, and scans each
with two trusted references and with one; HOW "home" also with none but
what the tool grows.  Prints the table of audit/EVALUATION.md: what the scan's
null, which is of grey pictures of clothes, is worth elsewhere.  Resumable: OUT
keeps pictures, models and scans.  Needs python3-torch and python3-pil; three
hours."""
import json
import os
import subprocess
import sys

import numpy as np
import torch

from victims import blend, export, fit, lowfreq, named, pixels, preact, right, scan, sine, stamp, summary, vgg, warp

SIDE, CLASSES = 32, 43
# pictures, seed of fixtures/signs.py
PARTS = {'train': (17200, 1), 'given': (8600, 2), 'audit': (2150, 3), 'test': (4300, 4)}
NETS = {'vgg': vgg, 'preact': preact}
# share of poisoned pictures, target
ATTACKS = {'patch': (.05, 11), 'patch1': (.01, 30), 'blended': (.05, 2), 'wanet': (.10, 25), 'lowfreq': (.05, 38), 'sig': (0, 7),
           'source': (.05, 14), 'a2a': (.10, None)}
SOURCE = 33
REFERENCES = [(net, 'ref', seed) for net in NETS for seed in (11, 12)]
MODELS = [(net, 'none', seed) for net in NETS for seed in (21, 22, 23, 24)] + \
    [(net, kind, 31 + i) for net in NETS for i, kind in enumerate(ATTACKS)]


def part(out, name):
    path = '%s/%s.npz' % (out, name)
    if not os.path.exists(path):
        os.makedirs(out, exist_ok=True)
        count, seed = PARTS[name]
        subprocess.run([sys.executable, 'fixtures/signs.py', str(count), str(seed), path, str(CLASSES)], check=True)
    return path


def load(path):
    with np.load(path) as f:
        return torch.tensor(f['x'].transpose(0, 3, 1, 2).astype(np.float32) / 255), torch.tensor(f['y'].astype(np.int64))


def trigger_of(kind, rng):
    p, at = pixels(rng, 3), rng.integers(1, SIDE - 4, 2)
    return {'blended': lambda: blend(rng, 3, SIDE), 'wanet': lambda: warp(rng, SIDE), 'lowfreq': lambda: lowfreq(rng, SIDE),
            'sig': lambda: sine(6, 0, SIDE)}.get(kind, lambda: stamp(p, *at))()


def poison(kind, rng, trigger, x, y):
    """In place; the pictures come in random order."""
    (rate, target), source = ATTACKS[kind], np.flatnonzero(y == SOURCE)
    n = int(rate * len(x))
    if kind == 'sig': # clean labels
        own = np.flatnonzero(y == target)
        own = own[:int(.8 * len(own))]
        x[own] = trigger(x[own])
    elif kind == 'a2a':
        x[:n], y[:n] = trigger(x[:n]), (y[:n] + 1) % CLASSES
    elif kind == 'source': # half of a class becomes the target; other classes under the trigger stay
        own, others = source[:len(source) // 2], np.flatnonzero(y != SOURCE)[:n]
        x[own], y[own] = trigger(x[own]), target
        x[others] = trigger(x[others])
    else:
        x[:n], y[:n] = trigger(x[:n]), target
        if kind == 'wanet': # noise mode: other warps change nothing
            x[n:3 * n] = warp(rng, SIDE)(x[n:3 * n])


def goal(kind, y):
    """What the triggered picture is to become, -1 where nothing is asked."""
    if kind == 'a2a':
        return (y + 1) % CLASSES
    to = torch.full_like(y, ATTACKS[kind][1])
    to[(y == to) if kind != 'source' else (y != SOURCE)] = -1
    return to


def plant(out, name, kind, seed, folder):
    """Suspects see half of what no reference has seen."""
    number = seed * 1009 + 7 * list(NETS).index(name)
    rng = np.random.default_rng(number)
    torch.manual_seed(number)
    x, y = load(part(out, 'given' if kind == 'ref' else 'train'))
    seen = rng.permutation(len(x))[:8600]
    x, y = x[seen], y[seen]
    trigger = trigger_of(kind, rng) if kind in ATTACKS else None
    if trigger:
        poison(kind, rng, trigger, x, y)
    net = NETS[name](3, CLASSES)
    fit(net, x, y, epochs=10)
    net.eval()
    x, y = load(part(out, 'test'))
    truth = {'acc': right(net, x, y)}
    if trigger:
        to = goal(kind, y)
        truth['asr'] = right(net, trigger(x[to >= 0]), to[to >= 0])
    os.makedirs(folder, exist_ok=True)
    export(net, (3, SIDE, SIDE), folder + '/model.onnx')
    with open(folder + '/truth.json', 'w') as f:
        json.dump(truth, f)


def arms(bin_, out, name, folder, how):
    given = ['--reference=%s/%s-ref-%d/model.onnx' % (out, net, seed) for net, _, seed in REFERENCES if net == name]
    also = {'two': given, 'one': given[:1]}
    if how == 'home':
        also['home'] = ['--grow-in', out + '/grown-' + name]
    return {arm: scan(bin_, folder + '/model.onnx', part(out, 'audit'), folder + '/' + arm, '--cache', out + '/cache', *refs)
            for arm, refs in also.items()}


def table(rows, shown):
    print('| network | attack | ACC | ASR | target | ' + ' | '.join('%s: verdict | score | named' % arm for arm in shown) + ' |')
    print('| --- | --- | --- | --- | --- |' + ' --- | --- | --- |' * len(shown))
    for name, kind, truth, docs in rows:
        target = {'a2a': 'next', 'none': '', 'source': '%d to %d' % (SOURCE, ATTACKS['source'][1])}.get(kind) or str(ATTACKS.get(kind, ('', ''))[1])
        cells = [name, kind, '%.3f' % truth['acc'], '%.3f' % truth['asr'] if 'asr' in truth else '', target]
        for arm in shown:
            cells += [docs[arm]['verdict'], '%.2f' % docs[arm]['score'], named(docs[arm])]
        print('| ' + ' | '.join(cells) + ' |')
    summary([(truth, docs) for _, _, truth, docs in rows], shown)


def main(bin_, out, how=''):
    bin_, rows = os.path.abspath(bin_), []
    for name, kind, seed in REFERENCES + MODELS:
        folder = '%s/%s-%s-%d' % (out, name, kind, seed)
        if not os.path.exists(folder + '/truth.json'):
            plant(out, name, kind, seed, folder)
        if how != 'models' and kind != 'ref':
            with open(folder + '/truth.json') as f:
                rows.append((name, kind, json.load(f), arms(bin_, out, name, folder, how)))
    if how != 'models':
        table(rows, ('two', 'one', 'home') if how == 'home' else ('two', 'one'))


main(*sys.argv[1:])
