package office

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// PieceState is where something to be published is on its way.
type PieceState string

// States of items. The stored words are English; people read PieceState.Name.
const (
	PieceDraft     PieceState = "draft"
	PieceReview    PieceState = "review"    // waits for a second person
	PieceApproved  PieceState = "approved"  // may be published
	PiecePlanned   PieceState = "planned"   // a plan will publish it
	PiecePublished PieceState = "published" // is out
	PieceBlocked   PieceState = "blocked"   // what it rests on changed after it was approved
	PieceWithdrawn PieceState = "withdrawn" // was out and was taken back
)

// PieceStates lists all, in the order of the way.
var PieceStates = []PieceState{PieceDraft, PieceReview, PieceApproved, PiecePlanned, PiecePublished, PieceBlocked, PieceWithdrawn}

// Name is what people read.
func (s PieceState) Name() string {
	return map[PieceState]string{PieceDraft: "草稿", PieceReview: "待审", PieceApproved: "已通过", PiecePlanned: "已排期",
		PiecePublished: "已发布", PieceBlocked: "已拦下", PieceWithdrawn: "已撤回"}[s]
}

// PieceKind is what an item is.
type PieceKind string

// Kinds of items.
const (
	KindText   PieceKind = "text"
	KindCard   PieceKind = "card"   // question and answer, from a knowledge entry
	KindStory  PieceKind = "story"  // a case told as a story
	KindVideo  PieceKind = "video"  // a link to a film
	KindPoster PieceKind = "poster" // a picture
)

// PieceKinds lists all.
var PieceKinds = []PieceKind{KindText, KindCard, KindStory, KindVideo, KindPoster}

// Name is what people read.
func (k PieceKind) Name() string {
	return map[PieceKind]string{KindText: "文章", KindCard: "问答卡", KindStory: "案例故事", KindVideo: "视频", KindPoster: "海报"}[k]
}

// ParsePieceKind reads a kind's stored word or name.
func ParsePieceKind(s string) (PieceKind, error) {
	var names []string
	for _, k := range PieceKinds {
		if s == string(k) || s == k.Name() {
			return k, nil
		}
		names = append(names, k.Name())
	}
	return "", invalid("没有“%s”这种内容；可以是：%s。", s, strings.Join(names, "、"))
}

// Audiences are whom an item is for and what somebody may subscribe to. What is
// for schools and minors is reviewed apart.
var Audiences = []string{"机关", "乡村", "社区", "学校", "企业", "宗教场所", "农民工", "妇女", "未成年人", "老年人", "残疾人", "军人", "网格员"}

// ForMinors says whether somebody who is cleared for it must review the version.
func (v PieceVersion) ForMinors() bool {
	return slices.Contains(v.Audience, "学校") || slices.Contains(v.Audience, "未成年人")
}

// MinorsField stands among the fields of people who may approve what is for
// minors.
const MinorsField = "未成年人内容审核"

// PieceVersion is one version of an item. Versions are never changed.
type PieceVersion struct {
	Piece    int64     `json:"item"`
	Version  int       `json:"version"` // from 1
	Kind     PieceKind `json:"kind"`
	Title    string    `json:"title"`
	Body     string    `json:"body"`  // the Markdown subset of PlainText
	Topic    string    `json:"topic"` // of the knowledge base: "LA"; "" if none
	Entry    string    `json:"entry"` // knowledge entry it was made from
	Link     string    `json:"link"`  // of a film
	Image    string    `json:"image"` // of a poster: Image.Name
	Alt      string    `json:"alt"`   // what is on the poster, for those who cannot see it
	Audience []string  `json:"audience"`
	Model    string    `json:"model"` // that helped to write it; "" if none
	Note     string    `json:"note"`  // what was changed
	Author   int64     `json:"author"`
	By       string    `json:"by"`
	At       time.Time `json:"at"`
}

