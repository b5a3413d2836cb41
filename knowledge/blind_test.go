package knowledge

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type blindQuestion struct {
	Q     string   `json:"q"`
	Turns []string `json:"turns"`
	Topic string   `json:"topic"`
	Also  []string `json:"also"`
}

func readBlind(t *testing.T, name string) []blindQuestion {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "blind", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []blindQuestion
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var q blindQuestion
		if err := json.Unmarshal(sc.Bytes(), &q); err != nil {
			t.Fatal(err)
		}
		list = append(list, q)
	}
	return list
}

// TestBlind asks questions written by somebody who had not seen the entries and
// keeps the figures in a golden file, so that each change shows its effect in a
// diff: how often the right topic answers, is among those named, or nothing is
// answered; and how often something outside is answered all the same.
func TestBlind(t *testing.T) {
	t.Parallel()
	if underRace {
		t.Skip("measured without the race detector")
	}
	b, err := OpenBase(t.Context(), BaseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	a := NewAnswerer(b)
	var out strings.Builder
	for _, set := range []string{"questions.jsonl", "turns.jsonl", "second.jsonl"} {
		var right, offered, sure, sureRight, unknown int
		list := readBlind(t, set)
		for _, q := range list {
			ans := playBlind(t, a, q)
			topics := append([]string{q.Topic}, q.Also...)
			ok := ans.Kind == KindAnswer && slices.Contains(topics, ans.Entry.Topic)
			near := ok
			for _, e := range append(append([]*Entry{}, ans.Next...), append(ans.Also, ans.Choices...)...) {
				near = near || slices.Contains(topics, e.Topic)
			}
			count(&right, ok)
			count(&offered, near)
			count(&unknown, ans.Kind == KindUnknown)
			count(&sure, ans.Kind == KindAnswer && ans.Fit >= fitPlain)
			count(&sureRight, ok && ans.Fit >= fitPlain)
			if !ok && testing.Verbose() {
				got := "-"
				if ans.Entry != nil {
					got = ans.Entry.ID
				}
				t.Logf("%s %.2f %-8s %s %s", q.Topic, ans.Fit, ans.Kind, got, q.Q+strings.Join(q.Turns, " | "))
			}
		}
		n := len(list)
		fmt.Fprintf(&out, "%s: %d questions\n  right topic first: %d (%d%%)\n  right topic named: %d (%d%%)\n  answered without doubt: %d, of these right: %d (%d%%)\n  not known: %d (%d%%)\n",
			set, n, right, right*100/n, offered, offered*100/n, sure, sureRight, sureRight*100/max(1, sure), unknown, unknown*100/n)
	}
	blindVariants(t, a, &out)
	outside := readBlind(t, "outside.jsonl")
	var answered, tentative int
	for _, q := range outside {
		ans := playBlind(t, a, q)
		count(&answered, ans.Kind == KindAnswer && ans.Fit >= fitPlain)
		count(&tentative, ans.Kind == KindAnswer && ans.Fit < fitPlain)
		if ans.Kind == KindAnswer && testing.Verbose() {
			t.Logf("outside %.2f %s %s", ans.Fit, ans.Entry.ID, q.Q)
		}
	}
	fmt.Fprintf(&out, "outside.jsonl: %d questions\n  answered without doubt: %d (%d%%)\n  answered with doubt: %d (%d%%)\n", len(outside), answered, answered*100/len(outside), tentative, tentative*100/len(outside))
	golden(t, filepath.Join("testdata", "blind", "figures.txt"), out.String())
}

// blindVariants asks the single questions again as other people write them.
func blindVariants(t *testing.T, a *Answerer, out *strings.Builder) {
	t.Helper()
	list := append(readBlind(t, "questions.jsonl"), readBlind(t, "second.jsonl")...)
	list = slices.DeleteFunc(list, func(q blindQuestion) bool { return q.Q == "" })
	for _, name := range []string{"", VariantTraditional, VariantTypo, VariantDialect} {
		rewrite, err := Variant(name)
		if err != nil {
			t.Fatal(err)
		}
		right := 0
		for _, q := range list {
			if rewrite != nil {
				q.Q = rewrite(q.Q)
			}
			ans := playBlind(t, a, q)
			ok := ans.Kind == KindAnswer && slices.Contains(append([]string{q.Topic}, q.Also...), ans.Entry.Topic)
			count(&right, ok)
			if !ok && name == VariantDialect && testing.Verbose() {
				t.Logf("dialect %s %s", q.Topic, q.Q)
			}
		}
		fmt.Fprintf(out, "all single questions, variant %q: %d\n  right topic first: %d (%d%%)\n", name, len(list), right, right*100/len(list))
	}
}

func count(n *int, yes bool) {
	if yes {
		*n++
	}
}

func playBlind(t *testing.T, a *Answerer, q blindQuestion) Answer {
	t.Helper()
	turns := q.Turns
	if q.Q != "" {
		turns = []string{q.Q}
	}
	var ans Answer
	question := Question{}
	for _, text := range turns {
		question.Text = text
		var err error
		if ans, err = a.Answer(context.Background(), question); err != nil {
			t.Fatal(err)
		}
		question.Context = append(question.Context, text)
		question.Last = ""
		if ans.Entry != nil {
			question.Last = ans.Entry.ID
		}
	}
	return ans
}

// goldenSlack is by how many percent points a figure may fall before the test
// fails: entries come and go. -update rewrites the file, and its diff shows what
// a change did.
const goldenSlack = 3

var percentFigure = regexp.MustCompile(`(right[^:]*): \d+ \((\d+)%\)`)

// golden compares the figures with those in a file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	before, now := percentFigure.FindAllStringSubmatch(string(want), -1), percentFigure.FindAllStringSubmatch(got, -1)
	if len(before) != len(now) {
		t.Fatalf("%s has other figures; run with -update", name)
	}
	for i := range now {
		was, _ := strconv.Atoi(before[i][2])
		is, _ := strconv.Atoi(now[i][2])
		if is < was-goldenSlack {
			t.Errorf("%s: %d%%, was %d%%\n%s", now[i][1], is, was, got)
		}
	}
}
