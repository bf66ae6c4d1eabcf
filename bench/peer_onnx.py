#!/usr/bin/python3
"""The ONNX Runtime and OpenVINO sides of versus-pytorch (see peer.py): the nets of peer_torch.py,
written as ONNX and given to --engine.  They predict and do not train."""
import io
import os
import sys
import tempfile

import torch

import peer
from peer_torch import NETS


def write_onnx(opts, path):
    """Returns the number of parameters."""
    torch.manual_seed(1)
    net = NETS[opts.net]().eval()
    x, _ = next(peer.read_batches(opts.data, opts.net, opts.batch))
    out = io.StringIO()
    stdout, sys.stdout = sys.stdout, out        # orders are answered there
    try:
        torch.onnx.export(net, (torch.from_numpy(x),), path, input_names=["x"])
    finally:
        sys.stdout = stdout
    return sum(p.numel() for p in net.parameters())


def onnxruntime(path, threads):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return ort.__version__, lambda x: session.run(None, {"x": x})


def openvino(path, threads):
    import openvino as ov
    model = ov.Core().compile_model(path, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    return ov.__version__.split("-")[0], lambda x: request.infer([x], share_inputs=True,
                                                                 share_outputs=True)


ENGINES = {"onnxruntime": onnxruntime, "openvino": openvino}


class Job:
    def __init__(self, opts, _):
        if not opts.infer or opts.bf16:
            sys.exit("this peer predicts, in f32")
        with tempfile.TemporaryDirectory(prefix="peer-") as folder:
            path = os.path.join(folder, "net.onnx")
            self.parameters = write_onnx(opts, path)
            self.version, self.one = ENGINES[opts.engine](path, opts.threads)
        self.data = [x for x, _ in peer.read_batches(opts.data, opts.net, opts.batch)]
        self.step = 0

    def run(self, steps):
        for _ in range(steps):
            self.one(self.data[self.step % len(self.data)])
            self.step += 1


def variants(_):
    return ["session"]


if __name__ == "__main__":
    peer.main(__doc__, Job, variants)
