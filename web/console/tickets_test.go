package console

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"mingbai/office"
)

// importFile hands a table in as the page's form does.
func (m *matrix) importFile(path, token, table string, save bool) *httptest.ResponseRecorder {
	m.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("file", "工单.csv")
	if err == nil {
		_, err = part.Write([]byte(table))
	}
	if err == nil && save {
		err = w.WriteField("save", "1")
	}
	if err := w.Close(); err != nil {
		m.Fatal(err)
	}
	if err != nil {
		m.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, path, &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	r.AddCookie(&http.Cookie{Name: loopbackName, Value: token})
	out := httptest.NewRecorder()
	m.console.ServeHTTP(out, r)
	return out
}

// Work orders come in by a table that is checked first, are listed for the place
// they are of, narrowed, and go out as a table.
func TestTickets(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	clerk, boss := m.actors[office.Clerk], m.county
	const head = "工单编号,诉求内容,事发地点,来电人,联系电话,诉求类型,受理时间,答复时限\n"
	const east = "GD1,楼下烧烤摊半夜还吵睡不着,城东街道三里村,=1+1,13800000001,,2026-11-20 09:30,2099-12-01\n"
	const late = "GD2,隔壁厂子夜里排气味很大,城东街道三里村,钱某,13800000002,,2020-01-01,2020-01-10\n"
	const west = "GD3,村里水渠堵了一直没人管,城西镇五里村,孙某,13800000003,,,\n"
	at := "/console/tickets/import"
	shows := func(what string, w *httptest.ResponseRecorder, status int, has, not []string) {
		t.Helper()
		body := w.Body.String()
		if w.Code != status {
			t.Errorf("%s: got %d", what, w.Code)
		}
		for _, s := range has {
			if !strings.Contains(body, s) {
				t.Errorf("%s: %q is missing in %s", what, s, body)
			}
		}
		for _, s := range not {
			if strings.Contains(body, s) {
				t.Errorf("%s: there is %q", what, s)
			}
		}
	}
	token := m.token(clerk)
	shows("of another place", m.importFile(at, token, head+east+west, true), http.StatusUnprocessableEntity, []string{"不归您管", `<td class="num">3</td>`}, nil)
	shows("a wrong row", m.importFile(at, token, head+east+"GD9,短,,,,,,\n", true), http.StatusUnprocessableEntity, []string{"一行也没有导入"}, nil)
	shows("only checked", m.importFile(at, token, head+east+late, false), http.StatusOK, []string{"2 行都可以导入", "还没有保存"}, nil)
	list := func(token, query string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/console/tickets"+query, nil)
		r.AddCookie(&http.Cookie{Name: loopbackName, Value: token})
		w := httptest.NewRecorder()
		m.console.ServeHTTP(w, r)
		return w
	}
	shows("before", list(token, ""), http.StatusOK, []string{"没有这样的工单"}, []string{"GD1"})
	shows("kept", m.importFile(at, token, head+east+late, true), http.StatusOK, []string{"导入了 2 行"}, nil)
	shows("again", m.importFile(at, token, head+east, true), http.StatusOK, []string{"其中 1 行以前导入过"}, nil)
	shows("the county's", m.importFile(at, m.token(boss), head+west, true), http.StatusOK, []string{"导入了 1 行"}, nil)
	shows("all", list(token, ""), http.StatusOK, []string{"GD1", "GD2", "未到期", "共 2 条"}, []string{"GD3", "1+1", "13800000001"})
	shows("all of the county", list(m.token(boss), ""), http.StatusOK, []string{"GD1", "GD3", "共 3 条"}, nil)
	shows("late ones", list(token, "?which=late"), http.StatusOK, []string{"GD2", "共 1 条"}, []string{"GD1"})
	shows("one", list(token, "?no=GD1"), http.StatusOK, []string{"GD1", "共 1 条"}, []string{"GD2"})
	shows("of an earlier year", list(token, "?from=2020-01-01&to=2020-12-31"), http.StatusOK, []string{"没有这样的工单"}, nil)
	shows("out", list(token, "/export?which=late"), http.StatusOK, []string{"工单编号,办件编号", "GD2,", ",否,"}, []string{"GD1"})
	if log, n, err := m.db.SearchAudit(t.Context(), office.AuditFilter{Actor: clerk.Actor(), Object: "tickets"}); err != nil || n != 1 || log[0].Action != "export" {
		t.Errorf("in the audit: %+v, %v", log, err)
	}
	shows("a mediator", m.send("GET /console/tickets", "", m.token(m.actors[office.Mediator]), url.Values{}), http.StatusForbidden, nil, []string{"GD1"})
}
