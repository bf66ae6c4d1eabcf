#!/usr/bin/env python3
"""Hostile inputs for the command line: made from a seed, each run with bounds on time and memory.

    tests/hostile/corpus.py --tutti build/dev/tutti --count 1000 [--seed N] [--only KIND] [--keep DIR]
    tests/hostile/corpus.py --tutti build/tsan/tutti --no-limits --memory 4000 --seconds 100
    tests/hostile/corpus.py --tutti build/dev/tutti --under valgrind --every 5

Every input is one of a kind (KINDS below) and is the same for the same seed and number, so that
`--seed 7 --first 123 --count 1` repeats one.  Whatever the input, the program answers with one of the
exit codes that are documented, in time, within memory, and is never ended by a signal."""
import argparse
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib

CODES = {0, 1, 2, 75, 99}
COMPLAINTS = ("AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", "==ERROR")
# What runs the program, and the exit code that is its own: it complains.
COMPLAINS = 98
UNDER = {
    "valgrind": ["valgrind", "-q", f"--error-exitcode={COMPLAINS}", "--num-callers=20",
                 f"--suppressions={pathlib.Path(__file__).resolve().parent.parent / 'valgrind.txt'}"],
}
# Where a complaint begins.  Code without a name was made while the program ran, by oneDNN, whose
# kernels read whole vectors.
TOP = re.compile(r"^==\d+== \S.*\n==\d+==    at 0x[0-9A-F]+: (\S+)", re.MULTILINE)
ODD = ["", "0", "-1", "1e308", "-1e308", "nan", "inf", "9223372036854775807", "9223372036854775808",
       "-9223372036854775808", "4294967296", "2147483648", "0x10", "1.5", "null", "~", "true", "[]",
       "{}", "[1, 2, 3, 4, 5, 6]", "'", "\"", "*a", "&a", "!!int 3", "\t", ":", "?", "-", "%", "@",
       "a" * 5000, "\u00e9", "${HOME}", "${NO_SUCH}", "../../x", "/dev/zero", "/dev/full", "1e-320"]


class Place:
    """A folder for one input, and what all inputs share."""

    def __init__(self, folder, shared, rng):
        self.folder, self.shared, self.rng = folder, shared, rng

    def put(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))
        return str(path)


# ---- how bytes and texts are spoilt ----

def spoil_bytes(rng, data, most=6):
    data = bytearray(data)
    for _ in range(rng.randint(1, most)):
        how = rng.randrange(7)
        at = rng.randrange(len(data)) if data else 0
        if how == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1 and data:
            data[at] = rng.choice([0, 255, 127, 128, 10, 34, 44, 58])
        elif how == 2:
            del data[at:]
        elif how == 3:
            del data[at:at + rng.randint(1, 64)]
        elif how == 4:
            data[at:at] = bytes(rng.randrange(256) for _ in range(rng.randint(1, 32)))
        elif how == 5 and len(data) > 8:
            width = rng.choice([1, 2, 4, 8])
            data[at:at + width] = rng.choice([b"\xff", b"\0", b"\x7f"]) * width
        elif data:
            data[at:at] = data[at:at + rng.randint(1, 200)]
    return bytes(data)


def spoil_text(rng, text, most=4):
    lines = text.split("\n")
    for _ in range(rng.randint(1, most)):
        at = rng.randrange(len(lines))
        how = rng.randrange(8)
        if how == 0:
            del lines[at]
            lines = lines or [""]
        elif how == 1:
            lines.insert(at, lines[rng.randrange(len(lines))])
        elif how == 2:
            lines[at] = rng.choice(["\t", " ", "   "]) + lines[at]
        elif how == 3 and ":" in lines[at]:
            lines[at] = lines[at].split(":")[0] + ": " + rng.choice(ODD)
        elif how == 4 and ":" in lines[at]:
            lines[at] = lines[at].replace(":", "", 1)
        elif how == 5:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(ODD)
            lines[at] = " ".join(words)
        elif how == 6 and lines[at]:
            place = rng.randrange(len(lines[at]))
            lines[at] = lines[at][:place] + rng.choice("{}[]\"':,#&*!|>%\0\x01") + lines[at][place:]
        else:
            lines[at] = lines[at][:rng.randint(0, len(lines[at]))]
    return "\n".join(lines)


