package office

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// PieceFilter narrows a list of items. Zero fields do not.
type PieceFilter struct {
	States   []PieceState
	Audience string  // or topic
	Text     string  // part of the title
	Live     bool    // only what is published, as it is published
	For      *Person // only what this officer or administrator has to do with
	Limit    int     // 50 if 0
	Offset   int
}

// Pieces lists items, the last changed first, and how many there are in all. With
// Live each has its published version and those published last come first.
func (db *DB) Pieces(ctx context.Context, f PieceFilter) ([]Piece, int, error) {
	var w clause
	from, order := ` FROM items i JOIN item_versions v ON v.item = i.id AND v.version = i.version WHERE 1 = 1`, ` ORDER BY i.changed DESC, i.id DESC`
	if f.Live {
		from, order = ` FROM items i JOIN item_versions v ON v.item = i.id AND v.version = i.live WHERE i.live > 0`, ` ORDER BY i.published DESC, i.id DESC`
	}
	if len(f.States) > 0 {
		var in []string
		for _, s := range f.States {
			in = append(in, w.arg(string(s)))
		}
		from += ` AND i.state IN (` + strings.Join(in, ", ") + `)`
	}
	if f.Audience != "" {
		a, b := w.arg("%;"+escapeLike(f.Audience)+";%"), w.arg(f.Audience)
		from += ` AND (';' || v.audience || ';' LIKE ` + a + ` OR v.topic = ` + b + `)`
	}
	if f.For != nil {
		from += w.desks(*f.For, "i.path")
	}
	if f.Text != "" {
		from += ` AND v.title LIKE ` + w.arg("%"+escapeLike(f.Text)+"%")
	}
	var total int
	if err := db.read.QueryRowContext(ctx, `SELECT COUNT(*)`+from, w.args...).Scan(&total); err != nil {
		return nil, 0, fmt.Errorf("items: %w", err)
	}
	if f.Limit <= 0 {
		f.Limit = 50
	}
	rows, err := db.read.QueryContext(ctx, `SELECT `+itemColumns+versColumns+from+order+` LIMIT `+w.arg(f.Limit)+` OFFSET `+w.arg(f.Offset), w.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("items: %w", err)
	}
	defer rows.Close()
	var list []Piece
	for rows.Next() {
		it, err := scanPiece(rows)
		if err != nil {
			return nil, 0, fmt.Errorf("items: %w", err)
		}
		list = append(list, it)
	}
	return list, total, rows.Err()
}

// desks limits a list to the places of a person who publishes.
func (c *clause) desks(p Person, column string) string {
	var in []string
	for _, q := range p.Posts {
		if (q.Role == Officer || q.Role == Admin) && !p.Suspended {
			in = append(in, column+` LIKE `+c.arg(escapeLike(q.Scope())+"%"))
		}
	}
	if in == nil {
		return ` AND 1 = 0`
	}
	return ` AND (` + strings.Join(in, " OR ") + `)`
}

// Path is the place whose officers deal with the piece.
func (it Piece) Path() string { return it.path }

// PieceEvent is one step of an item.
type PieceEvent struct {
	At      time.Time  `json:"at"`
	Actor   string     `json:"actor"`
	Verb    string     `json:"verb"`
	State   PieceState `json:"state"`
	Version int        `json:"version"`
	Note    string     `json:"note"`
}

// Name is what people read.
func (e PieceEvent) Name() string {
	if m, err := itemMove(e.Verb); err == nil {
		return m.Name
	}
	return map[string]string{"write": "写稿", "duty": "定普法责任"}[e.Verb]
}

// PieceEvents lists the steps of an item, oldest first.
func (db *DB) PieceEvents(ctx context.Context, id int64) ([]PieceEvent, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT at, actor, verb, state, version, note FROM item_events WHERE item = $1 ORDER BY id LIMIT 500`, id)
	if err != nil {
		return nil, fmt.Errorf("item events: %w", err)
	}
	defer rows.Close()
	var list []PieceEvent
	for rows.Next() {
		var e PieceEvent
		var at int64
		var state string
		if err := rows.Scan(&at, &e.Actor, &e.Verb, &state, &e.Version, &e.Note); err != nil {
			return nil, fmt.Errorf("item events: %w", err)
		}
		e.At, e.State = fromUnix(at), PieceState(state)
		list = append(list, e)
	}
	return list, rows.Err()
}
