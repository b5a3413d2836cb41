package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"

	"mingbai/bot/qqtest"
	"mingbai/config"
	"mingbai/office"
)

// simulation is what qqsim and demo are asked for.
type simulation struct {
	listen, control string // loopback addresses of the platform and of its page
	profile         string
	seed            uint64
}

// The bot of the simulator, when no other is named. The secret opens nothing
// but the simulator.
const (
	simAppID  = "102000001"
	simSecret = "simulator-only-secret"
)

// start opens a platform on this machine.
func (o simulation) start(log *slog.Logger) (*qqtest.Platform, error) {
	if !slices.Contains(qqtest.Profiles(), qqtest.Profile(o.profile)) {
		return nil, fmt.Errorf("%w: --profile 应是 strict2026、lenient 或 2025", errUsage)
	}
	for _, address := range []string{o.listen, o.control} {
		if err := qqtest.CheckLoopback(address); err != nil {
			return nil, fmt.Errorf("模拟平台只在本机上监听，%s 不行：%w", address, err)
		}
	}
	p := qqtest.New(qqtest.Options{Profile: qqtest.Profile(o.profile), Seed: o.seed, Listen: o.listen, Control: o.control, Log: log})
	if err := p.Start(); err != nil {
		return nil, fmt.Errorf("模拟平台启动不了，换一个端口试试：%w", err)
	}
	return p, nil
}

// people puts a few into the simulator, so that there is somebody to speak as.
func people(p *qqtest.Platform, b *qqtest.Bot) {
	mei, qiang, zhou := p.User(b, "李梅"), p.User(b, "王强"), p.User(b, "周大娘")
	p.Group(b, "城东村法治群", mei, qiang, zhou)
	p.Guild(b, "普法频道")
}

// qqsim runs the simulated platform alone, for a bot that runs elsewhere on
// this machine.
func qqsim(ctx context.Context, a *app, args []string) error {
	f := a.flags("qqsim", "[选项]")
	o := simulation{}
	f.StringVar(&o.listen, "listen", "127.0.0.1:18080", "平台接口的地址，机器人的 QQ_API_BASE 和 QQ_TOKEN_BASE 指向它")
	f.StringVar(&o.control, "control", "127.0.0.1:18081", "网页和控制接口的地址")
	f.StringVar(&o.profile, "profile", string(qqtest.Strict2026), "规则：strict2026、lenient 或 2025")
	f.Uint64Var(&o.seed, "seed", 1, "编号的种子，相同的种子给出相同的编号")
	webhook := f.String("webhook", "http://127.0.0.1:8080/qq/webhook", "机器人的回调地址；不填表示机器人用 websocket")
	appID := f.String("app-id", simAppID, "机器人的 AppID")
	secret := f.String("secret", simSecret, "机器人的 AppSecret，只对模拟平台有效")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		return errors.Join(err, unexpected(rest))
	}
	p, err := o.start(slog.New(slog.NewTextHandler(a.err, nil)))
	if err != nil {
		return err
	}
	b, err := addBot(p, *appID, *secret, *webhook)
	if err != nil {
		return errors.Join(err, p.Close())
	}
	people(p, b)
	fmt.Fprintf(a.out, "QQ 模拟平台：%s\n网页：%s/\n\n", p.URL(), p.ControlURL())
	fmt.Fprintf(a.out, "让机器人连上它：\nQQ_APP_ID=%s QQ_APP_SECRET=%s QQ_API_BASE=%s QQ_TOKEN_BASE=%s mingbai serve\n\nCtrl-C 停止。\n", *appID, *secret, p.URL(), p.URL())
	<-ctx.Done()
	return p.Close()
}

func unexpected(args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%w: 多了 %q", errUsage, args)
}

// addBot adds a bot whose callback is on this machine, or says what is wrong.
func addBot(p *qqtest.Platform, appID, secret, webhook string) (*qqtest.Bot, error) {
	if appID == "" || secret == "" {
		return nil, fmt.Errorf("%w: --app-id 和 --secret 都要填", errUsage)
	}
	b := p.AddBot(appID, secret, qqtest.BotOptions{Name: "明白"})
	if err := b.SetWebhook(webhook); err != nil {
		return nil, fmt.Errorf("--webhook 要写成 http://127.0.0.1:端口/路径：%w", err)
	}
	return b, nil
}

