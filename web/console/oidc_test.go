package console

import (
	"encoding/base64"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"mingbai/internal/servers"
	"mingbai/office"
)

// vouched is a console whose people may sign in by another system.
type vouched struct {
	*matrix
	other *servers.OIDC
	site  *httptest.Server
	clerk office.Person
}

func newVouched(t *testing.T) *vouched {
	t.Helper()
	v := &vouched{matrix: newMatrix(t), other: servers.NewOIDC(t)}
	v.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { v.console.ServeHTTP(w, r) }))
	t.Cleanup(v.site.Close)
	v.other.Back, v.other.Subject = v.site.URL+"/console/oidc/back", "u-1"
	var err error
	if v.console, err = New(Options{Office: v.db, Loopback: true, NeedCodes: true, OIDC: OIDC{
		Name: "省统一认证", Issuer: v.other.URL, ClientID: v.other.ClientID, Secret: v.other.Secret, Back: v.other.Back,
	}}); err != nil {
		t.Fatal(err)
	}
	v.clerk = v.actors[office.Clerk]
	if _, err := v.db.AddConsoleAccount(t.Context(), "test", v.clerk.ID, "clerk"); err != nil {
		t.Fatal(err)
	}
	if err := v.db.LinkConsole(t.Context(), "test", v.clerk.ID, "u-1"); err != nil {
		t.Fatal(err)
	}
	return v
}

// browser is a client that keeps cookies and follows redirects.
func (v *vouched) browser() *http.Client {
	v.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		v.Fatal(err)
	}
	return &http.Client{Jar: jar, Timeout: 10 * time.Second}
}

// in goes through the sign-in and says whether it ended on a page for staff.
func (v *vouched) in(c *http.Client, start string) bool {
	v.Helper()
	for _, path := range []string{start, "/console"} {
		a, err := c.Get(v.site.URL + path)
		if err != nil {
			v.Fatal(err)
		}
		a.Body.Close()
		if a.StatusCode >= http.StatusInternalServerError {
			v.Errorf("%s: got %d", path, a.StatusCode)
		}
		if path == "/console" {
			return a.StatusCode == http.StatusOK && a.Request.URL.Path == "/console"
		}
	}
	return false
}

func TestOIDC(t *testing.T) {
	t.Parallel()
	v := newVouched(t)
	if !v.in(v.browser(), "/console/oidc?next=/console/account") { // also without codes, and with a first password
		t.Fatal("not signed in")
	}
	if !v.in(v.browser(), "/console/oidc?again=1") {
		t.Error("not signed in again")
	}
	b := base64.RawURLEncoding
	claim := func(name string, value any) func() {
		return func() { v.other.Change = func(c map[string]any) { c[name] = value } }
	}
	for name, spoil := range map[string]func(){
		"another issuer":   claim("iss", "https://evil.example"),
		"another audience": claim("aud", "somebody"),
		"another nonce":    claim("nonce", "x"),
		"no nonce":         claim("nonce", ""),
		"out of date":      claim("exp", time.Now().Add(-time.Hour).Unix()),
		"nobody's subject": claim("sub", "u-2"),
		"no subject":       claim("sub", ""),
		"unsigned": func() {
			v.other.Sign = func(_, body string) string {
				return b.EncodeToString([]byte(`{"alg":"none"}`)) + "." + body + "."
			}
		},
		"another signature": func() {
			v.other.Sign = func(header, body string) string {
				return header + "." + body + "." + b.EncodeToString(make([]byte, 256))
			}
		},
		"HMAC with the public key": func() {
			v.other.Sign = func(_, body string) string {
				return b.EncodeToString([]byte(`{"alg":"HS256","kid":"1"}`)) + "." + body + "." + b.EncodeToString(make([]byte, 32))
			}
		},
		"suspended": func() {
			if err := v.db.Suspend(t.Context(), "test", v.clerk.ID, true); err != nil {
				t.Fatal(err)
			}
		},
	} {
		spoil()
		if v.in(v.browser(), "/console/oidc") {
			t.Errorf("%s: signed in", name)
		}
		v.other.Change, v.other.Sign = nil, nil
		if name == "suspended" {
			if err := v.db.Suspend(t.Context(), "test", v.clerk.ID, false); err != nil {
				t.Fatal(err)
			}
		}
	}
	v.other.Change = func(c map[string]any) { c["auth_time"] = time.Now().Add(-time.Hour).Unix() }
	if v.in(v.browser(), "/console/oidc?again=1") {
		t.Error("a proof of an hour ago counts")
	}
	if !v.in(v.browser(), "/console/oidc") {
		t.Error("without again, when the password was given does not matter")
	}
}

// Codes and states of others, and those that were used, sign nobody in.
func TestOIDC_CodesAreTheBrowsersOwn(t *testing.T) {
	t.Parallel()
	v := newVouched(t)
	victim, thief := v.browser(), v.browser()
	var back string
	thief.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(r.URL.Path, "/console/oidc/back") {
			back = r.URL.RequestURI()
			return http.ErrUseLastResponse
		}
		return nil
	}
	a, err := thief.Get(v.site.URL + "/console/oidc")
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if back == "" || v.in(victim, back) {
		t.Errorf("%q of another browser signs in", back)
	}
	q, _ := url.Parse(back)
	values := q.Query()
	values.Set("state", "x")
	if v.in(thief, "/console/oidc/back?"+values.Encode()) {
		t.Error("another state signs in")
	}
	if v.in(thief, back) {
		t.Error("the cookie of a sign-in that failed is good again")
	}
}

func TestOIDC_SubjectsAreOnePersons(t *testing.T) {
	t.Parallel()
	v := newVouched(t)
	admin := v.actors[office.Admin]
	if err := v.db.LinkConsole(t.Context(), "test", admin.ID, "u-2"); office.KindOf(err) != office.Conflict {
		t.Errorf("without an account: %v", err)
	}
	if _, err := v.db.AddConsoleAccount(t.Context(), "test", admin.ID, "admin1"); err != nil {
		t.Fatal(err)
	}
	if err := v.db.LinkConsole(t.Context(), "test", admin.ID, "u-1"); office.KindOf(err) != office.Conflict {
		t.Errorf("a subject that is somebody's: %v", err)
	}
	if err := v.db.LinkConsole(t.Context(), "test", v.clerk.ID, ""); err != nil {
		t.Fatal(err)
	}
	v.other.Subject = ""
	if v.in(v.browser(), "/console/oidc") {
		t.Error("no subject signs in who has none")
	}
}

func TestOIDC_TheOtherIsDown(t *testing.T) {
	t.Parallel()
	v := newVouched(t)
	v.other.Close()
	a, err := v.browser().Get(v.site.URL + "/console/oidc")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("got %d", a.StatusCode)
	}
}
