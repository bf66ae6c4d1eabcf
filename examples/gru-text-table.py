#!/usr/bin/env python3
"""Writes a table for examples/gru-text.yaml: what people say of what they bought, and whether they
liked it.  examples/gru-text-table.py ROWS [SEED] > reviews.csv"""
import csv
import random
import sys

THINGS = "kettle lamp radio bicycle jacket novel camera chair piano phone tent watch".split()
GOOD = "splendid,quick,well made,a joy,better than the old one,worth its price,quiet,sturdy".split(",")
BAD = "broken,slow,badly made,a nuisance,worse than the old one,far too dear,loud,flimsy".split(",")
SAYS = ["the {t} is {a}", "I find this {t} {a}", "my {t} turned out {a}", "after a week the {t} was {a}"]
JOINS = [" and ", ", also ", "; besides it is "]


def review(r):
    good = r.random() < 0.5
    own, other = (GOOD, BAD) if good else (BAD, GOOD)
    text = r.choice(SAYS).format(t=r.choice(THINGS), a=r.choice(own))
    for _ in range(r.randint(0, 3)):
        text += r.choice(JOINS) + r.choice(own)
    if r.random() < 0.4:        # the word before turns it round
        text += r.choice([", not ", ", by no means "]) + r.choice(other)
    return text + r.choice([".", "!", ""]), "liked" if good else "disliked"


def main():
    rows, seed = int(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "1"
    r = random.Random(int(seed))
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["order_id", "review", "verdict"])
    for i in range(rows):
        out.writerow([i + 1, *review(r)])


main()
