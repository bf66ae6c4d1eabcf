# A model meets tables: columns by name wherever they stand, and what it says of those that are wrong.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

# three kinds that the two features tell apart
rows()
{
	local i
	for i in 0 1 2 3 4 5 6 7; do
		echo "1.$i 10$i cat"; echo "5.$i 90$i dog"; echo "9.$i 50$i eel"
	done
}
table()                 # table FILE HEADER AWK-EXPRESSION
{
	{ echo "$2"; rows | awk -v OFS=, "{ print $3 }"; } >"$1"
}
table plain.csv length,width,kind '$1,$2,$3'
table order.csv kind,width,length '$3,$2,$1'
table nolabel.csv width,length '$2,$1'
table renamed.csv length,width,species '$1,$2,$3'
table strange.csv length,height,kind '$1,$2,$3'

cat >table.yaml <<'S'
name: table
data: {train: "csv:plain.csv", valid: "csv:order.csv", mean: [5, 500], std: [3, 300]}
model: {input: [2], loss: cross_entropy, layers: [dense: {name: fc, out: 3}]}
train: {epochs: 3, batch: 8, threads: 1, tune_kernels: no, optimizer: {kind: adam, lr: 0.1}}
S

# the target is the column of that name: in validation, evaluation, prediction, resume
run 0 "$tutti" train table.yaml --run one -q
run 0 "$tutti" eval one csv:plain.csv
grep -E '^(loss|accuracy)' "$out" >plain.txt
run 0 "$tutti" eval one csv:order.csv
grep -E '^(loss|accuracy)' "$out" | cmp - plain.txt || fail "another order of columns, other numbers"
run 0 "$tutti" predict one csv:plain.csv --format csv
cp "$out" plain.txt
run 0 "$tutti" predict one csv:order.csv --format csv
cmp "$out" plain.txt || fail "another order of columns, other answers"
run 0 "$tutti" train table.yaml --run two -q --set data.valid=csv:plain.csv \
	--set 'data.train=csv:order.csv?label=kind'
run 0 "$tutti" train table.yaml --run one --resume -q --epochs 4 --set data.train=csv:order.csv
run 0 "$tutti" predict one csv:plain.csv --format csv
cp "$out" plain.txt
run 1 "$tutti" train table.yaml --run one --resume -q --epochs 5 --set data.train=csv:strange.csv
says "$err" "data.train: "
lacks "$err" "data.valid"

# one spec for any number of classes: the run's own has the number, and goes on from any
sed 's/out: 3/out: classes/' table.yaml >any.yaml
run 0 "$tutti" train any.yaml --run any -q
grep -Eq 'out: 3' any/spec.yaml || fail "no number in the run's spec: $(cat any/spec.yaml)"
run 0 "$tutti" predict any csv:plain.csv --format csv
cp "$out" got.txt
run 0 "$tutti" train table.yaml --run fixed -q
run 0 "$tutti" predict fixed csv:plain.csv --format csv
cmp "$out" got.txt || fail "other answers than with out: 3"
run 0 "$tutti" train any.yaml --run any --resume -q --epochs 4
run 2 "$tutti" train any.yaml --run no -q --set model.loss=mse --set 'data.train=csv:plain.csv?label=width&task=regress'
says "$err" "any.yaml:3: \`out: classes\`, and the targets of data.train are no classes"
[ ! -e no ] || fail "a run folder was made"

# prediction needs no target, and takes no feature for it
run 0 "$tutti" predict one csv:nolabel.csv --format csv
cut -d, -f3- "$out" >got.txt
cut -d, -f3- plain.txt | cmp - got.txt || fail "without a target, other answers"
run 1 "$tutti" eval one csv:nolabel.csv
says "$err" "the target 'kind' is missing"
run 1 "$tutti" eval one csv:renamed.csv          # another column is not taken for it
says "$err" "the target 'kind' is missing"
run 0 "$tutti" eval one "csv:renamed.csv?label=species"
run 0 "$tutti" predict one csv:renamed.csv
lacks "$out" "in truth"

# what is wrong is told in the words of tables
table wide.csv length,width,depth,kind '$1,$2,$1,$3'
run 1 "$tutti" train table.yaml --run three -q --set data.train=csv:wide.csv
says "$err" "the source has 3 features (length, width, depth), the model wants 2: 1 too many"
grep -v eel plain.csv >two.csv
run 0 "$tutti" eval one csv:two.csv
grep -Eq '^ *eel +0 +- ' "$out" || fail "recall of a class without samples is not -"
lacks "$out" "nan"
run 2 "$tutti" predict one .
says "$err" "no image there"
run 0 "$tutti" predict one plain.csv --format csv
cut -d, -f3- "$out" >got.txt
cut -d, -f3- plain.txt | cmp - got.txt || fail "a table without csv: before it"
run 0 "$tutti" predict one - --format csv <plain.csv
cut -d, -f3- "$out" | cmp - got.txt || fail "a table on stdin"

