# Training never stops or waits for the server that it is told to, and says what was not sent.
. "$(dirname "$0")/lib.sh"
numbers=$'len(r[0]["data"]["metrics"])'

# nobody listens: it is looked at below
"$tutti" train "$tiny" --store none --run gone --epochs 1 --json --track http://127.0.0.1:9 >gone.out 2>gone.err &
gone=$!

# all is well: parameters, each number of metrics.csv once, files, the end; a token is sent
fake well none
MLFLOW_TRACKING_TOKEN=secret run 0 "$tutti" train "$tiny" --store none --run one --track "$url/" --experiment "a b/ü"
says "$err" "track: run run1 of $url/ has"
rows=$(($(wc -l <one/metrics.csv) - 1))
knows well "len(r) == 1 and s['experiments'] == {'a b/ü': '1'} and r[0]['info']['status'] == 'FINISHED'"
knows well "{'key': 'train.optimizer.lr', 'value': '0.05'} in r[0]['data']['params']"
knows well "$numbers >= $rows and len({(m['key'], m['step'], m['timestamp']) for m in r[0]['data']['metrics']}) == $numbers"
knows well "any('best.safetensors' in f and n == $(stat -c %s one/checkpoints/best.safetensors) for f, n in s['files'].items())"
knows well "len(s['files']) == 6 and set(s['auth']) == {'Bearer secret'}"
grep -rq secret one && fail "the token stands in the run folder"

# the same run goes on; a parameter is never changed: what is other now is a tag
run 0 "$tutti" train "$tiny" --store none --run one --resume --epochs 3 --track "$url/"
knows well "len(r) == 1 and {'key': 'resumed.train.epochs', 'value': '3'} in r[0]['data']['tags']"
knows well "len({p['key'] for p in r[0]['data']['params']}) == len(r[0]['data']['params'])"
run 0 "$tutti" train "$tiny" --store none --run one --resume --epochs 4 --track "$url" --experiment other
knows well "s['experiments'] == {'a b/ü': '1'} and len(r) == 1"
run 0 "$tutti" train "$tiny" --store none --run one --resume --epochs 5
says "$err" "one/track.json): --track goes on with it"

# a server that is ill for a while: said once, and nothing is missing
for fault in "down 2" "garbage 1" lost; do
	fake "${fault% *}" $fault
	run 0 "$tutti" train "$tiny" --store none --run "run-${fault% *}" --track "$url" --epochs 1
	knows "${fault% *}" "len(r) == 1 and r[0]['info']['status'] == 'FINISHED' and $numbers > 5"
	[ "$(grep -c "tried again" "$err")" -le 1 ] || fail "said more than once"
	lacks "$err" "not sent"
	LC_ALL=C grep -q $'\x1b' "$err" && fail "what a server says reaches the terminal"
done

# nobody listens: training is as it was, and what was not sent is counted
wait $gone || fail "training fails without its server"
says gone.err "http://127.0.0.1:9 does not answer"
says gone.err "6 of 6 files"
run 0 "$tutti" train "$tiny" --store none --run alone --epochs 1 --json
cmp gone/checkpoints/best.safetensors alone/checkpoints/best.safetensors || fail "other bits"

# refused: said once with the way out, not tried again
fake deny deny
run 0 "$tutti" train "$tiny" --store none --run denied --epochs 1 --track "$url"
says "$err" "MLFLOW_TRACKING_TOKEN"
lacks "$err" "tried again"
fake batch batch
run 0 "$tutti" train "$tiny" --store none --run batch --epochs 1 --track "$url"
says "$err" "refuses (400): INVALID_PARAMETER_VALUE"
says "$err" "track: not sent: "
knows batch "r[0]['info']['status'] == 'FINISHED'"

# https: who the server is is looked at
if command -v openssl >/dev/null; then
	run 0 openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
		-addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem
	cat key.pem cert.pem >both.pem
	FAKE_CERT=$PWD/both.pem fake tls none
	url=https://localhost:${url##*:}
	run 0 "$tutti" train "$tiny" --store none --run stranger --epochs 1 --track "$url"
	says "$err" "its certificate is not trusted"
	[ ! -e tls/state.json ] || fail "a stranger was told something"
	MLFLOW_TRACKING_SERVER_CERT_PATH=$PWD/cert.pem run 0 "$tutti" train "$tiny" --store none \
		--run trusted --epochs 1 --track "$url"
	knows tls "r[0]['info']['status'] == 'FINISHED'"
fi

# stopped: KILLED within five seconds, with the numbers, without files
fake stopped none
"$tutti" train "$tiny" --store none --run stopped --epochs 100000 --track "$url" 2>"$err" &
pid=$!
for _ in $(seq 200); do
	[ -e stopped/checkpoints/last.safetensors ] && break
	sleep 0.05
done
sleep 0.3
kill -TERM $pid
wait $pid
[ $? -eq 143 ] || fail "not 128 + SIGTERM"
command="a stopped run"
knows stopped "r[0]['info']['status'] == 'KILLED' and not s['files'] and $numbers > 5"

# a training that fails
run 1 "$tutti" train "$tiny" --store none --run nan --track "$url" --set train.optimizer.lr=1e30
knows stopped "r[1]['info']['status'] == 'FAILED'"

# addresses that are none leave no folder
run 1 "$tutti" train "$tiny" --store none --run bad --track ftp://x
for bad in http:// http://user:pw@127.0.0.1:5 "http://127.0.0.1:5/?a=b"; do
	run 2 "$tutti" train "$tiny" --store none --run bad --track "$bad"
	[ ! -e bad ] || fail "$bad left a folder"
done
run 2 "$tutti" train "$tiny" --store none --run bad --experiment x
echo "all told"
