"""Small networks, the triggers of the literature and training, with PyTorch:
for the scripts that plant models which Assay did not make."""
import json
import os
import subprocess
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

# --- architectures -----------------------------------------------------------


def vgg(channels=1, classes=10):
    layers, c = [], channels
    for o, pool in ((16, 0), (16, 1), (32, 0), (32, 1), (64, 0)):
        layers += [nn.Conv2d(c, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o), nn.ReLU()] + [nn.MaxPool2d(2)] * pool
        c = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


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


def preact(channels=1, classes=10):
    return nn.Sequential(nn.Conv2d(channels, 12, 3, 1, 1, bias=False), Block(12, 12, 1), Block(12, 24, 2), Block(24, 48, 2),
                         nn.BatchNorm2d(48), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, classes))


# --- triggers: of images, N x C x S x S in [0, 1] ----------------------------

def pixels(rng, channels=1, side=4):
    """Random ones, each channel black or white."""
    return torch.tensor((rng.random((channels, side, side)) < .5).astype(np.float32))


def stamp(p, top, left):
    def put(v):
        v = v.clone()
        v[..., top:top + p.shape[-2], left:left + p.shape[-1]] = p
        return v
    return put


def blend(rng, channels, side):
    """Blended: a smooth random picture at .15."""
    p = F.interpolate(torch.tensor(rng.random((1, channels, 9, 9)).astype(np.float32)), size=side, mode='bilinear', align_corners=True)
    return lambda v: .85 * v + .15 * p


def warp(rng, side):
    """WaNet, k = 4, s = .5, as its authors draw the field."""
    d = torch.tensor(rng.uniform(-1, 1, (1, 2, 4, 4)).astype(np.float32))
    field = F.interpolate(d / d.abs().mean(), size=side, mode='bicubic', align_corners=True)[0].permute(1, 2, 0) * .5 / side
    y, x = torch.meshgrid(torch.linspace(-1, 1, side), torch.linspace(-1, 1, side), indexing='ij')
    grid = (torch.stack((x, y), -1) + 2 * field).clamp(-1, 1)
    return lambda v: F.grid_sample(v, grid[None].expand(len(v), -1, -1, -1), align_corners=True)


def lowfreq(rng, side, norm=2.5):
    """A sum of cosines of low frequencies, of that L2 norm in each channel."""
    n = torch.arange(side) + .5
    basis = torch.stack([torch.cos(np.pi * n * q / side) for q in range(6)])
    p = torch.einsum('kl,ki,lj->ij', torch.tensor(rng.normal(size=(6, 6)).astype(np.float32)), basis, basis)
    p = norm * p / p.norm()
    return lambda v: (v + p).clamp(0, 1)


def sine(across, down, side):
    """SIG: so many waves across and down the image, amplitude .12."""
    at = torch.arange(side) / side
    s = .12 * torch.sin(2 * np.pi * (across * at[None, :] + down * at[:, None]))
    return lambda v: (v + s).clamp(0, 1)


# --- training and files ------------------------------------------------------

def fit(net, x, y, epochs=5, batch=64):
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


def right(net, x, y):
    with torch.no_grad():
        return (torch.cat([net(v).argmax(1) for v in x.split(1000)]) == y).float().mean().item()


def export(net, shape, path):
    torch.onnx.export(net, torch.zeros(1, *shape), path, input_names=['x'], output_names=['y'],
                      dynamic_axes={'x': {0: 'n'}, 'y': {0: 'n'}})


# --- scans -------------------------------------------------------------------

def run(bin_, *args):
    """Standard output of a tool; verdicts other than none are no errors."""
    env = dict(os.environ, PATH=bin_ + ':' + os.environ['PATH'])
    done = subprocess.run(args, env=env, stdout=subprocess.PIPE)
    if done.returncode > 2:
        sys.exit('%s: status %d' % (' '.join(args), done.returncode))
    return done.stdout.decode()


def scan(bin_, model, data, to, *how):
    """The document of a scan, which TO keeps."""
    if not os.path.exists(to + '/scan.json'):
        run(bin_, 'assay-scan', '-q', model, '--data', data, '-o', to, *how)
    with open(to + '/scan.json') as f:
        return json.load(f)


def named(doc):
    return ', '.join(sorted({('%d to %d' % (t['source'], t['class']) if 'source' in t else str(t['class'])) for t in doc['targets']
                             if 'class' in t})) or '-'


def auc(clean, victims):
    return np.mean([(v > c) + .5 * (v == c) for v in victims for c in clean]) if clean and victims else float('nan')


def summary(rows, arms):
    """A line for each arm; rows: of what was planted ("acc", "asr") and the document of each arm."""
    for arm in arms:
        clean = [d[arm] for t, d in rows if 'asr' not in t and arm in d]
        victims = [d[arm] for t, d in rows if t.get('asr', 0) >= .8 and arm in d]
        count = lambda docs, verdict: sum(d['verdict'] == verdict for d in docs)
        print('%s: clean %d: evidence %d, inconclusive %d, largest score %.2f; victims (ASR of .8 or more) %d: evidence %d, inconclusive %d; AUC %.3f' % (
            arm, len(clean), count(clean, 'evidence'), count(clean, 'inconclusive'), max((d['score'] for d in clean), default=float('nan')),
            len(victims), count(victims, 'evidence'), count(victims, 'inconclusive'),
            auc([d['score'] for d in clean], [d['score'] for d in victims])))
