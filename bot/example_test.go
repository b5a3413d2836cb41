package bot_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// A bot that repeats what it is told, at a terminal. A web page is one more
// Attach.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "mingbai-example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	records, err := office.Open(ctx, office.Options{Dir: dir})
	if err != nil {
		panic(err)
	}
	defer records.Close()
	write, read, dialect := records.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		panic(err)
	}
	repeat := func(_ context.Context, m bot.Message, s *bot.Session) (bot.Reply, error) {
		s.Asked++
		return bot.Reply{Text: fmt.Sprintf("%d. %s", s.Asked, m.Text)}, nil
	}
	b := bot.New(bot.HandlerFunc(repeat), bot.NewLocalSessions(store, time.Hour), bot.NewInbox(store), bot.Options{})
	b.Attach(bot.NewTerminal(strings.NewReader("欠薪\n公证\nexit\n"), os.Stdout))
	if err := b.Run(ctx); err != nil {
		panic(err)
	}
	// Output:
	// 您：明白：1. 欠薪
	//
	// 您：明白：2. 公证
	//
	// 您：
}
