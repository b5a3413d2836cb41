package bot

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestReadQQEvent(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
	said := time.Date(2026, 11, 28, 3, 59, 0, 0, time.UTC)
	message := func(id, anchor, chat, from, text string, at time.Time) *Message {
		return &Message{ID: id, Anchor: anchor, Chat: Address(chat), From: Address(from), Text: text, At: at}
	}
	for name, c := range map[string]struct {
		payload string
		want    qqEvent
	}{
		"private chat": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"user_openid":"U1","id":"A1"},"content":" 你好 ","timestamp":"2026-11-28T11:59:00+08:00"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/U1", "qq/user/U1", "你好", said)}},
		"only author.id, time as a number, fields nobody knows": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","x":1,"d":{"id":"m1","author":{"id":"A1","new":{}},"content":"a","timestamp":1795838340,"message_scene":{"ext":["a=b"]}}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", "a", said)}},
		"time as text": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"id":"A1"},"content":"a","timestamp":"1795838340"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", "a", said)}},
		"a time that cannot be": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"id":"A1"},"content":"a","timestamp":"2031-01-01T00:00:00Z"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", "a", now)}},
		"a picture": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"id":"A1"},"content":"","attachments":[{"content_type":"image/png","url":"https://x"}]}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", Unreadable, now)}},
		"voice with its words": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"id":"A1"},"content":"","attachments":[{"content_type":"voice","asr_refer_text":"工资不给"}]}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", "工资不给", now)}},
		"a quotation alone is not the person's words": {`{"id":"E1","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","message_type":103,"author":{"id":"A1"},"content":" ","msg_elements":[{"content":"别人的话"}]}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", Unreadable, now)}},
		"group, addressed": {`{"id":"E1","t":"GROUP_AT_MESSAGE_CREATE","d":{"id":"m1","group_openid":"G1","author":{"member_openid":"M1"},"content":" /今日普法 "}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/group/G1", "qq/member/G1/M1", "/今日普法", now)}},
		"group by its old name": {`{"id":"E1","t":"GROUP_AT_MESSAGE_CREATE","d":{"id":"m1","group_id":"G1","author":{"id":"M1"},"content":"a"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/group/G1", "qq/member/G1/M1", "a", now)}},
		"group, among members": {`{"id":"E1","t":"GROUP_MESSAGE_CREATE","d":{"id":"m1","group_openid":"G1","author":{"member_openid":"M1"},"content":"中午吃啥"}}`,
			qqEvent{}},
		"group, called by name": {`{"id":"E1","t":"GROUP_MESSAGE_CREATE","d":{"id":"m1","group_openid":"G1","author":{"member_openid":"M1"},"content":"明白，公证要多少钱"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/group/G1", "qq/member/G1/M1", "公证要多少钱", now)}},
		"another bot": {`{"id":"E1","t":"GROUP_AT_MESSAGE_CREATE","d":{"id":"m1","group_openid":"G1","author":{"member_openid":"M1","bot":true},"content":"a"}}`,
			qqEvent{}},
		"guild": {`{"id":"E1","t":"AT_MESSAGE_CREATE","d":{"id":"m1","channel_id":"11","guild_id":"22","author":{"id":"33"},"content":"<@!123> 工资 &lt;3 &amp; 4"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/guild/11", "qq/guildmember/22/33", "工资 <3 & 4", now)}},
		"guild letter": {`{"id":"E1","t":"DIRECT_MESSAGE_CREATE","d":{"id":"m1","channel_id":"11","guild_id":"22","author":{"id":"33"},"content":"a"}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/dm/22", "qq/dm/22", "a", now)}},
		"button in private": {`{"id":"INTERACTION_CREATE:i1","t":"INTERACTION_CREATE","d":{"id":"i1","type":11,"chat_type":2,"user_openid":"U1","data":{"resolved":{"button_data":"转人工"}},"timestamp":"2026-11-28T11:59:00+08:00"}}`,
			qqEvent{Ack: "i1", Message: message("e:INTERACTION_CREATE:i1", "INTERACTION_CREATE:i1", "qq/user/U1", "qq/user/U1", "转人工", said)}},
		"button in a group": {`{"id":"INTERACTION_CREATE:i1","t":"INTERACTION_CREATE","d":{"id":"i1","type":11,"chat_type":1,"group_openid":"G1","group_member_openid":"M1","data":{"resolved":{"button_data":"1"}}}}`,
			qqEvent{Ack: "i1", Message: message("e:INTERACTION_CREATE:i1", "INTERACTION_CREATE:i1", "qq/group/G1", "qq/member/G1/M1", "1", now)}},
		"push allowed by a button": {`{"id":"INTERACTION_CREATE:i1","t":"INTERACTION_CREATE","d":{"id":"i1","type":18,"chat_type":2,"user_openid":"U1","data":{"resolved":{"checked":1,"authorize_data":{"scope":"c2c_push"}}}}}`,
			qqEvent{Chat: "qq/user/U1", Change: qqPushOn}},
		"a new friend by the link of an invitation": {`{"id":"FRIEND_ADD:1","t":"FRIEND_ADD","d":{"openid":"U1","timestamp":1795838340,"scene":1000,"scene_param":"bind-0123ABCDEF"}}`,
			qqEvent{Chat: "qq/user/U1", Change: qqFriendAdded, Message: message("e:FRIEND_ADD:1", "FRIEND_ADD:1", "qq/user/U1", "qq/user/U1", "邀请 0123ABCDEF", said)}},
		"a new friend by another link": {`{"id":"FRIEND_ADD:1","t":"FRIEND_ADD","d":{"openid":"U1","timestamp":1795838340,"scene":2004,"scene_param":"bind-0123ABCDEF\n退出身份"}}`,
			qqEvent{Chat: "qq/user/U1", Change: qqFriendAdded, Message: message("e:FRIEND_ADD:1", "FRIEND_ADD:1", "qq/user/U1", "qq/user/U1", qqHello, said)}},
		"a new friend": {`{"id":"FRIEND_ADD:1","t":"FRIEND_ADD","d":{"openid":"U1","timestamp":1795838340,"scene":1000}}`,
			qqEvent{Chat: "qq/user/U1", Change: qqFriendAdded, Message: message("e:FRIEND_ADD:1", "FRIEND_ADD:1", "qq/user/U1", "qq/user/U1", qqHello, said)}},
		"a friend gone": {`{"id":"x","t":"FRIEND_DEL","d":{"openid":"U1"}}`, qqEvent{Chat: "qq/user/U1", Change: qqFriendGone}},
		"push refused":  {`{"id":"x","t":"C2C_MSG_REJECT","d":{"openid":"U1"}}`, qqEvent{Chat: "qq/user/U1", Change: qqPushOff}},
		"group refuses": {`{"id":"x","t":"GROUP_MSG_REJECT","d":{"group_openid":"G1","op_member_openid":"M1"}}`, qqEvent{Chat: "qq/group/G1", Change: qqPushOff}},
		"put out":       {`{"id":"x","t":"GROUP_DEL_ROBOT","d":{"group_openid":"G1"}}`, qqEvent{Chat: "qq/group/G1", Change: qqGroupLeft}},
		"fields of another type": {`{"id":"E1","s":"7","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"id":"A1","bot":"no"},"content":"a","type":"x","chat_type":"2","attachments":{},"data":[],"timestamp":[1]}}`,
			qqEvent{Message: message("m:m1", "m1", "qq/user/A1", "qq/user/A1", "a", now)}},
		"a button that says where it is by name": {`{"id":"INTERACTION_CREATE:i1","t":"INTERACTION_CREATE","d":{"id":"i1","type":11,"chat_type":"2","scene":"c2c","user_openid":"U1","data":{"resolved":{"button_data":"1"}}}}`,
			qqEvent{Ack: "i1", Message: message("e:INTERACTION_CREATE:i1", "INTERACTION_CREATE:i1", "qq/user/U1", "qq/user/U1", "1", now)}},
		"a button that says nothing": {`{"id":"INTERACTION_CREATE:i1","t":"INTERACTION_CREATE","d":{"id":"i1","type":12,"chat_type":2,"user_openid":"U1","data":{"resolved":{"feature_id":"f"}}}}`,
			qqEvent{Ack: "i1"}},
		"audit passed":   {`{"id":"x","t":"MESSAGE_AUDIT_PASS","d":{"audit_id":"a1","message_id":"m9"}}`, qqEvent{Audit: &qqAudit{"a1", "m9", true}}},
		"audit rejected": {`{"id":"x","t":"MESSAGE_AUDIT_REJECT","d":{"audit_id":"a1"}}`, qqEvent{Audit: &qqAudit{ID: "a1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p qqPayload
			if err := tolerant(json.Unmarshal([]byte(c.payload), &p)); err != nil {
				t.Fatal(err)
			}
			got, err := readQQEvent(&p, "qq", now)
			if err != nil {
				t.Fatal(err)
			}
			got.At, got.Type, got.Names = time.Time{}, "", nil
			a, _ := json.Marshal(got)
			b, _ := json.Marshal(c.want)
			if string(a) != string(b) || got.Message != nil && got.Message.Anchor != c.want.Message.Anchor {
				t.Errorf("got  %s\nwant %s", a, b)
			}
		})
	}
}

func TestReadQQEvent_Malformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"id":"E","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{},"content":"a"}}`,
		`{"id":"E","t":"C2C_MESSAGE_CREATE","d":{"author":{"id":"A"},"content":"a"}}`,
		`{"id":"E","t":"C2C_MESSAGE_CREATE","d":{"id":"m1","author":{"id":"../../me"},"content":"a"}}`,
		`{"id":"E","t":"C2C_MESSAGE_CREATE","d":"text"}`,
		`{"t":"FRIEND_ADD","d":{"openid":"U1"}}`,
		`{"id":"E","t":"INTERACTION_CREATE","d":{"id":"","type":11,"chat_type":2,"user_openid":"U1"}}`,
	} {
		var p qqPayload
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatal(err)
		}
		if _, err := readQQEvent(&p, "qq", time.Now()); !errors.Is(err, errQQMalformed) {
			t.Errorf("%s: got %v, want errQQMalformed", text, err)
		}
	}
	p := qqPayload{ID: "x", T: "SOMETHING_NEW", D: json.RawMessage(`{"a":1}`)}
	if e, err := readQQEvent(&p, "qq", time.Now()); err != nil || e.Type != "unknown" || e.Message != nil {
		t.Errorf("an unknown event: got %+v, %v", e, err)
	}
}

// FuzzReadQQEvent: nothing the platform sends breaks the reader, and what comes
// out can be an address.
func FuzzReadQQEvent(f *testing.F) {
	for kind := range qqReaders {
		f.Add(kind, `{"id":"m1","author":{"id":"A1","user_openid":"U1","member_openid":"M"},"openid":"U","group_openid":"G","channel_id":"1","guild_id":"2","content":"明白 你好","timestamp":1795838340,"chat_type":2,"type":11,"audit_id":"a"}`)
	}
	now := time.Date(2026, 11, 28, 4, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, kind, d string) {
		e, err := readQQEvent(&qqPayload{ID: kind + ":1", T: kind, D: json.RawMessage(d)}, "qq", now)
		if err != nil {
			if !errors.Is(err, errQQMalformed) {
				t.Fatalf("got %v", err)
			}
			return
		}
		if m := e.Message; m != nil {
			if m.ID == "" || m.Anchor == "" || channelOf(m.Chat) != "qq" || !strings.HasPrefix(string(m.From), "qq/") || strings.Contains(string(m.Chat), "..") {
				t.Fatalf("got %+v", m)
			}
			if m.At.After(now.Add(qqSkew)) || m.At.Before(now.Add(-qqOldest)) {
				t.Fatalf("said at %v", m.At)
			}
			if utf8.ValidString(d) && !utf8.ValidString(m.Text) {
				t.Fatalf("text %q", m.Text)
			}
		}
		if e.Change != qqNoChange && e.Chat == "" {
			t.Fatal("a change of nothing")
		}
	})
}
