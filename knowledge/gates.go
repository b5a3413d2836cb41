package knowledge

import (
	"cmp"
	"embed"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

//go:embed gates/claims.yaml
var gateData embed.FS

// Source is one numbered passage that a model was given: mark 〔n〕 names
// Sources[n-1].
type Source struct {
	Cited Cited
	Text  string // reviewed words that rest on it: lines of the entry, proofs, the article if imported
}

// Evidence is what a text may rest on.
type Evidence struct {
	Sources []Source
	Common  string // reviewed words without a mark: places, numbers to call, what to bring
	Said    string // what the person said in this session

	views *evidenceViews // the above as the gates look at it; made once
}

// evidenceViews are the folded forms of an Evidence with their figures.
type evidenceViews struct {
	sources      []string
	sentences    []string
	common, said string
	all          string
	plainSaid    string // folded, with its spaces
	plainCommon  string
	figures      []map[Figure]bool // by source
	freely       map[Figure]bool   // of common and said
	everywhere   map[Figure]bool
}

// look gives the folded forms. An Evidence must not change after the first
// look, and is one goroutine's.
func (ev *Evidence) look() *evidenceViews {
	if ev.views != nil {
		return ev.views
	}
	v := &evidenceViews{
		common: gateView(ev.Common), said: gateView(ev.Said), plainSaid: Normalize(ev.Said), plainCommon: Normalize(ev.Common),
		freely: map[Figure]bool{}, everywhere: map[Figure]bool{},
	}
	for _, f := range ProvedFigures(v.common + "\n" + v.said) {
		v.freely[f], v.everywhere[f] = true, true
	}
	v.all = v.common + "\n" + v.said
	for _, s := range ev.Sources {
		view := gateView(s.Text)
		v.sources = append(v.sources, view)
		v.all += "\n" + view
		figures := map[Figure]bool{}
		for _, f := range ProvedFigures(view) {
			figures[f], v.everywhere[f] = true, true
		}
		v.figures = append(v.figures, figures)
	}
	v.sentences = strings.FieldsFunc(gateLines(ev), func(r rune) bool { return strings.ContainsRune("。；;\n", r) })
	ev.views = v
	return v
}

// gateLines is all reviewed text, folded line by line.
func gateLines(ev *Evidence) string {
	text := ev.Common
	for _, s := range ev.Sources {
		text += "\n" + s.Text
	}
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(gateView(line) + "\n")
	}
	return b.String()
}

// Drop says which gate a sentence failed, and why: never what it said.
type Drop struct {
	Gate string // G1 … G8
	Rule string
}

func (d Drop) Error() string { return "gate " + d.Gate + ": " + d.Rule }

// Gates stand between a model and people (reliability §0.7). They are rules over
// text and evidence, outside the model; what a model was told cannot move
// them. Gates are safe for concurrent use.
//
//	G1 every article named exists, is in force on the day, was retrieved, and what
//	   a sentence states stands in what it cites
//	G2 links, phone numbers and accounts are those of the official directory
//	G3 no personal data but the person's own
//	G4 no part of the instructions
//	G5 no forbidden claim
//	G6 no claim of an action
//	G7 form: length, plain Chinese, a small Markdown subset
//	G8 the label that a machine wrote it
type Gates struct {
	o      GateOptions
	claims []claim
	names  *lawFinder
	marker string // in the instructions of this process; must never come out
	seed   maphash.Seed
	secret map[uint64]struct{} // hashes of runs of the instructions
	meter  *prometheus.CounterVec

	mu   sync.Mutex
	ring []Dropped
	next int
}

// GateOptions is what the gates look things up in.
type GateOptions struct {
	Registry *Registry
	Redactor *Redactor
	// Public says whether a phone number (digits), a host name or an account is
	// in the official directory.
	Public  func(string) bool
	Metrics prometheus.Registerer
	Now     func() time.Time
	// Marker is a word that the instructions carry and no text may; empty: a
	// random one. It is set where exchanges are recorded and replayed, whose
	// requests must not differ.
	Marker string
	// Watch is told of each sentence that is dropped, with its words: for
	// measuring with questions that nobody's life is in. Nil in service.
	Watch func(task, sentence string, d Drop)
}

