#!/usr/bin/env python3
"""libtutti.so as a program that embeds it sees it: loading it, and calling it, starts no thread that
was not asked for and changes nothing that others see."""
import ctypes
import os
import subprocess
import sys

SPEC = b"""
name: embedded
data: {train: 'synth:objects?size=8&count=50&classes=3&gray=yes'}
model:
  input: [1, 8, 8]
  layers:
    - flatten
    - dense: {name: fc1, out: 2048, activation: relu}
    - dense: {name: fc2, out: 1024, activation: relu}
    - dense: {name: fc3, out: 3}
train: {epochs: 1, batch: 16, threads: 2}
"""


def name_of(task):
    try:
        with open(f"/proc/self/task/{task}/comm", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return "gone"


def threads():
    """But those that sleep for as long as neighbours want the cores (sys/crowd.h)."""
    return sum(name_of(task) != "tutti-crowd" for task in os.listdir("/proc/self/task"))


def look():
    """What others see: signals, cores, environment, threads OpenMP would use."""
    status = open("/proc/self/status").read().splitlines()
    signals = [line for line in status if line[:6] in ("SigBlk", "SigIgn", "SigCgt")]
    return signals, os.sched_getaffinity(0), dict(os.environ), os.getcwd()


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("batch", ctypes.c_int), ("threads", ctypes.c_int),
                ("top_k", ctypes.c_int), ("precision", ctypes.c_char_p),
                ("kernel_cache", ctypes.c_char_p)]


class Runtime(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("threads", ctypes.c_int), ("alloc", ctypes.c_void_p),
                ("free", ctypes.c_void_p), ("interrupted", ctypes.c_void_p),
                ("ctx", ctypes.c_void_p)]


def embed(allowed):
    """allowed: threads that the program grants; 0: as many as it likes."""
    before = look()
    tutti = ctypes.CDLL(os.environ["TUTTI_LIBRARY"])
    tutti.tt_last_error.restype = ctypes.c_char_p
    assert threads() == 1, "loading the library starts a thread"
    assert look() == before, "loading the library changes something"
    omp = ctypes.CDLL("libgomp.so.1")
    omp.omp_set_num_threads(3)

    def call(name, *args):
        status = getattr(tutti, name)(*args)
        assert status == 0, f"{name}: {tutti.tt_last_error().decode()}"

    def same():
        assert look()[1:] == before[1:] and omp.omp_get_max_threads() == 3, "something is changed"
        assert look()[0][0] == before[0][0], "signals stay blocked"

    if allowed:
        runtime = Runtime(ctypes.sizeof(Runtime), allowed)
        call("tt_runtime_set", ctypes.byref(runtime))
    spec, model, session, trainer = (ctypes.c_void_p() for _ in range(4))
    call("tt_spec_parse", ctypes.byref(spec), b"embedded.yaml", SPEC)
    call("tt_model_new", ctypes.byref(model), spec)
    assert threads() == 1, "a thread is left behind by tt_model_new"
    same()
    options = Options(ctypes.sizeof(Options), 16, 2)
    call("tt_session_new", ctypes.byref(session), model, ctypes.byref(options))
    assert threads() == 1, "tt_session_new starts a thread"
    x, y = (ctypes.c_float * 1024)(), (ctypes.c_float * 48)()
    call("tt_session_run", session, x, ctypes.c_int64(16), y)
    assert threads() == 1 if allowed == 1 else threads() <= 2, "more threads than were asked for"
    same()
    assert tutti.tt_session_run(session, x, ctypes.c_int64(0), y) != 0
    same()
    more = ctypes.c_int()
    call("tt_trainer_new", ctypes.byref(trainer), model, None)
    call("tt_trainer_step", trainer, ctypes.byref(more))
    if allowed == 1:
        assert threads() == 1, "a thread although none is allowed"
    same()
    call("tt_trainer_run", trainer)
    same()
    tutti.tt_trainer_free(ctypes.byref(trainer))
    tutti.tt_session_free(ctypes.byref(session))
    tutti.tt_model_free(ctypes.byref(model))
    tutti.tt_spec_free(ctypes.byref(spec))
    same()
    if allowed == 1:
        assert threads() == 1


def main():
    library = os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so")
    if b"__asan_init" in open(library, "rb").read() or b"__tsan_init" in open(library, "rb").read():
        print("skipped: a sanitizer's library cannot be loaded late")
        return 77
    environment = dict(os.environ, TUTTI_LIBRARY=library)
    environment.pop("OPENBLAS_NUM_THREADS", None)        # nobody helps
    for allowed in ("0", "1"):
        subprocess.run([sys.executable, __file__, allowed], env=environment, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(embed(int(sys.argv[1])) if len(sys.argv) > 1 else main())
