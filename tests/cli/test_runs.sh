# Every training is in the store beside its folder, whatever befell the one or the other.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

unset TUTTI_STORE
"$tutti" info | grep -q '^ *sqlite .*tutti\|^ *sqlite  *[0-9]' || { echo "skipped: no SQLite in this build"; exit 77; }
spec=$here/tiny.yaml
quick="-q --epochs 1 --set train.tensorboard.every_steps=0"

# sql STATEMENT: what the store itself holds
sql() { python3 -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row, sep="|")' runs/tutti.db "$1"; }

# a training is recorded, and goes on in the same row
echo one >notebook.ipynb
run 0 "$tutti" train "$spec" $quick --run runs/one --seed 3 --keep notebook.ipynb
run 0 "$tutti" runs list 'train.seed = 3 and valid.loss > 0' --json
last_json
says "$out" '"status": "finished"'
before=$(sql "SELECT count(*) FROM points WHERE name = 'valid.loss'")
run 0 "$tutti" train "$spec" $quick --run runs/one --seed 3 --epochs 2 --resume --keep notebook.ipynb
[ -e runs/one/kept/v2 ] && fail "a file that has not changed was kept twice"
echo two >notebook.ipynb
run 0 "$tutti" train "$spec" $quick --run runs/one --seed 3 --epochs 3 --resume --keep notebook.ipynb
grep -q two runs/one/kept/v2/notebook.ipynb || fail "a file that has changed was not kept"
run 1 "$tutti" train "$spec" $quick --run runs/none --keep nothing.ipynb
says "$err" "--keep: nothing.ipynb"
[ "$(sql 'SELECT count(*) FROM runs')" = 1 ] || fail "a resumed run has a second row"
[ "$(sql "SELECT count(*) FROM points WHERE name = 'valid.loss'")" = $((before + 2)) ] ||
	fail "a resumed run has numbers twice, or none"
run 0 "$tutti" runs show runs/one
for word in "train.seed " "valid.accuracy" "environment" "checkpoints/last.safetensors" "kept/v1/notebook.ipynb"; do says "$out" "$word"; done

# none is none; where the user says so it is elsewhere
run 0 "$tutti" train "$spec" $quick --run runs/two --store none
[ "$(sql 'SELECT count(*) FROM runs')" = 1 ] || fail "--store none was recorded"
run 0 "$tutti" train "$spec" $quick --run runs/three --store other.db
[ -s other.db ] || fail "--store other.db wrote nothing"

# what was not recorded can be added, any number of times
run 0 "$tutti" runs import runs/two runs/two runs/one
run 0 "$tutti" runs list --csv --columns train.loss
[ "$(wc -l <"$out")" = 3 ] || fail "two runs are not two lines behind the head"
[ "$(sql "SELECT count(*) FROM points WHERE name = 'valid.loss'")" = $((before + 3)) ] ||
	fail "what was imported is there twice, or not at all"
