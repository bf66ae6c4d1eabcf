#!/usr/bin/env python3
"""Golden numbers of every operation, from PyTorch in double precision.

    ops.py tests/op/cases.txt OUT [VALUES]

Reads the table of cases (its head explains it), makes the same inputs as the C tests (common.py),
runs them through PyTorch and its autograd, and writes a line per result:

    case  result  count  stride  value value ...

Results: y0, y1 (outputs), d_NAME (gradient by an input), NAME (a running statistic afterwards).  With
VALUES given, only about so many of each are written, `stride` apart: tests/op/golden.txt was made
with 20, so that the test has power where PyTorch is missing."""

import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F

from common import Run, dropout_mask, numbers

RUN = Run(seed=7, step=3, sample=5, sample_stride=2)        # as op_case_run
LOSS_SEED = 0.75

DEFAULTS = {"stride": [1, 1], "dilation": [1, 1], "pad": [0, 0, 0, 0], "groups": 1,
            "act": "none", "alpha": 0.0, "count_pad": 0, "smoothing": 0.0, "delta": 1.0, "gamma": 0.0, "axis": 0,
            "start": 0, "trans_a": 0, "trans_b": 0, "reduce": 0, "axes": 0, "keep": 0, "perm": None, "reverse": 0,
            "heads": 1, "causal": 0, "blank": 0, "zero_infinity": 0}
INTEGERS = {"groups", "count_pad", "use_y", "axis", "start", "size", "ndim", "stream", "ranks", "mix",
            "rows", "parts", "trans_a", "trans_b", "reduce", "axes", "keep", "reverse", "heads", "causal",
            "resize", "blank", "zero_infinity"}
LISTS = {"kernel", "stride", "dilation", "pad", "dims", "perm"}
WORDS = {"act", "then"}
LOSSES = {"xent", "bce", "mse", "mae", "huber", "focal", "sigmoid_focal", "hinge", "kl", "ctc"}
BUFFERS = {"mean", "var"}
PLAIN_INPUTS = {"target", "label", "index", "weight", "lengths", "places"}
SEVERAL = {"split": None, "rnn": 2, "lstm": 3, "gru": 2}    # how many outputs carry gradients; None: all


# ---- the cases ----

def attribute(name, text):
    if name in WORDS:
        return text
    if name in LISTS:
        return [int(v) for v in text.split(",")]
    return int(text) if name in INTEGERS else float(np.float32(text))


def read_cases(path):
    for line in open(path, encoding="ascii"):
        words = line.split("#")[0].split()
        if not words:
            continue
        case = {"name": words[0], "op": words[1], "inputs": [], "attr": dict(DEFAULTS),
                "then": None, "grad": "grad" in words[2:]}
        for word in words[2:]:
            if "=" in word:
                name, text = word.split("=")
                if name == "then":
                    case["then"] = text
                else:
                    case["attr"][name] = attribute(name, text)
            elif word != "grad":
                name, _, rest = word.partition(":")
                shape, _, kind = rest.partition(":")
                case["inputs"].append((name, [int(d) for d in shape.split("x")] if shape else None, kind))
        yield case


# ---- the operations ----

def act(kind, x, a):
    return {"none": lambda: x, "relu": lambda: F.relu(x), "leaky_relu": lambda: F.leaky_relu(x, a["alpha"]),
            "elu": lambda: F.elu(x, a["alpha"]), "gelu": lambda: F.gelu(x), "silu": lambda: F.silu(x),
            "sigmoid": lambda: torch.sigmoid(x), "tanh": lambda: torch.tanh(x), "relu6": lambda: F.relu6(x),
            "hardswish": lambda: F.hardswish(x), "hardsigmoid": lambda: F.hardsigmoid(x)}[kind]()


def conv2d(a, x, w, b=None):
    top, left, bottom, right = a["pad"]
    x = F.pad(x, (left, right, top, bottom))
    return [act(a["act"], F.conv2d(x, w, b, a["stride"], 0, a["dilation"], a["groups"]), a)]