// Piece is something to be published, with its newest version.
type Piece struct {
	ID        int64        `json:"id"`
	State     PieceState   `json:"state"`
	Approved  int          `json:"approved"` // newest approved version; 0: none
	Live      int          `json:"live"`     // published version; 0: none
	Submitter int64        `json:"submitter"`
	Approver  int64        `json:"approver"`
	Basis     []Rest       `json:"basis,omitempty"` // what the approved version rests on
	Created   time.Time    `json:"created"`
	Changed   time.Time    `json:"changed"`
	Published time.Time    `json:"published"`
	Withdrawn time.Time    `json:"withdrawn"`
	Why       string       `json:"why,omitempty"` // of the withdrawal
	Duty      int64        `json:"duty"`          // that it counts for; 0: none
	Newest    PieceVersion `json:"newest"`

	path string
}

// Bounds of an item, in runes.
const (
	maxTitle     = 40
	maxBody      = 20000
	maxAlt       = 300
	maxLink      = 500
	maxPieceNote = 300
)

// clean trims the version and refuses what cannot be kept. Whether it may be
// published is for Review.
func (v *PieceVersion) clean() error {
	v.Title, v.Body = strings.TrimSpace(v.Title), strings.TrimSpace(cleanText(v.Body))
	v.Alt, v.Link, v.Note = strings.TrimSpace(v.Alt), strings.TrimSpace(v.Link), strings.TrimSpace(cleanText(v.Note))
	v.Topic, v.Entry, v.Model = strings.TrimSpace(v.Topic), strings.TrimSpace(v.Entry), strings.TrimSpace(v.Model)
	if !slices.Contains(PieceKinds, v.Kind) {
		return invalid("没有选内容类别。")
	}
	switch n := utf8.RuneCountInString; {
	case v.Title == "" || n(v.Title) > maxTitle || hasControl(v.Title):
		return invalid("标题要写 1 到 %d 个字。", maxTitle)
	case n(v.Body) > maxBody:
		return invalid("正文最多 %d 个字。", maxBody)
	case n(v.Alt) > maxAlt || hasControl(v.Alt), n(v.Note) > maxPieceNote:
		return invalid("图片说明和修改说明最多 %d 个字。", maxAlt)
	case n(v.Topic) > maxName || n(v.Entry) > maxName || n(v.Model) > 80 || hasControl(v.Topic+v.Entry+v.Model):
		return invalid("专题、条目或模型名太长。")
	case n(v.Link) > maxLink || v.Link != "" && !webLink(v.Link):
		return invalid("视频链接要以 https:// 开头。")
	}
	v.Audience = slices.Clone(v.Audience)
	slices.SortFunc(v.Audience, func(a, b string) int { return slices.Index(Audiences, a) - slices.Index(Audiences, b) })
	v.Audience = slices.Compact(v.Audience)
	for _, a := range v.Audience {
		if !slices.Contains(Audiences, a) {
			return invalid("没有“%s”这类受众；可以是：%s。", a, strings.Join(Audiences, "、"))
		}
	}
	return nil
}

func webLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && !hasControl(s) && !strings.ContainsAny(s, " <>\"'`\\")
}

// Rest is a law or an article that a version rests on. Mark changes when its
// text or its validity does.
type Rest struct {
	Law     string `json:"law"`
	Article string `json:"article"` // "" for the law as a whole
	Mark    string `json:"mark"`
}

// Finding is something a check found.
type Finding struct {
	Rule  string `json:"rule"`  // "依据", "个人信息", …
	Stops bool   `json:"stops"` // must be corrected before review
	Quote string `json:"quote"` // where, in the version's own words
	Msg   string `json:"msg"`   // what to do
}

// Verdict is what the checks say of a version on a day.
type Verdict struct {
	Findings []Finding `json:"findings"`
	Basis    []Rest    `json:"basis"`
}

// Stops says whether something must be corrected first.
func (v Verdict) Stops() bool {
	return slices.ContainsFunc(v.Findings, func(f Finding) bool { return f.Stops })
}

