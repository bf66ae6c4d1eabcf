# The language models of examples/, small, take five steps as PyTorch's do.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

python=/usr/bin/python3
"$python" -c 'import importlib.util, sys; sys.exit(not importlib.util.find_spec("torch"))' || {
	echo "skipped: Python has no torch"
	exit 77
}
[ -f /usr/share/common-licenses/Apache-2.0 ] || { echo "skipped: there are no licences"; exit 77; }

run 0 "$python" -B "$TUTTI_SOURCE/bench/versus-text" steps --tutti "$tutti"
says "$out" "char-lstm: 5 steps"
says "$out" "char-gpt: 5 steps"
