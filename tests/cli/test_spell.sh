# Lists of labels that a net spells (model.loss: ctc), from a table: characters or words of the target.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

# Twelve places of three numbers: each label is a spike, and nothing stands between two.
table()                 # table FIRST ROWS SEPARATOR LABEL LABEL LABEL
{
	awk -v first="$1" -v rows="$2" -v sep="$3" -v labels="$4 $5 $6" 'BEGIN {
		split(labels, name, " ")
		for (i = 0; i < 36; i++) printf "p%d,", i
		print "said"
		for (r = first; r < first + rows; r++) {
			n = r % 4 + 1; said = ""
			for (i = 0; i < 12; i++) {
				k = i % 2 == 0 && i / 2 < n ? int(r / 4 + i * (r % 7 + 1) / 2) % 3 + 1 : 0
				for (j = 1; j <= 3; j++) printf "%s,", (j == k) + ((r * 31 + i * 17 + j) % 10) / 100
				if (k) said = said (said == "" ? "" : sep) name[k]
			}
			print said
		}
	}'
}
table 0 160 "" c a t >train.csv
table 300 20 "" c a t >valid.csv
cat >spell.yaml <<-S
	data: {train: "csv:train.csv", valid: "csv:valid.csv"}
	model: {input: [36], loss: ctc,
	        layers: [reshape: {shape: [12, 3]}, dense: {out: 16, activation: tanh}, dense: {out: 4}]}
	train: {epochs: 15, batch: 16, threads: 1, tune_kernels: no, tensorboard: {every_steps: 0},
	        monitor: token_error, optimizer: {kind: adamw, lr: 0.02}}
S

run 0 "$tutti" data 'csv:train.csv?task=spell'
says "$out" 'said: i32 any (target)'
run 0 "$tutti" train spell.yaml --run chars -q
run 0 "$tutti" eval chars csv:valid.csv --json
last_json
says "$out" '"token_error": 0}'
run 0 "$tutti" predict chars csv:valid.csv --format csv
awk -F, 'NR == 1 { bad = $0 != "sample,truth,answer"; next } $2 != $3 { bad = 1 }
	END { exit bad || NR != 21 }' "$out" || fail "answers are not as the truth"
run 0 "$tutti" predict chars csv:valid.csv -n 1 --json
last_json
says "$out" '"answer": "'

# the same answers without the truth
cut -d, -f1-36 valid.csv >new.csv
run 0 "$tutti" predict chars 'csv:new.csv?label=none' --format csv
awk -F, 'NR > 1 && ($2 != "" || $3 == "") { bad = 1 } END { exit bad || NR != 21 }' "$out" ||
	fail "no answers without a target"

# a label that training has not seen; more labels than places
sed '2s/,[a-z]*$/,ox/' valid.csv >wrong.csv
run 1 "$tutti" eval chars csv:wrong.csv
says "$err" "'o' is no label that the model knows"
one_line "$err"
sed '2s/,[a-z]*$/,cacacacacacac/' valid.csv >long.csv
run 1 "$tutti" eval chars csv:long.csv
says "$err" 'sample 0: 13 labels'
one_line "$err"

# words, where a target has a blank in it
table 0 160 " " one two three >train.csv
table 300 20 " " one two three >valid.csv
run 0 "$tutti" train spell.yaml --run words -q
run 0 "$tutti" predict words csv:valid.csv --format csv
awk -F, 'NR > 1 { several += $2 ~ / /; bad += $2 != $3 } END { exit bad || !several }' "$out" ||
	fail "words are not as the truth"
