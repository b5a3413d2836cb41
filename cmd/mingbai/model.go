package main

import (
	"context"
	"net/url"
	"time"

	"mingbai/handlers"
	"mingbai/knowledge"
)

// spendTimeout bounds how long a budget may be waited for; a database that is
// busy for longer means an answer without a model.
const spendTimeout = time.Second

// openModel opens the model of the settings, paid for from the records' budgets.
// It leaves p.model nil if none is set.
func (p *parts) openModel() error {
	c := p.app.config.Model
	if c.BaseURL == "" || c.Name == "" {
		return nil
	}
	var err error
	p.model, err = knowledge.NewChatModel(knowledge.ModelOptions{
		BaseURL: c.BaseURL, Key: c.Key.Reveal(), Model: c.Name, JSON: c.JSON,
		Concurrent: c.Concurrent, PerPerson: c.TokensPerson, PerBot: c.TokensBot, PerDay: c.TokensDay,
		Spend: p.spend, Log: p.app.log, Metrics: p.metrics, Now: p.app.now,
	}, p.mask)
	if err == nil && c.Rerank {
		p.base.SetReranker(p.model)
	}
	return err
}

// spend takes tokens from a budget in the records. A command that keeps no
// records may spend what its user has it spend. While Redis is down each process
// limits by itself how fast people ask, so together they let more through; half
// of each budget is kept back then (reliability: F4).
func (p *parts) spend(ctx context.Context, budget string, n, limit int) (bool, error) {
	if p.records == nil {
		return true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	if p.redis != nil && !p.redis.Up() {
		limit /= 2
	}
	return p.records.Spend(ctx, budget, n, limit)
}

// assistant is the model behind its gates; nil without one.
func (p *parts) assistant() (*handlers.Assistant, error) {
	if p.model == nil {
		return nil, nil
	}
	var err error
	if p.gates, err = p.openGates(); err != nil {
		return nil, err
	}
	if p.worder, err = knowledge.NewWorder(p.base, p.model, p.gates); err != nil {
		return nil, err
	}
	c := p.app.config.Model
	return &handlers.Assistant{
		Worder: p.worder, Provider: c.Provider, Model: c.Name, Filing: c.Filing,
		Consent: p.records.NoticeAnswered, SetConsent: p.records.AnswerNotice,
	}, nil
}

// openGates makes the gates that stand before everything a model says.
func (p *parts) openGates() (*knowledge.Gates, error) {
	return p.openGatesWith(knowledge.GateOptions{Metrics: p.metrics})
}

// openGatesWith makes gates that look things up as the program's do.
func (p *parts) openGatesWith(o knowledge.GateOptions) (*knowledge.Gates, error) {
	texts, err := knowledge.Instructions()
	if err != nil {
		return nil, err
	}
	site := p.site()
	o.Registry, o.Redactor, o.Now = p.base.Registry(), p.mask, p.app.now
	o.Public = func(what string) bool { return p.public(what) || officialSites[what] || what == site }
	return knowledge.NewGates(o, texts...)
}

// officialSites are the hosts a text may name besides the county's own.
var officialSites = map[string]bool{"flk.npc.gov.cn": true, "12348.gov.cn": true, "www.12348.gov.cn": true, "gov.cn": true, "court.gov.cn": true, "splcgk.court.gov.cn": true, "12309.gov.cn": true, "gjzwfw.gov.cn": true}

// site is the host of the program's own page.
func (p *parts) site() string {
	u, err := url.Parse(p.app.config.Web.PublicURL)
	if err != nil || u.Hostname() == "" {
		return "-"
	}
	return u.Hostname()
}

// aboutModel is what the privacy page says of the model in use; "" without one.
func (p *parts) aboutModel() string {
	if p.model == nil {
		return ""
	}
	c := p.app.config.Model
	who := c.Provider
	if who == "" {
		who = "本单位配置的服务"
	}
	filing := "没有填写备案号"
	if c.Filing != "" {
		filing = "备案号 " + c.Filing
	}
	return "用的是" + who + "的模型 " + c.Name + "（" + filing + "）。您回“同意AI”之前，您的话不会发给它；发出前先遮住姓名、电话、证件号和住址。不同意也照样回答您，随时可以回“关闭AI”。"
}