# ---- kinds: each gives the command's words ----

TRAIN = ["-q", "--epochs", "1", "--threads", "1", "--run", "run"]


def a_spec(p):
    text = spoil_text(p.rng, p.shared.spec)
    return ["train", p.put("spec.yaml", text), *TRAIN]


def a_large_spec(p):
    n = p.rng.choice([1000, 30000])
    text = p.rng.choice([
        "".join(f"k{i}: {i}\n" for i in range(n)),
        "a: " + "[" * n,
        "a: " + "{a: " * n,
        "- " * n,
        "a: &a [x]\n" + "".join(f"b{i}: [*a, *a]\n" for i in range(n)),
        "a: &a0 [x, x]\n" + "".join(f"b{i}: &a{i + 1} [*a{i}, *a{i}]\n" for i in range(60)),
        "model:\n  input: [8]\n  layers: [" + "{dense: {out: 8}}, " * n + "]\n",
        "model:\n  input: [8]\n  layers: [{repeat: {times: 1000000, layers: [{repeat: {times: 1000000, "
        "layers: [relu]}}]}}]\n",
        "model:\n  input: [100000, 100000]\n  layers: [{dense: {out: 100000}}]\n",
        "model:\n  input: [65536]\n  layers: [{dense: {out: 65536}}, {dense: {out: 65536}}]\n",
        "name: " + "x" * n * 100 + "\n",
        "# " + "x" * n + "\n" * n,
        "a: \"" + "\\u0041" * n,
    ])
    text += p.rng.choice(["", "data: {train: 'synth:objects?count=10'}\n"])
    return ["train", p.put("spec.yaml", text), *TRAIN]


def a_setting(p):
    words = ["train", str(p.shared.tiny), *TRAIN]
    for _ in range(p.rng.randint(1, 3)):
        key = p.rng.choice(p.shared.keys)
        words += ["--set", f"{key}={p.rng.choice(ODD)}"]
    return words


def a_command(p):
    verbs = ["train", "eval", "predict", "show", "data", "info", "compare", "help", "version", "nothing"]
    flags = ["--set", "-s", "-e", "--epochs", "--seed", "-t", "--workers", "--strategy", "--hosts",
             "--launcher", "--rendezvous", "--rank", "--world", "--local", "--restarts", "--trace", "--run",
             "--resume", "--json", "-q", "--top", "-n", "--format", "--batch", "--", "-", "--export",
             "--kernel-cache", "--dry-run", "-zzz", "---", "--=", "--set=", "-h"]
    words = [p.rng.choice(verbs)]
    for _ in range(p.rng.randint(0, 5)):
        words.append(p.rng.choice(flags + ODD + [str(p.shared.tiny), "good", "synth:objects?count=4"]))
    # Hosts and processes are what other tests try.
    words = [w for w in words if w not in ("--hosts", "--rendezvous", "--restarts", "/dev/zero")]
    return [w.replace("\0", "") for w in words]


def a_table(p):
    rng = p.rng
    rows = [",".join(["a", "b", "c", "kind"])]
    rows += [",".join([f"{rng.random():.3g}", str(rng.randrange(9)), "1", rng.choice("xyz")])
             for _ in range(rng.randint(0, 30))]
    text = "\n".join(rows) + "\n"
    data = spoil_bytes(rng, text.encode()) if rng.random() < 0.5 else \
        spoil_text(rng, text).encode("utf-8", "surrogateescape")
    if rng.random() < 0.2:
        data = rng.choice([b"1,2\n" * 50000, b"," * 200000, b'"' + b"x" * 100000, b"\n" * 100000,
                           b"1," * 100000 + b"1\n", zlib.compress(data), b"\xef\xbb\xbf", b"\0" * 1000])
    query = rng.choice(["", "", "?label=kind", "?label=" + rng.choice(ODD), "?holdout=0.5&split=test",
                        "?header=no", "?task=regress", "?separator=tab", "?weight=b", "?x", "?=", "?&&",
                        "?label=%00", "?label=none"])
    return ["data", f"csv:{p.put('t.csv', data)}{query}".replace("\0", "")]


def a_picture(p):
    path = p.rng.choice(p.shared.pictures)
    path = p.put("x/star/a" + pathlib.Path(path).suffix, spoil_bytes(p.rng, pathlib.Path(path).read_bytes()))
    return p.rng.choice([["predict", "good", path], ["data", f"images:{p.folder / 'x'}?size=16"],
                         ["data", f"images:{p.folder / 'x'}"]])


