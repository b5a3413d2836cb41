package main

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"mingbai/office"
)

// Numbers of nobody that are planted wherever a report could find them.
const (
	plantedID    = "339801198001010015"
	plantedPhone = "13912345678"
	planted      = "身份证" + plantedID + "电话" + plantedPhone
)

// plant writes records of this month with numbers in names, places, stories,
// notes, answers, reasons and topics, and gives the numbers of a case of township
// A and of one of township B. A third is of a township that is called by a number.
func (r *hostileRange) plant() (a, b string, err error) {
	db := r.first().server.records
	if _, err = db.AddOrg(r.ctx, "range", office.Org{Parent: r.staff.orgs["青禾县"].ID, Kind: "乡镇街道", Name: "电话" + plantedPhone + "镇", Short: "号镇"}); err != nil && office.KindOf(err) != office.Conflict {
		return "", "", err
	}
	resident := office.Person{Account: office.Account("range/" + r.next())}
	open := func(place string) (office.Opened, error) {
		return db.OpenCase(r.ctx, resident, office.Draft{Request: r.next(), Via: office.ViaResident, Matter: "dispute",
			Name: "陈大姐" + plantedPhone, Phone: plantedPhone, Place: place + planted, Parties: "邻居" + planted, Story: r.next() + "隔壁占了我的地，" + planted, Wish: "还给我，" + planted, Topic: planted})
	}
	own, err := open("城东街道三里村")
	if err != nil {
		return "", "", err
	}
	a = own.Case.No
	err = r.plantSteps(resident, a)
	for _, place := range []string{"电话" + plantedPhone + "镇", "城西镇五里村"} {
		if err != nil {
			return "", "", err
		}
		var o office.Opened
		o, err = open(place)
		b = o.Case.No
	}
	return a, b, err
}

// plantSteps has a case dealt with, and things done beside it.
func (r *hostileRange) plantSteps(resident office.Person, no string) error {
	db := r.first().server.records
	for _, x := range []office.Action{{Verb: "accept"}, {Verb: "note", Note: planted}, {Verb: "urge", Note: planted}, {Verb: "answer", Text: "打 12348，" + planted}} {
		x.Request = r.next()
		if _, err := db.Act(r.ctx, r.staff.clerkA, no, x); err != nil {
			return fmt.Errorf("%s: %w", x.Verb, err)
		}
	}
	mine, err := db.Case(r.ctx, resident, no)
	if err != nil {
		return err
	}
	if err := db.RateCase(r.ctx, mine, 1, "不行，"+planted); err != nil {
		return err
	}
	var asked []office.Consult
	for range 4 {
		asked = append(asked, office.Consult{ID: r.next(), At: r.now(), Account: r.next(), Session: r.next(), Channel: planted, Kind: "unknown", Topic: plantedPhone, Entry: planted, Area: "城东街道" + planted})
	}
	if err := db.RecordConsults(r.ctx, asked...); err != nil {
		return err
	}
	return db.AddActivity(r.ctx, "range", office.Activity{Day: r.now().In(chinaTime).Format("2006-01-02"), Kind: "主题宣传", Title: r.next() + planted, Org: r.staff.orgs["城东街道"], Place: planted, Heads: 30})
}

// runExport takes out this month's bulletin and the rows of cases behind it, in
// every format the console offers, as the administrator and as a clerk of one
// township.
func runExport(r *hostileRange, x attack, w *watch) (reached, error) {
	a, b, err := r.plant()
	if err != nil {
		return reached{}, err
	}
	if w, err = r.rewatch(w); err != nil {
		return reached{}, err
	}
	got := reached{watched: w, said: []string{planted}}
	for _, who := range []office.Person{r.staff.admin, r.staff.clerkA} {
		text, err := r.takeReport(who, &got)
		if err != nil || got.unbuilt != "" {
			return got, err
		}
		all := who.ID == r.staff.admin.ID
		switch {
		case !strings.Contains(text, a) || all && !strings.Contains(text, b):
			got.broken = "导出的明细里没有 " + a + " 或 " + b
		case all && strings.Count(text, "〔号码已遮〕") < 3:
			got.broken = "带号码的乡镇名没有遮"
		case !all && strings.Contains(text, b):
			got.broken = "城东的经办人导出了城西的件"
		}
		got.export += text
	}
	w.done()
	return got, nil
}

// takeReport downloads everything that the page of this month's bulletin offers
// to somebody.
func (r *hostileRange) takeReport(who office.Person, got *reached) (string, error) {
	v, err := r.signedIn(who)
	if err != nil {
		return "", err
	}
	_, menu, _, err := v.do("/console", nil, nil)
	if err != nil {
		return "", err
	}
	if !slices.Contains(linksIn(menu), "/console/report") {
		got.unbuilt = "可以导出的通报和办件"
		return "", nil
	}
	_, page, _, err := v.do("/console/report?month="+string(office.MonthOf(r.now())), nil, nil)
	if err != nil {
		return "", err
	}
	links := slices.DeleteFunc(linksIn(page), func(to string) bool { return !strings.Contains(to, "export") })
	text := ""
	if len(links) < 5 { // two files of cases, three of the bulletin
		got.broken = fmt.Sprintf("月通报的页上只有 %d 个下载", len(links))
	}
	for _, to := range links {
		status, body, header, err := v.do(to, nil, nil)
		if err != nil {
			return "", err
		}
		if got.status = append(got.status, status); status != http.StatusOK {
			got.broken = fmt.Sprintf("%s：HTTP %d", to, status)
		}
		if cells, _, err := cellsOf(body, header.Get("Content-Type")); err == nil {
			body = cells
		}
		text += "\n" + body
	}
	if who.ID == r.staff.admin.ID {
		return text, nil
	}
	county := url.Values{"unit": {fmt.Sprint(r.staff.orgs["青禾县"].ID)}}.Encode()
	if status, _, _, err := v.do("/console/report/cases/export?"+county, nil, nil); err != nil || status != http.StatusNotFound {
		got.broken = fmt.Sprintf("城东的经办人要全县的明细：HTTP %d", status)
	}
	return text, nil
}
