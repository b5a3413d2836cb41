package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's default
	"encoding/base32"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"mingbai/office"
)

// phoneCode is the code that an authenticator app shows for a secret (RFC 6238).
func phoneCode(secret string, now time.Time) (string, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(secret, " ", ""))
	if err != nil {
		return "", err
	}
	h := hmac.New(sha1.New, key)
	if err := binary.Write(h, binary.BigEndian, now.Unix()/30); err != nil {
		return "", err
	}
	sum := h.Sum(nil)
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:])&0x7fffffff%1_000_000), nil
}

var consoleLink = regexp.MustCompile(`href="(/console[^"#]*)"`)

func linksIn(body string) (out []string) {
	for _, m := range consoleLink.FindAllStringSubmatch(body, -1) {
		if to := strings.ReplaceAll(m[1], "&amp;", "&"); !slices.Contains(out, to) {
			out = append(out, to)
		}
	}
	return out
}

// cellsOf gives an exported file as it is, CSV, or its cells, XLSX.
func cellsOf(body, kind string) (text string, cells [][]string, err error) {
	if cells, err = office.ReadTable(strings.NewReader(body)); err != nil {
		return "", nil, err
	}
	if strings.HasPrefix(kind, "text/csv") {
		return strings.TrimPrefix(body, "\xef\xbb\xbf"), cells, nil
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	err = w.WriteAll(cells)
	return b.String(), cells, err
}

// runExportField plants a formula in a field that is exported and takes the file
// out, as CSV and as XLSX.
func runExportField(r *hostileRange, x attack, w *watch) (reached, error) {
	db, value := r.first().server.records, x.Payload.Value
	got := reached{}
	p := office.Person{Name: value, Posts: []office.Post{{Role: office.Helper, Org: r.staff.orgs["三里村"]}}}
	_, err := db.AddPerson(r.ctx, "range", p)
	if office.KindOf(err) == office.Invalid && err != nil { // too long for a name
		p.Name, p.Fields = "导出"+r.next(), []string{value}
		_, err = db.AddPerson(r.ctx, "range", p)
	}
	if office.KindOf(err) == office.Invalid && err != nil {
		got.reply, got.export = []string{message(err)}, "（没有收下）"
		got.state("text_roundtrip", true, "")
		return got, nil
	} else if err != nil {
		return got, err
	}
	if w, err = r.rewatch(w); err != nil {
		return got, err
	}
	got.watched = w
	v, err := r.signedIn(r.staff.admin)
	if err != nil {
		return got, err
	}
	for _, path := range []string{"/console/people/export", "/console/people/export?as=xlsx"} {
		status, body, header, err := v.do(path, nil, nil)
		if err != nil || status != http.StatusOK {
			return got, fmt.Errorf("no export: HTTP %d, %w", status, err)
		}
		got.status = append(got.status, status)
		text, cells, err := cellsOf(body, header.Get("Content-Type"))
		if err != nil {
			return got, err
		}
		got.export += text + "\n"
		kept := slices.ContainsFunc(cells, func(row []string) bool {
			return slices.ContainsFunc(row, func(c string) bool { return strings.TrimPrefix(c, "'") == strings.TrimSpace(value) })
		})
		got.state("text_roundtrip", kept && got.states["text_roundtrip"] == "", path+" 里找不到原来的字")
	}
	w.done()
	return got, nil
}

// runCampaignField writes a piece of content with a hostile field, looks at it as
// officers do, and hands it in.
func runCampaignField(r *hostileRange, x attack, w *watch) (reached, error) {
	s := r.first().server
	v := office.PieceVersion{Kind: office.KindText, Title: "宪法宣传周", Body: "遇事找法。咨询打 12348。", Audience: []string{"乡村"}, Note: "初稿"}
	switch strings.ToLower(x.Payload.Field) {
	case "title", "name", "":
		v.Title = x.Payload.Value
	case "alt":
		v.Alt = x.Payload.Value
	case "note":
		v.Note = x.Payload.Value
	case "link", "url":
		v.Link = x.Payload.Value
	default:
		v.Body = x.Payload.Value
	}
	got := reached{said: []string{x.Payload.Value}}
	it, err := s.records.AddPiece(r.ctx, r.staff.officerA, v)
	if office.KindOf(err) == office.Invalid && err != nil {
		got.reply = []string{message(err)}
	} else if err != nil {
		return got, err
	}
	if err == nil {
		got.reply = []string{fmt.Sprintf("已存：%d 《%s》", it.ID, it.Newest.Title)}
		if strings.Contains(it.Newest.Title, "\n") {
			got.broken = "标题里有换行，能假冒别的一行"
		}
		if _, _, err := s.records.Submit(r.ctx, r.staff.officerA, it.ID, 0, s.publishCheck()); err != nil {
			got.reply = append(got.reply, message(err))
		}
		if is, err := s.records.Piece(r.ctx, it.ID); err != nil || is.State == office.PieceApproved || is.State == office.PiecePublished {
			got.broken = fmt.Sprintf("没人审就成了 %s（%v）", is.State.Name(), err)
		}
	}
	w.done()
	now, err := r.countRows()
	if err != nil {
		return got, err
	}
	changed := slices.DeleteFunc(w.changed(now, false), func(t string) bool {
		return slices.Contains([]string{"items", "item_versions", "item_events", "notices"}, t)
	})
	got.state("no_effect", len(changed) == 0, "改了 "+strings.Join(changed, "、"))
	admin, err := r.signedIn(r.staff.admin)
	if err != nil {
		return got, err
	}
	_, menu, _, err := admin.do("/console", nil, nil)
	if err != nil {
		return got, err
	}
	pages := append(linksIn(menu), fmt.Sprint("/console/content/", it.ID), fmt.Sprint("/console/pieces/", it.ID), fmt.Sprint("/console/items/", it.ID))
	dom, _, _, err := admin.see(pages...)
	got.console = dom
	return got, err
}

// runSurveyField gives a hostile reason for an answer's being of no use, and a
// hostile word with a case's marks.
func runSurveyField(r *hostileRange, x attack, w *watch) (reached, error) {
	u, err := r.webUser()
	if err != nil {
		return reached{}, err
	}
	if _, _, err := u.say("劳动仲裁时效多久"); err != nil {
		return reached{}, err
	}
	history, err := u.history()
	if err != nil {
		return reached{}, err
	}
	id := answerID.FindStringSubmatch(history)
	if id == nil {
		return reached{}, fmt.Errorf("an answer has no id")
	}
	got := reached{said: []string{x.Payload.Value}}
	status, body, err := r.post("/api/v1/feedback", map[string]any{"answer": id[1], "useful": false, "reason": x.Payload.Value}, u.from)
	if err != nil {
		return got, err
	}
	got.keep(status, body)
	reply, _, err := u.say(x.Payload.Value)
	if err != nil {
		return got, err
	}
	got.reply = []string{body, reply}
	w.done()
	admin, err := r.signedIn(r.staff.admin)
	if err != nil {
		return got, err
	}
	_, menu, _, err := admin.do("/console", nil, nil)
	if err != nil {
		return got, err
	}
	before, _, _, err := admin.see("/console/account")
	if err != nil {
		return got, err
	}
	dom, shape, _, err := admin.see(linksIn(menu)...)
	got.console = before + dom
	if odd := strange(nil, shape); len(odd) > 0 && err == nil {
		odd = slices.DeleteFunc(odd, func(s string) bool {
			return !runsSomething.MatchString(strings.TrimSuffix(s[strings.Index(s, "[")+1:], "]"))
		})
		if len(odd) > 0 {
			got.broken = "后台的页里多了 " + strings.Join(odd, "、")
		}
	}
	return got, err
}

var answerID = regexp.MustCompile(`"answer":\s*\{"id":\s*"([^"]+)"`)
