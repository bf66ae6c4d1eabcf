"""Every kind of layer: settings drawn at random, and what PyTorch computes for them.

A row of KINDS is (draw, run).  draw(d, shape) gives settings that fit a sample of that shape, or None;
run(net, name, settings, x) computes.  What a draw never sets stands in DEFAULTS_ONLY, with the reason:
a setting of the library's table that is in neither fails the test by its name."""
import torch
import torch.nn.functional as F

ACTS = ["none", "relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh"]
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
        return {"none": lambda: x, "relu": lambda: F.relu(x),
                "leaky_relu": lambda: F.leaky_relu(x, 0.01 if alpha is None else alpha),
                "elu": lambda: F.elu(x, 1.0 if alpha is None else alpha), "gelu": lambda: F.gelu(x),
                "silu": lambda: F.silu(x), "sigmoid": lambda: torch.sigmoid(x),
                "tanh": lambda: torch.tanh(x)}[word]()

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


def pair(v):
    return list(v) if isinstance(v, list) else [v, v]


def padding_of(s, x, kernel, stride, dilation):
    p = s.get("padding", 0)
    if p == "same":
        pads = []
        for i in range(2):
            n = x.shape[2 + i]
            need = max(0, (n - 1) // stride[i] * stride[i] + dilation[i] * (kernel[i] - 1) + 1 - n)
            pads.append((need // 2, need - need // 2))
        return pads[0][0], pads[1][0], pads[0][1], pads[1][1]
    p = p if isinstance(p, list) else [p]
    return tuple((p * 4)[:4])


# ---- windows ----

def draw_window(d, shape, dilates=True):
    if len(shape) != 3:
        return None
    s = {"kernel": d.pick([d.whole(1, 3), [d.whole(1, 4), d.whole(1, 3)]])}
    s["stride"] = d.pick([1, 1, 2, [d.whole(1, 2), d.whole(1, 3)]])
    s["padding"] = d.pick([0, 1, "same", [1, 0], [0, 1, 1, 0]])
    if dilates:
        s["dilation"] = d.pick([1, 1, 2, [1, 2]])
    kernel, dilation = pair(s["kernel"]), pair(s.get("dilation", 1))
    if any(shape[1 + i] < dilation[i] * (kernel[i] - 1) + 1 for i in range(2)):
        return None
    if not dilates and s["padding"] != 0 and min(kernel) < 2:
        s["padding"] = 0
    return s


def draw_conv(d, shape):
    s = draw_window(d, shape)
    if s is None:
        return None
    groups = d.pick([g for g in (1, 1, 2, 3, shape[0]) if shape[0] % g == 0])
    return {**s, "out": groups * d.whole(1, 6 // groups + 1), "groups": groups,
            "bias": d.pick(["yes", "no"]), "activation": d.pick(ACTS)}


def conv(net, name, s, x):
    kernel, stride = pair(s["kernel"]), pair(s["stride"])
    dilation, groups = pair(s["dilation"]), s.get("groups", 1)
    out = s["out"] if "out" in s else x.shape[1] * s["multiplier"]
    groups = groups if "out" in s else x.shape[1]
    top, left, bottom, right = padding_of(s, x, kernel, stride, dilation)
    w = net.param(name + ".weight", [out, x.shape[1] // groups, *kernel])
    b = net.param(name + ".bias", [out], "bias") if s["bias"] == "yes" else None
    y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride, 0, dilation, groups)
    return net.act(s["activation"], y)


def draw_depthwise(d, shape):
    s = draw_window(d, shape)
    return s and {**s, "multiplier": d.whole(1, 2), "bias": d.pick(["yes", "no"]),
                  "activation": d.pick(ACTS)}


def draw_pool(d, shape):
    s = draw_window(d, shape, dilates=False)
    if s and d.chance(0.5):
        del s["stride"]
    return s


def maxpool(net, name, s, x):
    kernel = pair(s["kernel"])
    stride = pair(s.get("stride", kernel))
    return net.maximum(x, kernel, stride, padding_of(s, x, kernel, stride, [1, 1]))


def draw_avgpool(d, shape):
    s = draw_pool(d, shape)
    return s and {**s, "count_pad": d.pick(["yes", "no"])}


def avgpool(net, name, s, x):
    kernel = pair(s["kernel"])
    stride = pair(s.get("stride", kernel))
    top, left, bottom, right = padding_of(s, x, kernel, stride, [1, 1])
    padded = lambda v: F.avg_pool2d(F.pad(v, (left, right, top, bottom)), kernel, stride)
    return padded(x) if s["count_pad"] == "yes" else padded(x) / padded(torch.ones_like(x))


def draw_globalpool(d, shape):
    return {"pool": d.pick(["avg", "max"]), "keepdims": d.pick(["yes", "no"])} if len(shape) > 1 else None


def globalpool(net, name, s, x):
    if x.dim() == 3:
        y = globalpool(net, name, s, x[:, :, None])
        return y[:, :, 0] if s["keepdims"] == "yes" else y
    if s["pool"] == "max":
        y = net.maximum(x, list(x.shape[2:]), [1, 1], (0, 0, 0, 0))
    else:
        y = x.mean((2, 3), keepdim=True)
    return y if s["keepdims"] == "yes" else y.flatten(1)


# ---- rows of numbers ----

def draw_row(d, shape, dilates=True):
    if len(shape) != 2:
        return None
    s = {"kernel": d.whole(1, 4), "stride": d.whole(1, 3), "padding": d.pick([0, 1, "same", [1, 0], [0, 2]])}
    if dilates:
        s["dilation"] = d.pick([1, 1, 2])
    if shape[1] < s.get("dilation", 1) * (s["kernel"] - 1) + 1:
        return None
    if not dilates and s["padding"] != 0 and s["kernel"] < 3:
        s["padding"] = 0
    return s


def draw_conv1d(d, shape):
    s = draw_row(d, shape)
    if s is None:
        return None
    groups = d.pick([g for g in (1, 1, 2, 3, shape[0]) if shape[0] % g == 0])
    return {**s, "out": groups * d.whole(1, 6 // groups + 1), "groups": groups,
            "bias": d.pick(["yes", "no"]), "activation": d.pick(ACTS)}


def row_padding(s, x):
    kernel, stride, p = s["kernel"], s.get("stride", s["kernel"]), s["padding"]
    if p == "same":
        n = x.shape[2]
        need = max(0, (n - 1) // stride * stride + s.get("dilation", 1) * (kernel - 1) + 1 - n)
        return need // 2, need - need // 2
    return tuple(p) if isinstance(p, list) else (p, p)


def conv1d(net, name, s, x):
    w = net.param(name + ".weight", [s["out"], x.shape[1] // s["groups"], s["kernel"]])
    b = net.param(name + ".bias", [s["out"]], "bias") if s["bias"] == "yes" else None
    y = F.conv1d(F.pad(x, row_padding(s, x)), w, b, s["stride"], 0, s["dilation"], s["groups"])
    return net.act(s["activation"], y)


def draw_pool1d(d, shape):
    s = draw_row(d, shape, dilates=False)
    if s and d.chance(0.5):
        del s["stride"]
    return s


def draw_avgpool1d(d, shape):
    s = draw_pool1d(d, shape)
    return s and {**s, "count_pad": d.pick(["yes", "no"])}


def pool1d(of):
    """As images of one row."""
    def run(net, name, s, x):
        left, right = row_padding(s, x)
        image = {**s, "kernel": [1, s["kernel"]], "padding": [0, left, 0, right],
                 "stride": [1, s.get("stride", s["kernel"])]}
        return of(net, name, image, x[:, :, None])[:, :, 0]
    return run


# ---- larger images ----

def draw_transposed(d, shape):
    s = draw_window(d, shape)
    if s is None or s["padding"] == "same":
        return None
    kernel, stride, dilation = (pair(s[k]) for k in ("kernel", "stride", "dilation"))
    p = padding_of(s, None, kernel, stride, dilation)
    more = [d.whole(0, max(stride[i], dilation[i]) - 1) for i in range(2)]
    sides = [(shape[1 + i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1 + more[i] - p[i] - p[2 + i]
             for i in range(2)]
    if min(sides) < 1 or max(sides) > 14:
        return None
    groups = d.pick([g for g in (1, 1, 2, 3, shape[0]) if shape[0] % g == 0])
    return {**s, "out": groups * d.whole(1, 6 // groups + 1), "groups": groups, "output_padding": more,
            "bias": d.pick(["yes", "no"]), "activation": d.pick(ACTS)}


def transposed(net, name, s, x):
    """PyTorch's, unpadded; the frame is cut off, and what output_padding adds is the bias."""
    kernel, stride, dilation = (pair(s[k]) for k in ("kernel", "stride", "dilation"))
    top, left, bottom, right = padding_of(s, x, kernel, stride, dilation)
    w = net.param(name + ".weight", [x.shape[1], s["out"] // s["groups"], *kernel])
    y = F.conv_transpose2d(x, w, None, stride, 0, 0, s["groups"], dilation)
    y = F.pad(y, (0, s["output_padding"][1], 0, s["output_padding"][0]))
    y = y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]
    if s["bias"] == "yes":
        y = y + net.param(name + ".bias", [s["out"]], "bias")[:, None, None]
    return net.act(s["activation"], y)


def draw_upsample(d, shape):
    if len(shape) != 3 or max(shape[1:]) > 7:
        return None
    s = {"mode": d.pick(["nearest", "bilinear"])}
    if d.chance(0.5):
        return {**s, "scale": d.pick([2, [1, 2], [3, 1]])}
    return {**s, "size": [d.whole(1, 9), d.whole(1, 9)]}


def upsample(net, name, s, x):
    size = s.get("size") or [n * k for n, k in zip(x.shape[2:], pair(s.get("scale")))]
    how = {"align_corners": False} if s["mode"] == "bilinear" else {}
    return F.interpolate(x, size, mode=s["mode"], **how)


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


# ---- sequences ----

def draw_recurrent(d, shape, acts=None):
    if len(shape) != 2:
        return None
    s = {"hidden": d.whole(1, 5), "num_layers": d.whole(1, 2), "bidirectional": d.pick(["yes", "no"]),
         "output": d.pick(["all", "last"]), "bias": d.pick(["yes", "no"]), "dropout": 0}
    return {**s, "activation": d.pick(acts)} if acts else s


def recurrent(gates, run):
    def op(net, name, s, x):
        both, h, state, weights = s["bidirectional"] == "yes", s["hidden"], x.shape[-1], []
        for layer in range(s["num_layers"]):
            for end in ["", "_reverse"][:1 + both]:
                p = lambda what, shape, role="weight": net.param(f"{name}.{what}_l{layer}{end}", shape, role)
                weights += [p("weight_ih", [gates * h, state]), p("weight_hh", [gates * h, h])]
                if s["bias"] == "yes":
                    weights += [p("bias_ih", [gates * h], "bias"), p("bias_hh", [gates * h], "bias")]
            state = h * (1 + both)
        y, last = run(s, x, weights, x.new_zeros(s["num_layers"] * (1 + both), len(x), h))
        if s.get("activation") == "relu":
            net.near(y[y != 0])
        return y if s["output"] == "all" else torch.cat(list(last[-1 - both:]), 1)
    return op


def options(s):
    return s["bias"] == "yes", s["num_layers"], 0.0, True, s["bidirectional"] == "yes", True


def rnn(s, x, weights, zeros):
    return getattr(torch._VF, "rnn_" + s["activation"])(x, zeros, weights, *options(s))


def lstm(s, x, weights, zeros):
    return torch._VF.lstm(x, [zeros, zeros], weights, *options(s))[:2]


def gru(s, x, weights, zeros):
    return torch._VF.gru(x, zeros, weights, *options(s))


def draw_seqpool(d, shape):
    return {"pool": d.pick(["sum", "mean", "max", "last"])} if len(shape) == 2 else None


def seqpool(net, name, s, x):
    if s["pool"] == "max" and x.shape[1] > 1:
        first, second = x.topk(2, dim=1).values.unbind(1)
        net.near(first - second)
    return {"sum": lambda: x.sum(1), "mean": lambda: x.mean(1), "max": lambda: x.amax(1),
            "last": lambda: x[:, -1]}[s["pool"]]()


def draw_attention(d, shape):
    if len(shape) != 2:
        return None
    heads = d.pick([h for h in (1, 2, 3) if shape[1] % h == 0])
    s = {"heads": heads, "causal": d.pick(["yes", "no"]), "bias": d.pick(["yes", "no"])}
    return {**s, "rotary": d.pick(["yes", "no"]) if shape[1] // heads % 2 == 0 else "no"}


def rotated(x):
    """x[N,heads,T,D]: GPT-NeoX's halves."""
    t, half = x.shape[2], x.shape[3] // 2
    angle = torch.arange(t)[:, None].to(x) * 10000.0 ** (-torch.arange(half).to(x) / half)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin()], 3)


def linear(net, name, s, x, out):
    w = net.param(name + "weight", [out, x.shape[-1]])
    return F.linear(x, w, net.param(name + "bias", [out], "bias") if s["bias"] == "yes" else None)


def attention(net, name, s, x):
    e = x.shape[-1]
    q, k, v = (p.unflatten(2, (s["heads"], -1)).transpose(1, 2)
               for p in linear(net, name + ".in_proj_", s, x, 3 * e).chunk(3, 2))
    if s["rotary"] == "yes":
        q, k = rotated(q), rotated(k)
    scores = q @ k.transpose(2, 3) / q.shape[3]**0.5
    if s["causal"] == "yes":
        scores = scores.masked_fill(~torch.ones(scores.shape[-2:]).tril().bool(), -float("inf"))
    return linear(net, name + ".out_proj.", s, (scores.softmax(3) @ v).transpose(1, 2).flatten(2), e)


def draw_transformer(d, shape):
    s = draw_attention(d, shape)
    return s and shape[1] >= 3 and {**s, "hidden": d.whole(1, 6), "norm_first": d.pick(["yes", "no"]), "dropout": 0,
                                    "activation": d.pick(["relu", "gelu"]), "eps": d.pick([1e-5, 1e-2])} or None


def transformer(net, name, s, x):
    e = x.shape[-1]

    def norm(which, x):
        return F.layer_norm(x, [e], net.param(f"{name}.{which}.weight", [e], "norm"),
                            net.param(f"{name}.{which}.bias", [e], "norm"), s["eps"])

    def dense(x):
        return linear(net, name + ".linear2.", s, net.act(s["activation"], linear(
            net, name + ".linear1.", s, x, s["hidden"])), e)

    for which, part in (("norm1", lambda x: attention(net, name + ".self_attn", s, x)), ("norm2", dense)):
        x = x + part(norm(which, x)) if s["norm_first"] == "yes" else norm(which, x + part(x))
    return x


def draw_positions(d, shape):
    if len(shape) != 2:
        return None
    return {"kind": "learned" if shape[1] % 2 else d.pick(["learned", "sinusoidal"]), "max": shape[0] + d.whole(0, 2)}


def positions(net, name, s, x):
    t, e = x.shape[1:]
    if s["kind"] == "learned":
        return x + net.param(name + ".weight", [s["max"], e])[:t]
    angle = torch.arange(t)[:, None].to(x) * 10000.0 ** (-torch.arange(0, e, 2).to(x) / e)
    return x + torch.stack([angle.sin(), angle.cos()], 2).flatten(1)


def class_token(net, name, s, x):
    return torch.cat([net.param(name + ".weight", [1, x.shape[2]]).expand(len(x), 1, -1), x], 1)


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
    "sigmoid": plain("sigmoid"), "tanh": plain("tanh"),
    "softmax": (draw_nothing, lambda net, name, s, x: torch.softmax(x, -1)),
    "sequence": (draw_group, lambda net, name, s, x: net.list(s["layers"], x, name + ".")),
    "repeat": (draw_repeat, repeat), "residual": (draw_residual, residual),
    "branches": (draw_branches, branches),
}
