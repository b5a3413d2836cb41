package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"mingbai/calendar"
	"mingbai/office"
)

// withParts runs a command that needs the knowledge base as well as the records.
func (a *app) withParts(ctx context.Context, run func(p *parts) error) error {
	p, err := a.openParts(ctx)
	if err != nil {
		return err
	}
	return errors.Join(run(p), p.close())
}

func contentCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "content", []sub{
		{"list", "[--state 状态] [--audience 受众] [--text 标题里的字] [--json]", "列出内容，最近改的在前", contentList},
		{"add", "--by 编号|姓名 --title 标题 [--kind 类别] [--audience 受众,受众] [--topic 专题] [--model 模型] [--link 网址] [--image 图片文件 --alt 图上的字] [--duty 责任编号] 正文文件|-", "写一条（--to 编号：改成新的一版；--entry 条目号：由知识条目做问答卡，不用正文）", contentAdd},
		{"show", "编号 [--version 版] [--as page|qq|group|hook] [--json]", "看一条和它的经过；--as 看在哪里是什么样子", contentShow},
		{"check", "编号 [--on 日期] [--json]", "审核前的检查：依据、说法、个人信息、网址、长短、好不好懂", contentCheck},
		{"submit", "编号 --by 编号|姓名", "送审", contentStep("submit")},
		{"approve", "编号 --by 编号|姓名", "审核通过（不能是写稿的人）", contentStep("approve")},
		{"return", "编号 原因 --by 编号|姓名", "退回修改", contentStep("return")},
		{"duty", "编号 责任编号 --by 编号|姓名", "算哪项普法责任（mingbai duty list），0 是不对应", contentStep("duty")},
		{"diff", "编号 [旧版 新版] [--json]", "比较两版", contentDiff},
		{"rollback", "编号 版 --by 编号|姓名", "把旧版写成新的一版", contentStep("rollback")},
		{"recall", "编号 原因 --by 编号|姓名", "撤回已发布的：网页下架，告诉收到过的人", contentStep("recall")},
	}, args)
}

func contentList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("content list", "[--state 状态] [--audience 受众] [--json]")
	state, audience := f.String("state", "", "只看这个状态，如 待审"), f.String("audience", "", "只看给这类人的，或这个专题的")
	text := f.String("text", "", "标题里的字")
	n := f.Int("n", 50, "最多几条")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	filter := office.PieceFilter{Audience: *audience, Text: *text, Limit: *n}
	for _, s := range office.PieceStates {
		if *state == s.Name() || *state == string(s) {
			filter.States = []office.PieceState{s}
		}
	}
	if *state != "" && filter.States == nil {
		return fmt.Errorf("%w: 没有“%s”这个状态", errUsage, *state)
	}
	list, total, err := db.Pieces(ctx, filter)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	for _, it := range list {
		fmt.Fprintf(a.out, "%4d %s %s 第%d版 《%s》 %s %s\n", it.ID, it.State.Name(), it.Newest.Kind.Name(), it.Newest.Version, it.Newest.Title, strings.Join(it.Newest.Audience, "、"), it.Newest.By)
	}
	fmt.Fprintf(a.out, "共 %d 条。\n", total)
	return nil
}

