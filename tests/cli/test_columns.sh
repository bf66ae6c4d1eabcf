# Columns of every kind: what is found in the training rows is kept with the model, and other rows
# become the same features; rows without a target get answers under their names.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

rows()                  # rows FIRST LAST: a shop pays by its colour and age
{
	awk -v a="$1" -v b="$2" 'BEGIN {
		split("red green blue", colour); print "order_id,age,colour,since,member,kind"
		for (i = a; i <= b; i++) {
			c = i % 3 + 1; age = (i * 7) % 40
			print "o" i "," (i % 11 ? age : "NA") "," colour[c] ",2026-01-" sprintf("%02d", i % 28 + 1) \
				"," (i % 2 ? "yes" : "no") "," (c == 1 ? "pays" : c == 2 ? "asks" : "goes")
		} }'
}
rows 1 120 >train.csv
rows 121 160 >valid.csv

# what each column is, is shown
run 0 "$tutti" data 'csv:train.csv?missing=mean'
says_like "$out" "^ +order_id +id"
says_like "$out" "^ +age +numeric +10 missing"
says_like "$out" "^ +colour +category of 3"
says_like "$out" "^ +since +date"
says_like "$out" "^ +member +boolean"
says_like "$out" "^ +kind +target"
run 0 "$tutti" data 'csv:train.csv?missing=mean' --json
says "$out" '{"name": "colour", "kind": "category", "missing": 0, "values": 3}'
run 1 "$tutti" data csv:train.csv
says "$err" "train.csv:12: column 1 ('age'): 'NA' is not a finite number; mend it, or leave such rows out: ?bad_rows=skip, or fill the gaps: ?missing=mean"

cat >columns.yaml <<'Y'
name: columns
data: {train: "csv:train.csv?missing=mean", valid: "csv:valid.csv", normalise: standard}
model: {input: [7], loss: cross_entropy, layers: [dense: {name: fc, out: 3}]}
train: {epochs: 12, batch: 20, threads: 1, tune_kernels: no, optimizer: {kind: adam, lr: 0.1}}
Y
run 0 "$tutti" train columns.yaml --run one -q
says_like "$out" "^best .*100\.00 %"
run 0 "$tutti" eval one                      # the gaps of valid.csv are filled as the model knows
says "$out" "accuracy    100.00 %"
run 0 "$tutti" train columns.yaml --run one --resume -q --epochs 13

# rows without a target, in another order, with a new category: ids, classes, and a word of it
awk -F, -v OFS=, '{ print $4, $3, $5, $1, $2 }' valid.csv | sed '3s/red/mauve/; 3s/green/mauve/; 3s/blue/mauve/' >new.csv
run 0 "$tutti" predict one new.csv -o answers.csv
[ ! -s "$out" ] || fail "a file is written, and stdout too"
says "$err" "1 cell with categories that training has not seen, the first of 'colour': 'mauve' (new.csv:3)"
[ "$(head -1 answers.csv)" = "order_id,truth,class_1,probability_1,class_2,probability_2,class_3,probability_3" ] ||
	fail "the header is $(head -1 answers.csv)"
[ "$(wc -l <answers.csv)" -eq 41 ] || fail "not an answer for each row"
awk -F, 'NR == FNR { want[$1] = $6; next } FNR > 1 && FNR != 3 && want[$1] != $3 { bad = 1; print $0, want[$1] }
	END { exit bad }' valid.csv answers.csv || fail "other classes than in truth"
run 0 "$tutti" predict one new.csv -n 2
says_like "$out" "^o121 +(pays|asks|goes) "
run 0 "$tutti" predict one new.csv --json -o a.json
says a.json '"ids": {"order_id": "o121"}'
run 1 "$tutti" predict one new.csv -o no/such/folder.csv
[ ! -e no ] || fail "a folder appeared"
cp new.csv kept.csv                          # what is read is not written over
cp one/checkpoints/best.safetensors kept.safetensors
run 2 "$tutti" predict one new.csv -o ./new.csv
says "$err" "./new.csv: this is what is read"
run 2 "$tutti" predict one 'csv:new.csv?bad_rows=skip' -o new.csv
run 2 "$tutti" predict one new.csv -o one/checkpoints/best.safetensors
run 2 "$tutti" predict one - -o new.csv <new.csv
run 2 "$tutti" export one --safetensors one/checkpoints/best.safetensors
run 2 "$tutti" export one --safetensors a.out --onnx a.out
run 2 "$tutti" train columns.yaml --run no -q --trace columns.yaml
cmp new.csv kept.csv && cmp one/checkpoints/best.safetensors kept.safetensors || fail "written over"
[ ! -e a.out ] && [ ! -e no ] || fail "refused, and something was written"
run 0 "$tutti" eval one csv:valid.csv
cp "$out" before.txt
awk -F, -v OFS=, '{ print "\"" $3 "\"", "ignored, it is", $1, $2, $4, $5, $6 }' valid.csv |
	sed 's/,/;/g; s/; it is/, it is/' | sed 's/$/\r/' | gzip >other.csv.gz   # separators, quotes, CRLF, gzip
