#!/bin/sh
# put.sh NAME FILE DOC: puts FILE between <!-- NAME --> and <!-- /NAME --> of DOC.
set -eu
new=$(mktemp)
trap 'rm -f "$new"' EXIT
awk -v name="$1" -v file="$2" '
	$0 == "<!-- " name " -->" { print; while ((getline line < file) > 0) print line; skip = 1; next }
	$0 == "<!-- /" name " -->" { skip = 0 }
	!skip { print }' "$3" >"$new"
cat "$new" >"$3"
