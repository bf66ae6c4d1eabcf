"""Teams of ranks that take turns, for versus-ddp, wire-step and scaling.

A team is a command that mpirun starts as N processes, or one process with N threads.  Each process
reads orders from a named pipe of its own and answers through another, so that a team whose turn it
is not costs nothing.
"""
import contextlib
import json
import os
import re
import select
import statistics
import subprocess
import time
from pathlib import Path

import numpy

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PATIENCE = 180              # seconds for the slowest answer


class Failed(Exception):
    """One line for stderr."""


def build(folder, targets):
    """Release build of our programs, unless `folder` names one that is already there."""
    if folder:
        return folder
    folder = ROOT / "build" / "release"
    for step in (["cmake", "-S", str(ROOT), "-B", str(folder), "-DCMAKE_BUILD_TYPE=Release",
                  "-DTUTTI_TESTS=OFF"],
                 ["cmake", "--build", str(folder), "-j", str(len(os.sched_getaffinity(0))),
                  "--target", *targets]):
        if subprocess.run(step, stdout=subprocess.DEVNULL, check=False).returncode != 0:
            raise Failed("the build failed: " + " ".join(step))
    return folder


def make_data(folder, samples=25000):
    """Noise as CIFAR-10's files: a URI for tutti, whose ranks keep it in memory."""
    rng = numpy.random.default_rng(1)
    records = rng.integers(0, 256, (samples // 5, 3073), dtype=numpy.uint8)
    records[:, 0] %= 10
    for i in range(1, 6):
        records.tofile(folder / f"data_batch_{i}.bin")
    return f"cifar10:{folder}"


class Team:
    """N processes that do the same at the same time."""

    def __init__(self, name, command, processes, folder, env=None):
        self.name, self.buffers = name, [b""] * processes
        self.prefix = folder / name
        self.orders, self.answers = [], []
        for i in range(processes):
            for end, pipes in (("in", self.orders), ("out", self.answers)):
                path = f"{self.prefix}.{i}.{end}"
                os.mkfifo(path)
                pipes.append(os.open(path, os.O_RDWR))
        self.log = open(folder / f"{name}.log", "w+")
        self.process = subprocess.Popen([*command, *self.words()], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT,
                                        env=dict(os.environ, **(env or {})))

    def words(self):
        return []

    def answer(self, i, deadline):
        while b"\n" not in self.buffers[i]:
            if select.select([self.answers[i]], [], [], 0.2)[0]:
                self.buffers[i] += os.read(self.answers[i], 4096)
            elif self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise Failed(f"{self.name}: rank {i} does not answer: "
                             + (self.log.read().strip()[-800:] or "no word"))
        line, self.buffers[i] = self.buffers[i].split(b"\n", 1)
        return json.loads(line)

    def wait(self):
        deadline = time.monotonic() + PATIENCE
        return [self.answer(i, deadline) for i in range(len(self.answers))]

    def tell(self, order):
        for pipe in self.orders:
            os.write(pipe, (order + "\n").encode())

    def ask(self, order):
        self.tell(order)
        return self.wait()

    def run(self, way, steps):
        """Seconds per step of the slowest rank, CPU seconds of all and bytes of one per step."""
        answers = self.ask(f"{way} {steps}")
        return {"seconds": max(a["seconds"] for a in answers) / steps,
                "cpu": sum(a["cpu"] for a in answers) / steps,
                "sent": max(a["sent"] for a in answers) / steps}

    def close(self):
        if self.process.poll() is None:
            self.tell("quit")
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=20)
        if self.process.poll() is None:
            self.process.kill()
        for pipe in self.orders + self.answers:
            os.close(pipe)
        self.log.close()


def tutti(opts, launcher, processes, folder, more=(), name="tutti"):
    """A team of ours.  `more`: keys of the spec, options of bench_ranks."""
    return Team(name, [*launcher, str(opts.build / "bench" / "bench_ranks"),
                       f"--spec={ROOT / 'examples' / (opts.net + '.yaml')}",
                       f"--batch={opts.batch}", f"--cache={folder / 'kernels.txt'}",
                       f"--orders={folder / name}", f"data.train={opts.data}", *more],
                processes, folder, {"OMP_NUM_THREADS": "1"})


def steps_for(team, slice_seconds):
    """How many steps fill a turn; four at least, since bytes under way at either end are counted
    with a step that is not theirs.  Up to 24 steps go before: our ranks learn the order of their
    buckets from the first twenty."""
    first = team.run("talk", 2)["seconds"]
    then = team.run("talk", max(2, min(22, round(5 / first))))["seconds"]
    return max(4, round(slice_seconds / then))


def take_turns(plays, rounds):
    """plays: (team, way, steps).  Medians of each over the rounds, and all seconds."""
    results = [[] for _ in plays]
    for _ in range(rounds):
        for (team, way, steps), to in zip(plays, results):
            to.append(team.run(way, steps))
    return [dict({key: statistics.median(r[key] for r in rs) for key in rs[0]},
                 all=[r["seconds"] for r in rs]) for rs in results]


class Cluster:
    """What `bench/cluster hold` builds, until the end of a with-block."""

    def __init__(self, hosts, rate):
        self.hold = subprocess.Popen([str(HERE / "cluster"), "hold", str(hosts), rate], text=True,
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self.hold.stdout.readline()
        found = re.match(r"ip netns exec (\S+)-h1 .* addresses (\S+) to .* hosts: (\S+) ", line)
        if not found:
            raise Failed("there is no cluster")
        self.tag, self.address, self.mpirun = found.groups()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.hold.stdin.close()
        self.hold.wait()

    def bits_per_second(self):
        """From host 1 to host 2, as iperf3 sees it."""
        def iperf3(host, *words):
            return subprocess.Popen(["ip", "netns", "exec", f"{self.tag}-{host}", "iperf3", *words],
                                    stdout=subprocess.PIPE, text=True)
        server = iperf3("h2", "-s", "-1")
        time.sleep(0.5)
        said = iperf3("h1", "-c", self.address[:-1] + "2", "-t", "3", "-O", "1", "-J")
        text = said.communicate()[0]
        server.communicate()
        if said.returncode != 0:
            raise Failed("iperf3 failed")
        return json.loads(text)["end"]["sum_received"]["bits_per_second"]
