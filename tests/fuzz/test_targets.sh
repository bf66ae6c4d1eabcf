# Every parser in README.md's table has its target with examples, and every target a row there.
cd "${TUTTI_SOURCE:?}/tests/fuzz" || exit 1
bad=0
say() { echo "$*"; bad=1; }

rows=$(sed -n 's/^| `\(fuzz_[a-z]*\)` |.*| `\([^`]*\)` |$/\1 \2/p' README.md)
[ "$(printf '%s\n' "$rows" | wc -l)" -gt 10 ] || say "the table is not read"
while read -r target code; do
	[ -f "$target.c" ] || say "README.md names $target, and there is no $target.c"
	[ -f "$TUTTI_SOURCE/$code" ] || say "README.md: $target: there is no $code"
done <<<"$rows"
for file in fuzz_*.c; do
	name=${file%.c}
	printf '%s\n' "$rows" | grep -q "^$name " || say "$file has no row in README.md"
	[ -n "$(ls -A "corpus/$name" 2>/dev/null)" ] || say "$file has no examples in corpus/$name"
done
for folder in corpus/*/; do
	[ -f "$(basename "$folder").c" ] || say "$folder belongs to no target"
done

# Whatever reads a file or parses a text as a document is in the table, or said not to be.
while read -r file; do
	grep -qF "\`$file\`" README.md || say "$file reads foreign bytes and is not in README.md"
done < <(cd "$TUTTI_SOURCE" &&
	grep -lE '\b(file_read_all|node_parse_(yaml|json)|archive_read_data|sscanf|fgets)\(' \
		-r src cli --include='*.c')
exit $bad
