package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"mingbai/bot/qqtest"
	"mingbai/config"
	"mingbai/jobs"
	"mingbai/office"
)

// publishDemo plays a publication from the draft to the recall on this machine:
// the whole program, the simulated QQ platform and an S3 server, with records of
// its own. Officers use the commands that real ones use.
type publishDemo struct {
	*app           // with the trial's settings
	told io.Writer // the audience
	p    *qqtest.Platform
	s    *server
	s3   string // address of the S3 server
	fast bool   // the clock is put forward instead of waiting
	skew atomic.Int64
	bad  []string // what was not as it should be

	mei, qiang, zhou *qqtest.User // the last has switched pushes off

	desk     *http.Client // the checker's browser, signed in to the console
	password string
}

// demoPatience bounds a wait for what must happen, besides the plan's minute.
const demoPatience = time.Minute

func demoPublish(ctx context.Context, a *app, args []string) error {
	f := a.flags("demo-publish", "[选项]")
	o := simulation{profile: string(qqtest.Strict2026), seed: 1}
	f.StringVar(&o.control, "page", "127.0.0.1:18081", "QQ 模拟网页的地址")
	f.StringVar(&o.listen, "platform", "127.0.0.1:18080", "QQ 模拟平台接口的地址")
	listen := f.String("listen", "127.0.0.1:18082", "明白自己的网页和回调的地址")
	fast := f.Bool("fast", false, "不等那一分钟，把钟往前拨")
	keep := f.Bool("keep", false, "演完不退出，可以在浏览器里看；Ctrl-C 停止")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		return errors.Join(err, unexpected(rest))
	}
	if err := qqtest.CheckLoopback(*listen); err != nil {
		return fmt.Errorf("演示只在本机上监听：%w", err)
	}
	dir, err := os.MkdirTemp("", "mingbai-demo-")
	if err != nil {
		return fmt.Errorf("建不了演示用的目录：%w", err)
	}
	defer os.RemoveAll(dir)
	bucket, err := demoCloud(ctx)
	if err != nil {
		return err
	}
	defer bucket.Close()
	p, err := o.start(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer p.Close()
	d := &publishDemo{told: a.out, p: p, s3: "http://" + bucket.Addr, fast: *fast}
	d.app = d.trial(a, dir, *listen)
	return d.run(ctx, *keep)
}

// demoCloud serves an S3 bucket named pufa on this machine.
func demoCloud(ctx context.Context) (*http.Server, error) {
	backend := s3mem.New()
	if err := backend.CreateBucket("pufa"); err != nil {
		return nil, fmt.Errorf("演示用的对象存储：%w", err)
	}
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("演示用的对象存储：%w", err)
	}
	srv := &http.Server{Addr: ln.Addr().String(), Handler: gofakes3.New(backend).Server(), ReadHeaderTimeout: headerTimeout}
	go func() { _ = srv.Serve(ln) }() // ends with Close
	return srv, nil
}

// trial is the app with settings that reach nothing outside this machine.
func (d *publishDemo) trial(a *app, dir, listen string) *app {
	c := config.Config{}
	if def, err := config.Load("", nil); err == nil { // the defaults are right
		c = *def
	}
	c.Listen, c.DataDir, c.Env, c.Web.PublicURL = listen, dir, "trial", "http://"+listen
	c.QQ.AppID, c.QQ.Secret = simAppID, config.Secret(simSecret)
	c.QQ.APIBase, c.QQ.TokenBase = d.p.URL(), d.p.URL()
	c.Publishing.Window = "00:00-23:59" // whenever somebody shows it
	c.Publish.S3Endpoint, c.Publish.S3Bucket, c.Publish.S3URL = d.s3, "pufa", d.s3+"/pufa/"
	c.Publish.S3Key, c.Publish.S3Secret = "demo", "demo-secret"
	trial := *a
	trial.config, trial.out, trial.log = &c, io.Discard, slog.New(slog.DiscardHandler)
	trial.now = func() time.Time { return time.Now().Add(time.Duration(d.skew.Load())) }
	return &trial
}

// run serves the program while the play goes on.
func (d *publishDemo) run(ctx context.Context, keep bool) error {
	if err := d.staff(ctx); err != nil {
		return err
	}
	var err error
	if d.s, err = d.newServer(ctx); err != nil {
		return err
	}
	b, err := addBot(d.p, simAppID, simSecret, "http://"+d.s.ln.Addr().String()+"/qq/webhook")
	if err != nil {
		return errors.Join(err, d.s.close())
	}
	d.mei, d.qiang, d.zhou = d.p.User(b, "李梅"), d.p.User(b, "王强"), d.p.User(b, "周大娘")
	work, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- d.s.run(work) }()
	err = d.play(work)
	if err == nil && keep {
		d.say("演完了，还开着：普法网页 %s，QQ 模拟网页 %s/，后台 http://%s/console（lisi，密码 %s）。Ctrl-C 停止。", d.siteBase(), d.p.ControlURL(), d.s.ln.Addr(), d.password)
		<-ctx.Done()
	}
	stop()
	return errors.Join(err, <-ended)
}

