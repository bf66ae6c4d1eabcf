# What a target means: the loss and the model decide, classes go by name, numbers are numbers.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

# y is 100, 200 or 300 by the first column; few different whole numbers, and yet numbers to mse
numbers()               # numbers LO HI: a row for each i
{
	echo a,b,y
	awk -v lo="$1" -v hi="$2" 'BEGIN { for (i = lo; i < hi; i++) {
		a = (i * 37 % 100) / 100; print a "," (i * 53 % 100) / 100 "," (a > .33) + (a > .66) + 1 "00" } }'
}
numbers 0 200 >y.csv
numbers 200 230 >v.csv
net()                   # net FILE LOSS OUTPUTS TRAIN VALID
{
	cat >"$1.yaml" <<-S
	data: {train: "csv:$4", valid: "csv:$5"}
	model: {input: [2], loss: $2, layers: [dense: {out: 16, activation: relu}, dense: {out: $3}]}
	train: {epochs: 4, batch: 16, threads: 1, tune_kernels: no, tensorboard: {every_steps: 0}, optimizer: {kind: adam, lr: 0.02}}
	S
}

# mse, mae and huber are told the numbers, not the places of the numbers among one another
for loss in mse mae huber; do
	net $loss $loss 1 y.csv v.csv
	run 0 "$tutti" train $loss.yaml --run $loss -q --epochs 20 --set train.optimizer.lr=1 \
		--set model.huber_delta=100
	run 0 "$tutti" predict $loss csv:v.csv --format csv
	awk -F, 'NR > 1 { n++; s += $3 } END { exit !(n == 30 && s / n > 150 && s / n < 250) }' "$out" ||
		fail "$loss: answers are not about 200: $(head -3 "$out")"
	run 0 "$tutti" eval $loss csv:v.csv
	lacks "$out" accuracy
	run 0 "$tutti" predict $loss csv:v.csv
	[ "$(grep -Ec 'in truth (100|200|300)$' "$out")" -eq 30 ] || fail "$loss: no truths"
done
run 0 "$tutti" train mse.yaml --run mse --resume -q --epochs 21

# words are no numbers, and no index stands in for them
sed 's/,100$/,low/; s/,200$/,mid/; s/,300$/,high/' y.csv >words.csv
run 1 "$tutti" train mse.yaml --run x -q --set data.train=csv:words.csv
says "$err" "'low' is not a finite number"
run 1 "$tutti" train mse.yaml --run x -q --set 'data.train=csv:words.csv?task=classify'
says "$err" "which is no number, but model.loss mse wants numbers"
run 0 "$tutti" train mse.yaml --run classified -q --set 'data.train=csv:y.csv?task=classify' \
	--set 'data.valid=csv:v.csv?task=classify' --epochs 20 --set train.optimizer.lr=1
run 0 "$tutti" predict classified csv:v.csv --format csv
awk -F, 'NR > 1 { s += $3 } END { exit !(s > 30 * 150) }' "$out" || fail "task=classify: an index"

# cross_entropy sees classes, however many and however written: 1, 1.0, 01 and 1e0 are one
net class cross_entropy 3 y.csv v.csv
sed 's/,100$/,100.0/; s/,200$/,2e2/; s/,300$/,0300/' v.csv >spelt.csv
run 0 "$tutti" train class.yaml --run class -q --epochs 15 --set train.optimizer.lr=0.1
run 0 "$tutti" eval class csv:v.csv --json
cp "$out" one.json
run 0 "$tutti" eval class csv:spelt.csv --json
sed 's/"source": "[^"]*",//; s/"samples_per_second": [0-9.]*//' one.json >a.json
sed 's/"source": "[^"]*",//; s/"samples_per_second": [0-9.]*//' "$out" | cmp - a.json ||
	fail "numbers written otherwise are other classes"
{ cat y.csv; tail -n +2 spelt.csv; } >mixed.csv
run 0 "$tutti" train class.yaml --run mixed -q --set data.train=csv:mixed.csv

# more than fifty classes are classes to cross_entropy
awk 'BEGIN { print "a,b,y"; for (i = 0; i < 120; i++) print i % 7 "," i % 60 "," i % 60 }' >sixty.csv
net sixty cross_entropy 60 sixty.csv sixty.csv
run 0 "$tutti" train sixty.yaml --run sixty -q

