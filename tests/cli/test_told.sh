# What is told: in plain characters whatever files are called and hold, and with the way out.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

# plain CODE COMMAND...: as run, and nothing of what it says moves a cursor
plain()
{
	run "$@"
	for f in "$out" "$err"; do
		LC_ALL=C tr -d '\11\12\40-\176\200-\377' <"$f" | cmp -s - /dev/null ||
			fail "$command: ${f##*/} holds control characters"
		iconv -f UTF-8 -t UTF-8 "$f" >/dev/null 2>&1 || fail "$command: ${f##*/} is no text"
	done
}

odd=$'\e[31mred\a\x9b\xff'
python3 - "$odd" <<'PY'
import os, sys
odd = os.fsencode(sys.argv[1])
rows = b"".join(b"%d,%d,%s\n" % (i, i % 7, b"\x1b[31mred\a" if i % 2 else b"blue") for i in range(20))
open(odd + b".csv", "wb").write(b"a\x1b[1m,b\x07,kind\x08\n" + rows)
open("bad.csv", "wb").write(b"a\x1b[1m,b\x07,kind\x08\n1,\x1b[2J,x\n" + rows)
PY
cat >odd.yaml <<S
name: odd
data: {train: "csv:$odd.csv"}
model: {input: [2], loss: cross_entropy, layers: [dense: {name: fc, out: 2}]}
train: {epochs: 1, batch: 8, threads: 1, tune_kernels: no}
S
python3 - "$odd" <<'PY'
import os, sys
open("run.yaml", "wb").write(open("odd.yaml", "rb").read().replace(os.fsencode(sys.argv[1]), b"o"))
PY
cp "$odd.csv" o.csv

# every verb, given such a name, and such a name that is there
for verb in $("$tutti" help | sed -n 's/^  \([a-z]*\)  .*/\1/p'); do
	for word in "$odd" "$odd.csv"; do
		"$tutti" "$verb" "$word" "$word" </dev/null >"$out" 2>"$err"
		plain $? "$tutti" "$verb" "$word" "$word"
		"$tutti" "$verb" "$word" </dev/null >"$out" 2>"$err"
		plain $? "$tutti" "$verb" "$word"
	done
done
# and data whose columns and classes are called so
plain 0 "$tutti" train run.yaml --run "$odd.run"
plain 0 "$tutti" train run.yaml --run r
plain 0 "$tutti" data "csv:$odd.csv"
plain 0 "$tutti" eval r "csv:$odd.csv"
plain 0 "$tutti" show r
for format in text csv json; do
	plain 0 "$tutti" predict r "csv:$odd.csv" --format $format
	plain 1 "$tutti" predict r csv:bad.csv --format $format
done
plain 1 "$tutti" data csv:bad.csv

# an image where a list of files is read
run 0 "$tutti" train "$here/tiny.yaml" --run pictures -q --epochs 1
run 0 "$tutti" data 'synth:objects?size=16&count=10' -q --export images
picture=$(find images -name '*.png' | head -1)
plain 1 sh -c "'$tutti' predict pictures - <'$picture'"
says "$err" "stdin: line 1 names no file but holds other bytes: - reads names of files, /dev/stdin is"
plain 1 sh -c "head -c 100 '$picture' | '$tutti' predict pictures -"
run 0 sh -c "'$tutti' predict pictures /dev/stdin <'$picture'"
run 0 sh -c "echo '$picture' | '$tutti' predict pictures -"

# data that are there, seen from where the spec lies or the run was made, and not from here
mkdir -p project/specs project/data elsewhere
cp o.csv project/data/o.csv
sed 's|csv:o.csv|csv:data/o.csv|; /train: "csv/s|}|, valid: "csv:data/o.csv?label=2"}|' run.yaml >project/specs/s.yaml
cd project && run 0 "$tutti" train specs/s.yaml -q --run runs/one
cd ../elsewhere
run 1 "$tutti" eval ../project/runs/one
says "$err" "data/o.csv: cannot open: No such file or directory; it is there from $work/project: paths begin at"
run 1 "$tutti" train ../project/specs/s.yaml -q
says "$err" "it is there from $work/project: paths begin at the folder that you are in"
rm ../project/data/o.csv
run 1 "$tutti" train ../project/specs/s.yaml -q
lacks "$err" "it is there"
cd ..

# a comparison that is stopped says what it leaves and how the rest is had
"$tutti" compare "$here/tiny.yaml" -q --workers 2 --strategies average,easgd --epochs 30000 --out sides \
	>"$out" 2>"$err" &
pid=$!
command="compare, stopped"
for _ in $(seq 600); do
	[ -e sides/average/checkpoints/last.safetensors ] && break
	sleep 0.05
done
kill -TERM $pid
wait $pid
code=$?
[ $code -eq 143 ] || fail "$command: exit code $code, not 143"
says "$err" "those of 0 strategies are done and stay in sides; for the others: --strategies average,easgd --out sides-2"
