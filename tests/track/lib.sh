# lib.sh -- what the tests of tracking share: tests/cli/lib.sh, a spec and a fake server.
. "$TUTTI_SOURCE/tests/cli/lib.sh"
unset MLFLOW_TRACKING_TOKEN MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD http_proxy HTTP_PROXY
export no_proxy=127.0.0.1,localhost
tiny=$here/tiny.yaml
pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait 2>/dev/null; rm -rf "$work"' EXIT

# fake FOLDER FAULT [N]: its address is in $url
fake()
{
	mkdir -p "$1"
	python3 "$TUTTI_SOURCE/tests/track/fake.py" "$@" >"$1/port" 2>"$1/log" &
	pids+=($!)
	for _ in $(seq 100); do
		[ -s "$1/port" ] && break
		sleep 0.05
	done
	url=http://127.0.0.1:$(cat "$1/port")
}

# knows FOLDER EXPRESSION: of the fake's state `s`
knows()
{
	python3 -c 'import json, sys; s = json.load(open(sys.argv[1])); r = list(s["runs"].values())
sys.exit(not eval(sys.argv[2]))' "$1/state.json" "$2" ||
		fail "$command: not so: $2 in $(head -c 3000 "$1/state.json")"
}
