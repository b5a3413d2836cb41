package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"

	"mingbai/bot"
	"mingbai/config"
	"mingbai/office"
	"mingbai/web/console"
)

func consoleCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "console", []sub{
		{"admin", "登录名 --name 姓名 [--phone 电话]", "第一个管理员：加这个人（县级管理员）并开通后台登录", consoleAdmin},
		{"add", "编号|姓名 登录名", "给一个人开通后台登录", consoleAdd},
		{"link", "登录名|编号|姓名 用户号", "这个人在统一身份认证里的用户号；写 - 取消", consoleLinkAccount},
		{"password", "登录名|编号|姓名 [--lost-phone]", "重置密码，所有设备退出登录；--lost-phone 连手机验证码一起去掉", consolePassword},
	}, args)
}

// consoleAdmin makes the person who lets all others in.
func consoleAdmin(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("console admin", "登录名 --name 姓名")
	name := f.String("name", "", "姓名")
	phone := f.String("phone", "", "电话")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 || *name == "" {
		return fmt.Errorf("%w: 要写登录名和 --name 姓名", errUsage)
	}
	p, password, err := db.AddAdmin(ctx, operator(), rest[0], office.Person{Name: *name, Phone: *phone})
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已加：%d %s，%s管理员。\n", p.ID, p.Name, p.Posts[0].Org.Name)
	a.printPassword(rest[0], password)
	return nil
}

func (a *app) printPassword(login, password string) {
	fmt.Fprintf(a.out, "登录名：%s\n密码：%s（只显示这一次，7 天内有效，登录后要换成自己的）\n在浏览器里打开 /console 登录。\n", office.CleanLogin(login), password)
}

func consoleAdd(ctx context.Context, a *app, db *office.DB, args []string) error {
	rest, err := parse(a.flags("console add", "编号|姓名 登录名"), args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 要写人员（编号或姓名）和登录名", errUsage)
	}
	id, err := personID(ctx, db, rest[:1])
	if err != nil {
		return err
	}
	password, err := db.AddConsoleAccount(ctx, operator(), id, rest[1])
	if err != nil {
		return err
	}
	a.printPassword(rest[1], password)
	return nil
}

// consoleAccount finds the account that a command line names: by its login, else
// by the person's number or name.
func consoleAccount(ctx context.Context, db *office.DB, who string) (office.ConsoleAccount, error) {
	account, err := db.ConsoleAccountNamed(ctx, who)
	if office.KindOf(err) != office.NotFound {
		return account, err
	}
	id, err := personID(ctx, db, []string{who})
	if err != nil {
		return account, err
	}
	account, err = db.ConsoleAccount(ctx, id)
	if office.KindOf(err) == office.NotFound {
		return account, fmt.Errorf("“%s”还没有开通后台登录：mingbai console add %d 登录名", who, id)
	}
	return account, err
}

func consolePassword(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("console password", "登录名|编号|姓名 [--lost-phone]")
	phone := f.Bool("lost-phone", false, "手机丢了：连手机验证码一起去掉")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写登录名", errUsage)
	}
	account, err := consoleAccount(ctx, db, rest[0])
	if err != nil {
		return err
	}
	password, err := db.ResetConsolePassword(ctx, operator(), account.Person, *phone)
	if err != nil {
		return err
	}
	a.printPassword(account.Login, password)
	return nil
}

func consoleLinkAccount(ctx context.Context, a *app, db *office.DB, args []string) error {
	rest, err := parse(a.flags("console link", "登录名|编号|姓名 用户号"), args)
	if err != nil {
		return err
	}
	if len(rest) != 2 {
		return fmt.Errorf("%w: 要写登录名和用户号", errUsage)
	}
	account, err := consoleAccount(ctx, db, rest[0])
	if err != nil {
		return err
	}
	if err := db.LinkConsole(ctx, operator(), account.Person, strings.TrimPrefix(rest[1], "-")); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "改好了。")
	return nil
}

// console builds the office's pages. chat knows where a request comes from.
func (s *server) console(chat *bot.WebChat, sessions bot.Sessions) (http.Handler, error) {
	o := console.Options{
		Office: s.records, Draft: s.draft, Log: s.app.log, Sender: chat.Sender, Secure: chat.Secure, Now: s.app.now,
		Loopback: onLoopback(s.app.config), NeedCodes: s.app.config.Env == config.Production,
		Public: s.app.config.Web.PublicURL, Check: s.publishCheck(), Card: s.card, Hosts: s.app.config.Publish.Hosts,
		Place: s.placeName, Share: s.share,
		Base: s.base, Keep: keepOf(s.app.config),
		Forget: func(ctx context.Context, a office.Account) error {
			return s.bot.Forget(ctx, bot.Address(a), bot.Address(a))
		},
		Remembered: func(ctx context.Context, a office.Account) ([]office.DossierSentence, error) {
			return saidTo(ctx, sessions, a)
		},
	}
	if s.gates != nil {
		o.Drops = s.gates.Drops
	}
	return console.New(o)
}

// placeName is the county's name, "" until it is set.
func (s *server) placeName() string {
	if c := s.county.Load(); c != nil {
		return c.Name
	}
	return ""
}

// onLoopback says whether the program is only tried on this machine: then
// browsers come by plain http.
func onLoopback(c *config.Config) bool {
	host, _, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	return err == nil && c.Env != config.Production && !strings.HasPrefix(c.Web.PublicURL, "https://") && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// greetConsole says where the office signs in, and how the first may.
func (s *server) greetConsole(ctx context.Context) {
	at := "http://" + s.ln.Addr().String()
	if u := s.app.config.Web.PublicURL; u != "" {
		at = strings.TrimSuffix(u, "/")
	}
	line := fmt.Sprintf("后台：%s/console", at)
	if n, err := s.records.ConsoleAccounts(ctx); err == nil && n == 0 {
		line += "（还没有人能登录：先 mingbai org add 县 名称，再 mingbai console admin 登录名 --name 姓名）"
	}
	fmt.Fprintln(s.app.out, line)
}
