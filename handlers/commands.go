package handlers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// Commands, as data/commands.yaml names them.
const (
	CommandHuman   = "human"
	CommandBack    = "back"
	CommandQuit    = "quit"
	CommandRestart = "restart"
	CommandSource  = "source"
	CommandUseful  = "useful"
	CommandUseless = "useless"
)

// command carries out what a person told the bot to do.
func (r *Router) command(ctx context.Context, t *turn, v Verdict) (bot.Reply, error) {
	s := t.session
	switch v.Command {
	case CommandHuman:
		return r.human(ctx, t)
	case CommandBack:
		return r.back(t), nil
	case CommandQuit, CommandRestart:
		s.Turns, s.Menu, s.Form, s.Asked, s.Urgent = nil, nil, nil, 0, ""
		if v.Command == CommandQuit {
			return bot.Reply{Text: wordsBye}, nil
		}
		return r.welcome(t, wordsRestart), nil
	case CommandSource:
		return r.source(t, v.Arg), nil
	case CommandUseful, CommandUseless:
		return r.rate(ctx, t, v.Command == CommandUseful), nil
	}
	return r.welcome(t, ""), nil
}

// welcome says what can be asked, with examples as a menu.
func (r *Router) welcome(t *turn, lead string) bot.Reply {
	return bot.Reply{Text: lead + wordsWelcome, Choices: r.offerStarters(t)}
}

// offerStarters makes the questions that show what can be asked the menu.
func (r *Router) offerStarters(t *turn) []string {
	t.session.Menu = &bot.Menu{Kind: menuNext}
	var choices []string
	for _, s := range starters {
		t.session.Menu.Choices = append(t.session.Menu.Choices, bot.Choice{Label: s.question, Value: pickEntry + s.entry})
		choices = append(choices, s.question)
	}
	return choices
}

// back forgets the last turn and says again what the one before was about.
func (r *Router) back(t *turn) bot.Reply {
	s := t.session
	s.Form, s.Asked = nil, 0
	if n := len(s.Turns); n > 0 {
		s.Turns = s.Turns[:n-1]
	}
	if n := len(s.Turns); n > 0 {
		if e := r.d.Base.Entry(s.Turns[n-1].Entry); e != nil {
			return bot.Reply{Text: fmt.Sprintf("好，回到上一个问题：%s。请接着问，或者说“重来”。", e.Title)}
		}
	}
	return r.welcome(t, "好，已经退回到开头。\n")
}

// source shows what the n-th citation of the last answer is, with the article
// itself if law texts are imported.
func (r *Router) source(t *turn, n int) bot.Reply {
	if n == 0 {
		n = 1
	}
	for i := len(t.session.Turns) - 1; i >= 0; i-- {
		past := t.session.Turns[i]
		if len(past.Basis) == 0 {
			continue
		}
		if n > len(past.Basis) {
			return bot.Reply{Text: fmt.Sprintf("上一条回答只有 %d 条依据。", len(past.Basis))}
		}
		return bot.Reply{Text: r.sourceText(past, n, t.on)}
	}
	return bot.Reply{Text: "还没有回答过问题。先说说你遇到了什么事。"}
}

// sourceText says what the n-th citation of a past answer is.
func (r *Router) sourceText(past bot.Turn, n int, on time.Time) string {
	law, number, _ := strings.Cut(past.Basis[n-1], "#")
	no, _ := knowledge.ParseArticleNo(number) // was written by basis
	cited := knowledge.Citation{Law: law, Article: no}
	if e := r.d.Base.Entry(past.Entry); e != nil {
		for _, c := range e.Citations {
			if c.Law == law && c.Article == no {
				cited = c
			}
		}
	}
	c := r.d.Base.Cite(cited, on)
	var b strings.Builder
	fmt.Fprintf(&b, "第%d条依据：%s\n状态：%s", n, c.Name(), c.Status)
	if !c.Effective.IsZero() {
		fmt.Fprintf(&b, "；%s公布，%s起施行", isoDay(c.Published), isoDay(c.Effective))
	}
	switch {
	case c.External != "":
		fmt.Fprintf(&b, "\n出处：%s。这里没有它的原文，请向办理机关核对。", c.External)
	case c.Text != "":
		fmt.Fprintf(&b, "\n\n%s %s", c.Article.Han(), c.Text)
	default:
		b.WriteString("\n这里没有导入法律原文，可在国家法律法规数据库（flk.npc.gov.cn）按法名和条号查看。")
	}
	return b.String()
}

