// Command soak lets the bot answer on the QQ simulator for a long time while
// calls and deliveries fail at random, and checks that every message is
// answered once. It prints memory and goroutines as it goes: both should be
// flat. The figures are those of the bot, which has a process of its own.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mingbai/bot/qqtest"
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
	serving := flag.Bool("serve", false, "be the bot of a soak: SOAK_PLATFORM, SOAK_DIR")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *serving {
		if err := serve(ctx, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "soak: the bot:", err)
			os.Exit(1)
		}
		return
	}
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
	c, err := startBot(dir, p.URL())
	if err != nil {
		return err
	}
	begun := time.Now()
	tell := func() { report(begun, t, c) }
	b := p.AddBot(appID, secret, qqtest.BotOptions{Webhook: c.base + "/qq/webhook"})
	talk(ctx, p, b, t, length, rate, faults, every, tell)
	p.Disarm()
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), settle)
	defer cancel()
	open := t.wait(wait, c.held)
	tell()
	return errors.Join(c.stop(), t.verdict(open))
}

// kinds are the faults of calls and of deliveries that nothing may be lost by.
var kinds = []qqtest.FaultKind{
	qqtest.Fault500, qqtest.Fault504, qqtest.FaultHTML, qqtest.Fault200Error, qqtest.FaultErrOnly, qqtest.FaultEmpty, qqtest.FaultNoType,
	qqtest.FaultTimeout, qqtest.FaultReset, qqtest.FaultSlow, qqtest.FaultNumbers,
	qqtest.FaultDuplicate, qqtest.FaultSplit, qqtest.FaultChunked, qqtest.FaultLose,
}

var endpoints = []string{"c2c/messages", "group/messages"}

// talk lets people speak until the time is over.
func talk(ctx context.Context, p *qqtest.Platform, b *qqtest.Bot, t *tally, length time.Duration, rate int, faults, every time.Duration, report func()) {
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
	end := time.After(length)
	report()
	for {
		select {
		case <-ctx.Done():
			return
		case <-end:
			return
		case <-tell.C:
			report()
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

// report prints how big the bot is after a collection.
func report(begun time.Time, t *tally, c *child) {
	var f figures
	if err := c.get("/figures", &f); err != nil {
		fmt.Println("figures:", err)
	}
	asked, answered, twice := t.counts()
	fmt.Printf("%6s  asked %7d  answered %7d  twice %d  faults %5d  heap %5.1f MB  resident %5.1f MB  goroutines %4d\n",
		time.Since(begun).Round(time.Second), asked, answered, twice, t.armed, f.Heap, f.Resident, f.Goroutines)
}
