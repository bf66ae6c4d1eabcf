"""Hostile inputs of each kind: a function gives the words of the command."""

import os
import pathlib
import re
import shutil
import socket
import struct
import zlib

from good import TRAIN
from spoil import ODD, header_of, spoil_bytes, spoil_header, spoil_text


def a_spec(p):
    text = spoil_text(p.rng, p.shared.spec)
    return ["train", p.put("spec.yaml", text), *TRAIN]


def a_large_spec(p):
    n = p.rng.choice([1000, 30000])
    text = p.rng.choice(
        [
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
        ]
    )
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
    flags = [
        "--set",
        "-s",
        "-e",
        "--epochs",
        "--seed",
        "-t",
        "--workers",
        "--strategy",
        "--hosts",
        "--launcher",
        "--rendezvous",
        "--rank",
        "--world",
        "--local",
        "--restarts",
        "--trace",
        "--run",
        "--resume",
        "--json",
        "-q",
        "--top",
        "-n",
        "--format",
        "--batch",
        "--",
        "-",
        "--export",
        "--kernel-cache",
        "--dry-run",
        "-zzz",
        "---",
        "--=",
        "--set=",
        "-h",
    ]
    words = [p.rng.choice(verbs)]
    for _ in range(p.rng.randint(0, 5)):
        words.append(p.rng.choice(flags + ODD + [str(p.shared.tiny), "good", "synth:objects?count=4"]))
    # Hosts and processes are what other tests try.
    words = [w for w in words if w not in ("--hosts", "--rendezvous", "--restarts", "/dev/zero")]
    return [w.replace("\0", "") for w in words]


def a_table(p):
    rng = p.rng
    rows = [",".join(["a", "b", "c", "kind"])]
    rows += [
        ",".join([f"{rng.random():.3g}", str(rng.randrange(9)), "1", rng.choice("xyz")])
        for _ in range(rng.randint(0, 30))
    ]
    text = "\n".join(rows) + "\n"
    data = (
        spoil_bytes(rng, text.encode())
        if rng.random() < 0.5
        else spoil_text(rng, text).encode("utf-8", "surrogateescape")
    )
    if rng.random() < 0.2:
        data = rng.choice(
            [
                b"1,2\n" * 50000,
                b"," * 200000,
                b'"' + b"x" * 100000,
                b"\n" * 100000,
                b"1," * 100000 + b"1\n",
                zlib.compress(data),
                b"\xef\xbb\xbf",
                b"\0" * 1000,
            ]
        )
    query = rng.choice(
        [
            "",
            "",
            "?label=kind",
            "?label=" + rng.choice(ODD),
            "?holdout=0.5&split=test",
            "?header=no",
            "?task=regress",
            "?separator=tab",
            "?weight=b",
            "?x",
            "?=",
            "?&&",
            "?label=%00",
            "?label=none",
        ]
    )
    return ["data", f"csv:{p.put('t.csv', data)}{query}".replace("\0", "")]


def a_picture(p):
    path = p.rng.choice(p.shared.pictures)
    path = p.put("x/star/a" + pathlib.Path(path).suffix, spoil_bytes(p.rng, pathlib.Path(path).read_bytes()))
    return p.rng.choice(
        [
            ["predict", "good", path],
            ["data", f"images:{p.folder / 'x'}?size=16"],
            ["data", f"images:{p.folder / 'x'}"],
        ]
    )


