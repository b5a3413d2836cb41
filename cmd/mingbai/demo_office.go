package main

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"strings"
	"time"

	"mingbai/bot/qqtest"
	"mingbai/office"
)

// officeDemo serves the console of a made-up county with months of work in its
// records, on this machine alone; the records are gone afterwards.
func officeDemo(ctx context.Context, a *app, args []string) error {
	f := a.flags("demo-office", "[选项]")
	listen := f.String("listen", "127.0.0.1:18083", "监听的地址，只能是本机")
	n := f.Int("cases", 2000, "多少件")
	seed := f.Uint64("seed", 1, "随机数的种子，相同的种子给出相同的人和件")
	model := f.String("model", "", "接一个本机的模型试“起草”，例如 http://127.0.0.1:9100/v1；不填就不用模型")
	keep := f.String("keep", "", "数据放在这个新目录里并保留；不填则用临时目录，停止时删除")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		return errors.Join(err, unexpected(rest))
	}
	if err := qqtest.CheckLoopback(*listen); err != nil {
		return fmt.Errorf("演示只在本机上监听：%w", err)
	}
	if *n < 1 || *n > 100_000 {
		return fmt.Errorf("%w: --cases 应在 1 到 100000 之间", errUsage)
	}
	if u, err := url.Parse(*model); *model != "" && (err != nil || qqtest.CheckLoopback(u.Host) != nil) {
		return fmt.Errorf("%w: --model 只能是本机的地址", errUsage)
	}
	dir := *keep
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "mingbai-office-"); err != nil {
			return fmt.Errorf("建不了演示用的目录：%w", err)
		}
		defer os.RemoveAll(dir)
	} else if list, err := os.ReadDir(dir); err == nil && len(list) > 0 {
		return fmt.Errorf("%w: --keep 的目录要是空的", errUsage)
	}
	logins, err := fillDemo(ctx, a, dir, *n, *seed)
	if err != nil {
		return err
	}
	return a.playOffice(ctx, dir, *listen, *model, logins)
}

