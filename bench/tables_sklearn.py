#!/usr/bin/env python3
"""tables_sklearn.py TUTTI [INIT]: scikit-learn's own small data sets as CSV, beside its MLPs.

Five folds, dealt three times: the same rows train and test both, features are scaled by what the
training rows hold, nets are 64 relu units trained by Adam for as many epochs.  Prints the rows of the
table in docs/guide.md: mean ± deviation of the 15 on each side, and the mean of their differences, pair
by pair, ± its standard error.  INIT is model.init, by default what tutti does unasked.
Needs scikit-learn."""
import pathlib
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from sklearn import datasets
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import RepeatedKFold, RepeatedStratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler

EPOCHS, FOLDS, TIMES, LR, BATCH = 100, 5, 3, 0.003, 32
SETS = ["iris", "wine", "breast_cancer", "digits", "diabetes"]
OF_VALUES = ["diabetes"]


def write(path, names, x, y):
    with open(path, "w", encoding="utf-8") as f:
        f.write(",".join(names + ["target"]) + "\n")
        for row, t in zip(x, y):
            f.write(",".join(repr(float(v)) for v in row) + f",{t}\n")


def peer(name, train, test, seed):
    kind = MLPRegressor if name in OF_VALUES else MLPClassifier
    scaler = StandardScaler().fit(train[0])
    net = kind(hidden_layer_sizes=(64,), learning_rate_init=LR, batch_size=BATCH, max_iter=EPOCHS, alpha=0,
               n_iter_no_change=EPOCHS, random_state=seed)
    net.fit(scaler.transform(train[0]), train[1])
    answers = net.predict(scaler.transform(test[0]))
    return (r2_score if name in OF_VALUES else accuracy_score)(test[1], answers)


def spec(dir_, name, features, outputs, init):
    how = f", init: {init}" if init else ""
    return (f"name: {name}\n"
            f"data: {{train: 'csv:{dir_}/train.csv', normalise: standard}}\n"
            f"model: {{input: [{features}], loss: {'mse' if name in OF_VALUES else 'cross_entropy'}{how}, "
            f"layers: [dense: {{out: 64, activation: relu}}, dense: {{out: {outputs}}}]}}\n"
            f"train: {{epochs: {EPOCHS}, batch: {BATCH}, threads: 1, tune_kernels: no, "
            f"optimizer: {{kind: adam, lr: {LR}}}, tensorboard: {{every_steps: 0}}}}\n")


def ours(tutti, dir_, name, text, seed):
    path, run = pathlib.Path(f"{dir_}/{name}.yaml"), f"{dir_}/{name}-{seed}"
    path.write_text(text, encoding="utf-8")
    subprocess.run([tutti, "train", path, "--run", run, "-q", "--seed", str(seed)], check=True,
                   stdout=subprocess.DEVNULL)
    answers = subprocess.run([tutti, "predict", run, f"csv:{dir_}/test.csv", "--format", "csv"],
                             check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[1:]
    cells = [a.split(",") for a in answers]
    if name in OF_VALUES:
        return r2_score([float(c[1]) for c in cells], [float(c[2]) for c in cells])
    return float(np.mean([c[1] == c[2] for c in cells]))


def compare(tutti, name, init):
    data = getattr(datasets, "load_" + name)()
    x, y = data.data, data.target.astype(float) if name in OF_VALUES else data.target
    names = [str(n).replace(",", " ") for n in data.feature_names]
    deal = RepeatedKFold if name in OF_VALUES else RepeatedStratifiedKFold
    found = []
    for seed, (train, test) in enumerate(deal(n_splits=FOLDS, n_repeats=TIMES, random_state=0).split(x, y)):
        with tempfile.TemporaryDirectory() as dir_:
            write(f"{dir_}/train.csv", names, x[train], y[train])
            write(f"{dir_}/test.csv", names, x[test], y[test])
            text = spec(dir_, name, len(names), 1 if name in OF_VALUES else len(set(y)), init)
            found.append((peer(name, (x[train], y[train]), (x[test], y[test]), seed),
                          ours(tutti, dir_, name, text, seed)))
    theirs, mine = np.array(found).T
    more = mine - theirs
    print(f"| {name} | {len(x)} | {'R²' if name in OF_VALUES else 'accuracy'} | "
          f"{theirs.mean():.4f} ± {theirs.std():.4f} | {mine.mean():.4f} ± {mine.std():.4f} | "
          f"{more.mean():+.4f} ± {more.std(ddof=1) / len(more)**0.5:.4f} |", flush=True)


def main():
    warnings.simplefilter("ignore")
    for name in SETS:
        compare(sys.argv[1], name, sys.argv[2] if len(sys.argv) > 2 else "")


main()
