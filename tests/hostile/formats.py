"""Hostile files of every format: checkpoints by what they say, ONNX, Keras, tables and the models that know
them, the numbers of a run, folds, caches; and names, streams, the environment, signals."""

import io
import json
import os
import pathlib
import shutil
import struct
import zipfile

from good import QUIET, TRAIN
from spoil import (
    ODD,
    header_of,
    odd,
    spoil_bytes,
    spoil_header,
    spoil_message,
    spoil_metadata,
    spoil_text,
    spoil_value,
)

CHECKPOINTS = {"good": "synth:objects?size=16&count=8", "words": "text:words.txt", "table": "csv:table.csv"}


def an_onnx_file(p):
    good = p.rng.choice(p.shared.onnx)
    data = good.read_bytes()
    for _ in range(p.rng.randint(1, 3)):
        data = spoil_message(p.rng, data)
    path = p.put("net.onnx", data if p.rng.random() < 0.85 else spoil_bytes(p.rng, good.read_bytes()))
    return ["import", path, "-o", "net"]


def a_keras_file(p):
    """The layers by value, inside an archive that is good; or the archive itself, or what lies in it."""
    good = p.rng.choice(p.shared.keras)
    data = good.read_bytes()
    if good.suffix != ".keras":
        data = spoil_bytes(p.rng, data, 3)
        return ["import", p.put("net.h5", data), "-o", "net"]
    which = p.rng.choice(["config.json", "config.json", "metadata.json", "model.weights.h5", "none"])
    packed = io.BytesIO()
    with zipfile.ZipFile(good) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            raw = old.read(name)
            if name == which and name.endswith(".json"):
                raw = json.dumps(spoil_value(p.rng, json.loads(raw))).encode("utf-8", "surrogateescape")
            elif name == which:
                raw = spoil_bytes(p.rng, raw)
            new.writestr(name, raw)
    data = packed.getvalue() if which != "none" else spoil_bytes(p.rng, data)
    return ["import", p.put("net.keras", data), "-o", "net"]


def what_a_checkpoint_says(p):
    """Spec, signature, recipe, vocabulary, counters: each text of the metadata, by value."""
    which = p.rng.choice(sorted(CHECKPOINTS))
    data = p.shared.checkpoints[which].read_bytes()
    for _ in range(p.rng.randint(1, 2)):
        data = spoil_metadata(p.rng, data)
    path, source = p.put("c.safetensors", data), p.shared.uri(CHECKPOINTS[which])
    out = p.rng.choice([["--onnx", "o.onnx"], ["--keras", "o.keras"], ["--safetensors", "o.st"]])
    return p.rng.choice(
        [
            ["show", path],
            ["eval", path, source],
            ["eval", path],
            ["predict", path, source],
            ["export", path, *out],
            ["generate", path, "-n", "5"],
            ["train", str(p.shared.specs[which]), *TRAIN, "--epochs", "3", f"--resume={path}"],
        ]
    )


def a_table_for_a_model(p):
    """New rows for a model that knows columns, words and dates of its own."""
    data = p.shared.table.read_text()
    data = spoil_text(p.rng, data, 6) if p.rng.random() < 0.7 else spoil_bytes(p.rng, data.encode()).decode("latin-1")
    path = p.put("new.csv", data)
    query = p.rng.choice(
        ["", "", "?label=none", "?bad_rows=later", "?bad_rows=skip", "?missing=zero", "?category=kind"]
    )
    return p.rng.choice(
        [
            ["predict", "table", f"csv:{path}{query}"],
            ["eval", "table", f"csv:{path}{query}"],
            ["predict", "table", path, "-o", "out.csv"],
            ["train", str(p.shared.specs["table"]), *TRAIN, f"--set=data.train=csv:{path}{query}"],
        ]
    )


