# A real MLflow server takes a run, its own client reads it.  The server is the one that bench/peers
# installs into build/peers; without it: skipped.
. "$(dirname "$0")/lib.sh"
peers=${TUTTI_PEERS:-$TUTTI_SOURCE/build/peers}
[ -x "$peers/bin/mlflow" ] || { echo "skipped: no mlflow in $peers (bench/peers)"; exit 77; }
export MLFLOW_DISABLE_TELEMETRY=true

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port
"$peers/bin/mlflow" server --host 127.0.0.1 --port "$port" --workers 1 \
	--backend-store-uri "sqlite:///$work/mlflow.db" --artifacts-destination "$work/files" \
	>server.log 2>&1 &
pids+=($!)

# the server starts while the training does: what it is told waits
run 0 "$tutti" train "$tiny" --store none --run one --epochs 1 --track "$url" --experiment "of tutti"
for _ in $(seq 240); do
	python3 -c "import urllib.request as u; u.urlopen('$url/health')" 2>/dev/null && break
	sleep 0.25
done
run 0 "$tutti" train "$tiny" --store none --run one --resume --epochs 2 --track "$url" --experiment "of tutti"
lacks "$err" "not sent"
run 0 "$tutti" train "$tiny" --store none --run one --resume --epochs 3 --track "$url" --experiment "of tutti"
run 1 "$tutti" train "$tiny" --store none --run nan --track "$url" --experiment "of tutti" --set train.optimizer.lr=1e30
run 0 "$peers/bin/python" - "$url" <<'END'
import csv, os, sys, mlflow
c = mlflow.MlflowClient(sys.argv[1])
runs = c.search_runs([c.get_experiment_by_name("of tutti").experiment_id])
one, = [r for r in runs if r.info.run_name == "one"]
assert one.info.status == "FINISHED" and one.info.end_time >= one.info.start_time
assert one.data.params["train.optimizer.lr"] == "0.05" and "resumed.train.epochs" in one.data.tags
rows = [r for r in csv.DictReader(open("one/metrics.csv")) if r["split"] + r["name"] == "validloss"]
told = {m.step: m.value for m in c.get_metric_history(one.info.run_id, "valid.loss")}
assert {int(r["step"]): float(r["value"]) for r in rows if int(r["step"]) > 8}.items() <= told.items()
best = c.download_artifacts(one.info.run_id, "checkpoints/best.safetensors")
assert open(best, "rb").read() == open("one/checkpoints/best.safetensors", "rb").read()
assert [r.info.status for r in runs if r.info.run_name == "nan"] == ["FAILED"]
END
echo "MLflow has both runs"