# columns that the net does not read may hold anything, and are named
awk -F, -v OFS=, '{ print (NR == 1 ? "id" : "row-" NR), $0, (NR == 1 ? "when" : "12:00") }' \
	plain.csv >more.csv
run 0 "$tutti" predict one more.csv --format csv
says "$err" "does not read the columns when"
says_like "$out" "^id,truth,"
cut -d, -f3- "$out" | cmp - got.txt || fail "columns of text beside, other answers"
run 0 "$tutti" eval one csv:more.csv
says "$err" "does not read the columns when"
sed 's/,50.,/,x,/' plain.csv >text.csv
run 1 "$tutti" eval one csv:text.csv
says "$err" "'x' is not a finite number"

# the truth is the source's: a class that the net does not know, and columns that it does not read
sed 's/eel/lemon/; s/length/colour/' plain.csv | awk -F, -v OFS=, '
	NR == 1 { print $0, "length" } NR > 1 { print 7, $2, $3, $1 }' >odd.csv
run 0 "$tutti" predict one 'csv:odd.csv?label=kind' --format csv
says "$err" "does not know the source's class 'lemon'"
says "$err" "does not read the columns colour"
[ "$(grep -c ',lemon,' "$out")" -eq 8 ] || fail "truths are not the source's"
cut -d, -f3- "$out" | cmp - got.txt || fail "columns too many, other answers"
run 1 "$tutti" eval one 'csv:odd.csv?label=kind'
says "$err" "class 'lemon'"
run 0 "$tutti" train table.yaml --run one --resume -q --epochs 5 --set data.train=csv:more.csv

# data: a mean and std for each feature, with digits that count, ready to paste
awk -F, -v OFS=, 'NR > 1 { $1 = $1 / 1e6 } { print }' plain.csv >small.csv
run 0 "$tutti" data csv:small.csv
says "$out" "mean: [5.35e-06, 503.5]"
grep -E '^data:|^  (mean|std):' "$out" >paste.txt
[ "$(wc -l <paste.txt)" -eq 3 ] || fail "no mean and std to paste"

# a column of weights is no feature; the net knows it by name, and a row of weight 2 is two rows
rows | awk -v OFS=, 'BEGIN { print "w,length,kind,width" } { print int(NR / 2) % 3, $1, NR % 5 ? $3 : "cat", $2 }' >weighed.csv
rows | awk -v OFS=, 'BEGIN { print "length,width,kind" } { for (i = 0; i < int(NR / 2) % 3; i++) print $1, $2, NR % 5 ? $3 : "cat" }' >repeated.csv
run 0 "$tutti" train table.yaml --run weighed -q --json --set 'data.train=csv:weighed.csv?weight=w&label=kind' \
	--set data.valid=csv:weighed.csv --set train.batch=24 --set data.shuffle=no
grep -Eo '"(valid_)?(loss|accuracy)": [0-9.]+' "$out" >w.txt
run 0 "$tutti" train table.yaml --run repeated -q --json --set data.train=csv:repeated.csv \
	--set data.valid=csv:repeated.csv --set train.batch=24 --set data.shuffle=no
grep -Eo '"(valid_)?(loss|accuracy)": [0-9.]+' "$out" >r.txt
python3 - w.txt r.txt <<'PY' || fail "weights are not as many rows: $(paste w.txt r.txt)"
import sys
a, b = ([float(l.split()[1]) for l in open(f)] for f in sys.argv[1:])
assert len(a) == len(b) >= 2 and all(abs(x - y) < 1e-5 for x, y in zip(a, b))
PY
run 0 "$tutti" eval weighed csv:repeated.csv
grep -E '^(loss|accuracy)' "$out" >r.txt
run 0 "$tutti" eval weighed csv:weighed.csv
grep -E '^(loss|accuracy)' "$out" | cmp - r.txt || fail "eval does not use the weights that the net knows"
says "$out" "loss and accuracy are weighted; the tables below count samples"
run 0 "$tutti" eval weighed 'csv:weighed.csv?weight=none'
grep -E '^(loss|accuracy)' "$out" | cmp -s - r.txt && fail "weight=none makes no difference"
lacks "$out" "weight  "
run 0 "$tutti" predict weighed csv:weighed.csv --format csv
run 0 "$tutti" show weighed
says "$out" "weight  w f32"
run 0 "$tutti" show weighed --json
says "$out" '"weight": "w"'
run 0 "$tutti" train table.yaml --run weighed --resume -q --epochs 4 --set data.train=csv:weighed.csv
sed 's/^2,/-2,/' weighed.csv >negative.csv
run 1 "$tutti" eval weighed csv:negative.csv
says "$err" "negative.csv:5: column 0 ('w'): '-2' is no weight: a finite number, not negative"

