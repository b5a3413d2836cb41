package web

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"mingbai/office"
)

//go:embed lecture.html
var lecturePage string

// Lectures is the page on which a village, school or firm orders a lecture and,
// with the code it gets, sees how the order stands, agrees to another time,
// cancels and rates. Nobody signs in; each network address may do only so much.
type Lectures struct {
	LectureOptions

	page *template.Template
	mu   sync.Mutex
	did  map[string][]time.Time // posts within the hour, by address
}

// LectureOptions is what Lectures works with.
type LectureOptions struct {
	Office *office.DB
	Sender func(r *http.Request) string // network address; RemoteAddr if nil
	Place  func() string                // the county's name; "" if not known
	Now    func() time.Time             // time.Now if nil
	Log    *slog.Logger                 // discarded if nil
}

// Limits of the page: a village's whole network often has one address.
const (
	lecturePosts  = 30        // posts an hour from one address
	maxSenders    = 10000     // addresses remembered
	maxOrderBytes = 16 << 10  // of a post
	lectureHour   = time.Hour // that posts count for
)

// NewLectures makes the page.
func NewLectures(o LectureOptions) (*Lectures, error) {
	if o.Sender == nil {
		o.Sender = func(r *http.Request) string { return r.RemoteAddr }
	}
	if o.Place == nil {
		o.Place = func() string { return "" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	page, err := template.New("lecture").Parse(lecturePage)
	if err != nil {
		return nil, fmt.Errorf("web: page of lectures: %w", err)
	}
	return &Lectures{LectureOptions: o, page: page, did: map[string][]time.Time{}}, nil
}

// formName is what a form is named.
var formName = regexp.MustCompile(`^[0-9A-Za-z]{16,64}$`)

type lectureField struct {
	Name, Label, Hint, Kind, Value string
	Must                           bool
}

type lectureView struct {
	Place, Fault    string
	Menu            []office.Lecture
	Lecture         int64
	Fields          []lectureField
	Request         string // names the order this form makes: sent twice it is one
	Placed          *office.Ordered
	Order           *office.Order
	May             map[string]bool
	Code, When, New string
}

func lectureFields(get func(string) string) []lectureField {
	list := []lectureField{
		{Name: "when", Label: "时间", Hint: "如“12月8日上午9点”“下周三下午2点半”", Kind: "text", Must: true},
		{Name: "heads", Label: "大约多少人", Kind: "number", Must: true},
		{Name: "unit", Label: "单位和地点", Hint: "如“城东街道三里村村委会”", Kind: "text", Must: true},
		{Name: "contact", Label: "联系人", Kind: "text", Must: true},
		{Name: "phone", Label: "电话", Kind: "tel", Must: true},
		{Name: "wish", Label: "要求", Hint: "方言、大字、有没有投影", Kind: "text"},
	}
	for i := range list {
		list[i].Value = get(list[i].Name)
	}
	return list
}

// ServeHTTP shows the page, and takes orders and what is done with a code.
func (l *Lectures) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, status, err := lectureView{Place: l.Place(), May: map[string]bool{}}, http.StatusOK, error(nil)
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		r.Body = http.MaxBytesReader(w, r.Body, maxOrderBytes)
		if err = r.ParseForm(); err != nil {
			http.Error(w, "表单太大或者读不出来。", http.StatusRequestEntityTooLarge)
			return
		}
		err = l.post(r, &v)
	default:
		w.Header().Set("Allow", "GET, POST")
		http.Error(w, "只能打开或提交。", http.StatusMethodNotAllowed)
		return
	}
	if err == nil {
		v.Menu, err = l.Office.Menu(r.Context(), "", false)
	} else if menu, menuErr := l.Office.Menu(r.Context(), "", false); menuErr == nil {
		v.Menu = menu
	}
	v.Request = office.NewID()
	v.Fields = lectureFields(func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) })
	v.Lecture, _ = strconv.ParseInt(r.PostFormValue("lecture"), 10, 64)
	var e *office.Error
	if errors.As(err, &e) && e.Kind != office.Internal {
		v.Fault = e.Msg
		status = map[office.Kind]int{office.NotFound: http.StatusNotFound, office.Conflict: http.StatusConflict, office.Forbidden: http.StatusTooManyRequests}[e.Kind]
		if status == 0 {
			status = http.StatusUnprocessableEntity
		}
	} else if err != nil {
		l.Log.Error("page of lectures failed", "err", err)
		v.Fault, status = "系统出了点问题，请过一两分钟再试，或打 12348。", http.StatusInternalServerError
	}
	l.show(w, status, v)
}

