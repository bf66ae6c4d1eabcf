"""Every kind of layer: settings drawn at random, and what PyTorch computes for them.

A row of KINDS is (draw, run).  draw(d, shape) gives settings that fit a sample of that shape, or None;
run(net, name, settings, x) computes.  What a draw never sets stands in DEFAULTS_ONLY, with the reason:
a setting of the library's table that is in neither fails the test by its name."""
import torch
import torch.nn.functional as F

from pictures import (ACTS, avgpool, conv, conv1d, draw_avgpool, draw_avgpool1d, draw_conv, draw_conv1d,
                      draw_depthwise, draw_globalpool, draw_pool, draw_pool1d, draw_transposed,
                      draw_upsample, globalpool, maxpool, pool1d, transposed, upsample)
from sequences import (attention, class_token, draw_attention, draw_positions, draw_recurrent,
                       draw_seqpool, draw_transformer, gru, lstm, positions, recurrent, rnn, seqpool,
                       transformer)

DEFAULTS_ONLY = {"init": "the numbers at the start are copied",
                 "gamma": "the same", "slope": "the same", "p": "dropout is off"}
SEQUENCES = {"rnn", "lstm", "gru", "attention", "transformer", "positions",
             "class_token", "seqpool"}                 # kinds that want a list of lists


class Kink(Exception):
    """A number so close to where a slope jumps that rounding decides the gradient."""


class Net:
    """Runs a list of layers on the parameters given, or on zeros while shapes are found."""
    def __init__(self, params=None, kink=0.0):
        self.params, self.kink, self.roles = params, kink, {}
        self.known, self.shared, self.shapes = {}, [], {}

    def owner(self, name):
        """The name under which a parameter lies: another layer's, where this one shares and that has it."""
        for mine, other in reversed(self.shared):
            name = other + name[len(mine):] if name.startswith(mine) else name
        return name

    def param(self, name, shape, role="weight"):
        owner = name if role == "buffer" else self.owner(name)
        name = owner if owner in self.roles else name
        self.roles[name] = role
        assert list(shape) == self.shapes.setdefault(name, list(shape)), f"{name}: two shapes"
        if self.params is None:
            return torch.zeros(shape, dtype=torch.float64)
        p = self.params[name]
        assert list(p.shape) == list(shape), f"{name}: {list(p.shape)} is not {list(shape)}"
        return p

    def trains(self, name):
        """A norm that is frozen as a whole is in use."""
        return self.params is None or any(self.params[self.owner(name + end)].requires_grad
                                          for end in (".weight", ".bias"))

    def near(self, x):
        """x is 0 at a kink."""
        if self.kink and x.numel() and float(x.detach().abs().min()) < self.kink:
            raise Kink

    def act(self, word, x, alpha=None):
        if word in ("relu", "leaky_relu") or (word == "elu" and alpha not in (None, 1.0)):
            self.near(x)
        for at in {"relu6": (0, 6), "hardswish": (-3, 3), "hardsigmoid": (-3, 3)}.get(word, ()):
            self.near(x - at)
        return {"none": lambda: x, "relu": lambda: F.relu(x),
                "leaky_relu": lambda: F.leaky_relu(x, 0.01 if alpha is None else alpha),
                "elu": lambda: F.elu(x, 1.0 if alpha is None else alpha), "gelu": lambda: F.gelu(x),
                "silu": lambda: F.silu(x), "sigmoid": lambda: torch.sigmoid(x),
                "tanh": lambda: torch.tanh(x), "relu6": lambda: F.relu6(x),
                "hardswish": lambda: F.hardswish(x), "hardsigmoid": lambda: F.hardsigmoid(x)}[word]()

    def maximum(self, x, kernel, stride, pad):
        top, left, bottom, right = pad
        x = F.pad(x, (left, right, top, bottom), value=-float("inf"))
        if self.kink:
            windows = F.unfold(x.clamp_min(-1e30), kernel, stride=stride)
            windows = windows.reshape(len(x), x.shape[1], kernel[0] * kernel[1], -1)
            if windows.shape[2] > 1:
                first, second = windows.topk(2, dim=2).values.unbind(2)
                self.near(first - second)
        return F.max_pool2d(x, kernel, stride)

    def list(self, layers, x, path=""):
        for item in layers:
            (kind, settings), = item.items()
            name = path + settings["name"]
            source = settings.get("from")
            if "share" in settings:
                self.shared.append((name + ".", path + settings["share"] + "."))
            inputs = x if source is None else self.known[source] if isinstance(source, str) else \
                [self.known[s] for s in source]
            x = KINDS[kind][1](self, name, settings, inputs)
            self.known[name] = x
        return x


