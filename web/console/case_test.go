package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mingbai/office"
)

// Somebody was quicker: what was typed is still there, and the page shows how the
// case is now.
func TestCase_AConflictKeepsWhatWasTyped(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	clerk := m.actors[office.Clerk]
	own, _ := caseObjects(m, clerk)
	token := m.token(clerk)
	if _, err := m.db.Act(t.Context(), m.actors[office.Admin], own, office.Action{Verb: "accept"}); err != nil {
		t.Fatal(err)
	}
	const typed = "写了半天的答复<b>，不能丢"
	w := m.send("POST /console/cases/{no}/act", own, token, url.Values{"verb": {"answer"}, "text": {typed}, "version": {"1"}, "request": {"r1"}})
	body := w.Body.String()
	for _, want := range []string{"刚刚被别人处理过", "写了半天的答复&lt;b&gt;，不能丢", "已受理", `name="version" value="2"`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in the page", want)
		}
	}
	if w.Code != http.StatusConflict {
		t.Errorf("got %d", w.Code)
	}
	for range 2 { // the same form sent twice answers once
		if w = m.send("POST /console/cases/{no}/act", own, token, url.Values{"verb": {"answer"}, "text": {typed}, "version": {"2"}, "request": {"r2"}}); w.Code != http.StatusSeeOther {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
	}
	c, err := m.db.Case(t.Context(), clerk, own)
	if err != nil || c.State != office.Answered || c.Answer != typed || c.Version != 3 {
		t.Errorf("got %+v, %v", c, err)
	}
}

// Restricted cases are neither listed with words nor there at all for who is not
// cleared.
func TestCases_RestrictedOnesAreForThoseCleared(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	clerk := m.actors[office.Clerk]
	o, err := m.db.OpenCase(t.Context(), office.Person{Account: "qq/user/a"}, office.Draft{Via: office.ViaResident, Matter: "consult", Place: "城东街道", Name: "小明", Story: "同学天天抢我的钱，老师不管。", Minor: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, cleared := range []bool{true, false} { // while somebody else of the place is cleared
		if err := m.db.Clear(t.Context(), "test", clerk.ID, cleared, "分管未成年人保护"); err != nil {
			t.Fatal(err)
		}
		list := m.send("GET /console/cases", "", m.token(clerk), nil).Body.String()
		page := m.send("GET /console/cases/{no}", o.Case.No, m.token(clerk), nil)
		if strings.Contains(list, o.Case.No) != cleared || (page.Code == http.StatusOK) != cleared || strings.Contains(list, "小明") || strings.Contains(list, "抢我的钱") {
			t.Errorf("cleared %v: page %d, list %v", cleared, page.Code, strings.Contains(list, o.Case.No))
		}
	}
}
