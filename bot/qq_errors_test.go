package bot

import (
	"fmt"
	"strings"
	"testing"
)

// The classes of the platform's codes, written down a second time from the
// documents: one line a class.
func TestQQErrors_EveryCodeHasItsClass(t *testing.T) {
	t.Parallel()
	want := map[qqClass][]int{
		qqStaleToken:  {11241, 11243, 11244},
		qqConfig:      {11298, 40023002, 11251, 11253, 11254, 11265, 40054016, 4914, 4915},
		qqRetry:       {50055001, 50055002, 50055006, 40034004, 40054006, 11242, 11252, 11281},
		qqDone:        {40054005},
		qqOtherAnchor: {40034005, 40034024, 40034025, 40034026, 40034027, 40034031, 40034128, 304027, 304103, 40034122, 40034123},
		qqClosed:      {40034102, 40034105, 40054013, 40054004, 40034101, 40054003, 304031},
		qqQuota:       {22009, 40034100, 20028, 304045, 304046, 304047, 304048, 304049, 304050, 50002, 1100100, 1100308},
		qqMuted:       {40054002, 850018},
		qqContent: {22006, 40034006, 40034008, 40034009, 40034010, 40034011, 40034029, 40034106, 40034107, 40034108, 40034109,
			40034124, 40034127, 50037, 50045, 50057, 40054007, 40054018, 40054010, 304003, 304025, 1100101, 1100102, 1100103, 1000001, 305007, 304061, 304004},
		qqPending: {304023, 304024},
	}
	named := map[int]bool{}
	for class, codes := range want {
		for _, code := range codes {
			named[code] = true
			for _, body := range []string{
				fmt.Sprintf(`{"message":"m","code":%d,"trace_id":"t"}`, code),
				fmt.Sprintf(`{"message":"m","code":1,"err_code":%d}`, code),
				fmt.Sprintf(`{"err_code":"%d"}`, code),
			} {
				if e := readQQError(400, []byte(body), ""); e.Class != class || e.Code != code {
					t.Errorf("%s: got %v, want class %v", body, e, class)
				}
			}
		}
	}
	for _, c := range qqCodes {
		if c.from > c.to || (c.to-c.from < 8 && !named[c.from]) {
			t.Errorf("the table has %d–%d, which the list does not name", c.from, c.to)
		}
		if c.class != qqContent && c.remedy != 0 {
			t.Errorf("%d: a remedy for %v", c.from, c.class)
		}
	}
}

func TestQQErrors_ACodeHasOneClass(t *testing.T) {
	t.Parallel()
	for i, a := range qqCodes {
		for _, b := range qqCodes[i+1:] {
			if a.from <= b.to && b.from <= a.to {
				t.Errorf("%d–%d and %d–%d overlap", a.from, a.to, b.from, b.to)
			}
		}
	}
}

func TestQQErrors_WithoutAKnownCodeTheStatusDecides(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		body   string
		want   qqClass
	}{
		{500, `<html>bad gateway</html>`, qqRetry},
		{504, ``, qqRetry},
		{429, `{"message":"slow","code":7}`, qqRetry},
		{400, `<html>`, qqRetry},
		{400, `{"code":99999,"message":"new"}`, qqContent},
		{401, `{}`, qqStaleToken},
		{401, `{"message":"接口访问源IP不在白名单","code":11298,"err_code":40023002}`, qqConfig},
		{200, `{"err_code":40034105}`, qqClosed},
		{200, `{}`, qqUncertain},
		{202, `{"code":304023,"data":{"message_audit":{"audit_id":"A9"}}}`, qqPending},
	} {
		if e := readQQError(c.status, []byte(c.body), ""); e.Class != c.want {
			t.Errorf("%d %s: got %v, want %v", c.status, c.body, e.Class, c.want)
		}
	}
	if e := readQQError(202, []byte(`{"code":304023,"data":{"message_audit":{"audit_id":"A9"}}}`), "tr"); e.Audit != "A9" || e.Trace != "tr" {
		t.Errorf("got %+v", e)
	}
}

func FuzzQQErrors(f *testing.F) {
	f.Add(400, `{"message":"m","code":40034105,"err_code":40034105,"trace_id":"t"}`)
	f.Add(202, `{"code":304023,"data":{"message_audit":{"audit_id":"a"}}}`)
	f.Add(500, `<html>502</html>`)
	f.Add(200, `{"err_code":"40054005"}`)
	f.Add(400, `{"code":-1,"err_code":9999999999999}`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		e := readQQError(status, []byte(body), body)
		if qqClassNames[e.Class] == "" {
			t.Errorf("no class: %+v", e)
		}
		if e.Code < 0 || len([]rune(e.Trace)) > 64 || len([]rune(e.Audit)) > 128 {
			t.Errorf("not bounded: %+v", e)
		}
		if strings.ContainsAny(e.Trace+e.Audit, "\x00\x1b\u202e") {
			t.Errorf("not cleaned: %q", e.Trace)
		}
	})
}
