package console

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"mingbai/office"
)

// seesPeople may look at who works where; changes are an administrator's.
var seesPeople = []office.Role{office.Clerk, office.Officer, office.Admin}

type peoplePage struct {
	Form   *form
	People []office.Person
	Roles  []Option
	Orgs   []Option
	Pager  pager
	Admin  bool
	Query  string // of the export: the same list
}

// people lists who has a post in one's scope.
func people(c *call) error {
	f := c.form()
	orgs, err := c.o.Office.OrgsFor(c.r.Context(), c.me, c.row.roles)
	if err != nil {
		return err
	}
	list, err := c.peopleOf(f)
	if err != nil {
		return err
	}
	page := peoplePage{Form: f, Roles: roleOptions("所有角色"), Orgs: orgOptions(orgs, "所有机构"), Pager: c.pager(len(list)), Admin: c.me.Has(office.Admin), Query: c.r.URL.RawQuery}
	from := min(c.paged(), len(list))
	page.People = list[from:min(from+perPage, len(list))]
	return c.show(http.StatusOK, "people", page)
}

// peopleOf is the list that the query's filter asks for.
func (c *call) peopleOf(f *form) ([]office.Person, error) {
	filter := office.PeopleFilter{Name: f.Get("name"), Org: f.number("org")}
	if r, err := office.ParseRole(f.Get("role")); err == nil {
		filter.Role = r
	}
	list, err := c.o.Office.PeopleFor(c.r.Context(), c.me, c.row.roles, filter)
	if office.KindOf(err) == office.NotFound {
		return nil, nil // an organisation that is none
	}
	return list, err
}

// roleOptions lists the roles that can be given.
func roleOptions(none string) []Option {
	list := []Option{{Value: "", Label: none}}
	for _, r := range everybody {
		list = append(list, Option{Value: r.String(), Label: r.String()})
	}
	return list
}

// orgOptions lists organisations, those below others moved in.
func orgOptions(orgs []office.Org, none string) []Option {
	list := []Option{{Value: "", Label: none}}
	for _, o := range orgs {
		list = append(list, Option{Value: fmt.Sprint(o.ID), Label: strings.Repeat("　", max(0, strings.Count(o.Path, "/")-2)) + o.Name})
	}
	return list
}

type newPersonPage struct {
	Form  *form
	Roles []Option
	Orgs  []Option
}

func (c *call) newPersonPage(f *form) (newPersonPage, error) {
	orgs, err := c.o.Office.OrgsFor(c.r.Context(), c.me, admins)
	return newPersonPage{f, roleOptions("请选"), orgOptions(orgs, "请选")}, err
}

func newPerson(c *call) error {
	page, err := c.newPersonPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "person_new", page)
}

func addPerson(c *call) error {
	f := c.form()
	page, err := c.newPersonPage(f)
	if err != nil {
		return err
	}
	post, err := post(f)
	if err != nil {
		return c.again(err, "person_new", f, page)
	}
	p, err := c.o.Office.Hire(c.r.Context(), c.me, office.Person{
		Name: f.Get("name"), Phone: f.Get("phone"), Posts: []office.Post{post},
		Fields: f.list("fields"), Languages: f.list("languages"), Conflicts: f.list("conflicts"),
	})
	if err != nil {
		return c.again(err, "person_new", f, page)
	}
	return c.done(addressOf("people", p.ID), "已加："+p.Name+"。下一步：发邀请码绑定聊天，或者开通后台登录。")
}

// post reads role and organisation of a form.
func post(f *form) (office.Post, error) {
	r, err := office.ParseRole(f.Get("role"))
	if err != nil {
		return office.Post{}, &office.Error{Kind: office.Invalid, Msg: "请选一个角色。"}
	}
	if f.number("org") == 0 {
		return office.Post{}, &office.Error{Kind: office.Invalid, Msg: "请选一个机构。"}
	}
	return office.Post{Role: r, Org: office.Org{ID: f.number("org")}}, nil
}

// personScope gives the places where the person of the address has posts.
func personScope(c *call) ([]string, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p, err := c.o.Office.Person(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, q := range p.Posts {
		paths = append(paths, q.Org.Path)
	}
	return paths, nil
}

// managedScope is personScope for acts: all of the person's places must be the
// administrator's.
func managedScope(c *call) ([]string, error) {
	id, err := c.id()
	if err != nil {
		return nil, err
	}
	p, err := c.o.Office.Person(c.r.Context(), id)
	if err != nil {
		return nil, err
	}
	if !c.me.Manages(p) {
		return nil, errNoPage
	}
	return []string{p.Posts[0].Org.Path}, nil
}

type personPage struct {
	Form    *form
	Person  office.Person
	Account *office.ConsoleAccount // nil: none
	May     bool                   // change them
	Self    bool
	Vouch   string // the other system people may sign in with
	Clerk   bool   // may be cleared for restricted cases
	Cleared []auditRow
	Roles   []Option
	Orgs    []Option
	Code    string // an invite that was just made
	Until   string
	QR      qr
	Link    string // of the web chat, which QR holds; "": it holds words
	Share   string // a link for QQ
	ShareQR qr
	NoShare bool // QQ gave none now
	Login   string
	Secret  string // a password that was just made
}

// personPage is the page about the person of the address.
func (c *call) personPage(f *form) (personPage, error) {
	id, err := c.id()
	if err != nil {
		return personPage{}, err
	}
	p, err := c.o.Office.Person(c.r.Context(), id)
	if err != nil {
		return personPage{}, err
	}
	page := personPage{Form: f, Person: p, May: c.me.Manages(p), Self: p.ID == c.me.ID, Clerk: slices.ContainsFunc(p.Posts, func(s office.Post) bool { return s.Role == office.Clerk })}
	if !page.May {
		return page, nil
	}
	orgs, err := c.o.Office.OrgsFor(c.r.Context(), c.me, admins)
	if err != nil {
		return page, err
	}
	entries, err := c.o.Office.Clearances(c.r.Context(), id)
	if err != nil {
		return page, err
	}
	page.Cleared = c.auditRows(entries)
	page.Roles, page.Orgs, page.Vouch = roleOptions("请选"), orgOptions(orgs, "请选"), c.vouchName()
	a, err := c.o.Office.ConsoleAccount(c.r.Context(), id)
	switch {
	case err == nil:
		page.Account = &a
		if !f.Has("subject") {
			f.Set("subject", a.Subject)
		}
	case office.KindOf(err) != office.NotFound:
		return page, err
	}
	if !f.Has("phone") {
		f.Set("phone", p.Phone)
		f.Set("fields", strings.Join(p.Fields, "、"))
		f.Set("languages", strings.Join(p.Languages, "、"))
		f.Set("conflicts", strings.Join(p.Conflicts, "、"))
	}
	return page, nil
}

func person(c *call) error {
	page, err := c.personPage(c.form())
	if err == nil {
		err = c.o.Office.NotePersonRead(c.r.Context(), c.me, page.Person)
	}
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "person", page)
}

