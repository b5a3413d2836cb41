package bot

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// qqPayload is the envelope of everything the platform sends, by webhook or
// websocket. Source: bot docs, dev-prepare/event-emit/payload, read 2026-09.
type qqPayload struct {
	ID string          `json:"id"` // "C2C_MESSAGE_CREATE:…"; what a reply by event names
	Op int             `json:"op"`
	D  json.RawMessage `json:"d"`
	S  int64           `json:"s"`
	T  string          `json:"t"`
}

// Opcodes of a payload.
const (
	qqDispatch   = 0
	qqAck        = 12
	qqValidation = 13
)

// qqChange is what an event tells of a conversation besides words.
type qqChange uint8

const (
	qqNoChange qqChange = iota
	qqFriendAdded
	qqFriendGone
	qqPushOn
	qqPushOff
	qqGroupJoined
	qqGroupLeft
)

// qqEvent is what one event means to the bot.
type qqEvent struct {
	Type    string   // of the platform, "unknown" for one this program does not know
	Names   []string // what the event is told from others by: its own id, and its type with the id of what it tells of
	Message *Message // somebody said something, or pressed a button, or came in
	Ack     string   // an interaction that must be acknowledged within 3 s, by its id
	Chat    Address  // of Change
	Change  qqChange
	At      time.Time
	Audit   *qqAudit
}

// qqAudit is the platform's verdict on a message that it looked at first.
type qqAudit struct {
	ID, MessageID string
	Passed        bool
}

// Unreadable is the text of a message that holds nothing the bot can read: a
// picture, a card, a sticker, a quotation alone.
const Unreadable = "〔一条不是文字的消息〕"

var errQQMalformed = errors.New("bot: the event does not have the platform's form")

// qqIDs is what openids and channel ids may be made of; they become parts of
// addresses and of URL paths.
var qqIDs = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// qqData holds the fields of all events; the platform leaves out and renames
// some, so each is read where it may stand. Sources: qq event pages, 2026-09.
type qqData struct {
	ID        string          `json:"id"`
	Content   string          `json:"content"`
	Timestamp json.RawMessage `json:"timestamp"`
	Author    struct {
		ID           string `json:"id"`
		UserOpenID   string `json:"user_openid"`
		MemberOpenID string `json:"member_openid"`
		Bot          bool   `json:"bot"`
	} `json:"author"`
	GroupOpenID       string `json:"group_openid"`
	GroupID           string `json:"group_id"`
	OpenID            string `json:"openid"`
	SceneParam        string `json:"scene_param"` // of a share link that the bot was added by
	UserOpenID        string `json:"user_openid"`
	GroupMemberOpenID string `json:"group_member_openid"`
	ChannelID         string `json:"channel_id"`
	GuildID           string `json:"guild_id"`
	Attachments       []struct {
		ContentType string `json:"content_type"`
		Heard       string `json:"asr_refer_text"`
	} `json:"attachments"`

	ChatType int    `json:"chat_type"` // interactions: 0 guild, 1 group, 2 private
	Scene    string `json:"scene"`     // of interactions: "guild", "group", "c2c"
	Type     int    `json:"type"`
	Data     struct {
		Resolved struct {
			ButtonData string `json:"button_data"`
			UserID     string `json:"user_id"`
			Feedback   string `json:"feedback_opt"`
			Checked    int    `json:"checked"`
			Authorize  struct {
				Scope string `json:"scope"`
			} `json:"authorize_data"`
		} `json:"resolved"`
	} `json:"data"`

	AuditID   string `json:"audit_id"`
	MessageID string `json:"message_id"`
}