def the_numbers_of_a_run(p):
    run = p.folder / "in" / "run"
    shutil.copytree(p.shared.folder / "good", run)
    f = run / "metrics.csv"
    lines = f.read_text().split("\n")
    for _ in range(p.rng.randint(1, 4)):
        at = p.rng.randrange(len(lines))
        cells = lines[at].split(",")
        cells[p.rng.randrange(len(cells))] = odd(p.rng)
        lines[at] = ",".join(cells)
    f.write_bytes(p.rng.choice(["\n".join(lines), "\n".join(lines)[:-5], "\n".join(lines * 900)]).encode())
    return ["train", str(p.shared.tiny), "-q", "--threads", "1", "--run", "run", "--epochs", "2", "--resume"]


def folds(p):
    run = p.folder / "in" / "run"
    shutil.copytree(p.shared.folder / "folds", run)
    for _ in range(p.rng.randint(1, 3)):
        f = p.rng.choice(sorted(f for f in run.rglob("*") if f.is_file()))
        how = p.rng.randrange(5)
        if how == 0:
            shutil.rmtree(f.parent)
        elif how == 1:
            f.unlink()
            f.symlink_to(p.rng.choice(["/dev/zero", "nowhere", ".", f.name]))
        else:
            f.write_bytes(spoil_bytes(p.rng, f.read_bytes()))
    return p.rng.choice(
        [
            [
                "train",
                str(p.shared.tiny),
                "-q",
                "--threads",
                "1",
                "--run",
                "run",
                "--folds",
                "2",
                "--resume",
                "--epochs",
                p.rng.choice(["1", "2"]),
            ],
            ["show", "run"],
            ["eval", "run/fold-0", "run/fold-1"],
        ]
    )


def an_example(p):
    good = p.rng.choice(p.shared.examples)
    path = p.put("spec.yaml", spoil_text(p.rng, good.read_text(), 6))
    return p.rng.choice([["show", path], ["show", path, "--graph", "-q"], ["train", path, "--dry-run"]])


def a_cache_of_kernels(p):
    lines = (p.shared.folder / "kernels.txt").read_text()
    data = (
        spoil_text(p.rng, lines, 9) if p.rng.random() < 0.6 else spoil_bytes(p.rng, lines.encode()).decode("latin-1")
    )
    path = p.put("kernels.txt", data)
    return ["train", str(p.shared.tiny), *TRAIN, "--kernel-cache", path, "--tune-kernels", "on"]


def a_prompt(p):
    """What a language model is told, and how it shall write."""
    words = ["generate", p.rng.choice(["words", "words", "good", "table"])]
    for flag in p.rng.sample(
        ["-p", "-n", "--temperature", "-k", "--top-p", "-s", "--context", "-t", "--precision"], 3
    ):
        words += [
            flag,
            p.rng.choice(["0", "1", "3", "-1", "0.5", "bf16", "abc\nd", "\x1b[31m", *ODD]).replace("\0", ""),
        ]
    return words if "-n" in words else [*words, "-n", "20"]


NAMES = [
    "a\nb",
    "\x1b[31mred",
    "\x9b31m",
    "\u009b31m",
    "tab\t",
    "-x",
    "--run",
    "a?b",
    "a%00b",
    " ",
    "~",
    "$(id)",
    "`id`",
    "a;b",
    "'",
    "\"",
    "\\",
    "\u202egnp.exe",
    "\udcff\udcfe",
    "x" * 255,
    "x" * 256,
    "/".join(["y" * 200] * 25),
    "a&b=c",
    "*",
    "[",
    "{",
    "a:b",
    "\r",
    "\x7f",
    "con",
    ".",
    "..",
    "#",
    "%s%n%x",
    "%",
]


