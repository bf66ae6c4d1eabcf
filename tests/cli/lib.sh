# lib.sh -- what the tests of the command line share; sourced by each of them.
#
#   run CODE COMMAND...   run it; stdout and stderr go to $out and $err; CODE is the exit code wanted
#   says FILE TEXT        the file holds this text
#   one_line FILE         the file is one line long
#   last_json             the last line of stdout is one JSON object
# The first broken promise ends the test.  A test works in a folder of its own, removed at the end.

set -u
tutti=${TUTTI_BINARY:?}
here=$TUTTI_SOURCE/tests/cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
out=$work/stdout.txt
err=$work/stderr.txt
export XDG_CACHE_HOME=$work/cache OMP_NUM_THREADS=1 LC_ALL=C.UTF-8
unset TUTTI_DATA

fail()
{
	echo "FAILED: $*"
	for f in "$out" "$err"; do
		echo "---- ${f##*/}"
		tail -n 20 "$f" 2>/dev/null
	done
	exit 1
}

run()
{
	local want=$1 got
	shift
	command=$*
	"$@" >"$out" 2>"$err"
	got=$?
	[ "$got" -eq "$want" ] || fail "$command: exit code $got, not $want"
}

says()
{
	grep -qF -e "$2" "$1" || fail "$command: ${1##*/} does not say '$2'"
}

# The same by an extended regular expression.
says_like()
{
	grep -qE -e "$2" "$1" || fail "$command: ${1##*/} does not say '$2'"
}

lacks()
{
	grep -qF -e "$2" "$1" && fail "$command: ${1##*/} says '$2'"
	return 0
}

one_line()
{
	[ "$(wc -l <"$1")" -eq 1 ] || fail "$command: ${1##*/} is not one line"
}

empty()
{
	[ ! -s "$1" ] || fail "$command: ${1##*/} is not empty"
}

exists()
{
	[ -e "$1" ] || fail "$command: left no $1"
}

absent()
{
	[ ! -e "$1" ] || fail "$command: left $1 behind"
}

last_json()
{
	tail -n 1 "$out" | python3 -c 'import json, sys; json.loads(sys.stdin.read())' 2>/dev/null ||
		fail "$command: the last line is no JSON"
}
