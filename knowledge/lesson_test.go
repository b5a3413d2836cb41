package knowledge

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A year of lessons: three questions each, on three fields, the right answer is
// the entry's own conclusion, no two answers are the same, weeks differ.
func TestLesson_AYear(t *testing.T) {
	t.Parallel()
	b, err := OpenBase(t.Context(), BaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	on := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	asked, places := map[string]int{}, map[int]int{}
	for n := 1; n <= 52; n++ {
		week := fmt.Sprintf("2027-W%02d", n)
		list := b.Lesson(week, on)
		if len(list) != lessonQuestions {
			t.Fatalf("%s: %d questions", week, len(list))
		}
		fields := map[string]bool{}
		for _, q := range list {
			asked[q.Entry.ID]++
			places[q.Right]++
			fields[q.Entry.Topic[:2]] = true
			if q.Options[q.Right] != lessonText(q.Entry) || !strings.Contains(q.Ask, strings.TrimRight(q.Entry.Title, "？?。")) {
				t.Errorf("%s: %+v", week, q)
			}
			for i, o := range q.Options {
				if slices.Contains(q.Options[:i], o) || strings.ContainsAny(o, "[〔\n") {
					t.Errorf("%s: %q", week, q.Options)
				}
			}
		}
		if again := b.Lesson(week, on); len(fields) != lessonQuestions || again[0].Entry.ID != list[0].Entry.ID {
			t.Errorf("%s: fields %v", week, fields)
		}
	}
	if len(asked) < 80 || len(places) != lessonOptions {
		t.Errorf("%d entries asked about, right answers at %v", len(asked), places)
	}
	off := b.Lesson("2027-W01", on)[0]
	b.SetOff(map[string]string{off.Entry.Topic: "复核中"})
	for _, q := range b.Lesson("2027-W01", on) {
		if q.Entry.Topic == off.Entry.Topic {
			t.Error("a topic that is switched off is taught")
		}
	}
}
