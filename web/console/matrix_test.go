package console

import (
	"net/http"
	"slices"
	"strings"
	"testing"

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

// refused says whether an answer was no, or something broke; a form that lacks
// something was let in.
func refused(status int) bool {
	return status >= http.StatusInternalServerError || status == http.StatusForbidden || status == http.StatusNotFound || status == http.StatusUnauthorized
}