def a_source(p):
    rng = p.rng
    word = rng.choice(["synth:objects", "synth:digits", "synth:regression", "mnist:.", "cifar10:.", "images:.",
                       "csv:.", "nothing:x", ":", "csv:", "images:"])
    query = "&".join(f"{rng.choice(['size', 'count', 'seed', 'split', 'classes', 'noise', 'x'])}="
                     f"{rng.choice(ODD)}" for _ in range(rng.randint(0, 3)))
    return ["data", f"{word}?{query}".replace("\0", "")]


def header_of(data):
    size, = struct.unpack("<Q", data[:8])
    return data[8:8 + size].decode(), data[8 + size:]


def a_checkpoint(p):
    rng, data = p.rng, p.shared.checkpoint.read_bytes()
    if rng.random() < 0.35:
        data = spoil_bytes(rng, data)
    else:
        head, rest = header_of(data)
        for _ in range(rng.randint(1, 3)):
            at = rng.randrange(len(head))
            digits = [i for i in range(len(head)) if head[i].isdigit()]
            if rng.random() < 0.7:
                first = last = rng.choice(digits)
                while last < len(head) and head[last].isdigit():
                    last += 1
                head = head[:first] + rng.choice(
                    ["0", "-1", "9" * 18, "9" * 30, "9223372036854775807", "1e300", "4294967296", "1.5",
                     "2147483648", "null", "\"x\"", "[]"]) + head[last:]
            else:
                head = head[:at] + rng.choice(['"', "{", "}", "[", "\\u0000", ","]) + head[at + rng.randrange(2):]
        raw = head.encode("utf-8", "surrogateescape")
        data = struct.pack("<Q", len(raw)) + raw + rest
    path = p.put("c.safetensors", data)
    return rng.choice([["show", path], ["eval", path, "synth:objects?size=16&count=8"], ["eval", path],
                       ["predict", path, "synth:objects?size=16&count=4"],
                       ["train", str(p.shared.tiny), *TRAIN, "--epochs", "3", f"--resume={path}"]])


def a_small_checkpoint_of_a_large_net(p):
    out = p.rng.choice([3000, 60000, 99999999])
    spec = f"model: {{input: [{out}], layers: [{{dense: {{out: {out}}}}}]}}".replace('"', "'")
    head = ('{"__metadata__":{"tutti.format":"1","tutti.spec":"%s"},"dense1.weight":{"dtype":"F32","shape":[1],'
            '"data_offsets":[0,4]}}' % spec).encode()
    path = p.put("c.safetensors", struct.pack("<Q", len(head)) + head + b"\0" * 4)
    return p.rng.choice([["show", path], ["eval", path, "synth:objects?count=4"]])


def an_archive(p):
    data = spoil_bytes(p.rng, p.rng.choice(p.shared.archives).read_bytes())
    return ["data", f"images:{p.put('a' + p.rng.choice(['.tar', '.tar.gz', '.zip', '']), data)}?size=16"]


def binary_data(p):
    rng = p.rng
    images = struct.pack(">IIII", 0x803, 4, 8, 8) + bytes(256)
    labels = struct.pack(">II", 0x801, 4) + b"\0\1\2\3"
    which = rng.randrange(3)
    p.put("train-images-idx3-ubyte", spoil_bytes(rng, images) if which != 1 else images)
    p.put("train-labels-idx1-ubyte", spoil_bytes(rng, labels) if which != 0 else labels)
    for i in range(1, 6):
        p.put(f"data_batch_{i}.bin", spoil_bytes(rng, bytes(3073 * 2)) if rng.random() < 0.4 else bytes(3073))
    return ["data", f"{rng.choice(['mnist', 'cifar10'])}:{p.folder}"]


def spoil_header(rng, data):
    """A safetensors file whose head alone is spoilt: its lengths still hold."""
    head, rest = header_of(data)
    raw = spoil_text(rng, head.replace(",", ",\n"), 3).replace("\n", "").encode("utf-8", "surrogateescape")
    return struct.pack("<Q", len(raw)) + raw + rest