// say tells the audience one thing.
func (d *publishDemo) say(format string, a ...any) { fmt.Fprintf(d.told, format+"\n", a...) }

// check notes whether something is as it should be.
func (d *publishDemo) check(ok bool, what string) {
	if ok {
		d.say("  ✓ %s", what)
		return
	}
	d.say("  ✗ %s", what)
	d.bad = append(d.bad, what)
}

// command runs one of the program's commands as an officer would, shows it, and
// gives what it said.
func (d *publishDemo) command(ctx context.Context, args ...string) (string, error) {
	d.say("$ mingbai %s", strings.Join(args, " "))
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		var out bytes.Buffer
		one := *d.app
		one.out, one.err = &out, &out
		err := c.run(ctx, &one, args[1:])
		text := strings.TrimRight(out.String(), "\n")
		if text != "" {
			d.say("  %s", strings.ReplaceAll(text, "\n", "\n  "))
		}
		if err != nil {
			d.say("  %s", message(err))
		}
		return text, err
	}
	return "", fmt.Errorf("%w: %s", errUsage, args[0])
}

// commands in a row that must all work.
func (d *publishDemo) all(ctx context.Context, rows ...[]string) error {
	for _, args := range rows {
		if _, err := d.command(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

// until waits for something; in a fast play it makes the job run.
func (d *publishDemo) until(ctx context.Context, patience time.Duration, what string, cond func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		if d.fast {
			if _, err := d.s.clock.Trigger(ctx, "publish"); err != nil && !errors.Is(err, jobs.ErrBusy) && ctx.Err() == nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("等了 %s，还没有%s", patience, what)
		case <-tick.C:
		}
	}
	return nil
}

// Officers of the play, by the numbers they get.
const (
	writer  = "1"
	checker = "2"
)

func (d *publishDemo) staff(ctx context.Context) error {
	d.say("一、两位普法干部：张三写，李四审")
	return d.all(ctx,
		[]string{"org", "add", "县", "青禾县"},
		[]string{"person", "add", "张三", "--role", "普法干部", "--org", "青禾县"},
		[]string{"person", "add", "李四", "--role", "普法干部", "--org", "青禾县"})
}

// demoTitle and demoText are what is published. The basis is 民法典 article 1077.
const (
	demoTitle = "离婚登记后的三十天怎么算"
	demoText  = "## 先说结论\n\n去登记离婚，要等三十天，这三十天里任何一方都可以反悔。\n\n## 怎么算\n\n" +
		"1. 从登记机关**收到申请**那天起算三十天。\n2. 三十天里，任何一方不愿意离了，可以去撤回申请。\n3. 满三十天后的三十天里，双方要一起去领离婚证；不去，就当撤回了申请。\n\n" +
		"依据：《民法典》第一千零七十七条。\n"
)

// play is the whole story.
func (d *publishDemo) play(ctx context.Context) error {
	for _, scene := range []func(context.Context) error{d.subscribe, d.write, d.approve, d.published, d.ledger, d.recall} {
		if err := scene(ctx); err != nil {
			return err
		}
	}
	if len(d.bad) > 0 {
		return fmt.Errorf("有 %d 处不对：%s", len(d.bad), strings.Join(d.bad, "；"))
	}
	d.say("\n全部对上了。")
	return nil
}

func (d *publishDemo) subscribe(ctx context.Context) error {
	d.say("\n二、三位居民在 QQ 上订阅，其中周大娘关掉了主动消息")
	for _, u := range []struct {
		name string
		*qqtest.User
	}{{"李梅", d.mei}, {"王强", d.qiang}, {"周大娘", d.zhou}} {
		before := len(u.SeenTexts())
		d.say("  %s：订阅 婚姻家庭", u.name)
		u.Say("订阅 婚姻家庭")
		wait, cancel := context.WithTimeout(ctx, demoPatience)
		err := d.p.WaitFor(wait, func() bool { return len(u.SeenTexts()) > before })
		cancel()
		if err != nil {
			return fmt.Errorf("%s没有收到回答：%w", u.name, err)
		}
		answer, _, _ := strings.Cut(u.SeenTexts()[before], "\n")
		d.say("  机器人：%s", answer)
	}
	d.zhou.SetPush(false)
	d.say("  （周大娘在 QQ 里关掉了“允许机器人主动发消息”）")
	return nil
}

func (d *publishDemo) write(ctx context.Context) error {
	d.say("\n三、张三写好送审，定好一分钟以后发一篇给乡村的；自己不能审自己写的")
	file := filepath.Join(d.config.DataDir, "稿子.md")
	if err := os.WriteFile(file, []byte(demoText), 0o600); err != nil {
		return err
	}
	if err := d.all(ctx,
		[]string{"content", "add", file, "--by", writer, "--title", demoTitle, "--topic", "FM", "--audience", "乡村"},
		[]string{"content", "check", "1"},
		[]string{"content", "submit", "1", "--by", writer}); err != nil {
		return err
	}
	_, err := d.command(ctx, "content", "approve", "1", "--by", writer)
	d.check(err != nil, "写的人审核被拒绝")
	due := d.now().Add(time.Minute)
	if due.Second() > 40 { // there must be time to approve
		due = due.Add(time.Minute)
	}
	_, err = d.command(ctx, "plan", "add", "下午的一篇", due.In(chinaTime).Format("2006-01-02 15:04"), "--by", writer, "--pool", "乡村", "--weekend", "照发", "--holiday", "照发")
	return err
}

// chinaTime is the zone in which plans are written.
var chinaTime = time.FixedZone("Asia/Shanghai", 8*3600)

func (d *publishDemo) approve(ctx context.Context) error {
	d.say("\n四、第二个人李四审核通过，到点自动发布")
	if _, err := d.command(ctx, "content", "approve", "1", "--by", checker); err != nil {
		return err
	}
	plans, err := d.s.records.Plans(ctx)
	if err != nil || len(plans) != 1 {
		return errors.Join(err, fmt.Errorf("有 %d 个计划", len(plans)))
	}
	wait := plans[0].Next.Sub(d.now())
	if d.fast {
		d.skew.Add(int64(wait + time.Second))
		d.say("  （钟往前拨 %s）", wait.Round(time.Second))
	} else {
		d.say("  等到 %s（%s）……", plans[0].Next.In(chinaTime).Format("15:04:05"), wait.Round(time.Second))
	}
	return d.until(ctx, max(wait, 0)+demoPatience, "送完", func() bool {
		return d.count(ctx, office.ActPublish, office.Sent) == 4 && d.count(ctx, office.ActPublish, office.Refused) == 1
	})
}

// count is how many deliveries of an act are in a state.
func (d *publishDemo) count(ctx context.Context, act, state string) int {
	_, n, err := d.s.records.Deliveries(ctx, office.DeliveryFilter{Act: act, States: []string{state}})
	if err != nil {
		return -1
	}
	return n
}

// page fetches a page of the site, from the directory and from the bucket.
func (d *publishDemo) page(ctx context.Context, base, key string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+key, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	return resp.StatusCode, string(b), err
}

// places are the two homes of the site.
func (d *publishDemo) places() []struct{ name, base string } {
	return []struct{ name, base string }{{"目录", "http://" + d.s.ln.Addr().String() + sitePath}, {"对象存储", d.config.Publish.S3URL}}
}

func (d *publishDemo) published(ctx context.Context) error {
	d.say("\n五、发到了哪里")
	for _, at := range d.places() {
		for key, want := range map[string]string{"a/p1.html": "收到申请", "index.html": demoTitle, "feed.xml": demoTitle} {
			status, text, err := d.page(ctx, at.base, key)
			if err != nil {
				return err
			}
			d.check(status == http.StatusOK && strings.Contains(text, want), at.name+"：能打开 "+at.base+key)
		}
	}
	d.check(told(d.mei, demoTitle) == 1 && told(d.qiang, demoTitle) == 1, "李梅、王强在 QQ 上各收到一次")
	d.check(told(d.zhou, demoTitle) == 0, "周大娘没有收到（她关掉了主动消息）")
	return nil
}

// told counts the messages to somebody that say it.
func told(u *qqtest.User, what string) int {
	n := 0
	for _, text := range u.SeenTexts() {
		if strings.Contains(text, what) {
			n++
		}
	}
	return n
}

func (d *publishDemo) ledger(ctx context.Context) error {
	d.say("\n六、台账和定时任务的记录")
	text, err := d.command(ctx, "deliveries", "list", "--item", "1")
	if err != nil {
		return err
	}
	d.check(strings.Count(text, "已送达") == 4 && strings.Count(text, "对方不收") == 1, "台账：送达 4（目录、对象存储、两个人），对方不收 1")
	if err := d.signIn(ctx); err != nil {
		return err
	}
	if err := d.ledgerPage(ctx, map[string]int{">已送达</span>": 4, ">对方不收</span>": 1}); err != nil {
		return err
	}
	text, err = d.command(ctx, "jobs", "last", "publish")
	if err != nil {
		return err
	}
	d.check(strings.Contains(text, "到点 1 个计划，送达 4 份，没送成 1 份"), "mingbai jobs last 和台账一致")
	return nil
}

// signIn opens the console as the checker does for the first time.
func (d *publishDemo) signIn(ctx context.Context) error {
	text, err := d.command(ctx, "console", "add", checker, "lisi")
	if err != nil {
		return err
	}
	_, first, _ := strings.Cut(text, "密码：")
	first, _, _ = strings.Cut(first, "（")
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	d.desk, d.password = &http.Client{Jar: jar, Timeout: 30 * time.Second}, "青山绿水-"+first
	if _, err := d.console(ctx, "/console/sign-in", url.Values{"_login": {"lisi"}, "_password": {first}}); err != nil {
		return err
	}
	_, err = d.console(ctx, "/console/account/password", url.Values{"_password": {first}, "password": {d.password}, "password2": {d.password}})
	return err
}

// console gets a page of the console, or posts a form to it.
func (d *publishDemo) console(ctx context.Context, path string, form url.Values) (string, error) {
	method := http.MethodGet
	if form != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://"+d.s.ln.Addr().String()+path, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := d.desk.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("后台 %s 回答 %s", path, resp.Status)
	}
	return string(b), err
}

// ledgerPage counts words on the console's ledger.
func (d *publishDemo) ledgerPage(ctx context.Context, want map[string]int) error {
	const path = "/console/deliveries?piece=1"
	text, err := d.console(ctx, path, nil)
	if err != nil {
		return err
	}
	ok := true
	var seen []string
	for _, words := range slices.Sorted(maps.Keys(want)) {
		n := strings.Count(text, words)
		ok = ok && n == want[words]
		seen = append(seen, fmt.Sprintf("%s %d", strings.Trim(words, "</>adnpst"), n))
	}
	d.check(ok, "后台的送达台账 http://"+d.s.ln.Addr().String()+path+" 也是："+strings.Join(seen, "，"))
	return nil
}

func (d *publishDemo) recall(ctx context.Context) error {
	d.say("\n七、李四发现写错了，撤回")
	if _, err := d.command(ctx, "content", "recall", "1", "第三步的日子写得不清楚，改好再发", "--by", checker); err != nil {
		return err
	}
	if err := d.until(ctx, demoPatience, "撤完", func() bool {
		return d.count(ctx, office.ActWithdraw, office.Sent) == 2 && d.count(ctx, office.ActCorrect, office.Sent) == 2
	}); err != nil {
		return err
	}
	for i, at := range d.places() {
		status, text, err := d.page(ctx, at.base, "a/p1.html")
		if err != nil {
			return err
		}
		want := []int{http.StatusGone, http.StatusOK}[i] // a bucket knows no 410
		d.check(status == want && strings.Contains(text, "本文已撤回") && !strings.Contains(text, "收到申请"), at.name+"：换成了撤回说明")
		_, text, err = d.page(ctx, at.base, "index.html")
		if err != nil {
			return err
		}
		d.check(!strings.Contains(text, demoTitle), at.name+"：首页不再列出")
	}
	d.check(told(d.mei, "更正") == 1 && told(d.qiang, "更正") == 1, "收到过的李梅、王强收到了更正")
	d.check(told(d.zhou, demoTitle) == 0, "没收到过的周大娘没有被打扰")
	text, err := d.command(ctx, "deliveries", "list", "--item", "1")
	if err != nil {
		return err
	}
	d.check(strings.Count(text, "下架") == 2 && strings.Count(text, "更正") == 2, "台账：下架 2，更正 2")
	if err := d.ledgerPage(ctx, map[string]int{">已送达</span>": 8, ">对方不收</span>": 1, "<td>下架</td>": 2, "<td>更正</td>": 2}); err != nil {
		return err
	}
	text, err = d.command(ctx, "jobs", "last", "publish")
	d.check(strings.Contains(text, "到点 0 个计划，送达 4 份，没送成 0 份"), "mingbai jobs last 记下了撤回")
	if err != nil {
		return err
	}
	_, err = d.command(ctx, "site", "check", "--deep")
	d.check(err == nil, "两处网页和记录一致")
	return nil
}
