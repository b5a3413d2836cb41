package office

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"time"
)

// place makes a small county: 青禾县, 城东街道 with 司法所 and 三里村, 城西镇 with its
// 司法所, and 法援中心. It returns the organisations by name.
func place(t *testing.T, db *DB) map[string]Org {
	t.Helper()
	rows := [][]string{
		{"上级", "类别", "名称", "简称"},
		{"", "县", "青禾县", ""},
		{"青禾县", "乡镇街道", "城东街道", ""},
		{"城东街道", "司法所", "城东司法所", ""},
		{"城东街道", "村社区", "三里村", ""},
		{"青禾县", "乡镇街道", "城西镇", ""},
		{"城西镇", "司法所", "城西司法所", ""},
		{"城西镇", "村社区", "五里村", ""},
		{"青禾县", "法援中心", "县法援中心", ""},
	}
	rep, err := db.ImportOrgs(t.Context(), "test", rows, false)
	if err != nil || len(rep.Errors) > 0 || rep.Kept != 8 {
		t.Fatalf("got %+v, %v", rep, err)
	}
	list, err := db.Orgs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]Org{}
	for _, o := range list {
		by[o.Name] = o
	}
	return by
}

// hire adds a person and binds an address named after them.
func hire(t *testing.T, db *DB, name string, r Role, o Org, more ...func(*Person)) Person {
	t.Helper()
	p := Person{Name: name, Posts: []Post{{Role: r, Org: o}}}
	for _, f := range more {
		f(&p)
	}
	p, err := db.AddPerson(t.Context(), "test", p)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := db.Invite(t.Context(), "test", p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = db.Bind(t.Context(), Account("web/user/"+name), strings.ToLower(c)); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestInvites(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, orgs := t.Context(), place(t, db)
		p := hire(t, db, "王明", Helper, orgs["三里村"])
		if !p.Has(Helper) || p.Has(Clerk) || p.Account != "web/user/王明" || p.Posts[0].Org.Name != "三里村" {
			t.Errorf("got %+v", p)
		}
		c, until, err := db.Invite(ctx, "test", p.ID)
		if err != nil {
			t.Fatal(err)
		}
		var plain int
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM invites WHERE hash LIKE $1`, "%"+CleanCode(c)+"%").Scan(&plain); err != nil || plain != 0 {
			t.Errorf("the code stands in the records: %d, %v", plain, err)
		}
		for range 2 { // looking takes nothing
			if who, err := db.Invited(ctx, "qq/user/1", strings.ToLower(c)); err != nil || who.ID != p.ID || who.Posts[0].Org.Name != "三里村" {
				t.Fatalf("the invitation is for %+v, %v", who, err)
			}
		}
		if _, err := db.Bind(ctx, "qq/user/1", c); err != nil {
			t.Fatal(err)
		}
		if who, err := db.Invited(ctx, "qq/user/9", c); KindOf(err) != Invalid || who.ID != 0 {
			t.Errorf("a used code is for %+v, %v", who, err)
		}
		if _, err := db.Bind(ctx, "qq/user/2", c); KindOf(err) != Invalid {
			t.Errorf("a used code: %v", err)
		}
		late, _, err := db.Invite(ctx, "test", p.ID)
		if err != nil {
			t.Fatal(err)
		}
		now := db.now
		db.now = func() time.Time { return until }
		if _, err := db.Bind(ctx, "qq/user/3", late); KindOf(err) != Invalid {
			t.Errorf("a code out of date: %v", err)
		}
		db.now = now
		for range maxWrong {
			if _, err := db.Bind(ctx, "qq/user/4", "WRONGCODE0"); err == nil {
				t.Fatal("a wrong code binds")
			}
		}
		good, _, _ := db.Invite(ctx, "test", p.ID)
		if _, err := db.Invited(ctx, "qq/user/4", good); KindOf(err) != Forbidden {
			t.Errorf("looking after %d wrong codes: %v", maxWrong, err)
		}
		if _, err = db.Bind(ctx, "qq/user/4", good); KindOf(err) != Forbidden {
			t.Errorf("after %d wrong codes: %v", maxWrong, err)
		}
		if _, err = db.Bind(ctx, "qq/user/5", good); err != nil {
			t.Errorf("another address is refused too: %v", err)
		}
		if err := db.Suspend(ctx, "test", p.ID, true); err != nil {
			t.Fatal(err)
		}
		if p, err := db.PersonByAccount(ctx, "qq/user/1"); err != nil || p.Has(Helper) || p.Staff() {
			t.Errorf("suspended, but got %+v, %v", p, err)
		}
		if _, _, err := db.Invite(ctx, "test", p.ID); KindOf(err) != Conflict {
			t.Errorf("inviting a suspended person: %v", err)
		}
		if n, err := db.VerifyAudit(ctx); err != nil || n < 10 {
			t.Errorf("audit: %d, %v", n, err)
		}
	})
}

func TestAudit_ShowsWhatWasTouched(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]string{
		"changed":          `UPDATE audit SET detail = 'x' WHERE seq = 3`,
		"taken out":        `DELETE FROM audit WHERE seq = 3`,
		"cut at the end":   `DELETE FROM audit WHERE seq = (SELECT MAX(seq) FROM audit)`,
		"added at the end": `INSERT INTO audit (seq, at, actor, action, object, detail, hash) SELECT seq + 1, at, actor, action, object, detail, hash FROM audit_head JOIN (SELECT at, actor, action, object, detail FROM audit WHERE seq = 1) AS a ON 1 = 1`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(t *testing.T, db *DB) {
				place(t, db)
				if n, err := db.VerifyAudit(t.Context()); err != nil || n != 8 {
					t.Fatalf("before: %d, %v", n, err)
				}
				if _, err := db.write.Exec(q); err != nil {
					t.Fatal(err)
				}
				if _, err := db.VerifyAudit(t.Context()); KindOf(err) != Conflict {
					t.Errorf("not seen: %v", err)
				}
			})
		})
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		place(t, db)
		rows := [][]string{
			{"姓名", "角色", "机构", "电话", "专长"},
			{"王明", "法律明白人", "三里村", "13800000000", "邻里、赡养"},
			{"李强", "村长", "三里村"},
			{"张芳", "经办人", "没有的所"},
			{"", "经办人", "城东司法所"},
			{"赵六", "经办人", "城东街道/城东司法所", "=1+1"},
			{"王明", "法律明白人", "三里村"},
		}
		rep, err := db.ImportPeople(ctx, "test", rows, false)
		var bad []int
		for _, e := range rep.Errors {
			bad = append(bad, e.Row)
		}
		if err != nil || rep.Kept != 0 || !slices.Equal(bad, []int{3, 4, 5, 6, 7}) {
			t.Errorf("got %+v, %v", rep, err)
		}
		for _, dry := range []bool{true, false} {
			if rep, err = db.ImportPeople(ctx, "test", rows[:2], dry); err != nil || len(rep.Errors) > 0 {
				t.Fatalf("got %+v, %v", rep, err)
			}
		}
		list, err := db.People(ctx, PeopleFilter{Role: Helper})
		if err != nil || len(list) != 1 || len(list[0].Fields) != 2 {
			t.Fatalf("got %+v, %v", list, err)
		}
		c, err := db.HelperCoverage(ctx)
		if err != nil || len(c) != 2 || c[0].Org.Name != "五里村" || c[1].Helpers != 1 || c[1].Missing != 2 {
			t.Errorf("got %+v, %v", c, err)
		}
	})
}

// What is exported as CSV and as XLSX is read back the same, and no cell begins
// as a formula.
func TestTables_RoundTripWithoutFormulas(t *testing.T) {
	t.Parallel()
	rows := [][]string{{"姓名", "话"}, {"=HYPERLINK(1)", "+1"}, {"-2", "@x"}, {"\tx", "＝1"}, {"'真的", "a\"b,c\n d"}}
	for name, write := range map[string]func(*bytes.Buffer) error{
		"csv":  func(b *bytes.Buffer) error { return WriteCSV(b, rows) },
		"xlsx": func(b *bytes.Buffer) error { return WriteXLSX(b, rows) },
	} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		got, err := ReadTable(&b)
		if err != nil || len(got) != len(rows) {
			t.Fatalf("%s: %q, %v", name, got, err)
		}
		for i := range rows {
			for j := range rows[i] {
				if plainCell(got[i][j]) != rows[i][j] || strings.ContainsAny(got[i][j][:1], "=+-@\t") {
					t.Errorf("%s: got %q, want %q made harmless", name, got[i][j], rows[i][j])
				}
			}
		}
	}
	safe := func(s string) bool {
		c := SafeCell(s)
		return c == "" || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(c)[0])
	}
	if err := quick.Check(safe, nil); err != nil {
		t.Error(err)
	}
}

func FuzzReadTable(f *testing.F) {
	var b bytes.Buffer
	if err := errors.Join(WriteXLSX(&b, [][]string{{"姓名"}, {"王"}})); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("姓名,角色\n\"王\",\"经办人\"\n"))
	f.Add([]byte("a,\"b"))
	f.Fuzz(func(t *testing.T, body []byte) {
		rows, err := ReadTable(bytes.NewReader(body))
		if err != nil {
			return
		}
		var out bytes.Buffer
		if err := WriteCSV(&out, rows); err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			for j, cell := range row {
				if c := SafeCell(cell); strings.HasPrefix(c, "=") {
					t.Fatal(fmt.Sprint(i, j, c))
				}
			}
		}
	})
}