// act runs a change of the person of the address and goes back to their page.
func (c *call) act(said string, change func(id int64, f *form) error) error {
	f := c.form()
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := change(id, f); err != nil {
		page, fault := c.personPage(f)
		if fault != nil {
			return fault
		}
		return c.again(err, "person", f, page)
	}
	return c.done(addressOf("people", id), said)
}

func editPerson(c *call) error {
	return c.act("改好了。", func(id int64, f *form) error {
		return c.o.Office.EditPerson(c.r.Context(), c.me, office.Person{ID: id, Phone: f.Get("phone"), Fields: f.list("fields"), Languages: f.list("languages"), Conflicts: f.list("conflicts")})
	})
}

func addPost(c *call) error {
	return c.act("岗位加好了。这个人要重新登录。", func(id int64, f *form) error {
		p, err := post(f)
		if err != nil {
			return err
		}
		return c.o.Office.AddPost(c.r.Context(), c.me, id, p)
	})
}

func removePost(c *call) error {
	return c.act("岗位去掉了。这个人要重新登录。", func(id int64, f *form) error {
		p, err := post(f)
		if err != nil {
			return err
		}
		return c.o.Office.RemovePost(c.r.Context(), c.me, id, p)
	})
}

func suspend(c *call) error {
	return c.act("已停用，马上生效。手里没办完的件请改派。", func(id int64, _ *form) error {
		return c.o.Office.SuspendManaged(c.r.Context(), c.me, id, true)
	})
}

func resume(c *call) error {
	return c.act("已恢复。", func(id int64, _ *form) error {
		return c.o.Office.SuspendManaged(c.r.Context(), c.me, id, false)
	})
}

func clearPerson(c *call) error {
	return c.act("改好了，原因记在审计里。", func(id int64, f *form) error {
		return c.o.Office.ClearManaged(c.r.Context(), c.me, id, f.Get("cleared") != "", f.Get("why"))
	})
}

// invite makes a code and shows it this once, as words and as a QR code.
func invite(c *call) error {
	return c.once(func(id int64, f *form, page *personPage) error {
		code, until, err := c.o.Office.InviteManaged(c.r.Context(), c.me, id)
		if err != nil {
			return err
		}
		page.Code, page.Until = code, until
		text := "绑定 " + code
		if c.o.Public != "" { // the chat page puts what stands behind # into its field; it is sent to no server
			text = strings.TrimSuffix(c.o.Public, "/") + "/#say=" + url.PathEscape(text)
			page.Link = text
		}
		if page.QR, err = newQR(text); err != nil || c.o.Share == nil {
			return err
		}
		c.share(page, code)
		return nil
	})
}

// shareTime bounds how long the page waits for QQ's link; the code works
// without it.
const shareTime = 5 * time.Second

// share puts the link for QQ on the page, if QQ gives one.
func (c *call) share(page *personPage, code string) {
	ctx, cancel := context.WithTimeout(c.r.Context(), shareTime)
	defer cancel()
	link, err := c.o.Share(ctx, office.CleanCode(code))
	if err == nil {
		page.ShareQR, err = newQR(link)
	}
	if err != nil {
		c.o.Log.Warn("no share link from QQ for an invitation", "err", err)
		page.NoShare = true
		return
	}
	page.Share = link
}

func giveConsole(c *call) error {
	return c.once(func(id int64, f *form, page *personPage) (err error) {
		page.Login = office.CleanLogin(f.Get("login"))
		page.Secret, err = c.o.Office.GiveConsole(c.r.Context(), c.me, id, page.Login)
		return err
	})
}

func resetConsole(c *call) error {
	return c.once(func(id int64, f *form, page *personPage) (err error) {
		if page.Account != nil {
			page.Login = page.Account.Login
		}
		page.Secret, err = c.o.Office.ResetConsole(c.r.Context(), c.me, id, f.Get("phone_lost") != "")
		return err
	})
}

// once runs what gives a secret that is shown this once, on the person's page.
func (c *call) once(run func(id int64, f *form, page *personPage) error) error {
	f := c.form()
	page, err := c.personPage(f)
	if err != nil {
		return err
	}
	if err := run(page.Person.ID, f, &page); err != nil {
		return c.again(err, "person", f, page)
	}
	now, err := c.personPage(f) // as it is after the change
	if err != nil {
		return err
	}
	page.Person, page.Account = now.Person, now.Account
	return c.show(http.StatusOK, "person", page)
}
