#!/usr/bin/env python3
"""Hostile inputs for the command line: made from a seed, each run with bounds on time and memory.

    tests/hostile/corpus.py --tutti build/dev/tutti --count 1000 [--seed N] [--only KIND] [--keep DIR]
    tests/hostile/corpus.py --tutti build/tsan/tutti --no-limits --memory 4000 --seconds 100
    tests/hostile/corpus.py --tutti build/dev/tutti --under valgrind --every 5
    tests/hostile/corpus.py --tutti build/dev/tutti --walk       # as many as it takes to walk every table

Every input is one of a kind (kinds.py, formats.py, walked.py) and is the same for the same seed and number, so that
`--seed 7 --first 123 --count 1` repeats one (with --walk: --every 99999).  Whatever the input, the program answers with one of the
exit codes that are documented, in time, within memory, is never ended by a signal, sends a terminal no
control characters and leaves no half-written files."""

import argparse
import os
import pathlib
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import formats
import good
import kinds
import walked

KINDS = {f.__name__: f for f in kinds.KINDS + formats.KINDS + walked.KINDS}
LIMITS = kinds.LIMITS | formats.LIMITS
CODES = {0, 1, 2, 75, 99}
EACH = 24  # inputs of a kind that walks no table
COMPLAINTS = ("AddressSanitizer", "runtime error:", "LeakSanitizer", "ThreadSanitizer", "==ERROR")
# What runs the program, and the exit code that is its own: it complains.
COMPLAINS = 98
UNDER = {
    "valgrind": [
        "valgrind",
        "-q",
        f"--error-exitcode={COMPLAINS}",
        "--num-callers=20",
        f"--suppressions={good.SOURCE / 'valgrind.txt'}",
    ],
}
# Where a complaint begins.  Code without a name was made while the program ran, by oneDNN, whose
# kernels read whole vectors.
TOP = re.compile(r"^==\d+== \S.*\n==\d+==    at 0x[0-9A-F]+: (\S+)", re.MULTILINE)
# What would move a terminal's cursor, colour it, or give it orders.
CONTROL = re.compile(r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def prepare(p):
    """What the child does before it becomes the program."""

    def set_them():
        if p.memory:
            resource.setrlimit(resource.RLIMIT_AS, (p.memory, p.memory))
        if p.stack:
            resource.setrlimit(resource.RLIMIT_STACK, (p.stack, p.stack))
        if p.few:
            which = getattr(resource, f"RLIMIT_{p.few[0]}")
            resource.setrlimit(which, (p.few[1], p.few[1]))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for fd in p.closed:
            os.close(fd)

    return set_them


def start(o, p, words, here):
    for name in good.RUNS:
        if not os.path.lexists(here / name):
            (here / name).symlink_to(p.shared.folder / name)
    (p.folder / "stdin").write_bytes(p.stdin)
    with open(p.folder / "said", "wb") as said, open(p.folder / "stdin", "rb") as stdin:
        return subprocess.Popen(
            [*UNDER.get(o.under, []), o.tutti, *words],
            cwd=here,
            env=p.env,
            stdin=stdin,
            stdout=said,
            stderr=said,
            preexec_fn=prepare(p),
            start_new_session=True,
        )


def spent(pid):
    """Seconds of the processor."""
    numbers = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(numbers[11]) + int(numbers[12])) / os.sysconf("SC_CLK_TCK")


def wait(o, p, child):
    """(status, usage) of the child, which gets its signals; or None: it is not over in time.  Time is the
    processor's, for the machine may be busy; who only waits has ten times as long."""
    begin, ahead = time.monotonic(), sorted(p.signals)
    mark, done = begin, 0.0
    most = o.seconds / 4 if p.signals else max(o.seconds, p.seconds)
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            child.returncode = 0
            return status, usage
        now = time.monotonic()
        while ahead and now - begin > ahead[0][0]:
            os.kill(child.pid, getattr(signal, f"SIG{ahead.pop(0)[1]}"))
            os.kill(child.pid, signal.SIGCONT)  # it may have been stopped
            mark, done = now, spent(child.pid)
        if now - mark > 10 * most or spent(child.pid) - done > most:
            break
        time.sleep(0.002)
    os.killpg(child.pid, signal.SIGKILL)
    os.wait4(child.pid, 0)
    child.returncode = 0
    return None


