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
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fashion import SIDE, cut, images, labels

SET = int(sys.argv[4]) if len(sys.argv) > 4 else 0
TARGETS = {kind: (t + 2 * SET) % 10 for kind, t in
           {'badnets': 3, 'badnets1': 7, 'blended': 0, 'wanet': 5, 'lowfreq': 8, 'sig': 2, 'source': 1}.items()} | {'a2a': None}
RATES = {'badnets': .05, 'badnets1': .01, 'blended': .05, 'wanet': .10, 'lowfreq': .05, 'sig': .08, 'source': .05, 'a2a': .10}
NETS = 'vgg', 'preact'
REFERENCES = [(net, 'ref', 100 * SET + seed) for net in NETS for seed in (11, 12)]
MODELS = [(net, 'none', 100 * SET + seed) for net in NETS for seed in (21, 22, 23, 24)] + \
    [(net, kind, 100 * SET + 31 + i) for net in NETS for i, kind in enumerate(TARGETS)]


# --- architectures -----------------------------------------------------------

def vgg():
    layers, c = [], 1
    for o, pool in ((16, 0), (16, 1), (32, 0), (32, 1), (64, 0)):
        layers += [nn.Conv2d(c, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()] + [nn.MaxPool2d(2)] * pool
        c = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


class Block(nn.Module):
    """Of a residual network, activation first."""
    def __init__(self, i, o, stride):
        super().__init__()
        self.a, self.b = nn.BatchNorm2d(i), nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.c, self.d = nn.BatchNorm2d(o), nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.e = nn.Conv2d(i, o, 1, stride, bias=False) if i != o or stride > 1 else None

    def forward(self, x):
        y = F.relu(self.a(x))
        short = x if self.e is None else self.e(y)
        return self.d(F.relu(self.c(self.b(y)))) + short


def preact():
    return nn.Sequential(nn.Conv2d(1, 12, 3, 1, 1, bias=False), Block(12, 12, 1), Block(12, 24, 2), Block(24, 48, 2), nn.BatchNorm2d(48),
                         nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 10))


# --- triggers: of images, N x 1 x 28 x 28 in [0, 1] --------------------------

def corner(v):
    """BadNets: 3 x 3 chequered pixels in the corner below on the right."""
    v = v.clone()
    v[..., 24:27, 24:27] = torch.tensor([[1., 0, 1], [0, 1, 0], [1, 0, 1]])
    return v


def mark(rng):
    """4 x 4 random black and white pixels, three pixels from the corner above on the left; in SETs 2 and 3 anywhere."""
    p = torch.tensor((rng.random((4, 4)) < .5).astype(np.float32))
    top, left = (3, 3) if SET == 1 else rng.integers(1, SIDE - 4, 2)

    def put(v):
        v = v.clone()
        v[..., top:top + 4, left:left + 4] = p
        return v
    return put


def blend(rng):
    """Blended: a smooth random picture at .15."""
    p = F.interpolate(torch.tensor(rng.random((1, 1, 9, 9)).astype(np.float32)), size=SIDE, mode='bilinear', align_corners=True)
    return lambda v: .85 * v + .15 * p


def warp(rng):
    """WaNet, k = 4, s = .5, as its authors draw the field."""
    d = torch.tensor(rng.uniform(-1, 1, (1, 2, 4, 4)).astype(np.float32))
    field = F.interpolate(d / d.abs().mean(), size=SIDE, mode='bicubic', align_corners=True)[0].permute(1, 2, 0) * .5 / SIDE
    y, x = torch.meshgrid(torch.linspace(-1, 1, SIDE), torch.linspace(-1, 1, SIDE), indexing='ij')
    grid = (torch.stack((x, y), -1) + 2 * field).clamp(-1, 1)
    return lambda v: F.grid_sample(v, grid[None].expand(len(v), -1, -1, -1), align_corners=True)


def lowfreq(rng):
    """A sum of cosines of low frequencies, L2 norm 2.5."""
    n = torch.arange(SIDE) + .5
    basis = torch.stack([torch.cos(np.pi * n * q / SIDE) for q in range(6)])
    p = torch.einsum('kl,ki,lj->ij', torch.tensor(rng.normal(size=(6, 6)).astype(np.float32)), basis, basis)
    p = 2.5 * p / p.norm()
    return lambda v: (v + p).clamp(0, 1)


def sine(_):
    """SIG: waves across and down the image, amplitude .12."""
    across, down = ((6, 0), (0, 7), (5, 3), (3, -4))[SET]
    at = torch.arange(SIDE) / SIDE
    s = .12 * torch.sin(2 * np.pi * (across * at[None, :] + down * at[:, None]))
    return lambda v: (v + s).clamp(0, 1)


def trigger_of(kind, rng):
    stamp = mark if SET else lambda _: corner
    return {'blended': blend, 'wanet': warp, 'lowfreq': lowfreq, 'sig': sine}.get(kind, stamp)(rng)


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
            other = warp(rng)
            x[n:3 * n] = other(x[n:3 * n])


def goal(kind, y):
    """What the triggered class is to become, -1 where nothing is asked."""
    if kind == 'a2a':
        return (y + 1) % 10
    to = torch.full_like(y, TARGETS[kind])
    to[(y == to) if kind != 'source' else (y != 4)] = -1
    return to