// claim is one row of claims.yaml.
type claim struct {
	Gate   string `yaml:"gate"`
	Rule   string `yaml:"rule"`
	Word   string `yaml:"word"`
	Unless string `yaml:"unless"`

	word, unless *regexp.Regexp
}

// NewGates reads the tables of the gates. instructions are the prompts whose
// words must not come out.
func NewGates(o GateOptions, instructions ...string) (*Gates, error) {
	if o.Public == nil {
		o.Public = func(string) bool { return false }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	g := &Gates{o: o, names: newLawFinder(o.Registry), seed: maphash.MakeSeed(), secret: map[uint64]struct{}{}}
	g.marker = cmp.Or(o.Marker, "MB-"+hex.EncodeToString(randomBytes(6)))
	var file struct {
		Claims []claim `yaml:"claims"`
	}
	if err := readYAML(gateData, "gates/claims.yaml", &file); err != nil {
		return nil, err
	}
	for _, c := range file.Claims {
		var err error
		if c.word, err = regexp.Compile(c.Word); err != nil {
			return nil, fmt.Errorf("gates: %s: %w", c.Rule, err)
		}
		if c.Unless != "" {
			if c.unless, err = regexp.Compile(c.Unless); err != nil {
				return nil, fmt.Errorf("gates: %s: %w", c.Rule, err)
			}
		}
		g.claims = append(g.claims, c)
	}
	for _, text := range instructions {
		runes := []rune(gateView(text))
		for i := 0; i+secretRun <= len(runes); i++ {
			g.secret[maphash.String(g.seed, string(runes[i:i+secretRun]))] = struct{}{}
		}
	}
	g.meter = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "mingbai_gate_drops_total",
		Help: "Sentences of a model that did not reach anybody, by gate and rule."}, []string{"gate", "rule"})
	if o.Metrics != nil {
		o.Metrics.MustRegister(g.meter)
	}
	return g, nil
}

// secretRun is how many characters in a row shared with the instructions give
// them away; ordinary answers share no 16.
const secretRun = 16

// Marker is a word that the instructions carry and no text may.
func (g *Gates) Marker() string { return g.marker }

// gateView is the form in which texts are looked at: widths, scripts and case
// folded, nothing invisible, no white space and no marks that split words.
func gateView(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) || r == '·' || r == '*' || r == '_' || r == '`' || r == '~' || r == '|' {
			return -1
		}
		return r
	}, Normalize(text))
}

// Check puts one sentence through the gates; nil: it may be shown.
func (g *Gates) Check(sentence string, ev *Evidence) *Drop {
	view := gateView(sentence)
	for _, gate := range []func(string, string, *Evidence) *Drop{g.form, g.claimed, g.secrets, g.numbers, g.personal, g.law} {
		if d := gate(sentence, view, ev); d != nil {
			return d
		}
	}
	return nil
}

// maxWorded is how long a text of a model may be, in characters, without the
// list of what it rests on.
const maxWorded = 600

var (
	markup      = regexp.MustCompile("(?i)<[a-z!/?]|```|!\\[|\\]\\(|javascript:|&#|\\{\\{|^\\s*\\|")
	encodedText = regexp.MustCompile(`[A-Za-z0-9+/=_-]{24,}|(?:\\u[0-9a-fA-F]{4}){3}|(?:%[0-9A-Fa-f]{2}){4}`)
	allowLatin  = regexp.MustCompile(`(?i)\b(LPR|APP|ATM|WORD|PDF|VX|QQ|AI|HR|KTV|GPS|DNA|WIFI|ETC|POS|OK)\b`)
)

