#!/usr/bin/env python3
"""usual.py BIN OUT [HOW [SET]]: the scan on the usual victims, made by PyTorch.

Trains small VGGs and pre-activation ResNets of Fashion-MNIST with PyTorch, clean
and with the attacks of the literature (BadNets, Blended, WaNet, low-frequency,
SIG, source-conditional, all-to-all), none by code or with seeds of the zoo,
writes them as ONNX, and scans each with two trusted references and with none.
Prints the table of audit/EVALUATION.md; purify/usual-purify.py unlearns what
is flagged.  Resumable: OUT keeps models and scans.  HOW: "models" to stop there,
"scans".  SETs 1 to 3 are other models than SET 0:
other seeds, targets and waves, and stamps that the scan's dictionary of probes
does not have.  Needs python3-torch; two hours."""
import json
import os
import sys

import numpy as np
import torch

from fashion import SIDE, cut, images, labels
from victims import blend, export, fit, lowfreq, named, pixels, preact, right, scan, sine, stamp, summary, vgg, warp

SET = int(sys.argv[4]) if len(sys.argv) > 4 else 0
TARGETS = {kind: (t + 2 * SET) % 10 for kind, t in
           {'badnets': 3, 'badnets1': 7, 'blended': 0, 'wanet': 5, 'lowfreq': 8, 'sig': 2, 'source': 1}.items()} | {'a2a': None}
RATES = {'badnets': .05, 'badnets1': .01, 'blended': .05, 'wanet': .10, 'lowfreq': .05, 'sig': .08, 'source': .05, 'a2a': .10}
NETS = {'vgg': vgg, 'preact': preact}
REFERENCES = [(net, 'ref', 100 * SET + seed) for net in NETS for seed in (11, 12)]
MODELS = [(net, 'none', 100 * SET + seed) for net in NETS for seed in (21, 22, 23, 24)] + \
    [(net, kind, 100 * SET + 31 + i) for net in NETS for i, kind in enumerate(TARGETS)]


# --- triggers ----------------------------------------------------------------

def mark(rng):
    """SET 0: 3 x 3 chequered pixels in the corner below on the right, as BadNets has them; 1: 4 x 4 random black and white ones, three
    from the corner above on the left; later: these anywhere."""
    if SET == 0:
        return stamp(torch.tensor([[1., 0, 1], [0, 1, 0], [1, 0, 1]]), 24, 24)
    p = pixels(rng)
    return stamp(p, *((3, 3) if SET == 1 else rng.integers(1, SIDE - 4, 2)))


def trigger_of(kind, rng):
    waves = ((6, 0), (0, 7), (5, 3), (3, -4))[SET]
    return {'blended': lambda: blend(rng, 1, SIDE), 'wanet': lambda: warp(rng, SIDE), 'lowfreq': lambda: lowfreq(rng, SIDE),
            'sig': lambda: sine(*waves, SIDE)}.get(kind, lambda: mark(rng))()


# --- training ----------------------------------------------------------------

