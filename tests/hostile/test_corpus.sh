# Hostile inputs, one of each kind; corpus.py makes thousands by hand.
asan=
grep -q -a __asan_init "${TUTTI_BINARY:?}" && asan="--no-limits --memory 4000 --seconds 100"
exec python3 "${TUTTI_SOURCE:?}/tests/hostile/corpus.py" --count 42 $asan