def a_text(p):
    """Texts, vocabularies in files, and both for a model that has one of its own."""
    rng, words = p.rng, ["abcd efgh\n" * 20, "", "\n" * 5000, "a" * 20000, "\u00e9\u4e16\U0001f600 " * 200]
    data = spoil_bytes(rng, rng.choice(words).encode() or b"x")
    path = p.put("t/a.txt", data)
    p.put("t/b.txt", rng.choice(words))
    p.put("vocab.txt", spoil_bytes(rng, rng.choice([b"<unk>\na\nb\n\\n\n", b"a\na\n", b"", b"\\x\n" * 9000])))
    query = "&".join(rng.choice([f"length={rng.choice(ODD)}", "length=4", "tokens=words", "tokens=bytes", "holdout=0.5",
                                 f"vocab_size={rng.choice(ODD)}", f"vocab={p.folder / 'vocab.txt'}", "split=test"])
                     for _ in range(rng.randint(0, 3)))
    uri = f"text:{rng.choice([path, str(p.folder / 't')])}?{query}".replace("\0", "")
    return rng.choice([["data", uri], ["eval", "words", uri], ["predict", "words", uri],
                       ["train", str(p.shared.words), *TRAIN, f"--set=data.train={uri}"]])


def a_checkpoint_of_words(p):
    """Its signature has a sequence, its metadata a vocabulary."""
    data = p.shared.word_checkpoint.read_bytes()
    data = (spoil_header if p.rng.random() < 0.7 else spoil_bytes)(p.rng, data)
    path = p.put("c.safetensors", data)
    return p.rng.choice([["show", path], ["eval", path, f"text:{p.shared.text}"], ["export", path, "--safetensors", "o.st"],
                         ["train", str(p.shared.words), *TRAIN, "--epochs", "3", f"--resume={path}"]])


def weights_to_begin_with(p):
    """Anybody's safetensors, an index of shards, Keras files: what train.init.from reads."""
    rng, good = p.rng, p.shared.checkpoint.read_bytes()
    how = rng.randrange(4)
    if how == 0:
        path = p.put("w.safetensors", (spoil_header if rng.random() < 0.6 else spoil_bytes)(rng, good))
    elif how == 1:
        names = re.findall(r'"([a-z]\w*\.\w+)":', header_of(good)[0]) or ["a"]
        shards = ["s1.safetensors", "s2.safetensors", rng.choice(["../x", "/dev/zero", "", "s1.safetensors", "."])]
        index = '{"metadata": {"total_size": 9},\n"weight_map": {\n' + ",\n".join(
            f'"{n}": "{rng.choice(shards)}"' for n in names) + "}}"
        p.put("s1.safetensors", good)
        p.put("s2.safetensors", spoil_header(rng, good))
        path = p.put("model.safetensors.index.json", spoil_text(rng, index) if rng.random() < 0.7 else index)
    else:
        from_keras = rng.choice(p.shared.keras)
        path = p.put("w" + from_keras.suffix, spoil_bytes(rng, from_keras.read_bytes()))
    pattern = rng.choice(["conv1", "(", "[", "a{99999}", "(((((((a*)*)*)*)*)*)*)*", "\\", ".*", "", "$9", "x" * 3000] + ODD)
    spare = rng.choice([[], [f"--set=train.init.skip=['{pattern}']"], [f"--set=train.init.map={{'{pattern}': '$1'}}"],
                        [f"--set=train.freeze=['{pattern}']"],
                        [f"--set=train.optimizer.groups=[{{match: '{pattern}', lr: {rng.choice(ODD)}}}]"],
                        [f"--set=train.class_weights={rng.choice(ODD)}", f"--set=train.metrics=[{rng.choice(ODD)}]"]])
    words = ["train", str(p.shared.tiny), *TRAIN, f"--set=train.init.from={path}", *spare]
    return [w.replace("\0", "") for w in (rng.choice([words, words, ["show", path], ["import", path, "-o", "net"]]))]


def a_run_folder(p):
    """What a resumed run reads again: its numbers, its spec, its checkpoints."""
    run = p.folder / "run"
    shutil.copytree(p.shared.folder / "good", run)
    files = sorted(f for f in run.rglob("*") if f.is_file())
    for _ in range(p.rng.randint(1, 3)):
        f = p.rng.choice(files)
        f.write_bytes(spoil_bytes(p.rng, f.read_bytes()))
    return p.rng.choice([["train", str(p.shared.tiny), "-q", "--threads", "1", "--run", str(run), "--epochs", "2", "--resume"],
                         ["show", str(run)], ["eval", str(run), "synth:objects?size=16&count=8", "--curves", "c"]])


