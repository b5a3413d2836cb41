package bot

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"
)

func TestTerminal(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	var out bytes.Buffer
	term := NewTerminal(strings.NewReader("一\n\n  \n二\nexit\n三\n"), &out)
	b := New(HandlerFunc(func(_ context.Context, m Message, s *Session) (Reply, error) {
		s.Turns = append(s.Turns, Turn{Text: m.Text})
		return Reply{Text: "答" + m.Text, Choices: []string{"甲", "乙"}}, nil
	}), NewLocalSessions(store, time.Hour), NewInbox(store), Options{})
	b.Attach(term)
	if err := b.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	want := "您：明白：答一\n  1. 甲\n  2. 乙\n\n您：您：您：明白：答二\n  1. 甲\n  2. 乙\n\n您："
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTerminal_EndsWithInputAndWithTheProgram(t *testing.T) {
	t.Parallel()
	term := NewTerminal(strings.NewReader(""), io.Discard)
	if err := term.Run(t.Context(), nil); err != nil {
		t.Errorf("at the end of input: %v", err)
	}
	in, out := io.Pipe()
	defer out.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := NewTerminal(in, io.Discard).Run(ctx, nil); err != nil {
		t.Errorf("when the program ends: %v", err)
	}
}
