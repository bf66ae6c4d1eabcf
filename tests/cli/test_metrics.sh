# What is measured reaches whoever asks: the log, metrics.csv, the choice of the best epoch, eval's
# table and JSON, and pictures.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

spec=$here/tiny.yaml

# what is watched and asked for is told in each place, and what is not costs nothing
run 0 "$tutti" train "$spec" --run one --set train.monitor=valid.roc_auc \
	--set train.metrics='[log_loss, mean_iou]'
says "$err" "valid.roc_auc 0."
says "$out" "valid.roc_auc"
says one/log.txt "valid.roc_auc 0."
for m in loss accuracy top_5 precision recall f1 roc_auc log_loss mean_iou; do
	[ "$(grep -c ",valid,$m," one/metrics.csv)" -eq 2 ] || fail "metrics.csv has no $m of each epoch"
done
for m in pr_auc f1_macro perplexity; do
	lacks one/metrics.csv ",$m,"
done

# the best epoch is the one of the number, and eval says the same of it
run 0 "$tutti" eval one --json
last_json
want=$(grep ,valid,roc_auc, one/metrics.csv | cut -d, -f5 | sort -g | tail -n 1)
python3 - "$want" "$out" <<'END' || fail "eval and the watched number differ"
import json, sys
e = json.load(open(sys.argv[2]))
m = e["metrics"]
assert abs(m["roc_auc"] - float(sys.argv[1])) < 1e-9, m
assert m["accuracy"] == e["accuracy"] and len(e["per_class"]) == 10
assert abs(sum(c["roc_auc"] for c in e["per_class"]) / 10 - m["roc_auc"]) < 1e-12
assert abs(sum(c["f1"] for c in e["per_class"]) / 10 - m["f1_macro"]) < 1e-12
assert abs(m["log_loss"] - m["loss"]) < 1e-5 and m["perplexity"] > 1
END

# several workers find the same epoch by it
run 0 "$tutti" train "$spec" --run two -q --workers 2 --set train.monitor=valid.roc_auc
says two/log.txt "valid.roc_auc 0."

# another number is another best
run 0 "$tutti" train "$spec" --run one --resume --epochs 3 --set train.monitor=valid.f1
says "$err" "train.monitor was valid.roc_auc and is valid.f1"
says "$err" "train.metrics none (was [\"log_loss\", \"mean_iou\"]), train.monitor valid.f1 (was valid.roc_auc)"

# what was said by --set and is not said again is named; what is as it was is not
run 0 "$tutti" train "$spec" --run set -q --epochs 1 --set train.optimizer.lr=0.01
run 0 "$tutti" train "$spec" --run set --resume --epochs 2
says "$err" "goes on with train.epochs 2 (was 1), train.optimizer.lr 0.05 (was 0.01)"
run 0 "$tutti" train "$spec" --run set -q --resume --epochs 3
empty "$err"

# pictures: a line for each class, with its area
run 0 "$tutti" eval one --curves a/b
says "$out" "a/b/roc.svg"
says "$out" "roc auc"
for f in a/b/roc.svg a/b/precision_recall.svg; do
	[ "$(grep -c '<polyline' $f)" -eq 10 ] || fail "$f has not a line for each class"
	says_like $f '>triangle 0\.[0-9]+<'
done
run 2 "$tutti" eval one two --curves c
says "$err" "one model"
absent c

# values: other numbers, no curves
printf 'a,y\n' >t.csv
for i in 1 2 3 4 5 6 7 8; do echo "$i,$((2 * i)).5" >>t.csv; done
cat >values.yaml <<'END'
data: {train: "csv:t.csv?label=y", valid: "csv:t.csv?label=y"}
model: {input: [1], loss: mse, layers: [dense: {out: 1}]}
train: {epochs: 2, batch: 4, optimizer: {lr: 0.01}, tune_kernels: no, monitor: valid.r2}
END
run 0 "$tutti" train values.yaml --run values
says "$err" "valid.r2"
run 0 "$tutti" eval values
says "$out" "rmse"
says "$out" "r2"
lacks "$out" "roc"
run 2 "$tutti" eval values --curves c
says "$err" "gives values"
absent c

