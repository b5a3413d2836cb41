package office

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The words of cases are found by what stands side by side in them: two
// characters, or three digits or letters (a gram). A row of case_grams says for
// blockSize cases which hold a gram, so that a word is found by a handful of
// rows, in SQLite and PostgreSQL alike, and in the transaction that wrote it.

// blockSize is how many cases share a row: the bits of a positive 64-bit number.
const blockSize = 63

// Lengths of a gram in runes.
const (
	wordGram = 2
	codeGram = 3 // ten digits give too few pairs
)

// maxGrams is how many grams of a word are looked up; the text itself decides.
const maxGrams = 4

// fewFound is up to how many cases that hold the grams are read one by one;
// more are found by walking the list in its order.
const fewFound = 2000

// maxRead is how many texts a search compares at most.
const maxRead = 3 * MaxFound

// plain is a text as words are compared: small letters, narrow digits, nothing
// between them.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, s)
}

// gramsOf adds the grams of a plain text to a set.
func gramsOf(set map[int64]struct{}, text string) {
	r := []rune(text)
	for from := 0; from < len(r); {
		code, to := r[from] < 0x80, from
		for to < len(r) && (r[to] < 0x80) == code {
			to++
		}
		n := wordGram
		if code {
			n = codeGram
		}
		for i := from; i+n <= to; i++ {
			var g int64
			for _, c := range r[i : i+n] {
				if code {
					g = g<<7 | int64(c)
				} else {
					g = g<<21 | int64(c)
				}
			}
			if code {
				g |= 1 << 62 // apart from pairs of characters, which have 42 bits
			}
			set[g] = struct{}{}
		}
		from = to
	}
}

// searched are the texts of a case that words are looked for in.
func (c Case) searched() []string {
	return []string{c.No, c.Name, c.Phone, c.Place, c.Parties, c.Story}
}

// grams gives the grams of a case in order, so that two writers lock rows in one
// order.
func (c Case) grams() []int64 {
	set := map[int64]struct{}{}
	for _, s := range c.searched() {
		gramsOf(set, plain(s))
	}
	return sorted(set)
}

func sorted(set map[int64]struct{}) []int64 {
	list := make([]int64, 0, len(set))
	for g := range set {
		list = append(list, g)
	}
	slices.Sort(list)
	return list
}

// cell names one row of case_grams.
type cell struct{ gram, block int64 }

// cells gathers the grams of cases, by id, into rows in order.
func cells(grams map[int64][]int64) ([]cell, map[cell]int64) {
	bits := map[cell]int64{}
	for id, list := range grams {
		for _, g := range list {
			bits[cell{g, id / blockSize}] |= 1 << (id % blockSize)
		}
	}
	keys := make([]cell, 0, len(bits))
	for k := range bits {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b cell) int {
		if a.gram != b.gram {
			return int(min(max(a.gram-b.gram, -1), 1))
		}
		return int(min(max(a.block-b.block, -1), 1))
	})
	return keys, bits
}

// gramRows is how many rows one statement writes.
const gramRows = 500

// addGrams notes which cases, by id, hold which grams.
func addGrams(ctx context.Context, tx *sql.Tx, grams map[int64][]int64) error {
	keys, bits := cells(grams)
	for part := range slices.Chunk(keys, gramRows) {
		b := []byte(`INSERT INTO case_grams (gram, block, bits) VALUES `)
		for i, k := range part {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, '(')
			b = append(b, literals([]int64{k.gram, k.block, bits[k]})...)
			b = append(b, ')')
		}
		b = append(b, ` ON CONFLICT (gram, block) DO UPDATE SET bits = case_grams.bits | excluded.bits`...)
		if _, err := tx.ExecContext(ctx, string(b)); err != nil {
			return fmt.Errorf("index case: %w", err)
		}
	}
	return nil
}

// dropGrams takes back that a case holds grams.
func dropGrams(ctx context.Context, tx *sql.Tx, id int64, grams []int64) error {
	for part := range slices.Chunk(grams, gramRows) {
		if _, err := tx.ExecContext(ctx, fmt.Sprintf(`UPDATE case_grams SET bits = bits & ~CAST(%d AS BIGINT) WHERE block = %d AND gram IN (%s)`,
			int64(1)<<(id%blockSize), id/blockSize, literals(part))); err != nil {
			return fmt.Errorf("index case: %w", err)
		}
	}
	return nil
}

// reindex notes that the texts of a case changed. The statement that changed
// them is in the same transaction.
func reindex(ctx context.Context, tx *sql.Tx, was, is Case) error {
	before, after := was.grams(), is.grams()
	gone := slices.DeleteFunc(slices.Clone(before), func(g int64) bool { _, ok := slices.BinarySearch(after, g); return ok })
	if err := dropGrams(ctx, tx, is.ID, gone); err != nil {
		return err
	}
	return addGrams(ctx, tx, map[int64][]int64{is.ID: after})
}

// indexBatch is how many cases of older records are indexed in one transaction.
const indexBatch = 500

// indexCases indexes cases that a program before this one wrote.
func (db *DB) indexCases(ctx context.Context) error {
	for n := indexBatch; n == indexBatch; {
		ids, err := numbers(ctx, db.read, `SELECT id FROM cases WHERE indexed = 0 ORDER BY id LIMIT $1`, indexBatch)
		if err != nil || len(ids) == 0 {
			return err
		}
		n = len(ids)
		if err := db.update(ctx, func(tx *sql.Tx) error {
			list, err := casesByID(ctx, tx, Person{}, ids)
			if err != nil {
				return err
			}
			grams := map[int64][]int64{}
			for _, c := range list {
				grams[c.ID] = c.grams()
			}
			if err := addGrams(ctx, tx, grams); err != nil {
				return err
			}
			_, err = tx.ExecContext(ctx, `UPDATE cases SET indexed = 1 WHERE id IN (`+literals(ids)+`)`)
			return err
		}); err != nil {
			return fmt.Errorf("index cases: %w", err)
		}
	}
	return nil
}

