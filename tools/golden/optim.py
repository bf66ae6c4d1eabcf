#!/usr/bin/python3
"""Golden numbers of the optimizers: five steps on two small tensors.

    tools/golden/optim.py > tests/golden/optim.json

PyTorch does the steps where it knows the rule; LARS and LAMB are written out here in double
precision from their papers.  Needs python3-torch.
"""
import json
import math

import torch

STEPS = 5
SIZES = (5, 4)           # the second tensor stands for a bias

# name, options as in a spec, a PyTorch optimizer and its arguments (None: see below)
CASES = [
    ("sgd", {"kind": "sgd", "lr": 0.1}, torch.optim.SGD, {}),
    ("sgd, decay", {"kind": "sgd", "lr": 0.1, "weight_decay": 0.01}, torch.optim.SGD, {}),
    ("momentum", {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
     torch.optim.SGD, {}),
    ("nesterov", {"kind": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01,
                  "nesterov": "yes"}, torch.optim.SGD, {"nesterov": True}),
    ("momentum, biases undecayed", {"kind": "sgd", "lr": 0.1, "momentum": 0.9,
                                    "weight_decay": 0.1, "decay_norms": "no"},
     torch.optim.SGD, {}),
    ("adam", {"kind": "adam", "lr": 0.01, "weight_decay": 0.01}, torch.optim.Adam, {}),
    ("adam, own betas", {"kind": "adam", "lr": 0.01, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3},
     torch.optim.Adam, {"betas": (0.8, 0.9)}),
    ("adamw", {"kind": "adamw", "lr": 0.01, "weight_decay": 0.1}, torch.optim.AdamW, {}),
    ("adagrad", {"kind": "adagrad", "lr": 0.1, "weight_decay": 0.01}, torch.optim.Adagrad, {}),
    ("rmsprop", {"kind": "rmsprop", "lr": 0.01, "weight_decay": 0.01}, torch.optim.RMSprop, {}),
    ("rmsprop, momentum", {"kind": "rmsprop", "lr": 0.01, "momentum": 0.9, "alpha": 0.9},
     torch.optim.RMSprop, {}),
    ("lars", {"kind": "lars", "lr": 0.5, "momentum": 0.9, "weight_decay": 0.01, "trust": 0.02},
     None, {}),
    ("lars, biases left out", {"kind": "lars", "lr": 0.5, "momentum": 0.9, "weight_decay": 0.01,
                               "trust": 0.02, "decay_norms": "no"}, None, {}),
    ("lamb", {"kind": "lamb", "lr": 0.05, "weight_decay": 0.01}, None, {}),
]


def start():
    """The same parameters and gradients for all: short decimals, exact in the file."""
    value = [[round(math.sin(1 + 7 * t + 3 * i), 3) for i in range(n)]
             for t, n in enumerate(SIZES)]
    grads = [[[round(math.cos(2 + 5 * s + 3 * t + 11 * i), 3) for i in range(n)]
              for t, n in enumerate(SIZES)] for s in range(STEPS)]
    return value, grads


def by_torch(make, options, extra):
    value, grads = start()
    tensors = [torch.tensor(v, requires_grad=True) for v in value]
    known = {k: options[k] for k in ("lr", "momentum", "weight_decay", "alpha", "eps")
             if k in options}
    groups = [{"params": [t]} for t in tensors]
    if options.get("decay_norms") == "no":
        groups[1]["weight_decay"] = 0
    optimizer = make(groups, **known, **extra)
    for step in grads:
        for t, g in zip(tensors, step):
            t.grad = torch.tensor(g)
        optimizer.step()
        yield [x for t in tensors for x in t.tolist()]


def norm(v):
    return math.sqrt(sum(x * x for x in v))


def lars(w, g, state, o, decay, _):
    """You, Gitman, Ginsburg 2017, equation 6; the buffer holds no learning rate."""
    trust = 1
    if decay is not None:
        trust = o["trust"] * norm(w) / (norm(g) + decay * norm(w))
    u = state.setdefault("u", [0] * len(w))
    for i, x in enumerate(w):
        u[i] = o["momentum"] * u[i] + trust * (g[i] + (decay or 0) * x)
        w[i] = x - o["lr"] * u[i]


def lamb(w, g, state, o, decay, t):
    """You et al. 2020, algorithm 2."""
    m, v = state.setdefault("m", [0] * len(w)), state.setdefault("v", [0] * len(w))
    r = []
    for i, x in enumerate(w):
        m[i] = 0.9 * m[i] + 0.1 * g[i]
        v[i] = 0.999 * v[i] + 0.001 * g[i] ** 2
        r.append(m[i] / (1 - 0.9 ** t) / (math.sqrt(v[i] / (1 - 0.999 ** t)) + 1e-6) + decay * x)
    ratio = norm(w) / norm(r)
    for i, x in enumerate(w):
        w[i] = x - o["lr"] * ratio * r[i]


def by_hand(rule, options):
    value, grads = start()
    states = [{} for _ in value]
    for t, step in enumerate(grads, 1):
        for k, (w, g) in enumerate(zip(value, step)):
            decay = options["weight_decay"]
            if k == 1 and options.get("decay_norms") == "no":
                decay = None
            rule(w, g, states[k], options, decay, t)
        yield [x for w in value for x in w]


def main():
    value, grads = start()
    out = {"sizes": SIZES, "start": sum(value, []), "grads": [sum(g, []) for g in grads],
           "cases": []}
    for name, options, make, extra in CASES:
        steps = (by_torch(make, options, extra) if make
                 else by_hand({"lars": lars, "lamb": lamb}[options["kind"]], options))
        out["cases"].append({"name": name, "options": options,
                             "steps": [[float(f"{x:.9g}") for x in s] for s in steps]})
    print(json.dumps(out).replace('{"name"', '\n{"name"'))


main()
