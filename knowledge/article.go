package knowledge

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// ArticleNo is the number of an article: {276, 1} is 第二百七十六条之一. The
// zero value means "the whole document".
type ArticleNo struct {
	N   int // 1..maxArticle
	Sub int // 之一 = 1; 0 if there is none
}

// maxArticle bounds article numbers; the longest law in force, the civil code,
// has 1,260 articles.
const maxArticle = 9999

var articlePattern = regexp.MustCompile(`^第?\s*([0-9０-９]{1,4}|[零〇一二两三四五六七八九十百千]{1,9})\s*条?\s*(?:(?:之|-|－|—)\s*([0-9０-９]{1,2}|[一二三四五六七八九十]{1,3}))?\s*条?$`)

// ParseArticleNo reads an article's number in any usual writing: "42", "四十二",
// "第四十二条", "276之一", "第二百七十六条之一", "276-1", "２７６". The empty string
// is the zero ArticleNo.
func ParseArticleNo(s string) (ArticleNo, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return ArticleNo{}, nil
	}
	m := articlePattern.FindStringSubmatch(s)
	if m == nil {
		return ArticleNo{}, fmt.Errorf("article number %q: want a form like 42, 276之一 or 第四十二条", clip(s, 20))
	}
	n, ok := parseNumber(m[1])
	if !ok || n < 1 || n > maxArticle {
		return ArticleNo{}, fmt.Errorf("article number %q is not between 1 and %d", clip(s, 20), maxArticle)
	}
	a := ArticleNo{N: n}
	if m[2] != "" {
		sub, ok := parseNumber(m[2])
		if !ok || sub < 1 || sub > 99 {
			return ArticleNo{}, fmt.Errorf("article number %q: the part after 之 is not between 1 and 99", clip(s, 20))
		}
		a.Sub = sub
	}
	return a, nil
}

// String gives the Arabic form with 之: "42", "276之一"; "" for the zero value.
func (a ArticleNo) String() string {
	switch {
	case a.N == 0:
		return ""
	case a.Sub == 0:
		return strconv.Itoa(a.N)
	}
	return strconv.Itoa(a.N) + "之" + hanNumber(a.Sub)
}

// Han gives the form laws use: "第四十二条", "第二百七十六条之一".
func (a ArticleNo) Han() string {
	switch {
	case a.N == 0:
		return ""
	case a.Sub == 0:
		return "第" + hanNumber(a.N) + "条"
	}
	return "第" + hanNumber(a.N) + "条之" + hanNumber(a.Sub)
}

// Less orders articles as they stand in a law.
func (a ArticleNo) Less(b ArticleNo) bool {
	return a.N < b.N || a.N == b.N && a.Sub < b.Sub
}

// parseNumber reads 1 to 9999 in ASCII, full-width or Han digits ("一百零五",
// "十二"), and strings of Han digits ("二〇二一").
func parseNumber(s string) (int, bool) {
	n, unit, digit, seen := 0, 0, 0, false
	arabic := true
	for _, r := range s {
		if !(r >= '0' && r <= '9' || r >= '０' && r <= '９') {
			arabic = false
		}
	}
	if arabic {
		for _, r := range s {
			if r >= '０' {
				r -= '０' - '0'
			}
			n = n*10 + int(r-'0')
			if n > 1_000_000 {
				return 0, false
			}
		}
		return n, s != ""
	}
	positional := !strings.ContainsAny(s, "十百千")
	for _, r := range s {
		switch r {
		case '十', '百', '千':
			unit = map[rune]int{'十': 10, '百': 100, '千': 1000}[r]
			if digit == 0 {
				digit = 1
			}
			n += digit * unit
			digit, seen = 0, true
		default:
			d, ok := hanDigit(r)
			if !ok {
				return 0, false
			}
			if positional {
				n = n*10 + d
				if n > 1_000_000 {
					return 0, false
				}
			} else {
				digit = d
			}
			seen = true
		}
	}
	if !positional {
		n += digit
	}
	return n, seen
}

func hanDigit(r rune) (int, bool) {
	switch r {
	case '零', '〇':
		return 0, true
	case '两':
		return 2, true
	}
	if i := strings.IndexRune("一二三四五六七八九", r); i >= 0 {
		return i/len("一") + 1, true
	}
	return 0, false
}

// hanNumber writes 1 to 9999 as laws do: 十二, 一百零五, 一千二百六十.
func hanNumber(n int) string {
	if n <= 0 || n > 9999 {
		return strconv.Itoa(n)
	}
	digits := []string{"零", "一", "二", "三", "四", "五", "六", "七", "八", "九"}
	var b strings.Builder
	zero := false
	for _, u := range []struct {
		v int
		s string
	}{{1000, "千"}, {100, "百"}, {10, "十"}, {1, ""}} {
		d := n / u.v
		n %= u.v
		if d == 0 {
			zero = b.Len() > 0
			continue
		}
		if zero {
			b.WriteString("零")
			zero = false
		}
		if !(d == 1 && u.v == 10 && b.Len() == 0) {
			b.WriteString(digits[d])
		}
		b.WriteString(u.s)
	}
	return b.String()
}

// clip shortens s to at most n runes, for messages.
func clip(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}
