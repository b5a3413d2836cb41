package main

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"mingbai/jobs"
	"mingbai/knowledge"
	"mingbai/office"
)

// publishCheck is what the office cannot know of a text: whether its basis is
// in force, and what it may not say. It opens its gates at first use.
func (p *parts) publishCheck() office.Check {
	open := sync.OnceValues(func() (*knowledge.Gates, error) {
		site := p.site()
		hosts := p.publishHosts()
		return knowledge.NewGates(knowledge.GateOptions{
			Registry: p.base.Registry(), Redactor: p.mask, Now: p.app.now,
			Public: func(what string) bool {
				return p.public(what) || officialSites[what] || what == site || hosts[what]
			},
		})
	})
	return func(_ context.Context, v office.PieceVersion, on time.Time) (office.Verdict, error) {
		gates, err := open()
		if err != nil {
			return office.Verdict{}, err
		}
		remarks, relied := gates.ReviewText(v.Title+"\n"+office.PlainText(v.Body)+"\n"+v.Alt+"\n"+v.Link, on, p.base.Library())
		if v.Entry != "" {
			more, also := p.base.ReviewEntry(v.Entry, on)
			remarks, relied = append(remarks, more...), append(relied, also...)
		}
		if v.Model == "" && knowledge.Labelled(v.Body) {
			remarks = append(remarks, knowledge.Remark{Rule: "AI标识", Stops: true, Msg: "正文里有AI标识，却没有写是哪个模型帮忙写的。"})
		}
		if len(relied) == 0 && (v.Kind == office.KindText || v.Kind == office.KindCard) {
			remarks = append(remarks, knowledge.Remark{Rule: "依据", Msg: "没有写依据。讲法律规定的，请写明《法律》第几条。"})
		}
		return verdict(remarks, relied), nil
	}
}

// verdict puts what the knowledge base found in the office's words.
func verdict(remarks []knowledge.Remark, relied []knowledge.Relied) (v office.Verdict) {
	for _, r := range remarks {
		v.Findings = append(v.Findings, office.Finding(r))
	}
	seen := map[office.Rest]bool{}
	for _, r := range relied {
		rest := office.Rest{Law: r.Law, Article: r.Article.String(), Mark: r.Since.Format(time.DateOnly)}
		if !seen[rest] {
			seen[rest] = true
			v.Basis = append(v.Basis, rest)
		}
	}
	return v
}

// publishHosts are the sites that published texts may link to.
func (p *parts) publishHosts() map[string]bool {
	hosts := map[string]bool{}
	for _, h := range slices.Concat(p.app.config.QQ.Domains, p.app.config.Publish.Hosts) {
		hosts[strings.ToLower(h)] = true
	}
	return hosts
}

var entryMark = regexp.MustCompile(`\[\d{1,3}\]`)

// cardOf makes the first version of a question card from a knowledge entry: its
// words without marks, and what it rests on at the end.
func cardOf(b *knowledge.Base, e *knowledge.Entry) office.PieceVersion {
	var text strings.Builder
	text.WriteString(entryMark.ReplaceAllString(e.Conclusion, ""))
	for _, s := range e.Sections {
		text.WriteString("\n\n## " + s.Heading + "\n\n" + entryMark.ReplaceAllString(s.Text, ""))
	}
	var names []string
	for _, c := range e.Citations {
		if l, ok := b.Registry().Find(c.Law); ok {
			names = append(names, "《"+strings.TrimPrefix(l.Title, "中华人民共和国")+"》"+c.Article.Han())
		} else if c.External != "" {
			names = append(names, c.External)
		}
	}
	if len(names) > 0 {
		text.WriteString("\n\n依据：" + strings.Join(names, "、"))
	}
	title := []rune(e.Title)
	return office.PieceVersion{Kind: office.KindCard, Title: string(title[:min(len(title), 40)]), Body: text.String(), Topic: e.Topic, Entry: e.ID, Audience: []string{"乡村", "社区"}}
}

// card makes a card from the entry of that number, or from the one that fits the
// words best.
func (p *parts) card(entry string) (office.PieceVersion, error) {
	entry = strings.TrimSpace(entry)
	if e := p.base.Entry(strings.ToLower(entry)); e != nil {
		return cardOf(p.base, e), nil
	}
	if e := p.base.Entry(entry); e != nil {
		return cardOf(p.base, e), nil
	}
	for _, h := range p.base.Search(knowledge.Query{Text: entry, Kind: knowledge.KindEntry, N: 1}) {
		if e := p.base.Entry(h.Doc.ID); e != nil {
			return cardOf(p.base, e), nil
		}
	}
	return office.PieceVersion{}, &office.Error{Kind: office.NotFound, Msg: "知识库里没有讲“" + entry + "”的条目，换个说法试试。"}
}

// publisher is the job that fires plans and sends what they planned. The sinks
// that the settings name are in it; chat needs a running bot.
func (p *parts) publisher(more ...jobs.Publisher) *jobs.Publish {
	return &jobs.Publish{
		Office: p.records, Check: p.publishCheck(), To: append(p.sinks, more...), Fixed: p.targets, Log: p.app.log,
		Meter: jobs.NewPublishMeter(p.metrics), Workers: map[string]int{"cloud": 2, "chat": 2},
	}
}

// publishing is when anything may be published, from the settings.
func (a *app) publishing() office.Publishing {
	r := office.DefaultPublishing
	c := a.config.Publishing
	if from, to, ok := office.ParseWindow(c.Window); ok {
		r.From, r.To = from, to
	}
	r.Grace, r.Expire = cmp.Or(c.Grace, r.Grace), cmp.Or(c.Expire, r.Expire)
	return r
}