// qqReaders says what each event type means. An event that is not here is
// counted and left.
var qqReaders = map[string]func(d *qqData, e *qqEvent, b qqNames) error{
	"C2C_MESSAGE_CREATE":      readQQPrivate,
	"GROUP_AT_MESSAGE_CREATE": readQQGroup,
	"GROUP_MESSAGE_CREATE":    readQQGroupAll,
	"AT_MESSAGE_CREATE":       readQQGuild,
	"DIRECT_MESSAGE_CREATE":   readQQDirect,
	"INTERACTION_CREATE":      readQQInteraction,
	"FRIEND_ADD":              readQQFriendAdd,
	"FRIEND_DEL":              changeOf(qqFriendGone),
	"C2C_MSG_RECEIVE":         changeOf(qqPushOn),
	"C2C_MSG_REJECT":          changeOf(qqPushOff),
	"GROUP_ADD_ROBOT":         readQQGroupAdd,
	"GROUP_DEL_ROBOT":         changeOf(qqGroupLeft),
	"GROUP_MSG_RECEIVE":       changeOf(qqPushOn),
	"GROUP_MSG_REJECT":        changeOf(qqPushOff),
	"MESSAGE_AUDIT_PASS":      readQQAudit(true),
	"MESSAGE_AUDIT_REJECT":    readQQAudit(false),
}

// qqNames makes the addresses of one bot.
type qqNames struct{ channel string }

func (n qqNames) address(kind string, ids ...string) (Address, error) {
	for _, id := range ids {
		if !qqIDs.MatchString(id) {
			return "", fmt.Errorf("%w: id", errQQMalformed)
		}
	}
	return Address(n.channel + "/" + kind + "/" + strings.Join(ids, "/")), nil
}

// readQQEvent makes sense of one dispatched event; channel is the name its
// addresses begin with, now is used where the event says no time that can be
// right. errQQMalformed: the event lacks what its type needs.
func readQQEvent(p *qqPayload, channel string, now time.Time) (qqEvent, error) {
	e := qqEvent{Type: p.T}
	read := qqReaders[p.T]
	if read == nil {
		e.Type = "unknown"
		return e, nil
	}
	var d qqData
	if err := tolerant(json.Unmarshal(p.D, &d)); err != nil {
		return e, fmt.Errorf("%s: %w", p.T, err)
	}
	e.At = qqTime(d.Timestamp, now)
	e.Names = qqEventNames(p, &d)
	if err := read(&d, &e, qqNames{channel}); err != nil {
		return e, fmt.Errorf("%s: %w", p.T, err)
	}
	if m := e.Message; m != nil {
		m.At = e.At
		if m.ID == "" { // answered by the event, not by a message
			if p.ID == "" {
				return e, fmt.Errorf("%s: %w: no event id", p.T, errQQMalformed)
			}
			m.ID, m.Anchor = qqByEvent+p.ID, p.ID
		}
	}
	return e, nil
}

// tolerant lets a field pass that has another type than it should: the decoder
// leaves it empty and reads on, and whoever needs it misses it.
func tolerant(err error) error {
	var other *json.UnmarshalTypeError
	if err == nil || errors.As(err, &other) && other.Field != "" {
		return nil
	}
	return errQQMalformed
}

// qqEventNames gives what a repeat of an event is known by. A group that shows
// the bot everything sends one message as two types of events, so the type is
// not in the names of messages.
func qqEventNames(p *qqPayload, d *qqData) []string {
	var names []string
	if p.ID != "" {
		names = append(names, cut(p.ID, maxID))
	}
	if d.ID != "" && p.T == "INTERACTION_CREATE" {
		names = append(names, p.T+"/"+cut(d.ID, maxID))
	}
	return names
}

// What a Message.ID of this channel begins with: the id of a message, or of an
// event, that a reply may be hung on.
const (
	qqByMessage = "m:"
	qqByEvent   = "e:"
)

// message is a Message that is answered by d's own id.
func (d *qqData) message(chat, from Address, text string) (*Message, error) {
	if d.ID == "" {
		return nil, fmt.Errorf("%w: no message id", errQQMalformed)
	}
	return &Message{ID: qqByMessage + d.ID, Anchor: d.ID, Chat: chat, From: from, Text: text}, nil
}

func readQQPrivate(d *qqData, e *qqEvent, n qqNames) (err error) {
	if d.Author.Bot {
		return nil
	}
	chat, err := n.address("user", first(d.Author.UserOpenID, d.Author.ID))
	if err != nil {
		return err
	}
	e.Message, err = d.message(chat, chat, d.words())
	return err
}

