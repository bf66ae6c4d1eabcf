"""A model of tutti beside the same one in onnxruntime: inputs by name, padded sequences, answers."""
import ctypes
import os
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_void_p

import numpy as np
import onnxruntime

import peer

tutti = peer.library()
Batch = tutti.struct("Batch", ("columns", c_int), ("column", POINTER(POINTER(tutti.Column))), ("n", c_int64),
                     ("weight", c_void_p))
SessionOpts = tutti.struct("SessionOpts", ("batch", c_int), ("threads", c_int), ("top_k", c_int),
                           ("precision", c_char_p), ("kernel_cache", c_char_p))
SAMPLES = 3
SMALL = ("lenet5", "resnet20")
TYPES = {"tensor(float)": ("f4", tutti.F32), "tensor(int32)": ("i4", tutti.I32),
         "tensor(int64)": ("i8", tutti.I64), "tensor(uint8)": ("u1", tutti.U8)}


def example(name):
    text = open(os.path.join(peer.ROOT, "examples", name + ".yaml"), encoding="utf-8").read()
    return text.replace("train:\n", "train:\n  tune_kernels: off\n")


class Model(tutti.Model):
    @classmethod
    def read(cls, path, by="tt_file_read"):
        self = cls.__new__(cls)
        self.p = c_void_p()
        tutti.call(by, byref(self.p), path.encode())
        return self

    @classmethod
    def load(cls, path):
        return cls.read(path, "tt_model_load")

    def write(self, kind, path):
        tutti.call("tt_file_write", self.p, kind.encode(), path.encode(), 0)


def stir(model, rng):
    """Numbers of which no layer is an identity."""
    for name, (v, _) in model.tensors().items():
        if name.endswith("running_var") or (v.ndim == 1 and name.endswith("weight")):
            v[...] = rng.uniform(0.5, 1.5, v.shape)
        elif v.ndim == 1:
            v[...] = rng.uniform(-0.1, 0.1, v.shape)
    last = [v for v, _ in model.tensors().values() if v.ndim == 2][-1]
    last /= 4 * np.sqrt(len(last[0]))           # answers of which none is all


class Samples:
    """SAMPLES random ones as the inputs of an ONNX session want them, and as a batch of tutti's."""
    def __init__(self, session, rng, tokens):
        self.feed, self.keep, columns = {}, [], []
        self.lengths = None
        ragged = [i.name[:-8] for i in session.get_inputs() if i.name.endswith(".lengths")]
        if ragged:
            self.lengths = np.array([4, 7, 2], "i4")[:SAMPLES]
        for i in session.get_inputs():
            if i.name.endswith(".lengths"):
                self.feed[i.name] = self.lengths
                continue
            kind, number = TYPES[i.type]
            shape = [SAMPLES] + [7 if isinstance(d, str) else d for d in i.shape[1:]]
            x = self.draw(rng, kind, shape, tokens)
            if i.name in ragged:
                for s, n in enumerate(self.lengths):
                    x[s, n:] = 0 if kind != "f4" else 9     # nobody looks there
            self.feed[i.name] = x
            columns.append(self.column(i.name, number, x, i.name in ragged or self.is_free(i)))
        pointers = (POINTER(tutti.Column) * len(columns))(*[ctypes.pointer(c) for c in columns])
        self.keep.append((columns, pointers))
        self.batch = Batch(columns=len(columns), column=pointers, n=SAMPLES)

    def is_free(self, i):
        """A sequence without lengths: all are as long."""
        free = len(i.shape) > 1 and isinstance(i.shape[1], str)
        if free and self.lengths is None:
            self.lengths = np.full(SAMPLES, 7, "i4")
        return free

    @staticmethod
    def draw(rng, kind, shape, tokens):
        if kind == "f4":
            return rng.standard_normal(shape).astype(kind)
        return rng.integers(0, 256 if kind == "u1" else max(tokens, 1), shape).astype(kind)

    def column(self, name, number, x, ragged):
        shape, offsets = list(x.shape[1:]), None
        if ragged:
            x = np.concatenate([x[s, :n] for s, n in enumerate(self.lengths)])
            offsets = np.concatenate([[0], np.cumsum(self.lengths)]).astype("i8")
            shape[0] = -1
        x = np.ascontiguousarray(x)
        self.keep.append((x, offsets))
        return tutti.Column(type=number, name=name.encode(), ndim=len(shape), shape=(c_int64 * 4)(*shape),
                            data=x.ctypes.data, offsets=offsets.ctypes.data if ragged else None)

    def rows(self, y):
        """Answers at places that there are, one after the other, as tutti gives them."""
        if y.ndim < 3:
            return y
        return np.concatenate([y[s, :n] for s, n in enumerate(self.lengths)]) if self.lengths is not None \
            else y.reshape(-1, y.shape[-1])


def predict(model, samples, shape, cache=None):
    session, out = c_void_p(), np.empty(shape, dtype="f4")
    tutti.call("tt_session_new", byref(session), model.p, byref(SessionOpts(threads=1, kernel_cache=cache)))
    try:
        tutti.call("tt_session_predict", session, byref(samples.batch), c_void_p(out.ctypes.data))
    finally:
        tutti.LIB.tt_session_free(byref(session))
    return out


def session_of(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def compare(model, path, rng, tokens):
    """(how far the answers are apart, the largest)"""
    session = session_of(path)
    samples = Samples(session, rng, tokens)
    want = samples.rows(session.run(None, samples.feed)[0])
    got = predict(model, samples, want.shape)
    return float(np.abs(got - want).max()), float(np.abs(want).max())


def answers(models, path, rng, tokens):
    """What each says of the same samples, with the same choice of kernels."""
    session = session_of(path)
    samples = Samples(session, rng, tokens)
    want = samples.rows(session.run(None, samples.feed)[0])
    cache = (path + ".kernels").encode()
    return [predict(m, samples, want.shape, cache) for m in models]
