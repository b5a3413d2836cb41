package console

import (
	"net/http"
	"strings"

	"github.com/skip2/go-qrcode"

	"mingbai/office"
)

// home is where the address with a slash behind it goes.
func home(c *call) error { return c.redirect("/console") }

type accountPage struct {
	Me       office.Person
	Account  office.ConsoleAccount
	Sessions []office.ConsoleSession
	This     int64 // the session that looks
}

// account shows one's own posts, how one signs in, and where one is signed in.
func account(c *call) error {
	a, err := c.o.Office.ConsoleAccount(c.r.Context(), c.me.ID)
	if err != nil && office.KindOf(err) != office.NotFound {
		return err
	}
	list, err := c.o.Office.ConsoleSessions(c.r.Context(), c.me.ID)
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "account", accountPage{c.me, a, list, c.session.ID})
}

func endSession(c *call) error {
	id, err := c.id()
	if err != nil {
		return err
	}
	if err := c.o.Office.EndConsoleSession(c.r.Context(), c.me, id); err != nil {
		return err
	}
	if id == c.session.ID {
		c.setCookie("")
		return c.redirect("/console/sign-in")
	}
	return c.done("/console/account", "那台设备已经退出登录。")
}

type passwordPage struct {
	Form *form
	Must bool
}

func passwordForm(c *call) error {
	return c.show(http.StatusOK, "password", passwordPage{c.form(), c.session.MustChange})
}

func changePassword(c *call) error {
	f := c.form()
	page := passwordPage{f, c.session.MustChange}
	if f.Get("password") != f.Get("password2") {
		return c.again(&office.Error{Kind: office.Invalid, Msg: "两次写的新密码不一样。"}, "password", f, page)
	}
	token, err := c.o.Office.ChangeConsolePassword(c.r.Context(), c.session, f.Get("_password"), f.Get("password"))
	if err != nil {
		return c.again(err, "password", f, page)
	}
	c.setCookie(token)
	if c.session, err = c.o.Office.ConsoleSession(c.r.Context(), token); err != nil {
		return err
	}
	return c.done("/console/account", "密码改好了。其他设备都已退出登录。")
}

type codesPage struct {
	Form     *form
	On       bool
	Must     bool
	Secret   string // in groups of four
	QR       qr
	Recovery []string // shown this once
}

func codesForm(c *call) error {
	page, err := c.codesPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "codes", page)
}

func (c *call) codesPage(f *form) (codesPage, error) {
	page := codesPage{Form: f, On: c.session.TOTP, Must: c.o.NeedCodes}
	if page.On {
		return page, nil
	}
	secret, err := c.o.Office.StartTOTP(c.r.Context(), c.session)
	if err != nil {
		return page, err
	}
	a, err := c.o.Office.ConsoleAccount(c.r.Context(), c.me.ID)
	if err != nil {
		return page, err
	}
	for i := 0; i < len(secret); i += 4 {
		page.Secret += secret[i:min(i+4, len(secret))] + " "
	}
	page.QR, err = newQR(office.TOTPAddress(a.Login, secret))
	return page, err
}

func confirmCodes(c *call) error {
	f := c.form()
	codes, err := c.o.Office.ConfirmTOTP(c.r.Context(), c.session, f.Get("_code"))
	if err != nil {
		page, fault := c.codesPage(f)
		if fault != nil {
			return fault
		}
		return c.again(err, "codes", f, page)
	}
	c.session.TOTP = true
	return c.show(http.StatusOK, "codes", codesPage{Form: f, On: true, Must: c.o.NeedCodes, Recovery: codes})
}

func newRecovery(c *call) error {
	f := c.form()
	codes, err := c.o.Office.NewRecoveryCodes(c.r.Context(), c.session)
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "codes", codesPage{Form: f, On: true, Must: c.o.NeedCodes, Recovery: codes})
}

func dropCodes(c *call) error {
	if err := c.o.Office.DropTOTP(c.r.Context(), c.session); err != nil {
		return err
	}
	return c.done("/console/account", "手机验证码关掉了。其他设备都已退出登录。")
}

// qr is a QR code to be drawn as one path of squares.
type qr struct {
	Size int
	Path string
}

func newQR(text string) (qr, error) {
	q, err := qrcode.New(text, qrcode.Medium)
	if err != nil {
		return qr{}, err
	}
	var b strings.Builder
	dots := q.Bitmap()
	for y, row := range dots {
		for x, dark := range row {
			if dark {
				b.WriteString("M" + itoa(x) + " " + itoa(y) + "h1v1h-1z")
			}
		}
	}
	return qr{len(dots), b.String()}, nil
}
