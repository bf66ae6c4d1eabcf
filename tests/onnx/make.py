#!/usr/bin/env python3
"""The files of this folder, by PyTorch and the onnx package:

    make.py FOLDER

Nets of torches.py with fixed sizes and, in answers.txt, what onnxruntime says to
x[i] = (37 i mod 101 - 50) / 50; and files that lie."""
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T, helper as h

import torches

out = sys.argv[1]
KEPT = ("mlp", "cnn", "resnet", "up", "lstm2", "state", "rnn")


def say(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    shape = [2, *[6 if isinstance(d, str) else d for d in session.get_inputs()[0].shape[1:]]]
    x = ((37 * np.arange(int(np.prod(shape))) % 101) - 50).astype("f4") / 50
    return " ".join(f"{v:.9g}" for v in session.run(None, {"x": x.reshape(shape)})[-1].ravel())


def lie(name, nodes, weight=(), dims=(3, 2), sample=(2,)):
    graph = h.make_graph(nodes, name, [h.make_tensor_value_info("x", T.FLOAT, ["n", *sample])],
                         [h.make_tensor_value_info("y", T.FLOAT, ["n", 3])], list(weight))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    for w in model.graph.initializer:
        w.dims[:] = dims
    open(f"{out}/{name}.onnx", "wb").write(model.SerializeToString())


def classes(path):
    """As skl2onnx writes a scaled classifier of two classes: a label, probabilities by name."""
    f = lambda name, dims, n: h.make_tensor(name, T.FLOAT, dims, (np.arange(n) * 0.7 % 1 - 0.4).astype("f4"))
    nodes = [h.make_node("Scaler", ["x"], ["s"], domain="ai.onnx.ml", offset=[0.1, -0.2, 0.3], scale=[2.0, 0.5, 1.5]),
             h.make_node("Cast", ["s"], ["c"], to=T.FLOAT), h.make_node("MatMul", ["c", "w1"], ["m1"]),
             h.make_node("Add", ["m1", "b1"], ["a1"]), h.make_node("Relu", ["a1"], ["r"]),
             h.make_node("MatMul", ["r", "w2"], ["m2"]), h.make_node("Add", ["m2", "b2"], ["a2"]),
             h.make_node("Sigmoid", ["a2"], ["p"]), h.make_node("Sub", ["one", "p"], ["q"]),
             h.make_node("Concat", ["q", "p"], ["probabilities"], axis=1),
             h.make_node("ArgMax", ["probabilities"], ["at"], axis=1),
             h.make_node("ArrayFeatureExtractor", ["classes", "at"], ["found"], domain="ai.onnx.ml"),
             h.make_node("Reshape", ["found", "flat"], ["label"])]
    stored = [f("w1", (3, 4), 12), f("b1", (1, 4), 4), f("w2", (4, 1), 4), f("b2", (1, 1), 1),
              h.make_tensor("one", T.FLOAT, [], [1.0]), h.make_tensor("flat", T.INT64, [1], [-1]),
              h.make_tensor("classes", T.STRING, [2], [b"bad", b"good"])]
    graph = h.make_graph(nodes, "classes", [h.make_tensor_value_info("x", T.FLOAT, [None, 3])],
                         [h.make_tensor_value_info("label", T.STRING, [None]),
                          h.make_tensor_value_info("probabilities", T.FLOAT, [None, 2])], stored)
    model = h.make_model(graph, ir_version=8, opset_imports=[h.make_opsetid("", 17), h.make_opsetid("ai.onnx.ml", 1)])
    open(path, "wb").write(model.SerializeToString())


W = h.make_tensor("w", T.FLOAT, (3, 2), np.arange(6, dtype="f4").tobytes(), raw=True)
GEMM = h.make_node("Gemm", ["x", "w"], ["y"], "fc", transB=1)
lines = []
for kept in KEPT:
    torches.export("torch_" + kept, f"{out}/{kept}.onnx", free=False)
    lines.append(f"{kept} {say(f'{out}/{kept}.onnx')}\n")
import bodies, zoo      # which needs what zoo.py needs

zoo.export(bodies.NETS["encoder_fixed"], f"{out}/encoder.onnx", False)
lines.append(f"encoder {say(f'{out}/encoder.onnx')}\n")
classes(f"{out}/classes.onnx")
lines.append(f"classes {say(f'{out}/classes.onnx')}\n")
open(f"{out}/answers.txt", "w").writelines(lines)
lie("lacks", [h.make_node("Hardmax", ["x"], ["h"], "sharp"), h.make_node("Gemm", ["h", "w"], ["y"], "fc", transB=1)],
    [W])
lie("circle", [h.make_node("Add", ["x", "b"], ["a"], "one"), h.make_node("Relu", ["a"], ["b"], "two"),
               h.make_node("Relu", ["b"], ["y"], "three")])
lie("huge", [GEMM], [W], (2 ** 40, 2 ** 40))
lie("short", [GEMM], [W], (4, 2))
lie("unlike", [GEMM], [W], (2, 3))
lie("hollow", [GEMM], [W], (0, 2 ** 62))
lie("wide", [h.make_node("Concat", ["x", "x"], ["y"], "two", axis=1)], sample=(2 ** 31 - 1,))
lie("far", [h.make_node("Unsqueeze", ["x"], ["y"], "away", axes=[2 ** 63 - 1])])
lie("more", [h.make_node("ConvTranspose", ["x", "w"], ["y"], "up", output_padding=[2 ** 63 - 1] * 2)], [W],
    (1, 6, 1, 1), (1, 2, 2))
both = h.make_node("Constant", [], ["k"], "both", value_int=1)
both.attribute[0].floats[:] = [1, 2]
lie("both", [both, h.make_node("Add", ["x", "k"], ["y"], "sum")])
