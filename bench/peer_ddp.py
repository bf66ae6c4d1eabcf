#!/usr/bin/python3
"""One rank of the PyTorch side of versus-ddp: DistributedDataParallel over gloo.

    mpirun ... peer_ddp.py --net cnn6 --batch 64 --orders DIR/torch --address 10.83.7.1

Orders come from the named pipe DIR/torch.RANK.in, answers go to DIR/torch.RANK.out, a line of JSON
each, as those of bench_ranks.c:

    variant channels_last,foreach,4    memory format, optimizer, bucket_cap_mb: made anew    {}
    talk K      K steps                                  {"seconds": s, "cpu": s, "sent": bytes}
    silent K    the same under no_sync
    quit

One thread per process; buckets are views of the gradients, which saves a copy.
"""
import argparse
import contextlib
import json
import os
import resource
import time

import torch
from torch import nn
import torch.distributed
from torch.distributed.algorithms.ddp_comm_hooks import default_hooks
from torch.nn.parallel import DistributedDataParallel

from peer_torch import NETS

BATCHES = 4
HOOKS = {"f16": default_hooks.fp16_compress_hook, "bf16": default_hooks.bf16_compress_hook}


def sent_bytes():
    with open("/proc/self/net/dev") as f:
        return next((int(line.split()[9]) for line in f if "eth0:" in line), 0)


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Job:
    """A net with its data, ready to run in one variant."""

    def __init__(self, opts, layout, optimizer, bucket):
        torch.manual_seed(1)
        make, shape = NETS[opts.net]
        form = getattr(torch, "channels_last" if layout == "channels_last"
                       else "contiguous_format")
        net = make().to(memory_format=form).train()
        self.net = DistributedDataParallel(net, bucket_cap_mb=float(bucket),
                                           gradient_as_bucket_view=True)
        if opts.wire != "f32":
            self.net.register_comm_hook(None, HOOKS[opts.wire])
        self.data = [(torch.randn(opts.batch, *shape).to(memory_format=form),
                      torch.randint(10, (opts.batch,))) for _ in range(BATCHES)]
        self.loss = nn.CrossEntropyLoss(label_smoothing=getattr(make, "smoothing", 0))
        self.optim = torch.optim.SGD(self.net.parameters(), lr=0.001, momentum=0.9,
                                     weight_decay=5e-4, foreach=optimizer == "foreach")
        self.step = 0

    def train(self, steps):
        for _ in range(steps):
            x, y = self.data[self.step % BATCHES]
            self.optim.zero_grad(set_to_none=True)
            self.loss(self.net(x), y).backward()
            self.optim.step()
            self.step += 1

    def run(self, way, steps):
        with self.net.no_sync() if way == "silent" else contextlib.nullcontext():
            self.train(1)
            start, cpu, sent = time.perf_counter(), cpu_seconds(), sent_bytes()
            self.train(steps)
            return {"seconds": time.perf_counter() - start, "cpu": cpu_seconds() - cpu,
                    "sent": sent_bytes() - sent}


def obey(opts, orders, answers):
    job = Job(opts, *opts.variant.split(","))
    job.run("talk", 2)
    answer = {"parameters": sum(p.numel() for p in job.net.parameters()),
              "version": torch.__version__}
    while True:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
        word, _, rest = orders.readline().strip().partition(" ")
        if word in ("quit", ""):
            return
        if word == "variant":
            job = Job(opts, *rest.split(","))
            job.run("talk", 2)
            answer = {}
        else:
            answer = job.run(word, int(rest))


def main():
    args = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    args.add_argument("--net", choices=NETS, required=True)
    args.add_argument("--batch", type=int, default=64, help="of this rank")
    args.add_argument("--orders", required=True, help="start of the names of pipes")
    args.add_argument("--address", required=True, help="of rank 0")
    args.add_argument("--variant", default="contiguous,foreach,25")
    args.add_argument("--wire", choices=["f32", *HOOKS], default="f32")
    opts = args.parse_args()
    rank, world = (int(os.environ["OMPI_COMM_WORLD_" + what]) for what in ("RANK", "SIZE"))
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"tcp://{opts.address}:29555", rank=rank,
                                         world_size=world)
    with open(f"{opts.orders}.{rank}.in") as orders, \
            open(f"{opts.orders}.{rank}.out", "w") as answers:
        obey(opts, orders, answers)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
