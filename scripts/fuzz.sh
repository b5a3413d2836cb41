#!/bin/sh
# Runs every fuzz target of the module for the time given ("5s").
set -eu
for dir in $(go list -f '{{.Dir}}' ./...); do
	for target in $(grep -hos '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | sed 's/^func //' | sort -u); do
		pkg=$(go list "$dir")
		echo "fuzz $pkg $target"
		go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "$pkg" >/tmp/mingbai-fuzz.$$ 2>&1 || {
			cat /tmp/mingbai-fuzz.$$
			rm -f /tmp/mingbai-fuzz.$$
			exit 1
		}
	done
done
rm -f /tmp/mingbai-fuzz.$$
