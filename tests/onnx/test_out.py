#!/usr/bin/env python3
"""Nets written as ONNX: onnx.checker takes them, and onnxruntime gives tutti's answers.

    test_out.py [NET ...]         of nets.py and of examples/; without: nets.py and the small examples"""
import json
import os
import subprocess
import sys
import tempfile

import peer

peer.need("onnx", "onnxruntime", "numpy")
import numpy as np
import onnx
import onnxruntime

import nets
import travel

BOUND = 1e-5


def trained(folder):
    """A model that has seen pictures: bytes, mean and std, names of classes."""
    spec, run = os.path.join(peer.ROOT, "tests", "cli", "tiny.yaml"), os.path.join(folder, "run")
    subprocess.run([os.environ["TUTTI_BINARY"], "train", spec, "-q", "--run", run, "--set", "train.epochs=1",
                    "--set", "data.mean=[0.3,0.4,0.5]", "--set", "data.std=0.2"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return travel.Model.load(os.path.join(run, "checkpoints", "best.safetensors"))


def check_names(path):
    """[what is not as the data has it]"""
    model = onnx.load(path)
    classes = {e.key: e.value for e in model.metadata_props}.get("class_names", "[]")
    found = (model.graph.input[0].name, model.graph.output[0].name, len(json.loads(classes)))
    return [] if found == ("image", "probabilities", 10) else [f"trained: {found}"]


def compare(name, model, tokens, folder):
    """[what differs]"""
    rng = np.random.default_rng(5)
    travel.stir(model, rng)
    path = os.path.join(folder, name + ".onnx")
    model.write("onnx", path)
    onnx.checker.check_model(onnx.load(path), full_check=True)
    off, want = travel.compare(model, path, rng, tokens)
    print(f"{name}: off by {off:.2g}, of {want:.3g} at most")
    params = {n for n, (_, _) in model.tensors().items()}
    stored = {t.name for t in onnx.load(path).graph.initializer}
    model.free()
    return (check_names(path) if name == "trained" else []) + \
        ([] if off <= BOUND * max(1, want) else [f"{name}: the answers differ by {off:.2g}"]) + \
        [f"{name}: {p} is not in the file" for p in sorted(params - stored)]


def main(names):
    onnxruntime.set_default_logger_severity(3)
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names or [*nets.NETS, *travel.SMALL]:
            text, tokens = nets.NETS.get(name) or (travel.example(name), 0)
            wrong += compare(name, travel.Model(text), tokens, folder)
        if not names:
            wrong += compare("trained", trained(folder), 0, folder)
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
