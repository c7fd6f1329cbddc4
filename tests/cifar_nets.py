# SPDX-License-Identifier: MIT
"""Networks of CIFAR collections and of timm, written down once more from their definitions, as PyTorch modules with the
names that their files have: for tests/interop/arch.py and fixtures/gen/weights.py.

pytorch-cifar: models/{resnet,preact_resnet,resnext,senet,vgg}.py; RobustBench: architectures/wide_resnet.py; timm:
models/vision_transformer.py, deit.py.
"""
import torch
from torch import nn
import torch.nn.functional as F


def conv(cin, cout, k, stride=1, groups=1):
    return nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False)


def stages(block, cin, widths, depths):
    out = []
    for s, (c, n) in enumerate(zip(widths, depths)):
        blocks = []
        for i in range(n):
            blocks.append(block(cin, c, 2 if s > 0 and i == 0 else 1))
            cin = blocks[-1].out
        out.append(nn.Sequential(*blocks))
    return out


def shortcut(cin, cout, stride, norm=True):
    if stride == 1 and cin == cout:
        return nn.Sequential()
    c = nn.Conv2d(cin, cout, 1, stride, bias=False)
    return nn.Sequential(c, nn.BatchNorm2d(cout)) if norm else nn.Sequential(c)


class Basic(nn.Module):
    def __init__(self, cin, c, stride):
        super().__init__()
        self.out = c
        self.conv1, self.bn1 = conv(cin, c, 3, stride), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = conv(c, c, 3), nn.BatchNorm2d(c)
        self.shortcut = shortcut(cin, c, stride)

    def last(self, x):
        return x

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(self.last(y) + self.shortcut(x))


class OptionA(Basic):
    """Without weights in the shortcut: akamaster's pytorch_resnet_cifar10."""
    def __init__(self, cin, c, stride):
        super().__init__(cin, c, stride)
        self.shortcut = nn.Identity()
        self.side = (c - cin) // 2

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.side, self.side)) if self.side else x))


class Bottleneck(nn.Module):
    def __init__(self, cin, c, stride, groups=1, expansion=4):
        super().__init__()
        self.out = c * expansion
        self.conv1, self.bn1 = conv(cin, c, 1), nn.BatchNorm2d(c)
        self.conv2, self.bn2 = conv(c, c, 3, stride, groups), nn.BatchNorm2d(c)
        self.conv3, self.bn3 = conv(c, self.out, 1), nn.BatchNorm2d(self.out)
        self.shortcut = shortcut(cin, self.out, stride)

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        return F.relu(self.bn3(self.conv3(y)) + self.shortcut(x))


class PreAct(nn.Module):
    def __init__(self, cin, c, stride):
        super().__init__()
        self.out = c
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), conv(cin, c, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(c), conv(c, c, 3)
        if stride != 1 or cin != c:
            self.shortcut = shortcut(cin, c, stride, False)

    def last(self, x):
        return x

    def forward(self, x):
        pre = F.relu(self.bn1(x))
        y = self.conv2(F.relu(self.bn2(self.conv1(pre))))
        return self.last(y) + (self.shortcut(pre) if hasattr(self, "shortcut") else x)


class Squeezed:
    def squeeze(self, c):
        self.fc1, self.fc2 = nn.Conv2d(c, max(c // 16, 1), 1), nn.Conv2d(max(c // 16, 1), c, 1)

    def last(self, x):
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(F.adaptive_avg_pool2d(x, 1)))))


class SePreAct(Squeezed, PreAct):
    def __init__(self, cin, c, stride):
        super().__init__(cin, c, stride)
        self.squeeze(c)


class SeBasic(Squeezed, Basic):
    def __init__(self, cin, c, stride):
        super().__init__(cin, c, stride)
        self.squeeze(c)