func readQQGroup(d *qqData, e *qqEvent, n qqNames) (err error) {
	if d.Author.Bot {
		return nil
	}
	group := first(d.GroupOpenID, d.GroupID)
	chat, err := n.address("group", group)
	if err != nil {
		return err
	}
	from, err := n.address("member", group, first(d.Author.MemberOpenID, d.Author.UserOpenID, d.Author.ID))
	if err != nil {
		return err
	}
	e.Message, err = d.message(chat, from, d.words())
	return err
}

// qqCalled is how a member speaks to the bot in a group whose every message it
// is shown. What members say to each other is none of its business.
var qqCalled = regexp.MustCompile(`^[/／]?(明白|小明白)[，,：:！! 　]+`)

func readQQGroupAll(d *qqData, e *qqEvent, n qqNames) error {
	text := strings.TrimSpace(d.Content)
	called := qqCalled.FindString(text)
	if called == "" {
		return nil
	}
	d.Content = text[len(called):]
	return readQQGroup(d, e, n)
}

// qqMention is how the guild world writes a mention into the text.
var qqMention = regexp.MustCompile(`<(?:@!?[0-9]{1,32}|qqbot-at-user id="[^"<>]{1,128}" ?/)>`)

// guildWords undoes what guild texts are escaped with and leaves out mentions.
func (d *qqData) guildWords() string {
	d.Content = html.UnescapeString(qqMention.ReplaceAllString(d.Content, ""))
	return d.words()
}

func readQQGuild(d *qqData, e *qqEvent, n qqNames) error {
	if d.Author.Bot {
		return nil
	}
	chat, err := n.address("guild", d.ChannelID)
	if err != nil {
		return err
	}
	from, err := n.address("guildmember", d.GuildID, d.Author.ID)
	if err != nil {
		return err
	}
	e.Message, err = d.message(chat, from, d.guildWords())
	return err
}

func readQQDirect(d *qqData, e *qqEvent, n qqNames) error {
	if d.Author.Bot {
		return nil
	}
	chat, err := n.address("dm", d.GuildID)
	if err != nil {
		return err
	}
	e.Message, err = d.message(chat, chat, d.guildWords())
	return err
}

// words is what the person said: the text, else what the platform understood
// of their voice, else Unreadable. Quoted messages are somebody else's words.
func (d *qqData) words() string {
	if text := strings.TrimSpace(d.Content); text != "" {
		return text
	}
	for _, a := range d.Attachments {
		if text := strings.TrimSpace(a.Heard); text != "" {
			return text
		}
	}
	return Unreadable
}

// Types of interactions. 11 and 12 must be acknowledged within 3 s, the others
// not. Source: interaction_create event page, 2026-09.
const (
	qqButton        = 11
	qqQuickMenu     = 12
	qqFeedback      = 13
	qqUserAllows    = 18
	qqGroupAllows   = 19
	qqGroupAllowsTo = 20
)

// pressedBy gives where a button was pressed and by whom.
func (d *qqData) pressedBy(n qqNames) (chat, from Address, err error) {
	group := first(d.GroupOpenID, d.GroupID)
	switch {
	case d.ChatType == 2, d.Scene == "c2c":
		chat, err = n.address("user", first(d.UserOpenID, d.Data.Resolved.UserID))
		return chat, chat, err
	case d.ChatType == 1, d.Scene == "group":
		if chat, err = n.address("group", group); err == nil {
			from, err = n.address("member", group, d.GroupMemberOpenID)
		}
	default:
		if chat, err = n.address("guild", d.ChannelID); err == nil {
			from, err = n.address("guildmember", d.GuildID, d.Data.Resolved.UserID)
		}
	}
	return chat, from, err
}

