"""Good inputs, to be spoilt: runs of several nets, pictures, archives, tables; and what a program says
of its own options."""

import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent
QUIET = ["-q", "--epochs", "1", "--threads", "1", "--run"]
TRAIN = [*QUIET, "run"]
# These begin MPI, which leaks, and move the tools' own files.
NOT_UNDER_SANITIZERS = ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "TMPDIR")
RUNS = ("good", "words", "table", "folds")  # beside every input


class Place:
    """A folder for one input, what all inputs share, and how the program is run."""

    def __init__(self, folder, shared, rng, turn):
        self.folder, self.shared, self.rng, self.turn = folder, shared, rng, turn
        self.env, self.memory, self.stack, self.few = environment(shared.folder), 0, 0, None
        self.stdin, self.closed, self.signals, self.seconds = b"", [], [], 0

    def put(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogateescape"))
        return str(path)


class Shared:
    """Good inputs, to be spoilt: a run, pictures, archives."""

    def __init__(self, o, folder):
        self.program, self.folder = o.tutti, folder
        self.tiny = SOURCE / "cli" / "tiny.yaml"
        self.spec = self.tiny.read_text().replace("${TINY_SIZE:-16}", "16")
        self.lib = pathlib.Path(o.tutti).resolve().parent
        self.keys = [
            "train.batch",
            "train.epochs",
            "train.seed",
            "train.micro_batch",
            "train.optimizer.lr",
            "train.optimizer.momentum",
            "train.precision",
            "model.input",
            "model.layers",
            "model.layers.0.out",
            "model.layers.0.conv2d.kernel",
            "model.layers.4.out",
            "model.loss",
            "data.train",
            "data.valid",
            "data.mean",
            "data.std",
            "data.augment",
            "distribute.timeout",
            "train.schedule.kind",
            "train.early_stop.patience",
            "train.checkpoint.every_steps",
            "train.top_k",
            "train.threads",
            "a.b.c",
            "model.layers.99.x",
            ".",
        ]
        self.run("train", str(self.tiny), *QUIET, "good", "--tune-kernels", "on", "--kernel-cache", "kernels.txt")
        self.run("train", str(self.tiny), *QUIET, "folds", "--folds", "2")
        self.text = folder / "words.txt"
        self.text.write_text("abcd efgh\n" * 20)
        self.words = self.spec_file(
            "words",
            f"""
data: {{train: 'text:{self.text}?length=8'}}
model:
  inputs: {{tokens: {{shape: [-1], type: i32}}}}
  layers: [embedding: {{rows: 11, dim: 4}}, lstm: {{hidden: 5}}, dense: {{out: 11}}]
""",
        )
        self.table = folder / "table.csv"
        self.table.write_text(
            "id,size,colour,day,fresh,kind\n"
            + "".join(
                f"n{i},{i % 7}.5,{'red green blue'.split()[i % 3]},2026-01-{1 + i % 28:02},{'yes no'.split()[i % 2]},"
                f"{'xyz'[i % 3]}\n"
                for i in range(40)
            )
        )
        self.specs = {
            "good": self.tiny,
            "words": self.words,
            "table": self.spec_file(
                "table",
                f"""
data: {{train: 'csv:{self.table}?id=id', normalise: standard}}
model: {{input: [6], layers: [dense: {{out: 4, activation: relu}}, dense: {{out: 3}}]}}
""",
            ),
        }
        for name in ("words", "table"):
            self.run("train", str(self.specs[name]), *QUIET, name)
        self.checkpoints = {n: folder / n / "checkpoints" / "last.safetensors" for n in self.specs}
        self.checkpoint, self.word_checkpoint = self.checkpoints["good"], self.checkpoints["words"]
        self.keras = sorted(f for f in (SOURCE / "keras").iterdir() if f.suffix in (".h5", ".keras"))
        self.onnx = sorted((SOURCE / "onnx").glob("*.onnx"))
        self.examples = sorted((SOURCE.parent / "examples").rglob("*.yaml"))
        self.make_data()
        self.read_tables()

    def run(self, *words):
        said = subprocess.run(
            [self.program, *words],
            cwd=self.folder,
            env=environment(self.folder),
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            sys.exit(f"corpus: nothing to begin with: {' '.join(words)}: {said.stderr}")
        return said.stdout

    def spec_file(self, name, text):
        path = self.folder / f"{name}.yaml"
        path.write_text(f"name: {name}{text}train: {{batch: 4, tune_kernels: no}}\n")
        return path

    def uri(self, text):
        """With the files of this folder by their whole path."""
        return re.sub(r"(words\.txt|table\.csv)", lambda m: str(self.folder / m[0]), text)

    def make_data(self):
        folder = self.folder
        self.run("data", "synth:objects?size=16&count=10", "-q", "--export", "pictures")
        self.pictures = sorted(map(str, (folder / "pictures").rglob("*.png"))) + sorted(
            map(str, (SOURCE / "fuzz" / "corpus" / "fuzz_images").iterdir())
        )
        for kind in ("tar", "gztar", "zip"):
            shutil.make_archive(str(folder / f"pack-{kind}"), kind, folder, "pictures")
        self.archives = sorted(folder.glob("pack-*"))
        (folder / "idx").mkdir()
        (folder / "cifar").mkdir()
        for part in ("train", "t10k"):
            (folder / "idx" / f"{part}-images-idx3-ubyte").write_bytes(
                struct.pack(">IIII", 0x803, 4, 8, 8) + bytes(256)
            )
            (folder / "idx" / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 0x801, 4) + b"\0\1\2\3")
        for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
            (folder / "cifar" / f"{name}.bin").write_bytes(bytes(3073 * 2))
        self.places = {
            "mnist": folder / "idx",
            "cifar10": folder / "cifar",
            "images": folder / "pictures",
            "csv": self.table,
            "text": self.text,
            "synth": "objects",
        }

    def read_tables(self):
        """Rows of options as the program's help has them: {name: (kind, words, default)}."""
        self.options = rows(self.run("help", "spec"))
        self.layers = {head: rows(text) for head, text in parts(self.run("help", "layers"), r"(\w+): ")}
        self.sources = {head: rows(text) for head, text in parts(self.run("help", "sources"), r"(\w+):\S+ ")}
        missing = set(self.sources) - set(self.places)
        if missing or not self.options or not self.layers:
            sys.exit(f"corpus: nothing of its kind to spoil: {missing or 'no tables'}")


ROW = re.compile(r"^  (\S+) +(text|word|int|number|numbers|tree) +(\S+) +(.*)$", re.MULTILINE)


def rows(text):
    return {
        m[1]: (m[2], re.findall(r"[^, ]+", m[4].rsplit("(", 1)[-1].rstrip(")")) if m[2] == "word" else [], m[3])
        for m in ROW.finditer(text)
    }


def parts(text, head):
    """[(name, what stands below it)]"""
    found = list(re.finditer(r"^" + head, text, re.MULTILINE))
    return [
        (m[1], text[m.end() : after.start() if after else len(text)]) for m, after in zip(found, [*found[1:], None])
    ]


def environment(folder):
    env = {k: v for k, v in os.environ.items() if k != "TUTTI_DATA"}
    # What other libraries do; the tests of the build have the same.
    env.setdefault("LSAN_OPTIONS", f"print_suppressions=0:suppressions={SOURCE / 'lsan.txt'}")
    env.setdefault("TSAN_OPTIONS", f"allocator_may_return_null=1:history_size=7:suppressions={SOURCE / 'tsan.txt'}")
    env.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    env.update(XDG_CACHE_HOME=str(folder / "cache"), OMP_NUM_THREADS="1", LC_ALL="C.UTF-8", HOME=str(folder))
    return env