# rows that are wrong: an error that says where and what to do, left out by wish, and in a prediction
# named while the others get their answers
sed '3s/^[^,]*/?/; 4s/,[^,]*,/,,/; 5s/,[^,]*$/,/; 6s/,.*//' plain.csv >dirty.csv
run 1 "$tutti" train table.yaml --run dirty -q --set data.train=csv:dirty.csv
says "$err" "dirty.csv:3: column 0 ('length'): '?' is not a finite number; mend it, or leave such rows out: ?bad_rows=skip"
run 0 "$tutti" train table.yaml --run dirty --set 'data.train=csv:dirty.csv?bad_rows=skip'
says "$err" "data.train: left out: 4 rows with wrong cells, the first: "
run 0 "$tutti" predict one plain.csv --format csv
sed '3,4d; 6d' "$out" | sed '3s/,[^,]*/,/' >want.txt         # the row without a target has an answer
run 1 "$tutti" predict one dirty.csv --format csv
cmp "$out" want.txt || fail "the good rows have other answers: $(diff "$out" want.txt)"
says "$err" "sample 1: dirty.csv:3: column 0 ('length'): '?' is not a finite number"
says "$err" "sample 2: dirty.csv:4: column 1 ('width'): the cell is empty"
says "$err" "sample 4: dirty.csv:6: 1 cell, the first row has 3"
says "$err" "3 of 24 have no answer"
[ "$(wc -l <"$err")" -eq 4 ] || fail "more was said than that: $(cat "$err")"

# a table without names: which column weighs is known by its number
tail -n +2 weighed.csv >bare.csv
run 0 "$tutti" train table.yaml --run bare -q --set 'data.train=csv:bare.csv?weight=0&label=2' \
	--set 'data.valid=csv:bare.csv?weight=0&label=2'
run 0 "$tutti" eval bare 'csv:bare.csv?weight=0&label=2'
grep -E '^(loss|accuracy)' "$out" >r.txt
run 0 "$tutti" eval bare csv:bare.csv
grep -E '^(loss|accuracy)' "$out" | cmp - r.txt || fail "eval does not know which column weighs"
run 0 "$tutti" predict bare bare.csv

# of epochs of one accuracy the one with the lowest loss is the best; a plateau of accuracy is no end
run 0 "$tutti" train table.yaml --run plateau -q --epochs 60 --set train.early_stop.patience=2 \
	--set train.early_stop.min_delta=0.0001 --set train.optimizer.lr=0.5
run 0 awk -F, '$3 != "valid" { next }
	$4 == "loss" { l[$2] = $5 } $4 == "accuracy" { a[$2] = $5 }
	END { for (e = 0; e in a; e++) if (!e || a[e] > top || (a[e] == top && l[e] < low)) {
		best = e + 1; top = a[e]; low = l[e] }
		print best, e }' plateau/metrics.csv
read -r best epochs <"$out"
[ "$epochs" -lt 60 ] || fail "no early stop in $epochs epochs"
run 99 "$tutti" train table.yaml --run plateau --resume --epochs 60 \
	--set train.early_stop.patience=2 --set train.early_stop.min_delta=0.0001
says "$err" "nothing to do, an early stop ended it after epoch $epochs of 60"
run 0 "$tutti" train table.yaml --run plateau --resume -q --epochs $((epochs + 1))
says_like "$out" "^best +($best|$((epochs + 1))) "