def maxpool(a, x):
    top, left, bottom, right = a["pad"]
    x = F.pad(x, (left, right, top, bottom), value=float("-inf"))
    return [act(a["act"], F.max_pool2d(x, a["kernel"], a["stride"]), a)]


def avgpool(a, x):
    top, left, bottom, right = a["pad"]
    padded = F.avg_pool2d(F.pad(x, (left, right, top, bottom)), a["kernel"], a["stride"])
    if a["count_pad"]:
        return [padded]
    ones = F.pad(torch.ones_like(x), (left, right, top, bottom))
    return [padded / F.avg_pool2d(ones, a["kernel"], a["stride"])]


def batchnorm(a, x, gamma, beta, mean, var):
    return [act(a["act"], F.batch_norm(x, mean, var, gamma, beta, True, a["momentum"], a["eps"]), a)]


def batchnorm_infer(a, x, gamma, beta, mean, var):
    return [act(a["act"], F.batch_norm(x, mean, var, gamma, beta, False, 0, a["eps"]), a)]


def fold_bn(a, w, b, gamma, beta, mean, var):
    """By what folding promises: a layer with w', b' equals the layer, then the norm."""
    scale = gamma / torch.sqrt(var + a["eps"])
    return [w * scale.reshape([-1] + [1] * (w.dim() - 1)), F.batch_norm(
        b[None], mean, var, gamma, beta, False, 0, a["eps"])[0]]


def mix(a, *x):
    if a["mix"] == 0:
        return [torch.stack(x).mean(0)]
    if a["mix"] == 1:
        return [torch.logsumexp(torch.stack([F.log_softmax(v, -1) for v in x]), 0) - np.log(len(x))]
    yes, no = (torch.logsumexp(torch.stack([F.logsigmoid(s * v) for v in x]), 0) for s in (1, -1))
    return [yes - no]


def channels(x):
    return x.transpose(0, 1).flatten(1)


def per_channel(v, x):
    return v.reshape([1, -1] + [1] * (x.dim() - 2))


def bn_moments(a, x):
    c = channels(x)
    return [torch.cat([torch.tensor([float(c.shape[1])]).double(), c.mean(1),
                       c.var(1, unbiased=False) * c.shape[1]])]


def gather(a, *x):
    mine = torch.cat(x)
    return [torch.stack([mine] + [torch.zeros_like(mine)] * (a["ranks"] - 1))]


def factors(a, x, dy):
    """A head, as floats next to nothing; samples of zeros up to attr rows, a row for each place, in
    panels of 32 channels of x and of 8 of dy."""
    def panels(v, width):
        v = F.pad(v.flatten(2) if v.dim() > 2 else v[:, :, None],
                  (0, 0, 0, 0, 0, a["rows"] - v.shape[0])).permute(0, 2, 1).flatten(0, 1)
        return torch.cat([part.reshape(-1) for part in v.split(width, 1)])

    both = torch.cat([torch.zeros(16), panels(x, 32), panels(dy, 8)])
    k, c = dy.shape[1], x.shape[1]
    shape = [k, c] if x.dim() == 2 else [k, c, *a["kernel"]]
    return [both.reshape(shape), dy.transpose(0, 1).flatten(1).sum(1)]


def bn_join(a, g, mean, var):
    """By the textbook formula that needs no order."""
    n, c = g[:, :1], (g.shape[1] - 1) // 2
    m, squares, total = g[:, 1:1 + c], g[:, 1 + c:], n.sum()
    whole = (n * m).sum(0) / total
    biased = (squares + n * m * m).sum(0) / total - whole * whole
    unbiased = biased * total / (total - 1) if total > 1 else biased
    mean += a["momentum"] * (whole - mean)
    var += a["momentum"] * (unbiased - var)
    return [whole, biased]