def a_source(p):
    rng = p.rng
    word = rng.choice(
        [
            "synth:objects",
            "synth:digits",
            "synth:regression",
            "mnist:.",
            "cifar10:.",
            "images:.",
            "csv:.",
            "nothing:x",
            ":",
            "csv:",
            "images:",
        ]
    )
    query = "&".join(
        f"{rng.choice(['size', 'count', 'seed', 'split', 'classes', 'noise', 'x'])}=" f"{rng.choice(ODD)}"
        for _ in range(rng.randint(0, 3))
    )
    return ["data", f"{word}?{query}".replace("\0", "")]


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
                head = (
                    head[:first]
                    + rng.choice(
                        [
                            "0",
                            "-1",
                            "9" * 18,
                            "9" * 30,
                            "9223372036854775807",
                            "1e300",
                            "4294967296",
                            "1.5",
                            "2147483648",
                            "null",
                            "\"x\"",
                            "[]",
                        ]
                    )
                    + head[last:]
                )
            else:
                head = head[:at] + rng.choice(['"', "{", "}", "[", "\\u0000", ","]) + head[at + rng.randrange(2) :]
        raw = head.encode("utf-8", "surrogateescape")
        data = struct.pack("<Q", len(raw)) + raw + rest
    path = p.put("c.safetensors", data)
    return rng.choice(
        [
            ["show", path],
            ["eval", path, "synth:objects?size=16&count=8"],
            ["eval", path],
            ["predict", path, "synth:objects?size=16&count=4"],
            ["train", str(p.shared.tiny), *TRAIN, "--epochs", "3", f"--resume={path}"],
        ]
    )


def a_small_checkpoint_of_a_large_net(p):
    out = p.rng.choice([3000, 60000, 99999999])
    spec = f"model: {{input: [{out}], layers: [{{dense: {{out: {out}}}}}]}}".replace('"', "'")
    head = (
        '{"__metadata__":{"tutti.format":"1","tutti.spec":"%s"},"dense1.weight":{"dtype":"F32","shape":[1],'
        '"data_offsets":[0,4]}}' % spec
    ).encode()
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


def a_text(p):
    """Texts, vocabularies in files, and both for a model that has one of its own."""
    rng, words = p.rng, ["abcd efgh\n" * 20, "", "\n" * 5000, "a" * 20000, "\u00e9\u4e16\U0001f600 " * 200]
    data = spoil_bytes(rng, rng.choice(words).encode() or b"x")
    path = p.put("t/a.txt", data)
    p.put("t/b.txt", rng.choice(words))
    p.put("vocab.txt", spoil_bytes(rng, rng.choice([b"<unk>\na\nb\n\\n\n", b"a\na\n", b"", b"\\x\n" * 9000])))
    query = "&".join(
        rng.choice(
            [
                f"length={rng.choice(ODD)}",
                "length=4",
                "tokens=words",
                "tokens=bytes",
                "holdout=0.5",
                f"vocab_size={rng.choice(ODD)}",
                f"vocab={p.folder / 'vocab.txt'}",
                "split=test",
            ]
        )
        for _ in range(rng.randint(0, 3))
    )
    uri = f"text:{rng.choice([path, str(p.folder / 't')])}?{query}".replace("\0", "")
    return rng.choice(
        [
            ["data", uri],
            ["eval", "words", uri],
            ["predict", "words", uri],
            ["train", str(p.shared.words), *TRAIN, f"--set=data.train={uri}"],
        ]
    )


def a_checkpoint_of_words(p):
    """Its signature has a sequence, its metadata a vocabulary."""
    data = p.shared.word_checkpoint.read_bytes()
    data = (spoil_header if p.rng.random() < 0.7 else spoil_bytes)(p.rng, data)
    path = p.put("c.safetensors", data)
    return p.rng.choice(
        [
            ["show", path],
            ["eval", path, f"text:{p.shared.text}"],
            ["export", path, "--safetensors", "o.st"],
            ["train", str(p.shared.words), *TRAIN, "--epochs", "3", f"--resume={path}"],
        ]
    )


