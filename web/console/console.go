// Package console is the office's pages: what clerks, mediators, advisers,
// officers and administrators open in a browser under /console. It shows and asks
// for what package office keeps and decides; it hides sign-in, sessions, roles
// and scope from the pages. Pages are HTML from the server with plain forms; a
// small script adds keys and closes menus, and everything works without it.
//
// To add a page: a row in the table of routes.go (pattern, who may, what object
// it is about, handler), a template in pages/ that defines "title" and "main", a
// handler that ends with c.show, c.again or c.done, and a row in the
// expectations of matrix_test.go, without which the tests fail. A handler never
// asks who somebody is; it says whose object the address names by the row's
// scope, and passes c.me on to package office.
package console

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"mingbai/knowledge"
	"mingbai/office"
)

// Options is what the console is made of.
type Options struct {
	Office *office.DB
	Log    *slog.Logger // discarded if nil
	// Sender is the network address that failed sign-ins count for; RemoteAddr
	// if nil.
	Sender func(*http.Request) string
	// Secure says whether the browser came by TLS; nil: by the request itself.
	Secure func(*http.Request) bool
	// Loopback is for plain http on this machine alone: the cookie has another
	// name and is not marked Secure.
	Loopback bool
	// NeedCodes has everybody set up codes from the phone before anything else.
	NeedCodes bool
	// Check looks at what officers wrote; nil: only what the office sees by itself.
	Check office.Check
	// Card makes a question card from a knowledge entry; nil: there are none.
	Card   func(entry string) (office.PieceVersion, error)
	Hosts  []string         // that published links may lead to
	Public string           // address of the residents' page, for links; "": none is known
	Place  func() string    // the county's name for the heading; nil: none
	OIDC   OIDC             // another system to sign in with; none without an Issuer
	Now    func() time.Time // time.Now if nil

	Base  *knowledge.Base            // its topics can be switched off; nil: there are none
	Drops func() []knowledge.Dropped // sentences of the model that the gates kept back; nil: there is no model
	Keep  office.Keep                // how long what has to stay
	// Forget and Remembered are about what a conversation remembers of what was
	// said, which package office does not keep; nil: nothing.
	Forget func(ctx context.Context, a office.Account) error
	// Share makes a link that, opened in QQ, adds the bot and brings an invite
	// code along; nil: there is no bot on QQ.
	Share      func(ctx context.Context, code string) (string, error)
	Remembered func(ctx context.Context, a office.Account) ([]office.DossierSentence, error)
	// Draft proposes an answer to a case; model says whether the case's words may
	// go to a model. nil: nothing is proposed.
	Draft func(ctx context.Context, by office.Person, c office.Case, model bool) (office.CaseDraft, error)
}

// Console serves the pages.
type Console struct {
	o     Options
	mux   *http.ServeMux
	pages pages
	table []route

	voucher *voucher // nil: nobody else vouches
}

// New gives the handler of /console and everything below.
func New(o Options) (*Console, error) {
	if o.Office == nil {
		return nil, errors.New("console: no records")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Sender == nil {
		o.Sender = func(r *http.Request) string { return r.RemoteAddr }
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if o.Place == nil {
		o.Place = func() string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	p, err := readPages()
	if err != nil {
		return nil, err
	}
	c := &Console{o: o, mux: http.NewServeMux(), pages: p, table: routes()}
	if o.OIDC.Issuer != "" {
		c.voucher = newVoucher(o.OIDC, o.Now)
	}
	for _, row := range c.table {
		c.mux.Handle(row.pattern, c.handler(row))
	}
	c.mux.Handle("/console/", c.handler(route{open: true, run: noPage}))
	return c, nil
}

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	c.mux.ServeHTTP(w, r)
}

// noPage answers for addresses that are in no row.
func noPage(c *call) error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return &office.Error{Kind: office.NotFound, Msg: "没有这个操作。页面可能更新过了，请从上面的菜单重新进入。"}
	}
	return errNoPage
}

var errNoPage = &office.Error{Kind: office.NotFound, Msg: "没有这个页面，或者它不归您管。"}
