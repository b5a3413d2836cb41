package knowledge

import (
	"cmp"
	"crypto/rand"
	"regexp"
	"slices"
	"strconv"
	"strings"

	aho "github.com/petar-dambovaliev/aho-corasick"
)

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return b
}

// lawFinder finds names of laws in a text, with or without 《》.
type lawFinder struct {
	match aho.AhoCorasick
	laws  []*Law          // by pattern
	short map[string]*Law // names too short to be looked for without 《》
}

// minLawName is the shortest name looked for without 《》, in characters.
const minLawName = 3

func newLawFinder(r *Registry) *lawFinder {
	f := &lawFinder{short: map[string]*Law{}}
	var names []string
	seen := map[string]bool{}
	for _, l := range r.Laws() {
		for _, n := range []string{l.Title, l.Short, shortTitle(l.Title)} {
			n = gateView(n)
			if seen[n] || n == "" {
				continue
			}
			seen[n] = true
			if len([]rune(n)) < minLawName {
				f.short[n] = l
				continue
			}
			names = append(names, n)
			f.laws = append(f.laws, l)
		}
	}
	b := aho.NewAhoCorasickBuilder(aho.Opts{MatchKind: aho.LeftMostLongestMatch, DFA: false})
	f.match = b.Build(names)
	return f
}

// named is a law or an article that a sentence names.
type named struct {
	law     *Law // nil: 《》 around a name that no law has
	article string
}

var (
	articleNamed = regexp.MustCompile(`第([零〇一二两三四五六七八九十百千]{1,9}|[0-9]{1,4})条(?:之([一二三四五六七八九十]{1,3}|[0-9]{1,2}))?`)
	quotedLaw    = regexp.MustCompile(`《([^《》]{2,60})》`)
	lawNoun      = regexp.MustCompile(`(?:法|法典|条例|规定|解释|办法|规则|细则|决定|准则|纪要)(?:\([^)]{0,12}\))?$`)
)

// lawSpot is where a law's name stands in a folded text, in bytes.
type lawSpot struct {
	law        *Law
	start, end int
}

// spots finds the names of laws, the longer before those inside it; names of two
// characters (刑法) only in 《》. unknown: 《》 stands around a law that is none.
func (f *lawFinder) spots(view string) (list []lawSpot, unknown bool) {
	for _, m := range f.match.FindAll(view) {
		list = append(list, lawSpot{f.laws[m.Pattern()], m.Start(), m.End()})
	}
	for _, q := range quotedLaw.FindAllStringSubmatchIndex(view, -1) {
		inside := slices.ContainsFunc(list, func(s lawSpot) bool { return s.start <= q[2]+3 && s.end >= q[3]-3 })
		if inside || !lawNoun.MatchString(view[q[2]:q[3]]) {
			continue
		}
		l, ok := f.short[view[q[2]:q[3]]]
		if !ok {
			return nil, true
		}
		list = append(list, lawSpot{l, q[2], q[3]})
	}
	slices.SortFunc(list, func(x, y lawSpot) int { return cmp.Or(x.start-y.start, y.end-x.end) })
	end := 0
	return slices.DeleteFunc(list, func(s lawSpot) bool {
		inside := s.start < end
		end = max(end, s.end)
		return inside
	}), false
}

// find lists the laws and articles that a folded sentence names, in order. rest
// is the sentence without them.
func (f *lawFinder) find(view string) (list []named, rest string, unknown bool) {
	spots, unknown := f.spots(view)
	if unknown {
		return nil, view, true
	}
	for _, s := range spots {
		list = append(list, named{law: s.law})
	}
	for _, m := range articleNamed.FindAllStringSubmatchIndex(view, -1) {
		no := articleNumber(view[m[2]:m[3]])
		if m[4] >= 0 {
			no += "之" + hanNumber(atoi(articleNumber(view[m[4]:m[5]])))
		}
		n := named{article: no}
		for _, s := range spots {
			if s.end <= m[0] {
				n.law = s.law
			}
		}
		list = append(list, n)
	}
	rest = view
	for _, s := range slices.Backward(spots) {
		rest = rest[:s.start] + rest[s.end:]
	}
	return list, basisWords.ReplaceAllString(rest, ""), false
}

// basisWords lead in what a sentence rests on; with the law's name taken out they
// say nothing.
var basisWords = regexp.MustCompile(`(?:根据|按照?|依据?|依照)?《》(?:第[零〇一二两三四五六七八九十百千0-9]{1,9}条(?:之[一二三四五六七八九十0-9]{1,3})?(?:第[一二三四五六七八九十0-9]{1,3}[款项])*)?(?:的?规定)?,?`)

func atoi(s string) int {
	n, _ := strconv.Atoi(s) // digits by construction
	return n
}

