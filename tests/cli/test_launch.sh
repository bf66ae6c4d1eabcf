# Workers without MPI: by hand, by what torchrun and srun set, and by tutti's own launcher over ssh;
# the secret they share; and what strangers find when they come.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml
export XDG_CONFIG_HOME=$work/config
unset RANK WORLD_SIZE MASTER_ADDR MASTER_PORT TUTTI_SECRET TUTTI_SECRET_FILE

free_port()
{
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# numbers RUN: of its last checkpoint, behind the header
numbers()
{
	python3 - "$1" <<'PY'
import hashlib, sys
data = open(sys.argv[1] + "/checkpoints/last.safetensors", "rb").read()
print(hashlib.sha256(data[8 + int.from_bytes(data[:8], "little"):]).hexdigest())
PY
}

# all_end NAME: what was started in the background does, well
all_end()
{
	command=$1
	shift
	for pid in "$@"; do
		wait "$pid" || fail "$command: exit code $?"
	done
}

wait_for()
{
	for _ in $(seq 600); do
		grep -q "$2" "$1" 2>/dev/null && return
		sleep 0.05
	done
	fail "$command: $1 never says '$2'"
}

# nothing_left RUN: no process has this folder on its command line
nothing_left()
{
	for _ in $(seq 200); do
		pgrep -f -- "--run $1" >/dev/null || return 0
		sleep 0.1
	done
	fail "$command: processes are left: $(pgrep -af -- "--run $1")"
}

# ---- four ways to start two workers, and one result ----
port=$(free_port)
for r in 1 0; do
	"$tutti" train "$spec" -q --run hand --rendezvous tcp://127.0.0.1:$port --rank $r --world 2 \
		>"$out" 2>"$err.$r" &
	pids[r]=$!
done
all_end "by hand" "${pids[@]}"
says "$out" "workers     2; each sent"
want=$(numbers hand)

# who waits says so, and who has come
port=$(free_port)
command="by hand, one by one"
"$tutti" train "$spec" --run slow --rendezvous tcp://127.0.0.1:$port --rank 0 --world 2 \
	>/dev/null 2>first &
pid=$!
wait_for first "waiting at tcp://127.0.0.1:$port for 1 of 2 workers: 1"
run 0 "$tutti" train "$spec" --rendezvous tcp://127.0.0.1:$port --rank 1 --world 2
says "$err" "worker 1 of 2 has joined"
all_end "by hand, one by one" $pid

port=$(free_port)
for r in 0 1; do
	RANK=$r WORLD_SIZE=2 LOCAL_RANK=$r MASTER_ADDR=localhost MASTER_PORT=$port \
		"$tutti" train "$spec" -q --run torchrun >"$out" 2>"$err" &
	pids[r]=$!
done
all_end "as torchrun starts" "${pids[@]}"
[ "$(numbers torchrun)" = "$want" ] || fail "torchrun's workers come to other numbers"

for r in 1 0; do
	SLURM_PROCID=$r SLURM_STEP_NUM_TASKS=2 SLURM_LOCALID=$r SLURM_STEP_NODELIST='localhos[t-z],b' \
		SLURM_JOB_ID=$$ SLURM_STEP_ID=3 "$tutti" train "$spec" -q --run srun >"$out" 2>"$err" &
	pids[r]=$!
done
all_end "as srun starts" "${pids[@]}"
[ "$(numbers srun)" = "$want" ] || fail "srun's workers come to other numbers"

run 0 "$tutti" train "$spec" -q --run local --rendezvous tcp://localhost:"$(free_port)" --rank 0 \
	--world 2 --local 2
[ "$(numbers local)" = "$want" ] || fail "--local's workers come to other numbers"

run 0 "$tutti" train "$spec" -q --run hosts --launcher ssh --hosts localhost:2
[ "$(numbers hosts)" = "$want" ] || fail "--launcher ssh's workers come to other numbers"
run 0 "$tutti" train "$spec" -q --run traced --trace trace.json --launcher ssh --hosts localhost:2
absent trace.json.1
python3 - <<'PY' || fail "the trace does not show both workers"
import json
events = json.load(open("trace.json"))
assert {e["pid"] for e in events} == {0, 1}
spans = [[e["ts"] for e in events if e["ph"] == "X" and e["pid"] == r] for r in (0, 1)]
assert max(min(s) for s in spans) < min(max(s) for s in spans)          # by one clock
PY
run 99 "$tutti" train "$spec" --run hosts --launcher ssh --hosts localhost:2 --resume
one_line "$err"
says "$err" "hosts: nothing to do, all 2 epochs are done (to go on: more of them, such as -e 4)"
run 0 "$tutti" train "$spec" --resume hosts --launcher ssh --hosts localhost:2 -q -e 3
run 0 "$tutti" train "$spec" --run hosts --launcher ssh --hosts localhost:2 -q -e 4 --resume
# more workers than cores: each with one thread, or they would wait for one another's
many=$(($(nproc) + 1))
if [ $many -le 9 ]; then
	run 0 "$tutti" train "$spec" -t 0 --run many --launcher ssh --hosts localhost:$many --epochs 1
	says "$err" "$many workers by allreduce, 1 thread each;"
	run 0 "$tutti" train "$spec" -t 0 --launcher ssh --hosts localhost:$many --dry-run
	[ "$(grep -cE '^ *[0-9]+ +[^ ]+ +1 ' "$out")" -eq $many ] || fail "threads are not dealt out"
fi
# numbers that overflow would again: one line, and no restart
run 1 "$tutti" train "$spec" -q --run nan --launcher ssh --hosts localhost:2 --restarts 2 \
	--set train.optimizer.lr=1e30
one_line "$err"
says "$err" "the loss is not finite on 2"
exists nan/checkpoints/last.safetensors
run 0 "$tutti" train "$spec" --launcher ssh --hosts localhost:2 --dry-run
[ "$(grep -c "on cores" "$out")" -eq 1 ] || fail "places are not shown"
says "$out" "--rendezvous - --rank 0 --world 2 --local 2"

# ---- what does not go together ----
run 2 "$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:9 --world 2
says "$err" "--rank and --world say which worker this is"
run 2 "$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:9 --rank 2 --world 2
says "$err" "--rank is 2, but with --world 2 it must be 0 or 1"
run 2 "$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:9 --rank 1 --world 2 --local 2
says "$err" "--local 2 starts workers 1 to 2, but with --world 2 the last one is 1"
run 2 "$tutti" train "$spec" -q --run bad --rank 1
says "$err" "go with --rendezvous"
run 2 "$tutti" train "$spec" -q --run bad --rendezvous localhost --rank 0 --world 2
says "$err" "tcp://host:port is wanted"
run 2 "$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:9 --rank 0 --world 1 \
	--set distribute.transport=mpi
says "$err" "these workers are started without MPI"
absent bad

# ---- secrets ----
[ "$(stat -c %a config/tutti/secret)" = 600 ] || fail "others may read the secret that was made"
head -c 32 /dev/urandom | base64 >secret
run 2 "$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:9 --rank 0 --world 2 \
	--secret secret
says "$err" "others may read or change this secret"
chmod 600 secret
echo short >short
chmod 600 short
run 2 env TUTTI_SECRET_FILE=short "$tutti" train "$spec" -q --run bad \
	--rendezvous tcp://localhost:9 --rank 0 --world 2
says "$err" "a secret is one line of 16 to 256 characters, not 5"

port=$(free_port)
"$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:$port --rank 1 --world 2 \
	--secret secret --set distribute.timeout=0.1 >/dev/null 2>other &
pid=$!
run 75 "$tutti" train "$spec" -q --run bad --rendezvous tcp://localhost:$port --rank 0 --world 2 \
	--set distribute.timeout=0.1
says_like "$err" "worker 1 of 2 did not connect to worker 0 within (20|19).?[0-9]? s; who came did not know this group's secret"
wait $pid
says_like other "worker 0 of 2 did not connect to worker 1 within (20|19).?[0-9]? s: who answers there does not know"

# ---- another machine, by an ssh that only plays ----
cat >plays <<'END'
#!/bin/sh
echo "$*" >>calls
case $1 in
nobody) echo "ssh: Could not resolve hostname nobody: Name or service not known" >&2; exit 255 ;;
nowhere) echo "ssh: connect to host nowhere port 22: No route to host" >&2; exit 255 ;;
esac
shift
exec sh -c "$*"
END
chmod +x plays
export TUTTI_SSH=./plays
run 0 "$tutti" train "$spec" -q --run ssh --launcher ssh --hosts there,localhost \
	--set "name=it's"
