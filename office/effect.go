package office

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// Effect is what became of published items: of one, of all of a topic, or, as far
// as people said where they live, of all in one place. All are counts; nobody is
// named. Asked counts questions on the item's domain by those who were sent it,
// within askedDays after they got it, and Askers the different people. A count is
// Few where so few people stand behind it that one could be guessed.
type Effect struct {
	Piece     int64     `json:"piece,omitempty"` // 0 of topics and places
	Title     string    `json:"title,omitempty"`
	Topic     string    `json:"topic"`
	Place     string    `json:"place,omitempty"` // village or township; NoPlace, OtherPlaces
	Published time.Time `json:"published,omitzero"`
	Pieces    int       `json:"pieces"`  // items in it
	Sent      int       `json:"sent"`    // chat addresses that got it: with the platform's id
	Refused   int       `json:"refused"` // and those that did not, in the end
	Opened    int       `json:"opened"`  // pages; where the readers live is not known
	Pulled    int       `json:"pulled"`
	Asked     int       `json:"asked"`
	Askers    int       `json:"askers"`
	Places    []Effect  `json:"places,omitempty"` // of an item: Place, Pulled, Asked and Askers
}

// Effects are what became of the items of some days, in three tables.
type Effects struct {
	Pieces []Effect `json:"pieces"` // those published last first
	Topics []Effect `json:"topics"` // by domain of the knowledge base: "LB"; "" of items without
	Places []Effect `json:"places"` // those that pulled and asked most first
}

// Few stands for a count behind which there are one or two people.
const Few = -1

// Names of places that are none.
const (
	NoPlace     = "没说在哪里"
	OtherPlaces = "其他地方" // those with too few people to be told apart
)

// askedDays is how long after a push a question counts as asked after it.
const askedDays = 7

// Bounds of what is looked at for effects.
const (
	maxEffects = 200    // items
	maxAsked   = 200000 // deliveries and questions
)

// Effects says what became of the items that were published or sent in the days
// from from to to, both inclusive.
func (db *DB) Effects(ctx context.Context, from, to time.Time) (Effects, error) {
	a, b := calendarStart(from), calendarStart(to.AddDate(0, 0, 1))
	c := effectCount{by: map[int64]*Effect{}, pieces: map[int64]*tally{}, topics: map[string]*tally{}, places: map[string]*tally{}, inPlace: map[int64]map[string]*tally{}}
	var list []*Effect
	err := db.each(ctx, func(rows *sql.Rows) error {
		e := Effect{Pieces: 1}
		var at int64
		err := rows.Scan(&e.Piece, &e.Title, &e.Topic, &at)
		e.Published = fromUnix(at)
		list, c.by[e.Piece] = append(list, &e), &e
		return err
	}, `SELECT i.id, v.title, v.topic, i.published FROM items i JOIN item_versions v ON v.item = i.id AND v.version = CASE WHEN i.shown > 0 THEN i.shown ELSE i.version END
		WHERE i.published > 0 AND i.published < $2 AND (i.published >= $1 OR EXISTS (SELECT 1 FROM deliveries d WHERE d.item = i.id AND d.act = 'publish' AND d.sent >= $1 AND d.sent < $2)
		OR EXISTS (SELECT 1 FROM item_counts c WHERE c.item = i.id AND c.day >= $3)) ORDER BY i.published DESC, i.id DESC LIMIT $4`, a, b, fromUnix(a).Format(time.DateOnly), maxEffects)
	if err != nil {
		return Effects{}, fmt.Errorf("effects: %w", err)
	}
	if err := db.countEffects(ctx, &c, a, b); err != nil {
		return Effects{}, fmt.Errorf("effects: %w", err)
	}
	if err := db.askedAfter(ctx, &c, a, b); err != nil {
		return Effects{}, fmt.Errorf("effects: %w", err)
	}
	return c.tables(list), nil
}

// effectCount is what is being counted.
type effectCount struct {
	by      map[int64]*Effect
	pieces  map[int64]*tally
	topics  map[string]*tally
	places  map[string]*tally
	inPlace map[int64]map[string]*tally // by item and place
}

// tally counts, with who asked, so that nobody counts twice in a sum.
type tally struct {
	pulled, asked int
	people        map[string]bool
	pieces        map[int64]bool
}

// at gives the tally of a key, a new one if there is none.
func at[K comparable](m map[K]*tally, key K) *tally {
	if m[key] == nil {
		m[key] = &tally{people: map[string]bool{}, pieces: map[int64]bool{}}
	}
	return m[key]
}

