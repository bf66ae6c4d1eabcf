# Ten runs give the bits that version 0.1 gave.  bits.txt holds, for each kind of processor that it
# was made on, a hash of every run's last checkpoint; elsewhere kernels differ and the test is
# skipped.  `test_bits.sh --write PROGRAM` prints such lines, made by another program.
# checkpoint-0.1.safetensors is version 0.1's after step 6 of the run `single`: everywhere it loads,
# and goes on to the end that the whole run reached.
set -u
if [ "${1:-}" = --write ]; then
	write=1 TUTTI_BINARY=$2 TUTTI_SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
	export TUTTI_BINARY TUTTI_SOURCE
fi
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml
plain=$TUTTI_SOURCE/tests/golden/bits.yaml
known=$TUTTI_SOURCE/tests/golden/bits.txt

mkdir -p old/checkpoints
cp "$TUTTI_SOURCE/tests/golden/checkpoint-0.1.safetensors" old/checkpoints/last.safetensors
run 0 "$tutti" train "$spec" -q --run old --resume --set train.checkpoint.every_steps=6
run 0 "$tutti" eval old/checkpoints/last.safetensors -q --json
python3 - "$out" <<'PY' || fail "a run of version 0.1 went on to another end: $(cat "$out")"
import json, sys
end = json.loads(open(sys.argv[1]).read().splitlines()[-1])
assert abs(end["loss"] - 2.253265857696533) < 1e-3, end["loss"]
assert end["classes"][:2] == ["arrow", "circle"], end["classes"]
PY

# Under sanitizers loops are those of a plain processor, and round otherwise.
if grep -q -a -E '__asan_init|__tsan_init' "$tutti"; then
	echo "skipped: the bits of a build with sanitizers are its own"
	exit 77
fi

# What chooses kernels when nothing is measured: the processor's instructions and the library.
kind=$("$tutti" info --json | python3 -c '
import json, re, sys
flags = re.search(r"^flags\s*: (.*)$", open("/proc/cpuinfo").read(), re.M)
flags = set(flags.group(1).split()) if flags else set()
isa = [f for f in ("avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_tile") if f in flags]
print("+".join(isa) or "none", "onednn-" + json.load(sys.stdin)["libraries"]["onednn"], sep="/")') ||
	fail "tutti info --json does not tell the version of oneDNN"
if [ -z "${write:-}" ] && ! grep -q "^$kind " "$known"; then
	echo "skipped: no hashes are known for a processor of the kind $kind"
	exit 77
fi

# bits RUN SPEC OPTIONS...: train, and look at the last checkpoint, tensor by tensor in the order of
# names.
bits()
{
	local name=$1
	shift
	run 0 "$tutti" train "$@" -q --run "$name"
	same "$name" "$name"
}

# same RUN NAME: the run's hash is the one that is known under this name
same()
{
	local name=$2
	hash=$(python3 - "$1" <<'PY'
import hashlib, json, sys
data = open(sys.argv[1] + "/checkpoints/last.safetensors", "rb").read()
size = int.from_bytes(data[:8], "little")
head, body, h = json.loads(data[8:8 + size]), data[8 + size:], hashlib.sha256()
for name in sorted(n for n in head if n != "__metadata__"):
    lo, hi = head[name]["data_offsets"]
    h.update(name.encode() + str(head[name]["shape"]).encode() + body[lo:hi])
print(h.hexdigest()[:32])
PY
	) || fail "$name: no hash"
	if [ -n "${write:-}" ]; then
		echo "$kind $name $hash"
	elif ! grep -qx "$kind $name $hash" "$known"; then
		fail "$name: other bits than version 0.1's: $hash"
	fi
}

bits single "$spec"
bits adamw "$plain"
bits bf16 "$plain" --set train.precision=bf16
bits pieces "$plain" --set train.micro_batch=10 --set train.optimizer.kind=lamb
bits two "$plain" --workers 2
bits three "$spec" --workers 3 --set distribute.deterministic=yes
bits norms "$plain" --workers 3 --set distribute.sync_batchnorm=yes
bits average "$spec" --workers 2 --set distribute.strategy=average --set distribute.period=3
bits easgd "$spec" --workers 2 --set distribute.strategy=easgd --set distribute.period=2
bits ensemble "$plain" --workers 2 --set distribute.strategy=ensemble
[ -n "${write:-}" ] || same old single