// form is G7 for one sentence.
func (g *Gates) form(sentence, _ string, _ *Evidence) *Drop {
	plain := Normalize(sentence)
	tight := strings.ReplaceAll(plain, " ", "")
	for _, r := range sentence {
		if r == unicode.ReplacementChar || r != '\n' && unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return &Drop{"G7", "characters that are not seen"}
		}
	}
	switch {
	case len([]rune(sentence)) > maxWorded:
		return &Drop{"G7", "too long"}
	case markup.MatchString(plain) || markup.MatchString(tight):
		return &Drop{"G7", "markup"}
	case encodedText.MatchString(plain):
		return &Drop{"G7", "encoded text"}
	}
	letters := 0
	for _, r := range allowLatin.ReplaceAllString(plain, "") {
		if r < 0x80 && unicode.IsLetter(r) {
			letters++
		}
	}
	if letters > maxLetters {
		return &Drop{"G7", "not Chinese"}
	}
	return nil
}

// maxLetters is how many Latin letters a sentence may have besides words that
// are part of plain Chinese.
const maxLetters = 12

// claimed is G5 and G6.
func (g *Gates) claimed(_, view string, _ *Evidence) *Drop {
	for _, c := range g.claims {
		for _, at := range c.word.FindAllStringIndex(view, -1) {
			if c.unless == nil || !c.unless.MatchString(clauseOf(view, at[0], at[1])) {
				return &Drop{c.Gate, c.Rule}
			}
		}
	}
	return nil
}

// clauseOf is the clause in which view[from:to] stands: what is said in the next
// takes nothing back.
func clauseOf(view string, from, to int) string {
	if i := strings.LastIndexAny(view[:from], ",。;:!?，；：！？\n"); i >= 0 {
		_, size := utf8.DecodeRuneInString(view[i:])
		from = min(from, i+size)
	} else {
		from = 0
	}
	if i := strings.IndexAny(view[to:], ",。;:!?，；：！？\n"); i >= 0 {
		return view[from : to+i]
	}
	return view[from:]
}

// secrets is G4.
func (g *Gates) secrets(_, view string, _ *Evidence) *Drop {
	if strings.Contains(view, gateView(g.marker)) {
		return &Drop{"G4", "the instructions' marker"}
	}
	runes := []rune(view)
	for i := 0; i+secretRun <= len(runes); i++ {
		if _, ok := g.secret[maphash.String(g.seed, string(runes[i:i+secretRun]))]; ok {
			return &Drop{"G4", "words of the instructions"}
		}
	}
	return nil
}

var (
	link      = regexp.MustCompile(`(?:https?://|www\.)[^\s，。；、）)》]+|[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:com|cn|net|org|gov|edu|top|xyz|vip|cc|io|me|info|site|shop|club|tk|ru|co)\b[^\s，。；、）)》]*`)
	host      = regexp.MustCompile(`^(?:https?://)?([a-z0-9.-]+)`)
	phone     = regexp.MustCompile(`(?:\+?86)?[0-9]{5,}`)
	short3    = regexp.MustCompile(`(?:打|拨|电话|热线|报警|急救|号码|短信)[^0-9]{0,6}([0-9]{3,4})(?:[^0-9年月日元天个号条]|$)`)
	unitNext  = regexp.MustCompile(`^(?:\.[0-9]+)?(?:万|亿|千|百|余)?(?:多)?(?:元|块|人|件|个|条|部|平|米|公里|吨|斤|份|户|亩|%|分|名|次|年)`)
	handle    = regexp.MustCompile(`(?:微信|薇信|威信|v信|vx|wx|qq|q群|公众号|支付宝|抖音|快手|小红书|telegram|whatsapp|飞机)(?:号|群|id)?(?:[:：是为叫搜加]|号码){0,3}[a-z0-9_]{4,}|(?:加|搜|联系)(?:我|一?下)?(?:的)?(?:微信|vx|qq|v信)|(?:账号|帐号|卡号|账户)[:：是为]?[0-9]{6,}`)
	wholeDate = regexp.MustCompile(`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}`)
	dashes    = regexp.MustCompile(`([0-9])-`)
	sayNum    = regexp.MustCompile(`[零〇一二三四五六七八九幺]{7,}`)
)

