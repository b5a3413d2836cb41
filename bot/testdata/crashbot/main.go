// Command crashbot is a bot with a web channel, with QQ_BASE set one on a QQ
// platform too, and nothing to say, for tests that kill it. Built with the tag crashtest it ends by itself at CRASH_AT.
// Each time it handles a message it says something else, so that a message
// that is answered twice shows. With DRAFT set it shows the beginning of each
// reply before it is whole.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	db, err := office.Open(ctx, office.Options{Dir: os.Getenv("DATA_DIR"), DatabaseURL: os.Getenv("DATABASE_URL")})
	if err != nil {
		return err
	}
	defer db.Close()
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		return err
	}
	sessions := bot.NewLocalSessions(store, time.Hour)
	var redis *bot.Redis
	if url := os.Getenv("REDIS_URL"); url != "" {
		if redis, err = bot.OpenRedis(bot.RedisOptions{URL: url, Log: log}); err != nil {
			return err
		}
		defer redis.Close()
		sessions = bot.NewRedisSessions(redis, time.Hour)
	}
	many := bot.Rate{Burst: 1 << 20, Every: time.Microsecond}
	web := bot.NewWebChat(store, bot.WebOptions{Log: log, Redis: redis, PerAddress: many, NewChats: many})
	b := bot.New(bot.HandlerFunc(answer), sessions, bot.NewInbox(store), bot.Options{Log: log, Redis: redis, PerPerson: many, PerChat: 1000})
	b.Attach(web)
	mux := http.NewServeMux()
	mux.Handle("/", web)
	mux.HandleFunc("/open", func(w http.ResponseWriter, r *http.Request) { // how many messages are not done
		n := -1
		if err := read.QueryRowContext(r.Context(), `SELECT COUNT(*) FROM inbox WHERE state < 2`).Scan(&n); err != nil {
			log.Error("messages not counted", "err", err)
		}
		fmt.Fprint(w, n)
	})
	if base := os.Getenv("QQ_BASE"); base != "" {
		qq, err := bot.NewQQ(store, bot.QQOptions{AppID: os.Getenv("QQ_APP_ID"), Secret: os.Getenv("QQ_APP_SECRET"), APIBase: base, TokenBase: base, Log: log, Redis: redis})
		if err != nil {
			return err
		}
		b.Attach(qq)
		mux.Handle("/qq/webhook", bot.NewQQWebhook(qq))
	}
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		if err := server.ListenAndServe(); err != http.ErrServerClosed {
			log.Error("server ended", "err", err)
			os.Exit(1)
		}
	}()
	err = b.Run(ctx)
	late, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if e := server.Shutdown(late); err == nil {
		err = e
	}
	return err
}

func answer(ctx context.Context, m bot.Message, s *bot.Session) (bot.Reply, error) {
	said := ""
	if show := bot.Shower(ctx); show != nil && os.Getenv("DRAFT") != "" {
		for range 2 { // sentences of a draft, and the rest takes THINK
			piece := m.Text + " " + rand.Text() + ". "
			show(piece)
			said += piece
		}
	}
	if d, err := time.ParseDuration(os.Getenv("THINK")); err == nil {
		select {
		case <-time.After(d):
		case <-ctx.Done():
			return bot.Reply{}, ctx.Err()
		}
	}
	s.Turns = append(s.Turns, bot.Turn{Text: m.Text, At: m.At})
	return bot.Reply{Text: said + m.Text + " " + rand.Text()}, nil
}
