# Each clang that is there takes, without a warning, the sources in which compilers differ: what
# `make fuzz` is built with has words of its own for loops and attributes.
cd "${TUTTI_SOURCE:?}" || exit 1
grep -q -a -E '__asan_init|__tsan_init' "${TUTTI_BINARY:?}" && exit 77
mapfile -t files < <(grep -lE '_Pragma|#pragma|__builtin|__attribute__|__asm' -r src cli --include='*.c' |
	grep -v -E '/(plug/|cpu/winograd_bf16|[a-z]*_omp\.c)')
made=$(find "$(dirname "$TUTTI_BINARY")" -maxdepth 4 -name '*.pb-c.h' -printf '-isystem %h' -quit)
seen=0
for clang in clang-14 clang-16 clang; do
	command -v "$clang" >/dev/null || continue
	[ "$clang" = clang ] && [ $seen -gt 0 ] && continue
	"$clang" -fsyntax-only -std=c17 -D_GNU_SOURCE -DTT_BUILD -DTT_VERSION='"x"' -Iinclude -Isrc -Icli \
		$made \
		-Wall -Wextra -Wshadow -Wmissing-prototypes -Wno-psabi -Werror "${files[@]}" || exit 1
	seen=$((seen + 1))
done
[ $seen -gt 0 ] || exit 77
