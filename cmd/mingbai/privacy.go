package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"mingbai/bot"
	"mingbai/office"
)

func privacyCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "privacy", []sub{
		{"export", "--case 编号|--account 地址 [文件.json|-]", "导出一个人的全部资料（凭他的编号或聊天地址）；先核对是不是本人", privacyExport},
		{"erase", "--case 编号|--account 地址 [--dry-run]", "按本人要求删除；不能删的说明原因，给回执号", privacyErase},
		{"retain", "[--dry-run]", "删掉存够了时间的（服务运行时每天自动做）", privacyRetain},
		{"consents", "", "同意记录按版本的数目", privacyConsents},
	}, args)
}

// subjectFlags reads whose data a command is about: an address, or the case by
// whose number it is found.
func subjectFlags(ctx context.Context, a *app, db *office.DB, name string, args []string, more func(dry *bool)) (account office.Account, no string, rest []string, err error) {
	f := a.flags(name, "--case 编号|--account 地址")
	by := f.String("account", "", "聊天地址，如 qq/user/…")
	f.StringVar(&no, "case", "", "他的一件事的编号")
	var dry bool
	if more != nil {
		f.BoolVar(&dry, "dry-run", false, "只看会删什么、留什么，不动")
	}
	if rest, err = parse(f, args); err != nil {
		return "", "", nil, err
	}
	if (*by == "") == (no == "") {
		return "", "", nil, fmt.Errorf("%w: 要写 --case 或 --account", errUsage)
	}
	if more != nil {
		more(&dry)
	}
	if account = office.Account(*by); no != "" {
		account, err = db.ApplicantOf(ctx, no)
	}
	return account, no, rest, err
}

func privacyExport(ctx context.Context, a *app, db *office.DB, args []string) error {
	account, no, rest, err := subjectFlags(ctx, a, db, "privacy export", args, nil)
	if err != nil {
		return err
	}
	if account == "" {
		return fmt.Errorf("%s 是在窗口或电话里登记的，没有聊天账号；把这一件打印给本人就是全部", no)
	}
	if err := noteExport(ctx, db, no); err != nil {
		return err
	}
	d, err := db.Dossier(ctx, operator(), account)
	if err != nil {
		return err
	}
	if d.Said, err = a.remembered(ctx, db, account); err != nil {
		return err
	}
	if len(rest) == 0 || rest[0] == "-" {
		return writeJSON(a.out, d)
	}
	if err := writeFile(rest[0], func(w io.Writer) error { return writeJSON(w, d) }); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已导出到 %s：事项 %d 件，通知 %d 条，咨询记录 %d 次。只交给本人，交完删掉文件。\n", rest[0], len(d.Cases), len(d.Notices), len(d.Consults))
	return nil
}

// noteExport keeps in the log of reads that all data of a case's applicant was
// given out here; no is "" if an address was named.
func noteExport(ctx context.Context, db *office.DB, no string) error {
	if no == "" {
		return nil
	}
	p, err := db.Operator(ctx)
	if err != nil {
		return err
	}
	p.Name = operator()
	return db.NoteRead(ctx, p, no, office.ReadData)
}

// sessionStore opens what the bot remembers of conversations, where serve keeps it.
func (a *app) sessionStore(ctx context.Context, db *office.DB) (*bot.Bot, bot.Sessions, func(), error) {
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		return nil, nil, nil, err
	}
	sessions, done := bot.NewLocalSessions(store, a.config.Store.SessionTTL), func() {}
	if u := a.config.Store.RedisURL.Reveal(); u != "" {
		redis, err := bot.OpenRedis(bot.RedisOptions{URL: u, Log: a.log})
		if err != nil {
			return nil, nil, nil, err
		}
		sessions, done = bot.NewRedisSessions(redis, a.config.Store.SessionTTL), func() { redis.Close() }
	}
	return bot.New(nil, sessions, bot.NewInbox(store), bot.Options{Log: a.log}), sessions, done, nil
}

// remembered gives what a conversation still remembers of what was said.
func (a *app) remembered(ctx context.Context, db *office.DB, account office.Account) ([]office.DossierSentence, error) {
	_, sessions, done, err := a.sessionStore(ctx, db)
	if err != nil {
		return nil, err
	}
	defer done()
	return saidTo(ctx, sessions, account)
}

