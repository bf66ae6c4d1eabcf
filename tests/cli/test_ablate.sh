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
printf '3,1,0.9' >>killed/ablation.csv
run 1 "$tutti" ablate t.yaml -q --seeds 2 --out killed --resume
says "$err" "is cut off"
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
