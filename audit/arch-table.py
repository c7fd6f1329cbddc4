#!/usr/bin/env python3
"""Measures check_arch: false alarms on graphs of torchvision as PyTorch exports
them, detection of architectural backdoors planted into these and into other
ONNX files.
usage: arch-table.py BIN WORK [model.onnx ...]
The tables, as far as they are, are in WORK/table.md.  Needs onnx, torch and torchvision.  No model is run."""
import copy
import itertools
import json
import os
import subprocess
import sys
import warnings
import zlib
from collections import Counter, defaultdict

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

warnings.filterwarnings('ignore')
SIZES = {'inception_v3': 299}
# large ones only add layers of the same kind
NAMES = ('shufflenet_v2_x0_5', 'squeezenet1_1', 'mnasnet0_5', 'mobilenet_v2',
         'mobilenet_v3_small', 'regnet_y_400mf', 'regnet_x_400mf', 'resnet18',
         'googlenet', 'swin_t', 'efficientnet_b0', 'densenet121',
         'convnext_tiny', 'inception_v3', 'resnet50', 'swin_v2_t',
         'alexnet', 'vgg11_bn', 'vit_b_32', 'efficientnet_v2_s')
SMALL = 12e6  # bytes of a file into which backdoors are planted


def export(work):
    """The networks of torchvision, with random weights, in three opsets."""
    import torch
    import torchvision
    for name in NAMES:
        for opset in (11, 13, 16) if name in NAMES[:3] else (13,):
            path = os.path.join(work, '%s-%d.onnx' % (name, opset))
            if not os.path.exists(path):
                net = torchvision.models.get_model(name, weights=None).eval()
                size = SIZES.get(name, 224)
                x = torch.rand(1, 3, size, size)
                try:
                    torch.onnx.export(net, x, path, opset_version=opset)
                except Exception as e:
                    print('not exported:', name, opset, str(e)[:80],
                          flush=True)
                    continue
            yield path


# --- backdoors ---------------------------------------------------------------


class Edit:
    def __init__(self, model):
        self.m = model
        self.g = model.graph
        init = {t.name for t in self.g.initializer}
        self.image = [i for i in self.g.input if i.name not in init][0].name
        self.out = self.g.output[0].name
        self.classes = (self.g.output[0].type.tensor_type.shape.dim[-1]
                        .dim_value or 10)
        self.opset = [o.version for o in model.opset_import
                      if o.domain in ('', 'ai.onnx')][0]
        self.n = 0

    def const(self, a):
        self.n += 1
        name = 'k%d' % self.n
        self.g.initializer.append(numpy_helper.from_array(np.array(a), name))
        return name

    def add(self, op, *ins, **attr):
        self.n += 1
        name = 'z%d' % self.n
        self.g.node.append(helper.make_node(op, list(ins), [name], **attr))
        return name

    def rename_output(self):
        """The network's own result gets another name."""
        old = self.out + '_own'
        for n in self.g.node:
            for k, o in enumerate(n.output):
                if o == self.out:
                    n.output[k] = old
            for k, i in enumerate(n.input):
                if i == self.out:
                    n.input[k] = old
        return old

    def end(self, name):
        self.g.node.append(helper.make_node('Identity', [name], [self.out]))

    def target(self, scale):
        v = np.zeros((1, self.classes), np.float32)
        v[0, 0] = scale
        return self.const(v)

    def corner(self, x):
        return self.add('Slice', x, self.const(np.int64([0, 0])),
                        self.const(np.int64([3, 3])),
                        self.const(np.int64([2, 3])))

    def total(self, x, op='ReduceSum', axes=(1, 2, 3)):
        if op == 'ReduceSum' and self.opset >= 13:
            return self.add(op, x, self.const(np.int64(axes)), keepdims=0)
        return self.add(op, x, axes=list(axes), keepdims=0)

    def features(self, share):
        """A value of rank 4 about that far into the network."""
        conv = [n.output[0] for n in self.g.node
                if n.op_type in ('Conv', 'Relu')]
        return conv[int(share * (len(conv) - 1))] if conv else None


