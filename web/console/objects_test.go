package console

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"mingbai/office"
)

// objects make an object of the actor's own and a foreign one, and give what
// stands for them in the address. Own: in 城东, where all actors have their
// posts, or of the actor's. Foreign: in 城西.
var objects = map[string]func(m *matrix, p office.Person) (own, foreign string){
	"person": func(m *matrix, _ office.Person) (string, string) {
		m.hired++
		return fmt.Sprint(m.hire(fmt.Sprint("甲", m.hired), office.Helper, "三里村").ID), fmt.Sprint(m.hire(fmt.Sprint("乙", m.hired), office.Helper, "五里村").ID)
	},
	"piece": func(m *matrix, _ office.Person) (string, string) {
		m.hired++
		return fmt.Sprint(m.piece(m.hire(fmt.Sprint("写", m.hired), office.Officer, "城东街道"))), fmt.Sprint(m.piece(m.stranger))
	},
	"plan": func(m *matrix, p office.Person) (string, string) {
		return fmt.Sprint(m.plan(p)), fmt.Sprint(m.plan(m.stranger))
	},
	"delivery": func(m *matrix, p office.Person) (string, string) {
		return fmt.Sprint(m.delivery(m.piece(p))), fmt.Sprint(m.delivery(m.piece(m.stranger)))
	},
	"picture": func(m *matrix, p office.Person) (string, string) {
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
			m.Fatal(err)
		}
		x, err := m.db.AddImage(m.Context(), p, b.Bytes())
		if err != nil {
			m.Fatal(err)
		}
		return x.Name, "0" + x.Name
	},
	"order": func(m *matrix, _ office.Person) (string, string) {
		return fmt.Sprint(m.order("三里村", "城东街道")), fmt.Sprint(m.order("五里村", "城西镇"))
	},
	"prompt": func(m *matrix, _ office.Person) (string, string) {
		return fmt.Sprint(m.prompt("城东街道")), fmt.Sprint(m.prompt("城西镇"))
	},
	"session": func(m *matrix, p office.Person) (string, string) {
		return m.sessionOf(p), m.sessionOf(m.stranger)
	},
	"case": caseObjects,
}

// caseObjects give a case that the person filed, holds or has at their desk, and
// one of another township.
func caseObjects(m *matrix, p office.Person) (own, foreign string) {
	open := func(by office.Person, d office.Draft) office.Case {
		m.cases++
		d.Matter, d.Story = "dispute", fmt.Sprintf("第 %d 件：邻居砌墙占了过道。", m.cases)
		o, err := m.db.OpenCase(m.Context(), by, d)
		if err != nil {
			m.Fatal(err)
		}
		return o.Case
	}
	resident := office.Account(fmt.Sprint("qq/user/", m.cases))
	foreign = open(office.Person{Account: resident}, office.Draft{Via: office.ViaResident, Place: "城西镇五里村"}).No
	switch {
	case p.Has(office.Helper):
		code, _, err := m.db.Consent(m.Context(), resident)
		if err != nil {
			m.Fatal(err)
		}
		return open(p, office.Draft{Via: office.ViaHelper, Consent: code}).No, foreign
	case p.Has(office.Grid):
		return open(p, office.Draft{Via: office.ViaGrid, Place: "城东街道"}).No, foreign
	}
	own = open(m.actors[office.Clerk], office.Draft{Via: office.ViaDesk, Place: "城东街道"}).No
	if p.Has(office.Mediator) || p.Has(office.Adviser) {
		for _, a := range []office.Action{{Verb: "accept"}, {Verb: "assign", To: p.ID}} {
			if _, err := m.db.Act(m.Context(), m.actors[office.Clerk], own, a); err != nil {
				m.Fatal(err)
			}
		}
	}
	return own, foreign
}

// matrix is a county with one person of each role in 城东 and a stranger in 城西.
type matrix struct {
	*testing.T
	db       *office.DB
	console  *Console
	orgs     map[string]office.Org
	actors   map[office.Role]office.Person
	stranger office.Person
	county   office.Person // an administrator of all
	hired    int
	cases    int // made so far
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	return newMatrixOn(t, office.Options{Dir: t.TempDir()})
}

func newMatrixOn(t *testing.T, o office.Options) *matrix {
	t.Helper()
	db, err := office.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	m := &matrix{T: t, db: db, orgs: map[string]office.Org{}, actors: map[office.Role]office.Person{}}
	rep, err := db.ImportOrgs(t.Context(), "test", [][]string{
		{"上级", "类别", "名称", "简称"},
		{"", "县", "青禾县", ""},
		{"青禾县", "乡镇街道", "城东街道", ""},
		{"城东街道", "村社区", "三里村", ""},
		{"青禾县", "乡镇街道", "城西镇", ""},
		{"城西镇", "村社区", "五里村", ""},
	}, false)
	if err != nil || len(rep.Errors) > 0 {
		t.Fatal(rep, err)
	}
	list, err := db.Orgs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		m.orgs[o.Name] = o
	}
	for _, r := range everybody {
		m.actors[r] = m.hire("东"+r.String(), r, "城东街道")
	}
	m.stranger = m.hire("西管理员", office.Admin, "城西镇")
	m.county = m.hire("县管理员", office.Admin, "青禾县")
	if m.console, err = New(Options{Office: db, Loopback: true}); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *matrix) hire(name string, r office.Role, org string) office.Person {
	m.Helper()
	p, err := m.db.AddPerson(m.Context(), "test", office.Person{Name: name, Posts: []office.Post{{Role: r, Org: m.orgs[org]}}})
	if err != nil {
		m.Fatal(err)
	}
	return p
}