# yes or no: of the yes alone
printf 'a,y\n' >b.csv
for i in 1 2 3 4 5 6 7 8; do echo "$i,$((i / 5))" >>b.csv; done
sed 's/t.csv/b.csv/g; s/mse/bce/; s/r2/pr_auc/' values.yaml >bce.yaml
run 0 "$tutti" train bce.yaml --run yes -q
run 0 "$tutti" eval yes --curves yes.d
says "$out" "pr auc"
[ "$(grep -c '<polyline' yes.d/roc.svg)" -eq 1 ] || fail "yes and no have one curve"

# what this run will not know is refused before it begins
run 2 "$tutti" train "$spec" --run no -q --set train.monitor=valid.rmse
says "$err" "needs values, but this model gives classes"
run 2 "$tutti" train values.yaml --run no -q --set train.monitor=valid.f1
says "$err" "needs classes, but this model gives values"
run 2 "$tutti" train "$spec" --run no -q --set train.metrics='[joy]'
says "$err" "tutti help metrics"
run 2 "$tutti" train "$spec" --run no -q --set train.monitor=valid.f1 \
	--set train.early_stop.monitor=loss
says "$err" "leave the latter out"
absent no
run 0 "$tutti" help metrics
says "$out" "valid.mean_iou"

# weights of classes are weights of their samples, to the bit, with any number of workers
printf 'a,y,w\n' >w.csv
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "$i,$((i % 4 == 0)),$((1 + 2 * (i % 4 == 0)))" >>w.csv; done
cat >w.yaml <<'END'
data: {train: "csv:plain.csv?label=y"}
model: {input: [1], loss: cross_entropy, layers: [dense: {name: fc, out: 2}]}
train: {epochs: 3, batch: 5, optimizer: {lr: 0.01}, tune_kernels: no, threads: 1}
END
cut -d, -f1,2 w.csv >plain.csv
sed 's/plain.csv?label=y/w.csv?label=y\&weight=w/' w.yaml >own.yaml
run 0 "$tutti" train own.yaml --run own -q
run 0 "$tutti" train w.yaml --run class -q --set train.class_weights='[1, 3]'
cut -d, -f4- own/metrics.csv | grep loss >own.txt
cut -d, -f4- class/metrics.csv | grep loss >class.txt
cmp -s own.txt class.txt || fail "weights of classes are not those of their samples"
run 0 "$tutti" train w.yaml --run balanced -q --set train.class_weights=balanced
run 0 "$tutti" train w.yaml --run plain -q
cut -d, -f4- balanced/metrics.csv | grep loss >balanced.txt
cut -d, -f4- plain/metrics.csv | grep loss >plain.txt
cmp -s balanced.txt plain.txt && fail "balanced classes weigh as all others do"
cmp -s balanced.txt class.txt || python3 - <<'END' || fail "balanced weights are not n / classes / count"
a, b = ([float(l.split(",")[1]) for l in open(f)] for f in ("balanced.txt", "class.txt"))
assert all(abs(x - y) < 1e-5 * abs(x) for x, y in zip(a, b)), (a, b)
END
run 0 "$tutti" train w.yaml --run crowd -q --workers 2 --set train.class_weights='{1: 3}'
python3 - <<'END' || fail "two workers weigh classes otherwise"
def losses(d): return [float(l.split(",")[4]) for l in open(d + "/metrics.csv") if ",loss," in l]
assert all(abs(x - y) < 1e-5 * abs(x) for x, y in zip(losses("crowd"), losses("class")))
END
run 2 "$tutti" train w.yaml --run bad -q --set train.class_weights='[1]'
says "$err" "2 classes"
