package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mingbai/office"
)

// casePage is all that the page of a case shows. Who only handed it in for
// another sees how it stands; who works on it sees all.
type casePage struct {
	office.Case
	Row     caseRow
	Form    *form
	Place   string // the organisation that has it
	Inside  bool
	Lead    bool // may see who looked at it
	Way     string
	Holder  string
	Filer   string
	Into    string
	Events  []office.Event
	Talk    []office.TalkLine // with the bot, before it was handed in
	Request string            // names what is sent from this page, so that it is done once

	Moves     []moveForm
	Answering bool
	Draft     *office.CaseDraft
	CanDraft  bool
	Aside     bool   // the draft is not what stands in the field
	Said      string // what became of a draft that stands aside
	Preview   string

	Lane      *office.Proposal // of a dispute
	Report    bool             // not to be mediated first
	Suggested []office.Person
	Mediation office.Mediation
	Sessions  []office.Session
	Outcome   bool // there is one
	Mediates  bool // sessions and an outcome can be written down now
	Outcomes  []Option
	Correct   bool // facts can be put right
	Editing   bool // the card is open
}

// moveForm is one move that may be made now, with what it needs.
type moveForm struct {
	office.Move
	Plain            bool // nothing but the button
	Reason, Handover bool
	People           []Option
	Other            bool // needs another case
	Lanes            []Option
	Open             bool // it was sent and refused
}

const insideHats = office.Desk | office.Holder | office.Lead

// theCase reads the case that the address names, for who asks.
func (c *call) theCase() (office.Case, error) {
	no := c.r.PathValue("no")
	if !strings.Contains(no, "-") {
		return office.Case{}, errNoPage
	}
	k, err := c.o.Office.Case(c.r.Context(), c.me, no)
	if err == nil && k.Hats&(insideHats|office.Filer) == 0 {
		err = errNoPage
	}
	return k, err
}

func showCase(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	page, err := c.casePage(k, &form{Values: url.Values{}})
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "case", page)
}

// caseAgain shows the page of a case as it is now, with what was typed and why
// it was not done.
func (c *call) caseAgain(fault error, f *form) error {
	var e *office.Error
	if !errors.As(fault, &e) {
		return fault
	}
	k, err := c.theCase()
	if err != nil {
		return err
	}
	page, err := c.casePage(k, f)
	if err != nil {
		return err
	}
	return c.again(fault, "case", f, page)
}

// casePage reads what belongs to a case. f is what was typed into its forms.
func (c *call) casePage(k office.Case, f *form) (*casePage, error) {
	ctx, db := c.r.Context(), c.o.Office
	p := &casePage{Case: k, Row: caseRows([]office.Case{k}, c.o.Now())[0], Form: f, Inside: k.Hats&insideHats != 0, Lead: k.Hats&office.Lead != 0, Request: reference() + reference()}
	p.Way = wayName(k.Via)
	var err error
	if p.Events, err = db.Events(ctx, k); err != nil {
		return nil, err
	}
	names, err := db.Names(ctx, k.Holder, k.Filer)
	if err != nil {
		return nil, err
	}
	p.Holder, p.Filer = names[k.Holder], names[k.Filer]
	if p.Place, err = c.orgName(k.Org); err != nil {
		return nil, err
	}
	if k.IntoCase != 0 {
		if p.Into, err = db.CaseNo(ctx, k.IntoCase); err != nil {
			return nil, err
		}
	}
	if !p.Inside {
		return p, nil
	}
	if p.Talk, err = db.Talk(ctx, k); err != nil {
		return nil, err
	}
	if !f.Has("f.story") {
		card(f, k)
	}
	p.Correct, p.Editing = !k.State.Finished(), f.Get("form") == "facts"
	if err := p.mediation(c); err != nil {
		return nil, err
	}
	if err := p.moves(c); err != nil {
		return nil, err
	}
	return p, p.answer(c)
}

func wayName(via string) string {
	for _, w := range office.Ways {
		if w.Key == via {
			return w.Name
		}
	}
	return via
}

func (c *call) orgName(id int64) (string, error) {
	all, err := c.o.Office.Orgs(c.r.Context())
	if err != nil {
		return "", err
	}
	for _, o := range all {
		if o.ID == id {
			return o.Name, nil
		}
	}
	return "", nil
}

// card fills the form of the facts with what is on record.
func card(f *form, k office.Case) {
	for name, v := range map[string]string{"name": k.Name, "phone": k.Phone, "place": k.Place, "parties": k.Parties, "story": k.Story, "wish": k.Wish} {
		f.Set("f."+name, v)
	}
}

