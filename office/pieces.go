package office

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"mingbai/calendar"
)

const (
	itemColumns = `i.id, i.state, i.version, i.approved, i.live, i.submitter, i.approver, i.path, i.basis, i.created, i.changed, i.published, i.withdrawn, i.why, i.duty, `
	versColumns = `v.item, v.version, v.kind, v.title, v.body, v.topic, v.entry, v.link, v.image, v.alt, v.audience, v.model, v.note, v.author, v.by_name, v.at`
)

func itemKey(id int64) string { return "item " + strconv.FormatInt(id, 10) }

// AddPiece writes the first version of an item, as a draft.
func (db *DB) AddPiece(ctx context.Context, by Person, v PieceVersion) (Piece, error) {
	return db.AddPieceFor(ctx, by, v, 0)
}

// AddPieceFor writes the first version of an item that counts for a duty, 0 for
// none.
func (db *DB) AddPieceFor(ctx context.Context, by Person, v PieceVersion, duty int64) (Piece, error) {
	path, err := by.deskPath()
	if err != nil {
		return Piece{}, err
	}
	if err := v.clean(); err != nil {
		return Piece{}, err
	}
	var it Piece
	err = db.update(ctx, func(tx *sql.Tx) error {
		if _, err := openDuty(ctx, tx, duty); err != nil {
			return err
		}
		now := db.now().Unix()
		var id int64
		if err := tx.QueryRowContext(ctx, `INSERT INTO items (state, version, approved, live, author, submitter, approver, path, basis, created, changed, published, withdrawn, why, duty)
			VALUES ($1, 1, 0, 0, $2, 0, 0, $3, '', $4, $4, 0, 0, '', $5) RETURNING id`, string(PieceDraft), by.ID, path, now, duty).Scan(&id); err != nil {
			return fmt.Errorf("add item: %w", err)
		}
		if err := db.putVersion(ctx, tx, by, id, 1, v); err != nil {
			return err
		}
		if it, err = pieceByID(ctx, tx, id); err != nil {
			return err
		}
		return db.itemEvent(ctx, tx, by, it, "write", "", "")
	})
	return it, err
}

// EditPiece writes a new version. Whatever was approved needs it again; what is
// published stays so until the new version takes its place. seen is the version
// that the person changed: a Conflict if there is a newer one.
func (db *DB) EditPiece(ctx context.Context, by Person, id int64, seen int, v PieceVersion) (Piece, error) {
	if err := v.clean(); err != nil {
		return Piece{}, err
	}
	return db.movePiece(ctx, by, id, "edit", seen, v.Note, func(tx *sql.Tx, it *Piece) error {
		if same(it.Newest, v) {
			return conflict("和上一版一样，没有保存。")
		}
		if err := db.putVersion(ctx, tx, by, id, it.Newest.Version+1, v); err != nil {
			return err
		}
		v.Piece, v.Version, v.Author, v.By, v.At = id, it.Newest.Version+1, by.ID, by.label(), db.now()
		it.Newest, it.Submitter, it.Basis = v, 0, nil
		return nil
	})
}

// same says whether two versions say the same.
func same(a, b PieceVersion) bool {
	return a.Kind == b.Kind && a.Title == b.Title && a.Body == b.Body && a.Topic == b.Topic && a.Entry == b.Entry && a.Link == b.Link &&
		a.Image == b.Image && a.Alt == b.Alt && a.Model == b.Model && slices.Equal(a.Audience, b.Audience)
}

// RollBack writes what version n said as a new version.
func (db *DB) RollBack(ctx context.Context, by Person, id int64, n int) (Piece, error) {
	v, err := db.PieceVersion(ctx, id, n)
	if err != nil {
		return Piece{}, err
	}
	v.Note = fmt.Sprintf("退回到第 %d 版", n)
	return db.EditPiece(ctx, by, id, 0, v)
}

func (db *DB) putVersion(ctx context.Context, tx *sql.Tx, by Person, id int64, n int, v PieceVersion) error {
	if v.Image != "" {
		if strings.HasPrefix(v.Image, photoPrefix) {
			return errNoImage
		}
		var have int
		if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM item_images WHERE sum = $1`, v.Image).Scan(&have); err != nil || have == 0 {
			return errors.Join(invalid("没有这张图片，请重新上传。"), err)
		}
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO item_versions (item, version, kind, title, body, topic, entry, link, image, alt, audience, model, note, author, by_name, at, summary, unit)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`, id, n, string(v.Kind), v.Title, v.Body, v.Topic, v.Entry,
		v.Link, v.Image, v.Alt, joined(v.Audience), v.Model, v.Note, by.ID, by.label(), db.now().Unix(), v.summary(), by.unit())
	if err != nil {
		return fmt.Errorf("write version: %w", err)
	}
	return nil
}