run 0 "$tutti" eval one csv:other.csv.gz
grep -E '^(loss|accuracy)' before.txt >a.txt
grep -E '^(loss|accuracy)' "$out" | cmp - a.txt || fail "the same rows in another form, other numbers"

# whoever prepares samples elsewhere is told how
run 0 "$tutti" export one --onnx one.onnx
grep -qaF '{"x": ["' one.onnx || fail "the features have no names in ONNX"
grep -qaF '{"columns": [' one.onnx || fail "how cells become features is not in ONNX"
run 0 "$tutti" import one.onnx -o back       # and so is tutti: raw rows become the same answers
run 0 "$tutti" predict one new.csv -o answers.csv
run 0 "$tutti" predict back new.csv -o a.csv
says "$err" "1 cell with categories that training has not seen"
cmp answers.csv a.csv || fail "from ONNX other answers to raw rows"
run 0 "$tutti" eval back csv:valid.csv
grep -E '^(loss|accuracy)' "$out" | cmp - a.txt || fail "from ONNX other numbers"

# a target that names rows
run 1 "$tutti" train columns.yaml --run two -q --set 'data.train=csv:train.csv?missing=mean&label=order_id'
says "$err" "column 0 ('order_id') is the target and another one in each of 120 rows"
[ ! -e two ] || fail "a run folder was made"

# workers find the same
run 0 "$tutti" train columns.yaml --run workers -q --workers 2
says_like "$out" "^best .*100\.00 %"

# one table is cut: what is trained on, validated and tested with; only training rows teach
sed 's/data: .*/data: {train: "csv:train.csv?missing=mean", normalise: standard, split: {valid: 0.2, test: 0.1, stratify: yes}}/' \
	columns.yaml >cut.yaml
run 0 "$tutti" train cut.yaml --run cut -q
says_like "$out" "^best .*100\.00 %"
run 0 "$tutti" eval cut
says_like "$out" "^samples +24$"
run 0 "$tutti" eval cut --part test
says_like "$out" "^samples +12$"
run 0 "$tutti" eval cut --part train
says_like "$out" "^samples +84$"
run 0 "$tutti" train cut.yaml --run cut --resume -q --epochs 13
run 2 "$tutti" eval one --part test
says "$err" "does not split its data"
lacks "$err" "no data.valid"
run 2 "$tutti" eval cut csv:valid.csv --part test
says "$err" "--part is of the run's own data: leave 'csv:valid.csv' out"
run 2 "$tutti" train cut.yaml --run no -q --set data.valid=csv:valid.csv
says "$err" "data.split cuts data.train, and data.valid is set: leave one of them out"
awk -F, -v OFS=, '{ print $0, (NR == 1 ? "shop" : "s" NR % 7) }' train.csv >shops.csv
run 0 "$tutti" train cut.yaml --run group -q --set 'data.train=csv:shops.csv?missing=mean&label=kind' \
	--set 'data.split={valid: 0.3, group: shop}'
run 2 "$tutti" train cut.yaml --run no -q --set 'data.split={valid: 0.3, group: town}'
says "$err" "no column is called 'town'"

# cross-validation
run 0 "$tutti" train cut.yaml --run folds --folds 3 -q
says "$out" "3 folds"
says_like "$out" "^best .*\(valid\.accuracy\)$"
says_like "$out" "^accuracy +[0-9.]+ +[0-9.e-]+ +\(last epoch\)"
[ -f folds/fold-2/checkpoints/best.safetensors ] || fail "no run of the last fold"
run 0 "$tutti" eval folds
says_like "$out" "^folds/fold-2 .*\(valid\)$"
says_like "$out" "^of all 3 +mean +deviation"
run 0 "$tutti" eval folds/ --json
python3 - "$out" <<'P' || fail "the mean of the folds"
import json, statistics, sys
e = json.loads(open(sys.argv[1]).read().splitlines()[-1])
one = [m["metrics"]["loss"] for m in e["models"]]
assert len(one) == 3 and len({m["samples"] for m in e["models"]}) <= 2
assert abs(e["metrics"]["loss"]["mean"] - statistics.mean(one)) < 1e-9
assert abs(e["metrics"]["loss"]["deviation"] - statistics.stdev(one)) < 1e-9
P
# a folder of folds has no model of its own: who needs one is told how to name it
for verb in "predict folds csv:valid.csv" "show folds" "export folds --onnx f.onnx" \
	"generate folds --prompt a"; do
	run 2 "$tutti" $verb
	says "$err" "a cross-validation has a model for each of its 3 folds"
	says "$err" "name one, such as folds/fold-0"
done
run 0 "$tutti" predict folds/fold-0 csv:valid.csv
run 0 "$tutti" train cut.yaml --run jfolds --folds 2 --json --epochs 1 --set data.valid=csv:valid.csv
[ "$(wc -l <"$out")" -eq 1 ] || fail "more than a line of JSON: $(cat "$out")"
says "$out" '"valid_accuracy": {"mean": '
run 2 "$tutti" train cut.yaml --run folds --folds 3 -q
says "$err" "this folder is there already"
run 2 "$tutti" train cut.yaml --run no --folds 3 -q --trace t.json
says "$err" "and --trace out"
