package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Published is a piece as the public sees it, or, when it was taken back, saw it
// last. Heads have no body, alternative text, basis or reason.
type Published struct {
	PieceVersion
	Summary   string    // plain text, the first words
	First     time.Time // when it was first published
	Since     time.Time // when this version was
	Withdrawn bool
	Taken     time.Time // when it was taken back; zero if it was not
	Why       string    // of the withdrawal
	Unit      string    // whose officer wrote it
	Approver  string    // unit that approved it
	Basis     []Rest
}

// maxSummary is how much of a piece lists show, in runes.
const maxSummary = 90

const publishedColumns = `v.item, v.version, v.kind, v.title, v.topic, v.link, v.image, v.audience, v.model, v.summary, v.unit, i.published, i.shown_at, i.live, i.withdrawn, i.shown_by`

func scanPublished(row interface{ Scan(...any) error }, more ...any) (p Published, err error) {
	var kind, audience string
	var first, since, taken int64
	var live int
	err = row.Scan(append([]any{&p.Piece, &p.Version, &kind, &p.Title, &p.Topic, &p.Link, &p.Image, &audience, &p.Model, &p.Summary, &p.Unit, &first, &since, &live, &taken, &p.Approver}, more...)...)
	p.Kind, p.Audience, p.First, p.Since, p.Withdrawn = PieceKind(kind), parted(audience), fromUnix(first), fromUnix(since), live == 0
	if p.Withdrawn {
		p.Taken = fromUnix(taken)
	}
	return p, err
}

// PublishedHeads lists all that ever was published, without bodies, in the order
// in which it first was.
func (db *DB) PublishedHeads(ctx context.Context) ([]Published, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+publishedColumns+` FROM items i JOIN item_versions v ON v.item = i.id AND v.version = i.shown
		WHERE i.published > 0 ORDER BY i.published, i.id`)
	if err != nil {
		return nil, fmt.Errorf("published: %w", err)
	}
	defer rows.Close()
	var list []Published
	for rows.Next() {
		p, err := scanPublished(rows)
		if err != nil {
			return nil, fmt.Errorf("published: %w", err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// PublishedPiece reads one of them whole.
func (db *DB) PublishedPiece(ctx context.Context, id int64) (Published, error) {
	var body, alt, basis, why string
	p, err := scanPublished(db.read.QueryRowContext(ctx, `SELECT `+publishedColumns+`, v.body, v.alt, i.shown_basis, i.why FROM items i
		JOIN item_versions v ON v.item = i.id AND v.version = i.shown WHERE i.id = $1 AND i.published > 0`, id), &body, &alt, &basis, &why)
	if errors.Is(err, sql.ErrNoRows) {
		return p, notFound("没有发布过编号 %d 的内容。", id)
	}
	if err != nil {
		return p, fmt.Errorf("published: %w", err)
	}
	p.Body, p.Alt = body, alt
	if p.Withdrawn {
		p.Why = why
	}
	if basis != "" {
		err = json.Unmarshal([]byte(basis), &p.Basis)
	}
	return p, err
}

// unit is the organisation a person writes for.
func (p Person) unit() string {
	for _, r := range []Role{Officer, Admin} {
		for _, q := range p.Posts {
			if q.Role == r {
				return q.Org.Name
			}
		}
	}
	return ""
}

// summary is the beginning of a text, in one line.
func (v PieceVersion) summary() string {
	return firstRunes(strings.Join(strings.Fields(strings.ReplaceAll(PlainText(v.Body), "■ ", "")), " "), maxSummary)
}
