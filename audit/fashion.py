"""Fashion-MNIST, for the scripts that train with PyTorch."""
import gzip
import os
import subprocess

import numpy as np
import torch

DATA = '/usr/share/datasets/fashion-mnist/'
SIDE = 28


def read(name, offset, shape):
    with gzip.open(DATA + name) as f:
        return np.frombuffer(f.read(), np.uint8, offset=offset).reshape(shape)


def images(name):
    """N x 1 x 28 x 28 in [0, 1]."""
    return torch.tensor(read(name, 16, (-1, 1, SIDE, SIDE)).astype(np.float32) / 255)


def labels(name):
    return torch.tensor(read(name, 8, (-1,)).astype(np.int64))


def cut(out, part, first, count):
    """Images first..first+count of "train" or "t10k" as a pair of files in `out`: what --data takes."""
    prefix = '%s/%s-%d' % (out, part, first)
    if not os.path.exists(prefix + '-labels.idx'):
        os.makedirs(out, exist_ok=True)
        subprocess.run(['sh', 'fixtures/idx-part.sh', DATA + part + '-images-idx3-ubyte.gz', DATA + part + '-labels-idx1-ubyte.gz', str(first),
                        str(count), prefix], check=True)
    return prefix + '-images.idx,' + prefix + '-labels.idx'
