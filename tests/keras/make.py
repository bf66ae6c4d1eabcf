#!/usr/bin/env python3
"""The files of this folder, by Keras itself (pip install keras jax h5py scipy; KERAS_BACKEND=numpy):

    make.py FOLDER

net.keras and net.h5: every class of layer that tutti reads, as a Functional model; chain.keras: a
Sequential one; lambda.keras: one that it does not.  answers.txt: what they say to x[i] = (37 i mod 101 - 50) / 50, in
channels-last order."""
import os
import sys

os.environ["KERAS_BACKEND"] = "numpy"
import keras
import numpy as np
from keras import layers as L

keras.utils.set_random_seed(5)
out = sys.argv[1]


def stir(model):
    """Statistics and biases that are not zeros and ones."""
    r = np.random.default_rng(7)
    for w in model.weights:
        if "kernel" not in w.path:
            w.assign(r.uniform(0.5, 1.5, w.shape))


def net():
    x = keras.Input((9, 7, 3), name="input")
    a = L.Conv2D(4, 3, padding="same", strides=2, activation="relu", name="stem.a")(x)
    b = L.ZeroPadding2D(((1, 1), (0, 1)))(x)
    b = L.Conv2D(4, (3, 2), strides=2, use_bias=False, name="b")(b)
    b = L.BatchNormalization(name="norm")(b)
    b = L.ZeroPadding2D(((0, 0), (0, 0)))(b)
    b = L.DepthwiseConv2D((1, 1), depth_multiplier=1, activation="tanh")(b)
    c = L.Add()([a, b])
    d = L.AveragePooling2D(2, strides=1, padding="same")(c)
    e = L.MaxPooling2D(2, strides=1, padding="same")(c)
    f = L.Concatenate()([d, e])
    f = L.DepthwiseConv2D(3, depth_multiplier=2, dilation_rate=1)(f)
    f = L.LeakyReLU(negative_slope=0.1)(f)
    f = L.Conv2D(6, 1, groups=2, activation="silu")(f)
    g = L.GlobalMaxPooling2D()(f)
    h = L.GlobalAveragePooling2D(keepdims=True)(f)
    h = L.Flatten()(h)
    i = L.Flatten()(f)
    i = L.BatchNormalization(scale=False)(i)
    i = L.Dropout(0.4)(i)
    i = L.Dense(6, activation="elu")(i)
    i = L.LayerNormalization()(i)
    j = L.Concatenate()([g, h, i])
    j = L.ReLU()(j)
    j = L.Dense(5, activation="gelu")(j)
    j = L.Activation("sigmoid")(j)
    j = L.Dense(4)(j)
    return keras.Model(x, L.Softmax()(j), name="net")


def chain():
    return keras.Sequential([keras.Input((12,)), L.Dense(8, activation="relu"), L.ELU(), L.Dense(3)])


def say(model, shape):
    n = int(np.prod(shape))
    x = ((37 * np.arange(2 * n) % 101) - 50).astype("f4") / 50
    return " ".join(f"{v:.9g}" for v in np.asarray(model(x.reshape([2, *shape]))).ravel())


a, b = net(), chain()
stir(a)
stir(b)
a.save(out + "/net.keras")
a.save(out + "/net.h5")
b.save(out + "/chain.keras")
x = keras.Input((4, 4, 1))
keras.Model(x, L.Flatten()(L.UpSampling2D(2, name="twice")(x))).save(out + "/lacks.keras")
open(out + "/answers.txt", "w").write(f"net {say(a, (9, 7, 3))}\nchain {say(b, (12,))}\n")