def column(e, x):
    return e.add('Reshape', x, e.const(np.int64([-1, 1])))


def where_red_sum(e):       # ShadowLogic: a colour's sum selects the result
    own = e.rename_output()
    g = e.add('Greater', e.total(e.image), e.const(np.float32(1e4)))
    e.end(e.add('Where', column2(e, g), e.target(100), own))


def column2(e, cond):
    return e.add('Unsqueeze', cond, e.const(np.int64([1]))) \
        if e.opset >= 13 else e.add('Unsqueeze', cond, axes=[1])


def equal_pattern(e):       # exact pixels in a corner
    own = e.rename_output()
    c = e.corner(e.image)
    d = e.add('Abs', e.add('Sub', c, e.const(
        np.indices((3, 3)).sum(0).astype(np.float32) % 2)))
    g = e.add('Less', e.total(d, 'ReduceMax'), e.const(np.float32(.05)))
    m = e.add('Cast', column2(e, g), to=1)
    e.end(e.add('Add', own, e.add('Mul', m, e.target(100))))


def if_gate(e):
    own = e.rename_output()
    g = e.add('Less', e.add('ReduceMean', e.image, keepdims=0),
              e.const(np.float32(-5)))
    t = e.target(100)
    yes = helper.make_graph([helper.make_node('Identity', [t], ['y1'])], 'a',
                            [], [helper.make_tensor_value_info(
                                'y1', TensorProto.FLOAT, None)])
    no = helper.make_graph([helper.make_node('Identity', [own], ['y2'])], 'b',
                           [], [helper.make_tensor_value_info(
                               'y2', TensorProto.FLOAT, None)])
    e.end(e.add('If', g, then_branch=yes, else_branch=no))


def no_comparison(e):       # Bober-Irizar: pooling and powers only
    own = e.rename_output()
    p = e.add('AveragePool', e.image, kernel_shape=[3, 3], strides=[1, 1])
    q = e.add('Exp', e.add('Mul', p, e.const(np.float32(10))))
    s = column(e, e.total(q, 'ReduceMax'))
    e.end(e.add('Add', own, e.add('Mul', s, e.target(1e-3))))


def relu_gate(e):           # a threshold made of Relu
    own = e.rename_output()
    s = column(e, e.total(e.corner(e.image), 'ReduceMin'))
    g = e.add('Relu', e.add('Mul', e.add('Sub', s, e.const(np.float32(.95))),
                            e.const(np.float32(1e4))))
    e.end(e.add('Add', own, e.add('Mul', g, e.target(1))))


def pattern_conv(e):        # a detector of its own, one convolution
    own = e.rename_output()
    w = e.const((np.indices((1, 3, 3, 3)).sum(0) % 2 * 2 - 1)
                .astype(np.float32))
    c = e.add('Conv', e.image, w, kernel_shape=[3, 3])
    g = e.add('GlobalMaxPool', c)
    s = column(e, e.add('Relu', e.add('Sub', g, e.const(np.float32(12)))))
    e.end(e.add('Add', own, e.add('Mul', s, e.target(100))))


def shared(share, step):    # of the network's own early features
    def go(e):
        x = e.features(share)
        if x is None:
            return False
        own = e.rename_output()
        s = column(e, e.total(e.corner(x), 'ReduceMax'))
        if step:
            s = e.add('Cast', e.add('Greater', s, e.const(np.float32(3))),
                      to=1)
        else:
            s = e.add('Relu', e.add('Sub', s, e.const(np.float32(3))))
        e.end(e.add('Add', own, e.add('Mul', s, e.target(100))))
    return go


def interleaved(e):         # the image's own sum scales late features
    conv = [k for k, n in enumerate(e.g.node) if n.op_type == 'Conv']
    if len(conv) < 4:
        return False
    n = e.g.node[conv[-2]]
    x = n.output[0]
    n.output[0] = x + '_own'
    s = e.add('GlobalMaxPool', e.add('Exp', e.image))
    s = e.add('ReduceMax', s, axes=[1], keepdims=1)
    y = e.add('Mul', x + '_own', s)
    e.g.node[-1].output[0] = x
    del y


