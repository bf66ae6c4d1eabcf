"""Hostile settings of every row that the program's own tables have: options of a spec, layers, sources.
A row that is new is tried from the day it is added."""

import json

from good import TRAIN
from spoil import odd

SMALL = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "16",
    "-1",
    "1.5",
    "[1, 2]",
    "[2, 1]",
    "[1, 2, 3]",
    "[0, 0]",
    "[-1]",
    "yes",
    "same",
    "[[1, 2], [3, 4]]",
    "1000000",
    "2147483647",
]
SHAPES = {
    "image": [3, 8, 8],
    "features": [12],
    "row": [4, 16],
    "sequence": [-1, 6],
    "point": [1],
    "deep": [2, 2, 2, 2],
}


def value(rng, row):
    """One for an option: of its kind, at its ends, or of no kind at all."""
    kind, words, default = row
    if words and rng.random() < 0.6:
        return rng.choice(words)
    if rng.random() < 0.15:
        return default
    return rng.choice(SMALL) if rng.random() < 0.6 else odd(rng)


def an_option(p):
    """Each option of a spec in its turn, and up to two more."""
    rows = p.shared.options
    names = [sorted(rows)[p.turn % len(rows)], *p.rng.sample(sorted(rows), p.rng.randint(0, 2))]
    words = ["train", str(p.shared.tiny), *TRAIN]
    if any(n.startswith("distribute.") for n in names):
        words += ["--workers", "2"]
    for n in names:
        words += ["--set", f"{n}={value(p.rng, rows[n])}"]
    return words


def settings(p, kind):
    rows = p.shared.layers[kind]
    held = p.rng.sample(sorted(rows), p.rng.randint(0, min(3, len(rows))))
    if "out" in rows:
        held = [*held, "out"]
    return {n: value(p.rng, rows[n]) for n in held}


def as_yaml(v):
    return "{" + ", ".join(f"{k}: {v[k] if v[k] else 'null'}" for k in v) + "}"


def a_layer(p):
    """Each kind of layer in its turn, on inputs of all shapes, behind or before another."""
    kinds = sorted(p.shared.layers)
    chain = [kinds[p.turn % len(kinds)], *p.rng.sample(kinds, p.rng.randint(0, 2))]
    if p.rng.random() < 0.3:
        chain.reverse()
    shape = p.rng.choice(list(SHAPES.values()))
    inner = "[relu]" if p.rng.random() < 0.7 else "[{dense: {out: 3}}, relu]"
    lines = []
    for kind in chain:
        held = settings(p, kind)
        if kind in ("sequence", "repeat", "residual", "branches") and p.rng.random() < 0.8:
            held.update(
                {"branches": {"branches": f"[{inner}, {inner}]"}, "residual": {"body": inner}}.get(
                    kind, {"layers": inner}
                )
            )
        lines.append(f"    - {kind}: {as_yaml(held)}\n")
    text = f"name: one\nmodel:\n  input: {json.dumps(shape)}\n  loss: mse\n  layers:\n{''.join(lines)}"
    path = p.put("spec.yaml", text)
    return p.rng.choice(
        [
            ["show", path],
            ["show", path, "--graph"],
            ["show", path, "--for", "predict", "-b", "3"],
            ["show", path, "--kernels", "--threads", "1"],
        ]
    )


def a_source_setting(p):
    """Each setting of each source in its turn, with data that are good."""
    rows = [(s, n) for s in sorted(p.shared.sources) for n in sorted(p.shared.sources[s])]
    scheme, name = rows[p.turn % len(rows)]
    known = p.shared.sources[scheme]
    held = {
        n: value(p.rng, known[n]) for n in [name, *p.rng.sample(sorted(known), min(2, p.rng.randint(0, len(known))))]
    }
    if p.rng.random() < 0.3 and scheme == "csv":
        held[name] = p.rng.choice(["a", "b", "c", "kind", "a,b,kind", "0", "4", "-1", "a,a", ",", "99999999999"])
    uri = f"{scheme}:{p.shared.places[scheme]}?" + "&".join(f"{n}={v}" for n, v in held.items())
    return p.rng.choice([["data", uri], ["data", uri, "-n", "3"], ["data", uri, "--json"]])


KINDS = (an_option, a_layer, a_source_setting)