# some of the classes in another order are found by name; a stranger is named
{ head -1 y.csv; grep ',300$' y.csv; grep ',200$' y.csv; } >some.csv
run 0 "$tutti" eval class csv:some.csv --json
grep -Eq '"accuracy": ?(0\.[5-9]|1)' "$out" || fail "a subset of the classes: $(cat "$out")"
sed 's/,300$/,400/' v.csv >strange.csv
run 1 "$tutti" eval class csv:strange.csv
says "$err" "does not know the source's class '400'"
run 1 "$tutti" train class.yaml --run class --resume -q --epochs 16 --set data.valid=csv:strange.csv
says "$err" "class '400'"

# yes or no: 0 and 1, two words, or shares; other numbers are neither
sed 's/,[23]00$/,1/; s/,100$/,0/' y.csv >bit.csv
sed 's/,[23]00$/,yes/; s/,100$/,no/' y.csv >word.csv
sed 's/,100$/,0.1/; s/,200$/,0.5/; s/,300$/,1/' y.csv >share.csv
net bce bce 1 bit.csv bit.csv
for t in bit word share; do
	run 0 "$tutti" train bce.yaml --run $t -q --set data.train=csv:$t.csv --set data.valid=csv:$t.csv
	run 0 "$tutti" eval $t csv:$t.csv
	run 0 "$tutti" predict $t csv:$t.csv --format csv
	head -1 "$out" >head.$t
	cut -d, -f2 "$out" | tail -n +2 >is.txt
	tail -n +2 $t.csv | cut -d, -f3 | sed 's/^0\.1$/0.100000001/' | cmp - is.txt || fail "$t: other truths"
done
# the number is the probability of a class that has a name
for h in "bit P(1)" "word P(yes)" "share value_1"; do
	[ "$(cat "head.${h% *}")" = "sample,truth,${h#* }" ] || fail "the answers are called $(cat "head.${h% *}")"
done
# so it is with every loss whose answer is one
run 0 "$tutti" train bce.yaml --run other -q --set data.train=csv:word.csv --set data.valid=csv:word.csv \
	--set model.loss=sigmoid_focal
run 0 "$tutti" predict other csv:word.csv --format csv
says "$out" "P(yes)"
run 0 "$tutti" predict word csv:word.csv -n 1
says_like "$out" "^0  P\(yes\) [0-9.e-]+  in truth (yes|no)$"
run 0 "$tutti" predict word csv:word.csv -n 1 --json
says "$out" '"probabilities_of": ["yes"]'
grep ',1$' bit.csv | sed '1i a,b,y' >ones.csv
run 0 "$tutti" eval bit csv:ones.csv
says "$out" "samples     132"
run 1 "$tutti" train bce.yaml --run x -q --set data.train=csv:words.csv
says "$err" "bce"
run 1 "$tutti" train bce.yaml --run x -q --set data.train=csv:y.csv
says "$err" "from 0 to 1"

# tokens that no embedding has are named, wherever a net meets them: by row, column and value
tokens() { echo w1,w2,y; for i in 0 1 2 3 4 5 6 7 8 9; do echo "$i,$((9 - i)),$((i % 2))"; done; }
tokens >t.csv
cat >t.yaml <<'S'
data: {train: "csv:t.csv", valid: "csv:t.csv"}
model: {input: [2], loss: cross_entropy, layers: [embedding: {rows: 10, dim: 4}, flatten, dense: {out: 2}]}
train: {epochs: 1, batch: 4, threads: 1, tune_kernels: no}
S
run 0 "$tutti" train t.yaml --run tok -q
for bad in 10 2.5 -1; do
	sed "7s/,4,/,$bad,/" t.csv >bad.csv
	for what in "train t.yaml --run x -q --set data.train=csv:bad.csv" "eval tok csv:bad.csv" \
		"train t.yaml --run x -q --set data.valid=csv:bad.csv"; do
		# shellcheck disable=SC2086
		run 1 "$tutti" $what
		says "$err" "sample 5"
		says "$err" "column 'w2': the token $bad is no"
	done
	run 1 "$tutti" predict tok csv:bad.csv
	says "$err" "sample 5: column 'w2': the token $bad is no"
	says "$err" "1 of 10 have no answer"
	[ "$(wc -l <"$out")" -eq 9 ] || fail "the others have no answers"
done
exit 0
