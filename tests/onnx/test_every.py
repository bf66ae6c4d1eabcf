#!/usr/bin/env python3
"""Every kind of layer goes out with onnxruntime's answers and comes in with its own, to the bit.

    test_every.py [SEEDS [KIND ...]]   nets of tests/random, so many for each kind of its table

What cannot come in is in LACKS, by the kinds that are in the net, and names the node."""
import json
import os
import sys
import tempfile

import peer

peer.need("onnx", "onnxruntime", "numpy", "torch")
import numpy as np
import onnxruntime

import travel

travel.peer.library()
from draw import Draw
from layers import KINDS

BOUND = 1e-5
LACKS = {                       # kinds, one of which is in each net that is refused, and the words for it
    "class_token": "(Concat)", "mix": "(Mean)", "upsample": "(resize)",
}


def kinds_of(layers):
    found = set()
    for item in layers:
        for kind, settings in item.items():
            found.add(kind)
            for inner in (settings.get("layers"), settings.get("body"), settings.get("shortcut")):
                found |= kinds_of(inner or [])
            paths = settings.get("paths") or []
            for path in paths.values() if isinstance(paths, dict) else paths:
                found |= kinds_of(path)
            found |= {"mix"} if settings.get("join") == "mix" else set()
    return found


def odd(layers):
    """ONNX has no lrn of an even size, which the library's own test says."""
    for item in layers:
        for kind, settings in item.items():
            if kind == "lrn":
                settings["size"] |= 1
            paths = settings.get("paths") or []
            for inner in (settings.get("layers"), settings.get("body"), settings.get("shortcut"),
                          *(paths.values() if isinstance(paths, dict) else paths)):
                odd(inner or [])


def draw(kind, seed):
    """A net that has it, as (document, kinds, rows of its tables)."""
    for i in range(seed, seed + 4000, 100):
        d = Draw(i)
        d.smallest, d.loss = 9, "mse"
        layers = d.net(kind)
        odd(layers)
        if kind in kinds_of(layers) and len(d.inputs) == 1:
            model = {"loss": "mse", "layers": layers, "input": d.input}
            if d.rows:
                del model["input"]
                model["inputs"] = {"x": {"shape": d.input, "type": "i32"}}
            return {"name": "net", "train": {"tune_kernels": "on"}, "model": model}, kinds_of(layers), d.rows
    return None, set(), 0


def refused(error, kinds):
    return any(k in kinds and word in str(error) for k, word in LACKS.items())


def travels(kind, seed, folder):
    """(what became of it, what is wrong)"""
    spec, kinds, tokens = draw(kind, seed)
    if not spec:
        return "not drawn", None
    rng, path = np.random.default_rng(seed), os.path.join(folder, "net.onnx")
    model = travel.Model(json.dumps(spec))
    travel.stir(model, rng)
    try:
        model.write("onnx", path)
        off, want = travel.compare(model, path, np.random.default_rng(seed), tokens)
        if off > BOUND * max(1, want):
            return "wrong", f"onnxruntime is off by {off:.2g}"
        twin = travel.Model.read(path)
    except travel.tutti.Error as e:
        return ("refused", None) if refused(e, kinds) else ("wrong", str(e).split(".onnx: ")[-1])
    mine, back = travel.answers([model, twin], path, np.random.default_rng(seed), tokens)
    off = float(np.abs(mine - back).max())
    return ("same", None) if off <= 1e-6 * max(1, float(np.abs(mine).max())) else ("wrong", f"back, off by {off:.2g}")


def main(args):
    onnxruntime.set_default_logger_severity(3)
    seeds, kinds = int(args[0]) if args else 1, args[1:] or sorted(KINDS)
    count, wrong = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        for kind in kinds:
            for seed in range(1, seeds + 1):
                word, why = travels(kind, seed, folder)
                count[word] = count.get(word, 0) + 1
                if why:
                    wrong += 1
                    print(f"{kind}, seed {seed}: {why}", flush=True)
    print(count)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