def bn_sums(a, x, dy, mean, var):
    xhat = (x - per_channel(mean, x)) / torch.sqrt(per_channel(var, x) + a["eps"])
    return [channels(dy * xhat).sum(1), channels(dy).sum(1)]


def bn_dx(a, x, dy, gamma, mean, var, count, g):
    rstd = 1 / torch.sqrt(per_channel(var, x) + a["eps"])
    dgamma, dbeta = (per_channel(v, x) for v in g.sum(0).chunk(2))
    return [per_channel(gamma, x) * rstd * (dy - dbeta / count - (x - per_channel(mean, x)) * rstd * dgamma / count)]


def act_dx(a, z, *parts):
    dy = sum(parts)
    if not a["use_y"]:
        z.requires_grad_()
        act(a["act"], z, a).backward(dy)
        return [z.grad]
    assert a["act"] == "relu"
    return [dy * (z > 0)]


def conv2d_dx(a, dy, w):
    """Of a padded image: what lies in the padding is cut off."""
    top, left, bottom, right = a["pad"]
    h, v = (d + p for d, p in zip(a["dims"][2:], (top + bottom, left + right)))
    made = [(dy.shape[2 + i] - 1) * a["stride"][i] + a["dilation"][i] * (w.shape[2 + i] - 1) + 1 for i in (0, 1)]
    y = F.conv_transpose2d(dy, w, None, a["stride"], 0, 0, a["groups"], a["dilation"])
    y = F.pad(y, (0, v - made[1], 0, h - made[0]))
    return [y[:, :, top:h - bottom, left:v - right]]


def resize(a, x):
    mode = {"mode": "bilinear", "align_corners": False} if a.get("resize") else {"mode": "nearest"}
    return [F.interpolate(x, a["dims"][2:], **mode)]


def rmsnorm(a, x, g):
    """F.rms_norm, which older PyTorch lacks."""
    dims = list(range(x.dim() - a["ndim"], x.dim()))
    return [x / torch.sqrt((x * x).mean(dims, keepdim=True) + a["eps"]) * g]


def prelu_dx(a, x, w, dy):
    x.requires_grad_()
    w.requires_grad_()
    F.prelu(x, w).backward(dy)
    return [x.grad, w.grad]


def dropout(a, x):
    mask = dropout_mask(RUN, a["stream"], a["p"], x.shape)
    return [x * mask / (1 - a["p"])]


def xent(a, logits, label, weight=None):
    loss = F.cross_entropy(logits, label, reduction="none", label_smoothing=a["smoothing"])
    return [summed(loss, weight)[0], torch.softmax(logits, 1)]


def matmul(a, x, y):
    return [torch.matmul(x.transpose(-1, -2) if a["trans_a"] else x, y.transpose(-1, -2) if a["trans_b"] else y)]


def transpose(a, x):
    return [x.permute(a["perm"] or list(range(x.dim()))[::-1])]


def places(a, lengths):
    t, n = torch.arange(a["size"])[None, :], lengths[:, None]
    there = (t < n).double()
    return [(there, there / n.clamp(min=1), torch.where((t < n) | (n == 0), 0., -1e30).double(),
             (t == n - 1).double())[a["reduce"]]]


def reduced(a, x):
    return [i for i in range(x.dim()) if not a["axes"] or a["axes"] >> i & 1]


def reduce(a, x):
    y = (torch.sum, torch.mean, torch.amax)[a["reduce"]](x, reduced(a, x), bool(a["keep"]))
    return [y if y.dim() else y.reshape(1)]


def reduce_max_dx(a, x, y, dy):
    kept = [1 if i in reduced(a, x) else n for i, n in enumerate(x.shape)]
    equal = (x == y.reshape(kept)).double()
    return [dy.reshape(kept) * equal / equal.sum(reduced(a, x), True)]


