#!/usr/bin/env python3
"""audit.py [BIN [WORD...]]: `assay audit`, from the bundle to the signed report, on models
in the forms that auditors are handed: a TorchServe archive, a repository of the
Hugging Face hub, a BackdoorBench record, a state dict of a PreAct-ResNet, a
Keras file.

Each is written by its framework's rules with random weights (the generators of
fixtures/gen), trained on Fashion-MNIST by assay-grow, put back into its own
format by assay-save, and audited with another one so trained as the reference.
Both the audit's status and the report's verification are checked; the table
has what came out.  Some
minutes; with words only what has one of them in its name.  Needs python3-torch, python3-h5py."""
import gzip
import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import torch

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[0] = os.path.join(ROOT, 'fixtures', 'gen') # not the scripts of these names here
import hf
import keras
import pytorch

BIN = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, 'build/release')) + '/bin/'
F = '/usr/share/datasets/fashion-mnist/t10k-'
NAMES = ['T-shirt', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Boot']
TRAIN, DATA = 6000, 2000
WORDS = sys.argv[2:]


def run(*args, statuses=(0,)):
    p = subprocess.run([BIN + args[0], *map(str, args[1:])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if p.returncode not in statuses:
        sys.exit('%s: status %d\n%s' % (' '.join(map(str, args)), p.returncode, p.stdout))
    return p


def images(folder):
    """32 x 32 in colour, as NPY: one part to train on, one to audit with."""
    with gzip.open(F + 'images-idx3-ubyte.gz') as f:
        x = np.frombuffer(f.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(F + 'labels-idx1-ubyte.gz') as f:
        y = np.frombuffer(f.read(), np.uint8, offset=8)
    x = np.repeat(np.pad(x, ((0, 0), (2, 2), (2, 2)))[..., None], 3, 3)
    spec = []
    for name, at in (('train', slice(0, TRAIN)), ('data', slice(TRAIN, TRAIN + DATA))):
        np.save('%s/%s-x.npy' % (folder, name), x[at])
        np.save('%s/%s-y.npy' % (folder, name), y[at].astype(np.int64))
        spec.append('%s/%s-x.npy,%s/%s-y.npy' % (folder, name, folder, name))
    return spec


def preact(seed):
    return pytorch.settle(pytorch.PreActResNet(widths=(8, 16, 32, 32)), seed)


def state_dict(path):
    torch.save(preact(1).state_dict(), path)


def record(path):
    os.makedirs(path)
    net = preact(2)
    torch.save({'model_name': 'preactresnet18', 'num_classes': 10, 'model': net.state_dict(), 'data_path': './data/cifar10',
                'img_size': [32, 32, 3], 'clean_data': 'cifar10', 'bd_train': None,
                'bd_test': pytorch.container(5, 'bd_test_dataset')}, path + '/attack_result.pt')


def hub(path):
    hf.HUB = os.path.dirname(path)
    hf.LABELS = NAMES
    net = hf.Transformer('deit', (32, 32), 8, 32, 3, 4, 64, 10)
    hf.repo(os.path.basename(path), net, hf.transformers_of('deit', 'DeiT', **hf.encoder_config(32, 4, 3, 64, 32, 8, 1e-12)), 32,
            hf.vit_processor(32))
    os.remove(path + '/expected.safetensors')


def served(path):
    """torch-model-archiver's MAR-INF/MANIFEST.json, a handler, a state dict."""
    body = io.BytesIO()
    torch.save(pytorch.settle(pytorch.ResNet(), 3).state_dict(), body)
    with zipfile.ZipFile(path, 'w') as z:
        z.writestr('model.pt', body.getvalue())
        z.writestr('index_to_name.json', json.dumps({str(i): n for i, n in enumerate(NAMES)}))
        z.writestr('handler.py', 'raise SystemExit("a handler was run")\n')
        z.writestr('MAR-INF/MANIFEST.json', json.dumps({
            'createdOn': '01/02/2026 03:04:05', 'runtime': 'python', 'archiverVersion': '0.12.0',
            'model': {'modelName': 'garments', 'serializedFile': 'model.pt', 'handler': 'handler.py', 'modelVersion': '1.0'}}))


def keras_file(path):
    x = image = keras.Input((32, 32, 3))
    layers = []
    for i, (cin, cout) in enumerate(((3, 12), (12, 24), (24, 24))):
        layers += [keras.Conv2D('conv%d' % i, cin, cout, 3, padding='same', bias=False),
                   keras.BatchNormalization('bn%d' % i, cout), keras.Activation('relu%d' % i, 'relu')]
        layers += [keras.Pool('MaxPooling2D', 'pool%d' % i, 2)] if i < 2 else [keras.Global('GlobalAveragePooling2D', 'mean')]
    for l in layers + [keras.head('top', 24, 10)]:
        x = l(x)
    with open(path, 'wb') as f:
        f.write(keras.legacy(keras.Model('garments', [image], x, True)))


FORMS = [('TorchServe archive', 'garments.mar', served), ('Hugging Face repository', 'vit', hub),
         ('BackdoorBench record', 'record', record), ('state dict of a PreAct-ResNet', 'preact.pth', state_dict),
         ('Keras .h5', 'garments.h5', keras_file)]


def inside(case, bundle):
    """What of an unpacked bundle assay-load and assay-save are given."""
    run('assay-unpack', '-q', bundle, case)
    return case + '/files'


def neutral(path):
    """Head, model and tensors: bytes by name."""
    with open(path, 'rb') as f:
        data = f.read()
    end = 8 + struct.unpack('<Q', data[:8])[0]
    head = json.loads(data[8:end])
    tensor = {k: data[end + v['data_offsets'][0]:end + v['data_offsets'][1]] for k, v in head.items() if k != '__metadata__'}
    return head, json.loads(head['__metadata__']['assay.model']), tensor


def graft(model, grown, out):
    """The neutral form of the model with the grown weights: assay-grow draws the same nodes under names of its own."""
    run('assay-load', model, '-o', out)
    head, to, tensor = neutral(out)
    _, source, new = neutral(grown)
    if [n['op'] for n in to['nodes']] != [n['op'] for n in source['nodes']]:
        sys.exit('other nodes were grown from ' + model)
    for a, b in zip(to['nodes'], source['nodes']):
        for i, j in zip(a['inputs'], b['inputs']):
            if i in tensor and j in new:
                assert len(tensor[i]) == len(new[j]), (i, j)
                tensor[i] = new[j]
    text = json.dumps(head).encode()
    text += b' ' * (-len(text) % 8)
    order = sorted(tensor, key=lambda k: head[k]['data_offsets'])
    with open(out, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text + b''.join(tensor[k] for k in order))


def train(path, work, data):
    """The bundle with trained weights, and a reference."""
    mar = path.endswith('.mar')
    model = inside(work + '/first', path) if mar else path
    run('assay-grow', '-q', model, '--data', data, '--count', 2, '--epochs', 12, '-o', work + '/grown')
    graft(model, work + '/grown/reference-1.safetensors', work + '/graft')
    trained = work + '/trained-' + os.path.basename(path)
    if not mar:
        run('assay-save', model, work + '/graft', '-o', trained)
    else:
        run('assay-save', model, work + '/graft', '-o', work + '/new')
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(trained, 'w') as new:
            for name in old.namelist():
                with open(work + '/new/model.pt', 'rb') as f:
                    new.writestr(name, f.read() if name == 'model.pt' else old.read(name))
    return trained, work + '/grown/reference-2.safetensors'


def audit(bundle, reference, data, work, key):
    case = work + '/case'
    p = run('assay', 'audit', bundle, '--data', data, '--reference', reference, '--budget', 'quick', '--rounds', 2,
            '--key', key, '--out', case, statuses=(0, 1, 2))
    run('assay-verify', case + '/report', '--key', key + '.pub', '--bundle', bundle)
    if not os.path.exists(case + '/report/report.html'):
        sys.exit('no page in ' + case)
    with open(case + '/scan.json') as f:
        scan = json.load(f)
    return p.returncode, scan


def main():
    with tempfile.TemporaryDirectory() as top:
        key = top + '/key.pem'
        subprocess.run(['openssl', 'genpkey', '-quiet', '-algorithm', 'ed25519', '-out', key], check=True)
        subprocess.run(['openssl', 'pkey', '-in', key, '-pubout', '-out', key + '.pub'], check=True)
        learn, data = images(top)
        print('| bundle | accuracy | verdict of the scan | status | report |')
        print('| --- | --- | --- | --- | --- |')
        for text, name, make in FORMS:
            if WORDS and not any(w in text for w in WORDS):
                continue
            work = tempfile.mkdtemp(dir=top)
            with torch.no_grad():
                make(work + '/' + name)
            bundle, reference = train(work + '/' + name, work, learn)
            status, scan = audit(bundle, reference, data, work, key)
            print('| %s | %.3f | %s (%.2f) | %d | verifies |' %
                  (text, scan['accuracy']['suspect'], scan['verdict'], scan['score'], status), flush=True)


main()
