#!/bin/sh
# Writes the generated parts of the documents; with --check only says whether
# they are fresh.
set -eu
check=${1:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

env -i PATH="$PATH" HOME="${HOME:-/}" DATA_DIR="$work/data" ./bin/mingbai config --markdown >"$work/settings.md"
cp README.md "$work/README.md"
scripts/put.sh settings "$work/settings.md" "$work/README.md"
if [ "$check" = "--check" ]; then
	cmp -s README.md "$work/README.md" || { echo "README.md 的设置表过期了：运行 make docs" >&2; exit 1; }
else
	cp "$work/README.md" README.md
fi

env -i PATH="$PATH" HOME="${HOME:-/}" DATA_DIR="$work/data" ./bin/mingbai kb coverage >"$work/coverage.md"
if [ "$check" = "--check" ]; then
	cmp -s docs/coverage.md "$work/coverage.md" || { echo "docs/coverage.md 过期了：运行 make docs" >&2; exit 1; }
else
	cp "$work/coverage.md" docs/coverage.md
fi
