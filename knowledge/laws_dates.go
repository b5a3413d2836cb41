package knowledge

import (
	"regexp"
	"strings"
	"time"
)

// repeal is one law ending another.
type repeal struct {
	on      time.Time
	pending bool // the repealing law was not yet in force when its text was taken
}

// settle computes for every law when each of its versions holds: effective days
// that no source states, the day the next version takes over, repeal by the
// closing article of another law, and the corrections made by hand.
func (s *shelf) settle(reg *Registry) {
	repeals := s.repeals()
	for _, l := range s.laws {
		known, _ := reg.Find(l.facts.Title)
		l.facts.Versions = make([]Version, len(l.texts))
		for i, t := range l.texts {
			l.facts.Versions[i] = t.version(known)
		}
		applyFixes(&l.facts, reg.corrections()) // their effective days order the versions
		l.sort()
		l.chain(known)
		for _, r := range repeals[nameKey(l.facts.Title)] {
			l.repealed(r)
		}
		applyFixes(&l.facts, reg.corrections()) // their last days overrule what was computed
	}
}

// version gives the facts one text states of itself, filled in from the registry.
func (t *lawText) version(known *Law) Version {
	v := Version{
		Published: t.published, Effective: t.effective, EffectiveBy: t.effectiveBy,
		Until: t.until, Ended: !t.until.IsZero(), Articles: t.numbered(),
	}
	if v.EffectiveBy != ByFile && known != nil {
		for _, k := range known.Versions {
			if k.Published.Equal(t.published) && k.EffectiveBy != ByAdoption {
				v.Effective, v.EffectiveBy = k.Effective, ByRegistry
			}
		}
	}
	if v.Effective.IsZero() {
		v.Effective, v.EffectiveBy = t.published, ByAdoption
	}
	switch t.status {
	case statusRepealed:
		v.Ended, v.Repealed = true, true
	case statusAmended:
		v.Ended = true
	}
	return v
}

// sort orders versions and texts together by effective date.
func (l *heldLaw) sort() {
	for i := 1; i < len(l.texts); i++ {
		for j := i; j > 0; j-- {
			a, b := l.facts.Versions[j-1], l.facts.Versions[j]
			if c := a.Effective.Compare(b.Effective); c < 0 || c == 0 && !a.Published.After(b.Published) {
				break
			}
			l.facts.Versions[j-1], l.facts.Versions[j] = b, a
			l.texts[j-1], l.texts[j] = l.texts[j], l.texts[j-1]
		}
	}
}

// chain ends each version where the next takes over, and the last where the
// registry knows that it ended.
func (l *heldLaw) chain(known *Law) {
	versions := l.facts.Versions
	for i := range versions {
		v := &versions[i]
		if i+1 < len(versions) {
			v.Until, v.Ended, v.Repealed = versions[i+1].Effective, true, false
			continue
		}
		if known == nil || !v.Until.IsZero() {
			continue
		}
		for _, k := range known.Versions {
			if k.Published.Equal(v.Published) && k.Ended {
				v.Until, v.Ended, v.Repealed = k.Until, true, k.Repealed
			}
		}
	}
}

// repealed ends the last version by another law's closing article, unless the
// source itself says that the version went on after that.
func (l *heldLaw) repealed(r repeal) {
	last := len(l.texts) - 1
	v, t := &l.facts.Versions[last], l.texts[last]
	if !v.Until.IsZero() && !r.on.Before(v.Until) || r.on.Before(v.Effective) {
		return
	}
	if t.status == statusValid && !r.pending {
		return
	}
	v.Until, v.Ended, v.Repealed = r.on, true, true
}

// repeals collects which law ends which, by nameKey of the one ended.
func (s *shelf) repeals() map[string][]repeal {
	all := map[string][]repeal{}
	for _, l := range s.laws {
		for _, t := range l.texts {
			on := t.effective
			if on.IsZero() {
				on = t.published
			}
			for _, title := range t.repeals {
				if key := nameKey(title); key != nameKey(t.title) {
					all[key] = append(all[key], repeal{on: on, pending: t.status != statusValid})
				}
			}
		}
	}
	return all
}

var (
	fromDatePattern  = regexp.MustCompile(`自(?:中华人民共和国)?([0-9０-９]{4})年([0-9０-９]{1,2})月([0-9０-９]{1,2})日起(?:正式)?(?:施行|实施|执行|生效)`)
	fromDayPattern   = regexp.MustCompile(`自?(?:公布|发布|颁布|印发|通过|批准公布)之日(?:起([0-9零一二三四五六七八九十]{0,4})(?:个工作)?日?(?:后|以后)?)?起?(?:施行|实施|执行|生效)`)
	namedLawPattern  = regexp.MustCompile(`《((?:[^《》]|《[^《》]*》)+)》`)
	fullDatePattern  = regexp.MustCompile(`((?:19|20)[0-9]{2})年\s*([0-9]{1,2})月\s*([0-9]{1,2})日`)
	sentencePattern  = regexp.MustCompile(`[^。；\n]+`)
	abolishedPattern = regexp.MustCompile(`(?:同时|即行|予以|相应)废止`)
)

// closingDate reads from a law's last articles from when it holds: the date it
// names, or published when it holds from its publication. It is zero when the
// text does not say.
func closingDate(text string, published time.Time) time.Time {
	if m := fromDatePattern.FindStringSubmatch(text); m != nil {
		d := chineseDate(m[1], m[2], m[3])
		if d.Before(published) {
			return time.Time{} // the date of the first version, kept by later amendments
		}
		return d
	}
	m := fromDayPattern.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}
	}
	if m[1] != "" {
		if days, ok := parseNumber(m[1]); ok && days <= 400 && !published.IsZero() {
			return published.AddDate(0, 0, days)
		}
		return time.Time{}
	}
	return published
}

// closingRepeals lists the laws a closing article ends as a whole.
func closingRepeals(text string) []string {
	var titles []string
	for _, sentence := range sentencePattern.FindAllString(text, -1) {
		if !abolishedPattern.MatchString(sentence) {
			continue
		}
		for _, m := range namedLawPattern.FindAllStringSubmatchIndex(sentence, -1) {
			if rest := sentence[m[1]:]; strings.HasPrefix(rest, "第") || strings.HasPrefix(rest, "中") || strings.HasPrefix(rest, "的") {
				continue // only a part of it ends
			}
			titles = append(titles, sentence[m[2]:m[3]])
		}
	}
	return titles
}

// publishedDate gives the last day of adoption, amendment or publication that a
// law's header names (2012年12月28日…修正), leaving out days of taking effect.
func publishedDate(header string) time.Time {
	header = foldDigits(header)
	var last time.Time
	for _, m := range fullDatePattern.FindAllStringSubmatchIndex(header, -1) {
		after := strings.TrimLeft(header[m[1]:], " ")
		if strings.HasPrefix(after, "起") || strings.HasPrefix(after, "施行") || strings.HasPrefix(after, "实施") {
			continue
		}
		last = chineseDate(header[m[2]:m[3]], header[m[4]:m[5]], header[m[6]:m[7]])
	}
	return last
}

func chineseDate(year, month, day string) time.Time {
	y, _ := parseNumber(year) // digits by the patterns above
	m, _ := parseNumber(month)
	d, _ := parseNumber(day)
	date := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
	if date.Day() != d || int(date.Month()) != m {
		return time.Time{} // no such day
	}
	return date
}

// foldDigits makes full-width digits ASCII.
func foldDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '０' && r <= '９' {
			return r - '０' + '0'
		}
		return r
	}, s)
}
