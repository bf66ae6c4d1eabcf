#!/usr/bin/python3
"""The JAX side of versus-pytorch (see peer.py): one jitted function per step, buffers donated.

A net is a list of layers, images are NHWC, which XLA's convolutions on CPUs prefer.  Kernels are
given in HWIO; parameters are a list of arrays in the order in which layers take them.
"""
import os
import sys

import numpy

import peer

BATCH_NORM = 0.9            # of the running statistics


def nets():
    cnn6, wide = [], 3
    for out in (32, 64, 128):
        cnn6 += [("conv", wide, out, 3, 1, 1, 1), ("relu",), ("conv", out, out, 3, 1, 1, 1),
                 ("relu",), ("pool",), ("dropout", 0.25)]
        wide = out
    cnn6 += [("flatten",), ("dense", 2048, 1024), ("relu",), ("dropout", 0.5), ("dense", 1024, 10)]
    resnet, wide = [("conv", 3, 16, 3, 1, 1, 0), ("norm", 16), ("relu",)], 16
    for out in (16, 32, 64):
        for i in range(3):
            resnet.append(("block", wide, out, 2 if i == 0 and out != 16 else 1))
            wide = out
    return {"mlp": [("flatten",), ("dense", 784, 512), ("relu",), ("dense", 512, 512), ("relu",),
                    ("dense", 512, 10)],
            "lenet5": [("conv", 1, 6, 5, 1, 2, 1), ("relu",), ("pool",), ("conv", 6, 16, 5, 1, 0, 1),
                       ("relu",), ("pool",), ("flatten",), ("dense", 400, 120), ("relu",),
                       ("dense", 120, 84), ("relu",), ("dense", 84, 10)],
            "cnn6": cnn6, "resnet20": resnet + [("mean",), ("dense", 64, 10)]}


def parts(block):
    """A residual block as (its branch, its shortcut)."""
    _, wide, out, stride = block
    short = [("conv", wide, out, 1, stride, 0, 0), ("norm", out)] if stride > 1 or wide != out else []
    return [("conv", wide, out, 3, stride, 1, 0), ("norm", out), ("relu",),
            ("conv", out, out, 3, 1, 1, 0), ("norm", out)], short


def initial(layers, rng):
    """Parameters, and running statistics beside them."""
    params, stats = [], []
    for layer in layers:
        kind, *a = layer
        if kind == "conv":
            params.append(rng.standard_normal((a[2], a[2], a[0], a[1])) / (a[2] * a[0] ** 0.5))
            params += [numpy.zeros(a[1])] if a[5] else []
        elif kind == "dense":
            params += [rng.standard_normal((a[0], a[1])) / a[0] ** 0.5, numpy.zeros(a[1])]
        elif kind == "norm":
            params += [numpy.ones(a[0]), numpy.zeros(a[0])]
            stats += [numpy.zeros(a[0]), numpy.ones(a[0])]
        elif kind == "block":
            for some in parts(layer):
                p, s = initial(some, rng)
                params += p
                stats += s
    return params, stats


class Pass:
    """One forward pass: takes parameters one by one, leaves new statistics."""

    def __init__(self, params, stats, key):
        self.params, self.stats, self.key, self.after = iter(params), iter(stats), key, []

    def norm(self, x):
        gain, shift = next(self.params), next(self.params)
        mean, var = next(self.stats), next(self.stats)
        if self.key is not None:
            seen, spread = jnp.mean(x, (0, 1, 2)), jnp.var(x, (0, 1, 2))
            self.after += [BATCH_NORM * mean + (1 - BATCH_NORM) * seen,
                           BATCH_NORM * var + (1 - BATCH_NORM) * spread]
            mean, var = seen, spread
        return (x - mean) * (gain * jax.lax.rsqrt(var + 1e-5)) + shift

    def dropout(self, x, rate):
        if self.key is None:
            return x
        self.key, key = jax.random.split(self.key)
        return jnp.where(jax.random.bernoulli(key, 1 - rate, x.shape), x / (1 - rate), 0)

    def run(self, layers, x):
        for layer in layers:
            kind, *a = layer
            if kind == "conv":
                x = jax.lax.conv_general_dilated(
                    x, next(self.params), (a[3], a[3]), [(a[4], a[4])] * 2,
                    dimension_numbers=("NHWC", "HWIO", "NHWC"))
                x = x + next(self.params) if a[5] else x
            elif kind == "dense":
                x = x @ next(self.params) + next(self.params)
            elif kind == "norm":
                x = self.norm(x)
            elif kind == "relu":
                x = jax.nn.relu(x)
            elif kind == "pool":
                x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1),
                                          "VALID")
            elif kind == "dropout":
                x = self.dropout(x, a[0])
            elif kind == "flatten":
                x = x.reshape(x.shape[0], -1)
            elif kind == "mean":
                x = jnp.mean(x, (1, 2))
            else:
                branch, short = parts(layer)
                x = jax.nn.relu(self.run(branch, x) + self.run(short, x))
        return x


class Job:
    """A net with its data, compiled for one batch size."""

    def __init__(self, opts, _):
        if opts.bf16:
            sys.exit("this peer computes in f32")
        self.layers = nets()[opts.net]
        self.smoothing = 0.1 if opts.net == "resnet20" else 0
        params, stats = (list(map(jnp.float32, p))
                         for p in initial(self.layers, numpy.random.default_rng(1)))
        self.parameters = sum(p.size for p in params)
        self.version = jax.__version__
        self.state = (params, [jnp.zeros_like(p) for p in params], stats, jax.random.key(1))
        self.data = [(jnp.asarray(x.transpose(0, 2, 3, 1)), jnp.asarray(y.astype(numpy.int32)))
                     for x, y in peer.read_batches(opts.data, opts.net, opts.batch)]
        self.step = 0
        self.run = self.infer if opts.infer else self.train
        self.one = jax.jit(self.forward) if opts.infer else jax.jit(self.update, donate_argnums=0)

    def loss(self, params, stats, key, x, y):
        run = Pass(params, stats, key)
        logp = jax.nn.log_softmax(run.run(self.layers, x))
        hit = jnp.take_along_axis(logp, y[:, None], 1)[:, 0]
        loss = -jnp.mean((1 - self.smoothing) * hit + self.smoothing * jnp.mean(logp, 1))
        return loss, run.after

    def update(self, state, x, y):
        params, speed, stats, key = state
        key, now = jax.random.split(key)
        (loss, stats), grads = jax.value_and_grad(self.loss, has_aux=True)(params, stats, now, x, y)
        speed = [0.9 * v + g + 5e-4 * p for v, g, p in zip(speed, grads, params)]
        return ([p - 0.01 * v for p, v in zip(params, speed)], speed, stats, key), loss

    def forward(self, params, stats, x):
        return Pass(params, stats, None).run(self.layers, x)

    def train(self, steps):
        for _ in range(steps):
            self.state, loss = self.one(self.state, *self.data[self.step % len(self.data)])
            self.step += 1
        if not numpy.isfinite(float(loss)):
            sys.exit("the loss is not finite")

    def infer(self, steps):
        for _ in range(steps):
            out = self.one(self.state[0], self.state[2], self.data[self.step % len(self.data)][0])
            self.step += 1
        out.block_until_ready()


def variants(_):
    return ["jit"]


if __name__ == "__main__":
    if len(os.sched_getaffinity(0)) == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false " + os.environ.get("XLA_FLAGS", "")
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax
    import jax.numpy as jnp
    peer.main(__doc__, Job, variants)