// Check looks at what the office cannot know: whether the law that a version
// names exists and is in force on the day, forbidden claims, personal data,
// links. It must be quick and keep nothing.
type Check func(ctx context.Context, v PieceVersion, on time.Time) (Verdict, error)

// PieceHat is what a person is to an item.
type PieceHat uint8

// Hats.
const (
	Writer   PieceHat = 1 << iota // an officer in whose scope the item is
	Reviewer                      // the same, who wrote nothing of what is to be approved
	Program                       // plans and checks
)

// PieceMove is one row of the table of what may be done with an item.
type PieceMove struct {
	Verb string
	Name string
	Who  PieceHat
	From []PieceState
	To   PieceState
	Note bool // a reason is needed
}

// PieceMoves is the whole table: an item changes its state in no other way.
var PieceMoves = []PieceMove{
	{"edit", "修改", Writer, PieceStates, PieceDraft, false},
	{"submit", "送审", Writer, []PieceState{PieceDraft}, PieceReview, false},
	{"approve", "通过", Reviewer, []PieceState{PieceReview}, PieceApproved, false},
	{"return", "退回", Reviewer, []PieceState{PieceReview}, PieceDraft, true},
	{"plan", "排期", Writer | Program, []PieceState{PieceApproved, PiecePlanned}, PiecePlanned, false},
	{"unplan", "取消排期", Writer | Program, []PieceState{PiecePlanned}, PieceApproved, false},
	{"publish", "发布", Program, []PieceState{PieceApproved, PiecePlanned, PiecePublished}, PiecePublished, false},
	{"block", "拦下", Program, []PieceState{PieceApproved, PiecePlanned}, PieceBlocked, true},
	{"recall", "撤回", Writer, []PieceState{PieceDraft, PieceReview, PieceApproved, PiecePlanned, PiecePublished, PieceBlocked}, PieceWithdrawn, true},
}

func itemMove(verb string) (PieceMove, error) {
	i := slices.IndexFunc(PieceMoves, func(m PieceMove) bool { return m.Verb == verb || m.Name == verb })
	if i < 0 {
		return PieceMove{}, invalid("没有“%s”这个操作。", verb)
	}
	return PieceMoves[i], nil
}

// allows says why a move may not be made now, or nil.
func (m PieceMove) allows(hats PieceHat, from PieceState) error {
	if !slices.Contains(m.From, from) {
		return conflict("这条内容现在是“%s”，不能“%s”。", from.Name(), m.Name)
	}
	if m.Who&hats == 0 {
		if m.Who == Reviewer && hats&Writer != 0 {
			return forbidden("写稿和审稿不能是同一个人：这一稿您写过或改过，请另一位普法干部来审。")
		}
		return forbidden("“%s”要由本辖区的普法干部来做。", m.Name)
	}
	return nil
}

// Next lists the verbs that a person may use on the item now. It does not look
// at who wrote earlier versions; ActPiece does.
func (it Piece) Next(p Person) []string {
	hats := it.hats(p)
	if p.ID != it.Newest.Author && hats&Writer != 0 {
		hats |= Reviewer
	}
	var list []string
	for _, m := range PieceMoves {
		if m.Verb == "recall" && it.Live == 0 {
			continue
		}
		if m.Who&hats != 0 && slices.Contains(m.From, it.State) {
			list = append(list, m.Verb)
		}
	}
	return list
}

func (it Piece) hats(p Person) PieceHat {
	if p.covers(Officer, it.path) || p.covers(Admin, it.path) {
		return Writer
	}
	return 0
}

// MayPublish says whether a person writes, reviews or plans anything.
func (p Person) MayPublish() bool { return p.Has(Officer) || p.Has(Admin) }

// desk is the path of the organisation a person publishes for.
func (p Person) deskPath() (string, error) {
	for _, r := range []Role{Officer, Admin} {
		for _, q := range p.Posts {
			if q.Role == r && !p.Suspended {
				return q.Scope(), nil
			}
		}
	}
	return "", forbidden("普法内容由普法干部和管理员来写、来审。")
}
