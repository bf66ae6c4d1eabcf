#!/usr/bin/env python3
"""The public functions in any order, with any arguments that their types allow: none may crash.

    tests/hostile/calls.py [--seeds N] [--first N] [--calls N]

Functions are read from include/tutti, so a new one is tried from the day it is added.  What a caller must keep
is kept: nothing is freed that something else was made from, memory is as long as is said."""

import argparse
import ctypes
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
PROTOTYPE = re.compile(
    r"TT_API\s+((?:const\s+)?(?:struct\s+|enum\s+)?\w+[\s*const]*?)(tt_\w+)\(([^()]*(?:\([^()]*\)[^()]*)*)\)\s*;"
)
# What programs hold and hand on, as the headers say: `typedef struct x tt_x;`
HANDLES = {
    name
    for path in (SOURCE / "include" / "tutti").glob("*.h")
    for name in re.findall(r"^typedef struct \w+ (tt_\w+);", path.read_text(), re.MULTILINE)
} | {"tt_batch"}
# These wait for other processes, start some, or are about the whole process.
NOT_TRIED = {
    "tt_launch_run",
    "tt_group_tcp",
    "tt_worker_join",
    "tt_worker_find",
    "tt_runtime_set",
    "tt_free",
    "tt_group_abandon",
}
SPEC = """name: tiny
data: {train: 'synth:objects?size=8&count=16', valid: 'synth:objects?size=8&count=8&split=test'}
model: {input: [3, 8, 8], layers: [flatten, dense: {out: 10}]}
train: {batch: 8, threads: 1, tune_kernels: no}
"""
TEXTS = [
    "",
    "x",
    "train.batch",
    "8",
    "synth:objects?size=8&count=16",
    "spec.yaml",
    "run",
    "run/checkpoints/last.safetensors",
    "m.safetensors",
    "dense1.weight",
    "loss",
    "onnx",
    "keras",
    "safetensors",
    "o.onnx",
    "dense",
    "{out: 3}",
    "a: [",
    "%s%n",
    "\x1b[31m",
    "a" * 5000,
    "nowhere/x",
    ".",
    "net.onnx",
    SPEC,
    "csv:t.csv",
    "?",
    ":",
    "relu",
    "model.layers",
]
# By the name of the parameter, one that may well be right.
LIKELY = {
    "uri": TEXTS[4:5],
    "path": ["spec.yaml", "m.safetensors", "net.onnx", "o.onnx", "s.png"],
    "key": ["train.batch", "model.layers"],
    "value": ["8", "{out: 3}"],
    "text": [SPEC],
    "checkpoint": ["m.safetensors"],
    "kind": ["dense"],
    "settings": ["{out: 10}"],
    "format": ["onnx", "keras", "safetensors"],
    "name": ["run", "tiny", "image"],
    "run": ["run"],
    "runs": ["."],
}
# Enough of everything to begin with.
FIRST = [
    ("tt_spec_load", 2),
    ("tt_source_open", 3),
    ("tt_model_new", 8),
    ("tt_source_batch", 8),
    ("tt_learner_new", 6),
    ("tt_session_new", 6),
    ("tt_trainer_new", 6),
    ("tt_context_new", 6),
    ("tt_report_new", 4),
    ("tt_origins_new", 3),
]
WHOLE = [0, 0, 1, 1, 2, 3, -1, 7, 10, 100, 2**31 - 1, -(2**31)]
LARGE = [2**63 - 1, -(2**63), 2**32, 2**53]
ROOM = 1 << 22
CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 0)


def prototypes():
    for path in sorted((SOURCE / "include" / "tutti").glob("*.h")):
        text = re.sub(r"/\*.*?\*/", " ", path.read_text(), flags=re.DOTALL)
        for result, name, args in PROTOTYPE.findall(text):
            if name not in NOT_TRIED:
                args = [" ".join(a.split()) for a in args.split(",") if a.strip() not in ("", "void")]
                yield name, result.strip(), args


