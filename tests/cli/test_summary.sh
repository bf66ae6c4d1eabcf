# The last lines of a run: which epoch each number and each file belongs to, and how fast it was.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml

# cells WHICH: the row of the best or the last epoch, cells divided by single spaces
cells() { sed -n "s/^$1  *//p" "$out" | sed 's/ %//g; s/  */ /g'; }

# measured EPOCH: what metrics.csv says of it, as the table does
measured()
{
	python3 - "$1" <<'END'
import csv, sys
v = {(r["split"], r["name"]): float(r["value"]) for r in csv.DictReader(open("one/metrics.csv"))
     if int(r["epoch"]) == int(sys.argv[1]) - 1}
print(sys.argv[1], *("%.2f" % (100 * v[s, "accuracy"]) for s in ("valid", "train")),
      *(("%.4f" if v[s, "loss"] < 1e4 else "%.6g") % v[s, "loss"] for s in ("valid", "train")))
END
}

# a rate that grows tenfold spoils the second epoch: the best is the first
spoil="--set train.schedule.kind=exponential --set train.schedule.gamma=10
       --set train.tensorboard.every_steps=0"
run 0 "$tutti" train "$spec" --run one $spoil
[ "$(cells best)" = "$(measured 1) one/checkpoints/best.safetensors" ] ||
	fail "the best epoch is not the first: $(cells best)"
[ "$(cells last)" = "$(measured 2) one/checkpoints/last.safetensors" ] ||
	fail "the last epoch is not the second: $(cells last)"

# what was best before a run was resumed stays the best
run 0 "$tutti" train "$spec" --run one $spoil --epochs 3 --resume
[ "$(cells best)" = "$(measured 1) one/checkpoints/best.safetensors" ] ||
	fail "the best epoch after a resume is not the first: $(cells best)"
case $(cells last) in "3 "*) ;; *) fail "the last epoch after a resume is not the third";; esac
says "$out" "samples/s in steps"

# what is there to be pasted is what a shell reads as the folder, whatever its name
odd="it's a \$run; (one)"
run 0 "$tutti" train "$spec" -q --run "$odd" --epochs 1
pasted=$(sed -n 's/^curves .*tensorboard --logdir //p' "$out")
[ "$(eval "printf %s $pasted")" = "$odd" ] || fail "a shell reads $pasted otherwise"

# without validation there are no columns for it
run 0 "$tutti" train "$spec" -q --set data.valid=
says "$out" "train accuracy"
lacks "$out" "valid accuracy"

# one step is a step, at the start of a warm-up too
run 0 "$tutti" train "$spec" -q --run still --epochs 1 --set train.batch=256 \
	--set train.optimizer.lr=1e-30
run 0 "$tutti" train "$spec" -q --run warm --epochs 1 --set train.batch=256 \
	--set train.schedule.warmup_epochs=3
cmp -s still/checkpoints/last.safetensors warm/checkpoints/last.safetensors &&
	fail "the first step of a warm-up changed nothing"
grep -q '^1,0,train,lr,0.01666' warm/metrics.csv || fail "the first of three rises is not a third"
