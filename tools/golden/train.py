#!/usr/bin/env python3
"""Five training steps of known nets in PyTorch, in double precision.

    train.py NET OUT [VALUES [FOLDER]]       NET: lenet5, cnn6, resnet20 or all

Parameters and batches begin with the hashed numbers that tests/golden/test_train.c makes as well;
five steps of SGD with momentum and weight decay follow.  Writes a line per result, like ops.py:

    net  loss  5  1  loss loss loss loss loss
    net  NAME  count  stride  value value ...            every parameter and running statistic

about VALUES of each tensor (all of them by default).  With FOLDER, the state_dict before the first
step also goes to FOLDER/NET.safetensors, in f32: a net that comes from PyTorch must load."""

import json
import math
import struct
import sys

import torch
import torch.nn.functional as F
from torch import nn

from common import Run, dropout_mask, numbers, salt

STEPS, BATCH, CLASSES, SEED = 5, 4, 10, 3            # as in test_train.c
LR, MOMENTUM, DECAY = 0.002, 0.9, 5e-4


class Dropout(nn.Module):
    """The masks of tutti: a function of (seed, step, name of the layer, sample, element)."""

    def __init__(self, name, p):
        super().__init__()
        self.stream, self.p, self.step = salt(name), p, 0

    def forward(self, x):
        if not self.training:
            return x
        mask = dropout_mask(Run(SEED, self.step), self.stream, self.p, x.shape)
        self.step += 1
        return x * mask / (1 - self.p)


class Lenet5(nn.Module):
    """LeCun et al. 1998, with relu and maximum pooling."""
    shape = (1, 28, 28)

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class Cnn6(nn.Module):
    """Three times conv, conv, pool, dropout; two dense layers."""
    shape = (3, 32, 32)

    def __init__(self):
        super().__init__()
        wide = 3
        for i, out in enumerate((32, 64, 128)):
            setattr(self, f"conv{2 * i + 1}", nn.Conv2d(wide, out, 3, padding=1))
            setattr(self, f"conv{2 * i + 2}", nn.Conv2d(out, out, 3, padding=1))
            wide = out
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, 10)
        self.drop = nn.ModuleList([Dropout(f"dropout{i + 1}", p) for i, p in
                                   enumerate((0.25, 0.25, 0.25, 0.5))])

    def forward(self, x):
        for i in range(3):
            x = F.relu(getattr(self, f"conv{2 * i + 1}")(x))
            x = F.max_pool2d(F.relu(getattr(self, f"conv{2 * i + 2}")(x)), 2)
            x = self.drop[i](x)
        return self.fc2(self.drop[3](F.relu(self.fc1(x.flatten(1)))))


class Block(nn.Module):
    def __init__(self, wide, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(wide, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = nn.Sequential()
        if stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(wide, out, 1, stride, bias=False),
                                            nn.BatchNorm2d(out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + self.downsample(x))


class Resnet20(nn.Module):
    """He et al. 2016, section 4.2, with projections where the shape changes."""
    shape = (3, 32, 32)
    smoothing = 0.1                                  # of labels, as in the example

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


NETS = {"lenet5": Lenet5, "cnn6": Cnn6, "resnet20": Resnet20}


def start(net_name, name, shape):
    """Where a tensor begins: variance 1/inputs for weights, small biases, plain norms."""
    u = numbers(net_name, name, list(shape))
    if len(shape) > 1:
        return (u * math.sqrt(3.0 / (u.numel() // shape[0]))).float().double()
    if name.endswith("running_var"):
        return torch.ones_like(u)
    if name.endswith("running_mean"):
        return torch.zeros_like(u)
    is_norm = "bn" in name or "downsample.1" in name
    return ((1.0 if is_norm and name.endswith("weight") else 0.0) + 0.1 * u).float().double()


def state_of(net):
    return {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}


def write_safetensors(path, tensors):
    """The format in full: u64 size of the header, JSON header, little-endian data in a row."""
    header, at = {}, 0
    for name, v in tensors.items():
        size = 4 * v.numel()
        header[name] = {"dtype": "F32", "shape": list(v.shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for v in tensors.values():
            f.write(v.float().contiguous().numpy().tobytes())


def train(name, net):
    """The five losses; the net is changed."""
    optim = torch.optim.SGD(net.parameters(), LR, MOMENTUM, weight_decay=DECAY)
    losses = []
    for step in range(STEPS):
        x = numbers(name, f"x{step}", [BATCH, *net.shape])
        label = numbers(name, f"label{step}", [BATCH], f"int{CLASSES}")
        optim.zero_grad()
        loss = F.cross_entropy(net(x), label, label_smoothing=getattr(net, "smoothing", 0))
        loss.backward()
        optim.step()
        losses.append(loss.item())
    return torch.tensor(losses, dtype=torch.float64)


def line(net, name, v, stride):
    values = " ".join(f"{x:.8g}" for x in v.contiguous().reshape(-1).tolist()[::stride])
    return f"{net} {name} {v.numel()} {stride} {values}\n"


def main(which, out, values=None, folder=None):
    torch.set_num_threads(1)
    with open(out, "w", encoding="ascii") as f:
        for name in NETS if which == "all" else [which]:
            net = NETS[name]().double().train()
            net.load_state_dict({k: start(name, k, v.shape) for k, v in state_of(net).items()},
                                strict=False)
            if folder:
                write_safetensors(f"{folder}/{name}.safetensors", state_of(net))
            f.write(line(name, "loss", train(name, net), 1))
            for k, v in state_of(net).items():
                f.write(line(name, k, v, max(1, v.numel() // int(values) | 1) if values else 1))


if __name__ == "__main__":
    main(*sys.argv[1:])
