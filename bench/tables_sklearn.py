#!/usr/bin/env python3
"""tables_sklearn.py TUTTI: scikit-learn's own small data sets as CSV, beside its MLPs.

The same rows train and test both (a quarter is kept back), features are scaled by what the training
rows hold, nets are 64 relu units trained by Adam for as many epochs, mean of so many seeds.
Prints the rows of the table in docs/guide.md.  Needs scikit-learn."""
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from sklearn import datasets
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

EPOCHS, SEEDS, LR, BATCH = 100, 5, 0.003, 32
SETS = ["iris", "wine", "breast_cancer", "digits", "diabetes"]


def write(path, names, x, y):
    with open(path, "w", encoding="utf-8") as f:
        f.write(",".join(names + ["target"]) + "\n")
        for row, t in zip(x, y):
            f.write(",".join(repr(float(v)) for v in row) + f",{t}\n")


def peer(name, x, y, seed):
    kind = MLPRegressor if name == "diabetes" else MLPClassifier
    scaler = StandardScaler().fit(x[0])
    net = kind(hidden_layer_sizes=(64,), learning_rate_init=LR, batch_size=BATCH, max_iter=EPOCHS, alpha=0,
               n_iter_no_change=EPOCHS, random_state=seed)
    net.fit(scaler.transform(x[0]), y[0])
    is_ = net.predict(scaler.transform(x[1]))
    return r2_score(y[1], is_) if name == "diabetes" else accuracy_score(y[1], is_)


def ours(tutti, dir_, name, features, classes, seed):
    regress = name == "diabetes"
    run = f"{dir_}/{name}-{seed}"
    spec = pathlib.Path(f"{dir_}/{name}.yaml")
    spec.write_text(
        f"name: {name}\n"
        f"data: {{train: 'csv:{dir_}/{name}-train.csv', normalise: standard}}\n"
        f"model: {{input: [{features}], loss: {'mse' if regress else 'cross_entropy'}, layers: "
        f"[dense: {{out: 64, activation: relu}}, dense: {{out: {1 if regress else classes}}}]}}\n"
        f"train: {{epochs: {EPOCHS}, batch: {BATCH}, threads: 1, tune_kernels: no, "
        f"optimizer: {{kind: adam, lr: {LR}}}, tensorboard: {{every_steps: 0}}}}\n", encoding="utf-8")
    subprocess.run([tutti, "train", spec, "--run", run, "-q", "--seed", str(seed)], check=True,
                   stdout=subprocess.DEVNULL)
    answers = subprocess.run([tutti, "predict", run, f"csv:{dir_}/{name}-test.csv", "--format", "csv"],
                             check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[1:]
    cells = [a.split(",") for a in answers]
    if regress:
        return r2_score([float(c[1]) for c in cells], [float(c[2]) for c in cells])
    return float(np.mean([c[1] == c[2] for c in cells]))


def main():
    tutti = sys.argv[1]
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as dir_:
        for name in SETS:
            data = getattr(datasets, "load_" + name)()
            y = data.target.astype(float) if name == "diabetes" else data.target
            parts = train_test_split(data.data, y, test_size=0.25, random_state=0,
                                     stratify=None if name == "diabetes" else y)
            names = [str(n).replace(",", " ") for n in data.feature_names]
            write(f"{dir_}/{name}-train.csv", names, parts[0], parts[2])
            write(f"{dir_}/{name}-test.csv", names, parts[1], parts[3])
            a = [peer(name, parts[:2], parts[2:], s) for s in range(SEEDS)]
            b = [ours(tutti, dir_, name, len(names), len(set(y)), s) for s in range(SEEDS)]
            print(f"| {name} | {len(data.data)} | {'R²' if name == 'diabetes' else 'accuracy'} | "
                  f"{np.mean(a):.4f} ± {np.std(a):.4f} | {np.mean(b):.4f} ± {np.std(b):.4f} |",
                  flush=True)


main()