def inputs_by_name(p):
    text = spoil_text(p.rng, """name: two
data: {train: 'csv:t.csv'}
model:
  inputs:
    words: {shape: [-1], type: i32}
    x: [3]
  layers:
    - embedding: {rows: 9, dim: 4, from: words}
    - seqpool: {name: pool, pool: mean}
    - dense: {name: left, out: 4, from: x}
    - concat: {from: [pool, left]}
    - dense: {out: 3}
""")
    p.put("t.csv", "a,b,c,kind\n1,2,3,x\n2,3,4,y\n3,4,5,z\n")
    path = p.put("spec.yaml", text)
    return p.rng.choice([["show", path], ["train", path, *TRAIN, f"--set=data.train=csv:{p.folder / 't.csv'}"]])


def no_file(p):
    """Pipes, devices, sockets, folders, links to nowhere, in every place where a file may be named."""
    path = p.folder / "thing"
    how = p.rng.choice(["pipe", "socket", "folder", "loop", "nowhere", "closed", "/dev/null", "/dev/zero",
                        "/dev/full", "/dev/tty", "/proc/self/mem", "/proc/self/fd/99", "sparse"])
    if how == "pipe":
        os.mkfifo(path)
    elif how == "socket":
        here = os.getcwd()
        os.chdir(p.folder)
        socket.socket(socket.AF_UNIX).bind("thing")
        os.chdir(here)
    elif how == "folder":
        path.mkdir()
    elif how == "loop":
        path.symlink_to(path)
    elif how == "nowhere":
        path.symlink_to("/no/such/place")
    elif how == "closed":
        path.write_bytes(b"x")
        path.chmod(0)
    elif how == "sparse":
        with open(path, "wb") as f:
            f.truncate(1 << 28)
    else:
        path = pathlib.Path(how)
    return p.rng.choice([
        ["train", str(path), *TRAIN], ["data", f"csv:{path}"], ["data", f"images:{path}"],
        ["data", f"mnist:{path}"], ["data", f"cifar10:{path}"], ["show", str(path)],
        ["eval", str(path), "synth:objects?size=16&count=4"], ["predict", "good", str(path)],
        ["predict", str(path), "synth:objects?size=16&count=4"],
        ["train", str(p.shared.tiny), *TRAIN, f"--resume={path}"],
        ["train", str(p.shared.tiny), *TRAIN, "--kernel-cache", str(path)],
        ["train", str(p.shared.tiny), *TRAIN[:-1], str(path)],
        ["train", str(p.shared.tiny), *TRAIN, "--trace", str(path)],
        ["data", "synth:objects?count=4", "--export", str(path)],
    ])


def a_repository(p):
    text = lambda: p.rng.choice(["", ".", "ref: refs/heads/main", "ref: x", "../.git", "gitdir: .git", "\0" * 50,
                                 "ref: " + "a/" * 3000, "x" * 10000])
    for name in ("HEAD", "commondir", "packed-refs", "refs/heads/main"):
        if p.rng.random() < 0.8:
            p.put(f"in/.git/{name}", text())
    if p.rng.random() < 0.2:
        p.put("in/.git", text()) if not (p.folder / "in/.git").exists() else None
    return ["train", str(p.shared.tiny), *TRAIN]


def a_plug(p):
    rng = p.rng
    plugs = p.folder / "lib" / "tutti-plugs"
    plugs.mkdir(parents=True)
    for name in os.listdir(p.shared.lib):
        if name.startswith("libtutti.so"):
            shutil.copy(p.shared.lib / name, p.folder / "lib" / name)
    real = sorted((p.shared.lib / "tutti-plugs").glob("*.so"))
    data = rng.choice(real).read_bytes() if real else b"\x7fELF"
    cut = data[:rng.randrange(len(data))]
    for name in ("device-a.so", "transport-mpi.so"):
        (plugs / name).write_bytes(rng.choice([cut, b"", b"x", data[:64], data[:5000], b"\x7fELF" * 100]))
    p.env["LD_LIBRARY_PATH"] = str(p.folder / "lib")
    return ["info"]


