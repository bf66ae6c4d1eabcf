# The example programs in C do what their heads say, on a data set of noise made here.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

examples=$(dirname "$tutti")/examples
[ -x "$examples/train_lenet" ] || { echo "skipped: the examples are not built"; exit 77; }

# big_endian N: as IDX headers have it
big_endian()
{
	printf "\\$(printf %o $(($1 >> 8)))\\$(printf %o $(($1 & 255)))"
}

# idx NAME COUNT: COUNT pictures and labels
idx()
{
	{ printf '\0\0\10\3\0\0'; big_endian "$2"; printf '\0\0\0\34\0\0\0\34'
	  seq 1000000 | head -c $(($2 * 784)); } >"mnist/$1-images-idx3-ubyte"
	{ printf '\0\0\10\1\0\0'; big_endian "$2"
	  for i in $(seq "$2"); do printf "\\$(printf %o $((i % 10)))"; done; } >"mnist/$1-labels-idx1-ubyte"
}

mkdir mnist
idx train 640
idx t10k 64

run 0 "$examples/train_lenet" mnist lenet.safetensors
says "$out" "epoch 2: loss"
empty "$err"
run 0 "$examples/predict" lenet.safetensors 'mnist:mnist?split=test' 3
says "$out" "sample 2: class"
[ "$(wc -l <"$out")" -eq 3 ] || fail "three samples, but not three lines"
run 1 "$examples/predict" lenet.safetensors synth:objects
one_line "$err"
run 1 "$examples/train_lenet" no-such-folder
one_line "$err"
run 2 "$examples/predict"

# what C made, the command line can use
run 0 "$tutti" eval lenet.safetensors 'mnist:mnist?split=test' -q
says "$out" "samples     64"
