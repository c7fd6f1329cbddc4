#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""real-victims.py BIN OUT [SEEDS [METHODS]]: purification of victims of real size.

Plants a PreAct-ResNet18 (32 x 32 x 3) with BadNets and one with Blended on Fashion-MNIST (padded with zeros), and two
small trusted references; scans (--budget quick, one seed), purifies with 1,200 reserved images that nobody has seen, and
measures what became of it on 8,000 test images: OUT/purified/<method>/<model>-<seed>/{purify,eval}.json, of which
purify/eval-purify.py makes a table.  Resumable; an hour for each victim on two cores.  Numpy."""
import gzip
import os
import subprocess
import sys

import numpy as np

F = '/usr/share/datasets/fashion-mnist/'
TRAIN = F + 'train-images-idx3-ubyte.gz', F + 'train-labels-idx1-ubyte.gz'
TEST = F + 't10k-images-idx3-ubyte.gz', F + 't10k-labels-idx1-ubyte.gz'
PLANT = ['--data', ','.join(TRAIN), '--test', ','.join(TEST), '--size', '32', '--channels', '3']
REAL = ['--arch', 'preact', '--width', '64', '--depth', '2', '--stages', '4', '--limit', '12000', '--epochs', '3', '--shift', '--rate', '0.05']
VICTIMS = {'badnets': ['--first', '21000', '--seed', '801', '--attack', 'badnets', '--target', '4'],
           'blended': ['--first', '33000', '--seed', '802', '--attack', 'blended', '--target', '7']}
# with so many images: purify/README.md, "Other methods"
SMALL = ['--batch', '64']
OPTIONS = {'guided': [], 'ft': SMALL, 'ft-sam': SMALL, 'd3': SMALL + ['--lambda-clean', '10'], 'fp': SMALL}
ROUNDS = '20'


def run(bin_, *args):
    done = subprocess.run((bin_ + '/' + args[0],) + args[1:], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 1, 2):
        sys.exit('real-victims: %s: status %d' % (' '.join(args), done.returncode))


def data(out, name, source, first, count):
    """Images as assay-plant --size 32 --channels 3 has them."""
    path = '%s/%s.npz' % (out, name)
    if not os.path.exists(path):
        with gzip.open(source[0]) as f, gzip.open(source[1]) as g:
            x = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 28, 28)[first:first + count]
            y = np.frombuffer(g.read(), np.uint8, offset=8)[first:first + count]
        np.savez(path, x=np.repeat(np.pad(x, ((0, 0), (2, 2), (2, 2)))[..., None], 3, 3), y=y.astype(np.int64))
    return path


def models(bin_, out):
    refs = []
    for i in (1, 2):
        to = '%s/ref-%d' % (out, i)
        if not os.path.exists(to + '/truth.json'):
            run(bin_, 'assay-plant', '-q', '--arch', 'preact', '--width', '12', *PLANT, '--first', '0', '--limit', '20000', '--epochs', '4',
                '--seed', str(i), '-o', to)
        refs += ['-r', to + '/model.onnx']
    for victim, how in VICTIMS.items():
        if not os.path.exists('%s/%s/truth.json' % (out, victim)):
            run(bin_, 'assay-plant', '-q', *REAL, *PLANT, *how, '-o', out + '/' + victim)
    return refs


def purify(bin_, at, to, method, seed, reserved, test):
    if os.path.exists(to + '/eval.json'):
        return
    os.makedirs(to, exist_ok=True)
    model = to + '/model.onnx'
    run(bin_, 'assay-purify', '-q', at + '/model.onnx', '--data', reserved, '--method', method, '--seed', seed, '--rounds', ROUNDS,
        *(['--guide', at + '/scan/scan.json'] if method == 'guided' else []), *OPTIONS[method], '--no-reactivation',
        '--checkpoint', to + '/state', '-o', model, '--document', to + '/purify.json')
    with open(to + '/eval.tmp', 'wb') as f:
        subprocess.run([bin_ + '/assay-eval', '-q', model, '--data', test, '--trigger', at + '/trigger.safetensors',
                        '--baseline', at + '/model.onnx', '--json'], stdout=f, check=True)
    os.rename(to + '/eval.tmp', to + '/eval.json')


def main(bin_, out, seeds='0', methods='guided'):
    bin_ = os.path.abspath(bin_)
    os.makedirs(out, exist_ok=True)
    refs = models(bin_, out)
    seen, test, reserved = data(out, 'scan', TEST, 0, 2000), data(out, 'test', TEST, 2000, 8000), data(out, 'reserved', TRAIN, 46000, 1200)
    for victim in VICTIMS:
        at = out + '/' + victim
        if not os.path.exists(at + '/scan/scan.json'):
            run(bin_, 'assay-scan', '-q', at + '/model.onnx', *refs, '--data', seen, '--budget', 'quick', '--seeds', '1', '--cache', out + '/cache',
                '-o', at + '/scan')
        for method in methods.split():
            for seed in seeds.split():
                purify(bin_, at, '%s/purified/%s/real-%s-preact-%s-%s' % (out, method, victim, VICTIMS[victim][3], seed), method, seed,
                       reserved, test)


if __name__ == '__main__':
    if not 3 <= len(sys.argv) <= 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
