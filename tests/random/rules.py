"""PyTorch's side of a training: losses, update rules, schedules, and steps in double precision."""
import math
import re

import torch
import torch.nn.functional as F

from layers import Net

# What a run of the library is told, and PyTorch knows nothing of.
SETTINGS = {
    "model": {"input", "inputs", "loss", "label_smoothing", "huber_delta", "focal_gamma", "focal_alpha", "hinge_margin",
              "ctc_blank", "ctc_zero_infinity", "init", "layers", "outputs"},
    "train.optimizer": {"kind", "lr", "momentum", "nesterov", "weight_decay", "decay_norms", "beta1",
                        "beta2", "eps", "alpha", "trust", "clip_norm", "groups"},
    "train.schedule": {"kind", "milestones", "step_size", "gamma", "min_lr", "restarts",
                       "restart_scale", "warmup_epochs", "warmup_from", "scale_batch"},
}

# ---- losses: one number for each sample ----

def focal(m, y, t):
    ce = F.cross_entropy(y, t.long(), reduction="none")
    return (1 - torch.exp(-ce)) ** m.get("focal_gamma", 2) * ce


def sigmoid_focal(m, y, t):
    p, alpha = torch.sigmoid(y), m.get("focal_alpha", 0.25)
    loss = F.binary_cross_entropy_with_logits(y, t, reduction="none") * \
        (1 - (p * t + (1 - p) * (1 - t))) ** m.get("focal_gamma", 2)
    return (loss * (alpha * t + (1 - alpha) * (1 - t)) if alpha >= 0 else loss).mean(1)


def ctc(m, y, t):
    n, places, _ = y.shape
    counts = torch.full((n,), t.shape[1])
    return F.ctc_loss(y.log_softmax(2).transpose(0, 1), t.long(), torch.full((n,), places), counts,
                      m["ctc_blank"], "none") / counts


LOSSES = {
    "ctc": ctc,
    "focal": focal, "sigmoid_focal": sigmoid_focal,
    "hinge": lambda m, y, t: F.multi_margin_loss(y, t.long(), margin=m.get("hinge_margin", 1), reduction="none"),
    "kl": lambda m, y, t: F.kl_div(F.log_softmax(y, -1), t, reduction="none").sum(1),
    "cross_entropy": lambda m, y, t: F.cross_entropy(y, t.long(), reduction="none",
                                                     label_smoothing=m.get("label_smoothing", 0)),
    "bce": lambda m, y, t: F.binary_cross_entropy_with_logits(y, t, reduction="none").mean(1),
    "mse": lambda m, y, t: F.mse_loss(y, t, reduction="none").mean(1),
    "mae": lambda m, y, t: F.l1_loss(y, t, reduction="none").mean(1),
    "huber": lambda m, y, t: F.huber_loss(y, t, reduction="none", delta=m.get("huber_delta", 1)).mean(1),
}


# ---- update rules ----

class Layerwise(torch.optim.Optimizer):
    """LARS (You, Gitman and Ginsburg 2017) and LAMB (You et al. 2020): PyTorch has neither."""
    def __init__(self, groups, o):
        super().__init__(groups, dict(lr=o["lr"], weight_decay=0.0))
        self.o = o

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                self.update(p, self.state[p], group)

    def update(self, p, state, group):
        o, decay = self.o, group["weight_decay"]
        if o["kind"] == "lars":
            below = p.grad.norm() + decay * p.norm()
            ratio = o.get("trust", 0.001) * p.norm() / below if group["scaled"] and p.norm() > 0 and below > 0 else 1
            v = state.get("v", torch.zeros_like(p)) * o.get("momentum", 0) + ratio * (p.grad + decay * p)
            state["v"] = v
            p -= group["lr"] * v
            return
        b1, b2 = o["beta1"], o["beta2"]
        t = state["t"] = state.get("t", 0) + 1
        m = state["m"] = b1 * state.get("m", torch.zeros_like(p)) + (1 - b1) * p.grad
        v = state["v"] = b2 * state.get("v", torch.zeros_like(p)) + (1 - b2) * p.grad ** 2
        r = m / (1 - b1 ** t) / ((v / (1 - b2 ** t)).sqrt() + o.get("eps", 1e-6)) + decay * p
        ratio = p.norm() / r.norm() if group["scaled"] and p.norm() > 0 and r.norm() > 0 else 1
        p -= group["lr"] * ratio * r


def betas(o):
    return (o["beta1"], o["beta2"])


OPTIMIZERS = {
    "sgd": lambda g, o: torch.optim.SGD(g, o["lr"], o.get("momentum", 0), nesterov=bool(
        o.get("nesterov") == "yes" and o.get("momentum", 0))),
    "adam": lambda g, o: torch.optim.Adam(g, o["lr"], betas(o), o.get("eps", 1e-8)),
    "adamw": lambda g, o: torch.optim.AdamW(g, o["lr"], betas(o), o.get("eps", 1e-8)),
    "adagrad": lambda g, o: torch.optim.Adagrad(g, o["lr"], eps=o.get("eps", 1e-10)),
    "rmsprop": lambda g, o: torch.optim.RMSprop(g, o["lr"], o["alpha"], o.get("eps", 1e-8),
                                                momentum=o.get("momentum", 0)),
    "lars": Layerwise, "lamb": Layerwise,
}


def fits(pattern, name):
    """All of the name, or all of it up to a dot."""
    parts = name.split(".")
    return any(re.fullmatch(pattern, ".".join(parts[:i])) for i in range(1, len(parts) + 1))