def little_memory(p):
    p.memory = p.rng.choice([20, 40, 80, 120, 200, 400]) << 20
    return ["train", str(p.shared.tiny), *TRAIN]


def a_small_stack(p):
    p.stack = p.rng.choice([192, 256, 512]) << 10
    return p.rng.choice([a_spec, a_checkpoint, a_large_spec, a_picture])(p)


KINDS = {f.__name__: f for f in (
    a_spec, a_large_spec, a_setting, a_command, a_table, a_picture, a_source, a_checkpoint,
    a_small_checkpoint_of_a_large_net, an_archive, binary_data, no_file, a_repository, a_plug, little_memory,
    a_small_stack, a_text, a_checkpoint_of_words, weights_to_begin_with, a_run_folder, inputs_by_name)}
# These set limits that sanitizers, which need much of both, cannot keep.
LIMITS = {"little_memory", "a_small_stack"}


class Shared:
    """Good inputs, to be spoilt: a run, pictures, archives."""

    def __init__(self, o, folder):
        source = pathlib.Path(__file__).resolve().parent.parent
        self.tiny = source / "cli" / "tiny.yaml"
        self.spec = self.tiny.read_text().replace("${TINY_SIZE:-16}", "16")
        self.lib = pathlib.Path(o.tutti).resolve().parent
        self.keys = ["train.batch", "train.epochs", "train.seed", "train.micro_batch", "train.optimizer.lr",
                     "train.optimizer.momentum", "train.precision", "model.input", "model.layers",
                     "model.layers.0.out", "model.layers.0.conv2d.kernel", "model.layers.4.out", "model.loss",
                     "data.train", "data.valid", "data.mean", "data.std", "data.augment", "distribute.timeout",
                     "train.schedule.kind", "train.early_stop.patience", "train.checkpoint.every_steps",
                     "train.top_k", "train.threads", "a.b.c", "model.layers.99.x", "."]
        self.folder = folder
        say = subprocess.run([o.tutti, "train", str(self.tiny), "-q", "--epochs", "1", "--run", "good"],
                             cwd=folder, env=environment(folder), capture_output=True, check=False)
        if say.returncode:
            sys.exit(f"corpus: no run to begin with: {say.stderr.decode()}")
        self.checkpoint = folder / "good" / "checkpoints" / "last.safetensors"
        self.text = folder / "words.txt"
        self.text.write_text("abcd efgh\n" * 20)
        self.words = folder / "words.yaml"
        self.words.write_text(f"""name: words
data: {{train: 'text:{self.text}?length=8'}}
model:
  inputs: {{tokens: {{shape: [-1], type: i32}}}}
  layers: [embedding: {{rows: 11, dim: 4}}, lstm: {{hidden: 5}}, dense: {{out: 11}}]
train: {{batch: 4, tune_kernels: no}}
""")
        say = subprocess.run([o.tutti, "train", str(self.words), *TRAIN[:-1], "words"], cwd=folder,
                             env=environment(folder), capture_output=True, check=False)
        if say.returncode:
            sys.exit(f"corpus: no model of words: {say.stderr.decode()}")
        self.word_checkpoint = folder / "words" / "checkpoints" / "last.safetensors"
        self.keras = sorted(f for f in (source / "keras").iterdir() if f.suffix in (".h5", ".keras"))
        subprocess.run([o.tutti, "data", "synth:objects?size=16&count=10", "-q", "--export", "pictures"],
                       cwd=folder, env=environment(folder), check=True, capture_output=True)
        fuzz = source / "fuzz" / "corpus"
        self.pictures = sorted(map(str, (folder / "pictures").rglob("*.png"))) + \
            sorted(map(str, (fuzz / "fuzz_images").iterdir()))
        for kind in ("tar", "gztar", "zip"):
            shutil.make_archive(str(folder / f"pack-{kind}"), kind, folder, "pictures")
        self.archives = sorted(folder.glob("pack-*"))


def environment(folder):
    env = {k: v for k, v in os.environ.items() if k != "TUTTI_DATA"}
    env.update(XDG_CACHE_HOME=str(folder / "cache"), OMP_NUM_THREADS="1", LC_ALL="C.UTF-8", HOME=str(folder))
    return env


