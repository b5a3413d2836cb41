package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"
)

// The verdicts on an item of a hostile set.
const (
	verdictPassed      = "passed"
	verdictFailed      = "failed"
	verdictNotBuilt    = "not_built"   // the product has no such surface yet
	verdictUnsupported = "unsupported" // the harness does not know the payload
)

// attack is what an item does. What it expects is no part of it: nothing that
// runs an attack can know the outcome that is wanted.
type attack struct {
	ID      string  `json:"id"`
	Channel string  `json:"channel"`
	Class   string  `json:"class"`
	Text    string  `json:"text"`
	Payload payload `json:"payload"`
	Obeyed  *string `json:"llm_reply"` // what a wholly obedient model says; nil: something harmless

	wants json.RawMessage // the item's expect, for judge alone
}

// hostileVerdict is one line of the report.
type hostileVerdict struct {
	ID      string `json:"id"`
	Class   string `json:"class"`
	Verdict string `json:"verdict"`
	Why     string `json:"why"`
}

// hostileReport is the JSON of `mingbai eval hostile --json`.
type hostileReport struct {
	Passed      int              `json:"passed"`
	Failed      int              `json:"failed"`
	NotBuilt    int              `json:"not_built"`
	Unsupported int              `json:"unsupported"`
	Total       int              `json:"total"`
	Items       []hostileVerdict `json:"items"`
}

func (r *hostileReport) add(v hostileVerdict) {
	r.Total++
	switch v.Verdict {
	case verdictPassed:
		r.Passed++
	case verdictNotBuilt:
		r.NotBuilt++
	case verdictUnsupported:
		r.Unsupported++
	default:
		r.Failed++
	}
	r.Items = append(r.Items, v)
}

// transcript is one line of --transcripts: every surface of an item as it was
// when the item had run, so that somebody else can judge.
type transcript struct {
	ID       string            `json:"id"`
	Verdict  string            `json:"verdict"`
	Status   []int             `json:"status,omitempty"` // of the HTTP answers
	States   map[string]string `json:"states,omitempty"` // "" holds, otherwise why not
	Surfaces map[string]string `json:"surfaces"`
}

// evalHostile runs attacks against the product's own wiring, with a model that
// does whatever an attacker wants.
func evalHostile(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval hostile", "攻击集.jsonl [--json] [--transcripts 记录.jsonl] [--mutations] [--only 类或编号]")
	asJSON := f.Bool("json", false, "输出 JSON")
	record := f.String("transcripts", "", "把每题各处出现的文字写到这个文件（JSON 行）")
	mutate := f.Bool("mutations", false, "注入类的题再各变六种写法")
	only := f.String("only", "", "只跑这一类或这一题")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写一个攻击集文件", errUsage)
	}
	attacks, err := readAttacks(rest[0])
	if err != nil {
		return err
	}
	if *mutate {
		attacks = withMutations(attacks)
	}
	if *only != "" {
		attacks = slices.DeleteFunc(attacks, func(x attack) bool { return x.ID != *only && x.Class != *only && x.Payload.Kind != *only })
	}
	out := io.Discard
	if *record != "" {
		file, err := os.OpenFile(*record, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return fmt.Errorf("写不了记录：%w", err)
		}
		defer file.Close()
		out = file
	}
	report, err := runHostile(ctx, attacks, a.err, out)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, report)
	}
	writeHostile(a.out, report)
	return nil
}

// maxHostileLine bounds an item, in bytes.
const maxHostileLine = 4 << 20

func readAttacks(name string) ([]attack, error) {
	in, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("打不开攻击集：%w", err)
	}
	defer in.Close()
	var list []attack
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, maxHostileLine)
	for line := 1; sc.Scan(); line++ {
		if len(sc.Bytes()) == 0 {
			continue
		}
		var x attack
		var later struct {
			Expect json.RawMessage `json:"expect"`
		}
		var odd *json.UnmarshalTypeError
		if err := json.Unmarshal(sc.Bytes(), &x); errors.As(err, &odd) {
			x.Payload.Kind = "unreadable field " + odd.Field
		} else if err != nil {
			return nil, fmt.Errorf("攻击集第 %d 行看不懂：%w", line, err)
		}
		if err := json.Unmarshal(sc.Bytes(), &later); err != nil {
			return nil, fmt.Errorf("攻击集第 %d 行看不懂：%w", line, err)
		}
		x.wants = later.Expect
		list = append(list, x)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("读攻击集：%w", err)
	}
	return list, nil
}

// runHostile runs the attacks one after the other and judges each when it has
// run.
func runHostile(ctx context.Context, attacks []attack, progress, record io.Writer) (hostileReport, error) {
	report := hostileReport{Items: []hostileVerdict{}}
	r := &hostileRange{ctx: ctx}
	defer r.close()
	lines := json.NewEncoder(record)
	lines.SetEscapeHTML(false)
	for _, x := range attacks {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		start := time.Now()
		blind := x
		blind.wants = nil
		got, err := r.run(blind)
		if err != nil && ctx.Err() == nil { // what the product did to the harness is a verdict, too
			got, r.spoiled = outcome{verdict: verdictFailed, why: err.Error(), surfaces: map[string]string{}}, true
		}
		v := hostileVerdict{ID: x.ID, Class: x.Class}
		v.Verdict, v.Why = got.verdict, got.why
		if v.Verdict == "" {
			if v.Verdict, v.Why, err = judge(x, got); err != nil {
				return report, err
			}
		}
		report.add(v)
		if err := lines.Encode(transcript{x.ID, v.Verdict, got.status, got.states, got.surfaces}); err != nil {
			return report, fmt.Errorf("写记录：%w", err)
		}
		fmt.Fprintf(progress, "  %s %-17s %s %.1f 秒 %s\n", x.ID, x.Class, v.Verdict, time.Since(start).Seconds(), v.Why)
	}
	return report, nil
}

func writeHostile(w io.Writer, r hostileReport) {
	type tally struct{ passed, failed, rest int }
	classes := map[string]*tally{}
	for _, v := range r.Items {
		c := classes[v.Class]
		if c == nil {
			c = new(tally)
			classes[v.Class] = c
		}
		switch v.Verdict {
		case verdictPassed:
			c.passed++
		case verdictFailed:
			c.failed++
		default:
			c.rest++
		}
	}
	for _, name := range slices.Sorted(maps.Keys(classes)) {
		c := classes[name]
		fmt.Fprintf(w, "%-20s 通过 %d，没通过 %d，还没有这个功能 %d\n", name, c.passed, c.failed, c.rest)
	}
	fmt.Fprintf(w, "共 %d 题：通过 %d，没通过 %d，还没有这个功能 %d，跑不了 %d\n", r.Total, r.Passed, r.Failed, r.NotBuilt, r.Unsupported)
	for _, v := range r.Items {
		if v.Verdict == verdictFailed {
			fmt.Fprintf(w, "  %s（%s）%s\n", v.ID, v.Class, v.Why)
		}
	}
}
