package console

import (
	"net/http"
	"strings"

	"mingbai/office"
)

type signInPage struct {
	Form    *form
	To      string    // where the form is sent
	Next    string    // the page after it
	Carried []carried // what was typed before the session was over
	Again   bool      // the session was over
	Vouch   string    // the other system to sign in with; "" if there is none
	Plain   bool      // the browser came without TLS, so that it will not keep the cookie
}

// signInForm asks who it is. Who is signed in already goes on.
func signInForm(c *call) error {
	f := c.form()
	if c.me.ID != 0 {
		return c.redirect(inside(f.Get("next")))
	}
	return c.show(http.StatusOK, "sign_in", signInPage{Form: f, To: "/console/sign-in", Next: inside(f.Get("next")), Plain: c.plain(), Vouch: c.vouchName()})
}

// plain says whether a browser would throw the session's cookie away. Chromium and Firefox
// take loopback for safe.
func (c *call) plain() bool {
	return !c.o.Loopback && !c.o.Secure(c.r)
}

// signIn takes login, password and code, and always begins a new session.
func signIn(c *call) error {
	f := c.form()
	if _, err := c.signIn(f); err != nil {
		return c.again(err, "sign_in", f, signInPage{Form: f, To: "/console/sign-in", Next: inside(f.Get("next")), Plain: c.plain(), Vouch: c.vouchName()})
	}
	return c.redirect(inside(f.Get("next")))
}

// signIn checks what was typed and gives the browser its cookie.
func (c *call) signIn(f *form) (token string, err error) {
	token, err = c.o.Office.SignIn(c.r.Context(), office.SignIn{
		Login: f.Get("_login"), Password: f.Get("_password"), Code: f.Get("_code"),
		Address: c.o.Sender(c.r), Device: device(c.r.UserAgent()),
	})
	if err != nil {
		return "", err
	}
	if c.session.ID != 0 { // somebody else was signed in here
		if err := c.o.Office.EndConsoleSession(c.r.Context(), c.me, c.session.ID); err != nil && office.KindOf(err) != office.NotFound {
			return "", err
		}
	}
	c.setCookie(token)
	return token, nil
}

func signOut(c *call) error {
	if err := c.o.Office.EndConsoleSession(c.r.Context(), c.me, c.session.ID); err != nil {
		return err
	}
	c.setCookie("")
	return c.redirect("/console/sign-in")
}

// device says in a few words what a browser says it is, for the list of where
// somebody is signed in. Nothing else of it is kept.
func device(agent string) string {
	find := func(names ...string) string {
		for i := 0; i < len(names); i += 2 {
			if strings.Contains(agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := find("MicroMessenger", "微信", "QQBrowser", "QQ浏览器", "Edg", "Edge", "Firefox", "Firefox", "Chrome", "Chrome", "Safari", "Safari")
	system := find("Android", "安卓", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "Mac OS", "Mac", "Linux", "Linux")
	if text := strings.TrimSpace(system + " " + browser); text != "" {
		return text
	}
	return "其他设备"
}
