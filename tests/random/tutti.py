"""libtutti.so by ctypes: as much of include/tutti as the comparison needs."""
import ctypes
import os
from ctypes import POINTER, Structure, byref, c_char_p, c_double, c_float, c_int, c_int64, c_size_t, \
    c_uint32, c_void_p

import numpy as np

U8, I32, I64, F16, F32 = range(5)
CLASS, VALUES, PLACES = 0, 1, 4
LAYERS = 0
WORD, GROUP = 3, 6


def struct(name, *fields):
    """A public struct, which begins with its size."""
    made = type(name, (Structure,), {"_fields_": [("size", c_uint32), *fields]})
    made.__init__ = lambda self, **kw: Structure.__init__(self, ctypes.sizeof(made), **kw)
    return made


Column = struct("Column", ("type", c_int), ("name", c_char_p), ("ndim", c_int), ("shape", c_int64 * 4),
                ("features", c_void_p), ("data", c_void_p), ("offsets", c_void_p))
Schema = struct("Schema", ("columns", c_int), ("column", POINTER(POINTER(Column))), ("target", c_char_p),
                ("weight", c_char_p), ("kind", c_int), ("classes", c_int), ("class_names", c_void_p))
Batch = struct("Batch", ("columns", c_int), ("column", POINTER(POINTER(Column))), ("n", c_int64),
               ("weight", c_void_p))
Tensor = struct("Tensor", ("name", c_char_p), ("ndim", c_int), ("shape", c_int64 * 5),
                ("data", POINTER(c_float)), ("trainable", c_int))
TrainerOpts = struct("TrainerOpts", ("run_dir", c_char_p), ("resume", c_char_p), ("observe", c_void_p),
                     ("observe_ctx", c_void_p), ("kernel_cache", c_char_p), ("environment", c_char_p),
                     ("workers", c_int), ("group", c_void_p), ("trace", c_char_p), ("stop", c_void_p),
                     ("stop_ctx", c_void_p), ("train", c_void_p), ("valid", c_void_p))
SessionOpts = struct("SessionOpts", ("threads", c_int))
Progress = struct("Progress", ("step", c_int64), ("steps", c_int64), ("epoch", c_int), ("epochs", c_int),
                  ("epoch_step", c_int64), ("epoch_steps", c_int64), ("loss", c_double),
                  ("accuracy", c_double), ("valid_loss", c_double), ("valid_accuracy", c_double),
                  ("best", c_double), ("lr", c_double))
Entry = struct("Entry", ("name", c_char_p), ("help", c_char_p), ("group", c_char_p), ("options", c_void_p))
Option = struct("Option", ("type", c_int), ("name", c_char_p), ("help", c_char_p), ("default", c_char_p),
                ("min", c_double), ("max", c_double), ("words", POINTER(c_char_p)), ("group", c_void_p))

LIB = ctypes.CDLL(os.environ.get("TUTTI_LIBRARY") or
                  os.path.join(os.path.dirname(os.environ["TUTTI_BINARY"]), "libtutti.so"))
LIB.tt_last_error.restype = c_char_p
LIB.tt_options_spec.restype = c_void_p
LIB.tt_trainer_progress.restype = POINTER(Progress)


class Error(Exception):
    pass


def call(name, *args):
    if getattr(LIB, name)(*args):
        raise Error(f"{name}: {LIB.tt_last_error().decode()}")


# ---- the tables ----

def options(table):
    """{name: (type, words, options of the group)} of a table."""
    found = {}
    for i in range(LIB.tt_options_count(c_void_p(table))):
        o = Option()
        call("tt_options_get", c_void_p(table), i, byref(o))
        words = []
        while o.words and o.words[len(words)]:
            words.append(o.words[len(words)].decode())
        found[o.name.decode()] = (o.type, words, options(o.group) if o.group else {})
    return found


def layers():
    """{kind: options} of all layers."""
    found = {}
    for i in range(LIB.tt_catalog_count(LAYERS)):
        e = Entry()
        call("tt_catalog_get", LAYERS, i, byref(e))
        found[e.name.decode()] = options(e.options)
    return found