// query is what somebody looks for: words that must all be there.
type query struct {
	words []string // plain
	grams []int64
	exact bool // the grams say it all
}

func parseQuery(text string) (query, error) {
	var q query
	set := map[int64]struct{}{}
	q.exact = true
	for _, w := range strings.Fields(cleanText(text)) {
		w = plain(w)
		if w == "" {
			continue
		}
		one := map[int64]struct{}{}
		gramsOf(one, w)
		q.words = append(q.words, w)
		q.exact = q.exact && len(one) == 1 && (len([]rune(w)) == wordGram && w[0] >= 0x80 || len(w) == codeGram && w[0] < 0x80)
		for g := range one {
			set[g] = struct{}{}
		}
	}
	all := sorted(set)
	if len(all) == 0 || len(q.words) > 8 {
		return q, invalid("要找的词请至少写两个字，或者三个数字、字母；最多八个词。")
	}
	q.exact = q.exact && len(all) <= maxGrams
	for i := range min(len(all), maxGrams) {
		q.grams = append(q.grams, all[i*len(all)/min(len(all), maxGrams)])
	}
	return q, nil
}

func (q query) matches(texts []string) bool {
	for i, s := range texts {
		texts[i] = plain(s)
	}
	for _, w := range q.words {
		if !slices.ContainsFunc(texts, func(s string) bool { return strings.Contains(s, w) }) {
			return false
		}
	}
	return true
}

// search gives the ids of the cases that a clause admits and that hold all words
// of a text, in order, MaxFound at most.
func search(ctx context.Context, q querier, w clause, order, text string) ([]int64, error) {
	want, err := parseQuery(text)
	if err != nil {
		return nil, err
	}
	blocks, n, err := holders(ctx, q, want.grams)
	if err != nil || n == 0 {
		return nil, err
	}
	ids, err := inOrder(ctx, q, w, order, blocks, n)
	if err != nil {
		return nil, err
	}
	if want.exact {
		return ids[:min(len(ids), MaxFound)], nil
	}
	ids = ids[:min(len(ids), maxRead)]
	var found []int64
	for part := range slices.Chunk(ids, gramRows) {
		if part, err = verified(ctx, q, want, part); err != nil {
			return nil, err
		}
		if found = append(found, part...); len(found) >= MaxFound {
			return found[:MaxFound], nil
		}
	}
	return found, nil
}

// holders gives the bits of the cases that hold all grams, by block, and how
// many cases these are.
func holders(ctx context.Context, q querier, grams []int64) (map[int64]int64, int, error) {
	and, from := "g0.bits", "case_grams g0"
	for i, g := range grams[1:] {
		t := "g" + strconv.Itoa(i+1)
		and += " & " + t + ".bits"
		from += fmt.Sprintf(" JOIN case_grams %s ON %s.gram = %d AND %s.block = g0.block", t, t, g, t)
	}
	rows, err := q.QueryContext(ctx, fmt.Sprintf(`SELECT g0.block, (%s) FROM %s WHERE g0.gram = %d AND (%s) <> 0`, and, from, grams[0], and))
	if err != nil {
		return nil, 0, fmt.Errorf("search: %w", err)
	}
	defer rows.Close()
	blocks, n := map[int64]int64{}, 0
	for rows.Next() {
		var block, bits int64
		if err := rows.Scan(&block, &bits); err != nil {
			return nil, 0, fmt.Errorf("search: %w", err)
		}
		blocks[block] = bits
		for b := bits; b != 0; b &= b - 1 {
			n++
		}
	}
	return blocks, n, rows.Err()
}

// inOrder gives those of the cases in blocks that a clause admits, in order.
func inOrder(ctx context.Context, q querier, w clause, order string, blocks map[int64]int64, n int) ([]int64, error) {
	if n <= fewFound {
		ids := make([]int64, 0, n)
		for block, bits := range blocks {
			for i := range int64(blockSize) {
				if bits>>i&1 == 1 {
					ids = append(ids, block*blockSize+i)
				}
			}
		}
		return numbers(ctx, q, `SELECT id FROM cases WHERE id IN (`+literals(ids)+`) AND `+w.where()+` ORDER BY `+order, w.args...)
	}
	// One long text costs a tenth of as many rows.
	var all sql.NullString
	if err := q.QueryRowContext(ctx, `SELECT string_agg(CAST(id AS TEXT), ',') FROM (SELECT id FROM cases WHERE `+w.where()+` ORDER BY `+order+`) o`, w.args...).Scan(&all); err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	var ids []int64
	for s := range strings.SplitSeq(all.String, ",") {
		id, err := strconv.ParseInt(s, 10, 64)
		if err == nil && blocks[id/blockSize]>>(id%blockSize)&1 == 1 {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// verified keeps the cases whose texts hold the words, in the order of ids.
func verified(ctx context.Context, q querier, want query, ids []int64) ([]int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT id, no, name, phone, place, parties, story FROM cases WHERE id IN (`+literals(ids)+`)`)
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	defer rows.Close()
	ok := map[int64]bool{}
	for rows.Next() {
		var c Case
		if err := rows.Scan(&c.ID, &c.No, &c.Name, &c.Phone, &c.Place, &c.Parties, &c.Story); err != nil {
			return nil, fmt.Errorf("search: %w", err)
		}
		ok[c.ID] = want.matches(c.searched())
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !ok[id] }), rows.Err()
}