func contentAdd(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("content add", "--by 编号|姓名 --title 标题 正文文件|-")
	by, to := f.String("by", "", "谁写的：编号或姓名"), f.Int64("to", 0, "改这一条，写成新的一版")
	title, kind := f.String("title", "", "标题"), f.String("kind", "文章", "类别：文章、问答卡、案例故事、视频、海报")
	audience, topic := f.String("audience", "", "给谁看，逗号分隔："+strings.Join(office.Audiences, "、")), f.String("topic", "", "专题号，如 LB")
	entry, link := f.String("entry", "", "由这一条知识条目做问答卡"), f.String("link", "", "视频的网址")
	image, alt := f.String("image", "", "海报的图片文件"), f.String("alt", "", "图上的字")
	duty := f.Int64("duty", 0, "新写的算哪项普法责任：mingbai duty list 里的编号")
	model, note := f.String("model", "", "帮忙写的模型；没有就不填"), f.String("note", "", "改了什么")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	person, err := actingPerson(ctx, db, "--by", *by)
	if err != nil {
		return err
	}
	v := office.PieceVersion{Title: *title, Topic: *topic, Link: *link, Alt: *alt, Model: *model, Note: *note}
	if v.Kind, err = office.ParsePieceKind(*kind); err != nil {
		return err
	}
	if *audience != "" {
		v.Audience = strings.FieldsFunc(*audience, func(r rune) bool { return strings.ContainsRune(",，、 ", r) })
	}
	if v, err = a.contentBody(ctx, v, *entry, rest); err != nil {
		return err
	}
	if *image != "" {
		file, err := readPicture(*image)
		if err != nil {
			return err
		}
		m, err := db.AddImage(ctx, person, file)
		if err != nil {
			return err
		}
		v.Image = m.Name
	}
	var it office.Piece
	if *to != 0 {
		it, err = db.EditPiece(ctx, person, *to, 0, v)
	} else {
		it, err = db.AddPieceFor(ctx, person, v, *duty)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已存：%d 《%s》第 %d 版，%s。下一步：mingbai content check %d\n", it.ID, it.Newest.Title, it.Newest.Version, it.State.Name(), it.ID)
	return nil
}

// maxContent bounds what is read of a file, in bytes.
const maxContent = 1 << 20

// contentBody reads the text from the file named, or makes it from an entry.
func (a *app) contentBody(ctx context.Context, v office.PieceVersion, entry string, rest []string) (office.PieceVersion, error) {
	if entry != "" {
		p, err := a.openBase(ctx)
		if err != nil {
			return v, err
		}
		e := p.base.Entry(entry)
		if e == nil {
			return v, fmt.Errorf("没有编号 %s 的知识条目", entry)
		}
		card := cardOf(p.base, e)
		if v.Title != "" {
			card.Title = v.Title
		}
		if v.Audience != nil {
			card.Audience = v.Audience
		}
		return card, nil
	}
	if len(rest) == 0 && (v.Kind == office.KindVideo || v.Kind == office.KindPoster) {
		return v, nil
	}
	if len(rest) != 1 {
		return v, fmt.Errorf("%w: 要写一个正文文件，- 从标准输入读", errUsage)
	}
	in := a.in
	if rest[0] != "-" {
		file, err := os.Open(rest[0])
		if err != nil {
			return v, fmt.Errorf("打不开文件：%w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxContent))
	v.Body = string(text)
	return v, err
}

// pieceArg reads the number of a piece, which comes first.
func pieceArg(rest []string) (int64, error) {
	if len(rest) == 0 {
		return 0, fmt.Errorf("%w: 要写编号", errUsage)
	}
	id, err := strconv.ParseInt(rest[0], 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("%w: “%s”不是编号", errUsage, rest[0])
	}
	return id, nil
}

func contentShow(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("content show", "编号 [--version 版] [--as page|qq|group|hook] [--json]")
	version, as := f.Int("version", 0, "哪一版；不写看最新的"), f.String("as", "", "看在哪里是什么样子：page、qq、group、hook")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := pieceArg(rest)
	if err != nil {
		return err
	}
	it, err := db.Piece(ctx, id)
	if err != nil {
		return err
	}
	v := it.Newest
	if *version != 0 {
		if v, err = db.PieceVersion(ctx, id, *version); err != nil {
			return err
		}
	}
	for _, p := range office.Places {
		if p.Key == *as {
			fmt.Fprintln(a.out, v.Words(p, "审核单位", ""))
			return nil
		}
	}
	steps, err := db.PieceEvents(ctx, id)
	if err != nil {
		return err
	}
	tallies, err := db.Tallies(ctx, id)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, map[string]any{"piece": it, "version": v, "steps": steps, "deliveries": tallies})
	}
	fmt.Fprintf(a.out, "%d 《%s》 %s %s 第 %d 版 %s\n\n%s\n\n", it.ID, v.Title, it.State.Name(), v.Kind.Name(), v.Version, strings.Join(v.Audience, "、"), v.Body)
	for _, e := range steps {
		fmt.Fprintf(a.out, "%s %s %s（第 %d 版）%s\n", e.At.Format("01-02 15:04"), e.Actor, e.Name(), e.Version, e.Note)
	}
	for _, t := range tallies {
		fmt.Fprintf(a.out, "%s：%s %d\n", office.SinkName(t.Sink), office.DeliveryName(t.State), t.N)
	}
	return nil
}

func contentCheck(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("content check", "编号 [--on 日期] [--json]")
	on := f.String("on", "", "哪一天发布；不写按今天")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := pieceArg(rest)
	if err != nil {
		return err
	}
	day, err := parseDay(*on)
	if err != nil {
		return err
	}
	if day.IsZero() {
		day = calendar.Day(a.now())
	}
	it, err := db.Piece(ctx, id)
	if err != nil {
		return err
	}
	return a.withParts(ctx, func(p *parts) error {
		v, err := office.Review(ctx, it.Newest, p.publishCheck(), day)
		if err != nil {
			return err
		}
		if *asJSON {
			return writeJSON(a.out, v)
		}
		a.printVerdict(v, day)
		return nil
	})
}

func (a *app) printVerdict(v office.Verdict, day time.Time) {
	for _, f := range v.Findings {
		word := "提醒"
		if f.Stops {
			word = "要改"
		}
		fmt.Fprintf(a.out, "[%s] %s：%s", word, f.Rule, f.Msg)
		if f.Quote != "" {
			fmt.Fprintf(a.out, "（%s）", f.Quote)
		}
		fmt.Fprintln(a.out)
	}
	for _, r := range v.Basis {
		fmt.Fprintf(a.out, "依据：%s %s，%s 起施行，%s 有效\n", r.Law, r.Article, r.Mark, day.Format(time.DateOnly))
	}
	if !v.Stops() {
		fmt.Fprintln(a.out, "可以送审。")
	}
}

// contentStep makes the command of one step.
func contentStep(verb string) func(ctx context.Context, a *app, db *office.DB, args []string) error {
	return func(ctx context.Context, a *app, db *office.DB, args []string) error {
		f := a.flags("content "+verb, "编号 … --by 编号|姓名")
		by := f.String("by", "", "谁来做：编号或姓名")
		rest, err := parse(f, args)
		if err != nil {
			return err
		}
		id, err := pieceArg(rest)
		if err != nil {
			return err
		}
		person, err := actingPerson(ctx, db, "--by", *by)
		if err != nil {
			return err
		}
		it, err := a.contentMove(ctx, db, person, verb, id, strings.Join(rest[1:], " "))
		if err != nil {
			return err
		}
		fmt.Fprintf(a.out, "%d 《%s》第 %d 版：%s\n", it.ID, it.Newest.Title, it.Newest.Version, it.State.Name())
		return nil
	}
}

func (a *app) contentMove(ctx context.Context, db *office.DB, by office.Person, verb string, id int64, more string) (it office.Piece, err error) {
	switch verb {
	case "return":
		return db.Return(ctx, by, id, more)
	case "recall":
		return db.Recall(ctx, by, id, more)
	case "rollback":
		n, err := strconv.Atoi(more)
		if err != nil {
			return it, fmt.Errorf("%w: 要写退回到哪一版", errUsage)
		}
		return db.RollBack(ctx, by, id, n)
	case "duty":
		duty, err := strconv.ParseInt(more, 10, 64)
		if err != nil {
			return it, fmt.Errorf("%w: 要写责任编号，0 是不对应", errUsage)
		}
		if err := db.SetDuty(ctx, by, id, duty); err != nil {
			return it, err
		}
		return db.Piece(ctx, id)
	}
	err = a.withParts(ctx, func(p *parts) error {
		move := db.Submit
		if verb == "approve" {
			move = db.Approve
		}
		var v office.Verdict
		it, v, err = move(ctx, by, id, 0, p.publishCheck())
		if err != nil {
			a.printVerdict(v, calendar.Day(a.now()))
		}
		return err
	})
	return it, err
}

func contentDiff(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("content diff", "编号 [旧版 新版] [--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	id, err := pieceArg(rest)
	if err != nil {
		return err
	}
	it, err := db.Piece(ctx, id)
	if err != nil {
		return err
	}
	from, to := max(1, it.Newest.Version-1), it.Newest.Version
	if len(rest) == 3 {
		var err1, err2 error
		from, err1 = strconv.Atoi(rest[1])
		to, err2 = strconv.Atoi(rest[2])
		if err1 != nil || err2 != nil {
			return fmt.Errorf("%w: 两版都写数字", errUsage)
		}
	}
	old, err := db.PieceVersion(ctx, id, from)
	if err != nil {
		return err
	}
	now, err := db.PieceVersion(ctx, id, to)
	if err != nil {
		return err
	}
	list := office.Diff(old, now)
	if *asJSON {
		return writeJSON(a.out, list)
	}
	for _, l := range list {
		if l.Op != "=" {
			fmt.Fprintln(a.out, l.Op+" "+l.Text)
		}
	}
	return nil
}
