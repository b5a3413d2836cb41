package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// figures are how big the bot is; memory in MB.
type figures struct {
	Heap, Resident float64
	Goroutines     int
}

// child is the bot's process.
type child struct {
	cmd  *exec.Cmd
	base string
}

// startBot starts this program again as the bot.
func startBot(dir, platform string) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{cmd: exec.Command(self, "-serve")}
	c.cmd.Env = append(os.Environ(), "SOAK_DIR="+dir, "SOAK_PLATFORM="+platform)
	c.cmd.Stderr = os.Stderr
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the parent, which ends it
	out, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("the bot did not start: %w", err), c.stop())
	}
	c.base = strings.TrimSpace(line)
	return c, nil
}

func (c *child) get(path string, v any) error {
	r, err := http.Get(c.base + path)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	return json.NewDecoder(r.Body).Decode(v)
}

// held is the words of the replies that wait.
func (c *child) held() (words string, err error) {
	err = c.get("/held", &words)
	return words, err
}

func (c *child) stop() error {
	return errors.Join(c.cmd.Process.Signal(syscall.SIGTERM), c.cmd.Wait())
}

// serve is the bot's process: it answers with the question's name, and tells
// about itself.
func serve(ctx context.Context, out io.Writer) error {
	db, err := office.Open(ctx, office.Options{Dir: os.Getenv("SOAK_DIR")})
	if err != nil {
		return err
	}
	defer db.Close()
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
	platform := os.Getenv("SOAK_PLATFORM")
	qq, err := bot.NewQQ(store, bot.QQOptions{AppID: appID, Secret: secret, APIBase: platform, TokenBase: platform, Log: log})
	if err != nil {
		return err
	}
	many := bot.Rate{Burst: 1 << 20, Every: time.Microsecond}
	b := bot.New(bot.HandlerFunc(answer), bot.NewLocalSessions(store, time.Hour), bot.NewInbox(store), bot.Options{Log: log, PerPerson: many, PerChat: 100})
	b.Attach(qq)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/qq/webhook", bot.NewQQWebhook(qq))
	mux.HandleFunc("/figures", func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(measure()) }) //nolint:errcheck // the parent may have gone
	mux.HandleFunc("/heap", func(w http.ResponseWriter, _ *http.Request) { pprof.Lookup("heap").WriteTo(w, 0) })      //nolint:errcheck // the asker may have gone
	mux.HandleFunc("/held", func(w http.ResponseWriter, r *http.Request) {
		var words string
		if err := read.QueryRowContext(r.Context(), `SELECT COALESCE(group_concat(text, ' '), '') FROM held WHERE state = 0`).Scan(&words); err != nil {
			http.Error(w, "held", http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(words) //nolint:errcheck // the parent may have gone
	})
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go web.Serve(ln) //nolint:errcheck // ends with Close
	fmt.Fprintln(out, "http://"+ln.Addr().String())
	return errors.Join(b.Run(ctx), web.Close())
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

// measure collects and measures.
func measure() figures {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return figures{float64(m.HeapAlloc) / (1 << 20), resident(), runtime.NumGoroutine()}
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
