"""Layers of layers.py that look at windows of pictures, or of rows of numbers."""
import torch
import torch.nn.functional as F

ACTS = ["none", "relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "relu6", "hardswish",
        "hardsigmoid"]


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
