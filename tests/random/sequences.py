"""Layers of layers.py that read lists of lists: recurrences, attention, and what goes with them."""
import torch
import torch.nn.functional as F


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
