#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""other-images.py BIN OUT: purification with images that are not like the model's own.

Plants three victims on Fashion-MNIST and two trusted references of each network, scans the victims, and purifies each with
the same 1,200 reserved images as they are and as another camera would have them: turned, with other light, blurred and
compressed, small in a larger frame, inverted.  Prints the table of purify/EVALUATION.md, measured on 8,000 images as they
are.  Resumable; an hour and a half on two cores.  Needs python3-numpy and python3-pil."""
import gzip
import io
import json
import os
import subprocess
import sys

import numpy as np
from PIL import Image, ImageFilter

F = '/usr/share/datasets/fashion-mnist/'
TRAIN = F + 'train-images-idx3-ubyte.gz', F + 'train-labels-idx1-ubyte.gz'
TEST = F + 't10k-images-idx3-ubyte.gz', F + 't10k-labels-idx1-ubyte.gz'
NETS = {'vgg': ['--arch', 'vgg', '--width', '16'], 'preact': ['--arch', 'preact', '--width', '8']}
VICTIMS = {'vgg-badnets': ['--seed', '921', '--first', '28621', '--attack', 'badnets', '--target', '6', '--rate', '0.05'],
           'preact-blended': ['--seed', '922', '--first', '32322', '--attack', 'blended', '--target', '2', '--rate', '0.05'],
           'preact-wanet': ['--seed', '923', '--first', '36023', '--attack', 'wanet', '--target', '4', '--rate', '0.10']}


# --- images -------------------------------------------------------------------

def turned(im, rng):
    return im.rotate(rng.uniform(-25, 25), Image.BILINEAR)


def lit(im, rng):
    x, gamma, contrast = np.asarray(im) / 255., rng.uniform(.5, 2), rng.uniform(.4, 1)
    return Image.fromarray(np.clip((x ** gamma * contrast + rng.uniform(0, .25)) * 255, 0, 255).astype(np.uint8))


def compressed(im, _):
    to = io.BytesIO()
    im.filter(ImageFilter.GaussianBlur(.8)).save(to, 'JPEG', quality=20)
    return Image.open(io.BytesIO(to.getvalue()))


def small(im, rng):
    side = rng.integers(17, 24)
    y, x = rng.integers(0, 28 - side + 1, 2)
    to = Image.new('L', (28, 28))
    to.paste(im.resize((side, side), Image.BILINEAR), (int(x), int(y)))
    return to


def inverted(im, _):
    return Image.fromarray(255 - np.asarray(im))


KINDS = {'as they are': lambda im, _: im, 'turned by up to 25 degrees': turned, 'other light and contrast': lit,
         'blurred, JPEG of quality 20': compressed, 'smaller, anywhere in the frame': small, 'inverted': inverted}


def read(source, first, count):
    with gzip.open(source[0]) as f, gzip.open(source[1]) as g:
        x = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 28, 28)[first:first + count]
        return x, np.frombuffer(g.read(), np.uint8, offset=8)[first:first + count].astype(np.int64)


def write(path, x, y):
    if not os.path.exists(path):
        np.savez(path, x=x[..., None], y=y)
    return path


def reserved(out):
    """A file for each kind: the first 1,200 training images, which no victim has seen."""
    (x, y), rng = read(TRAIN, 0, 1200), np.random.default_rng(5)
    return {kind: write('%s/images-%d.npz' % (out, i), np.stack([np.asarray(change(Image.fromarray(v), rng), np.uint8) for v in x]), y)
            for i, (kind, change) in enumerate(KINDS.items())}


# --- models -------------------------------------------------------------------

def run(bin_, *args):
    done = subprocess.run((bin_ + '/' + args[0],) + args[1:], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1):
        sys.exit('other-images: %s: status %d' % (' '.join(args), done.returncode))


def plant(bin_, to, *how):
    if not os.path.exists(to + '/truth.json'):
        run(bin_, 'assay-plant', '-q', '--data', ','.join(TRAIN), '--test', ','.join(TEST), '--limit', '20000', '--epochs', '4', '-o', to, *how)
    return to + '/model.onnx'


def scanned(bin_, out, victim, seen):
    net = victim.split('-')[0]
    refs = [plant(bin_, '%s/ref-%s-%d' % (out, net, i), *NETS[net], '--seed', str(i), '--first', '0') for i in (1, 2)]
    model, scan = plant(bin_, out + '/' + victim, *NETS[net], *VICTIMS[victim]), '%s/%s/scan' % (out, victim)
    if not os.path.exists(scan + '/scan.json'):
        run(bin_, 'assay-scan', '-q', model, '--data', seen, '-r', refs[0], '-r', refs[1], '--cache', out + '/cache', '-o', scan)
    return model, scan + '/scan.json'


def purified(bin_, model, scan, images, test, to):
    if not os.path.exists(to + '/eval.json'):
        os.makedirs(to, exist_ok=True)
        run(bin_, 'assay-purify', '-q', model, '--data', images, '--guide', scan, '--seed', '0', '--no-reactivation',
            '-o', to + '/model.onnx', '--document', to + '/purify.json')
        with open(to + '/eval.tmp', 'wb') as f:
            subprocess.run([bin_ + '/assay-eval', '-q', to + '/model.onnx', '--data', test, '--trigger', os.path.dirname(model) + '/trigger.safetensors',
                            '--baseline', model, '--json'], stdout=f, check=True)
        os.rename(to + '/eval.tmp', to + '/eval.json')
    with open(to + '/eval.json') as f, open(to + '/purify.json') as g:
        return json.load(f), json.load(g)


def main(bin_, out):
    bin_ = os.path.abspath(bin_)
    os.makedirs(out, exist_ok=True)
    seen, test, kinds = (write(out + '/seen.npz', *read(TEST, 0, 2000)), write(out + '/test.npz', *read(TEST, 2000, 8000)), reserved(out))
    print('| victim | reserved images | right on them, before | ACC | ASR | R-ACC | DER |')
    print('| --- | --- | --- | --- | --- | --- | --- |')
    for victim in VICTIMS:
        model, scan = scanned(bin_, out, victim, seen)
        for i, (kind, images) in enumerate(kinds.items()):
            e, p = purified(bin_, model, scan, images, test, '%s/purified/%s-%d' % (out, victim, i))
            if i == 0:
                print('| %s | (before) | | %.4f | %.4f | %.4f | |' % (victim, *(e['baseline'][k]['rate'] for k in (
                    'accuracy', 'asr', 'recovered_accuracy'))))
            print('| %s | %s | %.2f | %.4f | %.4f | %.4f | %.4f |' % (victim, kind, p['before']['accuracy'], *(e[k]['rate'] for k in (
                'accuracy', 'asr', 'recovered_accuracy')), e['der']))


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
