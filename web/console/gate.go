package console

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"mingbai/office"
)

// Cookies of a session. The prefix __Host- has browsers take it over TLS only,
// for this host and the whole path; the other one is for trials on loopback.
const (
	cookieName   = "__Host-mingbai"
	loopbackName = "mingbai-loopback"
)

// Bounds of a request's body, in bytes.
const (
	maxForm   = 256 << 10
	maxUpload = 9 << 20 // a table of office.ReadTable and the form around it
)

// call is one request with who sent it.
type call struct {
	*Console
	w       http.ResponseWriter
	r       *http.Request
	row     route
	session office.ConsoleSession // zero on open pages
	me      office.Person
}

// handler is the one place that asks for sign-in, role, scope and proof.
func (c *Console) handler(row route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := int64(maxForm)
		if row.upload {
			limit = maxUpload
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		x := &call{Console: c, w: w, r: r, row: row}
		pass, err := x.gate()
		if err == nil && pass {
			err = row.run(x)
		}
		if err != nil {
			x.fail(err)
		}
	})
}

// gate says whether the row's handler may run. If not it has answered, or says
// by the error what to answer.
func (c *call) gate() (pass bool, err error) {
	if p := c.r.URL.Path; !utf8.ValidString(p) || strings.ContainsRune(p, 0) { // the records know no such name
		return false, errNoPage
	}
	err = c.identify()
	if err == nil || !c.multipart() { // files of strangers are not read
		if err := c.parse(); err != nil {
			return false, err
		}
	}
	switch {
	case c.row.open && (err == nil || office.KindOf(err) == office.NotFound):
		return true, nil
	case office.KindOf(err) == office.NotFound:
		return c.signInFirst()
	case err != nil:
		return false, err
	}
	return c.admit()
}

// admit asks whether who is signed in may do this.
func (c *call) admit() (pass bool, err error) {
	switch {
	case !c.row.early && c.session.MustChange:
		return false, c.redirect("/console/account/password")
	case !c.row.early && c.o.NeedCodes && !c.session.TOTP && !c.session.Vouched:
		return false, c.redirect("/console/account/codes")
	case !c.row.allows(c.me):
		return false, c.denied(&office.Error{Kind: office.Forbidden, Msg: "这一页不归您的角色管。需要的话请找管理员。"})
	}
	if c.row.county && !c.me.CoversAll(c.row.roles...) {
		return false, errNoPage
	}
	if c.row.scope != nil {
		paths, err := c.row.scope(c)
		if err != nil {
			return false, err
		}
		if !slices.ContainsFunc(paths, c.covers) {
			return false, c.denied(errNoPage)
		}
	}
	if c.row.fresh && !c.session.Fresh(c.o.Now()) {
		return c.proveFirst()
	}
	return true, nil
}

// denied writes into the audit that somebody who is signed in asked for what is
// not theirs: which page, and whose number stood in the address.
func (c *call) denied(why error) error {
	object := c.row.pattern
	if id := c.r.PathValue("id"); id != "" && len(id) <= 20 {
		object += " " + id
	}
	if err := c.o.Office.Note(c.r.Context(), c.me.Actor(), "denied", object); err != nil {
		c.o.Log.Error("a denial is not in the audit", "route", c.row.pattern, "err", err)
	}
	return why
}

// Foreign writes into the audit that another site's page sent a request with the
// cookie of somebody who is signed in. What comes without one is nobody's.
func (c *Console) Foreign(r *http.Request) {
	x := &call{Console: c, r: r}
	if x.identify() != nil {
		return
	}
	if err := c.o.Office.Note(r.Context(), x.me.Actor(), "denied", "request of another site"); err != nil {
		c.o.Log.Error("a denial is not in the audit", "err", err)
	}
}

// covers says whether a place is in the scope of the roles that this row needs.
func (c *call) covers(path string) bool { return c.me.Covers(path, c.row.roles...) }

// identify finds the session of the request's cookie. NotFound if there is none.
func (c *call) identify() error {
	k, err := c.r.Cookie(c.cookie())
	if err != nil {
		return errNoPage
	}
	c.session, err = c.o.Office.ConsoleSession(c.r.Context(), k.Value)
	c.me = c.session.Person
	return err
}

func (c *Console) cookie() string {
	if c.o.Loopback {
		return loopbackName
	}
	return cookieName
}

