"""What the tests of ONNX share: a Python that has onnxruntime, and tutti by ctypes."""
import importlib.util
import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
PEERS = os.path.join(ROOT, "build", "peers", "bin", "python")
LIBRARY = os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so")


def need(*packages):
    """Go on with a Python that has them: this one, $TUTTI_PYTHON or build/peers (bench/peers)."""
    if any(word in open(LIBRARY, "rb").read() for word in (b"__asan_init", b"__tsan_init")):
        print("skipped: a sanitizer's library cannot be loaded late")
        sys.exit(77)
    missing = [p for p in packages if not importlib.util.find_spec(p)]
    if not missing:
        return
    for other in (os.environ.pop("TUTTI_PYTHON", None), None if "TUTTI_PEERS" in os.environ else PEERS):
        if other and os.path.exists(other):
            os.environ["TUTTI_PEERS"] = "1"
            os.execv(other, [other, *sys.argv])
    print(f"skipped: Python has no {missing[0]} (pip install onnx onnxruntime)")
    sys.exit(77)


def library():
    sys.path.insert(0, os.path.join(HERE, "..", "random"))
    import tutti
    return tutti
