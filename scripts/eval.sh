#!/bin/sh
# Measures quality on the question sets beside the checkout ($1). Without them
# it says so and does nothing.
set -eu
shared=${1:-../shared}
if [ ! -d "$shared/eval" ]; then
	echo "没有 $shared/eval，跳过评测（题库不在仓库里，见 docs/figures.md）"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DATA_DIR="$work/data"

echo "== 居民口语题 questions-dev.jsonl（不用模型）"
./bin/mingbai eval questions "$shared/eval/questions-dev.jsonl" --answers "$work/answers.jsonl"
python3 "$shared/eval/score_questions.py" "$shared/eval/questions-dev.jsonl" "$work/answers.jsonl" | head -12

echo "== 知识条目核对法律文本"
./bin/mingbai kb check
./bin/mingbai kb verify --laws "$shared/laws/flk-2026-05.tar.gz" "$shared/laws/md" 2>/dev/null

echo "== 法条检索 stard-train（检索用文本和训练都不含这些题）"
./bin/mingbai eval retrieval --laws "$shared/laws/stard-2023.jsonl.gz" --queries "$shared/eval/stard-train.jsonl"
