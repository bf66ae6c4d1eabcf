# A checkpoint with numbers that are not finite is of no use: eval, predict and --resume say which
# tensor, show shows it.
set -u
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

run 0 "$tutti" train "$here/tiny.yaml" -q --run good
last=good/checkpoints/last.safetensors

# spoil IN OUT TENSOR VALUE PLACE...: these numbers become VALUE
spoil()
{
	python3 - "$@" <<'PY'
import json, struct, sys
path, out, name, value, *places = sys.argv[1:]
data = bytearray(open(path, "rb").read())
size = int.from_bytes(data[:8], "little")
at = 8 + size + json.loads(data[8:8 + size])[name]["data_offsets"][0]
for i in map(int, places):
    struct.pack_into("<f", data, at + 4 * i, float(value))
open(out, "wb").write(data)
PY
}

tensors=$(python3 - $last <<'PY'
import json, sys
data = open(sys.argv[1], "rb").read()
head = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
print(" ".join(n for n in head if n.endswith((".weight", ".running_var"))))
PY
)
for tensor in $tensors; do
	spoil $last bad.safetensors "$tensor" nan 0 2
	run 1 "$tutti" eval bad.safetensors
	one_line "$err"
	says "$err" "2 of the"
	says "$err" "numbers of tensor '$tensor' are not finite"
	run 1 "$tutti" predict bad.safetensors "synth:objects?size=16&count=2"
	says "$err" "numbers of tensor '$tensor' are not finite"
	run 1 "$tutti" train "$here/tiny.yaml" -q --run new --resume=bad.safetensors
	says "$err" "bad.safetensors: 2 of the"
	says "$err" "numbers of tensor '$tensor' are not finite"
	run 0 "$tutti" show bad.safetensors
	says "$out" "not finite: 2 of the"
	says "$out" "numbers of $tensor"
done
spoil $last bad.safetensors "$tensor" inf 1
run 1 "$tutti" eval bad.safetensors
says "$err" "1 of the"
run 0 "$tutti" show bad.safetensors --json
last_json
says "$out" "\"not_finite\""
says "$out" "\"$tensor\""
run 0 "$tutti" eval $last -q
