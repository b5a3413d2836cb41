package console

import (
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// form is what somebody typed and what was wrong with it.
type form struct {
	url.Values
	Fault string // shown above the form
}

// form gives what was typed: the query of a GET, the body of a POST. Text comes
// without spaces around it, and without zero bytes, which PostgreSQL keeps none
// of and nobody types.
func (c *call) form() *form {
	f := &form{Values: url.Values{}}
	from := c.r.PostForm
	if c.r.Method != "POST" {
		from = c.r.URL.Query()
	}
	for name, values := range from {
		for _, v := range values {
			if !strings.HasPrefix(name, "_") && !strings.Contains(name, "password") {
				v = strings.TrimSpace(v)
			}
			f.Add(name, strings.ReplaceAll(strings.ToValidUTF8(v, "�"), "\x00", ""))
		}
	}
	return f
}

// uploaded reads the file that came in a field of the form; nil if none was
// chosen. It is as long as the request may be.
func (c *call) uploaded(field string) ([]byte, error) {
	if c.r.MultipartForm == nil || len(c.r.MultipartForm.File[field]) == 0 {
		return nil, nil
	}
	file, err := c.r.MultipartForm.File[field][0].Open()
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, maxUpload))
}

// list parts a field in which several things stand.
func (f *form) list(name string) []string {
	return strings.FieldsFunc(f.Get(name), func(r rune) bool { return strings.ContainsRune("、;；,，\n\r", r) })
}

// number reads a field as a number; 0 if it is none.
func (f *form) number(name string) int64 {
	n, err := strconv.ParseInt(f.Get(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// period reads the days from and to: the first day's begin, and the end of the
// last. What is no day narrows nothing.
func (f *form) period() (from, to time.Time) {
	from, _ = time.ParseInLocation(time.DateOnly, f.Get("from"), china)
	if day, err := time.ParseInLocation(time.DateOnly, f.Get("to"), china); err == nil {
		to = day.AddDate(0, 0, 1)
	}
	return from, to
}

// input is one field of a form with what stands in it. In templates:
// {{template "input" (input .Form "name" "姓名" "text!" "1 到 40 个字")}}
type input struct {
	Name, Label, Hint, Value string
	Kind                     string // of HTML: text, tel, date, password, area …
	Complete                 string // what the browser may fill in
	Required                 bool
}

// newInput makes a field. kind is that of HTML, or one of area (several lines),
// login, old-password, new-password, code; with "!" behind it the field must be
// filled.
func newInput(f *form, name, label, kind string, hint ...string) input {
	in := input{Name: name, Label: label, Hint: strings.Join(hint, ""), Kind: strings.TrimSuffix(kind, "!"), Complete: "off", Required: strings.HasSuffix(kind, "!")}
	switch in.Kind {
	case "old-password":
		in.Kind, in.Complete = "password", "current-password"
	case "new-password":
		in.Kind, in.Complete = "password", "new-password"
	case "code":
		in.Kind, in.Complete = "text", "one-time-code"
	case "login":
		in.Kind, in.Complete = "text", "username"
	}
	if f != nil && in.Kind != "password" && in.Complete != "one-time-code" {
		in.Value = f.Get(name)
	}
	return in
}

// Option is one of a choice.
type Option struct {
	Value, Label string
	Chosen       bool
}

// choice is a field that offers options. In templates:
// {{template "choice" (choice .Form "role" "角色" .Roles)}}
type choice struct {
	Name, Label, Hint string
	Options           []Option
}

func newChoice(f *form, name, label string, options []Option, hint ...string) choice {
	c := choice{Name: name, Label: label, Hint: strings.Join(hint, "")}
	for _, o := range options {
		o.Chosen = o.Chosen && (f == nil || !f.Has(name)) || f != nil && f.Has(name) && f.Get(name) == o.Value
		c.Options = append(c.Options, o)
	}
	return c
}

// perPage is how many rows a page of a list has.
const perPage = 50

// pager is where a list's page stands among the others. In templates:
// {{template "pager" .Pager}}
type pager struct {
	Page, Pages, Total int
	Previous, Next     string // addresses; "" if there is none
}

// paged gives the offset of the page that the query asks for.
func (c *call) paged() int {
	n, err := strconv.Atoi(c.r.URL.Query().Get("page"))
	if err != nil || n < 1 || n > 100_000 {
		n = 1
	}
	return (n - 1) * perPage
}

// pager gives the links of a list of total rows.
func (c *call) pager(total int) pager {
	p := pager{Page: c.paged()/perPage + 1, Pages: max(1, (total+perPage-1)/perPage), Total: total}
	at := func(n int) string {
		q := c.r.URL.Query()
		q.Set("page", strconv.Itoa(n))
		return c.r.URL.Path + "?" + q.Encode()
	}
	if p.Page > 1 {
		p.Previous = at(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = at(p.Page + 1)
	}
	return p
}
