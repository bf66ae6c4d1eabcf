# A store of runs in PostgreSQL passes the tests of one in a file, and may go away.  A cluster of our
# own, on a socket in a folder of our own.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
[ -x "$bin/initdb" ] || { echo "skipped: no PostgreSQL server here (Debian: postgresql)"; exit 77; }
"$tutti" info | grep -q '^ *postgres  *[0-9]' || { echo "skipped: no libpq in this build"; exit 77; }

# it does not run as root
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
	user=$(id -un postgres 2>/dev/null || echo nobody)
	chmod 755 "$work"
	as="runuser -u $user --"
else
	as=
fi
mkdir "$work/pg" && { [ -z "$as" ] || chown "$user" "$work/pg"; }
cd "$work/pg" || exit 1
LC_ALL=C $as "$bin/initdb" -D "$work/pg/data" -A trust -N -U tutti >"$out" 2>&1 || fail "initdb"
# no word of its own on a port: a socket alone
start() { $as "$bin/pg_ctl" -D "$work/pg/data" -w -s -l "$work/pg/log" \
	-o "-c listen_addresses='' -k $work/pg -c fsync=off -c shared_buffers=16MB" start >/dev/null 2>&1; }
halt() { $as "$bin/pg_ctl" -D "$work/pg/data" -s -m immediate stop >/dev/null 2>&1; }
trap 'halt; rm -rf "$work"' EXIT
start || fail "the server does not start: $(cat "$work/pg/log")"
cd "$work" || exit 1
uri="postgresql:///postgres?host=$work/pg&user=tutti"

TUTTI_TEST_STORE=$uri "$(dirname "$tutti")/test_lab_store" >"$out" 2>&1 || fail "the tests of the store"

spec=$here/tiny.yaml
quick="-q --epochs 1 --set train.tensorboard.every_steps=0 --store $uri"
run 0 "$tutti" train "$spec" $quick --run one
run 0 "$tutti" runs --store "$uri" list "valid.loss > 0 and status = finished"
says "$out" "tiny"

# it goes away: the training does not, and what is missing is added when it is back
halt
run 0 "$tutti" train "$spec" $quick --run two
one_line "$err"
says "$err" "not recorded yet: PostgreSQL"
start || fail "the server does not start again"
run 0 "$tutti" runs --store "$uri" import two one
run 0 "$tutti" runs --store "$uri" list "valid.loss > 0" --csv
[ "$(wc -l <"$out")" = 3 ] || fail "the store has not both runs, once each"
exit 0
