"""A random training: net, data, loss, optimizer, schedule, as a spec (JSON is YAML)."""
import random

import numpy as np
import torch

from layers import KINDS, SEQUENCES, Net

LOSSES = ["cross_entropy", "bce", "mse", "mae", "huber", "focal", "sigmoid_focal", "hinge", "kl", "ctc"]
OF_CLASSES = ["cross_entropy", "focal", "hinge"]
ALIKE = [OF_CLASSES, ["bce", "sigmoid_focal"], ["mse", "mae", "huber"]]      # they take the same target


class Draw:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.seed, self.names, self.known = seed, 0, []
        self.rows, self.first, self.norms, self.depth = 0, True, False, 0

    def pick(self, choices):
        return self.random.choice(choices)

    def whole(self, low, high):
        return self.random.randint(low, high)

    def real(self, low, high):
        return round(self.random.uniform(low, high), 6)

    def chance(self, p):
        return self.random.random() < p

    # ---- layers ----

    def name(self):
        self.names += 1
        return f"n{self.names}"

    def try_kind(self, kind, shape):
        """(item, shape out) or None."""
        before = self.names
        settings = KINDS[kind][0](self, shape)
        if settings is None:
            self.names = before
            return None
        item = {kind: {"name": self.name(), **settings}}
        out = self.shape_of([item], shape)
        if out is None or not 1 <= np.prod(out) <= 400:
            return None
        return item, out

    def shape_of(self, layers, shape):
        net = Net()
        net.loss = "mse"
        net.known = {n: torch.zeros([2] + s, dtype=torch.float64) for n, s in self.known}
        with torch.no_grad():
            y = net.list(layers, torch.zeros([2] + shape, dtype=torch.float64))
        return list(y.shape[1:])

    def feed(self, net):
        net.known.update({n: torch.zeros([2] + s, dtype=torch.float64) for n, s in self.inputs.items()})

    def list(self, shape, n):
        """Up to n layers on a shape, of any kind; (None, shape) if nothing fits."""
        made, inside = [], self.known
        if self.depth >= 2:
            return None, shape
        self.depth += 1
        self.known = []                         # names of elsewhere
        for _ in range(n):
            found = self.any(shape)
            if found:
                made.append(found[0])
                shape = found[1]
        self.known = inside
        self.depth -= 1
        return made or None, shape

    def any(self, shape):
        for _ in range(8):
            found = self.try_kind(self.pick(sorted(KINDS)), shape)
            if found:
                return found
        return None

    def way(self, shape, out):
        """Layers from one shape to another, where that is a matter of one kind."""
        if len(shape) == 3 and len(out) == 3:
            stride = [1, 1]
            for i in range(2):
                stride[i] = next((s for s in range(1, shape[1 + i] + 1)
                                  if (shape[1 + i] - 1) // s + 1 == out[1 + i]), 0)
            if not all(stride):
                return None
            return [{"conv2d": {"name": self.name(), "out": out[0], "kernel": 1, "stride": stride,
                                "padding": 0, "dilation": 1, "groups": 1, "bias": "no",
                                "activation": "none"}}]
        if len(shape) == len(out) and shape[:-1] == out[:-1]:
            return [{"dense": {"name": self.name(), "out": out[-1], "bias": "yes", "activation": "none"}}]
        return None

    def net(self, want):
        """Begins with the wanted kind, as soon as it fits; ends with a list of numbers."""
        shape = self.pick([[self.whole(1, 4), self.whole(3, 9), self.whole(3, 9)]] * 3 +
                          [[self.whole(2, 12)]] * 2)
        if want in SEQUENCES:
            shape = [self.whole(2, 5), self.whole(1, 5)]
        elif want in ("conv_transpose2d", "upsample"):
            shape = [self.whole(1, 4), self.whole(3, 5), self.whole(3, 5)]
        elif want and want.endswith("1d"):
            shape = [self.whole(1, 4), self.whole(4, 12)]
        elif want == "embedding" or self.chance(0.1):
            shape, self.rows = [self.whole(2, 5)], self.whole(3, 9)
        self.input, made = shape, []
        self.inputs = {"x": shape}
        if self.chance(0.3):                    # a table beside it, perhaps images as well
            self.inputs["side"] = self.pick([[self.whole(1, 6)], [self.whole(1, 3), 4, 4]])
            self.known = list(self.inputs.items())
        for i in range(self.whole(2, 6)):
            found = self.try_kind("embedding", shape) if self.rows and i == 0 else \
                self.try_kind(want, shape) if want else None
            want = None if found and (i or not self.rows or want == "embedding") else want
            found = found or self.elsewhere(made) or self.any(shape)
            self.first = False
            if found:
                made.append(found[0])
                shape = found[1]
                (settings,) = found[0].values()
                self.known.append((settings["name"], shape))
                if self.chance(0.25):
                    shape = self.again(made, found[0], shape)
        shape = self.gather(made, shape)
        self.outputs = self.whole(2, 6) if self.loss != "ctc" else self.pick([4, 6, 8, 9, 12])
        if self.chance(0.15) or want == "mix":
            ends = [self.way(shape, [self.outputs]) for _ in range(self.whole(2, 3))]
            made.append({"branches": {"name": self.name(), "paths": ends, "join": "mix"}})
        else:
            made += self.way(shape, [self.outputs])
        return made

    def aside(self, layers):
        """A second answer, from a layer on the way; the last layer goes on where it did."""
        (before,), (last,) = layers[-2].values(), layers[-1].values()
        source, shape = self.pick(self.known)
        self.known.append((self.name(), [int(np.prod(shape))]))
        flat, head = {"name": self.known[-1][0], "from": source}, self.way(self.known[-1][1], [self.outputs])
        last.setdefault("from", before["name"])
        layers[-1:] = [{"flatten": flat}, *head, layers[-1]]
        return list(head[-1].values())[0]["name"]

    def several(self, model):
        """model.outputs: one or two beside the last layer, perhaps with another loss."""
        outputs = {}
        for i in range(self.whole(1, 2)):
            outputs[f"aux{i}"] = o = {"from": self.aside(model["layers"]), "weight": self.pick([0, 0.3, 1, 2])}
            if self.chance(0.5):
                o["loss"] = self.pick(next((a for a in ALIKE if model["loss"] in a), [model["loss"]]))
        if self.chance(0.3):
            outputs["whole"] = {"weight": self.real(0.1, 2)}
        model["outputs"] = outputs

    def elsewhere(self, made):
        """A layer that reads any earlier one, or another input; what nobody reads is gathered at the end."""
        if not made or not self.known or not self.chance(0.3):
            return None
        source, shape = self.pick(self.known)
        found = self.any(shape)
        if found:
            (settings,) = found[0].values()
            settings.setdefault("from", source)
        return found

    def unread(self, made):
        read, before = set(), "x"
        for item in made:
            (settings,) = item.values()
            source = settings.get("from", before)
            read.update(source if isinstance(source, list) else [source])
            before = settings["name"]
        return [(n, s) for n, s in self.known if n not in read]

    def gather(self, made, shape):
        """The end is a list of numbers: that of all ends."""
        ends = self.unread(made)
        if len(ends) < 2:
            if len(shape) != 1:
                made.append({"flatten": {"name": self.name()}})
            return [int(np.prod(shape))]
        flat = [self.name() for _ in ends]
        made += [{"flatten": {"name": f, "from": n}} for f, (n, _) in zip(flat, ends)]
        made.append({"concat": {"name": self.name(), "from": flat, "axis": 1}})
        return [sum(int(np.prod(s)) for _, s in ends)]

    def again(self, made, item, shape):
        """The same layer once more, where it fits, with the same parameters."""
        (kind, settings), = item.items()
        self.names += 1
        copy = {kind: {**settings, "name": f"n{self.names}", "share": settings["name"]}}
        if kind == "embedding":                 # the table once more, as weights of scores
            copy = {"dense": {"name": f"n{self.names}", "out": settings["rows"], "bias": self.pick(["yes", "no"]),
                              "activation": "none", "share": settings["name"]}}
        net = Net()
        net.loss = "mse"
        try:
            with torch.no_grad():
                self.feed(net)
                net.list(made, torch.zeros([2] + self.input, dtype=torch.float64))
                net.list([copy], torch.zeros([2] + shape, dtype=torch.float64))
        except (RuntimeError, AssertionError, IndexError):
            return shape
        mine = {n for n, role in net.roles.items() if n.startswith(settings["name"] + ".") and role != "buffer"}
        out = list(net.known[f"n{self.names}"].shape[1:])
        if "from" in settings or not mine or not 1 <= np.prod(out) <= 400:
            return shape
        made.append(copy)
        self.known.append((f"n{self.names}", out))
        return out

    # ---- the rest ----

    def optimizer(self, kind):
        o = {"kind": kind, "lr": self.real(0.002, 0.05)}
        if self.chance(0.5):
            o["weight_decay"] = self.real(0.001, 0.1)
            o["decay_norms"] = self.pick(["yes", "no"])
        if kind in ("sgd", "rmsprop", "lars") and self.chance(0.6):
            o["momentum"] = self.real(0.1, 0.95)
            if kind == "sgd":
                o["nesterov"] = self.pick(["yes", "no"])
        if kind in ("adam", "adamw", "lamb"):
            o["beta1"], o["beta2"] = self.real(0.3, 0.95), self.real(0.5, 0.999)
        if kind == "rmsprop":
            o["alpha"] = self.real(0.5, 0.99)
        if kind == "lars":
            o["trust"], o["lr"] = self.real(0.01, 0.1), self.real(0.1, 1)
        if kind not in ("sgd", "lars") and (self.chance(0.8) or self.even):
            o["eps"] = self.pick([1e-3, 1e-2, 0.1])
        if self.chance(0.3):
            o["clip_norm"] = self.pick([0.05, 0.5, 100])
        return o

    def schedule(self, kind, epochs):
        s = {"kind": kind}
        if kind == "step":
            s["gamma"] = self.real(0.2, 0.9)
            s[self.pick(["milestones", "step_size"])] = 1
            if "milestones" in s:
                s["milestones"] = [1]
        if kind == "exponential":
            s["gamma"] = self.real(0.3, 0.99)
        if kind == "cosine":
            s["min_lr"] = self.pick([0, 0.001])
            if epochs > 1 and self.chance(0.5):
                s["restarts"], s["restart_scale"] = [1], self.real(0.3, 1)
        if self.chance(0.4):
            s["warmup_epochs"] = self.pick([0.5, 1])
            s["warmup_from"] = self.pick([0, 0.1])
        if self.chance(0.2):
            s["scale_batch"] = self.whole(2, 9)
        return s

    def training(self, want):
        """want: a layer kind, loss, optimizer and schedule that shall be there."""
        self.even = want["loss"] in ("hinge", "mae")    # slopes that cancel, but for rounding
        self.batch = self.whole(4, 9)
        self.smallest = self.whole(2, self.batch)
        self.count = self.batch + self.smallest
        epochs = self.whole(1, 2)
        self.loss = want["loss"]
        layers = self.net(want["layer"])
        model = {"loss": want["loss"], "layers": layers}
        model.update({"inputs": self.inputs} if len(self.inputs) > 1 else {"input": self.input})
        if want["loss"] == "cross_entropy" and self.chance(0.5):
            model["label_smoothing"] = self.real(0.01, 0.5)
        if "focal" in want["loss"]:
            model["focal_gamma"] = self.pick([0, 1, self.real(0.5, 3)])
        if want["loss"] == "sigmoid_focal":
            model["focal_alpha"] = self.pick([-1, self.real(0.1, 0.9)])
        if want["loss"] == "hinge":
            model["hinge_margin"] = self.real(0.1, 2)
        if want["loss"] == "huber":
            model["huber_delta"] = self.real(0.1, 2)
        if len(layers) > 1 and self.known and want["loss"] != "ctc" and self.chance(0.3):
            self.several(model)
        self.spec = {
            "name": "random", "data": {"shuffle": "no", "threads": 1, "prefetch": 0}, "model": model,
            "train": {"epochs": epochs, "batch": self.batch, "threads": 1, "tune_kernels": "no",
                      "seed": self.seed % 100000, "optimizer": self.optimizer(want["optimizer"]),
                      "schedule": self.schedule(want["schedule"], epochs)}}
        if self.seed % 4 == 1:
            self.spec["train"]["ema"] = [0.2, 0.7, 0.95][self.seed // 4 % 3]
        self.choose(layers)
        if want["loss"] == "ctc":
            self.spell(model)
        if not self.norms and self.chance(0.3):
            self.spec["train"]["micro_batch"] = self.whole(1, self.batch)
        return self

    def spell(self, model):
        """Scores become those of places, along which one or two labels are spelt."""
        divisors = [k for k in range(2, self.outputs) if self.outputs % k == 0]
        classes = self.pick(divisors) if divisors else self.outputs
        self.spelt = (self.outputs // classes, classes)
        model["ctc_blank"] = self.whole(0, classes - 1)
        model["layers"].append({"reshape": {"name": "spelt", "shape": list(self.spelt)}})

    def choose(self, layers):
        """Layers that rest, and some that learn at a rate of their own."""
        net, (last,) = Net(), layers[-1].values()
        net.loss, train = "mse", self.spec["train"]
        with torch.no_grad():
            self.feed(net)
            net.list(layers, torch.zeros([2] + self.input, dtype=torch.float64))
        inside = sorted({n.rsplit(".", 1)[0] for n, role in net.roles.items() if role != "buffer"})
        inside = [n for n in inside if not any(n.startswith(m + ".") for m in inside)]     # which has it in it
        rests = [n for n in inside if n.split(".")[0] != last["name"] and self.chance(0.5)]
        if rests and self.chance(0.3):
            train["freeze"] = [n.replace(".", "[.]") for n in rests]
        learns = [n for n in inside if "freeze" not in train or n not in rests]
        if self.chance(0.3):
            some = self.pick(learns)
            group = {"match": some.replace(".", "[.]"), "lr": self.real(0.002, 0.05)}
            if self.chance(0.5):
                group["weight_decay"] = self.real(0, 0.1)
            train["optimizer"]["groups"] = [group]

    def data(self):
        """Columns as the sources have them: x, label and, in a third, weights."""
        r = np.random.default_rng(self.seed)
        n = self.count
        if self.rows:
            x = r.integers(0, self.rows, [n] + self.input).astype("f4")
        else:
            x = r.normal(size=[n] + self.input).astype("f4")
        loss = self.spec["model"]["loss"]
        if loss in OF_CLASSES:
            y = r.integers(0, self.outputs, n).astype("i4")
        elif loss == "ctc":         # no two alike side by side: all can be spelt
            places, classes = self.spelt
            y = r.integers(1, max(2, classes - 1), [n, 2 if places > 1 and classes > 2 else 1]).cumsum(1) % (classes - 1)
            y = (y + (y >= self.spec["model"]["ctc_blank"])).astype("i4")
        elif loss in ["bce", "sigmoid_focal"]:
            y = r.uniform(size=[n, self.outputs]).astype("f4")
        elif loss == "kl":
            y = r.dirichlet(np.ones(self.outputs), n).astype("f4")
        else:
            y = r.normal(size=[n, self.outputs]).astype("f4")
        columns = {"x": x, "label": y}
        if "side" in self.inputs:
            columns["side"] = r.normal(size=[n] + self.inputs["side"]).astype("f4")
        if self.chance(0.33):
            columns["weight"] = (r.uniform(0, 3, n) * (r.uniform(size=n) < 0.8)).astype("f4")
        return columns
