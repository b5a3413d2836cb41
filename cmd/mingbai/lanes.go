package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"mingbai/office"
)

// trainLanes trains the model that sorts disputes into lanes, or measures how
// such a model does on texts it has not learnt from.
func trainLanes(a *app, args []string) error {
	f := a.flags("knowledge lanes", "[--check] [--wrong] [--data 目录] [--out 文件] [带道的文本.tsv…]")
	dir := f.String("data", filepath.Join("office", "disputes"), "各类纠纷的文本：people.tsv、trade.tsv、admin.tsv、judicial.tsv、report.tsv、remarks.tsv")
	out := f.String("out", filepath.Join("office", "disputes", "lanes.bin"), "模型写到哪里；编译时带进程序")
	check := f.Bool("check", false, "不写模型，用没学过的文本量一量")
	wrong := f.Bool("wrong", false, "和 --check 一起用：列出分错的")
	folds := f.Int("folds", 5, "和 --check 一起用：分成几份交叉检验")
	files, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		if files, err = filepath.Glob(filepath.Join(filepath.Dir(*dir), "testdata", "disputes_*.tsv")); err != nil {
			return err
		}
	}
	data, err := office.ReadLaneData(*dir, files)
	if err != nil {
		return err
	}
	start := a.now()
	if *check {
		list := func(want, got, text string) { fmt.Fprintf(a.out, "  %s -> %s\t%s\n", want, got, text) }
		if !*wrong {
			list = nil
		}
		data.Check(max(2, *folds), func(c office.LaneCheck) { fmt.Fprintln(a.out, c) }, list)
		return nil
	}
	model, err := data.Train()
	if err != nil {
		return err
	}
	if err := os.WriteFile(*out, model, 0o644); err != nil {
		return fmt.Errorf("写不了模型文件：%w", err)
	}
	fmt.Fprintf(a.out, "已训练，用时 %s，%d 字节，写在 %s。重新编译后使用。\n", a.now().Sub(start).Round(time.Millisecond), len(model), *out)
	return nil
}