def index(a, x, i):
    axis, n = a["axis"], x.shape[a["axis"]]
    flat = torch.where(i < 0, i + n, i).flatten()
    return [x.index_select(axis, flat).reshape(x.shape[:axis] + i.shape + x.shape[axis + 1:])]


def index_dx(a, i, dy):
    axis, dims = a["axis"], a["dims"]
    flat = torch.where(i < 0, i + dims[axis], i).flatten()
    parts = dy.reshape(dims[:axis] + [len(flat)] + dims[axis + 1:])
    return [torch.zeros(dims, dtype=torch.float64).index_add(axis, flat, parts)]


def pad(a, x):
    shape = list(x.shape)
    shape[a["axis"]] = a["size"]
    y = torch.full(shape, a["alpha"], dtype=torch.float64)
    y.narrow(a["axis"], a["start"], x.shape[a["axis"]]).copy_(x)
    return [y]


def attention(a, qkv, lengths=None):
    n, t, wide = qkv.shape
    lengths = torch.full((n,), t) if lengths is None else lengths
    there = torch.arange(t) < lengths[:, None]
    sees = there[:, None, None, :] & there[:, None, :, None]
    if a["causal"]:
        sees = sees & torch.ones(t, t).tril().bool()
    q, k, v = (p.unflatten(2, (a["heads"], -1)).transpose(1, 2) for p in qkv.chunk(3, 2))
    scores = q @ k.transpose(2, 3) / q.shape[3]**0.5
    weights = torch.where(sees, torch.where(sees, scores, -1e30).softmax(3), 0.0)
    return [(weights @ v).transpose(1, 2).flatten(2)]


