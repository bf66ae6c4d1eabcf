# What cannot be done is said before kernels are measured, which may take minutes.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml
run 0 "$tutti" train "$spec" -q --run good --epochs 1

# unmeasured CODE TEXT COMMAND...: it fails so, and nothing was measured
unmeasured()
{
	local code=$1 text=$2
	shift 2
	rm -f cold.txt
	run "$code" "$tutti" "$@" --kernel-cache cold.txt
	says "$err" "$text"
	! grep -q / cold.txt 2>/dev/null || fail "$command: kernels were measured first"
}

on="--tune-kernels on"
run 0 "$tutti" train "$spec" -q --epochs 1 $on --kernel-cache warm.txt
[ "$(grep -c '/' warm.txt)" -gt 2 ] || fail "no kernel was measured: this test tests nothing"

unmeasured 1 "no such file" train "$spec" -q $on --set data.train=images:nowhere
unmeasured 1 "no such file" train "$spec" -q $on --set data.valid=images:nowhere
unmeasured 1 "data.train" train "$spec" -q $on --set 'data.train=synth:objects?size=8'
unmeasured 1 "data.valid" train "$spec" -q $on --set 'data.valid=synth:objects?size=8'
unmeasured 1 "10 classes" train "$spec" -q $on --set model.layers.4.out=3
unmeasured 2 "monitor" train "$spec" -q $on --set train.early_stop.monitor=joy
unmeasured 2 "optimizer" train "$spec" -q $on --run good --resume --epochs 2 \
	--set train.optimizer.kind=adam
unmeasured 1 "cannot open" train "$spec" -q $on --resume=gone.safetensors
unmeasured 1 "no such file" eval good images:nowhere
unmeasured 1 "the model wants 3x16x16" eval good 'synth:objects?size=8'
