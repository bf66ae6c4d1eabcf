# Places that cannot be written and disks that are full: an error, and what was there stays whole.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml

# a folder that cannot be made (for root as well)
: >file
run 1 "$tutti" train "$spec" --run file/run
one_line "$err"
says "$err" "file"
run 1 "$tutti" train "$spec" --runs file/runs
one_line "$err"
run 1 "$tutti" data 'synth:objects?size=16&count=4' --sheet file/sheet.png
one_line "$err"
run 1 "$tutti" data 'synth:objects?size=16&count=4' --export file/pictures
one_line "$err"

# stdout on a full disk
"$tutti" help >/dev/full 2>"$err" && fail "help on a full disk is no failure"
one_line "$err"

# a kernel cache that cannot be kept is no reason not to train
run 0 env XDG_CACHE_HOME="$work/file" "$tutti" train "$spec" -q --run cacheless --epochs 1

# files may grow to 8 KiB only: the checkpoint (20 KiB of parameters and as much momentum) does not fit
run 0 "$tutti" train "$spec" -q --run full --epochs 1
cp full/checkpoints/last.safetensors before
(ulimit -f 8; exec "$tutti" train "$spec" -q --run full --resume --epochs 2) >"$out" 2>"$err"
code=$?
command="train under ulimit -f 8"
[ $code -eq 1 ] || fail "a full disk gives exit code $code"
says "$err" "full/"
one_line "$err"
cmp -s before full/checkpoints/last.safetensors || fail "the old checkpoint was damaged"
[ -z "$(find full -name '*.tmp*')" ] || fail "half a file was left behind"
run 0 "$tutti" train "$spec" -q --run full --resume --epochs 2

# an import that does not fit leaves nothing
(ulimit -f 8; exec "$tutti" import "$TUTTI_SOURCE/tests/onnx/resnet.onnx" -o net) >"$out" 2>"$err"
code=$?
command="import under ulimit -f 8"
[ $code -eq 1 ] || fail "a full disk gives exit code $code"
one_line "$err"
[ ! -e net ] || fail "an empty folder was left behind"
