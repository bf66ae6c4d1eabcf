#!/usr/bin/python3
"""Golden numbers of the metrics, by scikit-learn.

    tools/golden/metrics.py > tests/golden/metrics.json

Scores are whole numbers of 1/64, so that text and float hold the same.  Needs scikit-learn 1.4 or
newer (PyPI), which has root_mean_squared_error.
"""
import json
import warnings

import numpy as np
from scipy.special import expit, softmax
from sklearn import metrics as m

N = 37
rng = np.random.default_rng(1)


def scores(width, spread, grid=64):
    return np.round(rng.normal(0, spread, (N, width)) * grid) / grid


def each_class(truth, p, w, area):
    """One against the rest, over the classes that occur."""
    return np.mean([area(truth == c, p[:, c], sample_weight=w) for c in np.unique(truth)])


def averages(truth, answer, w, average, end):
    how = {"average": average, "sample_weight": w, "zero_division": 0}
    return {"precision" + end: m.precision_score(truth, answer, **how),
            "recall" + end: m.recall_score(truth, answer, **how),
            "f1" + end: m.f1_score(truth, answer, **how)}


def counted(truth, answer, w, plain):
    how = {"average": "macro", "sample_weight": w, "zero_division": 0}
    return {**averages(truth, answer, w, plain, ""),
            **averages(truth, answer, w, "macro", "_macro"),
            **averages(truth, answer, w, "micro", "_micro"),
            "mean_iou": m.jaccard_score(truth, answer, **how)}


def classes(z, truth, w):
    p = softmax(z, axis=1)
    answer = z.argmax(axis=1)
    two = z.shape[1] == 2
    log_loss = m.log_loss(truth, p, sample_weight=w, labels=np.arange(z.shape[1]))
    area = (lambda f: f(truth, p[:, 1], sample_weight=w)) if two else (
        lambda f: each_class(truth, p, w, f))
    return {"accuracy": m.accuracy_score(truth, answer, sample_weight=w),
            "top_2": m.top_k_accuracy_score(truth, p, k=2, sample_weight=w,
                                            labels=np.arange(z.shape[1])) if not two else 1.0,
            **counted(truth, answer, w, "binary" if two else "macro"),
            "roc_auc": area(m.roc_auc_score), "pr_auc": area(m.average_precision_score),
            "log_loss": log_loss, "perplexity": np.exp(log_loss),
            "bits_per_token": log_loss / np.log(2)}


def yes_no(z, truth, w):
    z = z[:, 0]
    log_loss = m.log_loss(truth, expit(z), sample_weight=w)
    answer = (z > 0).astype(int)
    return {"accuracy": m.accuracy_score(truth, answer, sample_weight=w),
            "top_2": m.top_k_accuracy_score(truth, z, k=2, sample_weight=w),
            **counted(truth, answer, w, "binary"),
            "roc_auc": m.roc_auc_score(truth, z, sample_weight=w),
            "pr_auc": m.average_precision_score(truth, z, sample_weight=w),
            "log_loss": log_loss, "perplexity": np.exp(log_loss),
            "bits_per_token": log_loss / np.log(2)}


def labels(z, truth, w):
    return {**counted(truth, (z > 0).astype(int), w, "macro"),
            "roc_auc": m.roc_auc_score(truth, z, sample_weight=w, average="macro"),
            "pr_auc": m.average_precision_score(truth, z, sample_weight=w, average="macro")}


def values(y, truth, w):
    how = {"sample_weight": w}
    return {"mae": m.mean_absolute_error(truth, y, **how),
            "mse": m.mean_squared_error(truth, y, **how),
            "rmse": m.root_mean_squared_error(truth, y, **how), "r2": m.r2_score(truth, y, **how)}


def shares(z, truth, w):
    return values(expit(z), truth, w)


KINDS = {"classes": classes, "yes_no": yes_no, "labels": labels, "values": values, "shares": shares}


def skewed(count):
    return np.minimum(rng.geometric(0.4, N) - 1, count - 1)


def cases():
    some = np.round(rng.uniform(0, 4, N) * 4) / 4
    z5 = scores(5, 1.5)
    z5[:, 4] -= 64                          # a class that is neither asked for nor answered
    yield "five classes, one of them nowhere", "classes", z5, skewed(4)
    yield "three classes", "classes", scores(3, 8), rng.integers(0, 3, N)
    yield "two classes", "classes", scores(2, 2), rng.integers(0, 2, N)
    yield "yes or no, of many equal scores", "yes_no", scores(1, 2, 1), rng.integers(0, 2, N)
    yield "labels", "labels", scores(3, 1), rng.integers(0, 2, (N, 3))
    yield "values", "values", scores(2, 1), scores(2, 3)
    yield "values far from zero", "values", scores(1, 1) + 8192, scores(1, 1) + 8192
    yield "shares", "shares", scores(2, 1), np.round(rng.uniform(0, 1, (N, 2)) * 64) / 64
    yield "weighted classes", "classes", scores(3, 2), rng.integers(0, 3, N), some
    yield "weighted yes or no", "yes_no", scores(1, 2, 2), rng.integers(0, 2, N), some
    yield "weighted labels", "labels", scores(2, 1, 2), rng.integers(0, 2, (N, 2)), some
    yield "weighted values", "values", scores(2, 1), scores(2, 3), some


def main():
    out = []
    for name, kind, z, truth, *w in cases():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = KINDS[kind](z, truth, w[0] if w else None)
        out.append({"name": name, "kind": kind, "width": z.shape[1],
                    "scores": z.ravel().tolist(), "truth": truth.ravel().tolist(),
                    "weight": w[0].tolist() if w else None,
                    "want": {k: float(v) for k, v in want.items()}})
    print("[" + ",\n".join(json.dumps(c) for c in out) + "]")


main()