# normalise: standard is what the pasted numbers are, found by itself, kept, and used everywhere
{ echo length,width,same,kind; tail -n +2 plain.csv | awk -F, -v OFS=, '{ print 1e6 + $1, $2 / 1e6, 7, $3 }'; } >hard.csv
cat >auto.yaml <<'S'
name: auto
data: {train: "csv:hard.csv", valid: "csv:hard.csv", normalise: standard}
model: {input: [3], loss: cross_entropy, layers: [dense: {name: fc, out: 3}]}
train: {epochs: 15, batch: 8, threads: 1, tune_kernels: no, optimizer: {kind: adam, lr: 0.2}}
S
run 0 "$tutti" train auto.yaml --run auto -q
says_like "$out" "^best .*100\.00 %"
run 0 "$tutti" eval auto
says "$out" "accuracy    100.00 %"
run 0 "$tutti" predict auto hard.csv --format csv
cp "$out" whole.txt
{ head -1 hard.csv; sed -n 5p hard.csv; } >one-row.csv         # not fitted anew on what it meets
run 0 "$tutti" predict auto one-row.csv --format csv
[ "$(sed -n 2p "$out" | cut -d, -f3)" = "$(sed -n 5p whole.txt | cut -d, -f3)" ] || fail "fitted anew"
grep -Eq 'std: \[.*, 1\]' auto/spec.yaml || fail "the run's spec has no std: $(cat auto/spec.yaml)"
# workers find the same; a resumed run keeps what it has, to the bit
run 0 "$tutti" train auto.yaml --run short -q --epochs 5 --set train.schedule.kind=constant
run 0 "$tutti" train auto.yaml --run short --resume -q --epochs 15 --set train.schedule.kind=constant
run 0 "$tutti" train auto.yaml --run long -q --epochs 15 --set train.schedule.kind=constant
for r in short long; do
	run 0 "$tutti" predict $r/checkpoints/last.safetensors hard.csv --format csv
	cp "$out" $r.txt
done
cmp short.txt long.txt || fail "a resumed run is another one"
run 0 "$tutti" train auto.yaml --run two-workers -q --workers 2
says_like "$out" "^best .*100\.00 %"
grep -E 'mean:|std:' auto/spec.yaml >a.txt
grep -E 'mean:|std:' two-workers/spec.yaml | cmp - a.txt || fail "workers find other numbers"

# a column of texts is a sequence of tokens to a model with an input of its name; its vocabulary goes along,
# what fills up a batch never counts, and parts and folds work as with any column
python3 "$TUTTI_SOURCE/examples/gru-text-table.py" 400 >reviews.csv
sed -e 's/epochs: 6/epochs: 5/' "$TUTTI_SOURCE/examples/gru-text.yaml" >gru.yaml
run 0 "$tutti" data 'csv:reviews.csv?label=verdict'
says "$out" "review: i32 any"
run 0 "$tutti" train gru.yaml --run gru -q --set train.threads=1 --set train.tune_kernels=no
run 0 "$tutti" eval gru --part test
accuracy=$(awk '$1 == "accuracy" { print int($2) }' "$out")
[ "$accuracy" -ge 90 ] || fail "accuracy $accuracy of words that say it"
printf 'order_id,review\n7,"broken, not splendid"\n8,the tent is a joy\n9,\n10,"zzz, the tent turned out loud"\n' >new.csv
run 0 "$tutti" predict gru csv:new.csv --format csv
cp "$out" all.txt
{ sed -n 1p new.csv; sed -n 3p new.csv; } >one.csv
run 0 "$tutti" predict gru csv:one.csv --format csv
[ "$(sed -n 2p "$out" | cut -c1-18)" = "$(grep ^8 all.txt | cut -c1-18)" ] || fail "a text has another answer alone"
# columns that no input of the net reads are of the table alone: predict needs none of them
python3 - <<'PY'
import csv
rows = list(csv.reader(open("reviews.csv")))
csv.writer(open("stars.csv", "w")).writerows(
    [[r[0], "stars" if i == 0 else i % 5, *r[1:]] for i, r in enumerate(rows)])
PY
run 0 "$tutti" train gru.yaml --run stars -q --epochs 1 --set train.threads=1 --set train.tune_kernels=no \
	--set 'data={train: "csv:stars.csv?label=verdict&tokens=words", split: {valid: 0.1}}'
run 0 "$tutti" predict stars csv:new.csv --format csv
run 0 "$tutti" train gru.yaml --run stars -q --epochs 2 --resume --set train.threads=1 --set train.tune_kernels=no \
	--set 'data={train: "csv:stars.csv?label=verdict&tokens=words", split: {valid: 0.1}}'
# an empty text in quotes is a row of a table with one column, an empty line is none
printf 'review\n""\n\nthe tent is a joy\n""\n' >lone.csv
run 0 "$tutti" predict gru csv:lone.csv --format csv
[ "$(wc -l <"$out")" = 4 ] || fail "three rows, one header: $(cat "$out")"
run 0 "$tutti" train gru.yaml --folds 2 --run folds -q --epochs 1 --set 'data={train: "csv:reviews.csv?label=verdict"}' \
	--set train.threads=1 --set train.tune_kernels=no
