# SPDX-License-Identifier: MIT
"""What tests/interop/arch.py and fixtures/gen/weights.py compare with, beside tests/cifar_nets.py: vision transformers and
BEiT with the names of timm (vision_transformer.py, beit.py), MobileNet and DenseNet with those of pytorch-cifar
(mobilenet.py, mobilenetv2.py, densenet.py)."""
import torch
import torch.nn.functional as F
from torch import nn

from cifar_nets import Mlp, Patches, Scale


def quick_gelu(x):
    return x * torch.sigmoid(1.702 * x)


class Distances(nn.Module):
    """A number for each head and distance of two patches, and three for the class token; the index is kept by older versions."""
    def __init__(self, side, heads, kept):
        super().__init__()
        rows = (2 * side - 1) ** 2 + 3
        self.relative_position_bias_table = nn.Parameter(torch.randn(rows, heads))
        index = torch.zeros(side * side + 1, side * side + 1, dtype=torch.long)
        for p in range(side * side):
            for q in range(side * side):
                down, right = p // side - q // side + side - 1, p % side - q % side + side - 1
                index[p + 1, q + 1] = down * (2 * side - 1) + right
        index[0, :], index[:, 0], index[0, 0] = rows - 3, rows - 2, rows - 1
        self.register_buffer("relative_position_index", index, persistent=kept)

    def biases(self):
        i = self.relative_position_index
        return self.relative_position_bias_table[i.flatten()].view(*i.shape, -1).permute(2, 0, 1)


