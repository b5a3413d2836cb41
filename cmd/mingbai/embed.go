package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"mingbai/knowledge"
)

// vectorsFile is where vectors lie in the data directory.
const vectorsFile = "vectors.bin"

// openEmbedding opens the model of vectors; nil without one in the settings.
func (p *parts) openEmbedding() (knowledge.Embedder, error) {
	c := p.app.config.Model
	if c.Embedding == "" {
		return nil, nil
	}
	var err error
	p.vectors, err = knowledge.NewEmbedModel(knowledge.EmbedOptions{
		BaseURL: c.EmbeddingBaseURL, Key: c.EmbeddingKey.Reveal(), Model: c.Embedding,
		PerMinute: c.EmbeddingPerMinute, PerDay: c.TokensDay, Spend: p.spend, Log: p.app.log, Metrics: p.metrics,
	}, p.mask)
	if err != nil {
		return nil, err
	}
	return p.vectors, nil
}

// embed gets the vectors of everything that can be found. It may be stopped and
// started again; a running program uses them once all are there.
func embed(ctx context.Context, a *app, args []string) error {
	f := a.flags("knowledge embed", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if a.config.Model.Embedding == "" {
		return errors.New("没有设置向量模型：先设 EMBEDDING_MODEL 和 EMBEDDING_BASE_URL，见 docs/guide-model.md")
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	defer p.vectors.Close()
	if err := os.MkdirAll(a.config.DataDir, 0o700); err != nil {
		return err
	}
	start := a.now()
	j := knowledge.EmbedJob{
		File: filepath.Join(a.config.DataDir, vectorsFile), Model: a.config.Model.Embedding, Embedder: p.vectors,
		Docs: append(p.base.EntryDocuments(), p.base.ArticleDocuments()...), Progress: progress(a.err, a.now),
	}
	n, err := j.Run(ctx)
	if n > 0 {
		fmt.Fprintln(a.err)
	}
	if err != nil {
		return fmt.Errorf("算到第 %d 段停了，已算好的都存着，再运行一次接着算：%w", n, err)
	}
	fmt.Fprintf(a.out, "%d 条条目和法条都有向量了，新算 %d 段，用时 %s。正在运行的程序会自己用上。\n", len(j.Docs), n, a.now().Sub(start).Round(time.Second))
	return nil
}

// progress shows how far a long job is and how long it may still take, in one
// line that is written over, at most twice a second.
func progress(w io.Writer, now func() time.Time) func(done, total int) {
	begun, from, last := now(), -1, time.Time{}
	return func(done, total int) {
		t := now()
		if from < 0 {
			from = done
		}
		if done < total && t.Sub(last) < 500*time.Millisecond {
			return
		}
		last = t
		left := "…"
		if done > from {
			left = (t.Sub(begun) * time.Duration(total-done) / time.Duration(done-from)).Round(time.Second).String()
		}
		fmt.Fprintf(w, "\r%d/%d（%d%%），还要约 %s    ", done, total, done*100/max(total, 1), left)
	}
}
