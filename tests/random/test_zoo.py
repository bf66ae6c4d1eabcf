#!/usr/bin/env python3
"""Nets of examples/ beside torchvision's, and those of zoo_nets.py, with the same weights: the same answers.

    test_zoo.py [NET ...]         all of them; exit code 0, or 1 with what differs

Statistics and scales of norms are drawn, so that no layer is an identity.  An example that is in
neither, nor compared with PyTorch by a test of its own, fails by name."""
import glob
import os
import re
import sys

try:
    import torch
except ImportError:
    print("skipped: Python has no torch")
    sys.exit(77)
try:
    import torchvision.models as models
except ImportError:
    models = None

sys.dont_write_bytecode = True
LIBRARY = os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so")
if any(word in open(LIBRARY, "rb").read() for word in (b"__asan_init", b"__tsan_init")):
    print("skipped: a sanitizer's library cannot be loaded late")
    sys.exit(77)

import numpy as np

import tutti
import zoo_nets

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SOURCE = os.path.join(ROOT, "examples")
sys.path.append(os.path.join(ROOT, "tools", "golden"))
import train                            # lenet5, cnn6 and resnet20, of which five steps are golden

IMAGES = 2
BOUND = 1e-4            # of the largest probability
VISION = {
    "alexnet": lambda: models.alexnet(), "vgg11": lambda: models.vgg11(init_weights=False),
    "vgg19": lambda: models.vgg19(init_weights=False), "resnet50": lambda: models.resnet50(),
    "inception-v1": lambda: models.googlenet(aux_logits=False, init_weights=False),
    "googlenet": lambda: models.googlenet(aux_logits=True, init_weights=False),
}
NETS = {**(VISION if models else {}), **zoo_nets.NETS, **train.NETS}
ELSEWHERE = {           # nets of texts and tables, trained for some steps beside PyTorch's
    "char-lstm": "tests/cli/test_text_torch.sh", "char-gpt": "tests/cli/test_text_torch.sh",
    "wide-deep": "tests/golden/test_wide_deep.py",
}


def unknown():
    """[examples that nothing holds to PyTorch]"""
    found = {os.path.basename(path)[:-5] for path in glob.glob(os.path.join(SOURCE, "*.yaml"))}
    wrong = [f"{n}: no net of PyTorch's" for n in sorted(found - {*NETS, *VISION, *ELSEWHERE})]
    return wrong + [f"{n}: no such example" for n in sorted({*NETS, *ELSEWHERE} - found)]


def draw_norms(tensors, rng):
    for name, (v, _) in tensors.items():
        if name.endswith("running_var") or (v.ndim == 1 and name.endswith("weight")):
            v[...] = rng.uniform(0.5, 1.5, v.shape)
        elif v.ndim == 1 or not v.any():
            v[...] = rng.uniform(-0.1, 0.1, v.shape)


def copy_weights(net, tensors):
    """[what the one has and the other has not]"""
    theirs = {n: t for n, t in net.state_dict().items() if not n.endswith("num_batches_tracked")}
    wrong = [f"{n}: only one of the two has it" for n in sorted(set(theirs) ^ set(tensors))]
    for name in set(theirs) & set(tensors):
        if list(theirs[name].shape) != list(tensors[name][0].shape):
            wrong.append(f"{name}: {list(tensors[name][0].shape)}, PyTorch's has {list(theirs[name].shape)}")
        else:
            theirs[name].copy_(torch.from_numpy(tensors[name][0]))
    return wrong


def calm(net, tensors, x):
    """Scores of a size at which no probability is all."""
    scores = net(x)
    last = [n for n, (v, _) in tensors.items() if v.ndim == 2 and len(v) == scores.shape[-1]][-1]
    for name in (last, last.replace("weight", "bias")):
        tensors[name][0][...] /= float(scores.std())


def compare(name):
    """[what differs]"""
    rng = np.random.default_rng(7)
    text = open(os.path.join(SOURCE, name + ".yaml"), encoding="utf-8").read()
    model = tutti.Model(text)
    tensors = model.tensors()
    draw_norms(tensors, rng)
    net = NETS[name]().eval()
    words = re.search(r"inputs: {(\w+): {shape: \[-1\], type: i32}}", text)
    rows = re.search(r"embedding: .*rows: (\d+)", text)
    shape = words or [int(n) for n in re.search(r"input: \[([\d, ]+)\]", text).group(1).split(",")]
    wrong = copy_weights(net, tensors)
    if not wrong:
        x = rng.integers(0, int(rows.group(1)), [IMAGES, 9]) if words else \
            rng.standard_normal([IMAGES, *shape]).astype("f4")
        calm(net, tensors, torch.from_numpy(x))
        copy_weights(net, tensors)
        want = torch.softmax(net(torch.from_numpy(x)), -1).numpy()
        got = tutti.answers_places(model, words.group(1) if words else "x", x, want.shape) \
            if words or want.ndim == 3 else tutti.answers(model, x, want.shape)
        off = float(np.abs(got - want).max() / np.abs(want).max())
        print(f"{name}: off by {off:.2g} of the largest probability, {want.max():.3g}")
        if not off <= BOUND:
            wrong.append("the answers differ")
    model.free()
    return [f"{name}: {w}" for w in wrong[:6]]


def main(names):
    if not models:
        print("those of torchvision are skipped: Python has none")
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    wrong = unknown() + [w for name in names or NETS for w in compare(name)]
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
