#!/usr/bin/env python3
"""Random nets trained by tutti and by PyTorch, from the same numbers on the same data: the same losses,
learning rates, parameters and buffers after each step.

    test_versus_torch.py [NETS [FIRST]]         200 nets from seed 1; exit code 0, or 1 with the first
                                                differences and the seeds that show them again

README.md says what is drawn and how close is close.  Every kind of layer, loss, optimizer and schedule
of the library's tables gets its turn; one that is not known here fails by name."""
import json
import os
import sys

try:
    import torch
except ImportError:
    if os.path.realpath(sys.executable) != os.path.realpath("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    print("skipped: Python has no torch (python3-torch)")
    sys.exit(77)

sys.dont_write_bytecode = True
LIBRARY = os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so")
if any(word in open(LIBRARY, "rb").read() for word in (b"__asan_init", b"__tsan_init")):
    print("skipped: a sanitizer's library cannot be loaded late")
    sys.exit(77)

import numpy as np

import layers
import rules
import tutti
from draw import OF_CLASSES, Draw

BASE = 2e-5             # of the largest number of a tensor: rounding of f32 over a few steps
ILL = 30                # times what PyTorch itself loses in f32, which knows how ill-posed a net is
ILL_MOST = 2e-3         # a net that loses more says nothing
KINK = 2e-6             # nearer to where a slope jumps, rounding decides: another net
TRIES = 40


# ---- are the tables those of the library? ----

def check_tables():
    """[what is in the library's tables and not here, or the other way round]"""
    wrong = []
    spec, kinds = tutti.spec(), tutti.layers()
    train = spec["train"][2]

    def same(what, theirs, ours):
        wrong.extend(f"{what}: '{n}' is not known to tests/random" for n in sorted(set(theirs) - set(ours)))
        wrong.extend(f"{what}: the library has no '{n}'" for n in sorted(set(ours) - set(theirs)))

    same("layers", kinds, layers.KINDS)
    same("model.loss", spec["model"][2]["loss"][1], rules.LOSSES)
    same("train.optimizer.kind", train["optimizer"][2]["kind"][1], rules.OPTIMIZERS)
    same("train.schedule.kind", train["schedule"][2]["kind"][1], rules.SCHEDULES)
    same("model", spec["model"][2], rules.SETTINGS["model"])
    same("train.optimizer", train["optimizer"][2], rules.SETTINGS["train.optimizer"])
    same("train.schedule", train["schedule"][2], rules.SETTINGS["train.schedule"])
    return wrong


def check_drawn():
    """[settings of layers that no net had]"""
    wrong = []
    for kind, options in tutti.layers().items():
        drawn = set(layers.DEFAULTS_ONLY) | SEEN.get(kind, set()) | {"name", "from", "share"}
        wrong.extend(f"{kind}: its setting '{n}' is never drawn" for n in sorted(set(options) - drawn))
    return wrong


SEEN = {}               # settings of each kind that were drawn


def note(items):
    for item in items:
        (kind, settings), = item.items()
        SEEN.setdefault(kind, set()).update(settings)
        for key in ("layers", "body", "shortcut"):
            note(settings.get(key, []))
        paths = settings.get("paths", [])
        for path in paths.values() if isinstance(paths, dict) else paths:
            note(path)


# ---- one training ----

def largest(a):
    return float(np.abs(a).max()) if a.size else 0.0


def far(name, got, want, lost):
    """Why got is not want; lost: what f32 costs PyTorch."""
    bound = BASE * max(largest(want), 0.1) + ILL * lost
    off = largest(got - want)
    return None if off <= bound else f"{name}: off by {off:.3g} of {largest(want):.3g}, bound {bound:.3g}"


def differences(told, tensors, exact, rough):
    found = []
    for i, ((lr, loss), (want_lr, want), (_, f32)) in enumerate(zip(told, exact[0], rough[0])):
        if not abs(lr - want_lr) <= 1e-9 * abs(want_lr) + 1e-15:
            found.append(f"step {i + 1}: rate {lr}, not {want_lr}")
        if np.isnan(want) != np.isnan(loss) or \
                abs(loss - want) > BASE * max(abs(want), 0.1) + ILL * abs(f32 - want):
            found.append(f"step {i + 1}: loss {loss:.9g}, PyTorch has {want:.9g}")
    if len(told) != len(exact[0]):
        found.append(f"{len(told)} steps, not {len(exact[0])}")
    for name, want in exact[1].items():
        found.append(far(name, tensors[name], want, largest(rough[1][name] - want)))
    return [f for f in found if f]


def taught(draw, source, workers):
    model = tutti.Model(json.dumps(draw.spec))
    try:
        told = list(tutti.train(model, source, workers))
        return told, {n: v.astype("f8") for n, (v, _) in model.tensors().items()}
    finally:
        model.free()


def is_ill(exact, rough):
    """Does rounding alone lead elsewhere?  PyTorch's single precision has given NaN now and then."""
    return any(not np.isfinite(v).all() or not np.isfinite(rough[1][n]).all() or
               largest(rough[1][n] - v) > ILL_MOST * max(largest(v), 0.1) / ILL
               for n, v in exact[1].items())


def compare(seed, want):
    """(differences, the training) of the first training from this seed that is well-posed."""
    for attempt in range(TRIES):
        draw = Draw(seed * 1000 + attempt).training(want)
        columns = draw.data()
        model = tutti.Model(json.dumps(draw.spec))
        start = {n: (np.array(v), trained) for n, (v, trained) in model.tensors().items()}
        model.free()
        try:
            exact = rules.train(draw, columns, start, torch.float64, KINK)
        except layers.Kink:
            continue
        rough = rules.train(draw, columns, start, torch.float32)
        if is_ill(exact, rough):
            continue
        note(draw.spec["model"]["layers"])
        classes = draw.spelt[1] if want["loss"] == "ctc" else draw.outputs if want["loss"] in OF_CLASSES else 0
        source = tutti.Source(columns, classes, "weight" in columns)
        found = differences(*taught(draw, source, 1), exact, rough)
        if not draw.norms and draw.chance(0.25):
            workers = draw.whole(2, 3)
            found += [f"{workers} workers: {f}"
                      for f in differences(*taught(draw, source, workers), exact, rough)]
        source.free()
        return found, draw
    return [], None


def main(nets=200, first=1):
    torch.set_num_threads(1)
    failed, trained, wrong = 0, 0, check_tables()
    if wrong:
        print("\n".join(wrong))
        return 1
    kinds, losses = sorted(layers.KINDS), sorted(rules.LOSSES)
    optimizers, schedules = sorted(rules.OPTIMIZERS), sorted(rules.SCHEDULES)
    for seed in range(first, first + nets):
        want = {"layer": kinds[seed % len(kinds)], "loss": losses[seed % len(losses)],
                "optimizer": optimizers[seed % len(optimizers)],
                "schedule": schedules[seed // 3 % len(schedules)]}
        try:
            found, draw = compare(seed, want)
        except tutti.Error as e:
            found, draw = [str(e)], None
        trained += draw is not None
        if found:
            failed += 1
            print(f"seed {seed}: " + "\n  ".join(found[:6]))
            if draw:
                print("  " + json.dumps(draw.spec))
    wrong = check_drawn() if nets >= 100 else []
    print("\n".join(wrong + [f"{trained} of {nets} nets trained (the others were ill-posed), {failed} differ"]))
    return 1 if failed or wrong or trained < nets * 0.9 else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
