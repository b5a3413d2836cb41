package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"mingbai/knowledge"
	"mingbai/office"
)

// kbVerify checks every citation, proof and figure of the entries against law
// texts: those named by --laws, else the imported ones.
func kbVerify(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb verify", "[--json] [--laws 路径 …]")
	asJSON := f.Bool("json", false, "输出 JSON")
	sums := f.String("sums", "", "核对无误后，把被引条文的指纹写到这个文件（内置的是 knowledge/corpus/citations.sum）")
	named := f.Bool("laws", false, "后面写法律文本的文件或目录；不写就用已导入的")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	p, err := a.openBase(ctx)
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
	faults = append(faults, knowledge.VerifyFixed(slices.Concat(p.base.FixedCitations(), p.safety.Citations(), caseCitations()), lib, p.base.Today())...)
	faults = append(faults, knowledge.VerifyRules(rules, lib, p.base.Today())...)
	n := 0
	for _, e := range entries {
		n += len(e.Citations)
	}
	if *sums != "" && len(faults) == 0 {
		w, err := os.Create(*sums)
		if err != nil {
			return fmt.Errorf("写不了指纹文件：%w", err)
		}
		if err := errors.Join(knowledge.WriteCitationSums(w, entries, lib, p.base.Today()), w.Close()); err != nil {
			return err
		}
	}
	return a.report(faults, *asJSON, fmt.Sprintf("%d 条条目的 %d 处依据、%d 行期限、全部计算器和紧急、拒绝用语的依据都核对无误。", len(entries), n, len(rules)))
}

// evalRetrieval measures how well questions find their articles.
func evalRetrieval(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval retrieval", "--laws 法条.jsonl.gz --queries 问题.jsonl [--variant trad|typo|dialect] [--json] [--run 输出.jsonl]")
	lawsFile := f.String("laws", "", "法条，每行一个 JSON（可 gzip）")
	queries := f.String("queries", "", "问题，每行 qid、query（和 gold）")
	run := f.String("run", "", "把每题前 100 条写到这个文件，只读 qid 和 query")
	cache := f.String("cache", "", "索引缓存文件")
	variant := f.String("variant", "", "换一种写法再问：trad 繁体、typo 每十个字错一个同音字、dialect 方言词")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if *lawsFile == "" || *queries == "" || len(rest) > 0 {
		return fmt.Errorf("%w: 要写 --laws 和 --queries", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	o := knowledge.RetrievalOptions{Laws: *lawsFile, Queries: *queries, Entries: p.base.EntryDocuments(), Lexicon: knowledge.DefaultLexicon(), Index: p.base.IndexOptions(), Cache: *cache}
	if o.Rewrite, err = knowledge.Variant(*variant); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
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

// kbImpact lists what in the base rests on a law or an article.
func kbImpact(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb impact", "法律名称[:条号] [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 请写法律名称，如 劳动合同法 或 劳动合同法:82", errUsage)
	}
	law, number, _ := strings.Cut(strings.Replace(rest[0], "：", ":", 1), ":")
	no, err := knowledge.ParseArticleNo(number)
	if err != nil {
		return fmt.Errorf("%w: 条号“%s”看不懂，应写成 42 或 276之一", errUsage, number)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	found := knowledge.ImpactOf(p.base.Entries(), p.base.Rules(), p.base.Registry(), law, no)
	uses := knowledge.CalculatorsOf(p.base.Registry(), law, no)
	if !*asJSON {
		if err := found.Write(a.out); err != nil {
			return err
		}
		for _, key := range uses {
			fmt.Fprintf(a.out, "- 计算器 %s\n", key)
		}
		return nil
	}
	ids := []string{}
	for _, e := range found.Entries {
		ids = append(ids, e.ID)
	}
	return writeJSON(a.out, map[string]any{"law": found.Law, "article": no.String(), "entries": ids, "rules": list(found.Rules), "calculators": list(uses), "phrasings": list(found.Phrasings())})
}

// list makes an absent list an empty one, for JSON.
func list(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// kbDiff shows what differs between two directories of entries, or between the
// built-in entries and KNOWLEDGE_DIR.
func kbDiff(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb diff", "[旧目录] [新目录]（默认：内置条目和 KNOWLEDGE_DIR）")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	builtin, err := fs.Sub(knowledge.Corpus(), "entries")
	if err != nil {
		return err
	}
	before, after := builtin, fs.FS(nil)
	switch {
	case len(rest) == 2:
		before, after = os.DirFS(rest[0]), os.DirFS(rest[1])
	case len(rest) == 1:
		after = os.DirFS(rest[0])
	case a.config.Knowledge.Dir != "":
		after = os.DirFS(a.config.Knowledge.Dir)
	default:
		return fmt.Errorf("%w: 没有设 KNOWLEDGE_DIR，请写要比较的目录", errUsage)
	}
	olds, _ := knowledge.LoadEntries(before)
	news, faults := knowledge.LoadEntries(after)
	for _, x := range faults {
		fmt.Fprintln(a.err, x)
	}
	return knowledge.WriteEntryDiff(a.out, olds, news, len(rest) == 2)
}

// kbCoverage writes the table of topics, entries, phrasings and reviews.
func kbCoverage(ctx context.Context, a *app, args []string) error {
	f := a.flags("kb coverage", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	return knowledge.WriteCoverage(a.out, p.base.Domains(), p.base.Entries())
}

// caseCitations are the articles that the rules of cases rest on.
func caseCitations() []knowledge.FixedCitation {
	var list []knowledge.FixedCitation
	for _, b := range office.FlowBases() {
		no, _ := knowledge.ParseArticleNo(b.Article) // a wrong one is found as an article that is not there
		list = append(list, knowledge.FixedCitation{Where: "office " + b.Law, Citation: knowledge.Citation{Law: b.Law, Article: no, Proof: b.Proof}})
	}
	return list
}