// numbers is G2: links, numbers to call, accounts.
func (g *Gates) numbers(_, view string, _ *Evidence) *Drop {
	for _, l := range link.FindAllString(view, -1) {
		m := host.FindStringSubmatch(l)
		if m == nil || !g.o.Public(strings.TrimPrefix(m[1], "www.")) {
			return &Drop{"G2", "a link that is not official"}
		}
	}
	if handle.MatchString(view) {
		return &Drop{"G2", "an account"}
	}
	if sayNum.MatchString(view) {
		return &Drop{"G2", "a number in characters"}
	}
	joined := dashes.ReplaceAllString(wholeDate.ReplaceAllString(view, ""), "$1")
	for _, at := range phone.FindAllStringIndex(joined, -1) {
		number := strings.TrimPrefix(joined[at[0]:at[1]], "+86")
		if unitNext.MatchString(joined[at[1]:]) || g.o.Public(number) {
			continue
		}
		return &Drop{"G2", "a number that is not official"}
	}
	for _, m := range short3.FindAllStringSubmatch(view, -1) {
		if !g.o.Public(m[1]) {
			return &Drop{"G2", "a number that is not official"}
		}
	}
	return nil
}

// personal is G3. Placeholders of masked data are not found; they are restored
// in the person's own reply.
func (g *Gates) personal(sentence, view string, ev *Evidence) *Drop {
	v := ev.look()
	for text, own := range map[string]string{Normalize(sentence): v.plainSaid + "\n" + v.plainCommon, view: v.said + "\n" + v.common} {
		runes := []rune(text)
		for _, s := range g.o.Redactor.Find(text) {
			if !strings.Contains(own, string(runes[s.Start:s.End])) {
				return &Drop{"G3", "personal data: " + s.Type}
			}
		}
	}
	return nil
}

// Label is what stands before every text that a model wrote (标识办法, in force from
// 2025-09-01: at the beginning, end or a fit place of the text).
const Label = "【AI生成】"

// Labelled says whether a text carries the label: G8.
func Labelled(text string) bool { return strings.Contains(text, Label) }

// Dropped is a sentence that did not come through, for officers to look at.
type Dropped struct {
	At     time.Time `json:"at"`
	Task   string    `json:"task"`
	Gate   string    `json:"gate"`
	Rule   string    `json:"rule"`
	Prompt string    `json:"prompt"` // name and version
	Hash   string    `json:"hash"`   // the same sentence gives the same; nothing leads back from it
	Answer string    `json:"answer"` // id of the consultation, as its figures and ratings have it; "" outside of one
}

// keptDrops is how many are remembered.
const keptDrops = 200

// note counts a drop and remembers it without its words.
func (g *Gates) note(task, prompt, answer, sentence string, d *Drop) {
	g.meter.WithLabelValues(d.Gate, d.Rule).Inc()
	if g.o.Watch != nil {
		g.o.Watch(task, sentence, *d)
	}
	row := Dropped{At: g.o.Now(), Task: task, Gate: d.Gate, Rule: d.Rule, Prompt: prompt, Answer: answer,
		Hash: fmt.Sprintf("%08x", uint32(maphash.String(g.seed, sentence)))}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.ring) < keptDrops {
		g.ring = append(g.ring, row)
		return
	}
	g.ring[g.next] = row
	g.next = (g.next + 1) % keptDrops
}

// Drops lists what was dropped lately, oldest first.
func (g *Gates) Drops() []Dropped {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append(append([]Dropped(nil), g.ring[g.next:]...), g.ring[:g.next]...)
}
