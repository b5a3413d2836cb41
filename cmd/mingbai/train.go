package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mingbai/knowledge"
)

// modelFile is where a model trained here lies in the data directory; the
// program uses it instead of the built-in one.
const modelFile = "encoder.bin"

// knowledgeCommand trains the models that find articles and sort disputes, or
// gets vectors.
func knowledgeCommand(ctx context.Context, a *app, args []string) error {
	if len(args) > 0 && args[0] == "embed" {
		return embed(ctx, a, args[1:])
	}
	if len(args) > 0 && args[0] == "lanes" {
		return trainLanes(a, args[1:])
	}
	return train(ctx, a, args)
}

func train(ctx context.Context, a *app, args []string) error {
	f := a.flags("knowledge train", "[--laws 法条.jsonl.gz] [--out 文件] [问题.jsonl…]")
	laws := f.String("laws", "", "法条文件；不写就用已导入的法律文本")
	out := f.String("out", filepath.Join(a.config.DataDir, modelFile), "模型写到哪里")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) == 0 || rest[0] != "train" {
		return fmt.Errorf("%w: knowledge 后面写 train、lanes 或 embed", errUsage)
	}
	p, err := a.openBase(ctx)
	if err != nil {
		return err
	}
	o := knowledge.TrainOptions{
		Laws: *laws, Entries: p.base.EntryDocuments(), Index: p.base.IndexOptions(), Questions: rest[1:],
		Log: func(format string, args ...any) { fmt.Fprintf(a.err, "  "+format+"\n", args...) },
	}
	if *laws == "" {
		if o.Articles = p.base.ArticleDocuments(); len(o.Articles) == 0 {
			return errors.New("没有法律文本可训练：先用 mingbai laws import 导入，或加 --laws 法条文件")
		}
	}
	fmt.Fprintln(a.err, "开始训练：内置的问法和条目，加上给的问题（每行 query 和 gold，gold 写“法律名#条号”）。两核机器上要几分钟。")
	start := a.now()
	m, err := knowledge.Train(o)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(*out), 0o700); err != nil {
		return err
	}
	w, err := os.Create(*out)
	if err != nil {
		return fmt.Errorf("写不了模型文件：%w", err)
	}
	if err := errors.Join(m.Write(w), w.Close()); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已训练，用时 %s，写在 %s。正在运行的程序重启后使用。\n", a.now().Sub(start).Round(time.Second), *out)
	return nil
}
