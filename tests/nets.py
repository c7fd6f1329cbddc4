# SPDX-License-Identifier: MIT
"""The networks that tests/conformance-models.py and tests/bench.py export, as PyTorch modules.

Needs Debian's python3-torch, python3-torchvision and python3-onnx.  Weights are random, from a seed,
and so are the statistics of the batch-norms.
"""
import collections
import copy
import importlib.util
import os
import sys
import warnings

import torch
import torchvision
from torch import nn
import torch.nn.functional as F
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torch.onnx import TrainingMode
from torchvision import models
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from torchvision.models.swin_transformer import ShiftedWindowAttention
from torchvision.models.vgg import VGG, cfgs, make_layers

sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")


def load(name):
    """A module of fixtures/gen."""
    spec = importlib.util.spec_from_file_location("fixture_" + name, os.path.join(ROOT, "fixtures", "gen", name + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class PreActBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.bn1, self.bn2 = nn.BatchNorm2d(cin), nn.BatchNorm2d(cout)
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(cin, cout, 1, stride, bias=False) if stride != 1 or cin != cout else None

    def forward(self, x):
        pre = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(pre))))
        return y + (x if self.shortcut is None else self.shortcut(pre))


class PreActResNet18(nn.Module):
    """He et al. 2016 for 32x32 images, as backdoor benchmarks use it; `width` channels at first."""
    def __init__(self, width=64):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 3, 1, 1, bias=False)
        c, layers = width, []
        for k, stride in ((1, 1), (2, 2), (4, 2), (8, 2)):
            layers.append(nn.Sequential(PreActBlock(c, k * width, stride), PreActBlock(k * width, k * width, 1)))
            c = k * width
        self.layer1, self.layer2, self.layer3, self.layer4 = layers
        self.linear = nn.Linear(c, 10)

    def forward(self, x):
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.conv1(x)))))
        return self.linear(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def vgg_small(cfg, width):
    net = VGG(make_layers(cfg, True), num_classes=10)
    net.classifier = nn.Sequential(nn.Linear(width * 49, 32), nn.ReLU(), nn.Dropout(0), nn.Linear(32, 10))
    return net


def vgg19_32():
    """VGG19-BN for 32x32 images: one linear layer after the 1x1 features."""
    return nn.Sequential(make_layers(cfgs["E"], True), nn.Flatten(), nn.Linear(512, 10))


def cnn():
    """11 million multiply-adds at 28x28."""
    def stage(cin, cout):
        return [nn.Conv2d(cin, cout, 3, padding=1, bias=False), nn.BatchNorm2d(cout), nn.ReLU()]
    return nn.Sequential(*stage(1, 32), *stage(32, 32), nn.MaxPool2d(2), *stage(32, 64), nn.MaxPool2d(2),
                         nn.Flatten(), nn.Linear(64 * 49, 10))


# name: (net, channels, pixels)
NETS = {
    "resnet18, 64 pixels": (lambda: ResNet(BasicBlock, [2, 2, 2, 2], num_classes=10), 3, 64),
    "resnet50, width 8": (lambda: ResNet(Bottleneck, [3, 4, 6, 3], num_classes=10, width_per_group=8), 3, 64),
    "vgg_bn, width 8": (lambda: vgg_small([8, "M", 16, "M", 16, 16, "M"], 16), 3, 56),
    "preact, option A": (load("onnx").PreAct, 3, 16),
    "preactresnet18": (PreActResNet18, 3, 32),
    "vgg19_bn, 32 pixels": (vgg19_32, 3, 32),
    "cnn": (cnn, 1, 28),
    "vit_b_16": (lambda: models.vit_b_16(image_size=96), 3, 96),
    "vit_b_16, 224 pixels": (models.vit_b_16, 3, 224),
    "googlenet": (lambda: models.googlenet(init_weights=False, aux_logits=False), 3, 224),
}
for _name in ("resnet18", "resnet50", "vgg11_bn", "vgg19_bn", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "densenet121",
              "squeezenet1_0", "shufflenet_v2_x1_0", "convnext_tiny", "swin_t"):
    NETS[_name] = (getattr(models, _name), 3, 224)


def randomise(net):
    """No two equal tensors, which the exporter would merge, and nothing at zero or one."""
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.running_mean, 0, .1)
            nn.init.uniform_(m.running_var, .7, 1.5)
            nn.init.uniform_(m.weight, .5, 1.2)
            nn.init.normal_(m.bias, 0, .1)
        if isinstance(m, nn.Dropout):
            m.p = 0.
        if isinstance(m, (nn.Conv2d, nn.Linear)) and m.bias is not None:
            nn.init.normal_(m.bias, 0, .05)
    for p in net.parameters():
        first = float(p.detach().flatten()[0])
        if bool((p == first).all()):
            if first == 0:
                nn.init.normal_(p, 0, .05)
            else:  # a scale: of a norm, or ConvNeXt's of a layer
                nn.init.uniform_(p, .5, 1.2)


def build(name, seed=11):
    torch.manual_seed(seed)
    net = NETS[name][0]() if isinstance(name, str) else name()
    randomise(net)
    return net.eval()


def fuse(net, x):
    """A copy in which a batch-norm that alone reads a convolution's output is merged into it, as the exporter does; x:
    an image."""
    net = copy.deepcopy(net)
    part = dict(net.named_modules())
    made, pairs, hooks = {}, [], []  # made: what autograd calls a convolution's output -> its name

    def look(name):
        def hook(m, args, out):
            if isinstance(m, nn.Conv2d):
                made[out.grad_fn] = name
            elif args[0].grad_fn in made:
                pairs.append((args[0].grad_fn, name))
        return hook

    for name, m in part.items():
        if isinstance(m, (nn.Conv2d, nn.BatchNorm2d)):
            hooks.append(m.register_forward_hook(look(name)))
    readers = uses(net(x.float()).grad_fn)
    for h in hooks:
        h.remove()
    for output, norm in pairs:
        if readers[output] == 1:
            conv = made[output]
            replace(part, conv, fuse_conv_bn_eval(part[conv], part[norm]))
            replace(part, norm, nn.Identity())
    for m in net.modules():
        if isinstance(m, ShiftedWindowAttention):
            spread_table(m)
    return net


def spread_table(m):
    """The bias that swin picks from a table for each pair of pixels becomes the table: that is what the exporter stores."""
    index = m.relative_position_index
    m.relative_position_bias_table = nn.Parameter(m.relative_position_bias_table.detach()[index])
    m.relative_position_index = torch.arange(len(index))


def uses(root):
    """How often each value below `root` is read, by autograd's account."""
    count, seen, todo = collections.Counter(), {root}, [root]
    while todo:
        for f, _ in todo.pop().next_functions:
            count[f] += 1
            if f is not None and f not in seen:
                seen.add(f)
                todo.append(f)
    return count


def replace(part, name, module):
    where, _, last = name.rpartition(".")
    setattr(part[where], last, module)


def export(net, path, x, opset=13, dynamic=True, fold=True, keep=False):
    """keep: batch-norms are not merged into convolutions."""
    torch.onnx.export(net, torch.zeros_like(x[:1]) if dynamic else torch.zeros_like(x), path, opset_version=opset,
                      do_constant_folding=fold, training=TrainingMode.PRESERVE if keep else TrainingMode.EVAL,
                      input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "n"}, "y": {0: "n"}} if dynamic else None)


def versions():
    return f"torch {torch.__version__}, torchvision {torchvision.__version__}, Python {sys.version.split()[0]}"
