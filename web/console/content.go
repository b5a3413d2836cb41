package console

import (
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"mingbai/calendar"
	"mingbai/jobs"
	"mingbai/office"
)

// publishers write, review, plan and recall what is published.
var publishers = []office.Role{office.Officer, office.Admin}

// pieceScope gives the place of the piece that the address names.
func pieceScope(c *call) ([]string, error) {
	it, err := c.piece()
	return []string{it.Path()}, err
}

func (c *call) piece() (office.Piece, error) {
	id, err := c.id()
	if err != nil {
		return office.Piece{}, err
	}
	return c.o.Office.Piece(c.r.Context(), id)
}

type contentPage struct {
	Form   *form
	Pieces []office.Piece
	States []Option
	Kinds  []Option
	Pager  pager
	Review int // that wait for a second person
	Stop   string
}

// content lists the pieces in one's places, the last changed first.
func content(c *call) error {
	f, ctx := c.form(), c.r.Context()
	filter := office.PieceFilter{Audience: f.Get("audience"), Text: f.Get("text"), For: &c.me, Limit: perPage, Offset: c.paged()}
	if s := office.PieceState(f.Get("state")); slices.Contains(office.PieceStates, s) {
		filter.States = []office.PieceState{s}
	}
	list, total, err := c.o.Office.Pieces(ctx, filter)
	if err != nil {
		return err
	}
	page := contentPage{Form: f, Pieces: list, Pager: c.pager(total), States: []Option{{Value: "", Label: "全部"}}}
	for _, s := range office.PieceStates {
		page.States = append(page.States, Option{Value: string(s), Label: s.Name()})
	}
	page.Kinds = audienceOptions("所有人")
	if _, page.Review, err = c.o.Office.Pieces(ctx, office.PieceFilter{States: []office.PieceState{office.PieceReview}, For: &c.me, Limit: 1}); err != nil {
		return err
	}
	if page.Stop, _, err = c.o.Office.Stopped(ctx); err != nil {
		return err
	}
	return c.show(http.StatusOK, "content", page)
}

func audienceOptions(first string) []Option {
	list := []Option{{Value: "", Label: first}}
	for _, a := range office.Audiences {
		list = append(list, Option{Value: a, Label: a})
	}
	return list
}

// view is how a version looks at a place.
type placeView struct {
	Name, Text string
	HTML       template.HTML // of the page; "" elsewhere
	Runes, Max int           // of the whole, and what fits
}

type writePage struct {
	Form     *form
	Act      string // where it is sent
	Title    string
	Kinds    []Option
	Chosen   map[string]bool // audiences
	All      []string
	Image    string
	Verdict  *office.Verdict
	Places   []placeView
	Seen     int
	Existing bool
	Duties   []Option // that a new one may count for
}

func (c *call) writePage(f *form, act, title string) (p writePage, err error) {
	p = writePage{Form: f, Act: act, Title: title, Chosen: map[string]bool{}, All: office.Audiences, Image: f.Get("image"), Seen: int(f.number("seen"))}
	for _, a := range f.Values["audience"] {
		p.Chosen[a] = true
	}
	for _, k := range office.PieceKinds {
		p.Kinds = append(p.Kinds, Option{Value: string(k), Label: k.Name()})
	}
	p.Duties, err = c.dutyOptions("不对应责任", 0)
	return p, err
}

// version reads what was typed.
func (f *form) version() office.PieceVersion {
	return office.PieceVersion{
		Kind: office.PieceKind(f.Get("kind")), Title: f.Get("title"), Body: f.Get("body"), Topic: f.Get("topic"), Entry: f.Get("entry"),
		Link: f.Get("link"), Image: f.Get("image"), Alt: f.Get("alt"), Audience: f.Values["audience"], Model: f.Get("model"), Note: f.Get("note"),
	}
}

// fill puts a version into a form.
func fill(f *form, v office.PieceVersion) {
	for name, value := range map[string]string{"kind": string(v.Kind), "title": v.Title, "body": v.Body, "topic": v.Topic, "entry": v.Entry,
		"link": v.Link, "image": v.Image, "alt": v.Alt, "model": v.Model, "seen": strconv.Itoa(v.Version)} {
		f.Set(name, value)
	}
	f.Values["audience"] = v.Audience
}

// newPiece shows an empty form, or one made from a knowledge entry.
func newPiece(c *call) error {
	f := c.form()
	page, err := c.writePage(f, "/console/content/new", "写一条")
	if err != nil {
		return err
	}
	if id := f.Get("entry"); id != "" && c.o.Card != nil {
		v, err := c.o.Card(id)
		if err != nil {
			return c.again(err, "content_write", f, page)
		}
		fill(f, v)
		if page, err = c.writePage(f, "/console/content/new", "写一张问答卡"); err != nil {
			return err
		}
	}
	return c.show(http.StatusOK, "content_write", page)
}