// movePiece makes one move of the table with its event and audit, in one
// transaction. seen is the version the person saw; 0: whatever it is.
func (db *DB) movePiece(ctx context.Context, by Person, id int64, verb string, seen int, note string, f func(tx *sql.Tx, it *Piece) error) (Piece, error) {
	var it Piece
	err := db.update(ctx, func(tx *sql.Tx) error {
		var err error
		it, err = db.movePieceIn(ctx, tx, by, id, verb, seen, note, f)
		return err
	})
	return it, err
}

func (db *DB) movePieceIn(ctx context.Context, tx *sql.Tx, by Person, id int64, verb string, seen int, note string, f func(tx *sql.Tx, it *Piece) error) (Piece, error) {
	m, err := itemMove(verb)
	if err != nil {
		return Piece{}, err
	}
	it, err := lockPiece(ctx, tx, id)
	if err != nil {
		return Piece{}, err
	}
	hats := it.hats(by)
	if by.ID == 0 {
		hats = Program
	} else if hats == 0 && by.MayPublish() { // who publishes elsewhere learns nothing of it
		return Piece{}, errNoPiece(id)
	} else if err := reviewerHat(ctx, tx, by, it, m, &hats); err != nil {
		return Piece{}, err
	}
	if err := m.allows(hats, it.State); err != nil {
		return Piece{}, err
	}
	if seen != 0 && seen != it.Newest.Version {
		return Piece{}, conflict("这条内容刚刚被改成了第 %d 版，请看过再来。", it.Newest.Version)
	}
	if m.Note && note == "" {
		return Piece{}, invalid("“%s”要写明原因。", m.Name)
	}
	was := it.State
	it.State = m.To
	if f != nil {
		if err := f(tx, &it); err != nil {
			return Piece{}, err
		}
	}
	if err := db.savePiece(ctx, tx, &it); err != nil {
		return Piece{}, err
	}
	return it, db.itemEvent(ctx, tx, by, it, m.Verb, was, note)
}

// reviewerHat is for those who wrote none of what waits for approval, and for
// what is for minors, only for those who are cleared.
func reviewerHat(ctx context.Context, tx *sql.Tx, by Person, it Piece, m PieceMove, hats *PieceHat) error {
	if *hats&Writer == 0 || m.Who != Reviewer {
		return nil
	}
	var own int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM item_versions WHERE item = $1 AND version > $2 AND author = $3`, it.ID, it.Approved, by.ID).Scan(&own); err != nil {
		return fmt.Errorf("review: %w", err)
	}
	if own > 0 || it.Submitter == by.ID {
		return nil
	}
	if it.Newest.ForMinors() && !slices.Contains(by.Fields, MinorsField) {
		return forbidden("给未成年人看的内容，要由专长里有“%s”的人来审。", MinorsField)
	}
	*hats |= Reviewer
	return nil
}

// lockPiece reads an item for a change; nobody else changes it meanwhile.
func lockPiece(ctx context.Context, tx *sql.Tx, id int64) (Piece, error) {
	if _, err := tx.ExecContext(ctx, `UPDATE items SET changed = changed WHERE id = $1`, id); err != nil {
		return Piece{}, fmt.Errorf("lock item: %w", err)
	}
	return pieceByID(ctx, tx, id)
}

func (db *DB) savePiece(ctx context.Context, tx *sql.Tx, it *Piece) error {
	it.Changed = db.now()
	basis := ""
	if len(it.Basis) > 0 {
		b, err := json.Marshal(it.Basis)
		if err != nil {
			return err
		}
		basis = string(b)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE items SET state = $1, version = $2, approved = $3, live = $4, author = $5, submitter = $6, approver = $7,
		basis = $8, changed = $9, published = $10, withdrawn = $11, why = $12 WHERE id = $13`, string(it.State), it.Newest.Version, it.Approved, it.Live,
		it.Newest.Author, it.Submitter, it.Approver, basis, it.Changed.Unix(), unix(it.Published), unix(it.Withdrawn), it.Why, it.ID); err != nil {
		return fmt.Errorf("save item: %w", err)
	}
	return nil
}

