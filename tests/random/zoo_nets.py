"""Nets that torchvision lacks, written from their papers; names of parameters as in examples/."""
from collections import OrderedDict

import torch
import torch.nn.functional as F
from torch import nn


class Vit(nn.Module):
    """Dosovitskiy et al., 2021, as small as examples/vit.yaml."""
    def __init__(self, side=32, patch=4, features=128, heads=4, depth=6, classes=10):
        super().__init__()
        self.patches = nn.Conv2d(3, features, patch, patch)
        self.cls, self.positions = nn.Module(), nn.Module()
        self.cls.weight = nn.Parameter(torch.zeros(1, features))
        self.positions.weight = nn.Parameter(torch.zeros((side // patch)**2 + 1, features))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(
            features, heads, 2 * features, 0.0, "gelu", batch_first=True, norm_first=True) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(features), nn.Linear(features, classes)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.weight.expand(len(x), 1, -1), x], 1) + self.positions.weight
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


# ---- NASNet-A: Zoph et al., 2018, figure 4 and appendix A.4 ----

def same(x, k, stride, value=0.0):
    """TensorFlow's SAME: more at the bottom and right."""
    more = [max((-(-n // stride) - 1) * stride + k - n, 0) for n in x.shape[2:]]
    return F.pad(x, (more[1] // 2, more[1] - more[1] // 2, more[0] // 2, more[0] - more[0] // 2), value=value)


def max_pool(x, stride):
    return F.max_pool2d(same(x, 3, stride, -float("inf")), 3, stride)


def avg_pool(x, stride=1):
    ones = same(torch.ones_like(x[:1, :1]), 3, stride)
    return F.avg_pool2d(same(x, 3, stride), 3, stride) / F.avg_pool2d(ones, 3, stride)


class SameConv(nn.Conv2d):
    def forward(self, x):
        return F.conv2d(same(x, self.kernel_size[0], self.stride[0]), self.weight, None, self.stride, 0, 1, self.groups)


class AvgPool(nn.Module):
    def forward(self, x):
        return avg_pool(x)


class Halves(nn.ModuleList):
    """Every second pixel, and those in between."""
    def __init__(self, c, f):
        nop = [nn.Identity() for _ in range(3)]
        super().__init__([nn.Sequential(nn.Conv2d(c, f // 2, 1, 2, bias=False)),
                          nn.Sequential(*nop, nn.Conv2d(c, f - f // 2, 1, 2, bias=False))])

    def forward(self, x):
        return torch.cat([self[0](x), self[1](F.pad(x, (0, 1, 0, 1))[:, :, 1:, 1:])], 1)


class Nasnet(nn.Module):
    def __init__(self, first, cells, stem, mobile, classes):
        super().__init__()
        self.eps, self.cells = 1e-3 if mobile else 1e-5, []
        self.stem = nn.Sequential(nn.Conv2d(3, stem, 3, 2 if mobile else 1, 0 if mobile else 1, bias=False),
                                  self.norm(stem))
        self.shapes = [None, (stem, 1)]                 # channels and size of each cell's output
        if mobile:
            self.cell("stem_1", first // 4, 2)
            self.cell("stem_2", first // 2, 2)
        for part in range(3):
            if part:
                self.cell(f"reduce_{part}", first * 2**part, 2)
            for i in range(cells):
                self.cell(f"cell_{part * cells + i}", first * 2**part, 1)
        self.fc = nn.Linear(self.shapes[-1][0], classes)

    def norm(self, f):
        return nn.BatchNorm2d(f, eps=self.eps)

    def narrow(self, c, f, *before):
        return nn.Sequential(*before, nn.Conv2d(c, f, 1, bias=False), self.norm(f))

    def separable(self, c, f, k, stride):
        steps = []
        for c, stride in ((c, stride), (f, 1)):
            steps += [nn.ReLU(), SameConv(c, c, k, stride, groups=c, bias=False), nn.Conv2d(c, f, 1, bias=False),
                      self.norm(f)]
        return nn.Sequential(*steps)

    def cell(self, name, f, stride):
        before, (c, size) = self.shapes[-2:]
        cell, x = nn.Module(), nn.Module()
        cp = c
        if before:
            cp, cell.p = f, (nn.Sequential(nn.ReLU(), Halves(before[0], f), self.norm(f)) if before[1] != size
                             else self.narrow(before[0], f, nn.ReLU()))
        cell.h, cell.x, cell.stride = self.narrow(c, f, nn.ReLU()), x, stride
        filters = {"h5": (f, 5), "p7": (cp, 7), "q7": (cp, 7), "p5": (cp, 5), "b3x3": (f, 3)} if stride > 1 else \
            {"h5": (f, 5), "p3": (cp, 3), "p5": (cp, 5), "q3": (cp, 3), "h3": (f, 3)}
        for step, (channels, k) in filters.items():
            setattr(x, step, self.separable(channels, f, k, 1 if step == "b3x3" else stride))
        if stride == 1 and cp != f:
            x.pi, x.pc = self.narrow(cp, f, nn.ReLU()), self.narrow(cp, f)
            x.pa, x.qa = self.narrow(cp, f, AvgPool()), self.narrow(cp, f, AvgPool())
        self.add_module(name, cell)
        self.cells.append(cell)
        self.shapes.append((f * (4 if stride > 1 else 5) + (f if stride == 1 else 0), size * stride))

    @staticmethod
    def normal(x, p, h):
        wide = hasattr(x, "pi")
        steps = [x.h5(h) + x.p3(p), x.p5(p) + x.q3(p), avg_pool(h) + (x.pi(p) if wide else p),
                 x.pa(p) + x.qa(p) if wide else avg_pool(p) + avg_pool(p), x.h3(h) + h]
        return torch.cat([x.pc(p) if wide else p, *steps], 1)

    @staticmethod
    def reduction(x, p, h):
        one = x.h5(h) + x.p7(p)
        two = max_pool(h, 2) + x.q7(p)
        return torch.cat([two, avg_pool(h, 2) + x.p5(p), two + avg_pool(one), x.b3x3(one) + max_pool(h, 2)], 1)

    def forward(self, x):
        before, last = None, self.stem(x)
        for c in self.cells:
            p = last if before is None else c.p(before)
            before, last = last, (self.reduction if c.stride > 1 else self.normal)(c.x, p, c.h(last))
        return self.fc(F.relu(last).mean((2, 3)))


# ---- chains of layers ----

def chain(**layers):
    return nn.Sequential(OrderedDict(layers))


def mlp():
    return chain(flat=nn.Flatten(), fc1=nn.Linear(784, 512), r1=nn.ReLU(), fc2=nn.Linear(512, 512), r2=nn.ReLU(),
                 fc3=nn.Linear(512, 10))


def cnn1():
    return chain(conv1=nn.Conv2d(1, 32, 5, padding=2), r1=nn.ReLU(), pool=nn.MaxPool2d(2), flat=nn.Flatten(),
                 fc1=nn.Linear(32 * 14 * 14, 128), r2=nn.ReLU(), fc2=nn.Linear(128, 10))


def demo():
    layers, c = {}, 3
    for i, f in enumerate((16, 32, 64, 128), 1):
        layers |= {f"conv{i}": nn.Conv2d(c, f, 3, padding=1, bias=False), f"bn{i}": nn.BatchNorm2d(f),
                   f"relu{i}": nn.ReLU(), f"pool{i}": nn.MaxPool2d(2) if i < 4 else nn.AdaptiveAvgPool2d(1)}
        c = f
    return chain(**layers, flat=nn.Flatten(), fc=nn.Linear(c, 10))


def vgg11_cifar():
    layers, c = [], 3
    for f in (64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"):
        layers += [nn.MaxPool2d(2)] if f == "M" else [nn.Conv2d(c, f, 3, padding=1), nn.ReLU()]
        c = c if f == "M" else f
    return chain(features=nn.Sequential(*layers), flat=nn.Flatten(), classifier=nn.Linear(c, 10))


def mobilenet():
    """Howard et al., 2017, table 1."""
    def block(c, f, stride):
        return chain(deep=nn.Conv2d(c, c, 3, stride, 1, groups=c, bias=False), bn1=nn.BatchNorm2d(c), r1=nn.ReLU(),
                     wide=nn.Conv2d(c, f, 1, bias=False), bn2=nn.BatchNorm2d(f), r2=nn.ReLU())

    ends = [(32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 1024, 2),
            (1024, 1024, 1)]
    blocks = {f"block{i}": block(*e) for i, e in enumerate(ends, 1)}
    last = {n: blocks.pop(n) for n in ("block7", "block8")}
    return chain(conv=nn.Conv2d(3, 32, 3, 2, 1, bias=False), bn=nn.BatchNorm2d(32), relu=nn.ReLU(), **blocks,
                 middle=nn.Sequential(*(block(512, 512, 1) for _ in range(5))), **last,
                 pool=nn.AdaptiveAvgPool2d(1), flat=nn.Flatten(), fc=nn.Linear(1024, 1000))


class Digits(nn.Module):
    """The columns of a strip as a sequence; scores of ten digits and the blank at each."""
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.conv2, self.bn2 = nn.Conv2d(16, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32)
        self.gru, self.head = nn.GRU(96, 64, batch_first=True, bidirectional=True), nn.Linear(128, 11)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x.reshape(-1, 1, 14, 80)))), 2)
        x = F.max_pool2d(F.relu(self.bn2(self.conv2(x))), (2, 1))
        return self.head(self.gru(x.permute(0, 3, 1, 2).flatten(2))[0])


class GruText(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.gru, self.head = nn.Embedding(200, 24), nn.GRU(24, 32, batch_first=True), nn.Linear(32, 2)

    def forward(self, x):
        return self.head(self.gru(self.embed(x))[1][-1])


NETS = {
    "digits-ctc": Digits, "gru-text": GruText,
    "mlp": mlp, "cnn1": cnn1, "demo": demo, "vgg11-cifar": vgg11_cifar, "mobilenet": mobilenet,
    "vit": Vit,
    "nasnet-a-mobile": lambda: Nasnet(44, 4, 32, True, 1000),
    "nasnet-a-cifar": lambda: Nasnet(32, 6, 96, False, 10),
}
