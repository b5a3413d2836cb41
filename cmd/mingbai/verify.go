package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"

	"mingbai/knowledge"
)

// kbVerify checks every citation, proof and figure of the entries against law
// texts: those named by --laws, else the imported ones.
func kbVerify(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb verify", "[--json] [--laws 路径 …]")
	asJSON := f.Bool("json", false, "输出 JSON")
	named := f.Bool("laws", false, "后面写法律文本的文件或目录；不写就用已导入的")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	p, err := a.openBase(ctx, false)
	if err != nil {
		return err
	}
	lib := p.base.Library()
	if *named || len(rest) > 0 {
		lib = knowledge.NewLibrary(p.base.Registry())
		rep, err := knowledge.Import(ctx, lib, rest, knowledge.ImportOptions{Fetch: knowledge.FetchOptions{Hosts: a.config.Knowledge.Hosts}, Progress: a.progress(), Now: a.now})
		if err != nil {
			return err
		}
		fmt.Fprintf(a.err, "用 %d 部、%d 条法律文本核对\n", rep.Laws, rep.Articles)
	}
	if lib.Empty() {
		return fmt.Errorf("没有法律文本可核对：先用 mingbai laws import 导入，或加 --laws 路径")
	}
	entries := p.base.Entries()
	rules := p.base.Rules()
	faults := knowledge.Verify(entries, lib, knowledge.VerifyOptions{Today: p.base.Today(), Files: p.base.Files(), FiguresOf: rules.FiguresOf})
	faults = append(faults, knowledge.VerifyFixed(p.base.FixedCitations(), lib, p.base.Today())...)
	faults = append(faults, knowledge.VerifyRules(rules, lib, p.base.Today())...)
	n := 0
	for _, e := range entries {
		n += len(e.Citations)
	}
	return a.report(faults, *asJSON, fmt.Sprintf("%d 条条目的 %d 处依据、%d 行期限和全部计算器都核对无误。", len(entries), n, len(rules)))
}

// evalRetrieval measures how well questions find their articles.
func evalRetrieval(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval retrieval", "--laws 法条.jsonl.gz --queries 问题.jsonl [--json] [--run 输出.jsonl]")
	lawsFile := f.String("laws", "", "法条，每行一个 JSON（可 gzip）")
	queries := f.String("queries", "", "问题，每行 qid、query（和 gold）")
	run := f.String("run", "", "把每题前 100 条写到这个文件，只读 qid 和 query")
	cache := f.String("cache", "", "索引缓存文件")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if *lawsFile == "" || *queries == "" || len(rest) > 0 {
		return fmt.Errorf("%w: 要写 --laws 和 --queries", errUsage)
	}
	p, err := a.openBase(ctx, false)
	if err != nil {
		return err
	}
	o := knowledge.RetrievalOptions{Laws: *lawsFile, Queries: *queries, Entries: p.base.EntryDocuments(), Lexicon: knowledge.DefaultLexicon(), Cache: *cache}
	if *run != "" {
		w, err := os.Create(*run)
		if err != nil {
			return fmt.Errorf("写不了输出文件：%w", err)
		}
		defer w.Close()
		o.Run = w
	}
	fig, err := knowledge.EvalRetrieval(o)
	if err != nil {
		return err
	}
	if !*asJSON {
		_, err = fmt.Fprint(a.out, fig)
		return err
	}
	return writeFigures(a.out, fig)
}

// writeFigures writes the figures as one flat JSON object.
func writeFigures(w io.Writer, fig knowledge.RetrievalFigures) error {
	text, err := json.Marshal(fig)
	if err != nil {
		return err
	}
	flat := map[string]any{}
	if err := json.Unmarshal(text, &flat); err != nil {
		return err
	}
	delete(flat, "recall")
	for k, v := range fig.Recall {
		flat["recall@"+strconv.Itoa(k)] = v
	}
	return writeJSON(w, flat)
}