[ "$(sql "SELECT status FROM runs ORDER BY id DESC")" = "finished
finished" ] || fail "an imported run is not finished"

# an evaluation is a child of its run, once
run 0 "$tutti" eval runs/one
run 0 "$tutti" eval runs/one --json
run 0 "$tutti" eval runs/one --store none 'synth:objects?size=16&count=32&split=test'
[ "$(sql "SELECT count(*) FROM runs e JOIN runs r ON e.parent = r.uid AND r.folder LIKE '%one'
	WHERE e.kind = 'eval'")" = 1 ] || fail "two evaluations of a run are not one row below it"
run 0 "$tutti" runs list "eval.loss > 0 and kind = eval"
run 0 "$tutti" runs export "kind = train"
python3 - "$out" <<'END' || fail "export does not hold the numbers"
import json, sys
runs = json.load(open(sys.argv[1]))["runs"]
assert len(runs) == 2 and all(len(r["metrics"]["valid.loss"]) > 0 and r["parameters"] for r in runs)
END

# words of the user's
run 0 "$tutti" runs tag runs/two data=clean odd
run 0 "$tutti" runs note runs/two "the best so far"
run 0 "$tutti" runs list "data = clean and note like '%best%'"
[ "$(wc -l <"$out")" -ge 2 ] || fail "no run has the tag"
run 0 "$tutti" runs delete runs/two
run 1 "$tutti" runs list "data = clean"
says "$err" "no run has"
[ -s runs/two/spec.yaml ] || fail "a run deleted from the store has lost its folder"

# side by side
run 0 "$tutti" train "$spec" $quick --run runs/other --seed 4
run 0 "$tutti" runs compare runs/one runs/other --svg both.svg
says_like "$out" "^train.seed +3 +4"
says_like "$out" "^valid.loss +[0-9.]+ +[0-9.]+"
lacks "$out" "train.batch"
says both.svg "<svg"
run 0 "$tutti" runs show runs/one
cp "$out" one.txt
run 0 "$tutti" runs show runs/other
[ "$(grep data.fingerprint "$out")" = "$(grep data.fingerprint one.txt)" ] ||
	fail "the same data have two fingerprints"
run 0 "$tutti" runs delete runs/other

# folds are children of one run
run 0 "$tutti" train "$spec" $quick --run runs/folds --folds 2
[ "$(sql "SELECT count(*) FROM runs c JOIN runs p ON c.parent = p.uid AND p.kind = 'folds'
	WHERE c.kind = 'fold' AND p.status = 'finished'")" = 2 ] || fail "folds have no parent"

# a store that others hold is no reason not to train: one line, and import catches up
python3 -c 'import sqlite3, sys, time
c = sqlite3.connect("runs/tutti.db", isolation_level=None)
c.execute("BEGIN EXCLUSIVE"); open("held", "w").close(); time.sleep(30)' &
holder=$!
while ! [ -e held ]; do sleep 0.05; done
run 0 "$tutti" train "$spec" $quick --run runs/four
one_line "$err"
says "$err" "not recorded yet"
kill $holder
wait $holder 2>/dev/null
run 0 "$tutti" runs import runs/four
run 0 "$tutti" runs show runs/four
says "$out" "finished"

# nor is one that is gone, damaged, or of a later version
run 0 "$tutti" train "$spec" $quick --run runs/five --store nowhere/at/all.db
one_line "$err"
head -c 8192 /dev/urandom >bad.db
run 0 "$tutti" train "$spec" $quick --run runs/six --store bad.db
one_line "$err"
says "$err" "bad.db"
cp runs/tutti.db new.db
python3 -c 'import sqlite3
c = sqlite3.connect("new.db"); c.execute("UPDATE tutti_store SET version = 7"); c.commit()'
run 1 "$tutti" runs --store new.db
says "$err" "version 7"

# a run that is killed is killed, in whole numbers; added again it has nothing twice
"$tutti" train "$spec" -q --epochs 100000 --run runs/seven --set train.tensorboard.every_steps=0 >/dev/null 2>&1 &
victim=$!
for i in $(seq 100); do
	[ "$(sql "SELECT count(*) FROM points JOIN runs r ON run = r.id WHERE r.folder LIKE '%seven'
		" 2>/dev/null)" -gt 20 ] 2>/dev/null && break
	sleep 0.1
done
kill -9 $victim
wait $victim 2>/dev/null
run 0 "$tutti" runs list "folder like '%seven'"
says "$out" "killed"
run 0 "$tutti" runs import runs/seven
[ "$(sql "SELECT count(*) FROM (SELECT 1 FROM points GROUP BY run, name, step HAVING count(*) > 1)")" = 0 ] ||
	fail "a killed run has a number twice"
rows=$(grep -c ',valid,loss,' runs/seven/metrics.csv)
[ "$(sql "SELECT count(*) FROM points JOIN runs r ON run = r.id WHERE r.folder LIKE '%seven' AND
	points.name = 'valid.loss'")" = "$rows" ] || fail "a killed run has lost numbers"

# models are versions of checkpoints, and words that point to them
run 0 "$tutti" models register runs/one --name digits
says "$out" "digits/1"
run 0 "$tutti" models register runs/four --name digits
run 0 "$tutti" models best digits --by train.loss
run 0 "$tutti" models promote digits 1
run 0 "$tutti" models promote digits 2
run 0 "$tutti" models rollback digits
run 0 "$tutti" models show digits@prod
says "$out" "runs/one/checkpoints/best.safetensors"
says "$out" "synth:objects"
run 0 "$tutti" eval models:digits@prod
cp "$out" named.txt
run 0 "$tutti" show models:digits/1
run 0 "$tutti" export models:digits@prod --safetensors digits.safetensors
run 1 "$tutti" eval models:digits@none
says "$err" "no model 'digits@none'"
rm -rf runs/four
run 1 "$tutti" eval models:digits
says "$err" "is not there any more"

# what is no action, no run, no store
run 2 "$tutti" runs lst
says "$err" "did you mean list?"
run 1 "$tutti" runs show zzzz
run 1 "$tutti" runs --store nothing.db
[ -e nothing.db ] && fail "who looks has made a store"
exit 0
