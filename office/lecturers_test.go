package office

import (
	"fmt"
	"testing"
)

func TestLectureTables_DryRunAndFaults(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx, k := t.Context(), newSchool(t, db)
		orgs, _ := db.Orgs(ctx)
		rep, err := db.ImportDuties(ctx, "test", [][]string{{"部门", "法律法规", "普法内容", "对象", "频次"},
			{"税务局", "税收征管法", "办税", "", ""}, {"人社局", "", "x", "", ""}, {"人社局", "社会保险法", "参保", "外星人", ""}, {"人社局", "社会保险法", "参保", "企业", "每天"}, {"人社局", "社会保险法", "参保", "企业", "每年"}}, false)
		if err != nil || rep.Kept != 0 || len(rep.Errors) != 4 || rep.Errors[0].Row != 2 || rep.Errors[3].Row != 5 {
			t.Errorf("duties: %+v, %v", rep, err)
		}
		rep, err = db.ImportLectures(ctx, "test", [][]string{{"主题", "部门", "时长", "对象", "讲师", "语言", "晚上周末", "责任编号"},
			{"好", "人社局", "500", "", "", "", "", ""}, {"好", "人社局", "60", "", "没这人", "", "", ""}, {"好", "公安局", "60", "", "", "", "", "1"}, {"", "公安局", "60", "", "", "", "", ""}}, true)
		if err != nil || len(rep.Errors) != 4 || !rep.DryRun {
			t.Errorf("lectures: %+v, %v", rep, err)
		}
		if list, _ := db.Menu(ctx, "", true); len(list) != 2 {
			t.Errorf("a dry run changed the menu: %+v", list)
		}
		// what was exported is imported again and changes nothing
		duties, _ := db.Duties(ctx, true)
		menu, _ := db.Menu(ctx, "", true)
		pool, _ := db.Lecturers(ctx)
		for name, err := range map[string]error{
			"duties":    roundTrip(DutyTable(duties, orgs), func(rows [][]string) (Import, error) { return db.ImportDuties(ctx, "test", rows, false) }),
			"lecturers": roundTrip(LecturerTable(pool, orgs), func(rows [][]string) (Import, error) { return db.ImportLecturers(ctx, "test", rows, false) }),
			"lectures":  roundTrip(LectureTable(menu, orgs), func(rows [][]string) (Import, error) { return db.ImportLectures(ctx, "test", rows, false) }),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if again, _ := db.Menu(ctx, "", true); len(again) != 2 || again[0].Line() != menu[0].Line() || again[0].Duty != menu[0].Duty {
			t.Errorf("the menu changed: %+v", again)
		}
		// a lecture taken off the menu is not ordered
		rows := LectureTable(menu, orgs)
		rows[1][8] = "是"
		if _, err := db.ImportLectures(ctx, "test", rows, false); err != nil {
			t.Fatal(err)
		}
		if _, err := k.order(t, menu[0].ID, "2026-12-04 09:00", "三里村"); KindOf(err) != NotFound {
			t.Errorf("ordered what is off the menu: %v", err)
		}
	})
}

func roundTrip(rows [][]string, read func([][]string) (Import, error)) error {
	rep, err := read(rows)
	if err != nil || len(rep.Errors) > 0 || rep.Kept != len(rows)-1 {
		return fmt.Errorf("%+v, %w", rep, err)
	}
	return nil
}
