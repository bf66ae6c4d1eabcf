#!/usr/bin/env python3
"""Nets of other tools, by hand: each comes in with onnxruntime's answers, or is refused by node and operator.

    zoo.py [WORD ...]             of torchvision (both exporters of PyTorch), of PyTorch's own layers, of skl2onnx

needs torch, torchvision, onnxscript, scikit-learn, skl2onnx, onnxruntime; weights are random, from a seed."""
import logging
import os
import re
import sys
import tempfile
import warnings

import peer

peer.need("onnx", "onnxruntime", "numpy", "torch", "torchvision", "sklearn", "skl2onnx")
import numpy as np
import onnxruntime
import torch
import torchvision
from torch import nn

import bodies
import classic
import travel

BOUND = 1e-5
VISION = {"resnet18": 64, "mobilenet_v2": 64, "mobilenet_v3_small": 64, "efficientnet_b0": 64,
          "convnext_tiny": 64, "densenet121": 64, "googlenet": 64, "inception_v3": 96, "squeezenet1_1": 64,
          "shufflenet_v2_x0_5": 64, "vgg11": 64, "alexnet": 96, "mnasnet0_5": 64, "regnet_y_400mf": 64}


def vision(name):
    more = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    return getattr(torchvision.models, name)(**more), torch.randn(2, 3, VISION[name], VISION[name]), ()


def vit():
    return torchvision.models.VisionTransformer(image_size=64, patch_size=16, num_layers=2, num_heads=4,
                                                hidden_dim=32, mlp_dim=64), torch.randn(2, 3, 64, 64), ()


def export(make, path, dynamo):
    torch.manual_seed(3)
    net, x, free = make()
    net.eval()
    if dynamo:
        sizes = {0: torch.export.Dim("batch"), **{i: torch.export.Dim("length") for i in free}}
        more = {"dynamic_shapes": (sizes,), "external_data": False}
    else:
        more = {"dynamic_axes": {"x": {0: "batch", **{i: "length" for i in free}}}, "opset_version": 17}
    torch.onnx.export(net, (x,), path, dynamo=dynamo, input_names=["x"], output_names=["y"], verbose=False, **more)


def said(outputs, samples):
    """The numbers among what onnxruntime says."""
    for y in outputs:
        if isinstance(y, list):
            return np.array([list(row.values()) for row in y], "f4")
        if y.dtype.kind == "f":
            return samples.rows(y.astype("f4"))
    raise AssertionError("no numbers")


def check(name, path):
    """What became of it: (word, whether that is right)"""
    try:
        model = travel.Model.read(path)
    except travel.tutti.Error as e:
        return f"refused: {str(e).split('.onnx: ')[-1]}", re.search(r"node .+ \(\w+\): ", str(e)) is not None
    session = travel.session_of(path)
    samples = travel.Samples(session, np.random.default_rng(5), 9)
    want = said(session.run(None, samples.feed), samples)
    off = float(np.abs(travel.predict(model, samples, want.shape) - want).max())
    model.free()
    return f"off by {off:.2g}, of {np.abs(want).max():.3g}", off <= BOUND * max(1, float(np.abs(want).max()))


def nets():
    """(name, write(path))"""
    torches = {n: lambda n=n: vision(n) for n in VISION}
    for name, make in {**torches, "vit": vit, **bodies.NETS}.items():
        for dynamo in (False, True):
            yield f"{name}/{'dynamo' if dynamo else 'script'}", \
                lambda path, make=make, dynamo=dynamo: export(make, path, dynamo)
    for name, write in classic.nets():
        yield f"sklearn/{name}", write


def main(words):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    onnxruntime.set_default_logger_severity(3)
    wrong, came, all_ = [], 0, 0
    with tempfile.TemporaryDirectory() as folder:
        for name, write in nets():
            if words and not any(w in name for w in words):
                continue
            path = os.path.join(folder, "net.onnx")
            try:
                write(path)
            except Exception as e:          # the exporter cannot
                print(f"{name}: no file: {str(e).splitlines()[0][:80] if str(e) else type(e).__name__}")
                continue
            word, right = check(name, path)
            print(f"{name}: {word}", flush=True)
            all_ += 1
            came += right and not word.startswith("refused")
            wrong += [] if right else [name]
    print(f"{came} of {all_} come in with equal answers; wrong: {', '.join(wrong) or 'none'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
