# Runs that are killed at random moments and resumed, and two that start at once in one folder; the
# long forms are `tests/fault/soak kills 500` and `tests/fault/soak starts 1000`.
set -eu
soak=${TUTTI_SOURCE:?}/tests/fault/soak
python3 "$soak" kills 10 --program "${TUTTI_BINARY:?}" --seed "${SOAK_SEED:-1}"
python3 "$soak" starts 20 --program "$TUTTI_BINARY" --seed "${SOAK_SEED:-1}"
