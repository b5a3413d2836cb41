package console

import (
	"net/http"
	"net/url"
	"time"

	"mingbai/office"
)

type effectPage struct {
	Form     *form
	Effects  office.Effects
	Hot      []hotRow
	Query    string // of the period
	MayWrite bool
}

// domain is what a domain of the knowledge base is called.
func (c *call) domain(id string) string {
	if id == "" {
		return "没有写专题"
	}
	if c.o.Base == nil {
		return ""
	}
	return c.o.Base.DomainName(id)
}

type hotRow struct {
	office.HotTopic
	Name, Covered string
}

// effect shows what became of what was published, and what is asked about now.
func effect(c *call) error {
	f, ctx, now := c.form(), c.r.Context(), c.o.Now()
	p := effectPage{Form: f, MayWrite: c.o.Card != nil}
	from, to := now.AddDate(0, 0, -29), now
	for name, into := range map[string]*time.Time{"from": &from, "to": &to} {
		if d, err := time.ParseInLocation(time.DateOnly, f.Get(name), china); err == nil {
			*into = d
		}
		f.Set(name, into.In(china).Format(time.DateOnly))
	}
	var err error
	if p.Effects, err = c.o.Office.Effects(ctx, from, to); err != nil {
		return err
	}
	p.Query = url.Values{"from": {f.Get("from")}, "to": {f.Get("to")}}.Encode()
	switch f.Get("table") {
	case "items":
		return c.sheet("effects", "普法效果（按内容）", office.EffectTable(p.Effects.Pieces))
	case "topics":
		return c.sheet("effects", "普法效果（按专题）", office.EffectTopicTable(p.Effects.Topics, c.domain))
	case "places":
		return c.sheet("effects", "普法效果（按地方）", office.EffectPlaceTable(p.Effects.Places))
	}
	for i, e := range p.Effects.Topics {
		p.Effects.Topics[i].Title = c.domain(e.Topic)
	}
	hot, err := c.o.Office.Hot(ctx, now, 20)
	if err != nil {
		return err
	}
	for _, h := range hot {
		r := hotRow{HotTopic: h, Name: "没有合适的专题", Covered: "没发过"}
		if c.o.Base != nil && c.o.Base.Topic(h.Topic) != "" {
			r.Name = c.o.Base.Topic(h.Topic)
		}
		if !h.Covered.IsZero() {
			r.Covered = h.Covered.Format(time.DateOnly)
		}
		p.Hot = append(p.Hot, r)
	}
	return c.show(http.StatusOK, "effect", p)
}

// writeOn makes a draft from the knowledge entry that a hot topic names.
func writeOn(c *call) error {
	if c.o.Card == nil {
		return &office.Error{Kind: office.Invalid, Msg: "这里没有知识库，请在“普法内容”里自己写。"}
	}
	v, err := c.o.Card(c.form().Get("entry"))
	if err != nil {
		return err
	}
	it, err := c.o.Office.AddPiece(c.r.Context(), c.me, v)
	if err != nil {
		return err
	}
	return c.done(addressOf("content", it.ID, "edit"), "按知识条目写好了草稿，改一改再送审。")
}