def a_name(p):
    """Files and folders whose names are odd, there or not, in every place where one may be named."""
    name = p.rng.choice(NAMES)
    here = p.folder / "in"
    here.mkdir()
    try:
        how = p.rng.randrange(4)
        if how == 1:
            shutil.copytree(p.shared.folder / "good", here / name)
        elif how == 2:
            (here / name).write_text(p.rng.choice([p.shared.spec, "a,b,kind\n1,2,x\n2,3,y\n"]))
        elif how == 3:
            (here / "classes" / name).mkdir(parents=True)
            shutil.copy(p.shared.pictures[0], here / "classes" / name / (name + ".png"))
    except (OSError, ValueError):
        pass  # a name that a file system cannot have is tried all the same
    words = p.rng.choice(
        [
            ["train", name, *TRAIN],
            ["train", str(p.shared.tiny), *QUIET, name],
            ["train", str(p.shared.tiny), *QUIET, name, "--resume"],
            ["train", str(p.shared.tiny), *TRAIN, f"--resume={name}"],
            ["train", str(p.shared.tiny), *TRAIN, "--runs", name],
            ["train", str(p.shared.tiny), *TRAIN, f"--set=name={name}"],
            ["train", str(p.shared.tiny), *TRAIN, "--set", name],
            ["eval", name],
            ["predict", "good", name],
            ["predict", name, "good"],
            ["data", f"csv:{name}"],
            ["data", f"images:{name}"],
            ["data", f"text:{name}"],
            ["data", "images:classes?size=16"],
            ["predict", "good", "classes"],
            ["show", name],
            ["export", "good", "--onnx", name],
            ["import", name, "-o", "net"],
            ["data", "synth:objects?count=4", "--export", name],
            ["data", "synth:objects?count=4", "--sheet", name],
            ["predict", "good", "synth:objects?size=16&count=4", "-o", name],
            ["generate", name],
            ["help", name],
            [name],
            ["compare", name],
            ["info", name],
        ]
    )
    return [os.fsencode(w.replace("\0", "")) if "\udcff" in w else w.replace("\0", "") for w in words]


def a_list_on_stdin(p):
    lines = [
        p.rng.choice([*p.shared.pictures, *NAMES, "", "x" * 70000, "\0", "/dev/zero", "-"])
        for _ in range(p.rng.choice([0, 1, 5, 40]))
    ]
    text = p.rng.choice(["\n", "\n", "\r\n", "\0"]).join(lines)
    table = p.shared.table.read_text()
    p.stdin = p.rng.choice([text, text, spoil_text(p.rng, table)]).encode("utf-8", "surrogateescape")
    return ["predict", p.rng.choice(["good", "table"]), "-", *p.rng.choice([[], ["--json"], ["-f", "csv"]])]


