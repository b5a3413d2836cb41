package office

import (
	"testing"
	"time"
)

// An administrator changes only people whose every place is theirs.
func TestStaff_ScopeOfAdministrators(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, orgs := t.Context(), place(t, db)
		db.hasher.memory, db.hasher.rounds = 64, 1
		county := hire(t, db, "县管", Admin, orgs["青禾县"])
		east := hire(t, db, "东管", Admin, orgs["城东街道"])
		both, err := db.Hire(ctx, county, Person{Name: "两头", Posts: []Post{{Role: Clerk, Org: orgs["城东司法所"]}, {Role: Clerk, Org: orgs["城西司法所"]}}})
		if err != nil {
			t.Fatal(err)
		}
		west, err := db.Hire(ctx, county, Person{Name: "西人", Posts: []Post{{Role: Helper, Org: orgs["五里村"]}}})
		if err != nil {
			t.Fatal(err)
		}
		own, err := db.Hire(ctx, east, Person{Name: "东人", Posts: []Post{{Role: Helper, Org: orgs["三里村"]}}})
		if err != nil {
			t.Fatal(err)
		}
		for name, p := range map[string]Person{"the county's administrator": county, "of two places": both, "of another place": west} {
			_, _, invite := db.InviteManaged(ctx, east, p.ID)
			_, give := db.GiveConsole(ctx, east, p.ID, "x1")
			_, reset := db.ResetConsole(ctx, east, p.ID, true)
			for act, err := range map[string]error{
				"suspend": db.SuspendManaged(ctx, east, p.ID, true), "edit": db.EditPerson(ctx, east, Person{ID: p.ID}), "invite": invite, "give": give, "reset": reset,
				"add post":    db.AddPost(ctx, east, p.ID, Post{Role: Admin, Org: orgs["三里村"]}),
				"remove post": db.RemovePost(ctx, east, p.ID, p.Posts[0]),
			} {
				if KindOf(err) != NotFound {
					t.Errorf("%s of somebody %s: got %v", act, name, err)
				}
			}
		}
		if err := db.AddPost(ctx, east, own.ID, Post{Role: Admin, Org: orgs["青禾县"]}); KindOf(err) != NotFound {
			t.Errorf("a post above one's own: %v", err)
		}
		if _, err := db.Hire(ctx, east, Person{Name: "越界", Posts: []Post{{Role: Helper, Org: orgs["五里村"]}}}); KindOf(err) != NotFound {
			t.Errorf("hiring elsewhere: %v", err)
		}
		if _, err := db.Found(ctx, east, Org{Parent: orgs["城西镇"].ID, Kind: "村社区", Name: "六里村"}); KindOf(err) != NotFound {
			t.Errorf("founding elsewhere: %v", err)
		}
		if _, err := db.Found(ctx, east, Org{Parent: orgs["城东街道"].ID, Kind: "村社区", Name: "六里村"}); err != nil {
			t.Error(err)
		}
		if err := db.SuspendManaged(ctx, east, east.ID, true); KindOf(err) != Conflict {
			t.Errorf("suspending oneself: %v", err)
		}
		list, err := db.PeopleFor(ctx, east, []Role{Admin}, PeopleFilter{})
		if err != nil || len(list) != 3 { // 东管, 东人, 两头
			t.Errorf("got %+v, %v", list, err)
		}
		rep, err := db.ImportPeopleFor(ctx, east, [][]string{{"姓名", "角色", "机构"}, {"新一", "法律明白人", "三里村"}, {"新二", "法律明白人", "五里村"}}, false)
		if err != nil || rep.Kept != 0 || len(rep.Errors) != 1 || rep.Errors[0].Row != 3 {
			t.Errorf("got %+v, %v", rep, err)
		}
		if c, err := db.CoverageFor(ctx, east, []Role{Admin}); err != nil || len(c) != 2 || c[0].Org.Name == "五里村" || c[1].Org.Name == "五里村" {
			t.Errorf("got %+v, %v", c, err)
		}
	})
}

func TestStaff_ChangedPostsEndSessions(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, orgs := t.Context(), place(t, db)
		admin := hire(t, db, "县管", Admin, orgs["青禾县"])
		p := hire(t, db, "王明", Helper, orgs["三里村"])
		clerk := Post{Role: Clerk, Org: orgs["城东司法所"]}
		for _, c := range []struct {
			name   string
			change func() error
			ends   bool
		}{
			{"a post they have already", func() error { return db.AddPost(ctx, admin, p.ID, p.Posts[0]) }, false},
			{"a post more", func() error { return db.AddPost(ctx, admin, p.ID, clerk) }, true},
			{"a post they have not", func() error { return db.RemovePost(ctx, admin, p.ID, Post{Role: Grid, Org: orgs["三里村"]}) }, false},
			{"a post less", func() error { return db.RemovePost(ctx, admin, p.ID, clerk) }, true},
		} {
			token, err := db.OpenConsole(ctx, p.ID, "test")
			if err != nil {
				t.Fatal(err)
			}
			if err := c.change(); (err == nil) != c.ends {
				t.Errorf("%s: %v", c.name, err)
			}
			if _, err := db.ConsoleSession(ctx, token); (KindOf(err) == NotFound && err != nil) != c.ends {
				t.Errorf("%s: the session: %v", c.name, err)
			}
		}
		p, err := db.Person(ctx, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.RemovePost(ctx, admin, p.ID, p.Posts[0]); KindOf(err) != Conflict {
			t.Errorf("the last post: %v", err)
		}
	})
}

func TestSearchAudit(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, orgs := t.Context(), place(t, db)
		p := hire(t, db, "王明", Helper, orgs["三里村"])
		if err := db.Note(ctx, "resident", "refused", "x%y_z"); err != nil {
			t.Fatal(err)
		}
		_, all, err := db.SearchAudit(ctx, AuditFilter{})
		if err != nil || all != 12 { // eight places, the person, the invite, the binding, the note
			t.Errorf("got %d, %v", all, err)
		}
		list, n, err := db.SearchAudit(ctx, AuditFilter{Object: personKey(p.ID), Limit: 1, Offset: 1})
		if err != nil || n != 3 || len(list) != 1 || list[0].Action != "invite" {
			t.Errorf("got %+v of %d, %v", list, n, err)
		}
		for text, want := range map[string]int{"add org": 8, "三里村": 2, "%": all, "no such": 0} {
			if _, n, err := db.SearchAudit(ctx, AuditFilter{Text: text}); err != nil || n != want {
				t.Errorf("%q: got %d, %v, want %d", text, n, err, want)
			}
		}
		if _, n, err := db.SearchAudit(ctx, AuditFilter{From: db.now().Add(time.Second)}); err != nil || n != 0 {
			t.Errorf("got %d, %v", n, err)
		}
	})
}
