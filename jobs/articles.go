package jobs

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"mingbai/knowledge"
	"mingbai/office"
)

// Pieces is what the office published, as the source of a Site.
type Pieces struct {
	Office *office.DB
	Topic  func(id string) string // name of a topic or domain of the knowledge base; "" if there is none
}

var _ Source = Pieces{}

// pieceID is a piece's name on the site: its page's address for ever.
func pieceID(id int64) string { return "p" + strconv.FormatInt(id, 10) }

// Heads lists all that was ever published.
func (p Pieces) Heads(ctx context.Context) ([]Head, error) {
	list, err := p.Office.PublishedHeads(ctx)
	if err != nil {
		return nil, err
	}
	heads := make([]Head, 0, len(list))
	for _, x := range list {
		heads = append(heads, p.head(x))
	}
	return heads, nil
}

func (p Pieces) head(x office.Published) Head {
	h := Head{
		ID: pieceID(x.Piece), Kind: x.Kind.Name(), Title: x.Title, Summary: x.Summary, Topic: p.topic(x.Topic), Tags: x.Audience,
		AI: x.Model != "", Published: x.First, Withdrawn: x.Withdrawn,
		Version: strconv.Itoa(x.Version) + "-" + stamp(x.Since) + "-" + stamp(x.Taken),
	}
	if x.Since.After(x.First) {
		h.Updated = x.Since
	}
	if x.Withdrawn {
		h.Updated = x.Taken
	}
	if i := strings.LastIndexByte(x.Image, '.'); i >= 0 {
		h.Image = x.Image[i+1:]
	}
	return h
}

func (p Pieces) topic(id string) string {
	if p.Topic == nil || id == "" {
		return id
	}
	if name := p.Topic(id); name != "" {
		return name
	}
	return id
}

// Article reads one whole.
func (p Pieces) Article(ctx context.Context, id string) (Article, error) {
	n, err := strconv.ParseInt(strings.TrimPrefix(id, "p"), 10, 64)
	if err != nil {
		return Article{}, err
	}
	x, err := p.Office.PublishedPiece(ctx, n)
	if err != nil {
		return Article{}, err
	}
	a := Article{Head: p.head(x), Body: x.Body, Author: x.Unit, Approver: x.Approver, Note: x.Why, Video: x.Link, Alt: x.Alt}
	for _, r := range x.Basis {
		l := Law{Name: r.Law, From: r.Mark, Checked: x.Since.Format(time.DateOnly)} // checked when it was published
		if no, err := knowledge.ParseArticleNo(r.Article); err == nil {
			l.Article = no.Han()
		}
		a.Laws = append(a.Laws, l)
	}
	if x.Image != "" {
		m, err := p.Office.Image(ctx, x.Image)
		if err != nil {
			return a, err
		}
		a.Poster = m.Data
	}
	return a, nil
}

// Cloud publishes to sites: the directory's and the bucket's, by target.
type Cloud map[string]*Site

// Name is "cloud".
func (Cloud) Name() string { return "cloud" }

// Publish brings the whole site of the target up to date: what was published,
// changed or taken back since is written with it.
func (c Cloud) Publish(ctx context.Context, d office.Delivery) (string, error) {
	site := c[d.Target]
	if site == nil {
		return "", &office.RefusedError{Code: "设置里没有这个去处了"}
	}
	done, err := site.Sync(ctx, false)
	if err != nil {
		return "", &office.RetryError{Err: err}
	}
	if bad := done.Bad[pieceID(d.Piece)]; bad != nil {
		return "", &office.RefusedError{Code: bad.Error()}
	}
	return site.URL(pieceID(d.Piece)), nil
}

// HookSink tells a receiver what is published and what is taken back.
type HookSink struct {
	Hook *Hook
	Page func(id string) string // address of an article's page
}

// Name is "hook".
func (HookSink) Name() string { return "hook" }

// hookBody is what a receiver gets. It is the same each time a delivery is tried.
type hookBody struct {
	Key      string   `json:"key"` // as in the header Idempotency-Key
	Act      string   `json:"act"` // publish, or withdraw: take it off and show the text instead
	Item     int64    `json:"item"`
	Version  int      `json:"version"`
	Kind     string   `json:"kind"`
	Title    string   `json:"title"`
	Topic    string   `json:"topic,omitempty"`
	Audience []string `json:"audience,omitempty"`
	Text     string   `json:"text"` // plain, with who approved it and the label if a model helped
	AI       bool     `json:"ai"`
	Page     string   `json:"page"`
	Due      string   `json:"due,omitempty"` // when it was planned for, RFC 3339
}

// Publish posts the delivery.
func (h HookSink) Publish(ctx context.Context, d office.Delivery) (string, error) {
	b := hookBody{
		Key: d.Key(), Act: d.Act, Item: d.Piece, Version: d.Number, Kind: string(d.Version.Kind), Title: d.Version.Title,
		Topic: d.Version.Topic, Audience: d.Version.Audience, Text: d.Words(hookPlace()), AI: d.Version.Model != "", Page: h.Page(pieceID(d.Piece)),
	}
	if !d.Slot.IsZero() {
		b.Due = d.Slot.UTC().Format(time.RFC3339)
	}
	body, err := json.Marshal(b)
	if err != nil {
		return "", &office.RefusedError{Code: err.Error()}
	}
	ref, err := h.Hook.Post(ctx, b.Key, body)
	var told *HookError
	switch {
	case err == nil:
		return ref, nil
	case errors.As(err, &told) && told.Final():
		return "", &office.RefusedError{Code: "HTTP " + strconv.Itoa(told.Status)}
	case errors.As(err, &told):
		return "", &office.RetryError{After: told.After, Err: err}
	}
	return "", &office.RetryError{Err: err} // it may have arrived; the receiver takes the same once
}

func hookPlace() office.Place {
	for _, p := range office.Places {
		if p.Key == "hook" {
			return p
		}
	}
	return office.Place{Key: "hook", Max: 4500, Links: true}
}