def limits(p):
    def set_them():
        if p.memory:
            resource.setrlimit(resource.RLIMIT_AS, (p.memory, p.memory))
        if p.stack:
            resource.setrlimit(resource.RLIMIT_STACK, (p.stack, p.stack))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return set_them


def run_one(o, p, words):
    """What is wrong with how it ended, or nothing."""
    begin = time.monotonic()
    here = p.folder / "in"
    here.mkdir(exist_ok=True)
    if not (here / "good").exists():
        (here / "good").symlink_to(p.shared.folder / "good")
    try:
        with open(p.folder / "said", "wb") as said:
            child = subprocess.Popen([*UNDER.get(o.under, []), o.tutti, *words], cwd=here, env=p.env, stdin=subprocess.DEVNULL,
                                     stdout=said, stderr=said, preexec_fn=limits(p), start_new_session=True)
    except (OSError, subprocess.SubprocessError):
        return None                     # the system itself had too little, or a word was too long
    usage = None
    while time.monotonic() - begin < o.seconds:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        time.sleep(0.002)
    else:
        os.killpg(child.pid, signal.SIGKILL)
        os.wait4(child.pid, 0)
        return f"not over after {o.seconds} s"
    child.returncode = 0
    said = (p.folder / "said").read_text(errors="replace")
    if os.WIFSIGNALED(status):
        if p.memory and "error while loading shared libraries" in said:
            return None
        return f"ended by SIG{signal.Signals(os.WTERMSIG(status)).name[3:]}"
    code = os.WEXITSTATUS(status)
    o.codes[code] = o.codes.get(code, 0) + 1
    if any(c in said for c in COMPLAINTS):
        return "a sanitizer complains"
    if o.under and code == COMPLAINS:
        return f"{o.under} complains" if any(top != "???" for top in TOP.findall(said)) else None
    if code not in CODES and not (code == 127 and p.memory):
        return f"exit code {code}"
    if code and not said.strip():
        return f"exit code {code} without a word"
    if usage.ru_maxrss > o.memory * 1024:
        return f"took {usage.ru_maxrss // 1024} MiB"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tutti", default=os.environ.get("TUTTI_BINARY", "build/dev/tutti"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="of all those only each so many")
    parser.add_argument("--under", choices=UNDER, help="what runs the program; implies --no-limits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="for one input")
    parser.add_argument("--memory", type=int, default=1500, help="MiB for one input")
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--no-limits", action="store_true", help="under sanitizers: no kinds that set limits")
    parser.add_argument("--keep", help="folder for the inputs that failed")
    o = parser.parse_args()
    o.tutti = os.path.abspath(o.tutti)
    if o.under:
        o.no_limits, o.seconds, o.memory = True, max(o.seconds, 300), max(o.memory, 4000)
    kinds = [o.only] if o.only else [k for k in KINDS if not (o.no_limits and k in LIMITS)]
    bad = {}
    seen = set()
    o.codes = {}
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        shared = Shared(o, top)
        for i in range(o.first, o.first + o.count, o.every):
            kind = kinds[i % len(kinds)]
            folder = top / "one"
            folder.mkdir()
            p = Place(folder, shared, random.Random(f"{o.seed}/{i}/{kind}"))
            p.env, p.memory, p.stack = environment(top), 0, 0
            words = KINDS[kind](p)
            wrong = run_one(o, p, words)
            seen.add(kind)
            if wrong:
                bad[i] = wrong
                print(f"{i} {kind}: {wrong}: tutti {' '.join(words)[:300]!r}")
                print("    " + (folder / "said").read_text(errors="replace")[-3000:].replace("\n", "\n    "))
                sys.stdout.flush()
                if o.keep:
                    shutil.copytree(folder, pathlib.Path(o.keep) / str(i), symlinks=True, dirs_exist_ok=True,
                                    ignore=lambda d, names: [n for n in names if n in ("thing", "good", "lib")])
            shutil.rmtree(folder, ignore_errors=True)
    how = ", ".join(f"{code}: {n}" for code, n in sorted(o.codes.items()))
    count = len(range(o.first, o.first + o.count, o.every))
    print(f"{count} hostile inputs of {len(seen)} kinds, seed {o.seed}: {len(bad)} ended as none may "
          f"(exit codes {how})")
    sys.exit(bool(bad))


main()
