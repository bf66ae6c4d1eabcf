"""Nets of scikit-learn that skl2onnx writes."""
import numpy as np
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler

LETTERS = np.array(["ape", "bee", "cat"])


def classifier(**more):
    return MLPClassifier((8,), max_iter=20, random_state=1, **more)


def regressor(**more):
    return MLPRegressor(hidden_layer_sizes=(8,), max_iter=20, random_state=1, **more)


def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4)).astype("f4")
    three = np.digitize(x[:, 0], [-0.5, 0.5])
    return x, {"two": (x[:, 0] + x[:, 1] > 0).astype(int), "three": three, "names": LETTERS[three],
               "number": x @ rng.normal(size=4) + 1, "numbers": x @ rng.normal(size=(4, 2))}


TABLE = {                       # name: (model, target)
    "mlp_three": (classifier(), "three"), "mlp_two": (classifier(activation="tanh"), "two"),
    "mlp_names": (classifier(), "names"), "mlp_number": (regressor(), "number"),
    "mlp_numbers": (regressor(activation="logistic"), "numbers"),
    "standard_mlp": (make_pipeline(StandardScaler(), classifier()), "three"),
    "standard_number": (make_pipeline(StandardScaler(), regressor()), "number"),
    "minmax_mlp": (make_pipeline(MinMaxScaler(), classifier()), "two"),
    "robust_number": (make_pipeline(RobustScaler(), regressor()), "number"),
    "logistic_three": (LogisticRegression(), "names"), "logistic_two": (LogisticRegression(), "two"),
    "standard_logistic": (make_pipeline(StandardScaler(), LogisticRegression()), "three"),
    "linear": (LinearRegression(), "number"), "linear_two": (LinearRegression(), "numbers"),
    "ridge": (Ridge(), "number"), "standard_linear": (make_pipeline(StandardScaler(), LinearRegression()), "number"),
}


def write(model, target, zipped, path):
    x, targets = rows()
    model.fit(x, targets[target])
    options = {id(model): {"zipmap": zipped}} if hasattr(model, "classes_") else None
    made = convert_sklearn(model, initial_types=[("x", FloatTensorType([None, 4]))], options=options,
                           target_opset=17)
    with open(path, "wb") as f:
        f.write(made.SerializeToString())


def nets():
    """(name, write(path))"""
    for name, (model, target) in TABLE.items():
        yield name, lambda path, m=model, t=target: write(m, t, False, path)
        if "number" not in target:
            yield name + "_map", lambda path, m=model, t=target: write(m, t, True, path)
