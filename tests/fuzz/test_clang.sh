# Each clang that is there takes all sources and tests without a warning: `make fuzz` is built with one.
cd "${TUTTI_SOURCE:?}" || exit 1
grep -q -a -E '__asan_init|__tsan_init' "${TUTTI_BINARY:?}" && exit 77
mapfile -t files < <(find src cli tests bench examples -name '*.c' |
	grep -v -E '/(plug/|cpu/winograd_bf16|[a-z]*_omp\.c)')
made=$(find "$(dirname "$TUTTI_BINARY")" -maxdepth 4 -name '*.pb-c.h' -printf '-isystem %h' -quit)
seen=0
for clang in clang-14 clang-16 clang; do
	command -v "$clang" >/dev/null || continue
	[ "$clang" = clang ] && [ $seen -gt 0 ] && continue
	printf '%s\n' "${files[@]}" | xargs -P 2 -n 40 "$clang" -fsyntax-only -std=c17 -D_GNU_SOURCE \
		-DTT_BUILD -DTT_VERSION='"x"' -DTEST_SOURCE_DIR='"x"' -DTEST_BINARY_DIR='"x"' \
		-DTEST_PLUGS='"x"' -DSTUB_NAME='"x"' -Iinclude -Isrc -Icli -Itests $made \
		-Wall -Wextra -Wshadow -Wmissing-prototypes -Wno-missing-field-initializers \
		-Wno-psabi -Werror || exit 1
	seen=$((seen + 1))
done
[ $seen -gt 0 ] || exit 77
