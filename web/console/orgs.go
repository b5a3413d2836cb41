package console

import (
	"net/http"
	"strings"

	"mingbai/office"
)

type orgsPage struct {
	Form  *form
	Orgs  []orgRow
	Kinds []Option
	Above []Option
	Admin bool
}

// orgRow is an organisation with how deep it stands.
type orgRow struct {
	office.Org
	Depth string
}

func (c *call) orgsPage(f *form) (orgsPage, error) {
	orgs, err := c.o.Office.OrgsFor(c.r.Context(), c.me, c.row.roles)
	if err != nil {
		return orgsPage{}, err
	}
	page := orgsPage{Form: f, Admin: c.me.Has(office.Admin)}
	for _, o := range orgs {
		page.Orgs = append(page.Orgs, orgRow{o, strings.Repeat("　", max(0, strings.Count(o.Path, "/")-2))})
	}
	if page.Admin {
		own, err := c.o.Office.OrgsFor(c.r.Context(), c.me, admins)
		if err != nil {
			return page, err
		}
		page.Above = orgOptions(own, "请选")
	}
	page.Kinds = []Option{{Value: "", Label: "请选"}}
	for _, k := range office.OrgKinds[1:] {
		page.Kinds = append(page.Kinds, Option{Value: k, Label: k})
	}
	return page, nil
}

// orgs lists the organisations in one's scope, each behind its parent.
func orgs(c *call) error {
	page, err := c.orgsPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "orgs", page)
}

func addOrg(c *call) error {
	f := c.form()
	o, err := c.o.Office.Found(c.r.Context(), c.me, office.Org{Parent: f.number("parent"), Kind: f.Get("kind"), Name: f.Get("name"), Short: f.Get("short")})
	if err != nil {
		page, fault := c.orgsPage(f)
		if fault != nil {
			return fault
		}
		return c.again(err, "orgs", f, page)
	}
	return c.done("/console/orgs", "已加："+o.Name+"。")
}

type coveragePage struct {
	Villages []office.Coverage
	Missing  int
}

// coverage lists the villages with fewer than three 法律明白人.
func coverage(c *call) error {
	list, err := c.o.Office.CoverageFor(c.r.Context(), c.me, c.row.roles)
	if err != nil {
		return err
	}
	page := coveragePage{Villages: list}
	for _, v := range list {
		page.Missing += v.Missing
	}
	return c.show(http.StatusOK, "coverage", page)
}

type mediatorsPage struct {
	Form      *form
	Mediators []office.Person
	Orgs      []Option
	Pager     pager
}

// mediators lists the pool of who can mediate, those with the fewest open cases
// first.
func mediators(c *call) error {
	f := c.form()
	orgs, err := c.o.Office.OrgsFor(c.r.Context(), c.me, c.row.roles)
	if err != nil {
		return err
	}
	list, err := c.o.Office.PeopleFor(c.r.Context(), c.me, c.row.roles, office.PeopleFilter{Role: office.Mediator, Org: f.number("org")})
	if err != nil && office.KindOf(err) != office.NotFound {
		return err
	}
	list = mediatorsFor(list, f.Get("field"), f.Get("language"))
	page := mediatorsPage{Form: f, Orgs: orgOptions(orgs, "所有地方"), Pager: c.pager(len(list))}
	from := min(c.paged(), len(list))
	page.Mediators = list[from:min(from+perPage, len(list))]
	return c.show(http.StatusOK, "mediators", page)
}
