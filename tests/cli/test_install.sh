# What is installed is whole: the program runs, C programs build against either library by pkg-config,
# and neither library shows a name that is not ours.
. "${TUTTI_SOURCE:?}/tests/cli/lib.sh"

build=$(dirname "$tutti")
for tool in cmake cc pkg-config nm; do
	command -v $tool >/dev/null || { echo "skipped: no $tool"; exit 77; }
done
[ -e "$build/lib/libtutti.a" ] || { echo "skipped: the archive is not built"; exit 77; }
grep -q 'TUTTI_SANITIZE:STRING=.' "$build/CMakeCache.txt" && { echo "skipped: sanitizers"; exit 77; }

run 0 cmake --install "$build" --prefix "$work/prefix"
mv prefix moved                         # the pkg-config file finds its prefix by itself
prefix=$work/moved
pc=$(dirname "$(find "$prefix" -name tutti.pc)")
lib=$(dirname "$pc")
export PKG_CONFIG_PATH=$pc

run 0 "$prefix/bin/tutti" version
for f in share/man/man1/tutti.1 share/doc/tutti/README.md share/doc/tutti/docs/guide.md \
         share/doc/tutti/examples/lenet5.yaml share/bash-completion/completions/tutti; do
	exists "$prefix/$f"
done

run 0 nm -D --defined-only "$lib/libtutti.so"
grep -v ' tt_[a-z_]*@@TUTTI$' "$out" | grep -v '@@TUTTI_PRIVATE$' | grep -v ' A TUTTI' &&
	fail "libtutti.so shows more than tt_* and what plugs are made with"
# ... it loads without the libraries that not all need: those are plugs, in a folder beside it
run 0 readelf -d "$lib/libtutti.so"
grep -E 'NEEDED.*(mpi|blas)' "$out" && fail "libtutti.so cannot be loaded without MPI and OpenBLAS"
run 0 nm -g --defined-only "$lib/libtutti.a"
grep '^[0-9a-f]' "$out" | grep -v ' tt_' && fail "libtutti.a shows more than tt_*"

# all headers at once
echo '#include <tutti/tutti.h>
int main(void) { return tt_status_text(TT_OK) ? 0 : 1; }' >all.c
run 0 cc -std=c17 -Wall -Werror all.c $(pkg-config --cflags --libs tutti) -o all
LD_LIBRARY_PATH=$(pkg-config --variable=libdir tutti) run 0 ./all

# two programs, two libraries
for name in train_lenet predict; do
	source=$prefix/share/doc/tutti/examples/c/$name.c
	run 0 cc "$source" $(pkg-config --cflags --libs tutti) -o $name-shared
	run 0 cc "$source" $(pkg-config --cflags tutti) "$lib/libtutti.a" \
		$(pkg-config --static --libs tutti | sed 's/-ltutti//') -o $name-static
done
run 0 "$tutti" train "$here/tiny.yaml" -q --epochs 1 --run tiny
for kind in shared static; do
	LD_LIBRARY_PATH=$lib run 0 ./predict-$kind tiny/checkpoints/best.safetensors \
		'synth:objects?size=16' 2
	says "$out" "sample 1: class"
	mv "$out" $kind.txt
done
cmp shared.txt static.txt || fail "the two libraries answer differently"
run 0 "$prefix/bin/tutti" info
says "$out" "$lib/tutti-plugs/"
rm -rf "$lib/tutti-plugs"               # an install without plugs is smaller, not broken
run 0 "$prefix/bin/tutti" info
grep -q "tutti-plugs" "$out" && fail "plugs that are not there: $(cat "$out")"
run 0 "$prefix/bin/tutti" train "$here/tiny.yaml" -q --epochs 1 --workers 2 --run bare
LD_LIBRARY_PATH=$lib run 0 ./predict-shared tiny/checkpoints/best.safetensors \
	'synth:objects?size=16' 2
says "$out" "sample 1: class"

# headers stand alone, in C and in C++
for header in "$prefix"/include/tutti/*.h; do
	for language in c c++; do
		[ $language = c ] || command -v c++ >/dev/null || continue
		echo "#include <tutti/${header##*/}>" >header.$language
		run 0 cc -x $language -Wall -Wextra -pedantic -Werror $(pkg-config --cflags tutti) \
			-fsyntax-only header.$language
	done
done
