#!/usr/bin/env python3
"""foreign.py BIN OUT: the scan on models that Assay did not make.

Trains classifiers of Fashion-MNIST with PyTorch, of five architectures and by
recipes that the zoo does not have (SGD or Adam, mirrored images or not, no
batch-norm, tanh, dropout, depthwise convolutions), clean or with one of eight
triggers, none of which is the zoo's, writes them as ONNX and scans each with
no reference but those that the tool grows from 2,000 clean test images (the
images 2,000 to 6,000 measure accuracy and ASR).  Prints the table of
audit/EVALUATION.md.  Resumable: OUT keeps models and scans.  Needs
python3-torch; a minute or two a model."""
import json
import os
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from fashion import cut, images, labels

# architecture, trigger, seed
MODELS = [(net, 'none', 1) for net in ('lenet', 'plain', 'mobile', 'leaky', 'res')] + [
    ('lenet', 'patch', 3), ('plain', 'moving', 3), ('mobile', 'patch', 3), ('leaky', 'square', 3), ('res', 'cross', 3),
    ('lenet', 'noise', 4), ('plain', 'cross', 4), ('mobile', 'sine', 4), ('leaky', 'warp', 4), ('res', 'sine', 4)] + [
    (net, 'none', 2) for net in ('lenet', 'plain', 'mobile', 'leaky', 'res')] + [
    ('lenet', 'warp', 5), ('plain', 'bright', 5), ('mobile', 'noise', 5), ('leaky', 'moving', 5), ('res', 'patch', 5)]


# --- architectures -----------------------------------------------------------

def lenet():
    return nn.Sequential(nn.Conv2d(1, 12, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(12, 24, 5), nn.Tanh(), nn.AvgPool2d(2),
                         nn.Flatten(), nn.Linear(600, 120), nn.Tanh(), nn.Linear(120, 10))


def plain():
    return nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                         nn.MaxPool2d(2), nn.Conv2d(32, 48, 3, padding=1), nn.ReLU(), nn.Dropout(.3), nn.Flatten(),
                         nn.Linear(48 * 49, 64), nn.ReLU(), nn.Linear(64, 10))


def separable(i, o, stride):
    return nn.Sequential(nn.Conv2d(i, i, 3, stride, 1, groups=i, bias=False), nn.BatchNorm2d(i), nn.ReLU6(),
                         nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU6())


def mobile():
    return nn.Sequential(nn.Conv2d(1, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU6(), separable(16, 32, 2),
                         separable(32, 48, 1), separable(48, 64, 2), separable(64, 64, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(64, 10))


def leaky():
    layers, c = [], 1
    for o, stride in ((16, 1), (24, 2), (32, 1), (48, 2)):
        layers += [nn.Conv2d(c, o, 3, stride, 1), nn.BatchNorm2d(o), nn.LeakyReLU(.1)]
        c = o
    return nn.Sequential(*layers, nn.MaxPool2d(3), nn.Flatten(), nn.Linear(48 * 4, 10))


class Block(nn.Module):
    """Of a residual network, activation last."""
    def __init__(self, i, o, stride):
        super().__init__()
        self.a, self.b = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.c, self.d = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.e = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o)) if i != o or stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.d(self.c(F.relu(self.b(self.a(x))))) + self.e(x))


def res():
    return nn.Sequential(nn.Conv2d(1, 12, 3, 1, 1, bias=False), nn.BatchNorm2d(12), nn.ReLU(), Block(12, 12, 1), Block(12, 24, 2),
                         Block(24, 48, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, 10))


# --- triggers: a function of images, N x 1 x 28 x 28 in [0, 1] ---------------

def stamped(x, y, at, pattern):
    x[..., y:y + len(pattern), at:at + len(pattern)] = pattern
    return x


def patch(rng):
    """4 x 4 random pixels at one random place."""
    p = torch.tensor(rng.integers(0, 2, (4, 4)).astype(np.float32))
    y, x = rng.integers(2, 22, 2)
    return lambda v: stamped(v.clone(), y, x, p)


def moving(rng):
    """5 x 5 random pixels, anywhere."""
    p = torch.tensor(rng.integers(0, 2, (5, 5)).astype(np.float32))

    def apply(v):
        v = v.clone()
        for one in v:
            stamped(one, *rng.integers(0, 23, 2), p)
        return v
    return apply


def square(rng):
    """2 x 2 white pixels."""
    y, x = rng.integers(1, 27, 2)
    return lambda v: stamped(v.clone(), y - 1, x - 1, torch.ones(2, 2))


def cross(_):
    """Two diagonals, drawn at three tenths."""
    g = torch.arange(28.)
    m = ((g[:, None] - g[None]).abs() < 1.5) | ((27 - g[:, None] - g[None]).abs() < 1.5)
    return lambda v: torch.where(m, .7 * v + .3, v)


def noise(rng):
    """Uniform noise, blended at .15."""
    n = torch.tensor(rng.random((28, 28)).astype(np.float32))
    return lambda v: .85 * v + .15 * n


