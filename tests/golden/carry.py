#!/usr/bin/env python3
"""Writes carry.txt: two epochs of three steps of a character LSTM in PyTorch, by truncated back-propagation through
time with the state carried from chunk to chunk (as in its examples' word_language_model); the loss
of each step, the parameters after it, and the loss over the whole text at the end.
tests/train/test_carry.c does the same here: text and first numbers are made by the same formulas."""
import sys

import torch
from torch import nn

STREAMS, CHUNK, CHUNKS, TOKENS, HIDDEN, LR = 2, 5, 3, 5, 4, 0.5

torch.set_default_dtype(torch.float64)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(TOKENS, 3)
        self.lstm = nn.LSTM(3, HIDDEN, num_layers=2, batch_first=True)
        self.head = nn.Linear(HIDDEN, TOKENS)

    def forward(self, x, state):
        y, state = self.lstm(self.embed(x), state)
        return self.head(y), state


def main():
    n = STREAMS * CHUNK * CHUNKS
    text, noise = torch.zeros(n + 1, dtype=torch.long), 1
    for i in range(n + 1):
        noise = (noise * 1664525 + 1013904223) % 2 ** 32
        text[i] = (noise >> 16) % 4
    x, y = text[:-1].view(STREAMS, -1), text[1:].view(STREAMS, -1)
    net = Net()
    flat, at = [], 0
    with torch.no_grad():
        for p in net.parameters():
            k = torch.arange(at, at + p.numel())
            p.copy_((0.4 * (37 * k % 101 - 50) / 50).view(p.shape))
            at += p.numel()
    sgd = torch.optim.SGD(net.parameters(), lr=LR)
    for step in range(2 * CHUNKS):
        at = step % CHUNKS
        if at == 0:                     # an epoch
            state = None
        part = slice(at * CHUNK, (at + 1) * CHUNK)
        sgd.zero_grad()
        out, state = net(x[:, part], state)
        loss = nn.functional.cross_entropy(out.reshape(-1, TOKENS), y[:, part].reshape(-1))
        loss.backward()
        sgd.step()
        state = tuple(s.detach() for s in state)
        flat = torch.cat([p.detach().flatten() for p in net.parameters()])
        print(f"loss.{step}", f"{loss.item():.9g}")
        print(f"params.{step}", *(f"{v:.8g}" for v in flat.tolist()))
    with torch.no_grad():
        x, y = text[:-1].view(1, -1), text[1:]
        out, _ = net(x, None)
        print("whole", f"{nn.functional.cross_entropy(out.reshape(-1, TOKENS), y.reshape(-1)).item():.9g}")


if __name__ == "__main__":
    sys.exit(main())