def judge(o, p, status, usage):
    """What is wrong with how it ended, or nothing."""
    said = (p.folder / "said").read_text(errors="replace")
    sent = {getattr(signal, f"SIG{name}") for _, name in p.signals}
    starved = p.memory or p.few
    if os.WIFSIGNALED(status):
        by = signal.Signals(os.WTERMSIG(status))
        if by in sent or p.memory and "error while loading shared libraries" in said:
            return None
        return f"ended by {by.name}"
    code = os.WEXITSTATUS(status)
    o.codes[code] = o.codes.get(code, 0) + 1
    if any(c in said for c in COMPLAINTS):
        return "a sanitizer complains"
    if o.under and code == COMPLAINS:
        return f"{o.under} complains" if any(top != "???" for top in TOP.findall(said)) else None
    if code not in CODES and not (code == 127 and starved) and code - 128 not in sent:
        return f"exit code {code}"
    mute = p.closed or len(p.signals) > 1 or p.few and p.few[0] == "FSIZE"  # a second signal ends it at once
    if code and not said.strip() and not mute:
        return f"exit code {code} without a word"
    if CONTROL.search(said):
        return "sends the terminal control characters"
    if not starved and any(p.folder.rglob("*.tmp*")):
        return "leaves half a file behind"
    if usage.ru_maxrss > o.memory * 1024:
        return f"took {usage.ru_maxrss // 1024} MiB"
    return None


def run_one(o, p, words):
    here = p.folder / "in"
    here.mkdir(exist_ok=True)
    try:
        child = start(o, p, words, here)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None  # the system itself had too little, or a word was too long
    ended = wait(o, p, child)
    return judge(o, p, *ended) if ended else f"not over after {o.seconds} s"


def walk(shared, names):
    """[(kind, turn)]: a turn for each row of the tables, and some of every kind."""
    rows = {
        "an_option": len(shared.options),
        "a_layer": len(shared.layers),
        "a_source_setting": sum(map(len, shared.sources.values())),
    }
    most = {kind: max(EACH, rows.get(kind, 0)) for kind in names}
    return [(kind, turn) for turn in range(max(most.values())) for kind in names if turn < most[kind]]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tutti", default=os.environ.get("TUTTI_BINARY", "build/dev/tutti"))
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="of all those only each so many")
    parser.add_argument("--under", choices=UNDER, help="what runs the program; implies --no-limits")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="of the processor, for one input")
    parser.add_argument("--memory", type=int, default=1500, help="MiB for one input")
    parser.add_argument("--only", choices=KINDS)
    parser.add_argument("--no-limits", action="store_true", help="under sanitizers: no kinds that set limits")
    parser.add_argument("--walk", action="store_true", help="as many as bring each row of each table its turn")
    parser.add_argument("--keep", help="folder for the inputs that failed")
    o = parser.parse_args()
    o.tutti = os.path.abspath(o.tutti)
    if o.under:
        o.no_limits, o.seconds, o.memory = True, max(o.seconds, 300), max(o.memory, 4000)
    names = [o.only] if o.only else [k for k in KINDS if not (o.no_limits and k in LIMITS)]
    bad = {}
    seen = set()
    o.codes = {}
    with tempfile.TemporaryDirectory() as top:
        top = pathlib.Path(top)
        shared = good.Shared(o, top)
        numbers = range(o.first, o.first + o.count, o.every)
        turns = [(names[i % len(names)], i // len(names)) for i in range(o.first + o.count)]
        if o.walk:
            turns = walk(shared, names)
            numbers = range(o.first, len(turns), o.every)
        for i in numbers:
            kind, turn = turns[i]
            folder = top / "one"
            folder.mkdir()
            p = good.Place(folder, shared, random.Random(f"{o.seed}/{turn}/{kind}"), turn)
            words = KINDS[kind](p)
            if o.no_limits:
                for name in good.NOT_UNDER_SANITIZERS:
                    p.env.pop(name, None)
            wrong = run_one(o, p, words)
            seen.add(kind)
            if wrong:
                bad[i] = wrong
                print(f"{i} {kind}: {wrong}: tutti {b' '.join(map(os.fsencode, words))[:300]!r}")
                print("    " + (folder / "said").read_text(errors="replace")[-3000:].replace("\n", "\n    "))
                sys.stdout.flush()
                if o.keep:
                    shutil.copytree(
                        folder,
                        pathlib.Path(o.keep) / str(i),
                        symlinks=True,
                        dirs_exist_ok=True,
                        ignore=lambda d, names: [n for n in names if n in ("thing", "good", "lib")],
                    )
            shutil.rmtree(folder, ignore_errors=True)
    how = ", ".join(f"{code}: {n}" for code, n in sorted(o.codes.items()))
    print(
        f"{len(numbers)} hostile inputs of {len(seen)} kinds, seed {o.seed}: {len(bad)} ended as none may "
        f"(exit codes {how})"
    )
    sys.exit(bool(bad))


main()
