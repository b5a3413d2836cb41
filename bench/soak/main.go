// Command soak lets the bot answer on the QQ simulator for a long time while
// calls and deliveries fail at random, and checks that every message is
// answered once. It prints memory and goroutines as it goes: both should be
// flat. Bot and simulator share the process.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/bot/qqtest"
	"mingbai/office"
)

const (
	appID  = "102000001"
	secret = "DG5g3B4j9X2KOErG"
	people = 400
	groups = 60
	// settle is how long what is on its way at the end may take: the inbox
	// tries six times in 55 s, each call for 8 s.
	settle = 3 * time.Minute
)

func main() {
	length := flag.Duration("for", 30*time.Minute, "how long")
	rate := flag.Int("rate", 50, "messages a second")
	faults := flag.Duration("fault", 2*time.Second, "a fault is armed about this often")
	every := flag.Duration("report", 30*time.Second, "how often memory is printed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *length, *rate, *faults, *every); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, length time.Duration, rate int, faults, every time.Duration) error {
	dir, err := os.MkdirTemp("", "mingbai-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	t := newTally()
	p := qqtest.New(qqtest.Options{OnEntry: t.see, Keep: 1000})
	if err := p.Start(); err != nil {
		return err
	}
	defer p.Close()
	s, err := serve(ctx, dir, p)
	if err != nil {
		return err
	}
	begun := time.Now()
	talk(ctx, p, p.AddBot(appID, secret, qqtest.BotOptions{Webhook: s.url}), t, length, rate, faults, every)
	p.Disarm()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), settle)
	defer cancel()
	open := t.wait(wait, s.held)
	report(begun, t)
	if err := s.stop(); err != nil {
		return err
	}
	return t.verdict(open)
}

// served is the bot at work.
type served struct {
	url  string
	held func() (string, error) // the words of replies that wait
	stop func() error
}

// serve starts a bot whose answers name the question.
func serve(ctx context.Context, dir string, p *qqtest.Platform) (*served, error) {
	db, err := office.Open(ctx, office.Options{Dir: dir})
	if err != nil {
		return nil, err
	}
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	qq, err := bot.NewQQ(store, bot.QQOptions{AppID: appID, Secret: secret, APIBase: p.URL(), TokenBase: p.URL(), Log: log})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	many := bot.Rate{Burst: 1 << 20, Every: time.Microsecond}
	b := bot.New(bot.HandlerFunc(answer), bot.NewLocalSessions(store, time.Hour), bot.NewInbox(store), bot.Options{Log: log, PerPerson: many, PerChat: 100})
	b.Attach(qq)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	web := &http.Server{Handler: bot.NewQQWebhook(qq), ReadHeaderTimeout: 5 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	go web.Serve(ln) //nolint:errcheck // ends with stop
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	go func() { done <- b.Run(work) }()
	return &served{
		url: "http://" + ln.Addr().String() + "/qq/webhook",
		held: func() (words string, err error) {
			err = read.QueryRow(`SELECT COALESCE(group_concat(text, ' '), '') FROM held WHERE state = 0`).Scan(&words)
			return words, err
		},
		stop: func() error {
			cancel()
			return errors.Join(<-done, web.Close(), db.Close())
		},
	}, nil
}

// answer takes a while and says which question it was.
func answer(ctx context.Context, m bot.Message, s *bot.Session) (bot.Reply, error) {
	select {
	case <-time.After(rand.N(40 * time.Millisecond)):
	case <-ctx.Done():
		return bot.Reply{}, ctx.Err()
	}
	n, isQuestion := strings.CutPrefix(m.Text, "问")
	if _, err := strconv.Atoi(n); err != nil || !isQuestion {
		return bot.Reply{Text: "好"}, nil
	}
	r := bot.Reply{Text: "答" + n + "。" + strings.Repeat("依据《劳动合同法》第三十条。〔1〕", rand.IntN(60))}
	if rand.IntN(5) == 0 {
		r.Choices = []string{"劳动监察和仲裁选哪个", "转人工"}
	}
	return r, nil
}

// kinds are the faults of calls and of deliveries that nothing may be lost by.
var kinds = []qqtest.FaultKind{
	qqtest.Fault500, qqtest.Fault504, qqtest.FaultHTML, qqtest.Fault200Error, qqtest.FaultErrOnly, qqtest.FaultEmpty, qqtest.FaultNoType,
	qqtest.FaultTimeout, qqtest.FaultReset, qqtest.FaultSlow, qqtest.FaultNumbers,
	qqtest.FaultDuplicate, qqtest.FaultSplit, qqtest.FaultChunked, qqtest.FaultLose,
}

var endpoints = []string{"c2c/messages", "group/messages"}

// talk lets people speak until the time is over.
func talk(ctx context.Context, p *qqtest.Platform, b *qqtest.Bot, t *tally, length time.Duration, rate int, faults, every time.Duration) {
	var users []*qqtest.User
	for i := range people {
		users = append(users, p.User(b, fmt.Sprint("人", i)))
	}
	var rooms []*qqtest.Group
	for i := range groups {
		rooms = append(rooms, p.Group(b, fmt.Sprint("群", i), users[i]))
	}
	speak, harm, tell := time.NewTicker(time.Second/time.Duration(rate)), time.NewTicker(faults), time.NewTicker(every)
	defer speak.Stop()
	defer harm.Stop()
	defer tell.Stop()
	begun, end := time.Now(), time.After(length)
	report(begun, t)
	for {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-tell.C:
			report(begun, t)
		case <-harm.C:
			f := qqtest.Fault{Kind: kinds[rand.IntN(len(kinds))], Endpoint: endpoints[rand.IntN(2)], Copies: 2 + rand.IntN(20)}
			if p.Arm(f, 1+rand.IntN(2)) {
				t.armed++
			}
		case <-speak.C:
			text := fmt.Sprint("问", t.next())
			u := users[rand.IntN(people)]
			if rand.IntN(3) == 0 {
				rooms[rand.IntN(groups)].Say(u, text, true)
			} else {
				u.Say(text)
			}
		}
	}
}

// report prints how big the process is after a collection.
func report(begun time.Time, t *tally) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	asked, answered, twice := t.counts()
	fmt.Printf("%6s  asked %7d  answered %7d  twice %d  faults %5d  heap %5.1f MB  resident %5.1f MB  goroutines %4d\n",
		time.Since(begun).Round(time.Second), asked, answered, twice, t.armed, float64(m.HeapAlloc)/(1<<20), resident(), runtime.NumGoroutine())
}

// resident is the memory of the process in MB; 0 where /proc does not say.
func resident() float64 {
	f, err := os.Open("/proc/self/statm")
	if err != nil {
		return 0
	}
	defer f.Close()
	line, err := io.ReadAll(io.LimitReader(f, 200))
	if err != nil {
		return 0
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(line), &size, &pages); err != nil {
		return 0
	}
	return pages * float64(os.Getpagesize()) / (1 << 20)
}