// mediation reads what belongs to a dispute: its lane, who could mediate, what
// became of it.
func (p *casePage) mediation(c *call) error {
	ctx, db := c.r.Context(), c.o.Office
	if p.Case.Lane == "" {
		return nil
	}
	lane, err := db.Proposal(ctx, p.Case)
	if err != nil {
		return err
	}
	p.Lane, p.Report = &lane, p.Case.Lane == office.LaneReport
	if p.Mediation, p.Sessions, p.Outcome, err = db.Mediation(ctx, p.Case); err != nil {
		return err
	}
	p.Mediates = !p.Report && slices.Contains([]office.State{office.Accepted, office.Assigned, office.Working}, p.State)
	for _, o := range office.Outcomes {
		p.Outcomes = append(p.Outcomes, Option{o, o, false})
	}
	if p.Report || !p.State.Open() {
		return nil
	}
	p.Suggested, err = db.Suggest(ctx, p.Case)
	return err
}

// moves makes a form of every move that may be made now.
func (p *casePage) moves(c *call) error {
	var people []Option
	for _, m := range office.Moves {
		if !slices.Contains(p.Next, m.Verb) {
			continue
		}
		if m.Verb == "answer" {
			p.Answering = true
			continue
		}
		x := moveForm{Move: m, Plain: m.Needs == 0, Reason: m.Needs&office.NeedReason != 0, Other: m.Needs&office.NeedCase != 0, Handover: m.Verb == "handover", Open: p.Form.Get("verb") == m.Verb && p.Form.Has("verb")}
		if m.Needs&office.NeedPerson != 0 {
			if people == nil {
				var err error
				if people, err = p.candidates(c); err != nil {
					return err
				}
			}
			x.People = people
		}
		if x.Handover {
			for _, l := range office.Lanes[:4] {
				x.Lanes = append(x.Lanes, Option{l, office.LaneName(l), false})
			}
		}
		p.Moves = append(p.Moves, x)
	}
	return nil
}

// maxCandidates is how many people a choice offers.
const maxCandidates = 200

func (p *casePage) candidates(c *call) ([]Option, error) {
	list, err := c.o.Office.Candidates(c.r.Context(), p.Case)
	if err != nil {
		return nil, err
	}
	options := []Option{{"", "请选择", true}}
	for _, m := range slices.Concat(p.Suggested, list[:min(len(list), maxCandidates)]) {
		value := itoa(int(m.ID))
		if slices.ContainsFunc(options, func(o Option) bool { return o.Value == value }) {
			continue
		}
		label := m.Name + "（" + m.Posts[0].Org.Name + m.Posts[0].Name + "，在办 " + itoa(m.Load) + " 件）"
		if slices.ContainsFunc(p.Suggested, func(s office.Person) bool { return s.ID == m.ID }) {
			label = "推荐：" + label
		}
		options = append(options, Option{value, label, false})
	}
	return options, nil
}

// answer fills the form of the answer: what was typed, else the draft.
func (p *casePage) answer(c *call) error {
	if !p.Answering {
		return nil
	}
	p.CanDraft = c.o.Draft != nil
	d, ok, err := c.o.Office.Draft(c.r.Context(), p.Case)
	if err != nil {
		return err
	}
	if ok {
		p.Draft = &d
		if !p.Form.Has("text") {
			p.Form.Set("text", d.Text)
		}
		p.Aside = !sameWords(p.Form.Get("text"), d.Text)
	}
	return nil
}

// printCase shows a case as one prints it for the file.
func printCase(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	page, err := c.casePage(k, &form{Values: url.Values{}})
	if err == nil {
		err = c.o.Office.NoteRead(c.r.Context(), c.me, k.No, office.ReadPrint)
	}
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "case_print", page)
}

type agreementPage struct {
	office.Case
	Text string
}

// agreement shows the document of what the parties agreed.
func agreement(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	m, _, ok, err := c.o.Office.Mediation(c.r.Context(), k)
	if err != nil {
		return err
	}
	if !ok || m.ConfirmBy.IsZero() {
		return &office.Error{Kind: office.Conflict, Msg: "这件还没有达成协议，没有协议书。"}
	}
	if err := c.o.Office.NoteRead(c.r.Context(), c.me, k.No, office.ReadAgreement); err != nil {
		return err
	}
	return c.show(http.StatusOK, "agreement", agreementPage{k, k.Agreement(m)})
}