def attention_kept(a, qkv, kept, places):
    """Each sequence alone: what is kept, then what is new, as one causal attention."""
    y = []
    for x, before, at in zip(qkv, kept, places[:, 0]):
        q = torch.cat([torch.zeros(int(at), x.shape[1] // 3).double(), x.chunk(3, 1)[0]])
        kv = torch.cat([before[:at], x[:, x.shape[1] // 3:]])
        y.append(attention(dict(a, causal=1), torch.cat([q, kv], 1)[None])[0][0, at:])
    return [torch.stack(y)]


def rotary(a, qkv, places=None):
    """With complex numbers: a pair times e^(i angle)."""
    n, t, wide = qkv.shape
    d = wide // 3 // a["heads"]
    places = torch.arange(t).expand(n, t) if places is None else places
    angle = places.double()[:, :, None] * float(np.float32(a["alpha"]))**(-torch.arange(d // 2).double() * 2 / d)
    turn = torch.polar(torch.ones_like(angle), -angle if a["reverse"] else angle)[:, :, None]
    qk, v = qkv.split([wide // 3 * 2, wide // 3], 2)
    pairs = qk.unflatten(2, (-1, 2, d // 2))
    y = torch.complex(pairs[:, :, :, 0], pairs[:, :, :, 1]) * turn
    return [torch.cat([torch.stack([y.real, y.imag], 3).flatten(2), v], 2)]


def sinusoid(a):
    t, e = a["dims"]
    angle = torch.arange(t).double()[:, None] * float(np.float32(a["alpha"]))**(-torch.arange(0, e, 2).double() / e)
    return [torch.stack([angle.sin(), angle.cos()], 2).flatten(1)]


def turned(x, lengths):
    """Each sequence from its last place to its first; padding stays behind."""
    t = torch.arange(x.shape[1])
    place = torch.where(t < lengths[:, None], lengths[:, None] - 1 - t, t)
    return x.gather(1, place[:, :, None].expand_as(x))


def recurrence(cell, states):
    """PyTorch's on a packed sequence, the weights of its input the identity.  It knows no sequences
    without a step."""
    def op(a, pre, w, b, *rest):
        n, t, wide = pre.shape
        lengths = rest[-1] if rest and not rest[-1].is_floating_point() else torch.full((n,), t)
        start = [r for r in rest if r.is_floating_point()] or [torch.zeros(n, w.shape[1]).double()] * states
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            turned(pre, lengths) if a["reverse"] else pre, lengths.clamp(min=1), True, enforce_sorted=False)
        first = [s[None, packed.sorted_indices] for s in start]
        weights = [torch.eye(wide).double(), w, torch.zeros(wide).double(), b]
        y, *last = getattr(torch._VF, cell(a))(packed.data, packed.batch_sizes, first if states > 1 else first[0],
                                               weights, True, 1, 0.0, True, False)
        y = torch.nn.utils.rnn.PackedSequence(y, packed.batch_sizes, packed.sorted_indices, packed.unsorted_indices)
        y = torch.nn.utils.rnn.pad_packed_sequence(y, True, total_length=t)[0]
        y = y * (torch.arange(t) < lengths[:, None])[:, :, None]
        some = (lengths > 0)[:, None]
        return [turned(y, lengths) if a["reverse"] else y] + [
            torch.where(some, v[0, packed.unsorted_indices], s) for v, s in zip(last, start)]
    return op


def summed(per_value, weight=None):
    """The sum over samples of the mean over a sample's values, times its weight."""
    each = per_value.reshape(len(per_value), -1).mean(1)
    return [(each if weight is None else each * weight).sum().reshape(1)]


def focal(a, x, label, *w):
    """Lin et al., 2017, of several classes."""
    ce = F.cross_entropy(x, label, reduction="none")
    return summed((1 - torch.exp(-ce)) ** a["gamma"] * ce, *w)


def sigmoid_focal(a, x, t, *w):
    """As torchvision.ops.sigmoid_focal_loss."""
    t = t.double()
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    loss = ce * (1 - (p * t + (1 - p) * (1 - t))) ** a["gamma"]
    if a["alpha"] >= 0:
        loss = loss * (a["alpha"] * t + (1 - a["alpha"]) * (1 - t))
    return summed(loss, *w)


def ctc(a, x, label, *rest):
    """Labels end with the first that is the blank."""
    n, t, _ = x.shape
    weight = next((r for r in rest if r.is_floating_point()), None)
    lengths = next((r for r in rest if not r.is_floating_point()), torch.full((n,), t))
    counts = (label != a["blank"]).long().cumprod(1).sum(1)
    each = F.ctc_loss(x.log_softmax(2).transpose(0, 1), label, lengths, counts, a["blank"], "none",
                      bool(a["zero_infinity"]))
    return summed(each / counts.clamp(min=1), weight)


OPS = {
    "ctc": ctc,
    "conv2d": conv2d, "maxpool": maxpool, "avgpool": avgpool, "batchnorm": batchnorm,
    "batchnorm_infer": batchnorm_infer, "fold_bn": fold_bn, "act_dx": act_dx, "dropout": dropout,
    "xent": xent, "mix": mix, "bn_moments": bn_moments, "all_gather": gather, "bn_join": bn_join,
    "bn_sums": bn_sums, "bn_dx": bn_dx, "factors": factors, "matmul": matmul, "transpose": transpose,
    "reduce": reduce, "reduce_max_dx": reduce_max_dx, "index": index, "index_dx": index_dx, "pad": pad,
    "places": places, "attention": attention, "attention_kept": attention_kept, "rotary": rotary, "sinusoid": sinusoid,
    "rnn": recurrence(lambda a: "rnn_" + a["act"], 1),
    "lstm": recurrence(lambda a: "lstm", 2),
    "gru": recurrence(lambda a: "gru", 1),
    "multiply": lambda a, x, y: [x * y],
    "broadcast": lambda a, x: [x.expand(a["dims"])],
    "split": lambda a, x: list(x.chunk(a["parts"], a["axis"])),
    "dense": lambda a, x, w, b=None: [act(a["act"], F.linear(x, w, b), a)],
    "layernorm": lambda a, x, g, b: [F.layer_norm(x, list(x.shape[-a["ndim"]:]), g, b, a["eps"])],
    "conv2d_dx": conv2d_dx, "resize": resize,
    "bias": lambda a, x, b: [x + per_channel(b, x)],
    "rmsnorm": rmsnorm, "prelu_dx": prelu_dx, "prelu": lambda a, x, w: [F.prelu(x, w)],
    "groupnorm": lambda a, x, g, b: [F.group_norm(x, a["groups"], g, b, a["eps"])],
    "lrn": lambda a, x: [F.local_response_norm(x, a["size"], a["alpha"], a["beta"], a["k"])],
    "act": lambda a, x: [act(a["act"], x, a)],
    "softmax": lambda a, x: [torch.softmax(x, -1)],
    "add": lambda a, x, y: [act(a["act"], x + y, a)],
    "sum": lambda a, *x: [torch.stack(x).sum(0)],
    "concat": lambda a, *x: [torch.cat(x, a["axis"])],
    "slice": lambda a, x: [x.narrow(a["axis"], a["start"], a["size"])],
    "reshape": lambda a, x: [x.reshape(a["dims"])],
    "fill": lambda a: [torch.full(a["dims"], a["alpha"], dtype=torch.float64)],
    "embedding": lambda a, i, table: [F.embedding(i, table)],
    "bce": lambda a, x, t, *w: summed(F.binary_cross_entropy_with_logits(x, t.double(), reduction="none"), *w),
    "mse": lambda a, y, t, *w: summed(F.mse_loss(y, t, reduction="none"), *w),
    "mae": lambda a, y, t, *w: summed(F.l1_loss(y, t, reduction="none"), *w),
    "huber": lambda a, y, t, *w: summed(F.huber_loss(y, t, reduction="none", delta=a["delta"]), *w),
    "focal": focal, "sigmoid_focal": sigmoid_focal,
    "hinge": lambda a, x, t, *w: summed(F.multi_margin_loss(x, t, margin=a["delta"], reduction="none"), *w),
    "kl": lambda a, x, t, *w: summed(F.kl_div(F.log_softmax(x, -1), t.double(), reduction="none").sum(1), *w),
}


def run(case):
    """The results of a case in the order in which op_case.c has them."""
    given = {}
    for name, shape, kind in case["inputs"]:
        if shape:
            given[name] = numbers(case["name"], name, shape, kind)
    params = [n for n in given if case["grad"] and n not in BUFFERS | PLAIN_INPUTS]
    for name in params:
        given[name].requires_grad_()
    y = OPS[case["op"]](case["attr"], *[given[name] for name, _, _ in case["inputs"]])
    if case["then"]:
        y[0] = act(case["then"], y[0], case["attr"])
    if case["grad"]:
        loss = y[0]
        if case["op"] not in LOSSES:
            if case["op"] in SEVERAL:
                loss = torch.cat([v.reshape(len(v), -1) for v in y[:SEVERAL[case["op"]]]], 1)
            goal = numbers(case["name"], "goal", list(loss.shape), "")
            loss = summed((loss - goal) ** 2)[0]
        (LOSS_SEED * loss).sum().backward()
    yield from ((f"y{i}", v.detach()) for i, v in enumerate(y))
    yield from (("d_" + n, given[n].grad) for n in params)
    yield from ((n, v) for n, v in given.items() if n in BUFFERS)


def main(cases, out, values=None):
    warnings.simplefilter("ignore")         # of floor(): a window that leaves pixels over is meant
    torch.set_num_threads(1)
    with open(out, "w", encoding="ascii") as f:
        for case in read_cases(cases):
            for name, v in run(case):
                flat = v.contiguous().reshape(-1).tolist()
                stride = max(1, len(flat) // int(values) | 1) if values else 1
                text = " ".join(f"{x:.8g}" for x in flat[::stride])
                f.write(f"{case['name']} {name} {len(flat)} {stride} {text}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
