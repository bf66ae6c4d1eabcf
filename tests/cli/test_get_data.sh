# tools/get-data: the right file is put where it belongs, of a wrong one nothing is left.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

command -v curl >/dev/null || { echo "skipped: no curl"; exit 77; }
get=$TUTTI_SOURCE/tools/get-data
mkdir -p "from here/top"
from="file://$work/from%20here"
echo one >"from here/one.txt"
echo two >"from here/top/two.bin"
gzip -k "from here/one.txt"
tar -czf "from here/all.tar.gz" -C "from here" top
sum() { sha256sum "$1" | cut -d' ' -f1; }

run 0 "$get" "$from/one.txt?mirror=1" "$(sum "from here/one.txt")" "to here"
cmp "from here/one.txt" "to here/one.txt" || fail "another file"
run 0 "$get" "$from/one.txt.gz" "$(sum "from here/one.txt")" "to here"
exists "to here/one.txt.gz"
run 0 "$get" "$from/all.tar.gz" "$(sum "from here/all.tar.gz")" unpacked
[ "$(ls -A unpacked)" = two.bin ] || fail "unpacked: $(ls -A unpacked)"

run 1 "$get" "$from/one.txt" "$(sum "from here/top/two.bin")" wrong
says "$err" "its sum is $(sum "from here/one.txt"), not"
[ -z "$(ls -A wrong)" ] || fail "a wrong file is left"
run 37 "$get" "$from/nobody.txt" 0 wrong
[ -z "$(ls -A wrong)" ] || fail "a part is left"
run 2 "$get" "$from/one.txt"