// demo runs the simulated platform and the whole program against it, both on
// this machine, with records of its own that are gone afterwards.
func demo(ctx context.Context, a *app, args []string) error {
	f := a.flags("demo", "[选项]")
	o := simulation{}
	f.StringVar(&o.control, "page", "127.0.0.1:18081", "网页的地址")
	f.StringVar(&o.listen, "platform", "127.0.0.1:18080", "模拟平台接口的地址")
	f.StringVar(&o.profile, "profile", string(qqtest.Strict2026), "规则：strict2026、lenient 或 2025")
	f.Uint64Var(&o.seed, "seed", 1, "编号的种子")
	listen := f.String("listen", "127.0.0.1:18082", "明白自己的网页和回调的地址")
	transport := f.String("transport", "webhook", "机器人怎样收消息：webhook 或 websocket")
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
	p, err := o.start(a.log)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	err = a.playDemo(ctx, p, dir, *listen, *transport)
	return errors.Join(err, p.Close(), os.RemoveAll(dir))
}

// playDemo serves the program on listen with its QQ channel on the platform.
func (a *app) playDemo(ctx context.Context, p *qqtest.Platform, dir, listen, transport string) error {
	c := *a.config
	c.Listen, c.DataDir, c.Env = listen, dir, "trial"
	c.Store.DatabaseURL, c.Store.RedisURL = "", ""     // never the real records
	c.Model.BaseURL, c.Model.EmbeddingBaseURL = "", "" // nothing leaves this machine
	c.Web.PublicURL = "http://" + listen
	c.QQ.AppID, c.QQ.Secret, c.QQ.Bots = simAppID, config.Secret(simSecret), ""
	c.QQ.APIBase, c.QQ.TokenBase, c.QQ.Transport = p.URL(), p.URL(), transport
	trial := *a
	trial.config = &c
	s, err := trial.newServer(ctx)
	if err != nil {
		return err
	}
	webhook := "http://" + s.ln.Addr().String() + "/qq/webhook"
	if transport == "websocket" {
		webhook = ""
	}
	b, err := addBot(p, simAppID, simSecret, webhook)
	if err != nil {
		return errors.Join(err, s.close())
	}
	people(p, b)
	code, err := demoOffice(ctx, s.records)
	if err != nil {
		return errors.Join(err, s.close())
	}
	clerk := p.User(b, demoClerk)
	var crew sync.WaitGroup
	defer crew.Wait()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	crew.Go(func() { // what is said to a socket that is not there yet is lost
		if transport != "websocket" || p.WaitFor(ctx, func() bool { return b.Connected() > 0 }) == nil {
			clerk.Say("绑定 " + code)
		}
	})
	fmt.Fprintf(a.out, "QQ 演示：在浏览器里打开 %s/\n（机器人接的是本机的模拟平台，消息不会发到真的 QQ；记录在停止时删除）\n", p.ControlURL())
	fmt.Fprintf(a.out, "居民说“人工”会成为一件，%s是经办人，平台会主动提醒他；关掉他的推送，提醒就不再发，等他说话时才给。\n\n", demoClerk)
	return s.run(ctx)
}

// demoClerk answers cases in the demo; he is on QQ too.
const demoClerk = "陈所长"

// demoOffice makes an office with one clerk, so that a case has somebody to go
// to, and gives the code with which he is bound to his QQ.
func demoOffice(ctx context.Context, db *office.DB) (code string, err error) {
	const by = "演示"
	at := int64(0)
	for _, o := range []office.Org{{Kind: "县", Name: "青禾县"}, {Kind: "乡镇街道", Name: "城东街道", Short: "城东"}, {Kind: "司法所", Name: "城东司法所"}} {
		o.Parent = at
		added, err := db.AddOrg(ctx, by, o)
		if err != nil {
			return "", err
		}
		at = added.ID
	}
	clerk, err := db.AddPerson(ctx, by, office.Person{Name: demoClerk, Posts: []office.Post{{Role: office.Clerk, Org: office.Org{ID: at}}}})
	if err != nil {
		return "", err
	}
	code, _, err = db.Invite(ctx, by, clerk.ID)
	return code, err
}
