# The public functions in any order, a few programs of them; calls.py makes as many as one likes by hand.
asan=$(ldd "${TUTTI_BINARY:?}" | awk '/libasan/ { print $3 }')
exec python3 "${TUTTI_SOURCE:?}/tests/hostile/calls.py" --seeds 3 --first 29 ${asan:+--preload "$asan"}