// addPiece keeps a new piece, or shows how it would look.
func addPiece(c *call) error {
	f := c.form()
	page, err := c.writePage(f, "/console/content/new", "写一条")
	if err != nil {
		return err
	}
	v := f.version()
	err = c.picture(f, &v)
	page.Image = v.Image
	if err == nil && f.Get("act") == "preview" {
		return c.preview(page, v)
	}
	var it office.Piece
	if err == nil {
		it, err = c.o.Office.AddPieceFor(c.r.Context(), c.me, v, f.number("duty"))
	}
	if err != nil {
		return c.again(err, "content_write", f, page)
	}
	return c.done(addressOf("content", it.ID), "已存为草稿。下面是检查结果和它在各处的样子，没问题就送审。")
}

// editForm shows the newest version in a form.
func editForm(c *call) error {
	it, err := c.piece()
	if err != nil {
		return err
	}
	f := c.form()
	fill(f, it.Newest)
	page, err := c.writePage(f, addressOf("content", it.ID), "修改《"+it.Newest.Title+"》")
	if err != nil {
		return err
	}
	page.Existing = true
	return c.show(http.StatusOK, "content_write", page)
}

// editPiece keeps a new version, or shows how it would look.
func editPiece(c *call) error {
	it, err := c.piece()
	if err != nil {
		return err
	}
	f := c.form()
	page, err := c.writePage(f, addressOf("content", it.ID), "修改《"+it.Newest.Title+"》")
	if err != nil {
		return err
	}
	page.Existing = true
	v := f.version()
	err = c.picture(f, &v)
	page.Image = v.Image
	if err == nil && f.Get("act") == "preview" {
		return c.preview(page, v)
	}
	if err == nil {
		_, err = c.o.Office.EditPiece(c.r.Context(), c.me, it.ID, int(f.number("seen")), v)
	}
	if err != nil {
		return c.again(err, "content_write", f, page)
	}
	return c.done(addressOf("content", it.ID), "已存为新的一版，要重新送审。")
}

// picture keeps the picture that came with the form.
func (c *call) picture(f *form, v *office.PieceVersion) error {
	file, err := c.uploaded("picture")
	if err != nil || file == nil {
		return err
	}
	m, err := c.o.Office.AddImage(c.r.Context(), c.me, file)
	if err == nil {
		v.Image = m.Name
		f.Set("image", m.Name)
	}
	return err
}

// preview shows the checks and the places of what was typed, without keeping it.
func (c *call) preview(page writePage, v office.PieceVersion) error {
	verdict, err := office.Review(c.r.Context(), v, c.o.Check, calendar.Day(c.o.Now()))
	if err != nil {
		return err
	}
	page.Verdict = &verdict
	if page.Places, err = c.places(v); err != nil {
		return err
	}
	return c.show(http.StatusOK, "content_write", page)
}

// places gives a version as it looks everywhere; on the page it is rendered as
// the site renders it.
func (c *call) places(v office.PieceVersion) (list []placeView, err error) {
	for _, p := range office.Places {
		text := v.Words(p, "审核单位", "")
		room := p
		room.Max = math.MaxInt
		view := placeView{Name: p.Name, Text: text, Runes: utf8.RuneCountInString(v.Words(room, "审核单位", "")), Max: p.Max}
		if p.Key == "page" {
			if view.HTML, err = jobs.HTML(v.Body, c.o.Hosts); err != nil {
				return nil, err
			}
		}
		list = append(list, view)
	}
	return list, nil
}

type piecePage struct {
	Form     *form
	Piece    office.Piece
	V        office.PieceVersion
	Verdict  office.Verdict
	Places   []placeView
	Versions []office.PieceVersion
	Events   []office.PieceEvent
	Tallies  []tallyRow
	May      map[string]bool
	Own      bool // the reader wrote it, so somebody else approves
	Approver string
	Duties   []Option
}

type tallyRow struct {
	Act, Sink, State string
	N                int
}