def groups_of(params, roles, o):
    """In each group those that decay (and are scaled), and those that do not."""
    made = {}
    for name, p in params.items():
        group = next((g for g in o.get("groups", []) if fits(g["match"], name)), {})
        decays = roles[name] == "weight" or o.get("decay_norms", "yes") == "yes"
        decay = group.get("weight_decay", o.get("weight_decay", 0.0)) if decays else 0.0
        base = group.get("lr", o["lr"])
        made.setdefault((base, decay, decays), []).append(p)
    return [dict(params=some, base=base, weight_decay=decay, scaled=decays)
            for (base, decay, decays), some in made.items()]


# ---- schedules: the factor on the rate at a step ----

def wave(s, lr, epoch, epochs):
    starts = [s.get("warmup_epochs", 0)] + [r for r in s.get("restarts", []) if r <= epoch]
    ends = [r for r in s.get("restarts", []) if r > epoch] + [epochs]
    lr *= s.get("restart_scale", 1) ** (len(starts) - 1)
    at = (epoch - max(starts)) / (min(ends) - max(starts)) if min(ends) > max(starts) else 0
    low = s.get("min_lr", 0)
    return low + (lr - low) * (1 + math.cos(math.pi * min(max(at, 0), 1))) / 2 if at > 0 else lr


SCHEDULES = {
    "constant": lambda s, lr, epoch, epochs: lr,
    "step": lambda s, lr, epoch, epochs: lr * s["gamma"] ** (
        sum(epoch >= m for m in s.get("milestones", [])) +
        (math.floor(epoch / s["step_size"]) if "step_size" in s else 0)),
    "exponential": lambda s, lr, epoch, epochs: lr * s["gamma"] ** math.floor(epoch),
    "cosine": wave,
}


def rate(s, lr, step, per_epoch, epochs, batch):
    if s.get("scale_batch"):
        lr = lr * batch / s["scale_batch"]
    lr = SCHEDULES[s["kind"]](s, lr, step / per_epoch, epochs)
    warm, begin = s.get("warmup_epochs", 0) * per_epoch, s.get("warmup_from", 0)
    done = step if begin > 0 else step + 1
    return lr * (begin + (1 - begin) * done / warm) if done < warm else lr


# ---- training ----

def loss_of(net, model, kind, y, target):
    if kind == "mae":
        net.near(y - target)
    if kind == "hinge":                         # where a score comes into the label's margin
        right = target.long()[:, None]
        others = torch.ones_like(y, dtype=torch.bool).scatter(1, right, False)
        net.near((model.get("hinge_margin", 1) - y.gather(1, right) + y)[others])
    return LOSSES[kind](model, y, target)


def ends(net, model, y):
    """(weight, loss, scores) of all outputs."""
    outputs = model.get("outputs", {}).values()
    found = [] if any("from" not in o for o in outputs) else [(1, model["loss"], y)]
    return found + [(o.get("weight", 1), o.get("loss", model["loss"]),
                     net.known[o["from"]] if "from" in o else y) for o in outputs]


def averaged(decay, average, trained):
    """swa_utils.AveragedModel with get_ema_multi_avg_fn(decay), after a step."""
    if not decay:
        return {}
    return {n: p.detach().lerp(average[n], decay) if average else p.detach().clone() for n, p in trained.items()}


def train(draw, columns, start, dtype, kink=0.0):
    """[(rate, mean loss of the epoch so far)], and all tensors afterwards."""
    spec, t = draw.spec, draw.spec["train"]
    params = {n: torch.tensor(v, dtype=dtype, requires_grad=trained) for n, (v, trained) in start.items()}
    net = Net(params, kink)
    net.loss = spec["model"]["loss"]
    data = {n: torch.tensor(v, dtype=None if v.dtype.kind == "i" else dtype) for n, v in columns.items()}
    weight = data.get("weight", torch.ones(draw.count, dtype=dtype))
    per_epoch = -(-draw.count // draw.batch)
    optimizer, told, average = None, [], {}
    for step in range(t["epochs"] * per_epoch):
        first = step % per_epoch * draw.batch
        cut = slice(first, min(first + draw.batch, draw.count))
        sums = [0.0, 0.0] if first == 0 else sums
        net.known.update({n: data[n][cut] for n in draw.inputs})
        y = net.list(spec["model"]["layers"], data["x"][cut])
        each = sum(w * loss_of(net, spec["model"], kind, z, data["label"][cut])
                   for w, kind, z in ends(net, spec["model"], y))
        total = weight[cut].sum()
        loss = (each * weight[cut]).sum() / total if total > 0 else (each * weight[cut]).sum()
        if optimizer is None:
            trained = {n: p for n, p in params.items() if p.requires_grad}
            optimizer = OPTIMIZERS[t["optimizer"]["kind"]](groups_of(trained, net.roles, t["optimizer"]),
                                                           t["optimizer"])
        optimizer.zero_grad()
        loss.backward()
        for p in trained.values():
            p.grad = torch.zeros_like(p) if p.grad is None else p.grad
        if t["optimizer"].get("clip_norm"):
            torch.nn.utils.clip_grad_norm_(list(trained.values()), t["optimizer"]["clip_norm"])
        lr = rate(t["schedule"], t["optimizer"]["lr"], step, per_epoch, t["epochs"], draw.batch)
        for group in optimizer.param_groups:
            group["lr"] = rate(t["schedule"], group["base"], step, per_epoch, t["epochs"], draw.batch)
        optimizer.step()
        average = averaged(t.get("ema", 0), average, trained)
        sums[0] += float((each * weight[cut]).sum())
        sums[1] += float(total)
        told.append((lr, sums[0] / sums[1] if sums[1] else float("nan")))
    return told, {n: p.detach().double().numpy() for n, p in {**params, **average}.items()}