# ---- features ----

def draw_dense(d, shape):
    if len(shape) == 3:
        return None
    return {"out": d.whole(1, 9), "bias": d.pick(["yes", "no"]), "activation": d.pick(ACTS)}


def dense(net, name, s, x):
    w = net.param(name + ".weight", [s["out"], x.shape[-1]])
    b = net.param(name + ".bias", [s["out"]], "bias") if s["bias"] == "yes" else None
    return net.act(s["activation"], F.linear(x, w, b))


def draw_embedding(d, shape):
    return {"rows": d.rows, "dim": d.whole(1, 5)} if d.first and d.rows else None


def embedding(net, name, s, x):
    return F.embedding(x.long(), net.param(name + ".weight", [s["rows"], s["dim"]]))


# ---- norms ----

def draw_batchnorm(d, shape):
    if len(shape) == 1 and d.smallest < 4:
        return None
    d.norms = True
    return {"eps": d.pick([1e-5, 1e-3]), "momentum": d.pick([0.1, 0.3, 1.0]), "activation": d.pick(ACTS)}


def batchnorm(net, name, s, x):
    c = [x.shape[1]]
    y = F.batch_norm(x, net.param(name + ".running_mean", c, "buffer"),
                     net.param(name + ".running_var", c, "buffer"), net.param(name + ".weight", c, "norm"),
                     net.param(name + ".bias", c, "norm"), net.trains(name), s["momentum"], s["eps"])
    return net.act(s["activation"], y)


def draw_layernorm(d, shape):
    dims = d.whole(1, len(shape))
    n = 1
    for v in shape[-dims:]:
        n *= v
    return {"dims": dims, "eps": d.pick([1e-5, 1e-2]), "activation": d.pick(ACTS)} if n >= 3 else None


def layernorm(net, name, s, x):
    shape = list(x.shape[-s["dims"]:])
    y = F.layer_norm(x, shape, net.param(name + ".weight", shape, "norm"),
                     net.param(name + ".bias", shape, "norm"), s["eps"])
    return net.act(s["activation"], y)


def rmsnorm(net, name, s, x):
    shape = list(x.shape[-s["dims"]:])
    axes = list(range(x.dim() - s["dims"], x.dim()))
    y = x / torch.sqrt((x * x).mean(axes, keepdim=True) + s["eps"])      # F.rms_norm, which is young
    return net.act(s["activation"], y * net.param(name + ".weight", shape, "norm"))


def draw_groupnorm(d, shape):
    groups = d.pick([g for g in range(1, shape[0] + 1) if shape[0] % g == 0])
    n = shape[0] // groups
    for v in shape[1:]:
        n *= v
    return {**draw_affine(d), "groups": groups} if n >= 3 else None


def draw_affine(d):
    return {"eps": d.pick([1e-5, 1e-2]), "affine": d.pick(["yes", "no"]), "activation": d.pick(ACTS)}


def draw_instancenorm(d, shape):
    n = 1
    for v in shape[1:]:
        n *= v
    return draw_affine(d) if n >= 3 else None


def groupnorm(net, name, s, x):
    c = [x.shape[1]]
    scale = [net.param(name + "." + w, c, "norm") if s["affine"] == "yes" else None for w in ("weight", "bias")]
    return net.act(s["activation"], F.group_norm(x, s.get("groups", c[0]), *scale, s["eps"]))


def draw_lrn(d, shape):
    return {"size": d.whole(1, 5), "alpha": d.pick([1e-4, 0.5, 2]), "beta": d.pick([0.75, 0.5, 1.1]),
            "k": d.pick([1, 2])} if len(shape) == 3 else None


# ---- shapes ----

