#!/bin/sh
# Measures the program over HTTP beside a bare echo handler, then runs the
# packages' benchmarks. RUNS and SECONDS shorten it.
set -eu
go run ./bench/http -runs "${RUNS:-5}" -seconds "${SECONDS_EACH:-10}"
go test -run '^$' -bench . -benchmem ./knowledge ./handlers ./bot