func (c *call) piecePage(f *form, it office.Piece) (p piecePage, err error) {
	ctx, db := c.r.Context(), c.o.Office
	p = piecePage{Form: f, Piece: it, V: it.Newest, May: map[string]bool{}, Own: it.Newest.Author == c.me.ID || it.Submitter == c.me.ID}
	for _, verb := range it.Next(c.me) {
		p.May[verb] = true
	}
	if p.Verdict, err = office.Review(ctx, it.Newest, c.o.Check, calendar.Day(c.o.Now())); err != nil {
		return p, err
	}
	if it.Approver != 0 {
		approver, err := db.Person(ctx, it.Approver)
		if err != nil && office.KindOf(err) != office.NotFound {
			return p, err
		}
		p.Approver = approver.Name
	}
	if p.Places, err = c.places(it.Newest); err != nil {
		return p, err
	}
	if p.Duties, err = c.dutyOptions("不对应责任", 0); err != nil {
		return p, err
	}
	for i := range p.Duties {
		p.Duties[i].Chosen = p.Duties[i].Value == strconv.FormatInt(it.Duty, 10)
	}
	if p.Versions, err = db.PieceVersions(ctx, it.ID); err != nil {
		return p, err
	}
	if p.Events, err = db.PieceEvents(ctx, it.ID); err != nil {
		return p, err
	}
	tallies, err := db.Tallies(ctx, it.ID)
	for _, t := range tallies {
		p.Tallies = append(p.Tallies, tallyRow{actName(t.Act), office.SinkName(t.Sink), office.DeliveryName(t.State), t.N})
	}
	return p, err
}

func actName(act string) string {
	return map[string]string{office.ActPublish: "发布", office.ActWithdraw: "下架", office.ActCorrect: "更正"}[act]
}

// onePiece shows a piece with its checks, places, versions and steps.
func onePiece(c *call) error {
	it, err := c.piece()
	if err != nil {
		return err
	}
	page, err := c.piecePage(c.form(), it)
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "content_piece", page)
}

// pieceStep makes the handler of one move.
func pieceStep(said string, move func(c *call, f *form, id int64) error) func(*call) error {
	return func(c *call) error {
		it, err := c.piece()
		if err != nil {
			return err
		}
		f := c.form()
		if err := move(c, f, it.ID); err != nil {
			page, fault := c.piecePage(f, it)
			if fault != nil {
				return fault
			}
			return c.again(err, "content_piece", f, page)
		}
		return c.done(addressOf("content", it.ID), said)
	}
}

var (
	submitPiece = pieceStep("已送审，会通知能审的人。", func(c *call, f *form, id int64) error {
		_, _, err := c.o.Office.Submit(c.r.Context(), c.me, id, int(f.number("seen")), c.o.Check)
		return err
	})
	approvePiece = pieceStep("审核通过。下一步：排进发布计划。", func(c *call, f *form, id int64) error {
		_, _, err := c.o.Office.Approve(c.r.Context(), c.me, id, int(f.number("seen")), c.o.Check)
		return err
	})
	returnPiece = pieceStep("已退回，写稿的人会收到原因。", func(c *call, f *form, id int64) error {
		_, err := c.o.Office.Return(c.r.Context(), c.me, id, f.Get("why"))
		return err
	})
	recallPiece = pieceStep("已撤回：网页会下架，收到过的人会收到更正。", func(c *call, f *form, id int64) error {
		_, err := c.o.Office.Recall(c.r.Context(), c.me, id, f.Get("reason"))
		return err
	})
	setPieceDuty = pieceStep("已记下对应的普法责任。", func(c *call, f *form, id int64) error {
		return c.o.Office.SetDuty(c.r.Context(), c.me, id, f.number("duty"))
	})
	rollBackPiece = pieceStep("已把旧版写成新的一版，要重新送审。", func(c *call, f *form, id int64) error {
		_, err := c.o.Office.RollBack(c.r.Context(), c.me, id, int(f.number("version")))
		return err
	})
)

type diffPage struct {
	Piece    office.Piece
	From, To office.PieceVersion
	Lines    []office.DiffLine
}

// diffPiece compares two versions: the newest with the one before if none is
// named.
func diffPiece(c *call) error {
	it, err := c.piece()
	if err != nil {
		return err
	}
	f := c.form()
	to := it.Newest.Version
	if n := f.number("to"); n > 0 {
		to = int(n)
	}
	from := max(1, to-1)
	if n := f.number("from"); n > 0 {
		from = int(n)
	}
	page := diffPage{Piece: it}
	if page.From, err = c.o.Office.PieceVersion(c.r.Context(), it.ID, from); err != nil {
		return err
	}
	if page.To, err = c.o.Office.PieceVersion(c.r.Context(), it.ID, to); err != nil {
		return err
	}
	page.Lines = office.Diff(page.From, page.To)
	return c.show(http.StatusOK, "content_diff", page)
}

// showPicture serves the picture of a poster.
func showPicture(c *call) error {
	m, err := c.o.Office.Image(c.r.Context(), c.r.PathValue("name"))
	if err != nil {
		return err
	}
	return c.image(m)
}

// image sends a picture for the page that shows it. It is nobody else's: nothing
// on the way keeps it.
func (c *call) image(m office.Image) error {
	h := c.w.Header()
	h.Set("Content-Type", m.Type)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", "inline")
	_, _ = c.w.Write(m.Data) // the client has gone
	return nil
}
