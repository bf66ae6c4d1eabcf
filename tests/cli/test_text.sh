# Texts: a net learns what follows, and its vocabulary goes with it.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do echo "abcd efgh"; done >train.txt
{ head -5 train.txt; echo "abcd?"; } >valid.txt
cat >text.yaml <<'S'
name: text
data: {train: "text:train.txt?length=16", valid: "text:valid.txt?length=16"}
model:
  inputs: {tokens: {shape: [-1], type: i32}}
  layers: [embedding: {rows: 11, dim: 8}, lstm: {hidden: 16}, dense: {out: 11}]
train: {epochs: 40, batch: 4, threads: 1, tune_kernels: no, seed: 1, optimizer: {kind: adam, lr: 0.02}}
S

# what there is, and what a spec for it says
run 0 "$tutti" data 'text:train.txt?length=16'
says "$out" "samples     13"
says "$out" "tokens: i32 any"
says "$out" "rows: 11"
run 0 "$tutti" data 'text:train.txt?tokens=words' --json
says "$out" '" efgh"'

# other text is read with the vocabulary of the training text, and what that lacks is counted
run 0 "$tutti" train text.yaml --run one -q
run 0 "$tutti" train text.yaml --run two --epochs 1
says two/log.txt "1 token that the vocabulary does not have (<unk>): '?' in valid.txt, byte 54"
run 0 "$tutti" show one
says "$out" "11 classes: <unk>"
run 0 "$tutti" eval one text:valid.txt
accuracy=$(awk '$1 == "accuracy" { print int($2) }' "$out")
[ "$accuracy" -ge 85 ] || fail "accuracy $accuracy after learning ten letters by heart"

# a language model says how many tokens it is torn between
says "$out" "perplexity  "
python3 - "$tutti" <<'P' || fail "perplexity"
import json, math, subprocess, sys
line = subprocess.run([sys.argv[1], "eval", "one", "text:valid.txt", "--json"], check=True,
                      capture_output=True, text=True).stdout.splitlines()[-1]
e = json.loads(line)
m = e["metrics"]
assert abs(m["perplexity"] - math.exp(e["loss"])) < 1e-9 and m["log_loss"] == e["loss"], m
assert abs(2 ** m["bits_per_token"] - m["perplexity"]) < 1e-9, m
P
valid=$(sed -n 's/.*epoch 40.*valid_loss \([0-9.e-]*\).*valid_perplexity \([0-9.e-]*\).*/\1 \2/p' one/log.txt)
echo "$valid" | awk 'NF != 2 || (exp($1) - $2) ^ 2 > 1e-8 { exit 1 }' || fail "log.txt: $valid"
grep -q ",train,perplexity," one/metrics.csv && grep -q ",valid,perplexity," one/metrics.csv &&
	grep -q ",valid,bits_per_token," one/metrics.csv || fail "metrics.csv without perplexity"
run 0 "$tutti" train text.yaml --run watched --epochs 1 --set train.monitor=bits_per_token --json
says "$out" '"monitor": "valid.bits_per_token"'
says "$out" '"valid_perplexity": '

# exactly as if it had not stopped
run 0 "$tutti" train text.yaml --run half -q --epochs 20
run 0 "$tutti" train text.yaml --run half --resume -q --epochs 40
for run in one half; do
	run 0 "$tutti" eval $run text:valid.txt
	grep ^loss "$out" >$run.txt
done
cmp one.txt half.txt || fail "a resumed run has other weights"

