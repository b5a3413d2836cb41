#!/bin/sh
# Runs every fuzz target of the module for the time given ("5s").
set -eu
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# once PKG TARGET TIME: the go command sometimes ends a run that found nothing
# with "context deadline exceeded"; such a run is
# repeated, one that found a failing input is not.
once() {
	for try in 1 2 3; do
		go test -run '^$' -fuzz "^$2\$" -fuzztime "$3" "$1" >"$out" 2>&1 && return 0
		grep -q 'context deadline exceeded' "$out" && ! grep -q 'Failing input written' "$out" || return 1
	done
	return 1
}

for dir in $(go list -f '{{.Dir}}' ./...); do
	for target in $(grep -hos '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u); do
		pkg=$(go list "$dir")
		echo "fuzz $pkg $target"
		once "$pkg" "$target" "$1" || {
			cat "$out"
			exit 1
		}
	done
done