class ResNet(nn.Module):
    def __init__(self, block, stem, widths, depths, kernel=3, norm=True, classes=10):
        super().__init__()
        self.conv1 = conv(3, stem, kernel)
        if norm:
            self.bn1 = nn.BatchNorm2d(stem)
        for i, s in enumerate(stages(block, stem, widths, depths)):
            setattr(self, f"layer{i + 1}", s)
            out = s[-1].out
        self.linear = nn.Linear(out, classes)
        self.n = len(widths)

    def forward(self, x):
        x = self.conv1(x)
        if hasattr(self, "bn1"):
            x = F.relu(self.bn1(x))
        for i in range(self.n):
            x = getattr(self, f"layer{i + 1}")(x)
        return self.linear(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def resnext(cardinality, width):
    widths = [cardinality * width * k for k in (1, 2, 4)]
    return ResNet(lambda i, c, s: Bottleneck(i, c, s, cardinality, 2), 64, widths, [3, 3, 3], kernel=1)


class Wide(nn.Module):
    def __init__(self, cin, c, stride):
        super().__init__()
        self.out, self.same = c, cin == c
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), conv(cin, c, 3, stride)
        self.bn2, self.conv2 = nn.BatchNorm2d(c), conv(c, c, 3)
        self.convShortcut = None if self.same else nn.Conv2d(cin, c, 1, stride, bias=False)

    def forward(self, x):
        y = F.relu(self.bn1(x))
        if not self.same:
            x = self.convShortcut(y)
        return x + self.conv2(F.relu(self.bn2(self.conv1(y))))