func (db *DB) itemEvent(ctx context.Context, tx *sql.Tx, by Person, it Piece, verb string, was PieceState, note string) error {
	name := by.label()
	if by.ID == 0 {
		name = "程序"
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO item_events (item, at, person, actor, verb, was, state, version, note) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		it.ID, db.now().Unix(), by.ID, name, verb, string(was), string(it.State), it.Newest.Version, note); err != nil {
		return fmt.Errorf("item event: %w", err)
	}
	who := actor(by)
	if by.ID == 0 {
		who = "program"
	}
	return db.audit(ctx, tx, who, verb+" item", itemKey(it.ID), fmt.Sprintf("v%d %s > %s", it.Newest.Version, was, it.State))
}

// Review puts a version through the checks of the office and those of the
// caller. on is the day it would be published.
func Review(ctx context.Context, v PieceVersion, check Check, on time.Time) (Verdict, error) {
	verdict := Verdict{Findings: own(v)}
	if check == nil {
		return verdict, nil
	}
	more, err := check(ctx, v, on)
	if err != nil {
		return verdict, fmt.Errorf("check item %d: %w", v.Piece, err)
	}
	verdict.Basis = more.Basis
	verdict.Findings = append(verdict.Findings, more.Findings...)
	return verdict, nil
}

// Submit hands the newest version to a second person. An Invalid error lists
// what must be corrected first; verdict has it one by one.
func (db *DB) Submit(ctx context.Context, by Person, id int64, seen int, check Check) (it Piece, verdict Verdict, err error) {
	if it, err = db.Piece(ctx, id); err != nil {
		return it, verdict, err
	}
	if verdict, err = Review(ctx, it.Newest, check, calendar.Day(db.now())); err != nil {
		return it, verdict, err
	}
	if verdict.Stops() {
		return it, verdict, refused(verdict)
	}
	if seen == 0 {
		seen = it.Newest.Version
	}
	it, err = db.movePiece(ctx, by, id, "submit", seen, "", func(tx *sql.Tx, it *Piece) error {
		it.Submitter = by.ID
		return db.tellReviewers(ctx, tx, by, *it)
	})
	return it, verdict, err
}

// refused words the findings that must be corrected.
func refused(v Verdict) error {
	var list []string
	for _, f := range v.Findings {
		if f.Stops {
			list = append(list, f.Rule+"："+strings.TrimRight(f.Msg, "。"))
		}
	}
	return invalid("还不能通过检查：%s。", strings.Join(list, "；"))
}

// Approve lets the newest version be published. Only a person who wrote nothing
// of it may; the checks are made again, and what it rests on is kept.
func (db *DB) Approve(ctx context.Context, by Person, id int64, seen int, check Check) (it Piece, verdict Verdict, err error) {
	if it, err = db.Piece(ctx, id); err != nil {
		return it, verdict, err
	}
	if verdict, err = Review(ctx, it.Newest, check, calendar.Day(db.now())); err != nil {
		return it, verdict, err
	}
	if verdict.Stops() {
		return it, verdict, refused(verdict)
	}
	if seen == 0 {
		seen = it.Newest.Version
	}
	it, err = db.movePiece(ctx, by, id, "approve", seen, "", func(tx *sql.Tx, it *Piece) error {
		it.Approved, it.Approver, it.Basis = it.Newest.Version, by.ID, verdict.Basis
		return db.notify(ctx, tx, "item", randomCode(26), "", it.Newest.Author, fmt.Sprintf("您写的《%s》已由%s审核通过，可以排期了。", it.Newest.Title, by.label()))
	})
	return it, verdict, err
}

// Return gives the item back to who wrote it.
func (db *DB) Return(ctx context.Context, by Person, id int64, why string) (Piece, error) {
	why = strings.TrimSpace(cleanText(why))
	if utf8.RuneCountInString(why) > maxPieceNote {
		return Piece{}, invalid("原因最多 %d 个字。", maxPieceNote)
	}
	return db.movePiece(ctx, by, id, "return", 0, why, func(tx *sql.Tx, it *Piece) error {
		return db.notify(ctx, tx, "item", randomCode(26), "", it.Newest.Author, fmt.Sprintf("您写的《%s》被退回修改：%s", it.Newest.Title, why))
	})
}

