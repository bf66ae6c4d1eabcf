# Documents made from tables and headers are up to date; if not: tools/make-docs PROGRAM.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

run 0 "$TUTTI_SOURCE/tools/make-docs" "$tutti" "$work/made"
for file in $(cd made && find . -type f); do
	diff -u "$TUTTI_SOURCE/$file" "made/$file" >"$out" || fail "$file is not up to date: run tools/make-docs $tutti"
done
[ "$(find made -type f | wc -l)" -eq 6 ] || fail "make-docs made another number of files"

# the man page is one that man can read without a warning
if command -v groff >/dev/null; then
	run 0 groff -man -Tutf8 -ww made/share/man/man1/tutti.1
	empty "$err"
fi
