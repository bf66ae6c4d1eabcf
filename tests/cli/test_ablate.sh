# One part left out at a time: what can be, what cannot, results that no crash loses.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

python3 - <<'PY'
import random
random.seed(1)
with open("t.csv", "w") as f:
    f.write("a,noise,colour,y\n")
    for _ in range(300):
        a, n, c = random.gauss(0, 1), random.gauss(0, 1), random.choice(["red", "blue"])
        f.write(f"{a:.3f},{n:.3f},{c},{'p' if a + 2 * (c == 'red') > 1 else 'q'}\n")
PY
cat >t.yaml <<'YAML'
name: t
data: {train: "csv:t.csv?label=y", split: {valid: 0.3}}
model:
  input: [4]
  layers: [dense: {name: fc1, out: 8, activation: relu}, dense: {name: fc2, out: 8}, relu, dense: {out: 2}]
train: {epochs: 6, batch: 32, threads: 1, tune_kernels: no, optimizer: {kind: adam, lr: 0.02}}
YAML

# what there is to leave out, of an image net and of a table
run 0 "$tutti" ablate "$here/tiny.yaml" --set data.augment.flip=yes --dry-run
says "$out" "dropout (layer 2)"
says_like "$out" "^flip +augment"
says "$out" "stays: flatten (layer 3): fc (dense): needs features"
lacks "$out" "conv1"
absent ablation
run 0 "$tutti" ablate t.yaml --dry-run --json
last_json
says "$out" '"without": "colour", "kind": "columns"'

# a column that says much, one that says nothing; several seeds
run 0 "$tutti" ablate t.yaml -q --seeds 2 --json
python3 - "$out" <<'PY' || fail "what was lost: $(cat "$out")"
import json, sys
v = {r["without"]: r for r in json.load(open(sys.argv[1]))["variants"]}
assert v["nothing"]["mean"] > 0.9 and v["a"]["mean"] < v["nothing"]["mean"] - 0.05
assert v["noise"]["mean"] > 0.85 and v["colour"]["parameters"] < v["nothing"]["parameters"]
assert set(v) == {"nothing", "fc2", "relu (layer 2)", "a", "noise", "colour"}
PY
[ "$(wc -l <ablation/ablation.csv)" = 13 ] || fail "12 results: $(cat ablation/ablation.csv)"
run 2 "$tutti" ablate t.yaml -q
says "$err" "--resume"

# killed anywhere, it goes on: no result is lost, none is there twice
"$tutti" ablate t.yaml -q --seeds 40 --out killed >/dev/null 2>&1 &
pid=$!
while [ "$(cat killed/ablation.csv 2>/dev/null | wc -l)" -lt 4 ] && kill -0 $pid; do sleep 0.02; done
kill -9 $pid
wait $pid 2>/dev/null
cp killed/ablation.csv before.csv
run 0 "$tutti" ablate t.yaml -q --seeds 2 --out killed --resume
head -c "$(wc -c <before.csv)" killed/ablation.csv | cmp -s - before.csv || fail "results changed"
[ "$(cut -d, -f1,2 killed/ablation.csv | sort | uniq -d | wc -l)" = 0 ] || fail "a result twice"
cut -d, -f1-5 ablation/ablation.csv | sort >whole.csv
cut -d, -f1-5 killed/ablation.csv | awk -F, '$2 < 3 || NR == 1' | sort | cmp -s - whole.csv ||
	fail "other results after a crash: $(cat killed/ablation.csv)"

# not of this spec, cut off, or nothing of ours
run 2 "$tutti" ablate t.yaml -q --resume --seeds 2 --leave-out columns
says "$err" "another ablation"
cp killed/ablation.csv before.csv
printf '3,1,0.9' >>killed/ablation.csv
run 0 "$tutti" ablate t.yaml -q --seeds 2 --out killed --resume
cmp -s killed/ablation.csv before.csv || fail "a line that a crash has cut stayed, or took others along"
mkdir strange
echo hello >strange/ablation.csv
run 1 "$tutti" ablate t.yaml -q --out strange --resume
run 2 "$tutti" ablate t.yaml --leave-out layer
says "$err" "no 'layer'"
run 2 "$tutti" ablate t.yaml --groups conv
says "$err" "'conv'"
run 2 "$tutti" ablate t.yaml --leave-out augment
says "$err" "nothing of it can be left out"
run 1 "$tutti" ablate nowhere.yaml
run 0 "$tutti" ablate t.yaml -q --groups fc --leave-out groups --out groups
says_like "$out" '^fc\* +groups'

