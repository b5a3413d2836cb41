package knowledge

import (
	"slices"
	"strconv"
	"strings"
)

// The kinds of personal data that are masked. The names are part of the output
// of `mingbai redact`.
const (
	PIIName     = "NAME"
	PIIAddress  = "ADDRESS"
	PIIIDCard   = "ID_CARD"
	PIIMobile   = "MOBILE"
	PIILandline = "LANDLINE"
	PIIBankCard = "BANK_CARD"
	PIIPlate    = "PLATE"
	PIIEmail    = "EMAIL"
	PIIQQ       = "QQ"
	PIIWeChat   = "WECHAT"
)

// piiKinds lists the types with the word their placeholders carry. A type is
// known inside this package by its index here.
var piiKinds = [...]struct{ name, word string }{
	{PIIName, "姓名"}, {PIIAddress, "地址"}, {PIIIDCard, "身份证"}, {PIIMobile, "手机"}, {PIILandline, "座机"},
	{PIIBankCard, "银行卡"}, {PIIPlate, "车牌"}, {PIIEmail, "邮箱"}, {PIIQQ, "QQ"}, {PIIWeChat, "微信"},
}

// Span is one piece of personal data. Start and End count code points (an
// invalid byte counts as one), End is exclusive.
type Span struct {
	Start int    `json:"start"`
	End   int    `json:"end"`
	Type  string `json:"type"`
}

// Redactor finds and masks personal data. It keeps nothing of the texts, and
// may be used by many goroutines.
//
// It works on words and shapes alone: an ID number is masked with a wrong check
// digit and with a county code nobody was given, because a mistyped number
// still leads to its owner. Names are found by what stands around them; a bare
// name nothing points to may stay.
type Redactor struct {
	names  nameTables
	labels labelTable
	places placeTables
	public func(string) bool
}

// NewRedactor makes a redactor. public says which numbers and e-mail addresses
// belong to the public directory and stay; numbers are asked for as digits
// alone ("057112345678"), e-mail addresses in lower case. nil: none.
func NewRedactor(public func(string) bool) *Redactor {
	if public == nil {
		public = func(string) bool { return false }
	}
	return &Redactor{names: loadNameTables(), labels: loadLabels(), places: loadPlaces(), public: public}
}

// maxPasses bounds how often the text is read again with what was found taken
// out; ordinary text needs two readings.
const maxPasses = 24

// Find gives the personal data of a text in order, without overlaps.
// Placeholders of an earlier Mask are left alone.
func (r *Redactor) Find(text string) []Span {
	found, _ := r.find([]rune(text))
	out := make([]Span, len(found))
	for i, f := range found {
		out[i] = Span{f.start, f.end, piiKinds[f.kind].name}
	}
	return out
}

// hit is a span in code points with its value in one spelling.
type hit struct {
	start, end, kind int
	value            string
}

// find reads the text until nothing more is found, so that masked text holds
// nothing a further reading would mask.
func (r *Redactor) find(text []rune) ([]hit, int) {
	v := newView(text)
	top := v.top
	var all []hit
	for range maxPasses {
		s := r.scan(v)
		if len(s.found) == 0 {
			break
		}
		for _, f := range s.found {
			all = append(all, hit{v.cells[f.start].pos, v.cells[f.end-1].end, f.kind, v.value(f)})
		}
		v = v.without(s.found)
	}
	slices.SortFunc(all, func(a, b hit) int { return a.start - b.start })
	return all, top
}

// Masked is a text with placeholders for the personal data, and what they
// stand for. Text may go to a model, a log or a group; the rest must not.
type Masked struct {
	Text    string
	Spans   []Span // in the text before masking
	restore *strings.Replacer
}

// Mask puts a placeholder such as 〔手机1〕 in the place of each piece of
// personal data; the same value gets the same placeholder within the text,
// however it is spelled. Masking masked text changes nothing. Invalid bytes
// come out as U+FFFD.
func (r *Redactor) Mask(text string) Masked {
	runes := []rune(text)
	found, top := r.find(runes)
	m := Masked{Spans: make([]Span, 0, len(found))}
	type key struct {
		kind  int
		value string
	}
	seen := map[key]string{}
	var counts [len(piiKinds)]int
	var b strings.Builder
	var pairs []string
	at := 0
	for _, f := range found {
		k := key{f.kind, f.value}
		mark, ok := seen[k]
		if !ok {
			counts[f.kind]++
			mark = "〔" + piiKinds[f.kind].word + strconv.Itoa(top+counts[f.kind]) + "〕"
			seen[k] = mark
			pairs = append(pairs, mark, string(runes[f.start:f.end]))
		}
		b.WriteString(string(runes[at:f.start]))
		b.WriteString(mark)
		at = f.end
		m.Spans = append(m.Spans, Span{f.start, f.end, piiKinds[f.kind].name})
	}
	b.WriteString(string(runes[at:]))
	m.Text = b.String()
	m.restore = strings.NewReplacer(pairs...)
	return m
}

// Restore puts the personal data back into a text made from the masked one,
// each in the spelling in which it came first. The outcome is for the private
// reply to the very person the text came from, and for nothing else.
func (m Masked) Restore(text string) string {
	if m.restore == nil {
		return text
	}
	return m.restore.Replace(text)
}

// scanner is one reading of a view.
type scanner struct {
	*Redactor
	*view
	labels []label // in order of their ends
	last   []int   // for each cell the index of the last label ending at or before it, -1: none
	taken  []int8  // 0: free, -1: public, otherwise the kind it was taken for, plus 1
	found  []part
	known  map[string]bool // names found so far
}

// part is a piece of personal data in cells of the view.
type part struct{ start, end, kind int }

func (r *Redactor) scan(v *view) *scanner {
	s := &scanner{Redactor: r, view: v, taken: make([]int8, len(v.cells)+1), known: map[string]bool{}}
	for i, c := range v.cells {
		s.taken[i] = int8(c.mark) + 1
	}
	s.findLabels()
	s.findEmails()
	s.findPlates()
	s.findAccounts()
	s.findNumbers()
	s.findAddresses()
	s.findNames()
	slices.SortFunc(s.found, func(a, b part) int { return a.start - b.start })
	return s
}

// add keeps a piece unless part of it was taken before.
func (s *scanner) add(start, end, kind int) bool {
	if start >= end || end > len(s.cells) || !s.free(start, end) {
		return false
	}
	for i := start; i < end; i++ {
		s.taken[i] = int8(kind) + 1
	}
	s.found = append(s.found, part{start, end, kind})
	return true
}

func (s *scanner) free(start, end int) bool {
	return !slices.ContainsFunc(s.taken[start:end], func(k int8) bool { return k != 0 })
}
