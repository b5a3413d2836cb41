package console

import (
	"encoding/json"
	"io"
	"net/http"

	"mingbai/office"
)

type privacyPage struct {
	Form    *form
	No      string
	Account bool            // the applicant has an address; else the case alone is theirs
	Plan    *office.Erasure // what an erasure would do
	Done    *office.Erasure
}

// privacy finds by a case's number whose data somebody asks for, and shows what
// an erasure would take and what has to stay, with the reason.
func privacy(c *call) error {
	f := c.form()
	page := privacyPage{Form: f, No: f.Get("no")}
	if page.No == "" {
		return c.show(http.StatusOK, "privacy", page)
	}
	plan, account, err := c.erase(page.No, true)
	if err != nil {
		page.No = ""
		return c.again(err, "privacy", f, page)
	}
	page.Account, page.Plan = account != "", &plan
	return c.show(http.StatusOK, "privacy", page)
}

// erase erases, or in a dry run says what it would, for the applicant of a case.
func (c *call) erase(no string, dry bool) (office.Erasure, office.Account, error) {
	ctx, db := c.r.Context(), c.o.Office
	k, err := db.Case(ctx, c.me, no)
	if err != nil {
		return office.Erasure{}, "", err
	}
	account, err := db.ApplicantOf(ctx, k.No)
	if err != nil {
		return office.Erasure{}, "", err
	}
	if account == "" {
		e, err := db.EraseCase(ctx, c.me.Actor(), k.No, c.o.Keep, dry)
		return e, "", err
	}
	e, err := db.Erase(ctx, c.me.Actor(), account, c.o.Keep, dry)
	if err == nil && !dry && c.o.Forget != nil {
		err = c.o.Forget(ctx, account)
	}
	return e, account, err
}

// eraseData erases at the person's own wish, and shows the receipt.
func eraseData(c *call) error {
	f := c.form()
	page := privacyPage{Form: f, No: f.Get("no")}
	if f.Get("sure") == "" {
		return c.again(&office.Error{Kind: office.Invalid, Msg: "请先核对是本人，勾上再删。"}, "privacy", f, page)
	}
	done, account, err := c.erase(page.No, false)
	if err != nil {
		return c.again(err, "privacy", f, page)
	}
	page.Account, page.Done = account != "", &done
	return c.show(http.StatusOK, "privacy", page)
}

// exportData gives everything that is held of the applicant of a case, to be
// handed to that person.
func exportData(c *call) error {
	ctx, db := c.r.Context(), c.o.Office
	no := c.form().Get("no")
	if no == "" {
		return &office.Error{Kind: office.Invalid, Msg: "请写上编号。"}
	}
	k, err := db.Case(ctx, c.me, no)
	if err != nil {
		return err
	}
	account, err := db.ApplicantOf(ctx, k.No)
	if err != nil {
		return err
	}
	if account == "" {
		return &office.Error{Kind: office.Conflict, Msg: "这一件是在窗口或电话里登记的，没有聊天账号：把这一件打印给本人就是全部。"}
	}
	if err := db.NoteRead(ctx, c.me, k.No, office.ReadData); err != nil {
		return err
	}
	d, err := db.Dossier(ctx, c.me.Actor(), account)
	if err != nil {
		return err
	}
	if c.o.Remembered != nil {
		if d.Said, err = c.o.Remembered(ctx, account); err != nil {
			return err
		}
	}
	return c.file("本人资料.json", "application/json; charset=utf-8", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(d)
	})
}
