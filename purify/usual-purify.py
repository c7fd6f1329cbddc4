#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""usual-purify.py BIN MODELS OUT METHODS SEEDS: unlearns the usual victims (audit/usual.py MODELS) by several methods.

The victims that their scan with trusted references flags, with the same 1,024 reserved images (1.7 %, seen by no
victim) for every method; OUT/<method>/<model>-<seed>/{purify,eval}.json, of which purify/eval-purify.py makes a table.
METHODS "guided ft-sam ...", SEEDS "0 1 2".  Settings: `guided` has its defaults, the others what purify/README.md found
for so few images (batches of 64, as many steps as with 2,500 images).  Resumable.  Standard library only."""
import json
import os
import re
import subprocess
import sys

F = '/usr/share/datasets/fashion-mnist/'
TRAIN = F + 'train-images-idx3-ubyte.gz', F + 'train-labels-idx1-ubyte.gz'
TEST = F + 't10k-images-idx3-ubyte.gz', F + 't10k-labels-idx1-ubyte.gz'
SMALL = ['--batch', '64', '--rounds', '30']
OPTIONS = {'guided': [], 'sau': ['--batch', '64', '--rounds', '20', '--lr', '1e-3'], 'ft': SMALL, 'ft-sam': SMALL,
           'd3': SMALL + ['--lambda-clean', '10'], 'fp': SMALL, 'anp': [], 'i-bau': ['--rounds', '20'], 'nad': ['--batch', '64', '--rounds', '10']}


def run(bin_, *args):
    env = dict(os.environ, PATH=bin_ + ':' + os.environ['PATH'])
    done = subprocess.run(args, env=env, stdout=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1, 2):
        sys.exit('usual-purify: %s: status %d' % (' '.join(args), done.returncode))
    return done.stdout.decode()


def part(out, name, source, first, count):
    prefix = '%s/%s' % (out, name)
    if not os.path.exists(prefix + '-labels.idx'):
        subprocess.run(['sh', 'fixtures/idx-part.sh', *source, str(first), str(count), prefix], check=True)
    return '%s-images.idx,%s-labels.idx' % (prefix, prefix)


def accuracy(bin_, model, data):
    return float(re.search(r'accuracy +([0-9.]+)', run(bin_, 'assay-eval', '-q', model, '--data', data)).group(1))


def rates(bin_, model, folder, test):
    """As assay-eval --json has them; the triggered images keep their own labels in racc.npz, asr.npz has the attack's."""
    return {key: {'rate': accuracy(bin_, model, data)} for key, data in (
        ('accuracy', test), ('asr', folder + '/asr.npz'), ('recovered_accuracy', folder + '/racc.npz'))}


def before(bin_, folder, test, kept):
    if not os.path.exists(kept):
        with open(kept + '.tmp', 'w', encoding='utf-8') as f:
            json.dump(rates(bin_, folder + '/model.onnx', folder, test), f)
        os.rename(kept + '.tmp', kept)
    with open(kept, encoding='utf-8') as f:
        return json.load(f)


def purify(bin_, folder, to, method, seed, reserved, test, was):
    model = to + '/model.onnx'
    os.makedirs(to, exist_ok=True)
    guide = ['--guide', folder + '/given/scan.json'] if method == 'guided' else []
    run(bin_, 'assay-purify', '-q', folder + '/model.onnx', '--data', reserved, '--method', method, '--seed', seed, '--no-reactivation',
        *guide, *OPTIONS[method], '-o', model, '--document', to + '/purify.json')
    doc = dict(rates(bin_, model, folder, test), baseline=was)
    fall = {key: max(0, was[key]['rate'] - doc[key]['rate']) for key in ('accuracy', 'asr')}
    doc['der'] = (fall['asr'] - fall['accuracy'] + 1) / 2
    with open(to + '/eval.tmp', 'w', encoding='utf-8') as f:
        json.dump(doc, f)
    os.rename(to + '/eval.tmp', to + '/eval.json')
    os.remove(model)


def flagged(folder):
    with open(folder + '/given/scan.json', encoding='utf-8') as f:
        return json.load(f)['verdict'] == 'evidence'


def main(bin_, models, out, methods, seeds):
    bin_ = os.path.abspath(bin_)
    os.makedirs(out, exist_ok=True)
    reserved, test = part(out, 'reserved', TRAIN, 60000 - 1024, 1024), part(out, 'test', TEST, 2000, 8000)
    for method in methods.split():
        for seed in seeds.split():
            for name in sorted(os.listdir(models)):
                folder = models + '/' + name
                if not os.path.exists(folder + '/asr.npz') or not flagged(folder):
                    continue
                net, attack, number = name.split('-')
                to = '%s/%s/usual-%s-%s-%s-%s' % (out, method, attack, net, number, seed)
                if not os.path.exists(to + '/eval.json'):
                    was = before(bin_, folder, test, '%s/%s.json' % (out, name))
                    purify(bin_, folder, to, method, seed, reserved, test, was)


if __name__ == '__main__':
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
