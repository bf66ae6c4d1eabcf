# Beside busy neighbours the default number of threads is no worse than one: it was twenty times
# slower, as threads that wait for one another spun away the time of those they waited for.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

unset OMP_WAIT_POLICY OMP_NUM_THREADS
cores=$(nproc)
[ "$cores" -gt 1 ] || exit 77
cat >net.yaml <<'END'
name: net
data: {train: "synth:objects?size=28&count=2560&gray=yes"}
model:
  input: [1, 28, 28]
  loss: cross_entropy
  layers:
    - flatten
    - dense: {out: 256, activation: relu}
    - dense: {out: 256, activation: relu}
    - dense: {out: 10}
train: {epochs: 8, batch: 64, tune_kernels: no}
END

neighbours=()
for _ in $(seq "$cores"); do
	(while :; do :; done) &
	neighbours+=($!)
done
trap 'kill "${neighbours[@]}"; rm -rf "$work"' EXIT

# speed THREADS: samples a second
speed()
{
	run 0 timeout 50 "$tutti" train net.yaml -q --json --threads "$1"
	sed 's/.*"samples_per_second": \([0-9]*\).*/\1/' "$out"
}

# once would do on a machine with nothing else to do
for _ in 1 2 3; do
	one=$(speed 1) && all=$(speed 0) || fail "$one $all"
	[ $((2 * all)) -ge "$one" ] && exit 0
done
fail "$cores threads are slower than one beside $cores neighbours: $all samples/s, not $one"