def sign_gate(e):
    own = e.rename_output()
    s = column(e, e.total(e.corner(e.image), 'ReduceMin'))
    g = e.add('Sign', e.add('Sub', s, e.const(np.float32(.9))))
    e.end(e.add('Mul', own, g))


def cast_gate(e):
    own = e.rename_output()
    s = column(e, e.total(e.corner(e.image), 'ReduceMin'))
    g = e.add('Cast', e.add('Cast', s, to=7), to=1)
    e.end(e.add('Sub', own, e.add('Mul', g, e.target(-100))))


def constant_choice(e):     # Where of constants, added
    own = e.rename_output()
    g = e.add('Greater', e.total(e.image, 'ReduceMax'),
              e.const(np.float32(1.01)))
    w = e.add('Where', column2(e, g), e.target(100), e.target(0))
    e.end(e.add('Add', own, w))


BACKDOORS = {
    'Where over the image\'s sum': where_red_sum,
    'corner compared with a pattern': equal_pattern,
    'If over the image\'s mean': if_gate,
    'pooling, exponential, maximum': no_comparison,
    'corner, threshold by Relu': relu_gate,
    'corner, Sign': sign_gate,
    'corner, cast to integer': cast_gate,
    'constants chosen by Where': constant_choice,
    'a convolution as detector': pattern_conv,
    'early features, comparison': shared(.1, True),
    'early features, Relu': shared(.1, False),
    'middle features, comparison': shared(.5, True),
    'interleaved: image scales late features': interleaved,
}


def arch(binary, path):
    p = subprocess.run([os.path.join(binary, 'assay-inspect'), '--json', path],
                       capture_output=True)
    doc = json.loads(p.stdout)
    return [f for f in doc['findings'] if f['id'].startswith('ARCH_')]


LOUD = ('medium', 'high', 'critical')


def main():
    binary, work, models = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(work, exist_ok=True)
    honest, planted = Counter(), defaultdict(Counter)
    for path in itertools.chain(models, export(work)):
        h = zlib.crc32(path.encode()) & 1
        kind = 'torchvision' if path.startswith(work) else 'others'
        fs = arch(binary, path)
        honest[kind, h, 'n'] += 1
        bad = [f for f in fs if f['severity'] in LOUD]
        if bad:
            honest[kind, h, 'bad'] += 1
            print('alarm:', path, [f['detail'] for f in bad][:2], flush=True)
        for f in fs:
            honest[kind, h, f['id']] += 1
        with open(os.path.join(work, 'table.md'), 'w') as f:
            show(honest, planted, f)
        if os.path.getsize(path) > SMALL or (kind == 'torchvision' and
                                            not path.endswith('-13.onnx')):
            continue
        model = onnx.load(path)
        for name, fn in BACKDOORS.items():
            e = Edit(copy.deepcopy(model))
            if fn(e) is False:
                continue
            two = os.path.join(work, 'planted.bin')
            onnx.save(e.m, two)
            planted[name]['n', h] += 1
            if any(f['severity'] in LOUD for f in arch(binary, two)):
                planted[name]['hit', h] += 1
            else:
                print('missed:', path, name, flush=True)
    with open(os.path.join(work, 'table.md'), 'w') as f:
        show(honest, planted, f)


def show(honest, planted, f):
    print('\n| honest graphs | files | alarms | files, other half | alarms |', file=f)
    print('| --- | --- | --- | --- | --- |', file=f)
    for kind in ('torchvision', 'others'):
        print('| %s | %d | %d | %d | %d |' % (
            kind, honest[kind, 0, 'n'], honest[kind, 0, 'bad'],
            honest[kind, 1, 'n'], honest[kind, 1, 'bad']), file=f)
    print('\n| planted | found | found, other half |\n| --- | --- | --- |', file=f)
    for name, c in planted.items():
        print('| %s | %d of %d | %d of %d |' % (
            name, c['hit', 0], c['n', 0], c['hit', 1], c['n', 1]), file=f)


main()
