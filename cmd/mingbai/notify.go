package main

import (
	"context"
	"fmt"
	"strings"

	"mingbai/jobs"
	"mingbai/office"
)

func notifyCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "notify", []sub{
		{"test", "[--mail 邮箱]", "给设好的群各发一条，给邮箱发一封，看通不通", notifyTest},
		{"list", "[--failed] [-n 条数] [--json]", "最近的提醒；--failed 只看没发出去的", notifyList},
	}, args)
}

// relayers makes the ways of telling staff that are set.
func (a *app) relayers() ([]jobs.Relayer, error) {
	n := a.config.Notify
	var list []jobs.Relayer
	for _, r := range []struct{ name, kind, url, secret string }{
		{"NOTIFY_WECOM", jobs.WeCom, n.WeCom.Reveal(), ""},
		{"NOTIFY_DINGTALK", jobs.DingTalk, n.DingTalk.Reveal(), n.DingTalkSecret.Reveal()},
		{"NOTIFY_FEISHU", jobs.Feishu, n.Feishu.Reveal(), n.FeishuSecret.Reveal()},
	} {
		if r.url == "" {
			continue
		}
		b, err := jobs.NewRobot(jobs.RobotOptions{Kind: r.kind, URL: r.url, Secret: r.secret, Hosts: n.Hosts, Now: a.now})
		if err != nil {
			return nil, fmt.Errorf("%s：地址用不了（要 https，主机要写在 NOTIFY_HOSTS 里）：%w", r.name, err)
		}
		list = append(list, b)
	}
	if n.SMTP == "" {
		return list, nil
	}
	from := n.SMTPFrom
	if from == "" {
		from = n.SMTPUser
	}
	m, err := jobs.NewMailer(jobs.MailOptions{Server: n.SMTP, User: n.SMTPUser, Password: n.SMTPPassword.Reveal(), From: from, TLS: n.SMTPTLS, Now: a.now})
	if err != nil {
		return nil, fmt.Errorf("SMTP_SERVER、SMTP_FROM、SMTP_TLS 有一项不对：%w", err)
	}
	return append(list, m), nil
}

func notifyTest(ctx context.Context, a *app, _ *office.DB, args []string) error {
	f := a.flags("notify test", "[--mail 邮箱]")
	to := f.String("mail", "", "收试发邮件的邮箱")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := a.relayers()
	if err != nil {
		return err
	}
	bad := 0
	for _, r := range list {
		if r.Way() == office.Mail && *to == "" {
			fmt.Fprintln(a.out, "mail：没有写 --mail 邮箱，没试")
			continue
		}
		if err := r.Relay(ctx, office.Relay{Way: r.Way(), Target: *to, Kind: "test"}); err != nil {
			bad++
			fmt.Fprintf(a.out, "%s：没发出去：%v\n", r.Way(), err)
			continue
		}
		fmt.Fprintf(a.out, "%s：发出去了\n", r.Way())
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "没有设提醒的群和邮件，见 NOTIFY_ 和 SMTP_ 开头的设置。")
	}
	if bad > 0 {
		return fmt.Errorf("有 %d 处没发出去", bad)
	}
	return nil
}

func notifyList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("notify list", "[--failed] [-n 条数] [--json]")
	failed := f.Bool("failed", false, "只看没发出去的")
	n := f.Int("n", 50, "最多几条")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := db.Relays(ctx, *failed, *n)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	for _, r := range list {
		state := "等着发"
		switch {
		case !r.Sent.IsZero():
			state = r.Sent.Format("1月2日 15:04") + " 发出"
		case r.Fault != "":
			state = fmt.Sprintf("试了 %d 次：%s", r.Tries, r.Fault)
		}
		fmt.Fprintln(a.out, strings.TrimSpace(fmt.Sprintf("%s %s %s  %s", r.Way, r.Target, r.Case, state)))
	}
	return nil
}
