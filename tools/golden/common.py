"""What the golden scripts share: hashed numbers and dropout masks, made again from their definitions."""

from typing import NamedTuple

import numpy as np
import torch


def salt(text):
    h = 2166136261
    for c in text.encode():
        h = (h ^ c) * 16777619 & 0xffffffff
    return h


def numbers(owner, name, shape, kind=""):
    """The same numbers as tests/support/hashed.c, exactly."""
    n, s = int(np.prod(shape)), salt(owner + "." + name)
    with np.errstate(over="ignore"):
        x = np.arange(n, dtype=np.uint32) * np.uint32(0x9e3779b9) + np.uint32(s)
        x = (x ^ x >> np.uint32(16)) * np.uint32(0x7feb352d)
        x = (x ^ x >> np.uint32(15)) * np.uint32(0x846ca68b)
        u = ((x ^ x >> np.uint32(16)) >> np.uint32(8)).astype(np.int64)
    if kind.startswith(("int", "whole")):
        v = u % int(kind.lstrip("intwhole"))
        return torch.from_numpy(v.reshape(shape))
    if kind.startswith("both"):
        m = int(kind.lstrip("both"))
        return torch.from_numpy((u % (2 * m) - m).reshape(shape))
    if kind == "apart":
        v = ((np.arange(n, dtype=np.int64) * 1000003 + s) % n + 0.25) / n * 2 - 1
    else:
        v = {"": lambda: u / 2.0**23 - 1, "pos": lambda: 0.5 + u / 2.0**24,
             "unit": lambda: u / 2.0**24, "big": lambda: 40 * (u / 2.0**23 - 1),
             "grid": lambda: (u % 5 - 2) / 2.0, "tiny": lambda: (u / 2.0**23 - 1) / 1024,
             "holes": lambda: np.where(u % 7 == 0, np.nan, u / 2.0**23 - 1)}[kind]()
    return torch.from_numpy(v.astype(np.float32).astype(np.float64).reshape(shape))


RNG_DROPOUT = 4                 # of enum rng_use in base/rng.h


def philox(key, counter):
    """Philox4x32-10 of Salmon et al. (SC 2011): counter words as rows, in uint64."""
    c, k, low = [w.astype(np.uint64) for w in counter], list(key), np.uint64(0xffffffff)
    for _ in range(10):
        p, q = np.uint64(0xd2511f53) * c[0], np.uint64(0xcd9e8d57) * c[2]
        c = [(q >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), q & low,
             (p >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), p & low]
        k = [(k[0] + 0x9e3779b9) & 0xffffffff, (k[1] + 0xbb67ae85) & 0xffffffff]
    return c


def mix(z):
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9 & (2**64 - 1)
    z = (z ^ z >> 27) * 0x94d049bb133111eb & (2**64 - 1)
    return z ^ z >> 31


class Run(NamedTuple):
    """struct run_context of exec/run.h."""
    seed: int
    step: int
    sample: int = 0
    sample_stride: int = 1


def dropout_mask(run, stream, p, shape):
    """exec/dropout.h in numpy: 1 keep, 0 drop."""
    k = mix(mix(run.seed) + RNG_DROPOUT * 0x9e3779b97f4a7c15 & (2**64 - 1))
    n, per = shape[0], int(np.prod(shape[1:]))
    e, s = np.meshgrid(np.arange(per), run.sample + np.arange(n) * run.sample_stride)
    words = philox([k & 0xffffffff, k >> 32],
                   [e // 8, np.full_like(e, stream), s, np.full_like(e, run.step)])
    word = np.choose(e % 8 // 2, words)
    number = word >> (e % 2 * 16).astype(np.uint64) & np.uint64(0xffff)
    return torch.from_numpy((number >= round(p * 65536)).reshape(shape))