class Layer(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class WideResNet(nn.Module):
    def __init__(self, depth, widen, first=16, classes=10, twice=False):
        super().__init__()
        self.conv1 = conv(3, first, 3)
        parts = stages(Wide, first, [first * widen * k for k in (1, 2, 4)], [(depth - 4) // 6] * 3)
        self.block1, self.block2, self.block3 = map(Layer, parts)
        if twice:
            self.sub_block1 = Layer(stages(Wide, first, [first * widen], [1])[0])
        self.bn1, self.fc = nn.BatchNorm2d(parts[-1][-1].out), nn.Linear(parts[-1][-1].out, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.block3(self.block2(self.block1(self.conv1(x))))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class CifarVgg(nn.Module):
    def __init__(self, cfg, classes=10):
        super().__init__()
        layers, cin = [], 3
        for v in cfg:
            if v == "M":
                layers.append(nn.MaxPool2d(2, 2))
            else:
                layers += [nn.Conv2d(cin, v, 3, padding=1), nn.BatchNorm2d(v), nn.ReLU()]
                cin = v
        self.features = nn.Sequential(*layers, nn.AvgPool2d(1, 1))
        self.classifier = nn.Linear(cin, classes)

    def forward(self, x):
        return self.classifier(torch.flatten(self.features(x), 1))


VGG16 = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"]


class Attention(nn.Module):
    def __init__(self, dim, heads, bias=True):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim, bias=bias), nn.Linear(dim, dim)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        s = torch.softmax(q @ k.transpose(-2, -1) * (d // self.heads) ** -.5, -1)
        return self.proj((s @ v).transpose(1, 2).reshape(n, t, d))


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Scale(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return x * self.gamma


class VitBlock(nn.Module):
    def __init__(self, dim, heads, hidden, bias, scale):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, 1e-6), Attention(dim, heads, bias)
        self.norm2, self.mlp = nn.LayerNorm(dim, 1e-6), Mlp(dim, hidden)
        self.ls1, self.ls2 = (Scale(dim), Scale(dim)) if scale else (nn.Identity(), nn.Identity())

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        return x + self.ls2(self.mlp(self.norm2(x)))


class Patches(nn.Module):
    def __init__(self, patch, dim):
        super().__init__()
        self.proj = nn.Conv2d(3, dim, patch, patch)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class TimmVit(nn.Module):
    def __init__(self, side, patch, dim, depth, heads, hidden=None, classes=1000, distilled=False, mean=False, bias=True, scale=False):
        super().__init__()
        extra = 2 if distilled else 1
        self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * .1)
        if distilled:
            self.dist_token = nn.Parameter(torch.randn(1, 1, dim) * .1)
            self.head_dist = nn.Linear(dim, classes)
        self.pos_embed = nn.Parameter(torch.randn(1, (side // patch) ** 2 + extra, dim) * .1)
        self.patch_embed = Patches(patch, dim)
        self.blocks = nn.Sequential(*(VitBlock(dim, heads, hidden or 4 * dim, bias, scale) for _ in range(depth)))
        self.norm = nn.Identity() if mean else nn.LayerNorm(dim, 1e-6)
        self.fc_norm = nn.LayerNorm(dim, 1e-6) if mean else nn.Identity()
        self.head = nn.Linear(dim, classes)
        self.mean = mean

    def forward(self, x):
        first = [self.cls_token] + ([self.dist_token] if hasattr(self, "dist_token") else [])
        x = torch.cat([t.expand(x.shape[0], -1, -1) for t in first] + [self.patch_embed(x)], 1) + self.pos_embed
        x = self.norm(self.blocks(x))
        if hasattr(self, "head_dist"):
            return (self.head(x[:, 0]) + self.head_dist(x[:, 1])) / 2
        return self.head(self.fc_norm(x[:, 1:].mean(1) if self.mean else x[:, 0]))


NETS = {
    "cifar resnet18": (lambda: ResNet(Basic, 64, [64, 128, 256, 512], [2, 2, 2, 2]), 32),
    "cifar resnet50": (lambda: ResNet(Bottleneck, 64, [64, 128, 256, 512], [3, 4, 6, 3]), 32),
    "resnet20, option A": (lambda: ResNet(OptionA, 16, [16, 32, 64], [3, 3, 3]), 32),
    "preactresnet18": (lambda: ResNet(PreAct, 64, [64, 128, 256, 512], [2, 2, 2, 2], norm=False), 32),
    "senet18": (lambda: ResNet(SePreAct, 64, [64, 128, 256, 512], [2, 2, 2, 2]), 32),
    "senet18, plain blocks": (lambda: ResNet(SeBasic, 64, [64, 128, 256, 512], [2, 2, 2, 2]), 32),
    "resnext29_2x64d": (lambda: resnext(2, 64), 32),
    "resnext29_32x4d": (lambda: resnext(32, 4), 32),
    "wrn-28-10": (lambda: WideResNet(28, 10), 32),
    "wrn-16-2, sub_block1": (lambda: WideResNet(16, 2, twice=True), 32),
    "cifar vgg16": (lambda: CifarVgg(VGG16), 32),
    "deit_tiny_patch16_224": (lambda: TimmVit(224, 16, 192, 12, 3), 224),
    "vit_base_patch32_224": (lambda: TimmVit(224, 32, 768, 12, 12), 224),
    "deit_small_distilled_patch16_224": (lambda: TimmVit(224, 16, 384, 12, 6, distilled=True), 224),
    "vit, mean of tokens": (lambda: TimmVit(64, 16, 192, 4, 3, mean=True, bias=False, scale=True), 64),
}
GRADIENTS = ("resnet20, option A", "senet18", "resnext29_32x4d", "wrn-16-2, sub_block1", "cifar vgg16", "deit_tiny_patch16_224",
             "deit_small_distilled_patch16_224", "vit, mean of tokens")


class GoogLeNet(nn.Module):
    """pytorch-cifar, models/googlenet.py; `width` divides its channels."""
    def __init__(self, width=1, classes=10):
        super().__init__()
        n = lambda *v: [max(c // width, 2) for c in v]

        def row(*sizes):
            layers = []
            for i, o, k in sizes:
                layers += [nn.Conv2d(i, o, k, padding=k // 2), nn.BatchNorm2d(o), nn.ReLU(True)]
            return layers

        def inception(i, one, three, threes, five, fives, pooled):
            block = nn.Module()
            block.b1 = nn.Sequential(*row((i, one, 1)))
            block.b2 = nn.Sequential(*row((i, three, 1), (three, threes, 3)))
            block.b3 = nn.Sequential(*row((i, five, 1), (five, fives, 3), (fives, fives, 3)))
            block.b4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), *row((i, pooled, 1)))
            return block, one + threes + fives + pooled
        i = n(192)[0]
        self.pre_layers = nn.Sequential(*row((3, i, 3)))
        self.order = []
        for name, sizes in (("a3", n(64, 96, 128, 16, 32, 32)), ("b3", n(128, 128, 192, 32, 96, 64)), (None, None),
                            ("a4", n(192, 96, 208, 16, 48, 64)), ("b4", n(160, 112, 224, 24, 64, 64)),
                            ("c4", n(128, 128, 256, 24, 64, 64)), ("d4", n(112, 144, 288, 32, 64, 64)),
                            ("e4", n(256, 160, 320, 32, 128, 128)), (None, None), ("a5", n(256, 160, 320, 32, 128, 128)),
                            ("b5", n(384, 192, 384, 48, 128, 128))):
            self.order.append(name)
            if name:
                block, i = inception(i, *sizes)
                setattr(self, name, block)
        self.linear = nn.Linear(i, classes)

    def forward(self, x):
        x = self.pre_layers(x)
        for name in self.order:
            b = getattr(self, name) if name else None
            x = torch.cat([b.b1(x), b.b2(x), b.b3(x), b.b4(x)], 1) if b else F.max_pool2d(x, 3, 2, 1)
        return self.linear(x.mean((2, 3)))