// there are the tallies of an item in a place, and of the place.
func (c *effectCount) there(piece int64, area string) []*tally {
	if area == "" {
		area = NoPlace
	}
	if c.inPlace[piece] == nil {
		c.inPlace[piece] = map[string]*tally{}
	}
	place := at(c.places, area)
	place.pieces[piece] = true
	return []*tally{at(c.inPlace[piece], area), place}
}

// domain is the first step of a topic: "LB" of "LB01".
func domain(topic string) string {
	if len(topic) < 2 {
		return ""
	}
	return topic[:2]
}

// countEffects adds what was counted and what the ledger says.
func (db *DB) countEffects(ctx context.Context, c *effectCount, a, b int64) error {
	first, last := fromUnix(a).Format(time.DateOnly), fromUnix(b-1).Format(time.DateOnly)
	err := db.each(ctx, func(rows *sql.Rows) error {
		var piece int64
		var what, area string
		var n int
		if err := rows.Scan(&piece, &what, &area, &n); err != nil || c.by[piece] == nil {
			return err
		}
		if what == CountOpened {
			c.by[piece].Opened += n
			return nil
		}
		c.by[piece].Pulled += n
		for _, t := range c.there(piece, area) {
			t.pulled += n
		}
		return nil
	}, `SELECT item, what, area, SUM(n) FROM item_counts WHERE day >= $1 AND day <= $2 GROUP BY item, what, area`, first, last)
	if err != nil {
		return err
	}
	return db.each(ctx, func(rows *sql.Rows) error {
		var piece int64
		var state string
		var n int
		if err := rows.Scan(&piece, &state, &n); err != nil || c.by[piece] == nil {
			return err
		}
		if state == Sent {
			c.by[piece].Sent += n
		} else {
			c.by[piece].Refused += n
		}
		return nil
	}, `SELECT item, state, COUNT(*) FROM deliveries WHERE act = 'publish' AND sink = 'chat' AND state IN ('sent', 'refused', 'failed', 'expired') AND changed >= $1 AND changed < $2
		GROUP BY item, state`, a, b)
}

// askedAfter joins who was sent what with who asked on the same domain later. The
// join is made on keyed hashes, as questions are kept under no other name.
func (db *DB) askedAfter(ctx context.Context, c *effectCount, a, b int64) error {
	key, err := db.hashKey(ctx)
	if err != nil {
		return err
	}
	type got struct {
		piece int64
		at    int64
	}
	sent := map[string][]got{} // by the hash of the person
	if err := db.each(ctx, func(rows *sql.Rows) error {
		var g got
		var target string
		if err := rows.Scan(&g.piece, &target, &g.at); err != nil {
			return err
		}
		if e := c.by[g.piece]; e != nil && domain(e.Topic) != "" {
			person := keyed(key, "person", target)
			sent[person] = append(sent[person], g)
		}
		return nil
	}, `SELECT item, target, sent FROM deliveries WHERE act = 'publish' AND sink = 'chat' AND state = 'sent' AND sent >= $1 AND sent < $2 ORDER BY id LIMIT $3`, a, b, maxAsked); err != nil || len(sent) == 0 {
		return err
	}
	return db.each(ctx, func(rows *sql.Rows) error {
		var person, topic, area string
		var when int64
		if err := rows.Scan(&person, &when, &topic, &area); err != nil {
			return err
		}
		about := map[*tally]bool{} // a question counts once, however many items it came after
		for _, g := range sent[person] {
			if when < g.at || when >= g.at+askedDays*86400 || domain(topic) != domain(c.by[g.piece].Topic) {
				continue
			}
			about[at(c.pieces, g.piece)], about[at(c.topics, domain(topic))] = true, true
			for _, t := range c.there(g.piece, area) {
				about[t] = true
			}
		}
		for t := range about {
			t.asked++
			t.people[person] = true
		}
		return nil
	}, `SELECT person, at, topic, area FROM consults WHERE at >= $1 AND at < $2 AND LENGTH(topic) >= 2 AND kind IN ('answer', 'unknown', 'clarify') ORDER BY at LIMIT $3`, a, b+askedDays*86400, maxAsked)
}

