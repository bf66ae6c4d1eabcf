# Workers: as threads, under a launcher, started again when lost, and strategies side by side.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml

# same_numbers RUN RUN: the tensors of their last checkpoints, behind the header, are the same
same_numbers()
{
	python3 - "$@" <<'PY'
import sys
def numbers(run):
    data = open(run + "/checkpoints/last.safetensors", "rb").read()
    return data[8 + int.from_bytes(data[:8], "little"):]
assert numbers(sys.argv[1]) == numbers(sys.argv[2])
PY
}

# threads: the same result, a trace, and a word about the wire
run 0 "$tutti" train "$spec" -q --json --run one
one=$(sed 's/.*"loss": \([0-9.]*\).*/\1/' "$out")
run 0 "$tutti" train "$spec" --json --run three --workers 3 --trace trace.json
last_json
says "$out" '"workers": 3'
says "$err" "3 workers by allreduce, 1 thread each;"
python3 - "$one" "$out" trace.json <<'PY' || fail "three workers are not one: $(cat "$out")"
import json, sys
three = json.loads(open(sys.argv[2]).read().splitlines()[-1])
assert abs(three["loss"] - float(sys.argv[1])) < 1e-3, three["loss"]
events = json.load(open(sys.argv[3]))
assert {e["pid"] for e in events} == {0, 1, 2}
assert {e["tid"] for e in events if e["ph"] == "X"} == {0, 1, 2}
PY
run 0 "$tutti" train "$spec" -q --run three2 -w 3
says "$out" "workers     3; each sent"
says "$out" " %: of "

lacks "$out" "of it"
run 0 "$tutti" train "$spec" --run shared -w 2 --strategy hogwild --epochs 1
lacks "$out" "each sent"
lacks "$out" "efficiency"
run 99 "$tutti" train "$spec" --run shared -w 2 --strategy hogwild --epochs 1 --resume
says "$err" "nothing to do, 1 epoch is done"

# batch norms that all workers share
normed=$PWD/normed.yaml
sed 's/- maxpool/- batchnorm\n    - maxpool/; /^train:/i distribute: {sync_batchnorm: yes}' "$spec" >"$normed"
run 0 "$tutti" train "$normed" -q --json --run norms
norms=$(sed 's/.*"loss": \([0-9.]*\).*/\1/' "$out")
run 0 "$tutti" train "$normed" -q --json --run norms3 --workers 3
loss=$(sed 's/.*"loss": \([0-9.]*\).*/\1/' "$out")
python3 -c "assert abs($loss - $norms) < 1e-3" || fail "shared norms: $loss, one worker: $norms"

# an ensemble: one checkpoint, used like any other
run 0 "$tutti" train "$spec" -q --json --run parts --workers 3 --set distribute.strategy=ensemble
parts=$(sed 's/.*"valid_loss": \([0-9.]*\).*/\1/' "$out")
says "$out" '"member_accuracy": ['
run 0 "$tutti" eval parts --json
last_json
python3 - "$parts" "$out" <<'PY' || fail "eval and train differ about an ensemble: $(cat "$out")"
import json, sys
assert abs(json.loads(open(sys.argv[2]).read().splitlines()[-1])["loss"] - float(sys.argv[1])) < 1e-4
PY
run 0 "$tutti" show parts
says "$out" "members.2.conv1"
run 2 "$tutti" train "$spec" -q --run parts --workers 2 --set distribute.strategy=ensemble --resume
says "$err" "an ensemble of 3 models"
run 0 "$tutti" train "$spec" -q --run stacked --workers 3 --set distribute.strategy=ensemble \
	--set distribute.combine=net
says "$out" "in validation, each alone"
run 0 "$tutti" predict stacked "synth:objects?size=16&count=3&split=test"

# NaN: all end, at once and for good: another try would come to the same; a checkpoint is there
run 1 "$tutti" train "$spec" -q --run nan --workers 2 --set train.optimizer.lr=1e30
says "$err" "the loss is not finite on"
exists nan/checkpoints/last.safetensors
run 0 "$tutti" train "$spec" -q --run nan --workers 3 --resume

# killed with nine: started again, from the last checkpoint
"$tutti" train "$spec" -q --run again --epochs 60 --workers 2 --restarts 2 >"$out" 2>"$err" &
pid=$!
for _ in $(seq 600); do
	grep -q "epoch 3/" again/log.txt 2>/dev/null && break
	sleep 0.05
