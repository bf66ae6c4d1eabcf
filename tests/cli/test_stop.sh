# Signals: a checkpoint, the right exit code, and a resumed run that ends as if never stopped.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml
epochs=40

# stop_with SIGNAL CODE RUN: start a run, send the signal in its midst, look at what it left
stop_with()
{
	local code
	"$tutti" train "$spec" -q --json --run "$3" --epochs $epochs >"$out" 2>"$err" &
	local pid=$!
	for _ in $(seq 600); do
		[ -e "$3/checkpoints/last.safetensors" ] && break
		sleep 0.05
	done
	kill -s "$1" $pid
	wait $pid
	code=$?
	command="train stopped by SIG$1"
	[ $code -eq "$2" ] || fail "$command: exit code $code, not $2"
	one_line "$err"
	says "$err" "stopped by SIG$1 after step"
	says "$err" "go on with \`tutti train $spec -q --json --run $3 --epochs $epochs --resume\`"
	last_json
	says "$out" '"outcome": "stopped"'
	exists "$3/checkpoints/last.safetensors"
}

# stop_waiting SIGNAL CODE ARGUMENTS...: a signal while it waits for what does not come, within a second
stop_waiting()
{
	local code signal=$1 want=$2 began=$SECONDS
	shift 2
	"$tutti" train "$@" >"$out" 2>"$err" &
	local pid=$!
	sleep 0.5
	kill -s "$signal" $pid
	wait $pid
	code=$?
	command="train $*, stopped"
	[ $code -eq "$want" ] || fail "$command: exit code $code, not $want"
	[ $((SECONDS - began)) -le 4 ] || fail "$command: it took $((SECONDS - began)) s to end"
	one_line "$err"
	says "$err" "tutti train: stopped by SIG$signal before the first step"
	empty "$out"
}

# stop_early COMMAND...: a signal while kernels are measured ends that, and nothing is left
stop_early()
{
	local code
	"$tutti" "$@" --kernel-cache cold.txt >"$out" 2>"$err" &
	local pid=$!
	sleep 0.5
	kill -s INT $pid
	SECONDS=0
	wait $pid
	code=$?
	command="$1 stopped early"
	[ $SECONDS -le 5 ] || fail "$command: $SECONDS seconds late"
	[ $code -eq 130 ] || fail "$command: exit code $code, not 130"
	one_line "$err"
	says "$err" "stopped "
	empty "$out"
	rm -f cold.txt
}

# Background jobs of a script ignore SIGINT unless job control is on.
set -m
large=large.yaml                                # has seconds' worth of kernels to measure
sed 's/out: 1000}/out: 10}/' "$TUTTI_SOURCE/examples/resnet50.yaml" >$large
with="--set train.batch=2 --set data.train=synth:objects?size=224&count=8 --set data.valid="
stop_early train "$large" -q $with
stop_early train "$large" -q $with --run early
stop_early train "$large" -q $with --workers 2
stop_early compare "$large" -q $with
# measuring is no silence
command="train with kernels to measure"
"$tutti" train "$large" $with --kernel-cache cold.txt >"$out" 2>"$err" &
for _ in $(seq 400); do
	grep -q "^measuring kernels: " "$err" && break
	sleep 0.05
done
says "$err" "measuring kernels: "
kill -s TERM $!
wait $! && fail "$command: SIGTERM was not heard"
[ -z "$(ls -A runs 2>/dev/null)" ] || fail "a run that never began left a folder"
absent early
absent compare
stop_with TERM 143 term
stop_with INT 130 int
stop_with USR1 138 usr1
stop_with USR2 140 usr2

# of a cross-validation, which says in which fold
command="train --folds stopped"
"$tutti" train "$spec" -q --json --folds 3 --run cv --epochs 100000 >"$out" 2>"$err" &
for _ in $(seq 400); do
	[ -e cv/fold-0/checkpoints/last.safetensors ] && break
	sleep 0.05
done
kill -s TERM $!
wait $!
code=$?
[ $code -eq 143 ] || fail "$command: exit code $code, not 143"
one_line "$err"
says "$err" "tutti train: cv/fold-0, of 3 folds, which cannot go on: stopped by SIGTERM after step"
last_json
says "$out" '"outcome": "stopped"'
set +m

# whatever it is at, such as meeting others
stop_waiting HUP 129 "$spec" -q --run waits --rendezvous "tcp://127.0.0.1:$((20000 + $$ % 10000))" \
	--rank 0 --world 2
stop_waiting USR1 138 "$spec" -q --run waits --rendezvous "tcp://127.0.0.1:$((20000 + $$ % 10000))" \
	--rank 1 --world 3 --restarts 2
absent waits

# under nohup a hangup is nothing
command="train under nohup"
(trap '' HUP; exec "$tutti" train "$spec" -q --run deaf --epochs 100000) >"$out" 2>"$err" &
while ! [ -e deaf/checkpoints/last.safetensors ] && kill -0 $!; do sleep 0.05; done
kill -s HUP $!
sleep 0.2
kill -s TERM $!
wait $!
code=$?
[ $code -eq 143 ] || fail "$command: exit code $code, not 143"

run 0 "$tutti" train "$spec" -q --run whole --epochs $epochs
for name in term int usr1 usr2; do
	run 0 "$tutti" train "$spec" -q --run $name --epochs $epochs --resume
	cmp whole/checkpoints/last.safetensors $name/checkpoints/last.safetensors ||
		fail "the resumed run $name ended elsewhere"
done

# nothing is left to do
run 99 "$tutti" train "$spec" --run term --epochs $epochs --resume
says "$err" "nothing to do, all $epochs epochs are done (to go on: more of them, such as -e $((2 * epochs)))"
run 99 "$tutti" train "$spec" --resume=term --epochs $epochs -q --json
says "$out" '"outcome": "nothing to do"'

# and more epochs go on, in one process or two; a folder may stand behind --resume
run 0 "$tutti" train "$spec" --resume term -q -e $((epochs + 1))
run 0 "$tutti" train --resume term "$spec" -q -e $((epochs + 2)) --workers 2
run 1 "$tutti" train --resume "$spec" -q
says "$err" "no run of 'tiny'"

# on other data it is another run
run 0 env TINY_SIZE=16 "$tutti" train "$spec" --run term --resume -e $((epochs + 3)) \
	--set 'data.train=synth:objects?size=16&count=250'
says "$err" "was trained on 256 samples, data.train holds 250 now: the result will not be that of one"
run 0 "$tutti" train "$spec" --run int --resume -e $((epochs + 1))
lacks "$err" "samples, data.train holds"

# --resume alone finds the newest run of the spec, and says so where there is none
run 1 "$tutti" train "$spec" --resume
says "$err" "no run of 'tiny'"
run 0 "$tutti" train "$spec" -q --epochs 1
run 0 "$tutti" train "$spec" -q --epochs 2 --resume
[ "$(ls -d runs/*/ | wc -l)" -eq 1 ] || fail "--resume made a new run folder"

# the same seed twice: bit-identical
run 0 "$tutti" train "$spec" -q --run again --epochs $epochs
cmp whole/checkpoints/last.safetensors again/checkpoints/last.safetensors ||
	fail "the same seed gave another net"