def weights_to_begin_with(p):
    """Anybody's safetensors, an index of shards, Keras files: what train.init.from reads."""
    rng, good = p.rng, p.shared.checkpoint.read_bytes()
    how = rng.randrange(4)
    if how == 0:
        path = p.put("w.safetensors", (spoil_header if rng.random() < 0.6 else spoil_bytes)(rng, good))
    elif how == 1:
        names = re.findall(r'"([a-z]\w*\.\w+)":', header_of(good)[0]) or ["a"]
        shards = ["s1.safetensors", "s2.safetensors", rng.choice(["../x", "/dev/zero", "", "s1.safetensors", "."])]
        index = (
            '{"metadata": {"total_size": 9},\n"weight_map": {\n'
            + ",\n".join(f'"{n}": "{rng.choice(shards)}"' for n in names)
            + "}}"
        )
        p.put("s1.safetensors", good)
        p.put("s2.safetensors", spoil_header(rng, good))
        path = p.put("model.safetensors.index.json", spoil_text(rng, index) if rng.random() < 0.7 else index)
    else:
        from_keras = rng.choice(p.shared.keras)
        path = p.put("w" + from_keras.suffix, spoil_bytes(rng, from_keras.read_bytes()))
    pattern = rng.choice(
        ["conv1", "(", "[", "a{99999}", "(((((((a*)*)*)*)*)*)*)*", "\\", ".*", "", "$9", "x" * 3000] + ODD
    )
    spare = rng.choice(
        [
            [],
            [f"--set=train.init.skip=['{pattern}']"],
            [f"--set=train.init.map={{'{pattern}': '$1'}}"],
            [f"--set=train.freeze=['{pattern}']"],
            [f"--set=train.optimizer.groups=[{{match: '{pattern}', lr: {rng.choice(ODD)}}}]"],
            [f"--set=train.class_weights={rng.choice(ODD)}", f"--set=train.metrics=[{rng.choice(ODD)}]"],
        ]
    )
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
    return p.rng.choice(
        [
            ["train", str(p.shared.tiny), "-q", "--threads", "1", "--run", str(run), "--epochs", "2", "--resume"],
            ["show", str(run)],
            ["eval", str(run), "synth:objects?size=16&count=8", "--curves", "c"],
        ]
    )


def inputs_by_name(p):
    text = spoil_text(
        p.rng,
        """name: two
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
""",
    )
    p.put("t.csv", "a,b,c,kind\n1,2,3,x\n2,3,4,y\n3,4,5,z\n")
    path = p.put("spec.yaml", text)
    return p.rng.choice([["show", path], ["train", path, *TRAIN, f"--set=data.train=csv:{p.folder / 't.csv'}"]])


def no_file(p):
    """Pipes, devices, sockets, folders, links to nowhere, in every place where a file may be named."""
    path = p.folder / "thing"
    how = p.rng.choice(
        [
            "pipe",
            "socket",
            "folder",
            "loop",
            "nowhere",
            "closed",
            "/dev/null",
            "/dev/zero",
            "/dev/full",
            "/dev/tty",
            "/proc/self/mem",
            "/proc/self/fd/99",
            "sparse",
        ]
    )
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
    return p.rng.choice(
        [
            ["train", str(path), *TRAIN],
            ["data", f"csv:{path}"],
            ["data", f"images:{path}"],
            ["data", f"mnist:{path}"],
            ["data", f"cifar10:{path}"],
            ["show", str(path)],
            ["eval", str(path), "synth:objects?size=16&count=4"],
            ["predict", "good", str(path)],
            ["predict", str(path), "synth:objects?size=16&count=4"],
            ["train", str(p.shared.tiny), *TRAIN, f"--resume={path}"],
            ["train", str(p.shared.tiny), *TRAIN, "--kernel-cache", str(path)],
            ["train", str(p.shared.tiny), *TRAIN[:-1], str(path)],
            ["train", str(p.shared.tiny), *TRAIN, "--trace", str(path)],
            ["data", "synth:objects?count=4", "--export", str(path)],
        ]
    )


def a_repository(p):
    text = lambda: p.rng.choice(
        [
            "",
            ".",
            "ref: refs/heads/main",
            "ref: x",
            "../.git",
            "gitdir: .git",
            "\0" * 50,
            "ref: " + "a/" * 3000,
            "x" * 10000,
        ]
    )
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
    cut = data[: rng.randrange(len(data))]
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


KINDS = (
    a_spec,
    a_large_spec,
    a_setting,
    a_command,
    a_table,
    a_picture,
    a_source,
    a_checkpoint,
    a_small_checkpoint_of_a_large_net,
    an_archive,
    binary_data,
    no_file,
    a_repository,
    a_plug,
    little_memory,
    a_small_stack,
    a_text,
    a_checkpoint_of_words,
    weights_to_begin_with,
    a_run_folder,
    inputs_by_name,
)
# These set limits that sanitizers, which need much of both, cannot keep.
LIMITS = {"little_memory", "a_small_stack"}
