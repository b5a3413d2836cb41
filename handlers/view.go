package handlers

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"mingbai/knowledge"
)

// maxView bounds the runes that are looked at; a question has at most 2,000,
// the rest is room for what was hidden in it as Base64.
const maxView = 4000

// view is a text as patterns see it: folded (script, width, case), without
// blanks, separators and signs, so that "不 想*活.了" reads like "不想活了". Where
// clauses and sentences end is kept beside the runes.
type view struct {
	runes    []rune
	clause   []int32 // by rune: number of its clause; a comma ends one
	sentence []int32 // by rune: number of its sentence
}

// signs are pictures people send instead of a word.
func signs(r rune) string {
	switch r {
	case '🔪', '🗡':
		return "刀"
	case '🩸':
		return "流血"
	case '🆘':
		return "救命"
	case '🔥':
		return "火"
	case '🏢', '🏙', '🏬', '🏠':
		return "楼"
	case '💊':
		return "药"
	case '🔫':
		return "枪"
	case '💀', '☠', '⚰':
		return "死"
	case '👊', '🤛', '🤜':
		return "打"
	case '👮':
		return "警察"
	}
	return ""
}

// newView folds text. dialect, which may be nil, replaces words of dialects.
func newView(text string, dialect *strings.Replacer) *view {
	segments := split(text, dialect)
	v := &view{}
	var clause, sentence int32
	for i, s := range segments {
		for _, r := range s.runes {
			if len(v.runes) == maxView {
				return v
			}
			v.runes = append(v.runes, r)
			v.clause = append(v.clause, clause)
			v.sentence = append(v.sentence, sentence)
		}
		if spelled(segments, i) {
			continue
		}
		clause++
		if s.full {
			sentence++
		}
	}
	return v
}

// segment is a stretch between two signs that end a clause.
type segment struct {
	runes []rune
	full  bool // a sentence ends behind it
}

func split(text string, dialect *strings.Replacer) []segment {
	var out []segment
	var s segment
	flush := func(full bool) {
		if len(s.runes) > 0 {
			s.full = full
			out = append(out, s)
			s = segment{}
		} else if full && len(out) > 0 {
			out[len(out)-1].full = true
		}
	}
	for line := range strings.Lines(text) { // folding makes a new line a blank
		line = knowledge.Normalize(line)
		if dialect != nil {
			line = dialect.Replace(line)
		}
		for _, r := range line {
			switch {
			case strings.ContainsRune("。！？!?；;", r):
				flush(true)
			case strings.ContainsRune("，,、：:…", r):
				flush(false)
			case unicode.IsLetter(r) || unicode.IsDigit(r):
				s.runes = append(s.runes, r)
			default:
				s.runes = append(s.runes, []rune(signs(r))...)
			}
		}
		flush(true)
	}
	return out
}

// spelled reports whether the sign behind segment i only spaces out single
// characters, as in "不，想，活，了".
func spelled(all []segment, i int) bool {
	single := func(j int) bool { return j >= 0 && j < len(all) && len(all[j].runes) == 1 }
	return single(i) && single(i+1) && (single(i-1) || single(i+2))
}

// minHidden is the shortest run of Base64 that is decoded: "我不想活了" has 20
// characters; a shorter run is more likely a name or a number.
const minHidden = 12

// hidden gives what is written as Base64 in text, if it reads as words.
func hidden(text string) string {
	var out strings.Builder
	for _, run := range strings.FieldsFunc(text, notBase64) {
		if len(run) < minHidden {
			continue
		}
		if s, ok := decode(run); ok {
			out.WriteByte('\n')
			out.WriteString(s)
		}
	}
	return out.String()
}

func notBase64(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' ||
		r == '+' || r == '/' || r == '-' || r == '_' || r == '=')
}

func decode(run string) (string, bool) {
	run = strings.NewReplacer("-", "+", "_", "/", "=", "").Replace(run)
	b, err := base64.RawStdEncoding.DecodeString(run)
	if err != nil || !utf8.Valid(b) {
		return "", false
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) && !unicode.IsSpace(r) {
			return "", false
		}
	}
	return string(b), true
}