class Caller:
    def __init__(self, rng, say):
        self.rng, self.say = rng, say
        self.lib = ctypes.CDLL(
            os.environ.get("TUTTI_LIBRARY")
            or os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so")
        )
        self.all = list(prototypes())
        self.live = {h: [] for h in HANDLES}  # {kind: [address]}
        self.made_from = {}  # {address: [addresses]}
        self.buffer = ctypes.create_string_buffer(ROOM)
        self.lib.tt_last_error.restype = ctypes.c_char_p

    def handle(self, kind):
        held = self.live[kind]
        return self.rng.choice(held) if held and self.rng.random() < 0.93 else None

    def struct(self):
        """Options or a result, of any size that is there."""
        raw = ctypes.create_string_buffer(4096)
        ctypes.memmove(raw, self.rng.choice([0, 4, 8, 16, 40, 64, 120, 4096]).to_bytes(4, "little"), 4)
        return raw if self.rng.random() < 0.9 else None

    def argument(self, text, with_memory):
        """(what is handed over, what is to be looked at after it)."""
        rng, kind = self.rng, re.sub(r"\b(const|struct|enum)\b", "", text).split()[0].rstrip("*")
        stars = text.count("*") + text.count("[")
        if kind in HANDLES and stars == 2:
            return ctypes.c_void_p(), "out"
        if kind in HANDLES:
            return self.handle(kind), "handle"
        if kind.endswith("_fn"):
            return rng.choice([None, ctypes.cast(CALLBACK, ctypes.c_void_p)]), ""
        if kind == "char" and stars == 1:
            likely = LIKELY.get(text.rsplit("*", 1)[-1].strip())
            if likely and rng.random() < 0.6:
                return rng.choice(likely).encode(), ""
            return rng.choice([None, *[t.encode() for t in TEXTS]]), ""
        if stars >= 2:
            return ctypes.c_void_p(), "text"
        if kind.startswith("tt_") and stars:
            return self.struct(), ""
        if stars:
            if "shape" in text or "sizes" in text:
                return (ctypes.c_int64 * 8)(
                    *[
                        rng.choice([1, 2, 3, 8, 0, -1, 2**40]) if "sizes" in text else rng.choice([1, 3, 8, 0, -1])
                        for _ in range(8)
                    ]
                ), ""
            return rng.choice([None, self.buffer, self.buffer, self.buffer]), ""
        if kind == "double":
            return ctypes.c_double(rng.choice([0, -1, float("nan"), float("inf"), 1e308])), ""
        if kind in ("int64_t", "size_t"):
            few = [0, 1, 2, 3] if with_memory or kind == "size_t" else [*WHOLE, *LARGE]
            return ctypes.c_int64(rng.choice(few)), ""
        return ctypes.c_int(rng.choice([0, 1, 2, -1] if with_memory else WHOLE)), ""

    def call(self, name, result, args):
        memory = any(re.match(r"(const )?(float|void|u?int\d+_t) \*", a) for a in args)
        given = [self.argument(a, memory) for a in args]
        if name.endswith(("_free", "_close", "_leave")):
            return self.free(name, args)
        raw = [
            (
                ctypes.byref(v)
                if how in ("out", "text") and self.rng.random() < 0.97
                else None if how in ("out", "text") else ctypes.c_void_p(v) if how == "handle" else v
            )
            for v, how in given
        ]
        self.say(f"{name}({', '.join(f'{v!r:.60}' for v, _ in given)})")
        f = getattr(self.lib, name)
        f.restype = ctypes.c_int if "*" not in result else ctypes.c_void_p
        code = f(*raw)
        for (v, how), a, r in zip(given, args, raw):
            if how == "out" and r is not None and v.value:
                if result == "tt_status" and code != 0:
                    sys.exit(f"{name} failed and has set its output")
                kind = re.search(r"tt_\w+", a)[0]
                self.live[kind].append(v.value)
                self.made_from[v.value] = [x for x, h in given if h == "handle" and x]
        if result == "tt_status" and code and not self.lib.tt_last_error():
            sys.exit(f"{name} fails without a word: {code}")
        return code

    def free(self, name, args):
        kind = re.search(r"tt_\w+", args[0])[0]
        used = {a for made in self.made_from.values() for a in made}
        held = [a for a in self.live[kind] if a not in used]
        chosen = self.rng.choice(held) if held else None
        address = ctypes.c_void_p(chosen)
        self.say(f"{name}({address})")
        getattr(self.lib, name)(ctypes.byref(address) if chosen or self.rng.random() < 0.5 else None)
        if address.value:
            sys.exit(f"{name} leaves the caller's pointer")
        if chosen:
            self.live[kind].remove(chosen)
            del self.made_from[chosen]


def child(seed, calls):
    log = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    pathlib.Path("spec.yaml").write_text(SPEC)
    pathlib.Path("t.csv").write_text("a,b,kind\n1,2,x\n2,3,y\n3,1,z\n")
    pathlib.Path("net.onnx").write_bytes((SOURCE / "tests" / "onnx" / "mlp.onnx").read_bytes())
    rng = random.Random(seed)
    c = Caller(rng, lambda text: os.write(log, text.encode("utf-8", "replace") + b"\n"))
    likely = [
        p
        for p in c.all
        if p[0]
        in (
            "tt_spec_load",
            "tt_model_new",
            "tt_learner_new",
            "tt_session_new",
            "tt_trainer_new",
            "tt_source_open",
            "tt_context_new",
            "tt_generator_new",
            "tt_report_new",
        )
    ]
    by_name = {p[0]: p for p in c.all}
    for name, times in FIRST:
        for _ in range(times):
            c.call(*by_name[name])
    for _ in range(calls):
        c.call(*rng.choice(likely if rng.random() < 0.25 else c.all))
    os._exit(0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument(
        "--preload", help="libasan.so, where the library is built with it (ASAN_OPTIONS=detect_leaks=0)"
    )
    parser.add_argument("--child", type=int)
    o = parser.parse_args()
    if o.child is not None:
        child(o.child, o.calls)
    bad = 0
    for seed in range(o.first, o.first + o.seeds):
        with tempfile.TemporaryDirectory() as folder:
            preload = {"LD_PRELOAD": o.preload} if o.preload else {}
            said = subprocess.run(
                [sys.executable, __file__, "--child", str(seed), "--calls", str(o.calls)],
                cwd=folder,
                env={**os.environ, "OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": folder, **preload},
                capture_output=True,
                text=True,
                errors="replace",
                timeout=600,
                check=False,
            )
            if said.returncode:
                bad += 1
                how = signal.Signals(-said.returncode).name if said.returncode < 0 else f"exit {said.returncode}"
                last = pathlib.Path(folder, "said").read_text().split("\n")[-6:]
                print(f"seed {seed}: {how}: {said.stderr[-1500:]}\n    " + "\n    ".join(last), flush=True)
    print(f"{o.seeds} programs of {o.calls} calls each: {bad} ended as none may")
    sys.exit(bool(bad))


main()