// playOffice serves what is in dir and says who can sign in.
func (a *app) playOffice(ctx context.Context, dir, listen, model string, logins []demoLogin) error {
	c := *a.config
	c.Listen, c.DataDir, c.Env = listen, dir, "trial"
	c.Store.DatabaseURL, c.Store.RedisURL = "", ""        // never the real records
	c.QQ.AppID, c.QQ.Secret, c.QQ.Bots = "", "", ""       // nor real people
	c.Model.BaseURL, c.Model.EmbeddingBaseURL = model, "" // nothing leaves this machine
	c.Model.Name, c.Model.Key, c.Model.Provider = "demo", "", "本机"
	c.Web.PublicURL = "http://" + listen
	trial := *a
	trial.config = &c
	s, err := trial.newServer(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n后台演示：在浏览器里打开 http://%s/console\n", s.ln.Addr())
	for _, l := range logins {
		fmt.Fprintf(a.out, "  %-6s 登录名 %-10s 密码 %s（%s）\n", l.name, l.login, l.password, l.what)
	}
	fmt.Fprintf(a.out, "（都是编的人和事。数据在 %s）\n\n", dir)
	return s.run(ctx)
}

// demoLogin is how somebody of the demo signs in.
type demoLogin struct{ name, login, password, what string }

// demoMonths is how far back the work of the demo goes.
const demoMonths = 5

// fillDemo writes n cases of the last months into new records in dir by the same
// functions that people's work goes through, with a clock that is moved.
func fillDemo(ctx context.Context, a *app, dir string, n int, seed uint64) ([]demoLogin, error) {
	d := &demoCounty{r: rand.New(rand.NewPCG(seed, 1)), end: a.now()}
	d.now = d.end.AddDate(0, -demoMonths, 0)
	db, err := office.Open(ctx, office.Options{Dir: dir, Now: func() time.Time { return d.now }})
	if err != nil {
		return nil, err
	}
	d.db = db
	write, _, _ := db.Handles()
	// These records may be lost: a power cut ends the demo anyway.
	if _, err := write.ExecContext(ctx, "PRAGMA synchronous = OFF"); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	logins, err := d.fill(ctx, a, n)
	return logins, errors.Join(err, db.Close())
}

// demoCounty is a county in the making.
type demoCounty struct {
	db    *office.DB
	r     *rand.Rand
	now   time.Time // of the records
	end   time.Time // of the demo: the real now
	root  office.Org
	towns []demoTown
	admin office.Person
	extra []office.Person // mediators of the county's committees, advisers
	steps demoSteps
	done  int
}

// demoTown is a township with its people.
type demoTown struct {
	org       office.Org
	villages  []office.Org
	clerks    []office.Person
	mediators []office.Person
	helpers   []office.Person
	grid      office.Person
	helped    bool // a helper has handed in a case
}

// demoStep is something that happens at a time.
type demoStep struct {
	at  time.Time
	seq int
	do  func(ctx context.Context) error
}

// demoSteps is a heap by time.
type demoSteps []demoStep

func (s demoSteps) Len() int { return len(s) }
func (s demoSteps) Less(i, j int) bool {
	return s[i].at.Before(s[j].at) || s[i].at.Equal(s[j].at) && s[i].seq < s[j].seq
}
func (s demoSteps) Swap(i, j int) { s[i], s[j] = s[j], s[i] }
func (s *demoSteps) Push(x any)   { *s = append(*s, x.(demoStep)) }
func (s *demoSteps) Pop() any {
	x := (*s)[len(*s)-1]
	*s = (*s)[:len(*s)-1]
	return x
}

// after has something happen so much later, unless that is still to come.
func (d *demoCounty) after(wait time.Duration, do func(ctx context.Context) error) {
	if at := d.office(d.now.Add(wait)); at.Before(d.end) {
		heap.Push(&d.steps, demoStep{at, len(d.steps) + d.done, do})
	}
}

// office moves a time into office hours: 9 to 17 on the same or the next day.
func (d *demoCounty) office(t time.Time) time.Time {
	l := t.In(demoZone)
	switch h := l.Hour(); {
	case h < 8:
		return t.Add(time.Duration(8-h)*time.Hour + time.Duration(d.r.IntN(50))*time.Minute)
	case h >= 18:
		return t.Add(time.Duration(32-h)*time.Hour + time.Duration(d.r.IntN(50))*time.Minute)
	}
	return t
}

// fill makes the county, its people and n cases, and lets time pass.
func (d *demoCounty) fill(ctx context.Context, a *app, n int) ([]demoLogin, error) {
	fmt.Fprintln(a.err, "正在编一个县：机构和人……")
	if err := d.people(ctx); err != nil {
		return nil, err
	}
	whole := d.end.Sub(d.now)
	for i := range n {
		// More of them lately, so that the queue is full.
		share := 1 - d.r.Float64()*d.r.Float64()
		if i%12 == 0 {
			share = .96 + .04*d.r.Float64()
		}
		heap.Push(&d.steps, demoStep{d.office(d.now.Add(time.Duration(share * float64(whole)))), i, d.open})
	}
	last, began := 0, time.Now()
	for d.steps.Len() > 0 {
		s := heap.Pop(&d.steps).(demoStep)
		if !s.at.Before(d.end) {
			continue
		}
		if s.at.After(d.now) {
			d.now = s.at
		}
		if err := s.do(ctx); err != nil {
			return nil, fmt.Errorf("demo: %w", err)
		}
		d.done++
		if time.Since(began) > time.Duration(last+1)*2*time.Second {
			last++
			fmt.Fprintf(a.err, "  编到 %s，走了 %d 步\n", d.now.In(demoZone).Format("1月2日"), d.done)
		}
	}
	d.now = d.end
	if err := d.db.Remind(ctx); err != nil {
		return nil, err
	}
	fmt.Fprintf(a.err, "编好了：%d 件，%d 步，用了 %d 秒。\n", n, d.done, int(time.Since(began).Seconds()))
	return d.logins(ctx)
}

// logins makes people of three roles sign in with a password that need not be
// changed first.
func (d *demoCounty) logins(ctx context.Context) (list []demoLogin, err error) {
	clerk, mediator := d.towns[0].clerks[0], d.towns[0].mediators[0]
	for _, x := range []struct {
		p           office.Person
		login, what string
	}{{d.admin, "admin", "县级管理员，看得到全县"}, {clerk, "clerk", d.towns[0].org.Name + "经办人"}, {mediator, "mediator", d.towns[0].org.Name + "调解员"}, {d.towns[0].helpers[0], "helper", d.towns[0].villages[0].Name + "法律明白人"}} {
		first, err := d.db.AddConsoleAccount(ctx, "demo", x.p.ID, x.login)
		if err != nil {
			return nil, err
		}
		token, err := d.db.OpenConsole(ctx, x.p.ID, "demo")
		if err != nil {
			return nil, err
		}
		s, err := d.db.ConsoleSession(ctx, token)
		if err != nil {
			return nil, err
		}
		password := fmt.Sprintf("qinghe-%s-%04d", strings.Repeat(string(rune('k'+len(list))), 1)+"luyan", 1000+d.r.IntN(9000))
		if token, err = d.db.ChangeConsolePassword(ctx, s, first, password); err != nil {
			return nil, err
		}
		if s, err = d.db.ConsoleSession(ctx, token); err != nil {
			return nil, err
		}
		if err := d.db.EndConsoleSession(ctx, x.p, s.ID); err != nil {
			return nil, err
		}
		list = append(list, demoLogin{x.p.Name, x.login, password, x.what})
	}
	return list, nil
}