// articleNumber gives 82 for 八十二 and for 82.
func articleNumber(s string) string {
	if _, err := strconv.Atoi(s); err == nil {
		return s
	}
	n, ok := parseNumber(strings.ReplaceAll(s, "〇", "零"))
	if !ok {
		return s
	}
	return strconv.Itoa(n)
}

var (
	sourceMark = regexp.MustCompile(`〔(\d{1,3})〕`)
	// states finds what only the law can say; a sentence with it needs a mark.
	states = regexp.MustCompile(`应当|应该由|必须|有权|无权|不得|可以(?:要求|申请|主张|起诉|提出|请求|得到|拿到|获得|享受|解除|撤销|不|向|到|去|先)|能(?:要|拿|得|申请|起诉)|期限|时效|期间|内(?:提出|申请|起诉|仲裁|办理|支付|答复)|赔偿|补偿|罚款|拘留|徒刑|法律|规定|依法|违法|犯罪|无效|有效|收费|费用|管辖|受理|责任|义务|权利|双倍|倍工资|判|算(?:工伤|夫妻|共同|违)|属于`)
	// advice is what a sentence may say without resting on law.
	advice = regexp.MustCompile(`^(?:请|先|把|保存|保留|收集|拍照|记下|别急|不要着急|如果(?:你)?(?:还)?(?:不|有)|你(?:可以)?(?:先)?(?:告诉|说说|补充)|可以(?:打|拨打?|到|去)(?:12348|12345|110|附近|当地|本地|就近))`)
)

// law is G1.
func (g *Gates) law(sentence, view string, ev *Evidence) *Drop {
	marks, d := marksOf(sentence, ev)
	if d != nil {
		return d
	}
	named, rest, unknown := g.names.find(view)
	if unknown {
		return &Drop{"G1", "a law that does not exist"}
	}
	for _, n := range named {
		if d := retrieved(n, ev); d != nil {
			return d
		}
	}
	for _, m := range marks {
		if !inForce(ev.Sources[m-1].Cited) {
			return &Drop{"G1", "a law that is not in force"}
		}
	}
	bare := sourceMark.ReplaceAllString(rest, "")
	if len(marks) > 0 {
		return supported(bare, marks, ev.look())
	}
	return unmarked(bare, len(named) > 0, ev.look())
}

// marksOf reads the marks of a sentence.
func marksOf(sentence string, ev *Evidence) ([]int, *Drop) {
	var marks []int
	for _, m := range sourceMark.FindAllStringSubmatch(Normalize(sentence), -1) {
		n := atoi(m[1])
		if n < 1 || n > len(ev.Sources) {
			return nil, &Drop{"G1", "a mark without a source"}
		}
		marks = append(marks, n)
	}
	return marks, nil
}

// retrieved holds that a law or article which is named is among the sources.
func retrieved(n named, ev *Evidence) *Drop {
	for _, s := range ev.Sources {
		sameLaw := n.law == nil || s.Cited.Title == n.law.Title
		if sameLaw && (n.article == "" || s.Cited.Article.String() == n.article) {
			if !inForce(s.Cited) {
				return &Drop{"G1", "a law that is not in force"}
			}
			return nil
		}
	}
	if n.article == "" {
		return &Drop{"G1", "a law that was not retrieved"}
	}
	return &Drop{"G1", "an article that was not retrieved"}
}

func inForce(c Cited) bool {
	return c.External != "" || c.Status == string(StatusInForce) || c.Status == string(StatusThen)
}

// authorities are bodies whose being named in a sentence is a statement: who
// decides, where to go.
var authorities = []string{"人民法院", "法院", "检察院", "公安机关", "派出所", "交警", "仲裁委员会", "仲裁委", "劳动监察", "人社局", "人社部门", "人力资源和社会保障",
	"司法局", "司法所", "法律援助机构", "法律援助中心", "公证处", "公证机构", "村委会", "村民委员会", "居委会", "民政局", "民政部门", "市场监管", "税务", "工会", "妇联", "残联",
	"信访局", "复议机关", "自然资源", "住建", "卫健", "教育局", "消协", "消费者协会", "调解委员会", "调委会", "银行", "保险公司", "医保", "社保"}

// minShared is the least part of a sentence's pairs of characters that stand in
// what it cites. Of reviewed sentences reworded by hand the lowest had .38, of
// sentences about other matters the highest .30 (gates_test.go).
const minShared = .34

// asReviewed is the part that stands in reviewed words without a mark (where to
// go, what to bring) from which on a sentence may be said without one too.
const asReviewed = .8

// unmarked holds a sentence without a mark to what may be said without one:
// advice, what the person said, and words so near to reviewed ones that they
// say the same.
func unmarked(view string, named bool, v *evidenceViews) *Drop {
	reviewed := shared(view, v.all) >= asReviewed
	if (named || states.MatchString(view) && !advice.MatchString(view)) && !reviewed {
		return &Drop{"G1", "a statement of law without a source"}
	}
	have := v.freely
	if reviewed {
		have = v.everywhere
		if flipped(view, v.all) || flipped(view, v.nearest(view)) {
			return &Drop{"G1", "the contrary of its source"}
		}
	}
	return stated(view, have, v)
}

