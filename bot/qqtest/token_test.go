package qqtest

import (
	"testing"
	"time"
)

// Behaviours 1 to 3: tokens and who may call.

func TestTokenRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for _, c := range []struct {
		name, auth string
		code       int
	}{
		{"missing", "", codeNoToken}, {"Bearer", "Bearer " + r.token, codeNoToken}, {"Bot", "Bot " + appID + "." + r.token, codeNoToken},
		{"unknown", "QQBot nonsense", codeUnknownToken},
	} {
		status, out := r.raw("GET", "/users/@me", c.auth, nil)
		if status != 401 || errCode(out) != c.code {
			t.Errorf("%s: %d %v, want 401 %d", c.name, status, out, c.code)
		}
	}
	if status, out := r.call("GET", "/users/@me", nil); status != 200 || out["bot"] != true {
		t.Errorf("me: %d %v", status, out)
	}
	r.p.RevokeToken(r.bot)
	if status, out := r.call("GET", "/users/@me", nil); status != 401 || errCode(out) != codeExpiredToken {
		t.Errorf("revoked: %d %v", status, out)
	}
	r.login()
	r.p.Advance(2 * time.Hour)
	if status, out := r.call("GET", "/users/@me", nil); status != 401 || errCode(out) != codeExpiredToken {
		t.Errorf("expired: %d %v", status, out)
	}
	if n := len(r.p.Transcript(Filter{Endpoint: "me"})); n != 7 {
		t.Errorf("%d attempts in the transcript, want 7", n)
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	ask := func() (string, string) {
		_, out := r.raw("POST", "/app/getAppAccessToken", "", object{"appId": appID, "clientSecret": secret})
		token, _ := out["access_token"].(string)
		left, _ := out["expires_in"].(string) // a string, whatever the table in the documents says
		return token, left
	}
	if token, left := ask(); token != r.token || left != "7200" {
		t.Errorf("second call: %q %q", token, left)
	}
	r.p.Advance(2*time.Hour - 61*time.Second)
	if token, left := ask(); token != r.token || left != "61" {
		t.Errorf("61 s before the end: %q %q", token, left)
	}
	r.p.Advance(time.Second)
	fresh, left := ask()
	if fresh == r.token || left != "7200" {
		t.Errorf("in the last minute: %q %q", fresh, left)
	}
	if status, _ := r.call("GET", "/users/@me", nil); status != 200 {
		t.Errorf("the old token in its last minute: %d", status)
	}
	r.p.Advance(time.Minute)
	if status, _ := r.call("GET", "/users/@me", nil); status != 401 {
		t.Errorf("the old token after it: %d", status)
	}
	if status, _ := r.raw("GET", "/users/@me", "QQBot "+fresh, nil); status != 200 {
		t.Errorf("the new token: %d", status)
	}
}

func TestTokenErrorsComeWith200(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	ask := func(id, secret string) (int, int) {
		status, out := r.raw("POST", "/app/getAppAccessToken", "", object{"appId": id, "clientSecret": secret})
		return status, errCode(out)
	}
	r.p.Arm(Fault{Kind: FaultError, Endpoint: "token", Status: 200, Code: codeTooMany}, 1)
	for _, c := range []struct {
		id, secret string
		code       int
	}{{appID, secret, codeTooMany}, {"999", secret, codeBadAppID}, {appID, "wrong", codeBadSecret}, {appID, secret, 0}} {
		if status, code := ask(c.id, c.secret); status != 200 || code != c.code {
			t.Errorf("%s/%s: %d %d, want 200 %d", c.id, c.secret, status, code, c.code)
		}
	}
	r.bot.Ban(true)
	if _, code := ask(appID, secret); code != codeBadAppID {
		t.Errorf("banned: %d", code)
	}
	for _, e := range r.p.Transcript(Filter{Endpoint: "token"}) {
		if len(e.Request) > 0 || len(e.Response) > 0 {
			t.Errorf("the transcript keeps a secret: %s %s", e.Request, e.Response)
		}
	}
}

func TestBlockedIP(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.p.Rules(func(r *Rules) { r.BlockedIP = true })
	status, out := r.call("GET", "/users/@me", nil)
	if status != 401 || out["code"] != float64(codeIP) || out["err_code"] != float64(codeIPErr) {
		t.Errorf("got %d %v", status, out)
	}
	r.login() // the token endpoint is not held to the list
}

func TestUnknownPathAndMethod(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	for path, want := range map[string]int{"/v2/nothing": 404, "/v2/users//messages": 404, "/": 404, "/users/@me": 405} {
		if status, out := r.call("POST", path, object{}); status != want || errCode(out) == 0 {
			t.Errorf("POST %s: %d %v, want %d", path, status, out, want)
		}
	}
}
