package bot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Terminal is a channel for one person at a terminal or a pipe: trials, demos,
// tests. Lines are edited by the terminal itself, which knows how wide Chinese
// characters are.
type Terminal struct {
	in     io.Reader
	colour bool
	chat   Address
	answer chan struct{} // one value a reply shown

	mu  sync.Mutex
	out io.Writer
}

// NewTerminal makes a channel that reads questions from in, one a line, and
// writes answers to out, in colour if out is a terminal. Each Terminal is a
// conversation of its own.
func NewTerminal(in io.Reader, out io.Writer) *Terminal {
	return &Terminal{
		in: in, out: out, colour: isTerminal(out),
		chat: Address("terminal/user/" + randomID()[:8]), answer: make(chan struct{}, 1),
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// Name is "terminal".
func (t *Terminal) Name() string { return "terminal" }

// mailbox is the terminal's own: nobody else can answer at it.
func (t *Terminal) mailbox() string { return string(t.chat) }

// Open is this terminal's conversation.
func (t *Terminal) Open() []Address { return []Address{t.chat} }

// Run asks for a line, waits for its answer, and so on until the end of input
// (Ctrl-D), "exit" or ctx. The read that waits for a line when ctx ends goes on
// until in gives one or is closed.
func (t *Terminal) Run(ctx context.Context, deliver func(context.Context, Message) error) error {
	lines, fault := make(chan string), make(chan error, 1)
	go func() {
		defer close(lines)
		s := bufio.NewScanner(t.in)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
				return
			}
		}
		fault <- s.Err()
	}()
	for n := 1; ; n++ {
		t.print("1", "您：", "")
		var line string
		var ok bool
		select {
		case line, ok = <-lines:
		case <-ctx.Done():
			return nil
		}
		if !ok {
			t.print("", "", "\n")
			select {
			case err := <-fault:
				return err
			default:
				return nil
			}
		}
		switch strings.TrimSpace(line) {
		case "":
			continue
		case "exit", "quit":
			return nil
		}
		if err := t.say(ctx, deliver, n, line); err != nil {
			return err
		}
	}
}

// say delivers one line and waits until it is answered.
func (t *Terminal) say(ctx context.Context, deliver func(context.Context, Message) error, n int, line string) error {
	err := deliver(ctx, Message{ID: fmt.Sprint(n), Chat: t.chat, From: t.chat, Text: line, At: time.Now()})
	var soon *waitError
	switch {
	case errors.As(err, &soon):
		t.print("33", "", "您发得太快了，请稍等几秒再发。\n\n")
		return nil
	case err != nil:
		return err
	}
	select {
	case <-t.answer:
	case <-ctx.Done():
	}
	return nil
}

// Send shows a reply.
func (t *Terminal) Send(_ context.Context, to Address, inReplyTo string, r Reply) error {
	if to != t.chat {
		return ErrClosed
	}
	t.print("36", "明白：", strings.TrimSpace(r.Text)+"\n")
	for i, choice := range r.Choices {
		t.print("33", fmt.Sprintf("  %d. ", i+1), choice+"\n")
	}
	if r.Answer != nil {
		for i, c := range r.Answer.Citations {
			t.print("2", fmt.Sprintf("  〔%d〕%s", i+1, c.words()), "\n")
		}
	}
	t.print("", "", "\n")
	if inReplyTo != "" {
		select {
		case t.answer <- struct{}{}:
		default:
		}
	}
	return nil
}

// words is a citation as one line.
func (c Citation) words() string {
	line := "《" + c.Law + "》"
	if number, rest, found := strings.Cut(c.Article, "之"); found {
		line += "第" + number + "条之" + rest
	} else if c.Article != "" {
		line += "第" + c.Article + "条"
	}
	var more []string
	if c.Effective != "" {
		more = append(more, c.Effective+" 起施行")
	}
	if c.Status != "" {
		more = append(more, c.Status)
	}
	if len(more) > 0 {
		line += "（" + strings.Join(more, "，") + "）"
	}
	return line
}

// print writes a coloured part and a plain one.
func (t *Terminal) print(code, coloured, plain string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.colour && coloured != "" && code != "" {
		coloured = "\x1b[" + code + "m" + coloured + "\x1b[0m"
	}
	io.WriteString(t.out, coloured+plain) //nolint:errcheck // nowhere to say so
}