# it goes on, with what was before in mind; a seed is a text
run 0 "$tutti" generate one --prompt 'abcd e' --length 24 --temperature 0
[ "$(cat "$out")" = "abcd efgh
abcd efgh
abcd efgh" ] || fail "ten letters learnt by heart go on as $(cat "$out")"
run 0 "$tutti" generate one --prompt 'abcd e' --length 24 --temperature 0 --no-prompt
[ "$(cat "$out")" = "fgh
abcd efgh
abcd efgh" ] || fail "--no-prompt shows $(cat "$out")"
# to a text, which is left out, also where it comes in pieces; from stdin
printf 'abcd e' | "$tutti" generate one --prompt - -q --temperature 0 --stop 'd ef' >"$out" ||
	fail "generate from stdin"
[ "$(cat "$out")" = "abcd efgh
abc" ] || fail "--stop writes $(cat "$out")"
run 0 "$tutti" generate one -p 'abcd e' --temperature 0 -n 4 --stop h --json
says "$out" '"text": "fg", "tokens": 3, "end": "stop"'
run 0 "$tutti" generate one -p 'abcd e' --temperature 0 -n 3 --stop hq --json
says "$out" '"text": "fgh", "tokens": 3, "end": "length"'
run 2 "$tutti" generate one -p - </dev/null
says "$err" "nothing to go on from"
run 0 "$tutti" generate one -p abc -n 40 --temperature 3 --seed 5 --json
says "$out" '"tokens": 40'
cp "$out" five.txt
run 0 "$tutti" generate one -p abc -n 40 --temperature 3 --seed 5 --json
[ "$(sed 's/"tokens_per.*//' five.txt)" = "$(sed 's/"tokens_per.*//' "$out")" ] || fail "a seed, two texts"
run 0 "$tutti" generate one -p abc -n 40 --temperature 3 --seed 6 --json
[ "$(sed 's/"tokens_per.*//' five.txt)" != "$(sed 's/"tokens_per.*//' "$out")" ] || fail "two seeds, one text"
run 2 "$tutti" generate one --temperature warm
says "$err" "--temperature wants a number"
run 1 "$tutti" generate one --prompt "$(printf '\377')"
says "$err" "byte 0 is no UTF-8"

# an answer at each place, beside what stands there
run 0 "$tutti" predict one text:valid.txt -n 1 --top 1 --format csv
[ "$(grep -c "^0:[0-9]*," "$out")" -eq "$(($(wc -l <"$out") - 1))" ] || fail "no line for each place"
run 0 "$tutti" predict one text:valid.txt --top 1 --format csv
right=$(awk -F, 'NR > 1 { n++; right += $2 == $3 } END { printf "%.2f", 100 * right / n }' "$out")
run 0 "$tutti" eval one text:valid.txt
says "$out" "accuracy    $right %"

# byte pairs, found in the training text, go with the net as well; so does a tokenizer.json, and whatever
# bytes there are can be read
sed -e 's/length=16/length=16\&tokens=bpe\&vocab_size=263/' -e 's/: 11/: 263/g' text.yaml >bpe.yaml
run 0 "$tutti" train bpe.yaml --run bpe -q --epochs 30
run 0 "$tutti" show bpe
says "$out" "263 classes: !"
run 0 "$tutti" eval bpe text:valid.txt
says_like "$out" "^2[0-9][0-9] more classes: no sample is of them, and no answer"
[ "$(wc -l <"$out")" -lt 40 ] || fail "a line for each of 263 tokens, of which a dozen occur"
run 0 "$tutti" generate bpe --prompt 'abcd' --length 4 --temperature 0
[ "$(cat "$out")" = "abcd efgh
abcd efgh" ] || fail "byte pairs learnt by heart go on as $(cat "$out")"
run 0 "$tutti" generate bpe --prompt "$(printf '\377')" --length 2
run 0 "$tutti" export bpe --onnx bpe.onnx
run 0 "$tutti" import bpe.onnx -o back
run 0 "$tutti" generate back --prompt 'abcd' --length 4 --temperature 0
[ "$(cat "$out")" = "abcd efgh
abcd efgh" ] || fail "byte pairs that went through ONNX go on as $(cat "$out")"
cat >own.json <<'J'
{"pre_tokenizer": {"type": "Metaspace"}, "decoder": {"type": "Metaspace"},
 "model": {"type": "BPE", "unk_token": "?", "vocab": {"?": 0, "\u2581": 1, "a": 2, "b": 3, "c": 4, "d": 5, "e": 6,
  "f": 7, "g": 8, "h": 9, "ab": 10, "\n": 11}, "merges": ["a b"]}}
J
run 0 "$tutti" data 'text:train.txt?tokens=own.json' --json
says "$out" '"ab"'
run 2 "$tutti" data 'text:train.txt?tokens=own.txt'
says "$err" "tokens=own.txt is none of auto, chars, bytes, words, bpe"
sed -e 's/length=16/length=16\&tokens=own.json/' -e 's/: 11/: 12/g' text.yaml >own.yaml
run 0 "$tutti" train own.yaml --run own -q --epochs 25
rm own.json
run 0 "$tutti" generate own --prompt 'abcd e' --length 4 --temperature 0
says "$out" "fgh"

# streams of a text that goes on: processes and threads have the same ones
sed -e 's/16", v/16", shuffle: no, carry: yes, v/' text.yaml >carry.yaml
run 0 "$tutti" train carry.yaml --run threads -q --epochs 3 --workers 2
run 0 "$tutti" train carry.yaml --run processes -q --epochs 3 --rank 0 --world 2 --local 2 \
	--rendezvous tcp://localhost:$((20000 + $$ % 10000))
for run in threads processes; do
	run 0 "$tutti" export $run --safetensors $run.safetensors
done
cmp threads.safetensors processes.safetensors || fail "processes carry other states than threads"

# words are no characters, and a net has as many outputs as the text has tokens
run 2 "$tutti" eval one 'text:valid.txt?tokens=words'
says "$err" "holds chars"
run 1 "$tutti" train text.yaml --run three -q --set data.train=text:valid.txt
says "$err" "12 classes, the last layer has 11 outputs"
