# Searches: a spec, any command, what is refused before anything starts, and drivers that are killed.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml

# a spec: its keys, its metrics, a folder for each trial, the command that does it again
run 0 "$tutti" tune "$spec" -q --json -o spec -n 2 --slots 2 -s train.epochs=2 \
	-p train.optimizer.lr=log:1e-3..1e-1
last_json
says "$out" '"outcome": "searched"'
says "$out" '"completed": 2'
says "$out" '"valid.accuracy"'
says_like "$out" "tutti train $spec --set train.epochs=2 --set train.optimizer.lr=0.0[0-9]+"
exists spec/trial-00001/run/checkpoints/last.safetensors
says "$out" '"importance": {"train.optimizer.lr": '
says spec/study.svg '</svg>'
says spec/trial-00000/output.txt '{"epoch": 2, '

# a pruned trial leaves a checkpoint, a promoted one goes on from it
run 0 "$tutti" tune "$spec" -q -o asha -n 3 --scheduler asha:factor=2 -s train.epochs=4 \
	-p train.optimizer.lr=log:1e-3..1e-1
says asha/journal.jsonl '"verdict": "pause"'
says asha/journal.jsonl '"what": "resume"'
for promoted in $(sed -n 's/.*"what": "resume", "trial": \([0-9]*\),.*/\1/p' asha/journal.jsonl | sort -u); do
	[ "$(grep -c '"epoch": 1,' "asha/trial-0000$promoted/output.txt")" -eq 1 ] ||
		fail "trial $promoted was not gone on with, but begun again"
done

# a section of the spec says the same; the command line holds where both speak; a training ignores it
{ cat "$spec"; printf 'tune:\n  params: {train.optimizer.lr: log:1e-3..1e-1, train.batch: [16, 32]}\n  metric: valid.loss\n  trials: 9\n'; } >section.yaml
run 0 "$tutti" tune section.yaml -q --json -o section -n 1 -s train.epochs=1
says "$out" '"train.batch": "'
says "$out" '"metrics": {"valid.loss"'
run 0 "$tutti" train section.yaml -q -e 1 --run trained
sed 's/trials: 9/trails: 9/' section.yaml >wrong.yaml
run 2 "$tutti" tune wrong.yaml -o none
says "$err" "did you mean 'trials'?"

# two metrics: the trials that no other beats in both
run 0 "$tutti" tune -q --json -o front -n 3 -m max:y -m min:cost -p x=0..1 -- echo 'y={x} cost={x}'
says_like "$out" '"front": \[0, 1, 2\]'

# what is refused before anything starts
run 2 "$tutti" tune "$spec" -p train.optimizer.lrr=0..1 -o none
says "$err" "did you mean 'lr'?"
run 2 "$tutti" tune -m max:y -p lr=0..1 -o none -- echo y={lrr}
says "$err" "did you mean {lr}?"
run 2 "$tutti" tune -m max:y -p lr=0..1 -p depth=int:1..3 -o none -- echo y={lr}
says "$err" "write {depth}"
run 2 "$tutti" tune -m max:y -p lr=log:0..1 -o none -- echo y={lr}
one_line "$err"
run 2 "$tutti" tune -m y -p lr=0..1 -o none -- echo y={lr}
says "$err" "max:y"
run 2 "$tutti" tune -p lr=0..1 -o none -- echo y={lr}
says "$err" "--metric"
run 2 "$tutti" tune -m max:y -o none -- echo y=1
says "$err" "--param"
run 2 "$tutti" tune -m max:y -p lr=0..1 -o none
run 2 "$tutti" tune "$spec" -p train.optimizer.lr=0..1 --sampler rndom -o none
says "$err" "did you mean random?"
absent none

# any command; a second search in its folder is refused while it runs
cat >trial.sh <<'END'
sleep 0.3
echo "step=1 y=$1"
END
command="tune -- sh trial.sh"
"$tutti" tune -q -m max:y -p x=0..1 -n 6 -o killed -- sh trial.sh {x} >"$out" 2>"$err" &
pid=$!
for _ in $(seq 100); do
	[ -e killed/trial-00001/output.txt ] && break
	sleep 0.05
done
run 1 "$tutti" tune -q -m max:y -p x=0..1 -n 6 -o killed --resume -- sh trial.sh {x}
says "$err" "another search is at work"

# kill -9 of the driver: its trial ends with it; what is done stays, and the same values are tried
kill -9 $pid
wait $pid 2>/dev/null
run 0 "$tutti" tune -q --json -m max:y -p x=0..1 -n 6 -o killed --resume -- sh trial.sh {x}
says "$out" '"completed": 6'
run 0 "$tutti" tune -q --json -m max:y -p x=0..1 -n 6 --slots 6 -o whole -- sh trial.sh {x}
for i in 0 1 2 3 4 5; do
	cmp -s "killed/trial-0000$i/output.txt" "whole/trial-0000$i/output.txt" ||
		[ "$(sort -u "killed/trial-0000$i/output.txt")" = "$(cat "whole/trial-0000$i/output.txt")" ] ||
		fail "trial $i tried another value after the crash"
	[ "$(grep -c "\"event\": \"end\", \"trial\": $i," killed/journal.jsonl)" -eq 1 ] ||
		fail "trial $i ended more than once, or never"
done
run 2 "$tutti" tune -q -m max:y -p x=0..2 -n 6 -o killed --resume -- sh trial.sh {x}
says "$err" "other settings"
run 2 "$tutti" tune "$spec" -p train.optimizer.lr=0..1 -m valid.accurcy
says "$err" "did you mean 'valid.accuracy'?"

# a signal ends it, and says how to go on
"$tutti" tune -q -m max:y -p x=0..1 -n 9 -o stopped -- sh trial.sh {x} >"$out" 2>"$err" &
pid=$!
sleep 0.5
kill -TERM $pid
wait $pid
code=$?
[ $code -eq 143 ] || fail "a stopped search gives exit code $code"
says "$err" "--resume"

# as many trials at once as there are cores
cat >crowd.sh <<'SH'
mkdir "in/$$"
sleep 0.3
echo "y=$(ls in | wc -l)"
sleep 0.3
rmdir "in/$$"
SH
mkdir in
one=$(taskset -cp $$ | sed 's/.*: //; s/[,-].*//')
most() { python3 -c 'import json, sys; print(int(json.loads(sys.stdin.readlines()[-1])["best"]["metrics"]["y"]))' <"$out"; }
run 0 taskset -c "$one" "$tutti" tune -q --json -m max:y -p x=0..1 -n 2 -o alone -- sh "$PWD/crowd.sh" x{x}
[ "$(most)" = 1 ] || fail "two trials at once on one core"
if [ "$(nproc)" -gt 1 ]; then
	run 0 "$tutti" tune -q --json -m max:y -p x=0..1 -n 2 -o both -- sh "$PWD/crowd.sh" x{x}
	[ "$(most)" = 2 ] || fail "$(nproc) cores, and one trial at once"
fi
