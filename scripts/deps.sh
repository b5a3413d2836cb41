#!/bin/sh
# Installs what the tests need and the machine lacks: redis-server, PostgreSQL
# and Chromium with a Chinese font, by apt.
set -eu

missing=""
need() { # need PACKAGE FILE-OR-COMMAND…
	package=$1
	shift
	for f in "$@"; do
		case $f in
		/*) for g in $f; do [ -e "$g" ] && return 0; done ;;
		*) command -v "$f" >/dev/null 2>&1 && return 0 ;;
		esac
	done
	missing="$missing $package"
}
need redis-server redis-server
need redis-sentinel redis-sentinel
need postgresql '/usr/lib/postgresql/*/bin/initdb' initdb
need chromium chromium chromium-browser google-chrome
need fonts-noto-cjk '/usr/share/fonts/opentype/noto/NotoSansCJK*'
need gcc gcc cc

[ -z "$missing" ] && exit 0
if ! command -v apt-get >/dev/null 2>&1; then
	echo "缺少这些测试要用的软件，请先装上：$missing" >&2
	exit 1
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
echo "安装测试要用的软件：$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { $sudo apt-get update && $sudo apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	tail -20 "$log" >&2
	echo "安装失败，见上面的原因。" >&2
	exit 1
fi