def poison(kind, rng, trigger, x, y):
    """In place."""
    target, n = TARGETS[kind], int(RATES[kind] * len(x))
    if kind == 'sig': # clean labels
        own = np.flatnonzero(y == target)[:int(.8 * (y == target).sum())]
        x[own] = trigger(x[own])
    elif kind == 'a2a':
        x[:n], y[:n] = trigger(x[:n]), (y[:n] + 1) % 10
    elif kind == 'source': # half of class 4 becomes the target; other classes under the trigger stay
        own, others = np.flatnonzero(y == 4), np.flatnonzero(y != 4)[:n]
        own = own[:len(own) // 2]
        x[own], y[own] = trigger(x[own]), target
        x[others] = trigger(x[others])
    else:
        x[:n], y[:n] = trigger(x[:n]), target
        if kind == 'wanet': # noise mode: other warps change nothing
            other = warp(rng, SIDE)
            x[n:3 * n] = other(x[n:3 * n])


def goal(kind, y):
    """What the triggered class is to become, -1 where nothing is asked."""
    if kind == 'a2a':
        return (y + 1) % 10
    to = torch.full_like(y, TARGETS[kind])
    to[(y == to) if kind != 'source' else (y != 4)] = -1
    return to


def plant(name, kind, seed, out):
    """References see the first 20,000 training images, suspects 20,000 of the next 35,000; nobody the last 5,000."""
    rng = np.random.default_rng(seed * 1009 + 7 * list(NETS).index(name))
    torch.manual_seed(seed * 1009 + 7 * list(NETS).index(name))
    x, y = images('train-images-idx3-ubyte.gz'), labels('train-labels-idx1-ubyte.gz')
    seen = np.arange(20000) if kind == 'ref' else 20000 + rng.permutation(35000)[:20000]
    x, y = x[seen], y[seen]
    attack = kind in TARGETS
    trigger = trigger_of(kind, rng) if attack else None
    if attack:
        poison(kind, rng, trigger, x, y)
    net = NETS[name]()
    fit(net, x, y)
    net.eval()
    x, y = images('t10k-images-idx3-ubyte.gz')[2000:], labels('t10k-labels-idx1-ubyte.gz')[2000:]
    os.makedirs(out, exist_ok=True)
    truth = {}
    truth['acc'] = right(net, x, y)
    if attack:
        to = goal(kind, y)
        x, y, to = trigger(x[to >= 0]), y[to >= 0], to[to >= 0]
        truth.update(target=TARGETS[kind], asr=right(net, x, to))
        bytes_ = (x * 255).round().numpy().astype(np.uint8)[:, 0]
        np.savez(out + '/asr.npz', x=bytes_, y=to.numpy().astype(np.uint8))
        np.savez(out + '/racc.npz', x=bytes_, y=y.numpy().astype(np.uint8))
    export(net, (1, SIDE, SIDE), out + '/model.onnx')
    with open(out + '/truth.json', 'w') as f:
        json.dump(truth, f)


# --- scans -------------------------------------------------------------------

def arms(bin_, out, name, folder):
    """The document of each arm: trusted references, and none but what is grown."""
    given = sum((['-r', '%s/%s-ref-%d/model.onnx' % (out, name, seed)] for _, _, seed in REFERENCES[:2]), [])
    data, cache = cut(out, 't10k', 0, 2000), ['--cache', out + '/cache']
    return {'given': scan(bin_, folder + '/model.onnx', data, folder + '/given', *cache, *given),
            'home': scan(bin_, folder + '/model.onnx', data, folder + '/home', *cache, '--grow-in', out + '/grown-' + name)}


def scans(rows):
    print('| network | attack | ACC | ASR | target | trusted references | score | named | none | score | named |')
    print('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
    for name, kind, _, truth, docs in rows:
        cells = [name, kind, '%.3f' % truth['acc'], '%.3f' % truth['asr'] if 'asr' in truth else '', {'a2a': 'next'}.get(kind, str(TARGETS.get(kind, '')))]
        for arm in ('given', 'home'):
            cells += [docs[arm]['verdict'], '%.2f' % docs[arm]['score'], named(docs[arm])]
        print('| ' + ' | '.join(cells) + ' |')
    summary([(truth, docs) for _, _, _, truth, docs in rows], ('given', 'home'))


def main(bin_, out, how='scans'):
    bin_, rows = os.path.abspath(bin_), []
    for name, kind, seed in REFERENCES + MODELS:
        folder = '%s/%s-%s-%d' % (out, name, kind, seed)
        if not os.path.exists(folder + '/truth.json'):
            plant(name, kind, seed, folder)
        if how != 'models' and kind != 'ref':
            with open(folder + '/truth.json') as f:
                rows.append((name, kind, seed, json.load(f), arms(bin_, out, name, folder)))
    if how != 'models':
        scans(rows)


main(*sys.argv[1:4])
