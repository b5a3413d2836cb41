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

// expectation is what the matrix wants of a route, independent of the table: who
// may, by the first letters of roles in roleLetters ("*": everybody with a post,
// "-": nobody has to be signed in), and what object the address names: "" none,
// "county" for what is of no one place, "off" for what is switched off here, else
// a key of objects.
type expectation struct{ may, object string }

// roleLetters stand for roles in expectations.
var roleLetters = map[rune]office.Role{
	'明': office.Helper, '网': office.Grid, '经': office.Clerk, '调': office.Mediator, '顾': office.Adviser, '普': office.Officer, '管': office.Admin,
}

var expectations = map[string]expectation{
	"GET /console/sign-in":   {"-", ""},
	"POST /console/sign-in":  {"-", ""},
	"GET /console/oidc":      {"-", "off"},
	"GET /console/oidc/back": {"-", "off"},
	"POST /console/sign-out": {"*", ""},
	"POST /console/prove":    {"*", ""},
	"GET /console":           {"*", ""},
	"GET /console/{$}":       {"*", ""},
	// what comes in and how it goes
	"GET /console/inbox":           {"*", ""},
	"POST /console/inbox":          {"*", ""},
	"GET /console/notices":         {"经管", ""},
	"GET /console/tickets":         {"经管", ""},
	"GET /console/tickets/export":  {"经管", ""},
	"GET /console/tickets/import":  {"经管", ""},
	"POST /console/tickets/import": {"经管", ""},
	"GET /console/ratings":         {"经管", ""},
	"GET /console/alerts":          {"经管", ""},

	// the month's figures
	"GET /console/report":              {"经普管", ""},
	"GET /console/report/export":       {"经普管", ""},
	"GET /console/report/cases/export": {"经管", ""},

	// what the machine says, and what is held of people
	"GET /console/topics":          {"普管", "county"},
	"POST /console/topics":         {"普管", "county"},
	"GET /console/drops":           {"管", "county"},
	"GET /console/privacy":         {"管", "county"},
	"POST /console/privacy/export": {"管", "county"},
	"POST /console/privacy/erase":  {"管", "county"},

	// people and organisations
	"GET /console/people":                     {"经普管", ""},
	"GET /console/people/export":              {"管", ""},
	"GET /console/people/import":              {"管", ""},
	"POST /console/people/import":             {"管", ""},
	"GET /console/people/new":                 {"管", ""},
	"POST /console/people/new":                {"管", ""},
	"GET /console/people/{id}":                {"经普管", "person"},
	"POST /console/people/{id}":               {"管", "person"},
	"POST /console/people/{id}/posts":         {"管", "person"},
	"POST /console/people/{id}/posts/remove":  {"管", "person"},
	"POST /console/people/{id}/suspend":       {"管", "person"},
	"POST /console/people/{id}/resume":        {"管", "person"},
	"POST /console/people/{id}/cleared":       {"管", "person"},
	"POST /console/people/{id}/invite":        {"管", "person"},
	"POST /console/people/{id}/console":       {"管", "person"},
	"POST /console/people/{id}/console/reset": {"管", "person"},
	"POST /console/people/{id}/console/link":  {"管", "person"},
	"GET /console/orgs":                       {"经普管", ""},
	"POST /console/orgs":                      {"管", ""},
	"GET /console/orgs/export":                {"经普管", ""},
	"GET /console/orgs/import":                {"管", ""},
	"POST /console/orgs/import":               {"管", ""},
	"GET /console/coverage":                   {"经普管", ""},
	"GET /console/mediators":                  {"经调管", ""},
	"GET /console/audit":                      {"管", "county"},
	"POST /console/audit/verify":              {"管", "county"},
	"GET /console/reads":                      {"管", ""},

	// what is published
	"GET /console/content":                 {"普管", ""},
	"GET /console/content/new":             {"普管", ""},
	"POST /console/content/new":            {"普管", ""},
	"GET /console/content/{id}":            {"普管", "piece"},
	"POST /console/content/{id}":           {"普管", "piece"},
	"GET /console/content/{id}/edit":       {"普管", "piece"},
	"GET /console/content/{id}/diff":       {"普管", "piece"},
	"POST /console/content/{id}/submit":    {"普管", "piece"},
	"POST /console/content/{id}/approve":   {"普管", "piece"},
	"POST /console/content/{id}/return":    {"普管", "piece"},
	"POST /console/content/{id}/rollback":  {"普管", "piece"},
	"POST /console/content/{id}/duty":      {"普管", "piece"},
	"POST /console/content/{id}/recall":    {"普管", "piece"},
	"GET /console/pictures/{name}":         {"普管", "picture"},
	"GET /console/plans":                   {"普管", ""},
	"POST /console/plans":                  {"普管", ""},
	"POST /console/plans/{id}/pause":       {"普管", "plan"},
	"POST /console/plans/{id}/resume":      {"普管", "plan"},
	"POST /console/publishing/stop":        {"普管", ""},
	"POST /console/publishing/resume":      {"普管", ""},
	"POST /console/publishing/quiet":       {"普管", ""},
	"GET /console/month":                   {"普管", ""},
	"GET /console/deliveries":              {"普管", ""},
	"POST /console/deliveries/{id}/settle": {"普管", "delivery"},
	"GET /console/jobs":                    {"普管", ""},

	// cases
	"GET /console/cases":                {"明网经调顾管", ""},
	"GET /console/cases/new":            {"经", ""},
	"POST /console/cases/new":           {"经", ""},
	"GET /console/cases/{no}":           {"明网经调顾管", "case"},
	"GET /console/cases/{no}/print":     {"明网经调顾管", "case"},
	"POST /console/cases/{no}/act":      {"明网经调顾管", "case"},
	"GET /console/cases/{no}/agreement": {"经调顾管", "case"},
	"POST /console/cases/{no}/facts":    {"经调顾管", "case"},
	"POST /console/cases/{no}/draft":    {"经调顾管", "case"},
	"POST /console/cases/{no}/session":  {"经调顾管", "case"},
	"POST /console/cases/{no}/outcome":  {"经调顾管", "case"},

	// lectures, duties and what became of it
	"GET /console/lectures":                   {"经调顾普管", ""},
	"POST /console/lectures":                  {"普管", ""},
	"GET /console/lectures/pool":              {"经调顾普管", ""},
	"GET /console/lectures/menu/export":       {"普管", "county"},
	"GET /console/lectures/menu/import":       {"普管", "county"},
	"POST /console/lectures/menu/import":      {"普管", "county"},
	"GET /console/lectures/lecturers/export":  {"普管", "county"},
	"GET /console/lectures/lecturers/import":  {"普管", "county"},
	"POST /console/lectures/lecturers/import": {"普管", "county"},
	"GET /console/lectures/{id}":              {"经调顾普管", "order"},
	"POST /console/lectures/{id}":             {"经调顾普管", "order"},
	"GET /console/lectures/{id}/photo":        {"经调顾普管", "order"},
	"GET /console/duties":                     {"经调顾普管", ""},
	"POST /console/duties/draft":              {"普管", "county"},
	"POST /console/duties/prompts/{id}":       {"经调顾普管", "prompt"},
	"GET /console/duties/export":              {"普管", "county"},
	"GET /console/duties/import":              {"普管", "county"},
	"POST /console/duties/import":             {"普管", "county"},
	"POST /console/activities":                {"经调顾普管", ""},
	"GET /console/activities/export":          {"普管", "county"},
	"GET /console/effect":                     {"普管", ""},
	"POST /console/effect/write":              {"普管", ""},

	// one's own account
	"GET /console/account":                    {"*", ""},
	"GET /console/account/password":           {"*", ""},
	"POST /console/account/password":          {"*", ""},
	"GET /console/account/codes":              {"*", ""},
	"POST /console/account/codes":             {"*", ""},
	"POST /console/account/codes/off":         {"*", ""},
	"POST /console/account/codes/recovery":    {"*", ""},
	"POST /console/account/sessions/{id}/end": {"*", "session"},
}

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
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir()})
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

