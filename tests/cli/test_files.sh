#!/usr/bin/env bash
# Weights travel to PyTorch and back to the bit: one file, several with an index, f16 and bf16.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

python=/usr/bin/python3
"$python" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("torch"))' || {
	echo "skipped: Python has no torch"
	exit 77
}

cat >net.py <<'PY'
"""net.py write FOLDER | check FILE TYPE ...: PyTorch's side; the safetensors package where it is
there, or else the format by hand."""
import json
import struct
import sys

import torch

TYPES = {torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.float64: "F64",
         torch.int64: "I64"}
try:
    from safetensors.torch import load_file, save_file
except ImportError:
    def save_file(tensors, path):
        head, data = {}, b""
        for name, t in tensors.items():
            raw = bytes(t.contiguous().reshape(-1).view(torch.uint8).tolist()) if t.dim() else \
                struct.pack("<q", int(t))
            head[name] = {"dtype": TYPES[t.dtype], "shape": list(t.shape),
                          "data_offsets": [len(data), len(data) + len(raw)]}
            data += raw
        text = json.dumps(head).encode()
        open(path, "wb").write(struct.pack("<Q", len(text)) + text + data)

    def load_file(path):
        whole = open(path, "rb").read()
        n, = struct.unpack("<Q", whole[:8])
        found = {}
        for name, t in json.loads(whole[8:8 + n]).items():
            if name != "__metadata__":
                a, b = t["data_offsets"]
                kind = {v: k for k, v in TYPES.items()}[t["dtype"]]
                found[name] = torch.frombuffer(bytearray(whole[8 + n + a:8 + n + b]),
                                               dtype=kind).reshape(t["shape"])
        return found


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(1, 4, 3, padding=1)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4 * 64, 3)


torch.manual_seed(3)
net = Net()
with torch.no_grad():
    net.bn1.running_mean.normal_()
    net.bn1.running_var.uniform_(0.5, 2)
state = net.state_dict()
if sys.argv[1] == "write":
    out = sys.argv[2]
    save_file(state, out + "/whole.safetensors")
    save_file({n: t if t.dtype == torch.int64 else t.half() for n, t in state.items()},
              out + "/half.safetensors")
    first = {n: t.double() for n, t in state.items() if n.startswith("conv1")}
    rest = {n: t for n, t in state.items() if n not in first}
    save_file(first, out + "/net-00001-of-00002.safetensors")
    save_file(rest, out + "/net-00002-of-00002.safetensors")
    index = {n: f"net-0000{1 if n in first else 2}-of-00002.safetensors" for n in state}
    json.dump({"metadata": {"total_size": 1}, "weight_map": index},
              open(out + "/net.safetensors.index.json", "w"))
    torch.save(state, out + "/net.pt")
for path, kind in zip(sys.argv[2::2], sys.argv[3::2]) if sys.argv[1] == "check" else []:
    got = load_file(path)
    Net().load_state_dict({n: t.float() for n, t in got.items()})        # strict
    for name, t in got.items():
        want = state[name].half().float() if kind == "f16" else state[name]
        assert torch.equal(t, want.bfloat16() if kind == "bf16" else want), path + ": " + name
PY

cat >net.yaml <<'YAML'
name: net
data: {train: "synth:objects?size=8&count=20&classes=3&gray=yes"}
model:
  input: [1, 8, 8]
  layers: [{conv2d: {out: 4, padding: 1}}, {batchnorm: {activation: relu}}, flatten, {dense: {name: fc, out: 3}}]
train: {epochs: 1, batch: 10, freeze: bn1, optimizer: {lr: 0}, tensorboard: {every_steps: 0}}
YAML

mkdir theirs
"$python" -B net.py write theirs

checks=
for file in whole.safetensors half.safetensors net.safetensors.index.json; do
	rm -rf run
	run 0 "$tutti" train net.yaml --run run --set train.init.from=theirs/$file
	says_like "$err" 'conv1.weight .*taken'
	says_like "$err" 'bn1.num_batches_tracked .*not used'
	run 0 "$tutti" export run --safetensors ours-$file -q
	case $file in half*) checks+="ours-$file f16 " ;; *) checks+="ours-$file f32 " ;; esac
done
run 0 "$tutti" export run --safetensors narrow.safetensors --dtype bf16 --json
says "$out" '"safetensors": "narrow.safetensors"'
run 0 "$python" -B net.py check $checks narrow.safetensors bf16

# ---- what is refused ----

try()
{
	run 1 "$tutti" train net.yaml --run no --set train.init.from="theirs/$2" -q
	one_line "$err"
	says "$err" "$1"
}

try "a PyTorch pickle" net.pt
try "save_file as s" net.pt
cp theirs/net.safetensors.index.json theirs/keep.json
sed 's/net-00001/away-00001/' theirs/keep.json >theirs/net.safetensors.index.json
try "away-00001-of-00002.safetensors: cannot open" net.safetensors.index.json
sed 's|net-00001|../net-00001|' theirs/keep.json >theirs/net.safetensors.index.json
try "no file beside it" net.safetensors.index.json
sed 's|net-00001-of-00002.safetensors|net.safetensors.index.json|' theirs/keep.json \
	>theirs/net.safetensors.index.json
try "no file beside it" net.safetensors.index.json
sed 's|net-00001|net-00002|' theirs/keep.json >theirs/net.safetensors.index.json
try "has no such tensor" net.safetensors.index.json
echo '[]' >theirs/net.safetensors.index.json
try "no index of safetensors" net.safetensors.index.json
run 2 "$tutti" export run
says "$err" "say what to write"
[ ! -e no ] || fail "something was left behind"