def closed_streams(p):
    """stdin, stdout, stderr closed, full, or of another kind."""
    p.closed = p.rng.choice([[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
    return p.rng.choice(
        [
            ["train", str(p.shared.tiny), *TRAIN],
            ["train", str(p.shared.tiny), *TRAIN[1:]],
            ["info"],
            ["help"],
            ["predict", "good", "synth:objects?size=16&count=4"],
            ["data", "synth:objects?count=4", "--sheet", "s.png"],
            ["predict", "good", "-"],
            ["train", str(p.shared.tiny), *TRAIN[1:], "--workers", "2"],
            ["generate", "words", "-n", "9"],
            ["eval", "good"],
            ["train", "nothing"],
        ]
    )


VARIABLES = [
    "HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "TMPDIR",
    "TZ",
    "LC_ALL",
    "LANG",
    "TERM",
    "COLUMNS",
    "PATH",
    "TUTTI_DATA",
    "TUTTI_SECRET",
    "TUTTI_SECRET_FILE",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "GOMP_SPINCOUNT",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_RANK",
    "MASTER_PORT",
    "SLURM_PROCID",
    "SLURM_NTASKS",
    "SLURM_JOB_ID",
    "OMPI_COMM_WORLD_RANK",
    "OMPI_COMM_WORLD_SIZE",
    "PMI_RANK",
    "PMI_SIZE",
    "NO_COLOR",
    "LD_BIND_NOW",
    "MALLOC_PERTURB_",
    "GIT_DIR",
    "TINY_SIZE",
    "DNNL_MAX_CPU_ISA",
    "OPENBLAS_NUM_THREADS",
]


def an_environment(p):
    """Variables of others: odd, empty, or gone."""
    for name in p.rng.sample(VARIABLES, p.rng.randint(1, 4)):
        text = p.rng.choice(
            [
                None,
                None,
                "",
                "/dev/full",
                "de_DE.UTF-8",
                "tr_TR",
                "C",
                "XXX-99:99:99",
                ":/no/such",
                "0",
                "1",
                "-1",
                "99999999999999999999",
                "x" * 100000,
                "\x1b[31m",
                "\udcff",
                "%s%n",
                "../..",
                "/",
                "relative/x",
            ]
        )
        p.env.pop(name, None)
        if text is not None:
            p.env[name] = text
    p.seconds = 40 if any(n in p.env for n in ("RANK", "WORLD_SIZE")) else 0
    return p.rng.choice(
        [
            ["train", str(p.shared.tiny), *TRAIN, "--set=distribute.timeout=3"],
            ["info"],
            ["train", str(p.shared.tiny), *TRAIN, "--workers", "2"],
            ["eval", "good"],
            ["data", "csv:${TUTTI_DATA}/x.csv"],
            ["predict", "good", p.shared.pictures[0]],
        ]
    )


def a_signal(p):
    """At any moment, once or twice: it ends at once, with a checkpoint or with nothing."""
    p.signals = [
        (p.rng.uniform(0, 0.6), p.rng.choice(["TERM", "INT", "HUP", "USR1", "USR2", "PIPE", "WINCH", "TSTP"]))
        for _ in range(p.rng.choice([1, 1, 2, 5]))
    ]
    return p.rng.choice(
        [
            ["train", str(p.shared.tiny), *TRAIN, "--epochs", "3"],
            ["train", str(p.shared.tiny), *TRAIN, "--workers", "2"],
            ["train", str(p.shared.tiny), *TRAIN, "--tune-kernels", "on", "--kernel-cache", "k.txt"],
            ["data", "synth:objects?count=20000"],
            ["data", "synth:objects?count=300&size=64", "--export", "out"],
            ["predict", "good", "synth:objects?size=16&count=20000", "-o", "out.csv"],
            ["eval", "good"],
            ["generate", "words", "-n", "20000", "--context", "64"],
            ["show", str(p.shared.tiny), "--measure"],
            ["train", str(p.shared.tiny), "-q", "--folds", "3", "--run", "run"],
            ["import", str(p.shared.onnx[0]), "-o", "net"],
            ["compare", str(p.shared.tiny), "-q", "--epochs", "1", "--workers", "2"],
        ]
    )


def few_of_something(p):
    """Few open files, threads, bytes in a file, seconds of the processor, pages that are locked."""
    p.few = p.rng.choice(
        [
            ("NOFILE", 3),
            ("NOFILE", 5),
            ("NOFILE", 9),
            ("NOFILE", 14),
            ("NOFILE", 20),
            ("FSIZE", 0),
            ("FSIZE", 100),
            ("FSIZE", 20000),
            ("NPROC", 0),
            ("NPROC", 1),
            ("MEMLOCK", 0),
            ("SIGPENDING", 0),
        ]
    )
    return p.rng.choice(
        [
            ["train", str(p.shared.tiny), *TRAIN],
            ["train", str(p.shared.tiny), *TRAIN, "--workers", "3"],
            ["predict", "good", *p.shared.pictures[:30]],
            ["data", f"images:{p.shared.folder / 'pictures'}"],
            ["eval", "good"],
            ["data", "synth:objects?count=40", "--export", "out"],
            ["export", "good", "--onnx", "o.onnx"],
            ["import", str(p.shared.onnx[0]), "-o", "net"],
            ["import", str(p.shared.keras[0]), "-o", "net"],
            ["info"],
        ]
    )


def what_stands_in_the_way(p):
    """A run folder, an output or a cache where something is already: of another kind, closed, or a link."""
    here = p.folder / "in"
    here.mkdir()
    for name in p.rng.sample(
        [
            "run",
            "run/checkpoints",
            "run/metrics.csv",
            "run/log.txt",
            "run/spec.yaml",
            "run/tensorboard",
            "run/curves.svg",
            "run/environment.json",
            "run/lock",
            "run/checkpoints/last.safetensors",
            "o.onnx",
            "net",
            "net/spec.yaml",
            "out.csv",
            "cache",
        ],
        p.rng.randint(1, 4),
    ):
        path = here / name
        try:
            path.parent.mkdir(exist_ok=True, parents=True)
            how = p.rng.randrange(6)
            if how == 0:
                path.mkdir()
            elif how == 1:
                path.symlink_to(p.rng.choice(["nowhere", path.name, "/dev/full", "..", "/proc/self/fd/1"]))
            elif how == 2:
                os.mkfifo(path)
            else:
                path.write_bytes(p.rng.choice([b"", b"x", b"\0" * 100, b"{" * 5000]))
                path.chmod(p.rng.choice([0o000, 0o444, 0o644]))
        except OSError:
            pass
    p.env["XDG_CACHE_HOME"] = str(here / "cache")
    return p.rng.choice(
        [
            ["train", str(p.shared.tiny), *TRAIN],
            ["train", str(p.shared.tiny), *TRAIN, "--resume"],
            ["train", str(p.shared.tiny), *TRAIN, "--workers", "2"],
            ["export", "good", "--onnx", "o.onnx"],
            ["import", str(p.shared.onnx[0]), "-o", "net"],
            ["show", "run"],
            ["eval", "run"],
            ["predict", "good", "synth:objects?size=16&count=4", "-o", "out.csv"],
            ["train", str(p.shared.tiny), *TRAIN, "--folds", "2"],
        ]
    )


def tensors_that_lie(p):
    """The head of a file of tensors, by value: types, shapes, offsets."""
    which = p.rng.choice(sorted(CHECKPOINTS))
    head, rest = header_of(p.shared.checkpoints[which].read_bytes())
    tensors = json.loads(head)
    said = tensors.pop("__metadata__", {})
    tensors = spoil_value(p.rng, tensors, 3)
    if p.rng.random() < 0.8:
        tensors["__metadata__"] = said
    raw = json.dumps(tensors).encode("utf-8", "surrogateescape")
    path = p.put("c.safetensors", struct.pack("<Q", len(raw)) + raw + rest)
    return p.rng.choice(
        [
            ["show", path],
            ["eval", path, p.shared.uri(CHECKPOINTS[which])],
            ["export", path, "--safetensors", "o"],
            ["train", str(p.shared.specs[which]), *TRAIN, f"--set=train.init.from={path}"],
            ["train", str(p.shared.specs[which]), *TRAIN, "--epochs", "3", f"--resume={path}"],
        ]
    )


def a_crowd(p):
    """Several workers, each strategy, odd settings, a folder that was another's."""
    words = [
        "train",
        str(p.shared.tiny),
        *TRAIN,
        "--workers",
        p.rng.choice(["2", "3", "5"]),
        "--strategy",
        p.rng.choice(["allreduce", "average", "easgd", "eamsgd", "ensemble", "hogwild", "x"]),
    ]
    for n in p.rng.sample([n for n in p.shared.options if n.startswith("distribute.")], p.rng.randint(1, 3)):
        words += ["--set", f"{n}={p.rng.choice(['0', '1', '2', 'yes', 'auto', 'f16', 'keep', 'net', odd(p.rng)])}"]
    return words


KINDS = (
    an_onnx_file,
    a_keras_file,
    what_a_checkpoint_says,
    a_table_for_a_model,
    the_numbers_of_a_run,
    folds,
    an_example,
    a_cache_of_kernels,
    a_prompt,
    a_name,
    a_list_on_stdin,
    closed_streams,
    an_environment,
    a_signal,
    few_of_something,
    what_stands_in_the_way,
    tensors_that_lie,
    a_crowd,
)
LIMITS = {"few_of_something"}
