#!/usr/bin/env python3
"""Five steps of examples/wide-deep.yaml on a table follow PyTorch's: the same numbers of categories, the
same gradients, from the parameters after the first step on."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

try:
    import torch
except ImportError:
    print("skipped: Python has no torch (python3-torch)")
    sys.exit(77)
from torch import nn

ROOT, TUTTI = os.environ["TUTTI_SOURCE"], os.environ["TUTTI_BINARY"]
STEPS, BATCH, LR = 6, 64, 0.05


def tensors(path):
    with open(path, "rb") as f:
        size = struct.unpack("<Q", f.read(8))[0]
        head, body = json.loads(f.read(size)), f.read()
    return {name: torch.frombuffer(bytearray(body[t["data_offsets"][0]:t["data_offsets"][1]]),
                                   dtype=torch.float32).reshape(t["shape"])
            for name, t in head.items() if name != "__metadata__" and t["dtype"] == "F32"}


class Net(nn.Module):
    def __init__(self, rows):
        super().__init__()
        for i, n in enumerate(rows):
            setattr(self, f"deep{i + 1}", nn.Embedding(n, 8))
            setattr(self, f"wide{i + 1}", nn.Embedding(n, 2))
        self.fc1, self.fc2 = nn.Linear(8 * len(rows) + 10, 256), nn.Linear(256, 128)
        self.deep, self.numbers = nn.Linear(128, 2), nn.Linear(10, 2)
        self.n = len(rows)

    def forward(self, x, c):
        h = torch.cat([getattr(self, f"deep{i + 1}")(c[:, i]) for i in range(self.n)] + [x], 1)
        h = torch.relu(self.fc2(torch.relu(self.fc1(h))))
        return self.deep(h) + self.numbers(x) + sum(getattr(self, f"wide{i + 1}")(c[:, i])
                                                    for i in range(self.n))


def main():
    with tempfile.TemporaryDirectory() as dir_:
        os.chdir(dir_)
        table = subprocess.run([sys.executable, f"{ROOT}/examples/wide-deep-table.py",
                                str(STEPS * BATCH)], check=True, stdout=subprocess.PIPE, text=True).stdout
        with open("orders.csv", "w", encoding="utf-8") as f:
            f.write(table)
        sets = ["data.split.valid=0", "data.split.test=0", "data.split.stratify=no", "data.shuffle=no",
                "data.normalise=none", f"train.batch={BATCH}", "train.epochs=1", "train.threads=1",
                "train.tune_kernels=off", f"train.optimizer={{kind: sgd, lr: {LR}}}",
                "train.schedule.kind=constant", "train.checkpoint={every_steps: 1, keep: 9}"]
        subprocess.run([TUTTI, "train", f"{ROOT}/examples/wide-deep.yaml", "--run", "run", "-q"] +
                       [w for s in sets for w in ("--set", s)], check=True, stdout=subprocess.DEVNULL)
        rows = [line.split(",") for line in table.splitlines()[1:]]
        words = [sorted({r[1 + i] for r in rows}) for i in range(20)]
        c = torch.tensor([[1 + words[i].index(r[1 + i]) for i in range(20)] for r in rows])
        x = torch.tensor([[float(v) for v in r[21:31]] for r in rows])
        y = torch.tensor([sorted({r[31] for r in rows}).index(r[31]) for r in rows])
        with open(f"{ROOT}/examples/wide-deep.yaml", encoding="utf-8") as f:
            net = Net([int(n) for n in re.findall(r"name: deep\d+, from: c\d+, rows: (\d+)", f.read())])
        at = [tensors(f"run/checkpoints/step-{k + 1:08d}.safetensors") for k in range(STEPS)]
        missing = [n for n in net.state_dict() if n not in at[0]]
        assert not missing, f"the checkpoint has no {missing}"
        net.load_state_dict({n: at[0][n] for n in net.state_dict()})
        optimizer = torch.optim.SGD(net.parameters(), lr=LR)
        for k in range(1, STEPS):
            part = slice(k * BATCH, (k + 1) * BATCH)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[part], c[part]), y[part]).backward()
            optimizer.step()
            for name, is_ in net.state_dict().items():
                far = (is_ - at[k][name]).abs().max().item()
                assert far <= 2e-5, f"step {k + 1}: {name} is {far:.2g} away from PyTorch's"
                assert not torch.equal(at[k][name], at[0][name]), f"step {k + 1}: {name} stays"
        print(f"{STEPS - 1} steps, {len(net.state_dict())} tensors")


main()