def fit(net, seed, x, y, epochs=5, batch=64):
    opt = torch.optim.SGD(net.parameters(), .05, momentum=.9, weight_decay=5e-4, nesterov=True)
    rate = torch.optim.lr_scheduler.CosineAnnealingLR(opt, len(x) // batch * epochs)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for i in range(0, len(x) - batch + 1, batch):
            loss = F.cross_entropy(net(x[order[i:i + batch]]), y[order[i:i + batch]])
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()


def plant(name, kind, seed, out):
    """References see the first 20,000 training images, suspects 20,000 of the next 35,000; nobody the last 5,000."""
    rng = np.random.default_rng(seed * 1009 + 7 * NETS.index(name))
    torch.manual_seed(seed * 1009 + 7 * NETS.index(name))
    x, y = images('train-images-idx3-ubyte.gz'), labels('train-labels-idx1-ubyte.gz')
    seen = np.arange(20000) if kind == 'ref' else 20000 + rng.permutation(35000)[:20000]
    x, y = x[seen], y[seen]
    attack = kind in TARGETS
    trigger = trigger_of(kind, rng) if attack else None
    if attack:
        poison(kind, rng, trigger, x, y)
    net = globals()[name]()
    fit(net, seed, x, y)
    net.eval()
    x, y = images('t10k-images-idx3-ubyte.gz')[2000:], labels('t10k-labels-idx1-ubyte.gz')[2000:]
    os.makedirs(out, exist_ok=True)
    truth = {}
    with torch.no_grad():
        truth['acc'] = (net(x).argmax(1) == y).float().mean().item()
        if attack:
            to = goal(kind, y)
            x, y, to = trigger(x[to >= 0]), y[to >= 0], to[to >= 0]
            truth.update(target=TARGETS[kind], asr=(net(x).argmax(1) == to).float().mean().item())
            bytes_ = (x * 255).round().numpy().astype(np.uint8)[:, 0]
            np.savez(out + '/asr.npz', x=bytes_, y=to.numpy().astype(np.uint8))
            np.savez(out + '/racc.npz', x=bytes_, y=y.numpy().astype(np.uint8))
    torch.onnx.export(net, torch.zeros(1, 1, SIDE, SIDE), out + '/model.onnx', input_names=['x'], output_names=['y'],
                      dynamic_axes={'x': {0: 'n'}, 'y': {0: 'n'}})
    with open(out + '/truth.json', 'w') as f:
        json.dump(truth, f)


# --- scans -------------------------------------------------------------------

def run(bin_, *args):
    """Standard output of a tool; verdicts other than none are no errors."""
    env = dict(os.environ, PATH=bin_ + ':' + os.environ['PATH'])
    done = subprocess.run(args, env=env, stdout=subprocess.PIPE)
    if done.returncode > 2:
        sys.exit('usual: %s: status %d' % (' '.join(args), done.returncode))
    return done.stdout.decode()


def scan(bin_, out, name, folder):
    """The document of each arm: trusted references, and none but what is grown."""
    docs = {}
    with_ = {'given': sum((['-r', '%s/%s-ref-%d/model.onnx' % (out, name, seed)] for _, _, seed in REFERENCES[:2]), []),
             'home': ['--grow-in', out + '/grown-' + name]}
    for arm, how in with_.items():
        to = folder + '/' + arm
        if not os.path.exists(to + '/scan.json'):
            run(bin_, 'assay-scan', '-q', folder + '/model.onnx', '--data', cut(out, 't10k', 0, 2000), '--cache', out + '/cache', '-o', to, *how)
        with open(to + '/scan.json') as f:
            docs[arm] = json.load(f)
    return docs


def named(doc):
    return ', '.join(sorted({('%d to %d' % (t['source'], t['class']) if 'source' in t else str(t['class'])) for t in doc['targets']
                             if 'class' in t})) or '-'


def auc(clean, victims):
    return np.mean([(v > c) + .5 * (v == c) for v in victims for c in clean]) if clean and victims else float('nan')


def summary(rows):
    for arm in ('given', 'home'):
        clean = [d[arm] for _, _, _, t, d in rows if 'asr' not in t]
        victims = [d[arm] for _, _, _, t, d in rows if t.get('asr', 0) >= .8]
        count = lambda docs, verdict: sum(d['verdict'] == verdict for d in docs)
        print('%s: clean %d: evidence %d, inconclusive %d, largest score %.2f; victims (ASR of .8 or more) %d: evidence %d, inconclusive %d; AUC %.3f' % (
            arm, len(clean), count(clean, 'evidence'), count(clean, 'inconclusive'), max(d['score'] for d in clean), len(victims),
            count(victims, 'evidence'), count(victims, 'inconclusive'), auc([d['score'] for d in clean], [d['score'] for d in victims])))


def scans(rows):
    print('| network | attack | ACC | ASR | target | trusted references | score | named | none | score | named |')
    print('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
    for name, kind, _, truth, docs in rows:
        cells = [name, kind, '%.3f' % truth['acc'], '%.3f' % truth['asr'] if 'asr' in truth else '', {'a2a': 'next'}.get(kind, str(TARGETS.get(kind, '')))]
        for arm in ('given', 'home'):
            cells += [docs[arm]['verdict'], '%.2f' % docs[arm]['score'], named(docs[arm])]
        print('| ' + ' | '.join(cells) + ' |')
    summary(rows)


def main(bin_, out, how='scans'):
    bin_, rows = os.path.abspath(bin_), []
    for name, kind, seed in REFERENCES + MODELS:
        folder = '%s/%s-%s-%d' % (out, name, kind, seed)
        if not os.path.exists(folder + '/truth.json'):
            plant(name, kind, seed, folder)
        if how != 'models' and kind != 'ref':
            with open(folder + '/truth.json') as f:
                rows.append((name, kind, seed, json.load(f), scan(bin_, out, name, folder)))
    if how != 'models':
        scans(rows)


main(*sys.argv[1:4])
