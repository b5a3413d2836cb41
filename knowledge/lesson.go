package knowledge

import (
	"crypto/sha256"
	"encoding/binary"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Bounds of a lesson: how many questions a week has, how many answers are offered
// for each, and how long one may be, in runes.
const (
	lessonQuestions = 3
	lessonOptions   = 3
	maxLessonText   = 160
)

// LessonQuestion is one question of the weekly lesson: which conclusion belongs
// to a title. All words are those of reviewed entries.
type LessonQuestion struct {
	Entry   *Entry
	Ask     string
	Options []string
	Right   int // index of the right one
}

var lessonMarks = regexp.MustCompile(`[\[〔]\d+[\]〕]`)

// teachable says whether an entry can be asked about on a day: it holds then, is
// not switched off, its articles did not change, and its conclusion is short.
func (b *Base) teachable(e *Entry, on time.Time) bool {
	if _, off := b.Off(e.Topic); off || len(b.StaleOf(e.ID)) > 0 || len(e.Citations) == 0 {
		return false
	}
	if !e.From.IsZero() && on.Before(e.From) || !e.To.IsZero() && on.After(e.To) || !e.ReviewDue.IsZero() && on.After(e.ReviewDue) {
		return false
	}
	n := utf8.RuneCountInString(lessonText(e))
	return n >= 12 && n <= maxLessonText
}

func lessonText(e *Entry) string {
	return strings.TrimSpace(strings.ReplaceAll(lessonMarks.ReplaceAllString(e.Conclusion, ""), "\n", ""))
}

// lot orders things of a week as by chance, the same each time.
func lot(parts ...string) uint64 {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return binary.BigEndian.Uint64(sum[:8])
}

// Lesson gives the questions of a week ("2026-W48"), on different fields of law.
// The same week gives the same questions while the entries are the same.
func (b *Base) Lesson(week string, on time.Time) []LessonQuestion {
	var pool []*Entry
	for _, e := range b.Entries() {
		if b.teachable(e, on) {
			pool = append(pool, e)
		}
	}
	slices.SortFunc(pool, func(x, y *Entry) int { return compareLots(lot(week, x.ID), lot(week, y.ID)) })
	var list []LessonQuestion
	fields := map[string]bool{}
	for _, e := range pool {
		field := e.Topic[:min(2, len(e.Topic))]
		if len(list) == lessonQuestions {
			break
		}
		if q, ok := ask(week, e, pool); ok && !fields[field] {
			fields[field] = true
			list = append(list, q)
		}
	}
	return list
}

func compareLots(x, y uint64) int {
	switch {
	case x < y:
		return -1
	case x > y:
		return 1
	}
	return 0
}

// ask words the question about an entry. Wrong answers are conclusions of other
// topics of the same field.
func ask(week string, e *Entry, pool []*Entry) (LessonQuestion, bool) {
	q := LessonQuestion{Entry: e, Ask: "“" + strings.TrimRight(e.Title, "？?。") + "”，下面哪句说的是它？", Options: []string{lessonText(e)}}
	others := slices.Clone(pool)
	slices.SortFunc(others, func(x, y *Entry) int { return compareLots(lot(week, e.ID, x.ID), lot(week, e.ID, y.ID)) })
	for _, o := range others {
		text := lessonText(o)
		if o.Topic != e.Topic && o.Topic[:min(2, len(o.Topic))] == e.Topic[:min(2, len(e.Topic))] && !slices.Contains(q.Options, text) && len(q.Options) < lessonOptions {
			q.Options = append(q.Options, text)
		}
	}
	right := q.Options[0]
	slices.SortFunc(q.Options, func(x, y string) int { return compareLots(lot(week, e.ID, "order", x), lot(week, e.ID, "order", y)) })
	q.Right = slices.Index(q.Options, right)
	return q, len(q.Options) == lessonOptions
}