func readQQInteraction(d *qqData, e *qqEvent, n qqNames) error {
	resolved := d.Data.Resolved
	if d.Type == qqGroupAllows || d.Type == qqGroupAllowsTo {
		d.GroupMemberOpenID = first(d.GroupMemberOpenID, "admin") // may be left out; it is the group that matters
	}
	chat, from, err := d.pressedBy(n)
	if err != nil {
		return err
	}
	say := func(text string) {
		if text != "" {
			e.Message = &Message{Chat: chat, From: from, Text: text}
		}
	}
	switch d.Type {
	case qqButton, qqQuickMenu:
		if !qqIDs.MatchString(d.ID) {
			return fmt.Errorf("%w: interaction id", errQQMalformed)
		}
		e.Ack = d.ID
		say(strings.TrimSpace(resolved.ButtonData))
	case qqFeedback:
		if resolved.Feedback == "LIKE" {
			say("有用")
		} else {
			say("没用")
		}
	case qqUserAllows, qqGroupAllows, qqGroupAllowsTo:
		if strings.HasSuffix(resolved.Authorize.Scope, "_push") {
			e.Chat, e.Change = chat, qqPushOff
			if resolved.Checked == 1 {
				e.Change = qqPushOn
			}
		}
	}
	return nil
}

// qqHello is what the bot takes a newcomer to have said. Who comes by the link
// of an invitation is taken to have said "邀请 " and its code.
const qqHello = "你好"

// qqInvited is the callback_data of a link made by QQ.InviteLink.
var qqInvited = regexp.MustCompile(`^bind-([0-9A-Z]{10})$`)

func readQQFriendAdd(d *qqData, e *qqEvent, n qqNames) error {
	if err := changeOf(qqFriendAdded)(d, e, n); err != nil {
		return err
	}
	e.Message = &Message{Chat: e.Chat, From: e.Chat, Text: qqHello}
	if m := qqInvited.FindStringSubmatch(d.SceneParam); m != nil {
		e.Message.Text = "邀请 " + m[1]
	}
	return nil
}

func readQQGroupAdd(d *qqData, e *qqEvent, n qqNames) error {
	if err := changeOf(qqGroupJoined)(d, e, n); err != nil {
		return err
	}
	e.Message = &Message{Chat: e.Chat, From: e.Chat, Text: qqHello}
	return nil
}

// changeOf reads an event that changes what the bot may do in a conversation.
func changeOf(c qqChange) func(*qqData, *qqEvent, qqNames) error {
	return func(d *qqData, e *qqEvent, n qqNames) (err error) {
		e.Change = c
		if group := first(d.GroupOpenID, d.GroupID); group != "" {
			e.Chat, err = n.address("group", group)
			return err
		}
		e.Chat, err = n.address("user", first(d.OpenID, d.UserOpenID))
		return err
	}
}

func readQQAudit(passed bool) func(*qqData, *qqEvent, qqNames) error {
	return func(d *qqData, e *qqEvent, _ qqNames) error {
		if d.AuditID == "" {
			return fmt.Errorf("%w: no audit id", errQQMalformed)
		}
		e.Audit = &qqAudit{ID: d.AuditID, MessageID: d.MessageID, Passed: passed}
		return nil
	}
}

func first(ids ...string) string {
	for _, id := range ids {
		if id != "" {
			return id
		}
	}
	return ""
}

// qqSkew is how far ahead of ours the platform's clock may be, and qqOldest how
// old an event may be, before its time is taken for a mistake.
const (
	qqSkew   = 5 * time.Minute
	qqOldest = 7 * 24 * time.Hour
)

// qqTime reads the three forms of a timestamp: a number of seconds, the same as
// text, RFC 3339. now if it is none of them or cannot be right.
func qqTime(raw json.RawMessage, now time.Time) time.Time {
	text := strings.Trim(string(raw), `"`)
	t, err := time.Parse(time.RFC3339, text)
	if n, numErr := strconv.ParseInt(text, 10, 64); numErr == nil {
		if n > 1e12 { // milliseconds
			n /= 1000
		}
		t, err = time.Unix(n, 0), nil
	}
	if err != nil || t.After(now.Add(qqSkew)) || t.Before(now.Add(-qqOldest)) {
		return now
	}
	return t.UTC()
}
