# TensorBoard's own reader accepts what a run writes: whole, killed, and resumed.
# The reader comes from PyPI into a virtual environment in the build folder; without it: skipped.
set -u
tutti=${TUTTI_BINARY:?}
here=${TUTTI_SOURCE:?}/tests/tensorboard
venv=$(dirname "$tutti")/tensorboard-venv
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache OMP_NUM_THREADS=1

skip() { echo "skipped: $*"; exit 77; }
fail() { echo "FAILED: $*"; exit 1; }

if [ ! -e "$venv/ready" ]; then
	python3 -m venv "$venv" >"$work/venv.log" 2>&1 || skip "python3 cannot make a virtual environment"
	timeout 300 "$venv/bin/pip" install -q --disable-pip-version-check --retries 1 tensorboard \
		>"$work/pip.log" 2>&1 || skip "pip cannot install tensorboard: $(tail -n 1 "$work/pip.log")"
	"$venv/bin/python" -c 'import tensorboard' || skip "tensorboard does not start"
	touch "$venv/ready"
fi

read_run() { "$venv/bin/python" "$here/read.py" "$@" >"$work/read.log" 2>&1 ||
	{ tail -n 20 "$work/read.log"; fail "the reader does not accept the run"; }; }

"$tutti" train "$here/tiny.yaml" -q --run "$work/whole" || fail "training"
read_run "$work/whole" 2,4,6,8 ended

# Killed at some moment, as no program can prevent: what is there is valid, and a resumed run
# overwrites the steps that it does again.
"$tutti" train "$here/tiny.yaml" -q --run "$work/killed" --epochs 100000 &
pid=$!
for _ in $(seq 600); do
	[ -e "$work/killed/checkpoints/last.safetensors" ] && break
	sleep 0.05
done
kill -9 $pid
wait $pid 2>/dev/null
"$venv/bin/python" - "$work/killed" <<'END' || fail "a killed run cannot be read"
import sys
from tensorboard.backend.event_processing import event_accumulator as ea
a = ea.EventAccumulator(sys.argv[1], size_guidance={"scalars": 0})
a.Reload()
steps = [e.step for e in a.Scalars("train/loss")]
assert steps and steps == list(range(2, steps[-1] + 1, 2)), steps
END

"$tutti" train "$here/tiny.yaml" -q --run "$work/parts" --epochs 1 || fail "training of one epoch"
"$tutti" train "$here/tiny.yaml" -q --run "$work/parts" --epochs 2 --resume || fail "resuming"
read_run "$work/parts" 2,4,6,8 ended
echo "TensorBoard reads all three runs"
