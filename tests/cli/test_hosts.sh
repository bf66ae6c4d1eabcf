# Hosts: who would run where, joining a launcher, restarts without the host that fails, signals.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml
library=$("$tutti" info | grep -E '^ *mpi ' || true)
: "${TUTTI_MPIRUN:=mpirun}"
export TUTTI_MPIRUN

# ---- what would run where, and nothing is done ----
run 0 "$tutti" train "$spec" --workers 2 --dry-run
says "$out" "this, a thread"
run 0 env TUTTI_MPIRUN=false "$tutti" train "$spec" --hosts a:2,b --dry-run --epochs 1
says "$out" "part 2 of 2"
says "$out" "did not answer"
says "$out" "false -np 3"
says "$out" "a:2,b:1"
lacks "$out" "--dry-run"
absent runs
run 2 "$tutti" train "$spec" --hosts a --workers 2
says "$err" "--hosts a:2"
run 2 "$tutti" train "$spec" --hosts a:2,b:3 -w 5
says "$err" "leave --workers out"
run 2 "$tutti" train "$spec" --rendezvous tcp://localhost:9 --rank 0 --world 2 --workers 2
says "$err" "--world 2 --rank 0 --local 2"
absent runs
run 2 "$tutti" train "$spec" --hosts a:x
says "$err" "a number from 1 to"
run 2 "$tutti" train "$spec" --set distribute.strategy=alreduce
says "$err" "allreduce"

# ---- a launcher that we are not made for ----
run 2 env SLURM_STEP_NUM_TASKS=4 SLURM_PROCID=0 "$tutti" train "$spec" -q --run slurm
says "$err" "srun has started 4 tasks that know nothing of one another"
absent slurm

# ---- started again, and without the host that failed twice: a launcher that only plays ----
cat >fake <<'END'
#!/bin/sh
echo "$*" >>calls
case $(wc -l <calls) in
1) echo "tutti train: rank 2 (host other-name, pid 9) was killed by SIGKILL" >&2
   echo "tutti train: rank 2 (host other-name, pid 9) said nothing for 60 s while rank 0 waited" >&2
   echo "tutti train: rank 0 (host a, pid 7) said nothing for 60 s while rank 2 waited" >&2
   exit 75 ;;
2) echo "ssh: connect to host b port 22: No route to host" >&2
   exit 1 ;;
*) exit 0 ;;
esac
END
chmod +x fake
run 0 env TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a:2,b:3,aa --run again --restarts 3
says "$err" "b has failed 2 times and is left out"
says "$err" "starting again, 2 of 3, with 3 workers"
says "$err" "rank 2 (host other-name, pid 9) was killed"
sed -n 1p calls >"$out"
says "$out" "a:2,b:3,aa:1"
lacks "$out" "--resume"
sed -n 2p calls >"$out"
says "$out" "a:2,b:3,aa:1"
says "$out" "--resume"
sed -n 3p calls >"$out"
says "$out" "-np 3"
says "$out" "a:2,aa:1"
[ "$(wc -l <calls)" -eq 3 ] || fail "a launcher that succeeds is called again"

# nobody is blamed for a mistake of the user's, and it is not repeated
rm calls
printf '#!/bin/sh\necho x >>calls\necho "tutti train: a.yaml: no such file" >&2\nexit 2\n' >fake
run 2 env TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a,b --run again --restarts 3
[ "$(wc -l <calls)" -eq 1 ] || fail "a mistake is repeated"

# nor for what a worker gives up for, whichever rank's exit code the launcher hands on
rm calls
cat >fake <<'END'
#!/bin/sh
echo x >>calls
echo "tutti train: rank 1 (host b, pid 9) gave up: data.train: there is no such file" >&2
exit 75
END
run 1 env TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a,b --run again --restarts 3
[ "$(wc -l <calls)" -eq 1 ] || fail "what a worker gave up for is tried again"
lacks "$err" "go on"