// supported compares what a marked sentence states with what it cites.
func supported(view string, marks []int, v *evidenceViews) *Drop {
	basis := v.common + "\n" + v.said
	have := map[Figure]bool{}
	for f := range v.freely {
		have[f] = true
	}
	for _, m := range marks {
		basis += "\n" + v.sources[m-1]
		for f := range v.figures[m-1] {
			have[f] = true
		}
	}
	switch {
	case flipped(view, basis) || flipped(view, v.nearest(view)):
		return &Drop{"G1", "the contrary of its source"}
	case shared(view, basis) < minShared:
		return &Drop{"G1", "not what its source says"}
	}
	return stated(view, have, v)
}

// stated holds the figures and the bodies that a sentence names.
func stated(view string, have map[Figure]bool, v *evidenceViews) *Drop {
	for _, f := range Figures(view) {
		if !have[f] {
			return &Drop{"G1", "a figure that its source does not have"}
		}
	}
	for _, a := range authorities {
		if strings.Contains(view, a) && !strings.Contains(v.all, a) {
			return &Drop{"G1", "an authority that its source does not name"}
		}
	}
	return nil
}

// polar are words whose denial turns a statement round.
var polar = []string{"可以", "能要", "需要", "必须", "应当", "收费", "收钱", "受理", "支持", "有效", "仲裁", "承担", "同意", "本人到场", "到场", "算工伤", "赔偿", "补偿", "申请", "起诉", "公证", "要钱", "交钱"}

// nearly is the part of a sentence that a reviewed one shares from which on the
// two are about the same.
const nearly = .7

// nearest is the reviewed sentence that is about the same as view, "" if none is:
// elsewhere in a text the contrary may be true of something else.
func (v *evidenceViews) nearest(view string) (sentence string) {
	best := nearly
	for _, s := range v.sentences {
		if n := shared(view, s); n > best {
			best, sentence = n, s
		}
	}
	return sentence
}

// helping words may stand between a denial and what it denies.
var helping = regexp.MustCompile(`(?:可以|能够|会|用|必|需要|应当|要)+$`)

var denial = regexp.MustCompile(`(?:不|无|未|没|没有|不用|不必|无需|无须|不需要|不予|不能|不会|不得|不是|免|禁止|别)$`)

// flipped says that a sentence denies what its source only affirms, or the
// other way round.
func flipped(view, source string) bool {
	for _, w := range polar {
		yes, no := polarity(view, w)
		if !yes && !no {
			continue
		}
		sourceYes, sourceNo := polarity(source, w)
		if no && !yes && sourceYes && !sourceNo || yes && !no && sourceNo && !sourceYes {
			return true
		}
	}
	for _, at := range deniedPattern.FindAllStringSubmatchIndex(view, -1) {
		what := view[at[2]:at[3]]
		if yes, no := polarity(source, what); yes && !no {
			return true
		}
	}
	return false
}

// deniedPattern finds what a denial is about: the two characters after it and
// its helping words.
var deniedPattern = regexp.MustCompile(`(?:不|无需|无须|没有|不予|禁止)(?:可以|能够|能|会|得|用|必|需要|应当|要)+(\p{Han}{2})`)

// polarity says whether a word stands affirmed and whether it stands denied.
func polarity(text, word string) (yes, no bool) {
	for rest := 0; ; {
		i := strings.Index(text[rest:], word)
		if i < 0 {
			return yes, no
		}
		at := rest + i
		before := helping.ReplaceAllString(text[max(0, at-18):at], "")
		if denial.MatchString(before) {
			no = true
		} else {
			yes = true
		}
		rest = at + len(word)
	}
}

// filler are characters that carry no matter.
const filler = "的了是在和与或也就都而及其之于对把被让给你您我他她它们这那个一不没有会要能可以吗呢吧啊如果因为所以但还很更最先再又到去来上下里"

// shared is the part of a sentence's pairs of characters that its source has.
func shared(view, source string) float64 {
	var runes []rune
	for _, r := range view {
		if r >= 0x3400 && !strings.ContainsRune(filler, r) || r >= '0' && r <= '9' {
			runes = append(runes, r)
		} else if len(runes) > 0 && runes[len(runes)-1] != ' ' {
			runes = append(runes, ' ')
		}
	}
	total, hit := 0, 0
	for i := 0; i+1 < len(runes); i++ {
		if runes[i] == ' ' || runes[i+1] == ' ' {
			continue
		}
		total++
		if strings.Contains(source, string(runes[i:i+2])) {
			hit++
		}
	}
	if total == 0 {
		return 1
	}
	return float64(hit) / float64(total)
}