// TestMatrix asks for every route in every role, for an object of one's own and
// for a foreign one. A route without an expectation fails.
func TestMatrix(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	var missing []string
	for _, row := range m.console.table {
		if _, ok := expectations[row.pattern]; !ok {
			missing = append(missing, row.pattern)
		}
	}
	if len(missing) > 0 || len(expectations) != len(m.console.table) {
		t.Fatalf("routes without an expectation: %q; %d expectations for %d routes", missing, len(expectations), len(m.console.table))
	}
	for _, row := range m.console.table {
		want := expectations[row.pattern]
		m.nobody(row.pattern, want)
		for role, p := range m.actors {
			m.one(row.pattern, want, role, p)
		}
	}
}

// nobody: who is not signed in gets nothing but the way to sign in.
func (m *matrix) nobody(pattern string, want expectation) {
	m.Helper()
	for _, token := range []string{"", "x"} {
		w := m.send(pattern, "1", token, nil)
		in := strings.HasPrefix(w.Header().Get("Location"), "/console/sign-in") || w.Code == http.StatusUnauthorized
		if open := want.may == "-"; open == in {
			m.Errorf("%s, not signed in: got %d to %q", pattern, w.Code, w.Header().Get("Location"))
		}
	}
}

func (m *matrix) one(pattern string, want expectation, role office.Role, p office.Person) {
	m.Helper()
	may := want.may == "*" || want.may == "-" || slices.ContainsFunc([]rune(want.may), func(l rune) bool { return roleLetters[l] == role })
	if want.object == "off" {
		if w := m.send(pattern, "", m.token(p), nil); w.Code != http.StatusNotFound {
			m.Errorf("%s, which is switched off: got %d", pattern, w.Code)
		}
		return
	}
	if want.object == "county" { // what is of no one place is the county's alone
		if w := m.send(pattern, "", m.token(p), nil); may && w.Code != http.StatusNotFound || !may && w.Code != http.StatusForbidden {
			m.Errorf("%s as %s of a township: got %d", pattern, role, w.Code)
		}
		if w := m.send(pattern, "", m.token(m.county), nil); refused(w.Code) {
			m.Errorf("%s as the county's: got %d", pattern, w.Code)
		}
		return
	}
	if !may { // before anybody looks whether there is such an object
		for _, object := range []string{"1", "x"} {
			if w := m.send(pattern, object, m.token(p), nil); w.Code != http.StatusForbidden {
				m.Errorf("%s as %s of %q: got %d, want 403", pattern, role, object, w.Code)
			}
		}
		return
	}
	own, foreign := "", ""
	if make := objects[want.object]; make != nil {
		own, foreign = make(m, p)
	} else if want.object != "" {
		m.Fatalf("%s: there is no way to make a %s", pattern, want.object)
	}
	if w := m.send(pattern, own, m.token(p), nil); refused(w.Code) {
		m.Errorf("%s as %s: got %d", pattern, role, w.Code)
	}
	if want.object == "" {
		return
	}
	token := m.token(p)
	for _, object := range []string{foreign, "999999", "0", "-1", "x", "%2e%2e", strings.Repeat("9", 30)} {
		if w := m.send(pattern, object, token, nil); w.Code != http.StatusNotFound {
			m.Errorf("%s as %s of the foreign %q: got %d, want 404", pattern, role, object, w.Code)
		}
	}
}

// Every page that is left, whatever is asked for, has the headers of a page that
// holds secrets, and none echoes the cookie.
func TestHeaders(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	token := m.token(m.actors[office.Admin])
	for _, row := range m.console.table {
		w := m.send(row.pattern, "1", token, nil)
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", row.pattern, got)
		}
		if strings.Contains(w.Body.String(), token) {
			t.Errorf("%s shows the token", row.pattern)
		}
		token = m.token(m.actors[office.Admin])
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

// refused says whether an answer was no, or something broke; a form that lacks
// something was let in.
func refused(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusUnauthorized
}
