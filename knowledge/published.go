package knowledge

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Remark is something about a text that officers wrote for everybody. Stops: it
// must be corrected before the text goes out.
type Remark struct {
	Rule  string // 依据, 说法, 网址和电话, 个人信息
	Stops bool
	Quote string // from the text
	Msg   string // what to do, in Chinese
}

// Relied is a law or an article that a text names. Since is from when the version
// holds that is in force on the day asked about: it changes when the law does.
type Relied struct {
	Law     string // full title
	Article ArticleNo
	Since   time.Time
}

// ReviewText puts a text that people wrote through the gates that are made for
// people too: laws and articles exist and are in force on the day, no forbidden
// claim, no link, phone number or account that is not official, no personal data.
// lib may be nil or empty; with the law's text articles are looked up in it.
func (g *Gates) ReviewText(text string, on time.Time, lib *Library) ([]Remark, []Relied) {
	var remarks []Remark
	for sentence := range sentencesOf(text) {
		view := gateView(sentence)
		if d := g.claimed(sentence, view, nil); d != nil {
			remarks = append(remarks, Remark{"说法", true, clip(sentence, 30), claimWords(d)})
		}
		if d := g.numbers(sentence, view, nil); d != nil {
			remarks = append(remarks, Remark{"网址和电话", true, clip(sentence, 30), "这里的网址、电话或账号没有登记过。换成官方的，或请管理员登记。"})
		}
		remarks = append(remarks, g.personalRemarks(sentence)...)
	}
	laws, relied := g.lawRemarks(text, on, lib)
	return append(laws, remarks...), relied
}

// sentencesOf walks the sentences of a text.
func sentencesOf(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, s := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("。！？；\n", r) }) {
			if s = strings.TrimSpace(s); s != "" && !yield(s) {
				return
			}
		}
	}
}

// claimWords says what to do about a claim.
func claimWords(d *Drop) string {
	switch d.Rule {
	case "promises a result", "predicts a judgment":
		return "不要保证或预测结果，改成“可以主张”“以法院、机关认定为准”。"
	case "keeps from help":
		return "不要劝人不报警、不就医、不找帮助。"
	case "poses as a lawyer or a person", "speaks for an authority":
		return "不要以律师、法院或机关的名义说话。"
	case "asks for money", "asks for secrets":
		return "普法内容里不能叫人转账、缴费或发密码、验证码、证件号。"
	}
	return "这种说法不能发布，请改写。"
}

// personalRemarks stop numbers and addresses; names of people in a story may be
// made up, so a person decides.
func (g *Gates) personalRemarks(sentence string) []Remark {
	var list []Remark
	if g.o.Redactor == nil {
		return nil
	}
	runes := []rune(sentence)
	for _, s := range g.o.Redactor.Find(sentence) {
		quote := string(runes[s.Start:s.End])
		if s.Type == PIIName {
			list = append(list, Remark{"个人信息", false, quote, "像是人的姓名。真人要写成“张某”，化名请注明。"})
			continue
		}
		list = append(list, Remark{"个人信息", true, quote, "这是" + kindOfPII(s.Type) + "，请删掉或改成“××”。"})
	}
	return list
}

// lawRemarks looks up what the text names as its basis.
func (g *Gates) lawRemarks(text string, on time.Time, lib *Library) ([]Remark, []Relied) {
	var remarks []Remark
	var relied []Relied
	seen := map[string]bool{}
	for sentence := range sentencesOf(text) {
		list, _, unknown := g.names.find(gateView(sentence))
		if unknown {
			remarks = append(remarks, Remark{"依据", true, clip(sentence, 30), "书名号里的法律查不到，请核对名称。"})
			continue
		}
		for _, n := range list {
			if n.law == nil {
				if n.article != "" && !seen["?"+sentence] {
					seen["?"+sentence] = true
					remarks = append(remarks, Remark{"依据", false, clip(sentence, 30), "只写了条号，请写明是哪一部法律。"})
				}
				continue
			}
			no, err := ParseArticleNo(n.article)
			if n.article != "" && err != nil || seen[n.law.Title+n.article] {
				continue
			}
			seen[n.law.Title+n.article] = true
			r, wrong := lookUp(n.law, no, on, lib)
			if wrong != "" {
				remarks = append(remarks, Remark{"依据", true, clip(sentence, 30), wrong})
				continue
			}
			relied = append(relied, r)
		}
	}
	relied = slices.DeleteFunc(relied, func(r Relied) bool { // its article says more
		return r.Article.N == 0 && slices.ContainsFunc(relied, func(o Relied) bool { return o.Law == r.Law && o.Article.N > 0 })
	})
	return remarks, relied
}

// kindOfPII names a kind of personal data in Chinese.
func kindOfPII(kind string) string {
	for _, k := range piiKinds {
		if k.name == kind {
			return k.word
		}
	}
	return "个人信息"
}

// lookUp finds the version of a law that is in force on the day, in the registry
// and, if it is held there, in the library; wrong says in Chinese why there is
// none, or no such article.
func lookUp(l *Law, no ArticleNo, on time.Time, lib *Library) (r Relied, wrong string) {
	v, status := l.On(on)
	if lib != nil {
		if held, ok := lib.Law(l.Title); ok {
			if w, s := held.On(on); w.Effective.After(v.Effective) || status == StatusInForce && s != StatusInForce && !w.Effective.Before(v.Effective) {
				v, status = w, s
			}
		}
	}
	short := strings.TrimPrefix(l.Title, "中华人民共和国")
	if status != StatusInForce {
		return r, fmt.Sprintf("《%s》在 %s %s，请换成现行的依据。", short, isoDate(on), status)
	}
	if no.N > 0 && v.Articles > 0 && no.N > v.Articles {
		return r, fmt.Sprintf("《%s》只有 %d 条，没有%s。", short, v.Articles, no.Han())
	}
	if no.N > 0 && lib != nil {
		if _, err := lib.Article(l.Title, no, on); err != nil && !errors.Is(err, ErrNoText) {
			return r, err.Error() + "。"
		}
	}
	return Relied{Law: l.Title, Article: no, Since: v.Effective}, ""
}

// ReviewEntry says whether a card made from an entry may go out on the day, and
// what the entry rests on.
func (b *Base) ReviewEntry(id string, on time.Time) ([]Remark, []Relied) {
	e := b.Entry(id)
	if e == nil {
		return []Remark{{"依据", true, id, "没有这一条知识条目。"}}, nil
	}
	var remarks []Remark
	if why, off := b.Off(e.Topic); off {
		remarks = append(remarks, Remark{"依据", true, id, "这个专题已经关闭：" + why})
	}
	if !e.To.IsZero() && on.After(e.To) || !e.From.IsZero() && on.Before(e.From) {
		remarks = append(remarks, Remark{"依据", true, id, "这一条知识条目在 " + isoDate(on) + " 不适用。"})
	}
	if stale := b.StaleOf(id); len(stale) > 0 {
		remarks = append(remarks, Remark{"依据", true, id, "它引用的条文变了，条目还没有复核。"})
	}
	var relied []Relied
	for _, c := range e.Citations {
		l, ok := b.Registry().Find(c.Law)
		if !ok {
			continue // an external source
		}
		r, wrong := lookUp(l, c.Article, on, b.Library())
		if wrong != "" {
			remarks = append(remarks, Remark{"依据", true, id, wrong})
			continue
		}
		relied = append(relied, r)
	}
	return remarks, relied
}