def spec():
    return options(LIB.tt_options_spec())


# ---- training ----

class Model:
    def __init__(self, text):
        self.p, parsed = c_void_p(), c_void_p()
        call("tt_spec_parse", byref(parsed), b"random.yaml", text.encode())
        try:
            call("tt_model_new", byref(self.p), parsed)
        finally:
            LIB.tt_spec_free(byref(parsed))

    def tensors(self):
        """{name: (numbers, whether it is trained)}; numbers are the model's own memory."""
        found = {}
        for i in range(LIB.tt_model_tensors(self.p)):
            t = Tensor()
            call("tt_model_tensor", self.p, i, byref(t))
            shape = list(t.shape[:t.ndim])
            found[t.name.decode()] = (np.ctypeslib.as_array(t.data, shape), bool(t.trainable))
        return found

    def free(self):
        LIB.tt_model_free(byref(self.p))


class Source:
    """Columns {name: array}; the arrays live as long as this."""
    def __init__(self, columns, classes, weighted):
        self.p, self.arrays = c_void_p(), columns
        made = []
        for name, a in columns.items():
            kind = {np.dtype("f4"): F32, np.dtype("i4"): I32}[a.dtype]
            shape = list(a.shape[1:])
            made.append(Column(type=kind, name=name.encode(), ndim=len(shape),
                               shape=(c_int64 * 4)(*shape), data=a.ctypes.data))
        pointers = (POINTER(Column) * len(made))(*[ctypes.pointer(c) for c in made])
        schema = Schema(columns=len(made), column=pointers, target=b"label",
                        kind=PLACES if columns["label"].ndim > 1 and classes else CLASS if classes else VALUES,
                        classes=classes,
                        weight=b"weight" if weighted else None)
        count = len(columns["label"])
        call("tt_source_from_memory", byref(self.p), byref(schema), c_int64(count))

    def free(self):
        LIB.tt_source_close(byref(self.p))


def answers(model, x, shape):
    """What a session says of the samples x, as it stands on its own."""
    session, out = c_void_p(), np.empty(shape, dtype="f4")
    x = np.ascontiguousarray(x, dtype="f4")
    call("tt_session_new", byref(session), model.p, byref(SessionOpts(threads=1)))
    try:
        call("tt_session_run", session, c_void_p(x.ctypes.data), c_int64(len(x)), c_void_p(out.ctypes.data))
    finally:
        LIB.tt_session_free(byref(session))
    return out


def answers_places(model, column, x, shape):
    """The same of a net that has sequences: rows of numbers, or sequences of whole ones, all as long."""
    session, out = c_void_p(), np.empty(shape, dtype="f4")
    words = x.dtype.kind == "i"
    x, offsets = np.ascontiguousarray(x, "i4" if words else "f4"), np.arange(len(x) + 1, dtype="i8") * len(x[0])
    made = Column(type=I32 if words else F32, name=column.encode(), ndim=1, data=x.ctypes.data,
                  shape=(c_int64 * 4)(-1 if words else len(x[0])), offsets=offsets.ctypes.data if words else None)
    batch = Batch(columns=1, column=(POINTER(Column) * 1)(ctypes.pointer(made)), n=len(x))
    call("tt_session_new", byref(session), model.p, byref(SessionOpts(threads=1)))
    try:
        call("tt_session_predict", session, byref(batch), c_void_p(out.ctypes.data))
    finally:
        LIB.tt_session_free(byref(session))
    return out


def train(model, source, workers=1):
    """Yields (learning rate, mean loss of the epoch so far) after each step."""
    t, more = c_void_p(), c_int()
    call("tt_trainer_new", byref(t), model.p, byref(TrainerOpts(train=source.p, workers=workers)))
    try:
        more.value = 1
        while more.value:
            call("tt_trainer_step", t, byref(more))
            p = LIB.tt_trainer_progress(t).contents
            yield p.lr, p.loss
    finally:
        LIB.tt_trainer_free(byref(t))
