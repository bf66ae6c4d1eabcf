#!/usr/bin/env python3
"""Writes a table for examples/digits-ctc.yaml: strips of one to five handwritten digits side by side, of
MNIST, 14 pixels high and 80 wide, and what is written there.
examples/digits-ctc-table.py FOLDER train|t10k ROWS [SEED] > digits.csv"""
import gzip
import random
import sys
from pathlib import Path

SIDE, HIGH, WIDE = 28, 14, 80


def idx(path, header):
    plain = Path(path)
    data = plain.read_bytes() if plain.exists() else gzip.open(f"{path}.gz").read()
    return data[header:]


def half(image):
    """Every two by two pixels become one."""
    return [[sum(image[i] for i in (at, at + 1, at + SIDE, at + SIDE + 1)) // 4
             for at in range(SIDE * y, SIDE * y + SIDE, 2)] for y in range(0, SIDE, 2)]


def strip(r, images, labels):
    rows, said, at = [[0] * WIDE for _ in range(HIGH)], "", r.randint(0, 4)
    for _ in range(r.randint(1, 5)):
        i = r.randrange(len(labels))
        for y, line in enumerate(half(images[SIDE * SIDE * i:SIDE * SIDE * (i + 1)])):
            rows[y][at:at + HIGH] = [max(a, b) for a, b in zip(rows[y][at:], line)]
        said += str(labels[i])
        at += HIGH + r.randint(-2, 1)
    return [v for line in rows for v in line], said


def main():
    folder, part, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    r = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    images, labels = idx(folder / f"{part}-images-idx3-ubyte", 16), idx(folder / f"{part}-labels-idx1-ubyte", 8)
    print(",".join(f"p{i}" for i in range(HIGH * WIDE)) + ",digits")
    for _ in range(count):
        pixels, said = strip(r, images, labels)
        print(",".join(map(str, pixels)) + f',"{said}"')


main()
