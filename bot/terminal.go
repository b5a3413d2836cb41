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

	"github.com/ergochat/readline"
)

// Terminal is a channel for one person at a terminal or a pipe: trials, demos,
// tests.
type Terminal struct {
	in     io.Reader
	colour bool
	chat   Address
	from   Address
	answer chan struct{} // one value a reply shown

	mu  sync.Mutex
	out io.Writer
}

// NewTerminal makes a channel that reads questions from in, one a line, and
// writes answers to out, in colour if out is a terminal. Each Terminal is a
// conversation of its own.
func NewTerminal(in io.Reader, out io.Writer) *Terminal {
	chat := Address("terminal/user/" + randomID()[:8])
	return &Terminal{in: in, out: out, colour: isTerminal(out), chat: chat, from: chat, answer: make(chan struct{}, 1)}
}

// As makes the person at the terminal one who can be known again: who is the
// address they speak from. The conversation stays one of its own.
func (t *Terminal) As(who Address) *Terminal {
	t.from = who
	return t
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

// Open is this terminal's conversation, and the person at it.
func (t *Terminal) Open() []Address { return []Address{t.from} }

// Run asks for a line, waits for its answer, and so on until the end of input
// (Ctrl-D), "exit" or ctx. The read that waits for a line when ctx ends goes on
// until in gives one or is closed.
func (t *Terminal) Run(ctx context.Context, deliver func(context.Context, Message) error) error {
	read, stop, err := t.reader()
	if err != nil {
		return err
	}
	defer stop()
	type input struct {
		line string
		err  error
	}
	wanted, lines := make(chan struct{}), make(chan input, 1)
	defer close(wanted)
	go func() {
		for range wanted {
			line, err := read()
			lines <- input{line, err}
		}
	}()
	for n := 1; ; n++ {
		select {
		case wanted <- struct{}{}:
		case <-ctx.Done():
			return nil
		}
		var got input
		select {
		case got = <-lines:
		case <-ctx.Done():
			return nil
		}
		if errors.Is(got.err, io.EOF) {
			t.print("", "", "\n")
			return nil
		}
		if got.err != nil {
			return got.err
		}
		line := got.line
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

// prompt stands before what the person types.
const prompt = "您："

// reader gives a function that reads one line, and one that puts the terminal
// back. At a terminal a line can be edited and the lines before called back with
// the arrow keys; they are kept in memory only, for they are a person's words.
func (t *Terminal) reader() (read func() (string, error), stop func(), err error) {
	in, ok := t.in.(*os.File)
	if !ok || !t.colour || !isTerminal(in) {
		s := bufio.NewScanner(t.in)
		s.Buffer(nil, 1<<20)
		return func() (string, error) {
			t.print("1", prompt, "")
			if s.Scan() {
				return s.Text(), nil
			}
			if s.Err() != nil {
				return "", s.Err()
			}
			return "", io.EOF
		}, func() {}, nil
	}
	rl, err := readline.NewFromConfig(&readline.Config{Prompt: "\x1b[1m" + prompt + "\x1b[0m", Stdin: in, Stdout: t.out, HistoryLimit: 200})
	if err != nil {
		return nil, nil, fmt.Errorf("open the terminal: %w", err)
	}
	return func() (string, error) {
		line, err := rl.ReadLine()
		if errors.Is(err, readline.ErrInterrupt) {
			return "", io.EOF
		}
		return line, err
	}, func() { _ = rl.Close() }, nil
}

// say delivers one line and waits until it is answered.
func (t *Terminal) say(ctx context.Context, deliver func(context.Context, Message) error, n int, line string) error {
	err := deliver(ctx, Message{ID: fmt.Sprint(n), Chat: t.chat, From: t.from, Text: line, At: time.Now()})
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
	if to != t.chat && to != t.from {
		return ErrClosed
	}
	t.print("36", "明白：", strings.TrimSpace(r.Text)+"\n")
	for i, choice := range r.Choices {
		t.print("33", fmt.Sprintf("  %d. ", i+1), choice+"\n")
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

// print writes a coloured part and a plain one.
func (t *Terminal) print(code, coloured, plain string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.colour && coloured != "" && code != "" {
		coloured = "\x1b[" + code + "m" + coloured + "\x1b[0m"
	}
	io.WriteString(t.out, coloured+plain) //nolint:errcheck // nowhere to say so
}