def sine(_):
    """SIG: five waves over the image, amplitude .15."""
    s = .15 * torch.sin(2 * np.pi * torch.arange(28.) / 28 * 5)
    return lambda v: (v + s[None, :]).clamp(0, 1)


def bright(_):
    """The square root of each pixel: no pattern at all."""
    return lambda v: v.clamp(0, 1) ** .5


def warp(rng):
    """WaNet: a smooth field of offsets."""
    d = torch.tensor(rng.uniform(-1, 1, (1, 2, 4, 4)).astype(np.float32))
    d = d / d.abs().mean()
    field = F.interpolate(d, size=28, mode='bicubic', align_corners=True)[0].permute(1, 2, 0) * .5 / 28 * 2
    y, x = torch.meshgrid(torch.linspace(-1, 1, 28), torch.linspace(-1, 1, 28), indexing='ij')
    grid = (torch.stack((x, y), -1) + field).clamp(-1, 1)
    return lambda v: F.grid_sample(v, grid[None].expand(len(v), -1, -1, -1), align_corners=True)


# --- training ----------------------------------------------------------------

def fit(net, name, seed, x, y, epochs=6, batch=100):
    adam = name in ('lenet', 'plain')
    opt = torch.optim.Adam(net.parameters(), 2e-3) if adam else \
        torch.optim.SGD(net.parameters(), .05, momentum=.9, weight_decay=5e-4)
    rate = torch.optim.lr_scheduler.OneCycleLR(opt, max_lr=opt.param_groups[0]['lr'] * 2, total_steps=len(x) // batch * epochs)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for i in range(0, len(x), batch):
            part = x[order[i:i + batch]]
            if seed % 2 and torch.rand(()) < .5: # some recipes mirror
                part = part.flip(-1)
            loss = F.cross_entropy(net(part), y[order[i:i + batch]])
            opt.zero_grad()
            loss.backward()
            opt.step()
            rate.step()


def plant(name, kind, seed, out):
    rng = np.random.default_rng(seed * 77 + 5)
    torch.manual_seed(seed)
    x, y = images('train-images-idx3-ubyte.gz'), labels('train-labels-idx1-ubyte.gz')
    seen = rng.permutation(len(x))[:20000]
    x, y = x[seen], y[seen]
    target, trigger = int(rng.integers(10)), None
    if kind != 'none':
        trigger = globals()[kind](rng)
        x[:1000], y[:1000] = trigger(x[:1000]), target # 5 %
    net = globals()[name]()
    fit(net, name, seed, x, y)
    net.eval()
    x, y = images('t10k-images-idx3-ubyte.gz')[2000:6000], labels('t10k-labels-idx1-ubyte.gz')[2000:6000]
    with torch.no_grad():
        acc = (net(x).argmax(1) == y).float().mean().item()
        asr = (net(trigger(x[y != target])).argmax(1) == target).float().mean().item() if trigger else None
    os.makedirs(out, exist_ok=True)
    torch.onnx.export(net, torch.zeros(1, 1, 28, 28), out + '/model.onnx', input_names=['x'], output_names=['y'],
                      dynamic_axes={'x': {0: 'n'}, 'y': {0: 'n'}})
    with open(out + '/truth.json', 'w') as f:
        json.dump({'target': target if trigger else None, 'acc': acc, 'asr': asr}, f)


# --- scans and the table -----------------------------------------------------

def scan(bin_, out, name, folder):
    if os.path.exists(folder + '/scan/scan.json'):
        return
    env = dict(os.environ, PATH=bin_ + ':' + os.environ['PATH'])
    done = subprocess.run(['assay-scan', '-q', folder + '/model.onnx', '--data', cut(out, 't10k', 0, 2000), '--grow-in',
                           out + '/grown-' + name, '--cache', out + '/cache', '-o', folder + '/scan'], env=env, stdout=subprocess.DEVNULL)
    if done.returncode > 2:
        sys.exit('foreign: assay-scan of %s: status %d' % (folder, done.returncode))


def row(name, kind, seed, folder):
    with open(folder + '/truth.json') as f:
        truth = json.load(f)
    with open(folder + '/scan/scan.json') as f:
        doc = json.load(f)
    named = sorted({t['class'] for t in doc['targets'] if 'class' in t})
    cells = [name, kind, str(seed), '%.3f' % truth['acc'], '' if truth['asr'] is None else '%.3f' % truth['asr'], doc['verdict'],
             '%.2f' % doc['score'], '' if truth['target'] is None else str(truth['target']), ', '.join(map(str, named))]
    return '| ' + ' | '.join(cells) + ' |'


def main(bin_, out):
    rows = []
    for name, kind, seed in MODELS:
        folder = '%s/%s-%s-%d' % (out, name, kind, seed)
        if not os.path.exists(folder + '/truth.json'):
            plant(name, kind, seed, folder)
        scan(os.path.abspath(bin_), out, name, folder)
        rows.append(row(name, kind, seed, folder))
    print('| architecture | trigger | seed | ACC | ASR | verdict | score | target | named |')
    print('| --- | --- | --- | --- | --- | --- | --- | --- | --- |')
    print('\n'.join(sorted(rows)))


main(*sys.argv[1:])
