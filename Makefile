# A thin face on CMake (see CMakePresets.json): `make demo`, `make test`, `make help`.

PREFIX  ?= /usr/local
DESTDIR ?=
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)
DEMO    ?= examples/demo.yaml
CLANG   ?= clang
FUZZ    ?= -max_total_time=60

# Presets with ninja where it is; the generator is fixed once per build folder.
configure = test -f build/$(1)/CMakeCache.txt || cmake --preset $(1) $(shell command -v ninja >/dev/null 2>&1 && echo -G Ninja) >/dev/null
build     = $(call configure,$(1)) && cmake --build build/$(1) -j $(JOBS)

.PHONY: help all demo test quick docs tour tour-check install uninstall clean format fuzz bench setup setup-test release dev asan tsan

help:
	@echo "make demo      install what is missing, build, train on generated images"
	@echo "make test      install what the tests need, build, run all tests (also under sanitizers)"
	@echo "make quick     the fast tests, without sanitizers"
	@echo "make release   build build/release/tutti"
	@echo "make install   install below PREFIX=$(PREFIX), staged in DESTDIR"
	@echo "make bench     speed against PyTorch, side by side"
	@echo "make fuzz      libFuzzer on every parser: CLANG=$(CLANG), FUZZ=$(FUZZ)"
	@echo "make docs      write the documents that are made from tables and headers"
	@echo "make tour      run the commands that README and guide show; TUTTI_DATA has the data"
	@echo "make tour-check  the same, and say where they print something else"
	@echo "make format    format the lines changed since the last commit (needs git-clang-format)"
	@echo "make clean     remove build/"

all: release

setup:
	@tools/setup build

setup-test:
	@tools/setup test

release dev asan tsan:
	@$(call build,$@)

demo: setup
	@$(call build,release)
	build/release/tutti train $(DEMO)

test: setup-test
	@tools/test

quick: setup-test
	@tools/test quick

docs: release
	tools/make-docs build/release/tutti

tour: release
	tools/tour build/release/tutti README.md docs/guide.md

tour-check: release
	tools/tour --check build/release/tutti README.md docs/guide.md

install: release
	DESTDIR="$(DESTDIR)" cmake --install build/release --prefix "$(PREFIX)"

uninstall:
	@test -f build/release/install_manifest.txt || { echo "nothing was installed from here"; exit 1; }
	sed 's|^|$(DESTDIR)|' build/release/install_manifest.txt | xargs -d '\n' rm -fv --

clean:
	rm -rf build

format:
	git clang-format --extensions c,h HEAD

# One folder for each clang; what the fuzzer finds is kept beside the programs and gone on from.
fuzz_in = build/fuzz$(patsubst clang%,%,$(notdir $(CLANG)))
fuzz:
	@test -f $(fuzz_in)/CMakeCache.txt || cmake --preset fuzz -B $(fuzz_in) -DCMAKE_C_COMPILER=$(CLANG) \
		$(shell command -v ninja >/dev/null 2>&1 && echo -G Ninja) >/dev/null
	@cmake --build $(fuzz_in) -j $(JOBS) --target fuzzers
	@for t in tests/fuzz/fuzz_*.c; do n=$${t##*/}; n=$${n%.c}; \
		mkdir -p $(fuzz_in)/found/$$n; echo "$(fuzz_in)/$$n"; \
		$(fuzz_in)/$$n $(FUZZ) -print_final_stats=1 -verbosity=0 -artifact_prefix=$(fuzz_in)/found/ \
			$(fuzz_in)/found/$$n tests/fuzz/corpus/$$n || exit 1; done

bench: setup-test
	@$(call build,release)
	bench/versus-pytorch