[ "$(numbers ssh)" = "$want" ] || fail "workers over ssh come to other numbers"
grep -q "^there cd .* && exec .*--rank 0 --world 2 --local 1$" calls || fail "ssh is called otherwise"
! grep -qE '[0-9a-f]{64}' calls || fail "a secret stands on a command line"
run 75 "$tutti" train "$spec" -q --run far --launcher ssh --hosts localhost,nowhere
says "$err" "host nowhere cannot be reached"
says "$err" "nothing was trained"
lacks "$err" "--resume"
nothing_left far
absent far
for more in "" "--restarts 3"; do
	run 2 "$tutti" train "$spec" -q --launcher ssh --hosts localhost,nobody $more
	one_line "$err"
	says "$err" "no address is known of host nobody: nothing was trained"
	absent runs
done
run 0 "$tutti" train "$spec" -q --run again --launcher ssh --hosts localhost:2,nowhere --restarts 3
says "$err" "nowhere has failed 2 times and is left out"
[ "$(numbers again)" = "$want" ] || fail "who is left comes to other numbers"

# ---- while it runs: who listens, and what strangers can do ----
command="train --launcher ssh"
"$tutti" train "$spec" -q --run long --epochs 9000 --launcher ssh --hosts localhost:2 \
	>"$out" 2>"$err" &
