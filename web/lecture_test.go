package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"mingbai/office"
	"mingbai/web"
)

// school is a county with a menu, on Wednesday 25 November 2026.
func school(t *testing.T) (*office.DB, office.Person, http.Handler) {
	t.Helper()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.FixedZone("", 8*3600))
	db, err := office.Open(t.Context(), office.Options{Dir: t.TempDir(), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	keep := func(rep office.Import, err error) {
		t.Helper()
		if err != nil || len(rep.Errors) > 0 {
			t.Fatal(rep, err)
		}
	}
	keep(db.ImportOrgs(t.Context(), "test", [][]string{{"上级", "类别", "名称"}, {"", "县", "青禾县"}, {"青禾县", "部门", "人社局"}, {"青禾县", "村社区", "三里村"}}, false))
	keep(db.ImportPeople(t.Context(), "test", [][]string{{"姓名", "角色", "机构"}, {"赵干部", "普法干部", "青禾县"}}, false))
	keep(db.ImportLecturers(t.Context(), "test", [][]string{{"姓名", "部门", "电话"}, {"钱讲师", "人社局", ""}}, false))
	keep(db.ImportLectures(t.Context(), "test", [][]string{{"主题", "部门", "时长", "讲师"}, {"讨薪怎么办", "人社局", "60", "钱讲师"}}, false))
	people, err := db.People(t.Context(), office.PeopleFilter{Name: "赵干部"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := web.NewLectures(web.LectureOptions{Office: db, Now: func() time.Time { return now }, Place: func() string { return "青禾县" }, Sender: func(*http.Request) string { return "10.0.0.1" }})
	if err != nil {
		t.Fatal(err)
	}
	return db, people[0], h
}

func post(h http.Handler, v url.Values) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/lecture", strings.NewReader(v.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestLectures_OrderedOnThePage(t *testing.T) {
	t.Parallel()
	db, officer, h := school(t)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/lecture", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), "讨薪怎么办（60分钟") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	order := url.Values{"lecture": {"1"}, "when": {"12月4日上午9点"}, "heads": {"40"}, "unit": {`三里村<script>alert(1)</script>`}, "contact": {"张三"}, "phone": {"13900000000"}}
	for field, bad := range map[string]struct{ value, want string }{
		"when": {"12月5日上午9点", "是周末"}, "heads": {"0", "人数请写"}, "unit": {"", "哪个单位"}, "phone": {"打我", "看不懂"}, "lecture": {"77", "菜单里没有"}, "contact": {"", "联系人"},
	} {
		v := url.Values{}
		for k, x := range order {
			v[k] = x
		}
		v.Set(field, bad.value)
		w := post(h, v)
		if w.Code < 400 || w.Code >= 500 || !strings.Contains(w.Body.String(), bad.want) || field != "contact" && !strings.Contains(w.Body.String(), `value="张三"`) {
			t.Errorf("%s %q: got %d, want %q and what was typed", field, bad.value, w.Code, bad.want)
		}
		if strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%s: what was typed is markup", field)
		}
	}
	w = post(h, order)
	m := regexp.MustCompile(`id="code">(\S{9})<`).FindStringSubmatch(w.Body.String())
	if w.Code != 200 || m == nil || !strings.Contains(w.Body.String(), "讲2026-0001") {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	if w = post(h, url.Values{"code": {"AAAA-AAAA"}, "verb": {"see"}}); w.Code != http.StatusNotFound {
		t.Errorf("a wrong code: %d", w.Code)
	}
	for _, a := range []office.OrderAction{{Verb: "dispatch"}, {Verb: "reschedule", At: time.Date(2026, 12, 8, 9, 0, 0, 0, time.FixedZone("", 8*3600)), Note: "开会"}} {
		if _, err := db.ActOrder(t.Context(), officer, "1", a); err != nil {
			t.Fatal(err)
		}
	}
	if w = post(h, url.Values{"code": {m[1]}, "verb": {"see"}}); !strings.Contains(w.Body.String(), "12月8日（周二）09:00") || !strings.Contains(w.Body.String(), "同意改期") {
		t.Errorf("got %s", w.Body)
	}
	if w = post(h, url.Values{"code": {m[1]}, "verb": {"agree"}}); w.Code != 200 || !strings.Contains(w.Body.String(), "已接单") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w = post(h, url.Values{"code": {m[1]}, "verb": {"dispatch"}}); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("another's step: %d", w.Code)
	}
	if w = post(h, url.Values{"code": {m[1]}, "verb": {"cancel"}, "note": {"停电"}}); w.Code != 200 || !strings.Contains(w.Body.String(), "已取消") {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// Two presses of the button are one order, and both pages show its code: the
// browser shows the second.
func TestLectures_PressedTwice(t *testing.T) {
	t.Parallel()
	_, _, h := school(t)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/lecture", nil))
	hidden := regexp.MustCompile(`name="request" value="(\w{16,})"`).FindStringSubmatch(w.Body.String())
	if hidden == nil {
		t.Fatalf("the form has no name of its own: %s", w.Body)
	}
	order := url.Values{"request": {hidden[1]}, "lecture": {"1"}, "when": {"12月4日上午9点"}, "heads": {"40"}, "unit": {"三里村"}, "contact": {"张三"}, "phone": {"13900000000"}}
	var codes []string
	for range 2 {
		w := post(h, order)
		m := regexp.MustCompile(`id="code">(\S{9})<`).FindStringSubmatch(w.Body.String())
		if w.Code != 200 || m == nil {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		codes = append(codes, m[1])
	}
	if codes[0] != codes[1] {
		t.Errorf("two codes: %q", codes)
	}
	order.Set("when", "12月11日上午9点") // the page was gone back to and changed
	if w := post(h, order); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), codes[0]) {
		t.Errorf("another order under the same name: %d %s", w.Code, w.Body)
	}
}

func TestLectures_Limits(t *testing.T) {
	t.Parallel()
	_, _, h := school(t)
	last := 0
	for i := range 31 {
		last = post(h, url.Values{"when": {fmt.Sprint("x", i)}}).Code
		if i < 30 && last != http.StatusUnprocessableEntity {
			t.Fatalf("post %d: got %d", i, last)
		}
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("the 31st: got %d", last)
	}
	if w := post(h, url.Values{"wish": {strings.Repeat("x", 17<<10)}}); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a huge form: got %d", w.Code)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("DELETE", "/lecture", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("DELETE: %d", w.Code)
	}
}
