#!/bin/sh
# Measures the program over HTTP beside a bare echo handler, then runs the
# packages' benchmarks, and writes both into docs/figures.md. RUNS and
# SECONDS_EACH shorten it.
set -eu
out=$(mktemp)
trap 'rm -f "$out"' EXIT
go run ./bench/http -runs "${RUNS:-5}" -seconds "${SECONDS_EACH:-10}" >"$out"
{
	echo
	echo '```'
	go test -run '^$' -bench . -benchmem ./knowledge ./handlers ./bot | grep -v '^ok\|^PASS'
	echo '```'
} >>"$out"
cat "$out"
MINGBAI_ROUNDS="${RUNS:-5}" go test -run '^$' -bench Cases -benchtime "${CASES_FOR:-2s}" -timeout 2h ./office | go run ./bench/cases >"$out.cases"
cat "$out.cases"
scripts/put.sh cases "$out.cases" docs/figures.md
rm -f "$out.cases"
scripts/put.sh bench "$out" docs/figures.md
