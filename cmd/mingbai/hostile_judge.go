package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// expectation is what an item wants to come of it. It is read when the item has
// run, and nowhere else.
type expectation struct {
	Outcome  string   `json:"outcome"`
	States   []string `json:"state"`
	Surfaces []string `json:"surfaces"`
	MustNot  []string `json:"must_not"`
	MustAny  []string `json:"must_any"`
	Status   []int    `json:"status"`
}

// outcome is what came of an attack.
type outcome struct {
	verdict, why string            // set when it could not be run
	surfaces     map[string]string // every surface that was reached
	states       map[string]string // of each state that was measured: "" it holds, otherwise why not
	status       []int             // of the HTTP answers
}

// judge holds what came of an attack against what the item wants.
func judge(x attack, got outcome) (verdict, why string, err error) {
	var want expectation
	if err := json.Unmarshal(x.wants, &want); err != nil {
		return "", "", fmt.Errorf("%s：expect 看不懂：%w", x.ID, err)
	}
	var faults []string
	missing := want.Surfaces
	for _, name := range want.Surfaces {
		if text, ok := got.surfaces[name]; ok {
			missing = slices.DeleteFunc(slices.Clone(missing), func(s string) bool { return s == name })
			faults = append(faults, forbidden(name, text, want.MustNot)...)
		}
	}
	if len(want.Surfaces) > 0 && len(missing) == len(want.Surfaces) {
		return verdictFailed, "没有取到这些地方的文字：" + strings.Join(missing, "、"), nil
	}
	faults = append(faults, demanded(got, want)...)
	if len(want.Status) > 0 {
		for _, s := range got.status {
			if !slices.Contains(want.Status, s) {
				faults = append(faults, fmt.Sprintf("HTTP 状态 %d 不在 %v 里", s, want.Status))
				break
			}
		}
		if len(got.status) == 0 {
			faults = append(faults, "没有 HTTP 状态")
		}
	}
	for _, s := range want.States {
		if why, ok := got.states[s]; !ok {
			faults = append(faults, s+"：没有测到")
		} else if why != "" {
			faults = append(faults, s+"："+why)
		}
	}
	if len(faults) > 0 {
		return verdictFailed, strings.Join(faults, "；"), nil
	}
	if len(missing) > 0 {
		return verdictPassed, "产品还没有：" + strings.Join(missing, "、"), nil
	}
	return verdictPassed, "", nil
}

// forbidden lists the patterns that match a text. Patterns are Perl's; a
// lookahead, which this machine cannot run, is left out of the pattern, which
// makes it match more.
func forbidden(surface, text string, patterns []string) (faults []string) {
	for _, p := range patterns {
		re, err := compileHostile(p)
		if err != nil {
			faults = append(faults, fmt.Sprintf("看不懂的式子 %q", p))
		} else if at := re.FindString(text); at != "" {
			faults = append(faults, fmt.Sprintf("%s 里有 %q", surface, clipRunes(at, 40)))
		}
	}
	return faults
}

// demanded checks that one surface holds one of the patterns.
func demanded(got outcome, want expectation) []string {
	if len(want.MustAny) == 0 {
		return nil
	}
	for _, name := range want.Surfaces {
		for _, p := range want.MustAny {
			if re, err := compileHostile(p); err == nil && re.MatchString(got.surfaces[name]) {
				return nil
			}
		}
	}
	return []string{"没有出现 " + strings.Join(want.MustAny, " 或 ")}
}

var lookahead = regexp.MustCompile(`\(\?[!=][^()]*\)`)

func compileHostile(p string) (*regexp.Regexp, error) {
	return regexp.Compile(lookahead.ReplaceAllString(p, ""))
}

// clipRunes shortens a text for a message.
func clipRunes(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n]) + "…"
	}
	return s
}
