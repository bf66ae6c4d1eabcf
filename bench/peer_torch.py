#!/usr/bin/python3
"""The PyTorch side of versus-pytorch (see peer.py), eager or compiled.

Gradients set to None, one fused optimizer call over all tensors where that is faster, data already
in memory and in the right memory format, no .item() inside a step, torch.compile of net and loss
where there is one.
"""
import contextlib
import itertools
import sys

import torch
from torch import nn
import torch.nn.functional as F

import peer


class Mlp(nn.Sequential):
    """784-512-512-10, the MLP of examples/mlp.yaml."""

    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 512), nn.ReLU(inplace=True),
                         nn.Linear(512, 512), nn.ReLU(inplace=True), nn.Linear(512, 10))


class Lenet5(nn.Sequential):
    """LeCun et al. 1998 with max pooling and relu, as in examples/lenet5.yaml."""

    def __init__(self):
        super().__init__(
            nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(6, 16, 5), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(400, 120), nn.ReLU(inplace=True),
            nn.Linear(120, 84), nn.ReLU(inplace=True), nn.Linear(84, 10))


class Cnn6(nn.Sequential):
    """Three blocks conv-conv-pool-dropout and two dense layers, as in examples/cnn6.yaml."""

    def __init__(self):
        layers, wide = [], 3
        for out in (32, 64, 128):
            layers += [nn.Conv2d(wide, out, 3, padding=1), nn.ReLU(inplace=True),
                       nn.Conv2d(out, out, 3, padding=1), nn.ReLU(inplace=True),
                       nn.MaxPool2d(2), nn.Dropout(0.25)]
            wide = out
        layers += [nn.Flatten(), nn.Linear(2048, 1024), nn.ReLU(inplace=True), nn.Dropout(0.5),
                   nn.Linear(1024, 10)]
        super().__init__(*layers)


