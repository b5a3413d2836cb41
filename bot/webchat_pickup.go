package bot

import (
	"errors"
	"net/http"
	"time"
	"unicode/utf8"
)

// maxCodeInput is how long what is typed as a code may be, in runes.
const maxCodeInput = 40

var errNoSuchCode = &problem{status: 404, Code: "not_found", Message: wordsPickupNone}

// pickup gives the held reply with a code. It can be read again until it is too
// old: a page may lose what it got.
func (w *WebChat) pickup(rw http.ResponseWriter, r *http.Request) error {
	var in struct {
		Code string `json:"code"`
	}
	if err := readJSON(rw, r, &in); err != nil {
		return err
	}
	if utf8.RuneCountInString(in.Code) > maxCodeInput {
		return errTooLarge
	}
	if err := w.limit(r, w.codes); err != nil {
		return err
	}
	code := readCode(clean(in.Code))
	if code == "" {
		return invalid("取件码是 10 个字母和数字，像 ABCDE-FGHJK。")
	}
	h, err := w.store.fetch(r.Context(), code)
	if errors.Is(err, ErrUnknown) {
		return errNoSuchCode
	}
	if err != nil {
		return err
	}
	if err := w.store.collected(r.Context(), code, unasked+"web"); err != nil {
		return err
	}
	if w.bot != nil {
		w.bot.meter.pickups.WithLabelValues("web").Inc()
	}
	writeJSON(rw, http.StatusOK, struct {
		Text string `json:"text"`
		Made string `json:"made"`
	}{h.text, stamp(time.UnixMilli(h.made))})
	return nil
}