class Attention(nn.Module):
    def __init__(self, dim, heads, norms):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.q_norm, self.k_norm = (nn.LayerNorm(dim // heads, 1e-6) if norms else nn.Identity() for _ in range(2))

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        s = torch.softmax(self.q_norm(q) @ self.k_norm(k).transpose(-2, -1) * (d // self.heads) ** -.5, -1)
        return self.proj((s @ v).transpose(1, 2).reshape(n, t, d))


class Block(nn.Module):
    def __init__(self, dim, heads, eps, norms, scale, act):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, eps), Attention(dim, heads, norms)
        self.norm2, self.mlp = nn.LayerNorm(dim, eps), Mlp(dim, 2 * dim)
        self.ls1, self.ls2 = (Scale(dim), Scale(dim)) if scale else (nn.Identity(), nn.Identity())
        self.act = act

    def forward(self, x):
        x = x + self.ls1(self.attn(self.norm1(x)))
        y = self.mlp.fc2(self.act(self.mlp.fc1(self.norm2(x))))
        return x + self.ls2(y)


class Vit(nn.Module):
    """places: of "all" tokens, or of "patches"; registers; a norm in front, as CLIP's have; a mean without a class token."""
    def __init__(self, side, patch, dim, depth, heads, classes=10, places="patches", registers=0, clip=False, norms=False,
                 scale=False, token=True, act=F.gelu):
        super().__init__()
        self.places, self.token, eps = places, token, 1e-5 if clip else 1e-6
        self.patch_embed = Patches(patch, dim)
        self.patch_embed.proj = nn.Conv2d(3, dim, patch, patch, bias=not clip)
        if token:
            self.cls_token = nn.Parameter(torch.randn(1, 1, dim) * .1)
        if registers:
            self.reg_token = nn.Parameter(torch.randn(1, registers, dim) * .1)
        n = (side // patch) ** 2
        self.pos_embed = nn.Parameter(torch.randn(1, n + (places == "all"), dim) * .1)
        self.norm_pre = nn.LayerNorm(dim, eps) if clip else nn.Identity()
        self.blocks = nn.Sequential(*(Block(dim, heads, eps, norms, scale, act) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim, eps) if token else nn.Identity()
        self.fc_norm = nn.Identity() if token else nn.LayerNorm(dim, eps)
        self.head = nn.Linear(dim, classes)

    def forward(self, x):
        x = self.patch_embed(x)
        first = [getattr(self, k).expand(len(x), -1, -1) for k in ("cls_token", "reg_token") if hasattr(self, k)]
        x = torch.cat(first + [x], 1) + self.pos_embed if self.places == "all" else torch.cat(first + [x + self.pos_embed], 1)
        x = self.norm(self.blocks(self.norm_pre(x)))
        return self.head(x[:, 0] if self.token else self.fc_norm(x.mean(1)))


class BeitAttention(nn.Module):
    def __init__(self, dim, heads, side, kept):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)
        self.q_bias, self.v_bias = nn.Parameter(torch.randn(dim) * .1), nn.Parameter(torch.randn(dim) * .1)
        if side:
            own = Distances(side, heads, kept)
            self.relative_position_bias_table = own.relative_position_bias_table
            self.register_buffer("relative_position_index", own.relative_position_index, persistent=kept)

    def forward(self, x, shared):
        n, t, d = x.shape
        bias = torch.cat((self.q_bias, torch.zeros_like(self.v_bias), self.v_bias))
        q, k, v = F.linear(x, self.qkv.weight, bias).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        s = q @ k.transpose(-2, -1) * (d // self.heads) ** -.5 + shared
        if hasattr(self, "relative_position_bias_table"):
            s = s + Distances.biases(self)
        return self.proj((torch.softmax(s, -1) @ v).transpose(1, 2).reshape(n, t, d))


class BeitBlock(nn.Module):
    def __init__(self, dim, heads, side, kept, scale):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim, 1e-6), BeitAttention(dim, heads, side, kept)
        self.norm2, self.mlp = nn.LayerNorm(dim, 1e-6), Mlp(dim, 2 * dim)
        if scale:
            self.gamma_1, self.gamma_2 = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.ones(dim))

    def forward(self, x, shared):
        y = self.attn(self.norm1(x), shared)
        x = x + (self.gamma_1 * y if hasattr(self, "gamma_1") else y)
        y = self.mlp(self.norm2(x))
        return x + (self.gamma_2 * y if hasattr(self, "gamma_2") else y)


class Beit(nn.Module):
    """distances: of each block's "own", or "shared"; places as well, and the class token instead of the mean."""
    def __init__(self, side, patch, dim, depth, heads, classes=10, distances="own", places=False, mean=True, scale=True, kept=False):
        super().__init__()
        grid = side // patch
        self.patch_embed, self.cls_token = Patches(patch, dim), nn.Parameter(torch.randn(1, 1, dim) * .1)
        if places:
            self.pos_embed = nn.Parameter(torch.randn(1, grid * grid + 1, dim) * .1)
        if distances == "shared":
            self.rel_pos_bias = Distances(grid, heads, kept)
        self.blocks = nn.ModuleList(BeitBlock(dim, heads, grid if distances == "own" else 0, kept, scale) for _ in range(depth))
        self.norm = nn.Identity() if mean else nn.LayerNorm(dim, 1e-6)
        self.fc_norm = nn.LayerNorm(dim, 1e-6) if mean else nn.Identity()
        self.head, self.mean = nn.Linear(dim, classes), mean

    def forward(self, x):
        x = self.patch_embed(x)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1)
        if hasattr(self, "pos_embed"):
            x = x + self.pos_embed
        shared = self.rel_pos_bias.biases() if hasattr(self, "rel_pos_bias") else 0
        for block in self.blocks:
            x = block(x, shared)
        x = self.norm(x)
        return self.head(self.fc_norm(x[:, 1:].mean(1)) if self.mean else x[:, 0])


def unit(cin, cout, k=1, stride=1, groups=1):
    return nn.Conv2d(cin, cout, k, stride, k // 2, groups=groups, bias=False), nn.BatchNorm2d(cout)


class MobileBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1, self.bn1 = unit(cin, cin, 3, stride, cin)
        self.conv2, self.bn2 = unit(cin, cout)
        self.out = cout

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class InvertedBlock(nn.Module):
    def __init__(self, cin, cout, ratio, stride):
        super().__init__()
        wide = ratio * cin
        self.conv1, self.bn1 = unit(cin, wide)
        self.conv2, self.bn2 = unit(wide, wide, 3, stride, wide)
        self.conv3, self.bn3 = unit(wide, cout)
        self.shortcut = nn.Sequential(*(unit(cin, cout) if stride == 1 and cin != cout else ()))
        self.stride, self.out = stride, cout

    def forward(self, x):
        y = F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))
        y = self.bn3(self.conv3(y))
        return y + self.shortcut(x) if self.stride == 1 else y


class Mobile(nn.Module):
    def __init__(self, first, layers, last=0, classes=10):
        super().__init__()
        self.conv1, self.bn1 = unit(3, first, 3)
        self.layers = nn.Sequential(*layers)
        wide = layers[-1].out
        if last:
            self.conv2, self.bn2 = unit(wide, last)
        self.linear = nn.Linear(last or wide, classes)

    def forward(self, x):
        x = self.layers(F.relu(self.bn1(self.conv1(x))))
        if hasattr(self, "conv2"):
            x = F.relu(self.bn2(self.conv2(x)))
        return self.linear(x.mean((2, 3)))


def mobilenet(widths, classes=10):
    """widths: one for each block; two where it halves the image."""
    layers, first = [], widths[0] // 2
    cin = first
    for w in widths:
        w, stride = w if isinstance(w, tuple) else (w, 1)
        layers.append(MobileBlock(cin, w, stride))
        cin = w
    return Mobile(first, layers, classes=classes)


def mobilenet_v2(first, rows, last, classes=10):
    layers, cin = [], first
    for ratio, cout, n, stride in rows:
        for i in range(n):
            layers.append(InvertedBlock(cin, cout, ratio, stride if i == 0 else 1))
            cin = cout
    return Mobile(first, layers, last, classes)


class DenseLayer(nn.Module):
    def __init__(self, cin, growth):
        super().__init__()
        self.bn1, self.conv1 = nn.BatchNorm2d(cin), nn.Conv2d(cin, 4 * growth, 1, bias=False)
        self.bn2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, x):
        return torch.cat([self.conv2(F.relu(self.bn2(self.conv1(F.relu(self.bn1(x)))))), x], 1)