// tables puts the counts into the three tables.
func (c *effectCount) tables(list []*Effect) (e Effects) {
	sums := map[string]*Effect{}
	for _, x := range list {
		d := domain(x.Topic)
		if sums[d] == nil {
			sums[d] = &Effect{Topic: d}
		}
		sum := sums[d]
		sum.Pieces, sum.Sent, sum.Refused, sum.Opened, sum.Pulled = sum.Pieces+1, sum.Sent+x.Sent, sum.Refused+x.Refused, sum.Opened+x.Opened, sum.Pulled+x.Pulled
		x.asked(at(c.pieces, x.Piece))
		x.Places = foldPlaces(c.inPlace[x.Piece])
		e.Pieces = append(e.Pieces, *x)
	}
	for _, d := range slices.Sorted(maps.Keys(sums)) {
		sums[d].asked(at(c.topics, d))
		e.Topics = append(e.Topics, *sums[d])
	}
	e.Places = foldPlaces(c.places)
	return e
}

// asked takes the questions of a tally over.
func (e *Effect) asked(t *tally) {
	e.Asked, e.Askers = t.asked, len(t.people)
	if few(e.Askers) {
		e.Asked, e.Askers = Few, Few
	}
}

func few(n int) bool { return n > 0 && n < hotFrom }

// tells says whether one could guess from a tally what one or two people did.
func (t *tally) tells() bool { return few(t.pulled) || few(len(t.people)) }

func (t *tally) add(x *tally) {
	t.pulled, t.asked = t.pulled+x.pulled, t.asked+x.asked
	maps.Copy(t.people, x.people)
	maps.Copy(t.pieces, x.pieces)
}

// foldPlaces lists places. Those with too few people become one; if they still
// are too few together, the smallest of the others goes in too, so that nobody
// finds them as the difference of a sum.
func foldPlaces(in map[string]*tally) (list []Effect) {
	rest := &tally{people: map[string]bool{}, pieces: map[int64]bool{}}
	var names []string
	folded := false
	for name, t := range in {
		if t.tells() {
			folded = true
			rest.add(t)
			continue
		}
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(in[b].pulled+in[b].asked-in[a].pulled-in[a].asked, cmp.Compare(a, b))
	})
	for i := len(names) - 1; i >= 0 && rest.tells(); i-- {
		if t := in[names[i]]; few(rest.pulled) && t.pulled > 0 || few(len(rest.people)) && len(t.people) > 0 {
			rest.add(t)
			names = slices.Delete(names, i, i+1)
		}
	}
	for _, name := range names {
		list = append(list, in[name].in(name))
	}
	if folded {
		list = append(list, rest.in(OtherPlaces))
	}
	return list
}

// in is the tally as a place's row.
func (t *tally) in(place string) Effect {
	e := Effect{Place: place, Pieces: len(t.pieces), Pulled: t.pulled}
	if few(e.Pulled) {
		e.Pulled = Few
	}
	e.asked(t)
	return e
}

// CountName is a count as people read it.
func CountName(n int) string {
	if n == Few {
		return "少于" + strconv.Itoa(hotFrom)
	}
	return strconv.Itoa(n)
}

// EffectTable gives the effects of items as a table for a report.
func EffectTable(list []Effect) [][]string {
	rows := [][]string{{"编号", "标题", "专题", "发布", "送达", "没送到", "打开", "点看", "推送后提问", "提问人数"}}
	for _, e := range list {
		rows = append(rows, append([]string{strconv.FormatInt(e.Piece, 10), e.Title, e.Topic, e.Published.Format(time.DateOnly)}, e.counts()...))
	}
	return rows
}

func (e Effect) counts() []string {
	return []string{strconv.Itoa(e.Sent), strconv.Itoa(e.Refused), strconv.Itoa(e.Opened), CountName(e.Pulled), CountName(e.Asked), CountName(e.Askers)}
}

// EffectTopicTable gives the effects of topics as a table; name gives what a
// domain is called, "" if it is not known.
func EffectTopicTable(list []Effect, name func(domain string) string) [][]string {
	rows := [][]string{{"专题", "名称", "内容条数", "送达", "没送到", "打开", "点看", "推送后提问", "提问人数"}}
	for _, e := range list {
		rows = append(rows, append([]string{e.Topic, name(e.Topic), strconv.Itoa(e.Pieces)}, e.counts()...))
	}
	return rows
}

// EffectPlaceTable gives the effects by place as a table.
func EffectPlaceTable(list []Effect) [][]string {
	rows := [][]string{{"地方", "内容条数", "点看", "推送后提问", "提问人数"}}
	for _, e := range list {
		rows = append(rows, []string{e.Place, strconv.Itoa(e.Pieces), CountName(e.Pulled), CountName(e.Asked), CountName(e.Askers)})
	}
	return rows
}
