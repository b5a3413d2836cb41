package console

import (
	"context"
	"net/http"
	"strings"
	"time"

	"mingbai/office"
)

// actOnCase makes one move of the table of moves.
func actOnCase(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	f := c.form()
	verb := f.Get("verb")
	if verb == "answer" && f.Has("preview") {
		return c.previewAnswer(k, f)
	}
	a := office.Action{Request: c.request(f), Verb: verb, Note: f.Get(verb + ".note"), To: f.number(verb + ".to"), Into: f.Get(verb + ".into"), Lane: f.Get(verb + ".lane"), Version: f.number("version")}
	if verb == "answer" {
		a.Text = f.Get("text")
	}
	after, err := c.o.Office.Act(c.r.Context(), c.me, k.No, a)
	if err != nil {
		return c.caseAgain(err, f)
	}
	said := "已记下：现在是“" + after.State.Name() + "”。"
	if after.Hats&(insideHats|office.Filer) == 0 {
		return c.done("/console/cases", said+"这件不再归您办。")
	}
	return c.done(addressOf("cases", after.No), said)
}

// request names what a form asks for, so that sending it twice does it once.
func (c *call) request(f *form) string {
	if f.Get("request") == "" {
		return ""
	}
	return "console " + f.Get("request")
}

// previewAnswer shows the answer as the resident will read it.
func (c *call) previewAnswer(k office.Case, f *form) error {
	page, err := c.casePage(k, f)
	if err != nil {
		return err
	}
	if page.Preview, err = c.o.Office.PreviewAnswer(c.r.Context(), c.me, k, f.Get("text")); err != nil {
		return err
	}
	return c.show(http.StatusOK, "case", page)
}

// correctFacts puts the card right.
func correctFacts(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	f := c.form()
	_, err = c.o.Office.Correct(c.r.Context(), c.me, k.No, c.request(f), f.number("version"), office.Facts{Name: f.Get("f.name"), Phone: f.Get("f.phone"),
		Place: f.Get("f.place"), Parties: f.Get("f.parties"), Story: f.Get("f.story"), Wish: f.Get("f.wish")})
	if err != nil {
		return c.caseAgain(err, f)
	}
	return c.done(addressOf("cases", k.No), "已更正，原来的内容留在办理过程里。")
}

// draftTime bounds how long a clerk waits for a draft: a model has 20 s for its
// words, and the records are read and written.
const draftTime = 45 * time.Second

// draftAnswer has an answer proposed. A draft that was asked for is made and kept
// whether the browser waits for it or not, and what the clerk has typed stays.
func draftAnswer(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	f := c.form()
	if c.o.Draft == nil {
		return c.caseAgain(&office.Error{Kind: office.Conflict, Msg: "这里没有设置起草。"}, f)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.r.Context()), draftTime)
	defer cancel()
	before, _, err := c.o.Office.Draft(ctx, k)
	if err != nil {
		return err
	}
	allowed, err := c.o.Office.DraftConsent(ctx, k, "model")
	if err != nil {
		return err
	}
	d, err := c.o.Draft(ctx, c.me, k, allowed)
	if err != nil {
		return c.caseAgain(err, f)
	}
	missed := d.Missed
	if d, err = c.o.Office.KeepDraft(ctx, c.me, k, d); err != nil {
		return c.caseAgain(err, f)
	}
	said := drafted(d, missed, allowed)
	if typed := f.Get("text"); typed == "" || sameWords(typed, before.Text) || sameWords(typed, d.Text) {
		return c.done(addressOf("cases", k.No)+"#answer", said)
	}
	page, err := c.casePage(k, f)
	if err != nil {
		return err
	}
	page.Said = said
	return c.show(http.StatusOK, "case", page)
}

// drafted tells a clerk what became of the draft.
func drafted(d office.CaseDraft, missed string, allowed bool) string {
	switch {
	case d.Model != "":
		return "草稿好了，请逐句核对再发。"
	case missed != "":
		return missed + "。先从审核过的条目里摘了一份，请改成对这个人说的话再发；也可以过一会儿再起草。"
	case !allowed:
		return "从审核过的条目里摘了一份，请改成对这个人说的话再发。（本人没有同意用大模型，所以没有用。）"
	}
	return "从审核过的条目里摘了一份，请改成对这个人说的话再发。"
}

// sameWords compares texts as a form sends them back: with other line ends, and
// without blanks around.
func sameWords(a, b string) bool {
	return strings.TrimSpace(strings.ReplaceAll(a, "\r\n", "\n")) == strings.TrimSpace(b)
}

// addSession keeps the record of a meeting.
func addSession(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	f := c.form()
	if _, err := c.o.Office.AddSession(c.r.Context(), c.me, k.No, c.request(f), f.Get("s.place"), f.Get("s.note")); err != nil {
		return c.caseAgain(err, f)
	}
	return c.done(addressOf("cases", k.No), "调解记录已记下。")
}

// setOutcome keeps what became of a mediation.
func setOutcome(c *call) error {
	k, err := c.theCase()
	if err != nil {
		return err
	}
	f := c.form()
	m := office.Mediation{Outcome: f.Get("o.outcome"), Terms: f.Get("o.terms")}
	if s := f.Get("o.signed"); s != "" {
		if m.Effective, err = time.ParseInLocation(time.DateOnly, s, china); err != nil {
			return c.caseAgain(&office.Error{Kind: office.Invalid, Msg: "生效的日子写成 2026-11-22 这样。"}, f)
		}
	}
	_, m, err = c.o.Office.SetOutcome(c.r.Context(), c.me, k.No, c.request(f), m)
	if err != nil {
		return c.caseAgain(err, f)
	}
	said := "调解结果已记下。请告诉双方还可以走仲裁、行政处理、诉讼。"
	if !m.ConfirmBy.IsZero() {
		said = "调解结果已记下。双方共同申请司法确认最迟 " + shown(m.ConfirmBy, "2006年1月2日") + "，快到期时会提醒。"
	}
	return c.done(addressOf("cases", k.No), said)
}