class Transition(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.bn, self.conv = nn.BatchNorm2d(cin), nn.Conv2d(cin, cout, 1, bias=False)

    def forward(self, x):
        return F.avg_pool2d(self.conv(F.relu(self.bn(x))), 2)


class DenseNet(nn.Module):
    def __init__(self, depths, growth, classes=10):
        super().__init__()
        c, self.depths = 2 * growth, depths
        self.conv1 = nn.Conv2d(3, c, 3, padding=1, bias=False)
        for k, n in enumerate(depths):
            setattr(self, f"dense{k + 1}", nn.Sequential(*(DenseLayer(c + i * growth, growth) for i in range(n))))
            c += n * growth
            if k + 1 < len(depths):
                setattr(self, f"trans{k + 1}", Transition(c, c // 2))
                c //= 2
        self.bn, self.linear = nn.BatchNorm2d(c), nn.Linear(c, classes)

    def forward(self, x):
        x = self.conv1(x)
        for k in range(len(self.depths)):
            x = getattr(self, f"dense{k + 1}")(x)
            if k + 1 < len(self.depths):
                x = getattr(self, f"trans{k + 1}")(x)
        return self.linear(F.relu(self.bn(x)).mean((2, 3)))


V1 = [64, (128, 2), 128, (256, 2), 256, (512, 2)] + [512] * 5 + [(1024, 2), 1024]
V2 = [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]

# name: make, side of the image
NETS = {
    "beit_base_patch16_224": (lambda: Beit(224, 16, 768, 12, 12), 224),
    "beit, one table, index kept": (lambda: Beit(64, 16, 192, 3, 3, distances="shared", kept=True), 64),
    "beit, places, class token": (lambda: Beit(64, 16, 192, 3, 3, places=True, mean=False, scale=False), 64),
    "deit3_small_patch16_224": (lambda: Vit(224, 16, 384, 12, 6, scale=True), 224),
    "vit, four registers": (lambda: Vit(64, 16, 192, 3, 3, registers=4, scale=True), 64),
    "vit of clip": (lambda: Vit(64, 16, 192, 3, 3, places="all", clip=True), 64),
    "vit, norms of queries and keys, mean": (lambda: Vit(64, 16, 192, 3, 3, norms=True, token=False), 64),
    "pytorch-cifar mobilenet": (lambda: mobilenet(V1), 32),
    "pytorch-cifar mobilenet v2": (lambda: mobilenet_v2(32, V2, 1280), 32),
    "pytorch-cifar densenet121": (lambda: DenseNet([6, 12, 24, 16], 32), 32),
}
# of these: gradients too
GRADIENTS = ("beit_base_patch16_224", "beit, one table, index kept", "vit, four registers", "vit of clip", "pytorch-cifar mobilenet v2",
             "pytorch-cifar densenet121")
