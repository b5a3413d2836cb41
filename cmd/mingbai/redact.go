package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"mingbai/handlers"
	"mingbai/knowledge"
)

// maxRedactLine bounds a line of `mingbai redact`, in bytes.
const maxRedactLine = 1 << 20

// redactIn and redactOut are the lines of `mingbai redact`.
type redactIn struct {
	ID   json.RawMessage `json:"id"`
	Text *string         `json:"text"`
}

type redactOut struct {
	ID    json.RawMessage  `json:"id"`
	Spans []knowledge.Span `json:"spans"`
	Text  string           `json:"text"`
}

// redact masks personal data in JSON lines.
func redact(ctx context.Context, a *app, args []string) error {
	f := a.flags("redact", "[文件|-]…\n每行一个 {\"id\",\"text\"}，输出 {\"id\",\"spans\",\"text\"}：spans 的 start、end 按字（码点）数，text 已遮盖。\n不写文件或写 - 读标准输入。")
	files, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(files) == 0 {
		files = []string{"-"}
	}
	out := bufio.NewWriter(a.out)
	safety, err := handlers.NewSafety()
	if err != nil {
		return fmt.Errorf("read the safety rules: %w", err)
	}
	r := knowledge.NewRedactor(func(number string) bool {
		_, ok := safety.Hotlines().Find(number)
		return ok
	})
	for _, name := range files {
		if err = redactFile(ctx, r, a.in, name, out); err != nil {
			break
		}
	}
	return errors.Join(err, out.Flush())
}

func redactFile(ctx context.Context, r *knowledge.Redactor, in io.Reader, name string, out io.Writer) error {
	shown := "标准输入"
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("打不开文件 %s：%w", name, err)
		}
		defer f.Close()
		in, shown = f, name
	}
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 64<<10), maxRedactLine)
	n := 0
	for lines.Scan() {
		if n++; ctx.Err() != nil {
			return ctx.Err()
		}
		line := bytes.TrimSpace(lines.Bytes())
		if n == 1 {
			line = bytes.TrimPrefix(line, []byte("\ufeff"))
		}
		if len(line) == 0 {
			continue
		}
		o, err := redactLine(r, line)
		if err != nil {
			return fmt.Errorf("%s 第 %d 行：%w", shown, n, err)
		}
		if err := e.Encode(o); err != nil {
			return fmt.Errorf("写结果：%w", err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("%s 第 %d 行：太长，一行最多 %d KB", shown, n+1, maxRedactLine>>10)
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("读 %s 第 %d 行：%w", shown, n+1, err)
	}
	return nil
}

// redactLine masks one line; the messages do not quote it.
func redactLine(r *knowledge.Redactor, line []byte) (redactOut, error) {
	var in redactIn
	if !utf8.Valid(line) {
		return redactOut{}, errors.New("不是 UTF-8 文字")
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return redactOut{}, errors.New(`不是 {"id","text"} 这样的 JSON`)
	}
	if in.Text == nil {
		return redactOut{}, errors.New("没有 text")
	}
	if in.ID == nil {
		in.ID = json.RawMessage("null")
	}
	m := r.Mask(*in.Text)
	return redactOut{in.ID, m.Spans, m.Text}, nil
}
