#!/bin/sh
# Measures quality on the question sets beside the checkout ($1) and writes the
# table into docs/figures.md. Without the sets it says so and does nothing.
set -eu
shared=${1:-../shared}
if [ ! -d "$shared/eval" ]; then
	echo "没有 $shared/eval，跳过评测（题库不在仓库里，见 docs/figures.md）"
	exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DATA_DIR="$work/data"
out="$work/eval.md"

echo "居民口语题 questions-dev.jsonl（不用模型）：" >"$out"
./bin/mingbai eval questions "$shared/eval/questions-dev.jsonl" --answers "$work/answers.jsonl"
{
	echo
	echo '```'
	python3 "$shared/eval/score_questions.py" "$shared/eval/questions-dev.jsonl" "$work/answers.jsonl" | grep -v 'style=\|domain='
	echo '```'
	echo
	echo "知识条目逐条核对法律文本："
	echo
	echo '```'
	./bin/mingbai kb check
	./bin/mingbai kb verify --laws "$shared/laws/flk-2026-05.tar.gz" "$shared/laws/md" 2>/dev/null
	echo '```'
	echo
	echo "法条检索：stard-train 的 1,235 个真实问题，55,404 条，检索用的文本和训练都不含这些题："
	echo
	echo '```'
	./bin/mingbai eval retrieval --laws "$shared/laws/stard-2023.jsonl.gz" --queries "$shared/eval/stard-train.jsonl"
	echo '```'
	echo
	echo "大模型的八道关：让一个真话里混着张冠李戴、已废止和编造的法条的模型改写答案，看放出了什么："
	echo
	echo '```'
	./bin/mingbai eval gates "$shared/eval/questions-dev.jsonl" "$shared/eval/lecoqa-train.jsonl" | sed "s|$shared/eval/||"
	echo '```'
	echo
	echo "急事和拒答：普通问题有没有被拒答、误当急事，急事有没有在问模型之前认出来："
	echo
	echo '```'
	./bin/mingbai eval safety "$shared/eval/questions-dev.jsonl" "$shared/eval/lecoqa-train.jsonl" | sed "s|$shared/eval/||"
	echo '```'
	echo
	echo "洪水：一个人每分钟发 600 条，同时 50 个人在问（模型每次想 0.3 秒）："
	echo
	echo '```'
	./bin/mingbai eval flood
	echo '```'
	echo
	echo "问法和题库的重合："
	echo
	echo '```'
	./bin/mingbai eval overlap "$shared/eval/questions-dev.jsonl" "$shared/eval/stard-train.jsonl" "$shared/eval/lecoqa-train.jsonl" | grep '：' | sed "s|$shared/eval/||"
	echo '```'
	echo
	echo "个人信息遮盖 pii.jsonl："
	echo
	echo '```'
	./bin/mingbai redact "$shared/eval/pii.jsonl" >"$work/pii.jsonl"
	python3 "$shared/eval/score_pii.py" "$shared/eval/pii.jsonl" "$work/pii.jsonl" | grep -v '^\(worst\|missed\|damaged\):'
	echo '```'
	echo
	echo "攻击集 hostile.jsonl，整套产品，模型完全听攻击者的话："
	echo
	echo '```'
	./bin/mingbai eval hostile "$shared/eval/hostile.jsonl" 2>/dev/null
	echo '```'
} >>"$out"
cat "$out"
scripts/put.sh eval "$out" docs/figures.md