class Block(nn.Module):
    def __init__(self, wide, out, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(wide, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or wide != out:
            self.downsample = nn.Sequential(nn.Conv2d(wide, out, 1, stride, bias=False),
                                            nn.BatchNorm2d(out))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class Resnet20(nn.Module):
    """He et al. 2016, section 4.2, projections as shortcuts, as in examples/resnet20.yaml."""
    smoothing = 0.1

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(*[Block(16, 16, 1) for _ in range(3)])
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Vgg11(nn.Sequential):
    """Simonyan & Zisserman 2015, column A, for 32x32 images: one dense layer at the end."""

    def __init__(self):
        layers, wide = [], 3
        for out, pool in ((64, 1), (128, 1), (256, 0), (256, 1), (512, 0), (512, 1), (512, 0),
                          (512, 1)):
            layers += [nn.Conv2d(wide, out, 3, padding=1), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(2)] if pool else []
            wide = out
        super().__init__(*layers, nn.Flatten(), nn.Linear(512, 10))


class Characters(nn.Module):
    """A recurrent net of two layers that tells the next character, as in bench/nets/char-*.yaml."""
    kind = nn.LSTM

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(96, 512)
        self.cells = self.kind(512, 512, 2, batch_first=True)
        self.last = nn.Linear(512, 96)

    def forward(self, x):
        return self.last(self.cells(self.embedding(x))[0])


class CharactersGru(Characters):
    kind = nn.GRU


class Transformer(nn.Module):
    """A block of GPT-2 (Radford et al. 2019): norms first."""

    def __init__(self, wide, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(wide), nn.LayerNorm(wide)
        self.qkv, self.out = nn.Linear(wide, 3 * wide), nn.Linear(wide, wide)
        self.linear1, self.linear2 = nn.Linear(wide, 4 * wide), nn.Linear(4 * wide, wide)

    def forward(self, x):
        n, t, wide = x.shape
        q, k, v = (part.view(n, t, self.heads, -1).transpose(1, 2)
                   for part in self.qkv(self.norm1(x)).split(wide, 2))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(n, t, wide))
        return x + self.linear2(F.gelu(self.linear1(self.norm2(x))))


class Gpt(nn.Module):
    """Six blocks of 384, a context of 256, as in bench/nets/gpt.yaml."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(96, 384)
        self.places = nn.Parameter(torch.randn(256, 384) * 0.02)
        self.blocks = nn.Sequential(*[Transformer(384, 6) for _ in range(6)])
        self.norm, self.last = nn.LayerNorm(384), nn.Linear(384, 96)

    def forward(self, x):
        return self.last(self.norm(self.blocks(self.embedding(x) + self.places)))


class WideDeep(nn.Module):
    """Cheng et al. 2016: a number for each category beside a net over what they embed to."""

    def __init__(self):
        super().__init__()
        rows = peer.CATEGORIES["wide-deep"]
        self.deep = nn.ModuleList(nn.Embedding(n, 16) for n in rows)
        self.wide = nn.ModuleList(nn.Embedding(n, 1) for n in rows)
        self.net = nn.Sequential(nn.Linear(16 * len(rows), 256), nn.ReLU(inplace=True),
                                 nn.Linear(256, 128), nn.ReLU(inplace=True), nn.Linear(128, 1))

    def forward(self, x):
        part = x.unbind(1)
        deep = torch.cat([table(i) for table, i in zip(self.deep, part)], 1)
        wide = sum(table(i) for table, i in zip(self.wide, part))
        return self.net(deep) + wide


NETS = {"mlp": Mlp, "lenet5": Lenet5, "cnn6": Cnn6, "resnet20": Resnet20, "vgg11-cifar": Vgg11,
        "char-lstm": Characters, "char-gru": CharactersGru, "gpt": Gpt, "wide-deep": WideDeep}


def loss_of(net):
    """A function of (scores, target) for a net of this name."""
    if net in peer.CATEGORIES:
        return nn.BCEWithLogitsLoss()
    smoothing = getattr(NETS[net], "smoothing", 0)
    if net in peer.PLACES:
        return lambda y, t: F.cross_entropy(y.flatten(0, 1), t.flatten())
    return nn.CrossEntropyLoss(label_smoothing=smoothing)


class Job:
    """A net with its data, ready to run batches in one variant."""

    def __init__(self, opts, variant):
        torch.set_num_threads(opts.threads)
        torch.manual_seed(1)
        words = variant.split(",")
        self.layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
        self.net = NETS[opts.net]().to(memory_format=self.layout)
        self.parameters = sum(p.numel() for p in self.net.parameters())
        self.version = torch.__version__
        self.data = [(torch.from_numpy(x).to(memory_format=self.layout), torch.from_numpy(y))
                     for x, y in peer.read_batches(opts.data, opts.net, opts.batch)]
        self.cast = contextlib.nullcontext()
        self.step = 0
        if opts.bf16 and not opts.infer:
            self.cast = torch.autocast("cpu", torch.bfloat16)
        if opts.infer:
            self.run = self.infer
            wanted = torch.bfloat16 if opts.bf16 else torch.float32
            self.net.eval().to(wanted)
            self.type = wanted if opts.net in peer.SHAPES else torch.int32
            self.compiled = "compiled" in words        # frozen by the compiler under no_grad alone
            self.freeze(words)
        else:
            self.run = self.train
            self.prepare(words, loss_of(opts.net))

    def prepare(self, words, loss):
        net = self.net.train()
        self.loss = lambda x, y: loss(net(x), y)
        if "compiled" in words:
            self.loss = torch.compile(self.loss, dynamic=False)
        how = {"fused": True} if "fused" in words else {"foreach": "single" not in words}
        self.optim = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9,
                                     weight_decay=5e-4, **how)

    def freeze(self, words):
        with torch.no_grad():
            if "frozen" in words or "optimized" in words:
                self.net = torch.jit.freeze(torch.jit.trace(self.net,
                                                            self.data[0][0].to(self.type)))
            if "optimized" in words:
                self.net = torch.jit.optimize_for_inference(self.net)
        if "compiled" in words:
            from torch._inductor import config
            config.freezing = True             # weights become constants, packed once
            self.net = torch.compile(self.net, dynamic=False)

    def train(self, steps):
        for _ in range(steps):
            x, y = self.data[self.step % len(self.data)]
            self.optim.zero_grad(set_to_none=True)
            with self.cast:
                loss = self.loss(x, y)
            loss.backward()
            self.optim.step()
            self.step += 1
        if not loss.isfinite():
            sys.exit("the loss is not finite")

    def infer(self, steps):
        with torch.inference_mode() if not self.compiled else torch.no_grad():
            for _ in range(steps):
                self.net(self.data[self.step % len(self.data)][0].to(self.type))
                self.step += 1


def variants(opts):
    images = opts.net in peer.SHAPES and opts.net != "mlp"
    layouts = ["contiguous", "channels_last"] if images else ["contiguous"]
    ways = ["eager", "frozen", "optimized"] if opts.infer else ["single", "foreach"]
    if hasattr(torch, "compile"):
        ways += ["compiled"] if opts.infer else ["fused", "compiled,fused"]
    return [",".join(v) for v in itertools.product(layouts, ways)]


if __name__ == "__main__":
    peer.main(__doc__, Job, variants)