def draw_reshape(d, shape):
    n = 1
    for v in shape:
        n *= v
    side = next((k for k in (4, 3, 2) if n % (k * k) == 0), None)
    choices = [[n], [-1]]
    if len(shape) > 1:
        choices.append([shape[0], -1])
    if side:
        choices += [[-1, side, side], [n // side // side, side, side]]
    return {"shape": d.pick(choices)}


def draw_join(d, shape):
    same = [n for n, s in d.known if s == shape]
    return {"from": [d.pick(same) for _ in range(d.whole(2, 3))], "activation": d.pick(ACTS)} if same else None


def add(net, name, s, x):
    return net.act(s["activation"], sum(x[1:], x[0]))


def draw_concat(d, shape):
    axis = d.whole(1, len(shape))
    fits = [n for n, s in d.known if len(s) == len(shape) and
            s[:axis - 1] + s[axis:] == shape[:axis - 1] + shape[axis:] and s[axis - 1] <= 12]
    return {"from": [d.pick(fits) for _ in range(d.whole(2, 3))], "axis": axis} if fits else None


def draw_multiply(d, shape):
    fits = [n for n, s in d.known if len(s) == len(shape) and
            all(a == b or a == 1 for a, b in zip(s, shape))]
    same = [n for n, s in d.known if s == shape]
    if not same:
        return None
    return {"from": [d.pick(fits) for _ in range(d.whole(1, 2))] + [d.pick(same)], "activation": d.pick(ACTS)}


def multiply(net, name, s, x):
    y = x[0]
    for v in x[1:]:
        y = y * v
    return net.act(s["activation"], y)


def draw_pad(d, shape):
    if len(shape) == 1:
        return None
    choices = [1, [0, 1], [2, 0]] + ([[0, 1, 2, 0]] if len(shape) == 3 else [])
    return {"padding": d.pick(choices), "value": d.pick([0, 0.5, -1])} if max(shape) < 12 else None


def pad(net, name, s, x):
    p = s["padding"] if isinstance(s["padding"], list) else [s["padding"]]
    if x.dim() == 3:
        return F.pad(x, (p[0], p[-1]), value=s["value"])
    top, left, bottom, right = (p * 4)[:4]
    return F.pad(x, (left, right, top, bottom), value=s["value"])


def draw_slice(d, shape):
    axis = d.whole(1, len(shape))
    start = d.whole(0, shape[axis - 1] - 1)
    s = {"axis": axis, "start": start}
    return {**s, "size": d.whole(1, shape[axis - 1] - start)} if d.chance(0.5) else s


def cut(net, name, s, x):
    return x.narrow(s["axis"], s["start"], s.get("size", x.shape[s["axis"]] - s["start"]))


def draw_transpose(d, shape):
    order = list(range(1, len(shape) + 1))
    d.random.shuffle(order)
    return {"dims": order} if d.chance(0.7) else {}


def transpose(net, name, s, x):
    return x.permute([0] + (s.get("dims") or list(range(1, x.dim()))[::-1]))


def draw_reduce(d, shape):
    axes = [i for i in range(1, len(shape) + 1) if d.chance(0.5)] or [1]
    return {"op": d.pick(["sum", "mean", "max"]), "axis": axes, "keepdims": d.pick(["yes", "no"])}


def reduce(net, name, s, x):
    keep = s["keepdims"] == "yes"
    if s["op"] == "max":
        if net.kink:
            rest = [i for i in range(x.dim()) if i not in s["axis"]]
            heaps = x.permute(rest + s["axis"]).flatten(len(rest))
            if heaps.shape[-1] > 1:
                first, second = heaps.topk(2, -1).values.unbind(-1)
                net.near(first - second)
        y = torch.amax(x, s["axis"], keep)
    else:
        y = {"sum": torch.sum, "mean": torch.mean}[s["op"]](x, s["axis"], keep)
    return y if y.dim() > 1 else y[:, None]


# ---- activations ----

def draw_nothing(d, shape):
    return {}


def plain(word):
    return draw_nothing, lambda net, name, s, x: net.act(word, x)


def prelu(net, name, s, x):
    net.near(x)
    return F.prelu(x, net.param(name + ".weight", [x.shape[1] if s["channels"] == "yes" else 1]))


# ---- layers of layers ----

def draw_group(d, shape):
    inner, _ = d.list(shape, d.whole(1, 2))
    return inner and {"layers": inner}


def draw_repeat(d, shape):
    inner, out = d.list(shape, d.whole(1, 2))
    if not inner:
        return None
    return {"layers": inner, "times": d.whole(1, 2) if out == shape else 1, "start": d.whole(0, 3)}


def repeat(net, name, s, x):
    for i in range(s["times"]):
        x = net.list(s["layers"], x, f"{name}.{s['start'] + i}.")
    return x


def draw_residual(d, shape):
    body, out = d.list(shape, d.whole(1, 3))
    if not body:
        return None
    s = {"body": body, "activation": d.pick(ACTS)}
    if out != shape:
        way = d.way(shape, out)
        if not way:
            return None
        s["shortcut"] = way
    return s


def residual(net, name, s, x):
    y = net.list(s["body"], x, name + ".")
    around = net.list(s["shortcut"], x, name + ".downsample.") if "shortcut" in s else x
    return net.act(s["activation"], y + around)


def draw_branches(d, shape):
    if d.first:
        return None
    join = d.pick(["concat", "add"])
    paths = []
    if len(shape) == 3:
        for _ in range(d.whole(2, 3)):
            out = d.whole(1, 4) if join == "concat" else shape[0]
            paths.append(d.way(shape, [out, *shape[1:]]))
    elif len(shape) == 1:
        width = d.whole(1, 6)
        for _ in range(d.whole(2, 3)):
            paths.append(d.way(shape, [d.whole(1, 6) if join == "concat" else width]))
    else:
        return None
    if join == "concat" or len(shape) == 3:     # a way that is none
        paths[0] = d.pick([[], paths[0]])
    return {"paths": paths if d.chance(0.5) else {f"p{i}": p for i, p in enumerate(paths)}, "join": join}


def branches(net, name, s, x):
    named = s["paths"] if isinstance(s["paths"], dict) else dict(enumerate(s["paths"]))
    ends = [net.list(p, x, f"{name}.{key}.") for key, p in named.items()]
    if s["join"] == "concat":
        return torch.cat(ends, 1)
    if s["join"] == "add":
        return sum(ends[1:], ends[0])
    return mixed(s["loss"] if "loss" in s else net.loss, ends)


def mixed(loss, ends):
    if loss in ["cross_entropy", "focal", "kl", "ctc"]:
        return torch.stack([F.log_softmax(e, 1) for e in ends]).logsumexp(0)
    if loss in ["bce", "sigmoid_focal"]:
        return torch.logit(torch.stack([torch.sigmoid(e) for e in ends]).mean(0))
    return torch.stack(ends).mean(0)


def alpha(kind, words):
    return (lambda d, shape: {"alpha": d.pick(words)},
            lambda net, name, s, x: net.act(kind, x, s["alpha"]))


KINDS = {
    "conv2d": (draw_conv, conv), "depthwise2d": (draw_depthwise, conv), "dense": (draw_dense, dense),
    "embedding": (draw_embedding, embedding), "maxpool": (draw_pool, maxpool),
    "avgpool": (draw_avgpool, avgpool), "globalpool": (draw_globalpool, globalpool),
    "batchnorm": (draw_batchnorm, batchnorm), "layernorm": (draw_layernorm, layernorm),
    "rnn": (lambda d, shape: draw_recurrent(d, shape, ["tanh", "relu"]), recurrent(1, rnn)),
    "seqpool": (draw_seqpool, seqpool),
    "lstm": (draw_recurrent, recurrent(4, lstm)), "gru": (draw_recurrent, recurrent(3, gru)),
    "rmsnorm": (draw_layernorm, rmsnorm), "groupnorm": (draw_groupnorm, groupnorm),
    "instancenorm": (draw_instancenorm, groupnorm),
    "lrn": (draw_lrn, lambda net, name, s, x: F.local_response_norm(x, s["size"], s["alpha"], s["beta"], s["k"])),
    "prelu": (lambda d, shape: {"channels": d.pick(["yes", "no"])}, prelu),
    "conv1d": (draw_conv1d, conv1d), "maxpool1d": (draw_pool1d, pool1d(maxpool)),
    "avgpool1d": (draw_avgpool1d, pool1d(avgpool)), "conv_transpose2d": (draw_transposed, transposed),
    "upsample": (draw_upsample, upsample), "pad": (draw_pad, pad), "slice": (draw_slice, cut),
    "transpose": (draw_transpose, transpose), "reduce": (draw_reduce, reduce),
    "multiply": (draw_multiply, multiply),
    "attention": (draw_attention, attention), "transformer": (draw_transformer, transformer),
    "positions": (draw_positions, positions),
    "class_token": (lambda d, shape: {} if len(shape) == 2 else None, class_token),
    "dropout": (lambda d, shape: {"p": 0}, lambda net, name, s, x: x),
    "flatten": (draw_nothing, lambda net, name, s, x: x.flatten(1)),
    "reshape": (draw_reshape, lambda net, name, s, x: x.reshape([len(x)] + s["shape"])),
    "add": (draw_join, add), "concat": (draw_concat, lambda net, name, s, x: torch.cat(x, s["axis"])),
    "relu": plain("relu"), "leaky_relu": alpha("leaky_relu", [0.01, 0.2, 1.0]),
    "elu": alpha("elu", [1.0, 0.5]), "gelu": plain("gelu"), "silu": plain("silu"),
    "sigmoid": plain("sigmoid"), "tanh": plain("tanh"), "relu6": plain("relu6"),
    "hardswish": plain("hardswish"), "hardsigmoid": plain("hardsigmoid"),
    "softmax": (draw_nothing, lambda net, name, s, x: torch.softmax(x, -1)),
    "sequence": (draw_group, lambda net, name, s, x: net.list(s["layers"], x, name + ".")),
    "repeat": (draw_repeat, repeat), "residual": (draw_residual, residual),
    "branches": (draw_branches, branches),
}
