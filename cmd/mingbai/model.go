package main

import (
	"context"
	"time"

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
	return err
}

func (p *parts) spend(ctx context.Context, budget string, n, limit int) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, spendTimeout)
	defer cancel()
	return p.records.Spend(ctx, budget, n, limit)
}