func (r *Router) rate(ctx context.Context, t *turn, useful bool) bot.Reply {
	for i := len(t.session.Turns) - 1; i >= 0; i-- {
		id := t.session.Turns[i].Answer
		if id == "" || t.session.Turns[i].Entry == "" {
			continue
		}
		if r.d.Rate != nil {
			if err := r.d.Rate(ctx, id, useful, ""); err != nil && office.KindOf(err) != office.NotFound {
				r.d.Log.Warn("rating not kept", "err", err)
			}
		}
		if useful {
			return bot.Reply{Text: wordsUseful}
		}
		return bot.Reply{Text: wordsUseless + r.people(t.session.Area)}
	}
	return bot.Reply{Text: "还没有回答过问题，先说说你遇到了什么事。"}
}

// people names the people to turn to: the offices of the place if they are set,
// and always 12348.
func (r *Router) people(area string) string {
	c, ok := r.d.County()
	if !ok {
		return wordsPeople
	}
	var b strings.Builder
	b.WriteString("可以找：")
	n := 0
	for _, kind := range []string{"司法所", "公共法律服务中心", "法律援助中心"} {
		for _, o := range c.Offices {
			if o.Kind != kind || n >= 3 || kind == "司法所" && (area == "" || o.Township != area) {
				continue
			}
			n++
			b.WriteString("\n- " + officeLine(o))
		}
	}
	b.WriteString("\n- 12348 公共法律服务热线（免费）")
	return b.String()
}

func officeLine(o office.Office) string {
	parts := []string{o.Name}
	for _, s := range []string{o.Phone, o.Address, o.Hours} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, "，")
}

// officesOf says which kinds of offices answers of a domain point to.
var officesOf = map[string]string{"LA": "法律援助中心", "NT": "公证处", "MD": "调解委员会", "LB": "劳动监察"}

// local gives what is particular to the place for a topic: its standards and
// the office to go to. Until the place is set it says so where it matters.
func (r *Router) local(topic, area string) string {
	c, ok := r.d.County()
	kind := officesOf[topic[:min(2, len(topic))]]
	if !ok {
		if kind != "" {
			return wordsNoCounty
		}
		return ""
	}
	var b strings.Builder
	for _, s := range c.Standards {
		if s.Topic == topic {
			fmt.Fprintf(&b, "\n%s：%s（%s，%s起）", s.Name, s.Text, s.Source, s.Since)
		}
	}
	for _, o := range c.Offices {
		if o.Kind == kind && (o.Township == "" || o.Township == area) {
			fmt.Fprintf(&b, "\n%s：%s", c.Name, officeLine(o))
		}
	}
	return strings.TrimPrefix(b.String(), "\n")
}

// starters are questions that show what can be asked, with the entry that
// answers each as a whole. The web page offers the same.
var starters = []struct{ question, entry string }{
	{"老板欠工资怎么办", "lb01-unpaid-wages"},
	{"请律师没钱怎么办", "la01-how-to-apply"},
	{"想离婚，孩子归谁", "fm04-custody"},
	{"借出去的钱要不回来", "db01-lend-steps"},
	{"和邻居有纠纷找谁调解", "md02-apply"},
	{"办公证要带什么", "nt01-how-to-apply"},
}

// starter gives the entry of a question that is offered as an example.
func starter(text string) (entry string, ok bool) {
	for _, s := range starters {
		if s.question == text {
			return s.entry, true
		}
	}
	return "", false
}
