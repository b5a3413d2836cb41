package jobs

import (
	"context"
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
		Version: strconv.Itoa(x.Version) + "-" + strconv.FormatInt(x.Since.Unix(), 10) + "-" + strconv.FormatBool(x.Withdrawn),
	}
	if x.Since.After(x.First) {
		h.Updated = x.Since
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

// Cloud publishes to a site.
type Cloud struct{ Site *Site }

// Name is "cloud".
func (Cloud) Name() string { return "cloud" }

// Publish brings the whole site up to date: what was published, changed or taken
// back since is written with it.
func (c Cloud) Publish(ctx context.Context, d office.Delivery) (string, error) {
	if _, err := c.Site.Sync(ctx, false); err != nil {
		return "", &office.RetryError{Err: err}
	}
	return c.Site.URL(pieceID(d.Piece)), nil
}