func saidTo(ctx context.Context, sessions bot.Sessions, account office.Account) ([]office.DossierSentence, error) {
	s, err := sessions.Load(ctx, string(account))
	if err != nil {
		return nil, fmt.Errorf("会话读不出来：%w", err)
	}
	var list []office.DossierSentence
	for _, t := range s.Turns {
		list = append(list, office.DossierSentence{At: t.At, Text: t.Text})
	}
	return list, nil
}

func privacyErase(ctx context.Context, a *app, db *office.DB, args []string) error {
	var dry bool
	account, no, _, err := subjectFlags(ctx, a, db, "privacy erase", args, func(d *bool) { dry = *d })
	if err != nil {
		return err
	}
	var e office.Erasure
	if account == "" {
		e, err = db.EraseCase(ctx, operator(), no, keepOf(a.config), dry)
	} else {
		e, err = db.Erase(ctx, operator(), account, keepOf(a.config), dry)
	}
	if err != nil {
		return err
	}
	if account != "" && !dry {
		b, _, done, err := a.sessionStore(ctx, db)
		if err != nil {
			return err
		}
		defer done()
		if err := b.Forget(ctx, bot.Address(account), bot.Address(account)); err != nil {
			return fmt.Errorf("对话没有删掉，请再执行一次：%w", err)
		}
	}
	word := "已删除"
	if dry {
		word = "会删除"
	}
	for _, what := range slices.Sorted(maps.Keys(e.Erased)) {
		fmt.Fprintf(a.out, "%s：%s %d 条\n", word, what, e.Erased[what])
	}
	for _, k := range e.Kept {
		fmt.Fprintf(a.out, "留下：%s，%s", k.What, k.Why)
		if !k.Until.IsZero() {
			fmt.Fprintf(a.out, "到 %s。", iso(k.Until))
		}
		fmt.Fprintln(a.out)
	}
	if dry {
		fmt.Fprintln(a.out, "只是看看，没有删。")
		return nil
	}
	fmt.Fprintf(a.out, "回执号：%s（mingbai audit list --about %s）\n", e.Receipt, e.Receipt)
	return nil
}

func privacyRetain(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("privacy retain", "[--dry-run]")
	dry := f.Bool("dry-run", false, "只看会删多少，不删")
	if _, err := parse(f, args); err != nil {
		return err
	}
	done, err := db.Retain(ctx, operator(), keepOf(a.config), *dry)
	if err != nil {
		return err
	}
	k := a.config.Keep
	fmt.Fprintf(a.out, "保留：事项办结后 %d 天，咨询记录 %d 天，通知 %d 天，查看记录 %d 天（0 是一直留）\n", k.Cases, k.Consults, k.Notices, k.Reads)
	for _, what := range slices.Sorted(maps.Keys(done)) {
		fmt.Fprintf(a.out, "%s %d 条\n", what, done[what])
	}
	switch {
	case len(done) == 0:
		fmt.Fprintln(a.out, "没有到期的。")
	case *dry:
		fmt.Fprintln(a.out, "只是看看，没有删。")
	}
	return nil
}

func privacyConsents(ctx context.Context, a *app, db *office.DB, args []string) error {
	if _, err := parse(a.flags("privacy consents", ""), args); err != nil {
		return err
	}
	list, err := db.ConsentVersions(ctx)
	if err != nil {
		return err
	}
	for _, v := range list {
		fmt.Fprintf(a.out, "%s 第 %s 版：同意 %d 人，不同意或撤回 %d 人\n", v.Notice, v.Version, v.Accepted, v.Refused)
	}
	if len(list) == 0 {
		fmt.Fprintln(a.out, "还没有人回答过告知。")
	}
	return nil
}

// terminalFile keeps the address of whoever uses this data directory from a
// terminal, so that they are known again.
const terminalFile = "terminal.id"

func (a *app) terminalAddress() (bot.Address, error) {
	path := filepath.Join(a.config.DataDir, terminalFile)
	text, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(text)); err == nil && len(id) == 16 && strings.Trim(id, "0123456789abcdef") == "" {
		return bot.Address("terminal/user/" + id), nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("读不了 %s：%w", path, err)
	}
	id := office.NewID()
	return bot.Address("terminal/user/" + id), writeFile(path, func(w io.Writer) error {
		_, err := io.WriteString(w, id+"\n")
		return err
	})
}
