package console

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mingbai/office"
)

// mediatorsFor keeps those who know a field and speak a language, the least busy
// first.
func mediatorsFor(list []office.Person, field, language string) []office.Person {
	has := func(of []string, want string) bool {
		return want == "" || slices.ContainsFunc(of, func(s string) bool { return strings.Contains(s, want) })
	}
	list = slices.DeleteFunc(list, func(p office.Person) bool { return !has(p.Fields, field) || !has(p.Languages, language) })
	slices.SortStableFunc(list, func(a, b office.Person) int {
		if a.Suspended != b.Suspended {
			if b.Suspended {
				return -1
			}
			return 1
		}
		return a.Load - b.Load
	})
	return list
}

// importPage is the page on which a table is handed in.
type importPage struct {
	Form     *form
	What, To string
	Heading  string
	Export   string
	Report   *office.Import
}

type importer func(c *call, rows [][]string, dry bool) (office.Import, error)

var imports = map[string]struct {
	what, heading, export string
	run                   importer
}{
	"/console/people/import": {"人员", "姓名、角色、机构、电话、专长、语言、回避、邮箱", "/console/people/export", func(c *call, rows [][]string, dry bool) (office.Import, error) {
		return c.o.Office.ImportPeopleFor(c.r.Context(), c.me, rows, dry)
	}},
	"/console/orgs/import": {"机构", "上级、类别、名称、简称", "/console/orgs/export", func(c *call, rows [][]string, dry bool) (office.Import, error) {
		return c.o.Office.ImportOrgsFor(c.r.Context(), c.me, rows, dry)
	}},
	"/console/tickets/import": {"工单", "工单编号、诉求内容、事发地点、来电人、联系电话、诉求类型、受理时间、答复时限（前三列必须有）", "", func(c *call, rows [][]string, dry bool) (office.Import, error) {
		return c.o.Office.ImportTicketsFor(c.r.Context(), c.me, rows, dry)
	}},
	"/console/lectures/menu/import": {"讲座菜单", "主题、部门、时长、对象、讲师、语言、晚上周末、责任编号、下架", "/console/lectures/menu/export", func(c *call, rows [][]string, dry bool) (office.Import, error) {
		return c.o.Office.ImportLectures(c.r.Context(), c.me.Actor(), rows, dry)
	}},
	"/console/lectures/lecturers/import": {"讲师", "姓名、部门、电话、专长、语言、停讲", "/console/lectures/lecturers/export", func(c *call, rows [][]string, dry bool) (office.Import, error) {
		return c.o.Office.ImportLecturers(c.r.Context(), c.me.Actor(), rows, dry)
	}},
	"/console/duties/import": {"普法责任清单", "部门、法律法规、普法内容、对象、频次、停用", "/console/duties/export", func(c *call, rows [][]string, dry bool) (office.Import, error) {
		return c.o.Office.ImportDuties(c.r.Context(), c.me.Actor(), rows, dry)
	}},
}

func (c *call) importPage(f *form) importPage {
	i := imports[c.r.URL.Path]
	return importPage{Form: f, What: i.what, To: c.r.URL.Path, Heading: i.heading, Export: i.export}
}

func importForm(c *call) error { return c.show(http.StatusOK, "import", c.importPage(c.form())) }

// importTable checks a table and, unless it is a dry run, keeps it; each wrong
// row is shown with what is wrong.
func importTable(c *call) error {
	f := c.form()
	page := c.importPage(f)
	file, _, err := c.r.FormFile("file")
	if err != nil {
		return c.again(&office.Error{Kind: office.Invalid, Msg: "请选一个 CSV 或 XLSX 文件。", Err: err}, "import", f, page)
	}
	rows, err := office.ReadTable(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return c.again(err, "import", f, page)
	}
	rep, err := imports[c.r.URL.Path].run(c, rows, f.Get("save") == "")
	if err != nil {
		return c.again(err, "import", f, page)
	}
	page.Report = &rep
	status := http.StatusOK
	if len(rep.Errors) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return c.show(status, "import", page)
}

// exportPeople gives the list of people as a table, as the page's filter asks.
func exportPeople(c *call) error {
	list, err := c.peopleOf(c.form())
	if err != nil {
		return err
	}
	for i := range list { // somebody may have posts elsewhere too
		list[i].Posts = slices.DeleteFunc(list[i].Posts, func(s office.Post) bool { return !c.covers(s.Org.Path) })
	}
	orgs, err := c.o.Office.Orgs(c.r.Context())
	if err != nil {
		return err
	}
	return c.sheet("people", "人员", office.PeopleTable(list, orgs))
}

func exportOrgs(c *call) error {
	orgs, err := c.o.Office.OrgsFor(c.r.Context(), c.me, c.row.roles)
	if err != nil {
		return err
	}
	return c.sheet("orgs", "机构", office.OrgTable(orgs))
}

// sheet sends rows as a file, XLSX if the query says so, and notes in the audit
// who took how many.
func (c *call) sheet(object, name string, rows [][]string) error {
	if err := c.taken(object, len(rows)-1); err != nil {
		return err
	}
	write, end, kind := office.WriteCSV, ".csv", "text/csv; charset=utf-8"
	if c.r.URL.Query().Get("as") == "xlsx" {
		write, end, kind = office.WriteXLSX, ".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	return c.file(name+end, kind, func(w io.Writer) error { return write(w, rows) })
}

// taken notes in the audit who took how many rows of what.
func (c *call) taken(object string, rows int) error {
	return c.o.Office.NoteDetail(c.r.Context(), c.me.Actor(), "export", object, fmt.Sprint(rows))
}

// file sends a file that the browser keeps and does not open.
func (c *call) file(name, kind string, write func(io.Writer) error) error {
	h := c.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="table"; filename*=UTF-8''`+url.PathEscape(name))
	return write(c.w)
}
