package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
	"mingbai/office"
)

func TestMain(m *testing.M) {
	code := m.Run()
	servers.Stop()
	os.Exit(code)
}

// Zero bytes and half characters in an address or a field are nobody's fault but
// the sender's, on PostgreSQL too, which keeps none of them.
func TestOddBytes(t *testing.T) {
	t.Parallel()
	m := newMatrixOn(t, office.Options{DatabaseURL: servers.PostgresURL(t)})
	token := m.token(m.county)
	for address, want := range map[string]int{
		"/console/people?name=%00%ff": http.StatusOK, "/console/cases?q=%00城东&state=all": http.StatusOK, "/console/audit?text=%00": http.StatusOK, "/console/content?text=a%00": http.StatusOK,
		"/console/cases/2026-%00-1": http.StatusNotFound, "/console/cases/%ff-1": http.StatusNotFound, "/console/pictures/%00": http.StatusNotFound, "/console/people/%00": http.StatusNotFound,
	} {
		r := httptest.NewRequest(http.MethodGet, address, nil)
		r.AddCookie(&http.Cookie{Name: loopbackName, Value: token})
		w := httptest.NewRecorder()
		m.console.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: got %d, want %d", address, w.Code, want)
		}
	}
	if w := m.send("POST /console/sign-in", "", "", url.Values{"_login": {"a\x00b"}, "_password": {"x\x00y"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("signing in: got %d", w.Code)
	}
}

// What a person may not do is forbidden; too many tries are too many.
func TestAgain_SaysWhatWasWrong(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	writer := m.actors[office.Officer]
	if w := m.send("POST /console/content/{id}/approve", fmt.Sprint(m.piece(writer)), m.token(writer), nil); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "不能是同一个人") {
		t.Errorf("approved by its writer: got %d", w.Code)
	}
	last := 0
	for range 7 {
		last = m.send("POST /console/sign-in", "", "", url.Values{"_login": {"nobody"}, "_password": {"x"}}).Code
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("after many tries: got %d", last)
	}
}

func TestSuspensionTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	p := m.actors[office.Clerk]
	token := m.token(p)
	if w := m.send("GET /console", "", token, nil); w.Code != http.StatusOK {
		t.Fatalf("got %d", w.Code)
	}
	if err := m.db.Suspend(t.Context(), "test", p.ID, true); err != nil {
		t.Fatal(err)
	}
	if w := m.send("GET /console", "", token, nil); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/sign-in" {
		t.Errorf("suspended: got %d", w.Code)
	}
}

// A page that needs proof asks for it, keeps what was typed, and goes on.
func TestProof(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	first, err := m.db.AddConsoleAccount(t.Context(), "test", m.actors[office.Clerk].ID, "clerk")
	if err != nil {
		t.Fatal(err)
	}
	s, err := m.db.ConsoleSession(t.Context(), m.token(m.actors[office.Clerk]))
	if err != nil {
		t.Fatal(err)
	}
	const chosen = "xigua qiaoliang 42"
	if _, err := m.db.ChangeConsolePassword(t.Context(), s, first, chosen); err != nil {
		t.Fatal(err)
	}
	token := m.token(m.actors[office.Clerk])
	later := time.Now().Add(office.ProvedFor + time.Second)
	m.console.o.Now = func() time.Time { return later }
	const pattern = "POST /console/account/codes/off"
	w := m.send(pattern, "", token, url.Values{"words": {`"><script>`}, "_proof": {"falsch"}})
	body := w.Body.String()
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, `name="words" value="&#34;&gt;&lt;script&gt;"`) || strings.Contains(body, "falsch") {
		t.Errorf("got %d %s", w.Code, body)
	}
	if w = m.send(pattern, "", token, url.Values{"_proof": {chosen}}); w.Code != http.StatusSeeOther {
		t.Errorf("with the password: got %d %s", w.Code, w.Body)
	}
}

// A form that is sent when the session is over is not lost: it goes on after
// signing in on the same page.
func TestSessionOverWhileTyping(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	first, err := m.db.AddConsoleAccount(t.Context(), "test", m.actors[office.Clerk].ID, "clerk")
	if err != nil {
		t.Fatal(err)
	}
	w := m.send("POST /console/account/password", "", "", url.Values{"words": {"很长的一段"}, "_password": {first}})
	if w.Code != http.StatusUnauthorized || !strings.Contains(w.Body.String(), `name="words" value="很长的一段"`) || strings.Contains(w.Body.String(), first) {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	w = m.send("POST /console/account/password", "", "", url.Values{"_login": {"clerk"}, "_password": {first}, "password": {"xigua qiaoliang 42"}, "password2": {"xigua qiaoliang 42"}})
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/console/account" || len(w.Result().Cookies()) == 0 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

func TestCookies(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	first, err := m.db.AddConsoleAccount(t.Context(), "test", m.actors[office.Clerk].ID, "clerk")
	if err != nil {
		t.Fatal(err)
	}
	for name, loopback := range map[string]bool{cookieName: false, loopbackName: true} {
		m.console.o.Loopback = loopback
		w := m.send("POST /console/sign-in", "", "", url.Values{"_login": {"clerk"}, "_password": {first}})
		list := w.Result().Cookies()
		if len(list) != 1 {
			t.Fatalf("got %d, cookies %v", w.Code, list)
		}
		k := list[0]
		if k.Name != name || k.Secure == loopback || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Domain != "" {
			t.Errorf("got %+v", k)
		}
	}
}

// A value that somebody put into the browser before is not taken over by signing
// in, and no cookie that was changed opens anything.
func TestSessionsCannotBeFixedOrForged(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	first, err := m.db.AddConsoleAccount(t.Context(), "test", m.actors[office.Clerk].ID, "clerk")
	if err != nil {
		t.Fatal(err)
	}
	planted := m.token(m.stranger)
	w := m.send("POST /console/sign-in", "", planted, url.Values{"_login": {"clerk"}, "_password": {first}})
	if len(w.Result().Cookies()) != 1 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	token := w.Result().Cookies()[0].Value
	opens := func(token string) bool {
		return m.send("GET /console/account/password", "", token, nil).Code == http.StatusOK
	}
	if token == planted || !opens(token) || opens(planted) {
		t.Error("the planted session goes on")
	}
	for _, forged := range []string{token[:len(token)-1], token + "A", strings.ToLower(token), "A" + token[1:] + "=", token[1:], strings.Repeat("A", 43), "' OR 1=1 --"} {
		if forged != token && opens(forged) {
			t.Errorf("%q opens a session", forged)
		}
	}
	if w := m.send("POST /console/sign-out", "", token, nil); w.Code != http.StatusSeeOther || opens(token) {
		t.Errorf("after signing out: got %d", w.Code)
	}
}

func TestInside(t *testing.T) {
	t.Parallel()
	for to, want := range map[string]string{
		"":                            "/console",
		"/console/people?page=2":      "/console/people?page=2",
		"/console/../api":             "/console",
		"//evil.example/console":      "/console",
		"https://evil.example":        "/console",
		"/consolex":                   "/console",
		"/\\evil.example":             "/console",
		"javascript:alert(1)":         "/console",
		"/console//evil.example":      "/console",
		"/console/\r\nSet-Cookie: x":  "/console",
		"/console/sign-in?next=//x.y": "/console/sign-in?next=//x.y",
	} {
		if got := inside(to); got != want {
			t.Errorf("inside(%q) = %q, want %q", to, got, want)
		}
	}
}
