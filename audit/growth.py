#!/usr/bin/env python3
"""growth.py BIN OUT: what a scan costs as classes, pixels and weights grow.

Clean models of mosaics (fixtures/mosaic.py), each scanned with one reference
of its own architecture, standard budget, one thread, nothing cached; the table
has processor seconds, which other work on the machine hardly changes.
Resumable: OUT keeps models and one line a scan.  Standard library only."""
import json
import os
import resource
import subprocess
import sys

F = '/usr/share/datasets/fashion-mnist/'
TRAIN = [F + 'train-images-idx3-ubyte.gz', F + 'train-labels-idx1-ubyte.gz']
TEST = [F + 't10k-images-idx3-ubyte.gz', F + 't10k-labels-idx1-ubyte.gz']
# classes, pixels a side, width
ROWS = [(10, 28, 16), (43, 28, 16), (100, 28, 16), (200, 28, 16), (1000, 28, 16),
        (10, 28, 8), (10, 28, 32), (10, 28, 64),
        (10, 56, 8), (10, 112, 8), (10, 224, 8)]


def run(bin_, *args, statuses=(0,)):
    env = dict(os.environ, OMP_NUM_THREADS='1', PATH=bin_ + ':' + os.environ['PATH'])
    p = subprocess.run(args, env=env, stdout=subprocess.DEVNULL)
    if p.returncode not in statuses:
        sys.exit('growth: %s: status %d' % (' '.join(args), p.returncode))


def mosaic(bin_, source, classes, first, count, scale, prefix):
    if not os.path.exists(prefix + '-labels.npy'):
        run(bin_, 'python3', 'fixtures/mosaic.py', *source, str(classes), str(first), str(count), str(scale), prefix)
    return prefix + '-images.idx,' + prefix + '-labels.npy'


def plant(bin_, data, classes, width, seed, out):
    if not os.path.exists(out + '/truth.json'):
        # large images learn as fast from fewer
        run(bin_, 'assay-plant', '-q', '--data', data, '--width', str(width), '--seed', str(seed),
            '--threads', '1', '--epochs', '6' if classes < 1000 else '3', '-o', out)
    return out + '/model.onnx'


def measure(bin_, out, classes, side, width):
    tag = '%s/%d-%d' % (out, classes, side)
    images = max(2000, 30 * classes)
    train = {28: max(20000, 60 * classes), 56: 8000, 112: 4000, 224: 2000}[side]
    models = []
    for i in (0, 1): # suspect and reference see other pictures
        data = mosaic(bin_, TRAIN, classes, 20000 * i, train, side // 28, '%s-train%d' % (tag, i))
        models.append(plant(bin_, data, classes, width, i, '%s-w%d-%d' % (tag, width, i)))
    data = mosaic(bin_, TEST, classes, 0, images, side // 28, tag + '-data')
    scan = '%s-w%d-scan' % (tag, width)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(bin_, 'assay-scan', '-q', models[0], '-r', models[1], '--data', data, '-o', scan, statuses=(0, 1, 2))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(scan + '/scan.json') as f:
        doc = json.load(f)
    return {'classes': classes, 'side': side, 'width': width,
            'weights': os.path.getsize(models[0]) // 4, 'images': images,
            'seconds': after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
            'cells': sum(c.get('residual') is not None for g in doc['geometries'] for c in g['per_class']),
            'pairs': sum(p.get('residual') is not None for p in doc['pairs']),
            'accuracy': doc['accuracy']['suspect'],
            'verdict': doc['verdict'], 'score': doc['score']}


def main():
    bin_, out = os.path.abspath(sys.argv[1]), sys.argv[2]
    os.makedirs(out, exist_ok=True)
    print('| classes | pixels | width | weights | classes x geometries | pairs | accuracy | processor seconds | each class | verdict (score) |')
    print('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |')
    for row in ROWS:
        path = '%s/%d-%d-w%d.json' % (out, *row)
        if not os.path.exists(path):
            got = measure(bin_, out, *row)
            with open(path, 'w') as f:
                json.dump(got, f)
        with open(path) as f:
            r = json.load(f)
        print('| %d | %d | %d | %d | %d | %d | %.2f | %.0f | %.1f | %s (%.2f) |' %
              (r['classes'], r['side'], r['width'], r['weights'], r['cells'], r['pairs'], r['accuracy'],
               r['seconds'], r['seconds'] / r['classes'], r['verdict'], r['score']), flush=True)


main()
