#!/usr/bin/python3
"""The PyTorch side of versus-pytorch: one net, one batch size, one process.

    peer_torch.py try  --net cnn6 --batch 64 --threads 1 --data FILE   prints the fastest variant
    peer_torch.py work --net cnn6 ... --variant channels_last,foreach  takes orders on stdin

A worker answers each line of stdin with one line of JSON:
    run K     train (or infer) K batches                 {"seconds": s}
    memory    peak resident memory so far, in KiB        {"peak_kib": n}
    quit
Its first line says what it is: {"net": ..., "parameters": n, "macs": ...}.

Everything here is meant to be as fast as an experienced user would make it: gradients set to
None, one fused optimizer call over all tensors where that is faster, data already in memory
and in the right memory format, no .item() inside a step, torch.compile where there is one.  The
variant is chosen by a short trial in a process of its own, so that trying does not raise the peak
memory of the worker.
"""
import argparse
import contextlib
import itertools
import json
import sys
import time

import numpy
import torch
from torch import nn
import torch.nn.functional as F


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


NETS = {"mlp": (Mlp, (1, 28, 28)), "lenet5": (Lenet5, (1, 28, 28)), "cnn6": (Cnn6, (3, 32, 32)),
        "resnet20": (Resnet20, (3, 32, 32)), "vgg11": (Vgg11, (3, 32, 32))}


def read_batches(path, shape, batch):
    """The file: batches of f32 images, each followed by its s32 labels."""
    raw = numpy.fromfile(path, dtype=numpy.float32)
    per = batch * (int(numpy.prod(shape)) + 1)
    if raw.size == 0 or raw.size % per:
        sys.exit(f"{path}: {raw.size} words are no whole number of batches of {per}")
    for words in raw.reshape(-1, per):
        x = torch.from_numpy(words[:-batch].copy()).view(batch, *shape)
        yield x, torch.from_numpy(words[-batch:].view(numpy.int32).astype(numpy.int64))


class Job:
    """A net with its data, ready to run batches in one variant."""

    def __init__(self, opts, variant):
        torch.manual_seed(1)
        words = variant.split(",")
        make, shape = NETS[opts.net]
        self.layout = torch.channels_last if "channels_last" in words else torch.contiguous_format
        self.net = make().to(memory_format=self.layout)
        self.parameters = sum(p.numel() for p in self.net.parameters())
        self.data = [(x.to(memory_format=self.layout), y)
                     for x, y in read_batches(opts.data, shape, opts.batch)]
        self.cast = contextlib.nullcontext()
        self.step = 0
        if opts.bf16 and not opts.infer:
            self.cast = torch.autocast("cpu", torch.bfloat16)
        if opts.infer:
            self.type = torch.bfloat16 if opts.bf16 else torch.float32
            self.net.eval().to(self.type)
            self.freeze(words)
        else:
            self.net.train()
            self.loss = nn.CrossEntropyLoss(label_smoothing=getattr(self.net, "smoothing", 0))
            self.optim = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9,
                                         weight_decay=5e-4, foreach="single" not in words)
        if "compiled" in words:
            self.net = torch.compile(self.net, dynamic=False)

    def freeze(self, words):
        if "frozen" not in words and "optimized" not in words:
            return
        with torch.no_grad():
            self.net = torch.jit.freeze(torch.jit.trace(self.net, self.data[0][0].to(self.type)))
            if "optimized" in words:
                self.net = torch.jit.optimize_for_inference(self.net)

    def train(self, steps):
        for _ in range(steps):
            x, y = self.data[self.step % len(self.data)]
            self.optim.zero_grad(set_to_none=True)
            with self.cast:
                loss = self.loss(self.net(x), y)
            loss.backward()
            self.optim.step()
            self.step += 1
        if not loss.isfinite():
            sys.exit("the loss is not finite")

    def infer(self, steps):
        with torch.inference_mode():
            for _ in range(steps):
                self.net(self.data[self.step % len(self.data)][0].to(self.type))
                self.step += 1

    def run(self, opts, steps):
        start = time.perf_counter()
        (self.infer if opts.infer else self.train)(steps)
        return time.perf_counter() - start


def peak_kib():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def variants(opts):
    layouts = ["contiguous"] if opts.net == "mlp" else ["contiguous", "channels_last"]
    ways = ["eager", "frozen", "optimized"] if opts.infer else ["single", "foreach"]
    if hasattr(torch, "compile"):
        ways.append("compiled")
    return [",".join(v) for v in itertools.product(layouts, ways)]


def try_variants(opts):
    """Milliseconds per step of each variant, in turns, the best of several short runs each."""
    jobs = {}
    for v in variants(opts):
        try:
            jobs[v] = Job(opts, v)
            jobs[v].run(opts, 3)
        except RuntimeError:        # not every way can do every net and precision
            jobs.pop(v, None)
    steps = {v: max(1, int(opts.slice / max(j.run(opts, 2) / 2, 1e-5))) for v, j in jobs.items()}
    best = dict.fromkeys(jobs, float("inf"))
    for _ in range(opts.rounds):
        for v, job in jobs.items():
            best[v] = min(best[v], job.run(opts, steps[v]) / steps[v] * 1e3)
    return best


def work(opts):
    job = Job(opts, opts.variant)
    print(json.dumps({"net": opts.net, "parameters": job.parameters, "variant": opts.variant,
                      "version": torch.__version__,
                      "mkl": torch.backends.mkl.is_available()}), flush=True)
    for line in sys.stdin:
        order, _, count = line.strip().partition(" ")
        if order == "quit":
            return
        answer = {"seconds": job.run(opts, int(count))} if order == "run" else \
                 {"peak_kib": peak_kib()}
        print(json.dumps(answer), flush=True)


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("verb", choices=["try", "work"])
    args.add_argument("--net", choices=NETS, required=True)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--data", required=True, help="file of batches made by versus-pytorch")
    args.add_argument("--infer", action="store_true")
    args.add_argument("--bf16", action="store_true")
    args.add_argument("--variant", default="contiguous,single")
    args.add_argument("--slice", type=float, default=0.3, help="seconds per trial run")
    args.add_argument("--rounds", type=int, default=3)
    opts = args.parse_args()
    torch.set_num_threads(opts.threads)
    if opts.verb == "try":
        print(json.dumps(try_variants(opts)))
    else:
        work(opts)


if __name__ == "__main__":
    main()