# a launcher that never ends after a worker has given up is ended
cat >fake <<'END'
#!/bin/sh
echo "tutti train: rank 1 (host b, pid 9) said nothing for 60 s while rank 0 waited" >&2
exec sleep 100
END
run 75 env TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a,b --run again
says "$err" "nothing was trained"
lacks "$err" "--resume"
sed -i '2i mkdir -p saved/checkpoints; : >saved/checkpoints/last.safetensors' fake
run 75 env TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a,b --run saved
says "$err" "by \`tutti train $spec -q --hosts a,b --run saved --resume\`"

# who does not come to the start is who has not complained; if that is most, it is our own link
cat >fake <<'END'
#!/bin/sh
for r in $WAIT; do
	echo "tutti train: rank $r (host x, pid 9) waited in vain for all others to start" >&2
done
exit 75
END
run 75 env WAIT="0 1 3" TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a:2,b,c --run again
says "$err" "host b cannot be reached"
run 75 env WAIT="0 1" TUTTI_MPIRUN=./fake "$tutti" train "$spec" -q --hosts a:2,b,c --run again
says "$err" "host a is cut off"

# ---- for real, on this machine ----
case $library in
*"Open MPI"*) ;;
*) exit 0 ;;
esac
command -v "$TUTTI_MPIRUN" >/dev/null || exit 0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0"
run 0 "$TUTTI_MPIRUN" --oversubscribe --bind-to none -np 3 "$tutti" train "$spec" --dry-run
says "$out" "on cores"
[ "$(wc -l <"$out")" -eq 4 ] || fail "not one line for each worker"
run 0 "$tutti" train "$spec" --dry-run --hosts localhost:2
lacks "$out" "did not answer"
run 2 env PMI_RANK=0 PMI_SIZE=4 "$tutti" train "$spec" -q --run alone
says "$err" "sees 1: start it with that library's own mpirun"
absent alone

# a host that never answers: the launcher itself waits, and is not waited for; nothing is left of it
printf '#!/bin/sh\necho $$ >>agents\nexec sleep 1000\n' >agent
chmod +x agent
run 75 env OMPI_MCA_plm=rsh OMPI_MCA_plm_rsh_agent="$work/agent" \
	"$tutti" train "$spec" -q --hosts localhost,nowhere --run late --set distribute.timeout=1
says "$err" "no worker has started within 21 s"
says "$err" "host nowhere cannot be reached"
lacks "$err" "host localhost"
sleep 0.5
for pid in $(cat agents); do
	! grep -q sleep "/proc/$pid/cmdline" 2>/dev/null || fail "$command: left an agent behind"
done

# one that falls silent: its guard is stopped, and so it cannot speak for its worker either
"$tutti" train "$spec" -q --run silent --epochs 9000 --hosts localhost:2 \
	--set distribute.timeout=1 >"$out" 2>"$err" &
pid=$!
for _ in $(seq 600); do
	grep -q "epoch 2/" silent/log.txt 2>/dev/null && break
	sleep 0.05
done
kill -STOP $(cat /proc/$pid/task/$pid/children)
wait $pid
code=$?
command="train --hosts, its mpirun stopped"
[ $code -eq 75 ] || fail "$command: exit code $code, not 75"
says "$err" "nothing was heard of any host"

# a signal: all stop after the same step, with a checkpoint
"$tutti" train "$spec" -q --run signal --epochs 900 --hosts localhost:2 >"$out" 2>"$err" &
pid=$!
for _ in $(seq 600); do
	grep -q "epoch 2/" signal/log.txt 2>/dev/null && break
	sleep 0.05
done
# meanwhile workers of one machine listen to nobody
for p in $(pgrep -f -- "--run signal"); do
	case $(cat /proc/$p/comm) in mpirun*|mpiexec*|orted*) continue ;; esac
	! ss -ltnp 2>/dev/null | grep "pid=$p," >listening ||
		fail "somebody listens: $(cat listening)"
done
kill -HUP $pid                  # mpirun passes on two signals, and this is none of them
wait $pid
code=$?
command="train --hosts, told to stop"
[ $code -eq 129 ] || fail "$command: exit code $code, not 129"
says "$err" "stopped after step"
says "$err" "stopped by SIGHUP; go on"
lacks "$err" "SIGTERM"
exists signal/checkpoints/last.safetensors
says signal/log.txt "stopped on request"