// tellReviewers tells those who may approve it.
func (db *DB) tellReviewers(ctx context.Context, tx *sql.Tx, by Person, it Piece) error {
	list, err := people(ctx, tx, PeopleFilter{Role: Officer})
	if err != nil {
		return err
	}
	for _, p := range list {
		if p.ID == by.ID || p.ID == it.Newest.Author || it.hats(p) == 0 || it.Newest.ForMinors() && !slices.Contains(p.Fields, MinorsField) {
			continue
		}
		if err := db.notify(ctx, tx, "item", randomCode(26), "", p.ID, fmt.Sprintf("有一条普法内容等您审核：《%s》（编号 %d，%s 写）。", it.Newest.Title, it.ID, it.Newest.By)); err != nil {
			return err
		}
	}
	return nil
}

// block stops an item whose basis changed and tells who wrote and who approved
// it.
func (db *DB) block(ctx context.Context, tx *sql.Tx, id int64, why string) error {
	_, err := db.movePieceIn(ctx, tx, Person{}, id, "block", 0, why, func(tx *sql.Tx, it *Piece) error {
		for _, p := range slices.Compact([]int64{it.Newest.Author, it.Approver}) {
			if err := db.notify(ctx, tx, "item", randomCode(26), "", p, fmt.Sprintf("《%s》（编号 %d）没有发布：%s。请改好后重新送审。", it.Newest.Title, it.ID, why)); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// Piece reads an item with its newest version.
func (db *DB) Piece(ctx context.Context, id int64) (Piece, error) { return pieceByID(ctx, db.read, id) }

func errNoPiece(id int64) error { return notFound("没有编号 %d 的内容。", id) }

func pieceByID(ctx context.Context, q querier, id int64) (Piece, error) {
	it, err := scanPiece(q.QueryRowContext(ctx, `SELECT `+itemColumns+versColumns+` FROM items i
		JOIN item_versions v ON v.item = i.id AND v.version = i.version WHERE i.id = $1`, id))
	if errors.Is(err, sql.ErrNoRows) {
		// A version that is being written comes before its number is saved.
		return it, errNoPiece(id)
	}
	if err != nil {
		return it, fmt.Errorf("item: %w", err)
	}
	return it, nil
}

func scanPiece(row interface{ Scan(...any) error }) (it Piece, err error) {
	var state, basis string
	var created, changed, published, withdrawn int64
	var newest int
	v := &it.Newest
	into, done := v.into()
	if err := row.Scan(append([]any{&it.ID, &state, &newest, &it.Approved, &it.Live, &it.Submitter, &it.Approver, &it.path, &basis,
		&created, &changed, &published, &withdrawn, &it.Why, &it.Duty}, into...)...); err != nil {
		return it, err
	}
	done()
	it.State, it.Created, it.Changed = PieceState(state), fromUnix(created), fromUnix(changed)
	it.Published, it.Withdrawn = fromUnix(published), fromUnix(withdrawn)
	if basis != "" {
		err = json.Unmarshal([]byte(basis), &it.Basis)
	}
	return it, err
}

// into gives where versColumns are scanned to; done is called after.
func (v *PieceVersion) into() (into []any, done func()) {
	var kind, audience string
	var at int64
	return []any{&v.Piece, &v.Version, &kind, &v.Title, &v.Body, &v.Topic, &v.Entry, &v.Link, &v.Image, &v.Alt, &audience, &v.Model, &v.Note, &v.Author, &v.By, &at},
		func() { v.Kind, v.Audience, v.At = PieceKind(kind), parted(audience), fromUnix(at) }
}

// PieceVersion reads one version.
func (db *DB) PieceVersion(ctx context.Context, id int64, n int) (v PieceVersion, err error) {
	into, done := v.into()
	err = db.read.QueryRowContext(ctx, `SELECT `+versColumns+` FROM item_versions v WHERE v.item = $1 AND v.version = $2`, id, n).Scan(into...)
	if errors.Is(err, sql.ErrNoRows) {
		return v, notFound("没有第 %d 版。", n)
	}
	if err != nil {
		return v, fmt.Errorf("version: %w", err)
	}
	done()
	return v, nil
}

// PieceVersions lists all versions, newest first.
func (db *DB) PieceVersions(ctx context.Context, id int64) ([]PieceVersion, error) {
	rows, err := db.read.QueryContext(ctx, `SELECT `+versColumns+` FROM item_versions v WHERE v.item = $1 ORDER BY v.version DESC LIMIT 200`, id)
	if err != nil {
		return nil, fmt.Errorf("versions: %w", err)
	}
	defer rows.Close()
	var list []PieceVersion
	for rows.Next() {
		var v PieceVersion
		into, done := v.into()
		if err := rows.Scan(into...); err != nil {
			return nil, fmt.Errorf("versions: %w", err)
		}
		done()
		list = append(list, v)
	}
	return list, rows.Err()
}
