#!/usr/bin/env python3
"""Nets that come in: those that tutti wrote give the same answers to the bit, those of torch.onnx
give onnxruntime's.

    test_in.py [NET ...]          of nets.py and of torches.py"""
import os
import sys
import tempfile

import peer

peer.need("onnx", "onnxruntime", "numpy")
import numpy as np
import onnxruntime

import nets
import travel

BOUND = 1e-5
LACKS = {                       # what comes out and cannot come in, and the word for it
    "labels": "Mean", "numbers": "Mean", "branches": "Mean",
    "tokens": "Concat",
}


def again(name, text, tokens, folder):
    """[what differs] of a model and the one that its file makes."""
    rng = np.random.default_rng(5)
    text = text.replace("tune_kernels: off", "tune_kernels: on")    # the twin does not know of it
    model, path = travel.Model(text), os.path.join(folder, name + ".onnx")
    travel.stir(model, rng)
    model.write("onnx", path)
    try:
        twin = travel.Model.read(path)
    except travel.tutti.Error as e:
        word = LACKS.get(name)
        return [] if word and f"({word})" in str(e) else [f"{name}: {e}"]
    same = travel.answers([model, twin], path, rng, tokens)
    model.free()
    twin.free()
    return [] if (same[0] == same[1]).all() else [f"{name}: off by {np.abs(same[0] - same[1]).max():.2g}"]


def foreign(name, folder):
    import torches
    path = os.path.join(folder, name + ".onnx")
    torches.export(name, path)
    try:
        model = travel.Model.read(path)
    except travel.tutti.Error as e:
        return [f"{name}: {e}"]
    off, want = travel.compare(model, path, np.random.default_rng(5), 9)
    print(f"{name}: off by {off:.2g}, of {want:.3g}")
    model.free()
    return [] if off <= BOUND * max(1, want) else [f"{name}: off by {off:.2g}"]


def main(names):
    onnxruntime.set_default_logger_severity(3)
    try:
        import torches
        theirs = list(torches.NETS)
    except ImportError:
        print("without torch: no nets of torch.onnx")
        theirs = []
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names or [*nets.NETS, *travel.SMALL, *theirs]:
            if name in theirs:
                wrong += foreign(name, folder)
            else:
                text, tokens = nets.NETS.get(name) or (travel.example(name), 0)
                wrong += again(name, text, tokens, folder)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