pid=$!
wait_for long/log.txt "epoch 2/"
for p in $(pgrep -f -- "--run long"); do
	! ss -ltnp 2>/dev/null | grep "pid=$p," >listening || fail "somebody listens: $(cat listening)"
done
kill -TERM $pid
wait $pid
[ $? -eq 143 ] || fail "$command: exit code $?, not 143"
says "$err" "stopped after step"
says "$err" "stopped by SIGTERM; go on"
says "$err" "by \`tutti train $spec -q --run long --epochs 9000 --launcher ssh --hosts localhost:2 --resume\`"
lacks "$err" "--rendezvous"
exists long/checkpoints/last.safetensors
nothing_left long

# what came is what is said, by who heard it
for signal in INT USR1; do
	(set -m; exec "$tutti" train "$spec" -q --run "told$signal" --epochs 9000 --launcher ssh \
		--hosts localhost,there --restarts 2 >"$out" 2>"$err") &
	pid=$!
	command="train --launcher ssh, stopped by SIG$signal"
	wait_for "told$signal/log.txt" "epoch 2/"
	python3 -c 'import os, signal, sys; os.kill(int(sys.argv[1]), getattr(signal, sys.argv[2]))' \
		$pid SIG$signal
	wait $pid
	code=$?
	[ $code -eq $((128 + $(kill -l $signal))) ] || fail "$command: exit code $code"
	says "$err" "stopped after step"
	says "$err" "stopped by SIG$signal; go on"
done

# a guard that is killed is named, and its worker with it
"$tutti" train "$spec" -q --run guard --epochs 9000 --launcher ssh --hosts localhost,there \
	--set distribute.timeout=2 >"$out" 2>"$err" &
pid=$!
command="train --launcher ssh, a guard killed"
wait_for guard/log.txt "epoch 2/"
for p in $(pgrep -x "tutti guard 1"); do               # this run's: others may be under way
	[ "$(readlink /proc/$p/cwd)" != "$work" ] || kill -KILL $p
done
wait $pid
code=$?
[ $code -eq 75 ] || fail "$command: exit code $code, not 75"
says_like "$err" "rank 1 \(host .*, pid [0-9]+\) was killed by SIGKILL: its guard was"

# the launcher is killed: the workers write a checkpoint, and nothing is left
"$tutti" train "$spec" -q --run orphan --epochs 9000 --launcher ssh --hosts localhost,there \
	>"$out" 2>"$err" &
pid=$!
wait_for orphan/log.txt "epoch 2/"
kill -KILL $pid
wait $pid 2>/dev/null
nothing_left orphan
says orphan/log.txt "stopped on request"

# a port that is talked to by everybody: the second worker still comes in
port=$(free_port)
"$tutti" train "$spec" -q --run crowd --rendezvous tcp://127.0.0.1:$port --rank 0 --world 2 \
	>"$out" 2>"$err" &
pid=$!
python3 - $port <<'PY' &
import os, socket, sys, time
end, idle, n = time.time() + 6, [], 0
while time.time() < end:
    try:
        s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=1)
        words = [b"GET / HTTP/1.1\r\n\r\n", b"", os.urandom(200), b"tutti-2\0" + b"\xff" * 84,
                 b"tutti-2\0" + bytes(84)][n % 5]
        s.sendall(words)
        idle = idle[-500:] + [s]
    except OSError:
        time.sleep(0.01)
    n += 1
PY
flood=$!
sleep 1
run 0 timeout 30 "$tutti" train "$spec" -q --run crowd --rendezvous tcp://127.0.0.1:$port --rank 1 \
	--world 2
all_end "train, while strangers call" $pid
[ "$(numbers crowd)" = "$want" ] || fail "strangers change the numbers"
kill $flood 2>/dev/null
wait $flood 2>/dev/null

# ---- encrypted ----
run 0 "$tutti" train "$spec" -q --run sealed --launcher ssh --hosts localhost:2 --set distribute.encrypt=yes
[ "$(numbers sealed)" = "$want" ] || fail "encrypted numbers are others"
exit 0
