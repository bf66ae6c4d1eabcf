#!/usr/bin/env python3
"""wide-deep-table.py ROWS [SEED]: a table of orders on stdout; who buys depends on 20 categories of 10 to
105 values, on pairs of them and on 10 numbers."""
import random
import sys

rows, seed = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
truth, draw = random.Random(7), random.Random(seed)
sizes = [10 + 5 * i for i in range(20)]
effect = [[truth.gauss(0, 1) for _ in range(n)] for n in sizes]
slope = [truth.gauss(0, 0.5) for _ in range(10)]

print(",".join(["order_id"] + [f"c{i + 1}" for i in range(20)] + [f"n{i + 1}" for i in range(10)] +
               ["buys"]))
for k in range(rows):
    c = [min(int(n * draw.random() ** 2), n - 1) for n in sizes]
    x = [draw.gauss(0, 1) for _ in range(10)]
    e = [effect[i][v] for i, v in enumerate(c)]
    score = sum(e) / 2 + e[0] * e[1] + e[2] * e[3] + sum(a * b for a, b in zip(slope, x))
    print(",".join([f"o{seed}-{k}"] + [f"v{v}" for v in c] + [f"{v:.4f}" for v in x] +
                   ["yes" if score + draw.gauss(0, 0.5) > 0 else "no"]))
