"""Nets that travel: every kind of layer in one of them.  {name: (spec, how many tokens there are)}"""


def net(inputs, layers, loss="cross_entropy"):
    lines = "".join(f"    - {line}\n" for line in layers)
    return f"name: net\ntrain: {{tune_kernels: off}}\nmodel:\n  {inputs}\n  loss: {loss}\n  layers:\n{lines}"


IMAGE, ROW, FEATURES = "input: [4, 9, 8]", "input: [4, 12]", "input: [7]"
WORDS = "inputs: {words: {shape: [-1], type: i32}}"
PLACES = "inputs: {places: [-1, 6]}"
BIAS = ["flatten", "dense: {out: 5}"]

NETS = {
    "windows": (net(IMAGE, [
        "conv2d: {out: 6, kernel: [3, 2], stride: [2, 1], padding: [1, 0, 0, 1], activation: relu}",
        "conv2d: {out: 8, kernel: 3, padding: same, groups: 2, dilation: 2, bias: no}",
        "batchnorm: {activation: leaky_relu}", "maxpool: {kernel: 3, stride: 1, padding: 1}",
        "depthwise2d: {multiplier: 2, kernel: 2}", "avgpool: {kernel: 2, stride: 1, padding: 1}",
        "avgpool: {kernel: 2, padding: 1, count_pad: no}", "gelu",
        "conv2d: {out: 4, kernel: 1}", "globalpool: {pool: max}", "dense: {out: 3}"]), 0),
    "larger": (net(IMAGE, [
        "conv_transpose2d: {out: 6, kernel: 3, stride: 2, padding: 1, output_padding: 1, groups: 2}",
        "silu", "upsample: {scale: 2}", "upsample: {scale: 2, mode: bilinear}",
        "upsample: {size: [50, 47]}", "conv_transpose2d: {out: 3, kernel: 2, bias: no, dilation: 2}",
        "globalpool: {keepdims: yes}", *BIAS]), 0),
    "norms": (net(IMAGE, [
        "lrn: {size: 3, alpha: 0.3}", "groupnorm: {groups: 2}", "instancenorm: {affine: yes}",
        "instancenorm", "layernorm: {dims: 2}", "rmsnorm: {eps: 0.01}", "layernorm: {dims: 3}",
        "prelu: {channels: yes}", "prelu", "elu: {alpha: 0.7}", "tanh", "dropout", "relu6", "hardswish",
        "hardsigmoid", *BIAS]), 0),
    "rows": (net(ROW, [
        "conv1d: {out: 6, kernel: 3, padding: same, activation: relu}", "batchnorm",
        "maxpool1d: {kernel: 2}", "conv1d: {out: 4, kernel: 2, groups: 2, bias: no}",
        "avgpool1d: {kernel: 2, padding: 1}", "globalpool", "dense: {out: 3}"]), 0),
    "shapes": (net(IMAGE, [
        "pad: {padding: [1, 0, 2, 1], value: 0.5, name: p}", "slice: {axis: 2, start: 1, size: 9, name: s}",
        "transpose: {dims: [2, 1, 3], name: t}", "reduce: {op: max, axis: 3, keepdims: yes, name: a}",
        "reduce: {op: sum, axis: [2], keepdims: yes, from: t, name: b}",
        "multiply: {from: [a, b], name: m}", "add: {from: [m, t], activation: relu, name: c}",
        "concat: {from: [c, t], axis: 2}", "reduce: {axis: [1, 3]}", "dense: {out: 6}",
        "reshape: {shape: [2, -1]}", "transpose", "softmax", "flatten", "dense: {out: 3}"]), 0),
    "branches": (net(FEATURES, [
        "residual: {body: [{dense: {out: 7, activation: tanh}}, {layernorm: {}}], activation: sigmoid}",
        "branches: {paths: [[{dense: {out: 4}}], [{dense: {out: 4}}, {relu: {}}], []]}",
        "batchnorm", "branches: {join: mix, paths: [[{dense: {out: 3}}], [{dense: {out: 3}}]]}"]), 0),
    "labels": (net(FEATURES, [
        "branches: {join: mix, paths: [[{dense: {out: 3}}], [{dense: {out: 3}}]]}"], "bce"), 0),
    "numbers": (net(FEATURES, [
        "branches: {join: mix, paths: [[{dense: {out: 3}}], [{dense: {out: 3, bias: no}}]]}"], "mse"), 0),
    "two": (net("inputs: {image: [1, 4, 4], meta: [5], kind: {shape: [2], type: i32}}", [
        "conv2d: {out: 3, kernel: 3, from: image}", "flatten: {name: a}",
        "embedding: {rows: 6, dim: 3, from: kind}", "flatten: {name: b}",
        "concat: {from: [a, meta, b]}", "dense: {out: 3}"]), 6),
    "lstm": (net(WORDS, [
        "embedding: {rows: 9, dim: 5}",
        "lstm: {hidden: 4, num_layers: 2, bidirectional: yes, dropout: 0.2}",
        "gru: {hidden: 3, bidirectional: yes, output: last}", "dense: {out: 3}"]), 9),
    "gru": (net(WORDS, ["embedding: {rows: 9, dim: 5}", "gru: {hidden: 4, bias: no}", "dense: {out: 4}",
                        "rnn: {hidden: 3, activation: relu, bidirectional: yes}",
                        "lstm: {hidden: 2, bias: no, output: last}", "dense: {out: 3}"]), 9),
    "rnn": (net("input: [6, 4]", ["rnn: {hidden: 5, num_layers: 2}", "gru: {hidden: 5}",
                                  "seqpool: {pool: last}", "dense: {out: 2}"], "mse"), 0),
    "pools": (net(PLACES, [
        "seqpool: {pool: mean, name: a}", "seqpool: {pool: sum, from: input, name: b}",
        "seqpool: {pool: max, from: input, name: c}", "seqpool: {pool: last, from: input, name: d}",
        "concat: {from: [a, b, c, d]}", "dense: {out: 3}"]), 0),
    "attention": (net(PLACES, [
        "attention: {heads: 2}", "positions: {max: 64}", "attention: {heads: 3, causal: yes}",
        "positions: {kind: sinusoidal}", "attention: {heads: 1, rotary: yes, bias: no}",
        "transformer: {heads: 2, hidden: 10}", "rmsnorm", "seqpool", "dense: {out: 3}"]), 0),
    "gpt": (net(WORDS, [
        "embedding: {rows: 9, dim: 8}", "positions: {max: 64}",
        "repeat: {times: 2, name: h, layers: [{transformer: {heads: 2, causal: yes, norm_first: yes, "
        "rotary: yes, activation: gelu}}]}", "layernorm", "dense: {out: 9}"]), 9),
    "vit": (net("input: [5, 8]", [
        "positions", "transformer: {heads: 4, norm_first: yes}", "attention: {heads: 2, rotary: yes}",
        "seqpool: {pool: max}", "dense: {out: 3}"]), 0),
    "encoder": (net(WORDS, [
        "embedding: {rows: 9, dim: 8}", "positions: {max: 64}",
        "transformer: {heads: 2, causal: yes, norm_first: yes, activation: gelu}", "attention: {bias: no}",
        "transformer: {heads: 4}", "seqpool: {pool: max}", "dense: {out: 3}"]), 9),
    "tokens": (net(PLACES.replace("-1", "5"), ["class_token: {name: a}", "class_token: {name: b}", "attention",
                                               "seqpool", "dense: {out: 3}"]), 0),
    "tagger": (net("input: [5, 8]", ["attention: {heads: 2, causal: yes}", "dense: {out: 3}"]), 0),
}