func (l *Lectures) show(w http.ResponseWriter, status int, v lectureView) {
	var b bytes.Buffer
	if err := l.page.Execute(&b, v); err != nil {
		l.Log.Error("page of lectures failed", "err", err)
		http.Error(w, "系统出了点问题，请过一两分钟再试。", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client has gone
}

// post takes an order, or a step with a code.
func (l *Lectures) post(r *http.Request, v *lectureView) error {
	sender := l.Sender(r)
	if !l.allowed(sender) {
		return &office.Error{Kind: office.Forbidden, Msg: "这个网络一小时里提交得太多了，请过一会儿再来，或打 12348。"}
	}
	get := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	who := office.Person{Account: office.Account("page/" + sender)}
	if verb := get("verb"); verb != "" {
		return l.act(r, v, who, verb, get)
	}
	at, err := office.ParseWhen(get("when"), l.Now())
	if err != nil {
		return err
	}
	lecture, _ := strconv.ParseInt(get("lecture"), 10, 64)
	heads, _ := strconv.Atoi(get("heads"))
	request := ""
	if name := get("request"); formName.MatchString(name) {
		request = "page/" + name // no chat's message is named so
	}
	// Whoever orders here has no chat: they are told by phone.
	out, err := l.Office.PlaceOrder(r.Context(), office.Person{}, office.OrderDraft{Request: request, Lecture: lecture, At: at, Heads: heads,
		Unit: get("unit"), Contact: get("contact"), Phone: get("phone"), Wish: get("wish")})
	if err != nil {
		return err
	}
	if out.Repeat && (out.Order.Lecture != lecture || !out.Order.At.Equal(at) || out.Order.Unit != get("unit")) {
		return &office.Error{Kind: office.Conflict, Msg: fmt.Sprintf("这张单子已经下过了，编号 %s，查询码 %s。要再约一场，现在改好再按一次“下单”。", out.Order.No, out.Code)}
	}
	v.Placed = &out
	l.fill(v, out.Order, out.Code)
	v.Order = nil
	return nil
}

// act does what the orderer may do with a code.
func (l *Lectures) act(r *http.Request, v *lectureView, who office.Person, verb string, get func(string) string) error {
	var o office.Order
	var err error
	switch verb {
	case "see":
		o, err = l.Office.OrderByCode(r.Context(), who.Account, get("code"))
	case "agree", "cancel", "rate":
		score, _ := strconv.Atoi(get("score"))
		o, err = l.Office.ActOrder(r.Context(), who, "", office.OrderAction{Verb: verb, Code: get("code"), Note: get("note"), Score: score})
	default:
		err = &office.Error{Kind: office.Invalid, Msg: "没有这个操作。"}
	}
	if err != nil {
		return err
	}
	l.fill(v, o, get("code"))
	return nil
}

func (l *Lectures) fill(v *lectureView, o office.Order, code string) {
	v.Order, v.Code, v.When = &o, code, office.TimeName(o.At)
	if !o.NewAt.IsZero() {
		v.New = office.TimeName(o.NewAt)
	}
	for _, verb := range o.Next {
		v.May[verb] = true
	}
}

// allowed counts a post of an address and says whether it is one too many.
func (l *Lectures) allowed(sender string) bool {
	now := l.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var recent []time.Time
	for _, t := range l.did[sender] {
		if now.Sub(t) < lectureHour {
			recent = append(recent, t)
		}
	}
	if len(recent) >= lecturePosts {
		l.did[sender] = recent
		return false
	}
	if len(l.did) >= maxSenders && len(recent) == 0 {
		for s, times := range l.did { // whoever has not come for an hour
			if now.Sub(times[len(times)-1]) >= lectureHour {
				delete(l.did, s)
			}
		}
		if len(l.did) >= maxSenders {
			return false
		}
	}
	l.did[sender] = append(recent, now)
	return true
}
