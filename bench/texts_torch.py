#!/usr/bin/env python3
"""A GRU that tells from a Debian package's one-line description which section it is in, beside PyTorch's:

    texts_torch.py FOLDER [BEGINNINGS]     writes train.csv, test.csv and packages.yaml (of `apt-cache dumpavail`),
                                           then trains PyTorch's net of the same sizes, tokens and settings

and tutti's, in FOLDER: for s in 1 2 3; do tutti train packages.yaml --set train.seed=$s; done"""
import collections
import csv
import random
import re
import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

SECTIONS = "admin games libdevel net python science sound text".split()
EACH, TRAIN, WORDS, LENGTH = 900, 6399, 4000, 20
SPEC = """name: packages
data: {train: "csv:train.csv?label=section&tokens=words&vocab_size=4000&max_length=20", valid: "csv:test.csv"}
model:
  inputs: {description: {shape: [-1], type: i32}}
  loss: cross_entropy
  init: torch
  layers:
    - embedding: {name: embed, rows: 4000, dim: 64}
    - dropout: {p: 0.3}
    - gru: {name: gru, hidden: 64, output: last}
    - dense: {name: head, out: 8}
train: {epochs: 6, batch: 32, threads: 1, optimizer: {kind: adam, lr: 0.002}}
"""


def packages():
    """[(section, description)], each description once, at most EACH of a section, in an order of its own."""
    found = {}
    said = subprocess.run(["apt-cache", "dumpavail"], capture_output=True, text=True, check=True).stdout
    for text in said.split("\n\n"):
        field = dict(line.split(": ", 1) for line in text.split("\n") if re.match(r"\S+: ", line))
        section = field.get("Section", "").split("/")[-1]
        if section in SECTIONS and field.get("Description"):
            found.setdefault(field["Description"], section)
    rows, taken = [(section, text) for text, section in found.items()], collections.Counter()
    random.Random(1).shuffle(rows)
    for row in rows:
        taken[row[0]] += 1
        if taken[row[0]] <= EACH:
            yield row


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.drop = nn.Embedding(WORDS, 64), nn.Dropout(0.3)
        self.gru, self.head = nn.GRU(64, 64, batch_first=True), nn.Linear(64, len(SECTIONS))

    def forward(self, x, lengths):
        x = nn.utils.rnn.pack_padded_sequence(self.drop(self.embed(x)), lengths, batch_first=True, enforce_sorted=False)
        return self.head(self.gru(x)[1][0])


def tokens(text):
    """As tutti's words: with the blank before them."""
    return re.findall(r" ?\w+| ?[^\w\s]", text)[:LENGTH]


def batch(rows):
    lengths = torch.tensor([len(row) for row, _ in rows])
    x = nn.utils.rnn.pad_sequence([torch.tensor(row) for row, _ in rows], batch_first=True)
    return x, lengths, torch.tensor([c for _, c in rows])


def train(rows, held, seed):
    torch.manual_seed(seed)
    order, net = random.Random(seed), Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.002)
    for _ in range(6):
        order.shuffle(rows)
        for i in range(0, len(rows), 32):
            x, lengths, target = batch(rows[i:i + 32])
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x, lengths), target).backward()
            optimizer.step()
    net.eval()
    x, lengths, target = batch(held)
    with torch.no_grad():
        return float((net(x, lengths).argmax(1) == target).float().mean()) * 100


def main():
    folder, beginnings = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rows = list(packages())
    for name, part in ("train.csv", rows[:TRAIN]), ("test.csv", rows[TRAIN:]):
        with open(folder / name, "w", encoding="utf-8") as f:
            csv.writer(f, lineterminator="\n").writerows([("section", "description"), *part])
    (folder / "packages.yaml").write_text(SPEC)
    count = collections.Counter(w for _, text in rows[:TRAIN] for w in tokens(text))
    number = {w: i + 2 for i, (w, _) in enumerate(count.most_common(WORDS - 2))}
    coded = [([number.get(w, 1) for w in tokens(text)] or [1], SECTIONS.index(s)) for s, text in rows]
    torch.set_num_threads(1)
    for seed in range(1, beginnings + 1):
        print(f"PyTorch, beginning {seed}: {train(coded[:TRAIN], coded[TRAIN:], seed):.1f} % right", flush=True)


if __name__ == "__main__":
    main()