done
kill -9 "$(ps -o pid= --ppid $pid | head -n 1)"
wait $pid
code=$?
command="train --restarts, its worker killed"
[ $code -eq 0 ] || fail "$command: exit code $code, not 0"
says "$err" "exit code 137: starting again, 1 of 2"
says again/log.txt "resumed after step"
says again/log.txt "epoch 60/60"

# under a launcher, if there is one for the library we are linked with
if "$tutti" info | grep -q "Open MPI" && command -v mpirun >/dev/null; then
	# Open MPI keeps what it allocated, some of it in modules that are gone by the end.
	export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
	export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
	run 0 mpirun --oversubscribe -np 3 "$tutti" train "$spec" -q --json --run mpi
	last_json
	says "$out" '"workers": 3'
	loss=$(sed 's/.*"loss": \([0-9.]*\).*/\1/' "$out")
	python3 -c "assert abs($loss - $one) < 1e-3" || fail "three processes are not one: $loss, $one"
	run 0 mpirun --oversubscribe -np 3 "$tutti" train "$spec" -q --json --run mpi-parts \
		--set distribute.strategy=ensemble
	loss=$(sed 's/.*"valid_loss": \([0-9.]*\).*/\1/' "$out")
	python3 -c "assert abs($loss - $parts) < 1e-5" || fail "processes: $loss, threads: $parts"
	run 0 mpirun --oversubscribe -np 3 "$tutti" train "$normed" -q --json --run mpi-norms
	loss=$(sed 's/.*"loss": \([0-9.]*\).*/\1/' "$out")
	python3 -c "assert abs($loss - $norms) < 1e-3" || fail "shared norms: $loss, one worker: $norms"
	# sums under way while the next step begins: the same bits
	for how in none forward; do
		run 0 mpirun --oversubscribe -np 3 "$tutti" train "$spec" -q --run "sums-$how" \
			--set distribute.overlap=$how --set distribute.algorithm=ring \
			--set distribute.bucket_bytes=256
	done
	same_numbers sums-none sums-forward || fail "overlap has changed the numbers"
	# gradients as factors: processes and threads make the same bits of them
	wide=$PWD/wide.yaml
	sed 's/    - dense: {name: fc, /    - dense: {name: wide, out: 300}\n&/; s/batch: 32/batch: 30/' "$spec" >"$wide"
	run 0 "$tutti" train "$wide" -q --run wide3 --workers 3 --set distribute.factors=yes
	run 0 mpirun --oversubscribe -np 3 "$tutti" train "$wide" -q --run mpi-wide \
		--set distribute.factors=yes
	same_numbers wide3 mpi-wide || fail "processes and threads differ by factors"
	# with one thread each, processes make their parts of the product from what lies in the others
	run 0 mpirun --oversubscribe -np 3 "$tutti" train "$wide" -q --run mpi-parts-wide -t 1 \
		--set distribute.factors=yes
	same_numbers wide3 mpi-parts-wide || fail "processes that share products differ"
	run 0 "$tutti" train "$spec" -q --run hosts --hosts localhost:2
	says "$out" "workers     2"
	absent runs
fi

# strategies side by side
run 0 "$tutti" compare "$spec" -q --workers 2 --strategies allreduce,average,easgd --out sides
says "$out" "waited a step"
says "$out" "average"
python3 -c 'import xml.dom.minidom as m; m.parse("sides/compare.svg")' || fail "compare.svg is no XML"
says sides/compare.svg "megabytes sent by each worker"
exists sides/easgd/checkpoints/last.safetensors
run 0 "$tutti" compare "$spec" -q --json --workers 2 --strategies average --out sides2 --epochs 1
one_line "$out"
last_json
says "$out" '"strategies": [{"strategy": "average"'
run 2 "$tutti" compare "$spec" --strategies easgt
says "$err" "did you mean 'easgd'?"

# killed, and no restart left: try again, says the exit code
"$tutti" train "$spec" -q --run lost --epochs 900 --workers 2 --restarts 1 >"$out" 2>"$err" &
pid=$!
for i in 1 2; do
	for _ in $(seq 600); do
		[ "$(grep -c ' start: ' lost/log.txt 2>/dev/null)" = $i ] && break
		sleep 0.05
	done
	kill -9 "$(ps -o pid= --ppid $pid | head -n 1)"
done
wait $pid
code=$?
command="train --restarts, its worker killed twice"
[ $code -eq 75 ] || fail "$command: exit code $code, not 75"
says "$err" "a worker was lost (exit code 137)"