# one that cannot be trained is told and the others are trained; of the whole it is an error
sed 's/relu, dense/batchnorm: {name: bn}, relu, dense/' t.yaml >bn.yaml
run 0 "$tutti" ablate bn.yaml -q --leave-out layers --out fails --set train.freeze='[bn]' --seeds 2
says_like "$out" '^fails: bn: seed 1: .*train.freeze'
says_like "$out" '^fc2 +layers'
lacks "$out" 'bn '
run 0 "$tutti" ablate bn.yaml -q --leave-out layers --out fails --set train.freeze='[bn]' --seeds 2 --resume --json
last_json
says "$out" '"without": "bn", "kind": "layers", "failed": "seed 1: '
run 1 "$tutti" ablate t.yaml -q --leave-out layers --out nan --set train.optimizer='{kind: sgd, lr: 1e30}'
says "$err" "without nothing: the loss is not finite"

# names as tables have them; a line each, that is read again
python3 - <<'PY'
import csv, random
random.seed(1)
names = ["a b", "new\nline", 'q"uo', "../up", "ü" * 200, "2", "nothing"]
w = csv.writer(open("odd.csv", "w", newline=""))
w.writerow(names + ["g", "y"])
for i in range(60):
    w.writerow([round(random.gauss(0, 1), 3) for _ in names] + [i % 20, "pq"[i % 2]])
PY
odd="$tutti ablate t.yaml -q --leave-out columns,columns -e 1 --out odd --set data.train=csv:odd.csv?label=y"
odd="$odd --set data.split.group=g --set model.input=[7]"
run 0 $odd --set data.mean='[1,2,3,4,5,6,7]' --set data.std='[1,2,3,4,5,6,7]'
lacks "$out" "fails"
[ "$(wc -l <odd/ablation.csv)" = 9 ] || fail "8 results: $(cat odd/ablation.csv)"
grep -qx 'mean: *\[1, 2, 3, 4, 5, 6\]' <(sed 's/^ *//' odd/07-nothing-seed-1/spec.yaml) || fail "$(cat odd/07*/spec.yaml)"
run 0 $odd --resume --set data.mean='[1,2,3,4,5,6,7]' --set data.std='[1,2,3,4,5,6,7]'

# seeds are large numbers
run 0 "$tutti" ablate t.yaml -q --leave-out layers -e 1 --out seeds --set train.seed=4000000000000000001
says seeds/ablation.csv 4000000000000000001
run 2 "$tutti" ablate t.yaml -q --leave-out layers --seeds 2 --out late --set train.seed=4611686018427387904
absent late
run 0 "$tutti" ablate t.yaml --leave-out groups --groups fc,fc --dry-run
[ "$(grep -c '^fc' "$out")" = 1 ] || fail "a group twice: $(cat "$out")"

# results of other settings do not come to lie beside these; what was not begun leaves nothing behind
run 2 "$tutti" ablate t.yaml -q --leave-out layers -e 2 --out seeds --set train.seed=4000000000000000001 --resume
says "$err" "train.epochs 2 (was 1)"
run 0 "$tutti" ablate t.yaml -q --leave-out layers -e 1 --out seeds --set train.seed=7 --resume
run 1 "$tutti" ablate t.yaml -q --leave-out layers --out early --set model.input=[5]
absent early
mkdir -p early
: >early/ablation.csv
run 0 "$tutti" ablate t.yaml -q --leave-out layers --out early -e 1 --resume

# one process at a time
"$tutti" ablate t.yaml -q --leave-out layers --seeds 1000 --out held >/dev/null 2>&1 &
pid=$!
while [ "$(cat held/ablation.csv 2>/dev/null | wc -l)" -lt 2 ] && kill -0 $pid; do sleep 0.02; done
run 1 "$tutti" ablate t.yaml -q --leave-out layers --seeds 1000 --out held --resume
says "$err" "another process"
kill -9 $pid
wait $pid 2>/dev/null || true
