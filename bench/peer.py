"""What the peers of versus-pytorch share: one net, one batch size, one process.

    peer_X.py try  --net cnn6 --batch 64 --threads 1 --data FILE   prints {variant: ms per step}
    peer_X.py work --net cnn6 ... --variant WORDS                  takes orders on stdin

A worker answers each line of stdin with one line of JSON:
    run K     train (or infer) K batches                 {"seconds": s}
    memory    peak resident memory so far, in KiB        {"peak_kib": n}
    quit
Its first line says what it is: {"parameters": n, "variant": ..., "version": ...}.

A peer is as fast as an experienced user would make it.  Its variants are tried for a short time in
a process of its own, so that trying does not raise the peak memory of the worker.
"""
import argparse
import itertools
import json
import sys
import time

import numpy

SHAPES = {"mlp": (1, 28, 28), "lenet5": (1, 28, 28), "cnn6": (3, 32, 32), "resnet20": (3, 32, 32),
          "vgg11-cifar": (3, 32, 32)}
CLASSES = 10
# A sequence of characters: places, different characters.  The next one is to be told at each.
PLACES = {"char-lstm": (100, 96), "char-gru": (100, 96), "gpt": (256, 96)}
# Rows of a table: how many values its categories have; an answer is 0 or 1.
CATEGORIES = {"wide-deep": [1000 * round(100 ** (i / 19)) for i in range(20)]}
NETS = [*SHAPES, *PLACES, *CATEGORIES]


def columns(net, batch):
    """What a batch in the file is: (type, shape) of all that tutti reads, in its order."""
    if net in SHAPES:
        return [("f4", (batch, *SHAPES[net])), ("i4", (batch,))]
    if net in PLACES:
        places = PLACES[net][0]
        return [("i4", (batch, places)), ("i4", (batch,)),            # tokens, lengths
                ("i4", (batch, places)), ("f4", (batch, places))]     # what follows, weights
    return [("i4", (batch, 1))] * len(CATEGORIES[net]) + [("f4", (batch, 1))]


def make_batch(net, batch, rng):
    """Arrays as `columns` says."""
    if net in SHAPES:
        return [rng.standard_normal((batch, *SHAPES[net]), dtype=numpy.float32),
                rng.integers(0, CLASSES, batch, dtype=numpy.int32)]
    if net in PLACES:
        places, characters = PLACES[net]
        text = rng.integers(0, characters, (batch, places + 1), dtype=numpy.int32)
        return [text[:, :-1], numpy.full(batch, places, numpy.int32), text[:, 1:],
                numpy.ones((batch, places), numpy.float32)]
    return [rng.integers(0, rows, (batch, 1), dtype=numpy.int32) for rows in CATEGORIES[net]] + \
        [rng.integers(0, 2, (batch, 1)).astype(numpy.float32)]


def read_columns(path, net, batch):
    """The batches in the file, each a list of arrays."""
    raw = numpy.fromfile(path, dtype=numpy.int32)
    sizes = [int(numpy.prod(shape)) for _, shape in columns(net, batch)]
    if raw.size == 0 or raw.size % sum(sizes):
        sys.exit(f"{path}: {raw.size} words are no whole number of batches of {sum(sizes)}")
    ends = list(itertools.accumulate(sizes))
    for words in raw.reshape(-1, sum(sizes)):
        yield [words[end - size:end].copy().view(kind).reshape(shape) for (kind, shape), size, end
               in zip(columns(net, batch), sizes, ends)]


def read_batches(path, net, batch):
    """(x, y) of images and their labels, of characters and what follows, of categories and answers."""
    for all_of in read_columns(path, net, batch):
        if net in SHAPES:
            yield all_of[0], all_of[1].astype(numpy.int64)
        elif net in PLACES:
            yield all_of[0], all_of[2].astype(numpy.int64)
        else:
            yield numpy.concatenate(all_of[:-1], axis=1), all_of[-1]


def timed(job, steps):
    start = time.perf_counter()
    job.run(steps)
    return time.perf_counter() - start


def peak_kib():
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM"))


def try_variants(opts, make, variants):
    """Milliseconds per step of each variant, in turns, the best of several short runs each."""
    jobs, best, steps = {}, {}, {}
    for v in variants:
        try:
            job = make(opts, v)
            timed(job, 3)
            steps[v] = max(1, int(opts.slice / max(timed(job, 2) / 2, 1e-5)))
            jobs[v] = job
        except Exception as error:        # not every way can do every net, precision and machine
            print(f"{v}: left out: {str(error).strip().splitlines()[:1]}", file=sys.stderr)
    for _ in range(opts.rounds):
        for v, job in jobs.items():
            best[v] = min(best.get(v, float("inf")), timed(job, steps[v]) / steps[v] * 1e3)
    return best


def work(opts, make):
    job = make(opts, opts.variant)
    print(json.dumps({"net": opts.net, "parameters": job.parameters, "variant": opts.variant,
                      "version": job.version}), flush=True)
    for line in sys.stdin:
        order, _, count = line.strip().partition(" ")
        if order == "quit":
            return
        answer = {"seconds": timed(job, int(count))} if order == "run" else \
                 {"peak_kib": peak_kib()}
        print(json.dumps(answer), flush=True)


def read_options(about):
    args = argparse.ArgumentParser(description=about.splitlines()[0])
    args.add_argument("verb", choices=["try", "work"])
    args.add_argument("--engine", help="for a peer that has several")
    args.add_argument("--net", choices=NETS, required=True)
    args.add_argument("--batch", type=int, default=64)
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--data", required=True, help="file of batches made by versus-pytorch")
    args.add_argument("--infer", action="store_true")
    args.add_argument("--bf16", action="store_true")
    args.add_argument("--variant", default="")
    args.add_argument("--slice", type=float, default=0.3, help="seconds per trial run")
    args.add_argument("--rounds", type=int, default=3)
    return args.parse_args()


def main(about, make, variants):
    """make(opts, variant) gives a job: run(steps), parameters, version."""
    opts = read_options(about)
    if opts.verb == "try":
        print(json.dumps(try_variants(opts, make, variants(opts))))
    else:
        work(opts, make)
