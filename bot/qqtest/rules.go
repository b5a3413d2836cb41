package qqtest

import (
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits of a keyboard and its texts (keyboard page).
const (
	maxRows      = 5
	maxButtons   = 5 // in one row
	maxLabel     = 10
	maxModal     = 40
	maxTypingSec = 60
)

// checkShape looks at a message by itself. It gives 0 or the error code.
func (c *call) checkShape(s *sending, scene string) int {
	if code := c.checkType(s, scene); code != 0 {
		return code
	}
	if code := checkKeyboard(s.Keyboard); code != 0 {
		return code
	}
	_, text := s.text()
	return c.checkText(text, scene)
}

func (c *call) checkType(s *sending, scene string) int {
	strict := c.p.rules.StrictBody
	switch s.MsgType {
	case typeText:
		if strings.TrimSpace(s.Content) == "" || s.Markdown != nil && strict {
			return codeParam
		}
	case typeMarkdown:
		if s.Markdown == nil || strings.TrimSpace(s.Markdown.Content) == "" {
			return codeNoMarkdown
		}
		if template := string(s.Markdown.TemplateID); strict && (s.Markdown.CustomID != "" || template != "" && template != "0" && template != "null" && template != `""`) {
			return codeTemplateBoth
		}
		if strict && strings.TrimSpace(s.Content) != "" {
			return codeBothContents
		}
	case typeArk:
		return codeArk
	case typeTyping:
		if scene != sceneC2C || s.Typing == nil || s.Typing.Type != 1 || s.Typing.Second < 1 || s.Typing.Second > maxTypingSec {
			return codeParam
		}
	case typeMedia:
		if s.Media == nil {
			return codeParam
		}
		return c.useFile(s.Media.FileInfo, scene)
	default:
		return codeParam
	}
	return 0
}

func checkKeyboard(k *keyboard) int {
	if k == nil || k.Content == nil {
		return 0
	}
	if len(k.Content.Rows) > maxRows {
		return codeKeyboard
	}
	ids := map[string]bool{}
	for _, r := range k.Content.Rows {
		if len(r.Buttons) > maxButtons {
			return codeKeyboard
		}
		for _, b := range r.Buttons {
			if b.Render.Label == "" || utf8.RuneCountInString(b.Render.Label) > maxLabel {
				return codeLabel
			}
			m := b.Action.Modal
			if ids[b.ID] && b.ID != "" || b.Action.Type < 0 || b.Action.Type > 2 || b.Action.Permission != nil && (b.Action.Permission.Type < 0 || b.Action.Permission.Type > 3) {
				return codeParam
			}
			if m != nil && (utf8.RuneCountInString(m.Content) > maxModal || link.MatchString(m.Content)) {
				return codeParam
			}
			ids[b.ID] = true
		}
	}
	return 0
}

// checkText is the content check.
func (c *call) checkText(text, scene string) int {
	r := c.p.rules
	if utf8.RuneCountInString(text) > r.MaxRunes || r.MaxBytes > 0 && len(text) > r.MaxBytes {
		return codeTooLong
	}
	for _, w := range r.Sensitive {
		if strings.Contains(text, w) {
			return codeSensitive
		}
	}
	switch {
	case scene == sceneGuild || scene == sceneDM:
		if !c.bot.allowsURLs(text) {
			return codeGuildURL
		}
	case scene == sceneGroup && r.GroupURLs, scene == sceneC2C && r.C2CURLs:
		if !c.bot.allowsURLs(text) {
			return codeURL
		}
	}
	return 0
}

// link is whatever the platform takes for an address: a scheme, or Latin words
// joined by a full stop, be it README.md.
var link = regexp.MustCompile(`(?i)https?://[^\s)>\]"]+|[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)*\.[a-z][a-z0-9-]*`)

// allowsURLs reports whether each address in the text is on a registered domain.
func (b *Bot) allowsURLs(text string) bool {
	for _, found := range link.FindAllString(text, -1) {
		host := strings.ToLower(found)
		if u, err := url.Parse(host); err == nil && u.Host != "" {
			host = u.Hostname()
		}
		if !b.registered(host) {
			return false
		}
	}
	return true
}

func (b *Bot) registered(host string) bool {
	for _, d := range b.options.Domains {
		if host == d || strings.HasSuffix(host, "."+d) {
			return true
		}
	}
	return false
}

// place is where a message is going to.
type place struct {
	scene, target string
	user          *User
	group         *Group
}

// checkTurn decides whether the bot may speak now: as an answer, as a recall of
// the interaction, or unasked. It gives 0 or the error code.
func (c *call) checkTurn(s *sending, to place) int {
	if s.Wakeup {
		return c.checkWakeup(s, to)
	}
	if s.MsgID == "" && s.EventID == "" {
		if s.MsgType == typeTyping {
			return codeParam
		}
		return c.checkActive(to)
	}
	a, code := c.anchor(s.MsgID, s.EventID, to.scene, to.target)
	if code != 0 {
		return code
	}
	return c.useSlot(a, s.seq(), s.EventID != "", s.MsgType == typeTyping && !c.p.rules.TypingCounts)
}

// anchor finds what the message answers.
func (c *call) anchor(msgID, eventID, scene, target string) (*anchor, int) {
	if msgID != "" {
		a := c.bot.anchors.byID[msgID]
		if a == nil || !a.message || a.scene != scene || a.target != target {
			return nil, codeBadMsgID
		}
		return a, 0
	}
	a := c.bot.anchors.byID[eventID]
	switch {
	case a == nil && strings.Contains(eventID, "MESSAGE_CREATE:"):
		return nil, codeEventType // messages are answered by their own id
	case a == nil || a.message:
		return nil, codeBadEventID
	case !mayAnswer(scene, a.typ):
		return nil, codeEventType
	case a.scene != scene || a.target != target:
		return nil, codeBadEventID
	}
	return a, 0
}

// useSlot takes one (anchor, msg_seq) slot and one of the replies. A slot that
// is taken is said to be a duplicate even when the window is over.
func (c *call) useSlot(a *anchor, seq int, isEvent, free bool) int {
	r := c.p.rules
	if a.slots[seq] {
		return codeDuplicate
	}
	window, limit := r.GroupWindow, r.GroupReplies
	if a.scene == sceneC2C {
		window, limit = r.C2CWindow, r.C2CReplies
	}
	if c.p.now().Sub(a.at) > window && a.scene != sceneDM {
		switch {
		case a.scene == sceneGuild:
			return codeGuildExpired
		case isEvent:
			return codeEventExpired
		}
		return r.CodeExpired
	}
	if r.CountReplies && a.replies >= limit && a.scene != sceneDM && a.scene != sceneGuild {
		return codeReplyLimit
	}
	if a.slots == nil {
		a.slots = map[int]bool{}
	}
	a.slots[seq] = true
	if !free {
		a.replies++
	}
	return 0
}

// checkActive is for a message that answers nothing.
func (c *call) checkActive(to place) int {
	r, b, now := c.p.rules, c.bot, c.p.now()
	switch {
	case !r.Active:
		return codeNoActive
	case b.options.NoActive, to.group != nil && !to.group.push:
		return codeActiveOff
	case to.user != nil && !to.user.push:
		return codePushRefused
	}
	day := !b.allow("day "+to.target, now, 24*time.Hour, r.TargetDay)
	if day || !b.allow("minute "+to.target, now, time.Minute, r.TargetQPM) {
		return codeQuota
	}
	if to.user != nil && !b.allow("active c2c", now, time.Second, r.BotQPS) || to.group != nil && !b.allow("active group", now, time.Minute, r.GroupBotQPM) {
		return codeQuota
	}
	return 0
}

// checkWakeup is for is_wakeup, which excludes msg_id and event_id.
func (c *call) checkWakeup(s *sending, to place) int {
	switch {
	case to.user == nil || !c.p.rules.Active || s.MsgID != "" || s.EventID != "" || s.MsgType == typeTyping:
		return codeWakeupNo
	case !to.user.push:
		return codePushRefused
	case !to.user.take(c.p.now()):
		return codeWakeupUsed
	}
	return 0
}

// rate counts calls in windows of fixed length.
type rate struct {
	since time.Time
	n     int
}

// maxRates bounds the table of counters; full, those whose day is over go.
const maxRates = 20_000

// allow counts one call under a name; false if the window is full. 0 is no limit.
func (b *Bot) allow(name string, now time.Time, window time.Duration, limit int) bool {
	if limit == 0 {
		return true
	}
	r := b.rates[name]
	if r == nil {
		if len(b.rates) >= maxRates {
			for k, old := range b.rates {
				if now.Sub(old.since) > 24*time.Hour {
					delete(b.rates, k)
				}
			}
		}
		r = &rate{since: now}
		b.rates[name] = r
	}
	if now.Sub(r.since) >= window {
		r.since, r.n = now, 0
	}
	r.n++
	return r.n <= limit
}

// within counts one call of an endpoint against its limit for a second.
func (b *Bot) within(endpoint string, now time.Time, qps int) bool {
	return b.allow("endpoint "+endpoint, now, time.Second, qps)
}