// setCookie gives the browser a session's token; "" takes it away. The cookie
// itself has no end: the session's row says when it is over.
func (c *call) setCookie(token string) {
	k := &http.Cookie{Name: c.cookie(), Value: token, Path: "/", Secure: !c.o.Loopback, HttpOnly: true, SameSite: http.SameSiteStrictMode}
	if token == "" {
		k.MaxAge = -1
	}
	http.SetCookie(c.w, k)
}

func (c *call) multipart() bool {
	return c.row.upload && strings.HasPrefix(c.r.Header.Get("Content-Type"), "multipart/form-data")
}

// parse reads the request's form within its bounds.
func (c *call) parse() error {
	if c.r.Method != http.MethodPost {
		return nil
	}
	var err error
	if c.multipart() {
		err = c.r.ParseMultipartForm(maxUpload)
	} else {
		err = c.r.ParseForm()
	}
	var big *http.MaxBytesError
	switch {
	case errors.As(err, &big):
		return &office.Error{Kind: office.Invalid, Msg: "提交的内容太大了。", Err: err}
	case err != nil:
		return &office.Error{Kind: office.Invalid, Msg: "提交的内容读不出来，请返回再试一次。", Err: err}
	}
	return nil
}

// carried is a word of a form that somebody typed before they had to sign in
// or to prove themselves. They go along, so that nothing is lost.
type carried struct{ Name, Value string }

func (c *call) carry() (list []carried) {
	for name, values := range c.r.PostForm {
		if strings.HasPrefix(name, "_") {
			continue
		}
		for _, v := range values {
			list = append(list, carried{name, v})
		}
	}
	slices.SortFunc(list, func(a, b carried) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// signInFirst asks who has no session to sign in, and goes on to what they
// wanted then.
func (c *call) signInFirst() (pass bool, err error) {
	if c.r.Method == http.MethodGet || c.r.Method == http.MethodHead {
		to := "/console/sign-in"
		if c.r.URL.Path != "/console" {
			to += "?next=" + url.QueryEscape(c.r.URL.RequestURI())
		}
		return false, c.redirect(to)
	}
	f := c.form()
	page := signInPage{Form: f, To: c.r.URL.RequestURI(), Carried: c.carry(), Again: true}
	if f.Get("_login") == "" {
		return false, c.show(http.StatusUnauthorized, "sign_in", page)
	}
	token, err := c.signIn(f)
	if err != nil {
		return false, c.again(err, "sign_in", f, page)
	}
	if c.session, err = c.o.Office.ConsoleSession(c.r.Context(), token); err != nil {
		return false, err
	}
	c.me = c.session.Person
	return c.admit()
}

// proveFirst asks for the password or a code before a dangerous act.
func (c *call) proveFirst() (pass bool, err error) {
	f := c.form()
	page := provePage{Form: f, Act: c.r.URL.RequestURI(), Carried: c.carry(), Code: c.session.TOTP, Next: "/console"}
	if c.session.Vouched {
		page.Vouch = c.vouchName()
	}
	if c.r.Method != http.MethodPost || c.r.MultipartForm != nil {
		page.File = c.r.MultipartForm != nil
		page.Act, page.Carried, page.Next = "/console/prove", []carried{{"to", c.r.URL.RequestURI()}}, c.r.URL.RequestURI()
	}
	if f.Get("_proof") == "" {
		return false, c.show(http.StatusOK, "prove", page)
	}
	if err := c.o.Office.Prove(c.r.Context(), c.session, f.Get("_proof")); err != nil {
		return false, c.again(err, "prove", f, page)
	}
	return true, nil
}

type provePage struct {
	Form    *form
	Act     string // where the proof is sent
	Carried []carried
	File    bool   // a file was sent, which does not go along
	Code    bool   // a code from the phone will do too
	Vouch   string // the other system, if it vouched for this sign-in
	Next    string // the page to go on to from there
}

// prove takes a proof for a page that is fetched, not sent to.
func prove(c *call) error {
	f := c.form()
	to := inside(f.Get("to"))
	if err := c.o.Office.Prove(c.r.Context(), c.session, f.Get("_proof")); err != nil {
		return c.again(err, "prove", f, provePage{Form: f, Act: "/console/prove", Carried: []carried{{"to", to}}, Code: c.session.TOTP})
	}
	return c.redirect(to)
}

// redirect has the browser fetch another page.
func (c *call) redirect(to string) error {
	http.Redirect(c.w, c.r, to, http.StatusSeeOther)
	return nil
}