// piece writes one that waits for a second person.
func (m *matrix) piece(by office.Person) int64 {
	m.Helper()
	it, err := m.db.AddPiece(m.Context(), by, office.PieceVersion{Kind: office.KindText, Title: "借条怎么写", Body: "借钱要打借条，写清金额、利率、还款日，双方签名按手印。", Audience: []string{"乡村"}})
	if err == nil {
		_, _, err = m.db.Submit(m.Context(), by, it.ID, 0, nil)
	}
	if err != nil {
		m.Fatal(err)
	}
	return it.ID
}

func (m *matrix) plan(by office.Person) int64 {
	m.Helper()
	p, err := m.db.AddPlan(m.Context(), by, office.Plan{Name: "每周普法", Spec: "每周一上午九点", Pool: "乡村"})
	if err != nil {
		m.Fatal(err)
	}
	return p.ID
}

// delivery writes an uncertain one.
func (m *matrix) delivery(piece int64) (id int64) {
	m.Helper()
	write, _, _ := m.db.Handles()
	m.hired++
	if err := write.QueryRowContext(m.Context(), `INSERT INTO deliveries (item, version, act, sink, target, keyed, plan, slot, state, due, lease, attempts, ref, code, created, changed, sent, expires, settled)
		VALUES ($1, 1, 'publish', 'chat', $2, 0, 0, 0, 'uncertain', 0, 0, 1, '', 'crash', 1, 1, 0, 0, '') RETURNING id`, piece, fmt.Sprint("qq/user/", m.hired)).Scan(&id); err != nil {
		m.Fatal(err)
	}
	return id
}

// order places one that was given to a department.
func (m *matrix) order(place, org string) int64 {
	m.Helper()
	ctx := m.Context()
	m.hired++
	rep, err := m.db.ImportLectures(ctx, "test", [][]string{{"主题", "部门", "时长"}, {fmt.Sprint("讲座", m.hired), org, "60"}}, false)
	if err != nil || len(rep.Errors) > 0 {
		m.Fatal(rep, err)
	}
	menu, err := m.db.Menu(ctx, "", false)
	if err != nil {
		m.Fatal(err)
	}
	var at time.Time
	for days := 3; ; days++ { // the first day on which there are lectures
		d := time.Now().In(china).AddDate(0, 0, days)
		at = time.Date(d.Year(), d.Month(), d.Day(), 10, 0, 0, 0, china)
		if _, err := m.db.Bookable(ctx, menu[len(menu)-1].ID, at); err == nil {
			break
		}
		if days > 60 {
			m.Fatal("there is no day for a lecture")
		}
	}
	out, err := m.db.PlaceOrder(ctx, office.Person{Account: "web/user/x"}, office.OrderDraft{Lecture: menu[len(menu)-1].ID, At: at, Heads: 9, Unit: fmt.Sprint(place, "小学", m.hired), Contact: "张", Phone: fmt.Sprintf("139%08d", m.hired)})
	if err == nil {
		_, err = m.db.ActOrder(ctx, m.county, out.Order.No, office.OrderAction{Verb: "dispatch", Org: m.orgs[org].ID})
	}
	if err == nil { // as if it had been held
		write, _, _ := m.db.Handles()
		name := fmt.Sprintf("lecture-%d.jpg", out.Order.ID)
		_, err = write.ExecContext(ctx, `INSERT INTO item_images (sum, type, width, height, data) VALUES ($1, 'image/jpeg', 1, 1, '')`, name)
		if err == nil {
			_, err = write.ExecContext(ctx, `UPDATE orders SET picture = $1 WHERE id = $2`, name, out.Order.ID)
		}
	}
	if err != nil {
		m.Fatal(err)
	}
	return out.Order.ID
}

// prompt drafts one for a duty that nobody did.
func (m *matrix) prompt(org string) int64 {
	m.Helper()
	ctx := m.Context()
	m.hired++
	rep, err := m.db.ImportDuties(ctx, "test", [][]string{{"部门", "法律法规", "普法内容"}, {org, "民法典", fmt.Sprint("内容", m.hired)}}, false)
	if err != nil || len(rep.Errors) > 0 {
		m.Fatal(rep, err)
	}
	list, err := m.db.DraftPrompts(ctx, "test", office.QuarterOf(time.Now()))
	if err != nil {
		m.Fatal(err)
	}
	i := slices.IndexFunc(list, func(p office.DutyPrompt) bool { return p.Org.Name == org })
	return list[i].ID
}

// token signs a person in.
func (m *matrix) token(p office.Person) string {
	m.Helper()
	token, err := m.db.OpenConsole(m.Context(), p.ID, "test")
	if err != nil {
		m.Fatal(err)
	}
	return token
}

func (m *matrix) sessionOf(p office.Person) string {
	m.Helper()
	s, err := m.db.ConsoleSession(m.Context(), m.token(p))
	if err != nil {
		m.Fatal(err)
	}
	return fmt.Sprint(s.ID)
}

// send asks for a route as the owner of a token.
func (m *matrix) send(pattern, object, token string, body url.Values) *httptest.ResponseRecorder {
	m.Helper()
	method, path, _ := cutPattern(pattern)
	path = strings.TrimSuffix(path, "{$}")
	if a, b := strings.Index(path, "{"), strings.Index(path, "}"); a >= 0 {
		path = path[:a] + url.PathEscape(object) + path[b+1:]
	}
	r := httptest.NewRequest(method, path, strings.NewReader(body.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if token != "" {
		r.AddCookie(&http.Cookie{Name: loopbackName, Value: token})
	}
	w := httptest.NewRecorder()
	m.console.ServeHTTP(w, r)
	return w
}
