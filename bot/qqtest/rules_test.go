package qqtest

import (
	"testing"
	"time"
)

// Behaviours 4 to 18 and 22: what may be said when.

func TestAnchors(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	a, b := r.p.User(r.bot, "甲"), r.p.User(r.bot, "乙")
	g := r.p.Group(r.bot, "群", a, b)
	id, gid := a.Say("你好"), g.Say(a, "大家好", true)
	r.want("unknown id", r.send(users(a), text("好", "ROBOT1.0_x", 1)), codeBadMsgID)
	r.want("another's id", r.send(users(b), text("好", id, 1)), codeBadMsgID)
	r.want("private id in a group", r.send(groups(g), text("好", id, 1)), codeBadMsgID)
	r.want("group id in private", r.send(users(a), text("好", gid, 1)), codeBadMsgID)
	r.want("right", r.send(users(a), text("好", id, 1)), 0)
	r.want("right in the group", r.send(groups(g), text("好", gid, 1)), 0)
	r.want("nobody", r.send("/v2/users/NOBODY", text("好", id, 1)), codeNotFriend)
	r.want("no group", r.send("/v2/groups/NONE", text("好", id, 1)), codeNotInGroup)
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile            Profile
		in                 time.Duration // a private reply after this is taken …
		out                time.Duration // … and after this refused
		codeC2C, codeGroup int
	}{
		{Strict2026, 5 * time.Minute, time.Second, codeExpired, codeExpired},
		{Lenient, time.Hour, time.Second, codeExpired, codeExpired},
		{Profile2025, time.Hour, time.Second, codeReplyLimit, codeReplyLimit},
	} {
		t.Run(string(c.profile), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{Profile: c.profile})
			u := r.p.User(r.bot, "甲")
			g := r.p.Group(r.bot, "群", u)
			id, gid := u.Say("一"), g.Say(u, "一", true)
			r.p.Advance(5 * time.Minute)
			r.want("group in time", r.send(groups(g), text("好", gid, 1)), 0)
			r.p.Advance(time.Second)
			r.want("group late", r.send(groups(g), text("好", gid, 2)), c.codeGroup)
			r.p.Advance(c.in - 5*time.Minute - time.Second)
			if c.in > 5*time.Minute {
				r.want("private in time", r.send(users(u), text("好", id, 1)), 0)
			}
			r.p.Advance(c.out)
			r.want("private late", r.send(users(u), text("好", id, 2)), c.codeC2C)
		})
	}
}

func TestReplyCounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		profile    Profile
		c2c, group int // 0: not counted
	}{{Strict2026, 4, 5}, {Lenient, 0, 0}, {Profile2025, 5, 5}} {
		t.Run(string(c.profile), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{Profile: c.profile})
			u := r.p.User(r.bot, "甲")
			g := r.p.Group(r.bot, "群", u)
			id, gid := u.Say("一"), g.Say(u, "一", true)
			for seq := 1; seq <= 7; seq++ {
				want := 0
				if c.c2c > 0 && seq > c.c2c {
					want = codeReplyLimit
				}
				r.want("private", r.send(users(u), text("好", id, seq)), want)
				if want = 0; c.group > 0 && seq > c.group {
					want = codeReplyLimit
				}
				r.want("group", r.send(groups(g), text("好", gid, seq)), want)
			}
		})
	}
}

func TestSameSeqIsDropped(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	id := u.Say("一")
	typing := object{"msg_type": 6, "input_notify": object{"input_type": 1, "input_second": 60}, "msg_id": id, "msg_seq": 3}
	r.want("first", r.send(users(u), text("甲", id, 0)), 0) // no msg_seq is 1
	r.want("again", r.send(users(u), text("乙", id, 1)), codeDuplicate)
	r.want("typing", r.send(users(u), typing), 0)
	r.want("the typing notice's", r.send(users(u), text("丙", id, 3)), codeDuplicate)
	r.p.Advance(time.Hour)
	r.want("a duplicate though late", r.send(users(u), text("甲", id, 1)), codeDuplicate)
	if n := len(u.SeenTexts()); n != 1 {
		t.Errorf("seen %d messages, want 1", n)
	}
}

func TestEventIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	g := r.p.Group(r.bot, "群", u)
	byEvent := func(event string, seq int) object {
		return object{"msg_type": 0, "content": "欢迎", "event_id": event, "msg_seq": seq}
	}
	r.want("friend", r.send(users(u), byEvent(u.Befriend(), 1)), 0)
	r.want("push on", r.send(users(u), byEvent(u.SetPush(true), 1)), 0)
	r.want("robot", r.send(groups(g), byEvent(g.AddRobot(), 1)), 0)
	r.want("group push on", r.send(groups(g), byEvent(g.SetPush(true), 1)), 0)
	u.SetPush(false)
	r.want("push off is not answerable", r.send(users(u), byEvent(r.lastEvent("C2C_MSG_REJECT"), 1)), codeEventType)
	id := u.Say("一")
	r.want("a message's outer id", r.send(users(u), byEvent(r.lastEvent("C2C_MESSAGE_CREATE"), 1)), codeEventType)
	r.want("unknown", r.send(users(u), byEvent("FRIEND_ADD:nonsense", 1)), codeBadEventID)
	r.want("a message id", r.send(users(u), byEvent(id, 1)), codeBadEventID)
	added := g.AddRobot()
	r.want("another scene's", r.send(users(u), byEvent(added, 1)), codeEventType)
	again := u.Befriend()
	r.want("another person's", r.send(users(r.p.User(r.bot, "乙")), byEvent(again, 1)), codeBadEventID)
	r.p.Advance(5*time.Minute + time.Second)
	r.want("late", r.send(groups(g), byEvent(added, 1)), codeEventExpired)
}

// lastEvent is the outer id of the newest event of a type.
func (r *rig) lastEvent(typ string) string {
	id := ""
	for _, e := range r.p.Transcript(Filter{Kind: KindEvent}) {
		if e.Type == typ {
			id = e.ID
		}
	}
	return id
}

func TestActiveMessages(t *testing.T) {
	t.Parallel()
	for profile, want := range map[Profile]int{Strict2026: 0, Lenient: 0, Profile2025: codeNoActive} {
		t.Run(string(profile), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{Profile: profile})
			u := r.p.User(r.bot, "甲")
			g := r.p.Group(r.bot, "群", u)
			r.want("private", r.send(users(u), text("今日普法", "", 0)), want)
			r.want("group", r.send(groups(g), text("今日普法", "", 0)), want)
			if want != 0 {
				return
			}
			u.SetPush(false)
			g.SetPush(false)
			r.want("refused by the person", r.send(users(u), text("今日普法", "", 0)), codePushRefused)
			r.want("off in the group", r.send(groups(g), text("今日普法", "", 0)), codeActiveOff)
			u.SetPush(true)
			g.SetPush(true)
			r.want("on again", r.send(users(u), text("今日普法", "", 0)), 0)
			r.want("on again in the group", r.send(groups(g), text("今日普法", "", 0)), 0)
			none := r.p.AddBot("102000002", "s", BotOptions{NoActive: true})
			_, out := r.raw("POST", "/app/getAppAccessToken", "", object{"appId": "102000002", "clientSecret": "s"})
			token, _ := out["access_token"].(string)
			status, out := r.raw("POST", users(r.p.User(none, "甲"))+"/messages", "QQBot "+token, text("今日普法", "", 0))
			if status != 400 || errCode(out) != codeActiveOff {
				t.Errorf("not approved: %d %v", status, out)
			}
		})
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	push := func() int { return r.send(users(u), text("今日普法", "", 0)) }
	for range 10 {
		r.want("in the second", push(), 0)
	}
	r.want("the 11th in the second", push(), codeQuota)
	r.p.Advance(time.Second)
	for range 9 {
		r.want("in the minute", push(), 0)
	}
	r.want("the 21st in the minute", push(), codeQuota)
	r.p.Rules(func(r *Rules) { r.TargetDay = 25 })
	r.p.Advance(time.Minute)
	sent := 0
	for push() == 0 {
		sent++
	}
	if sent != 4 {
		t.Errorf("%d more in the day, want 4", sent)
	}
	r.p.Advance(24 * time.Hour)
	r.login()
	r.want("the next day", push(), 0)
	r.p.Rules(func(r *Rules) { r.EndpointQPS = 3 })
	r.p.Advance(time.Second)
	last := 0
	for range 4 {
		last, _ = r.call("GET", "/users/@me", nil)
	}
	if last != 429 {
		t.Errorf("the fourth call in a second: %d, want 429", last)
	}
}

func TestWhoIsGone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	g := r.p.Group(r.bot, "群", u)
	id, gid := u.Say("一"), g.Say(u, "一", true)
	g.Mute(true)
	r.want("muted", r.send(groups(g), text("好", gid, 1)), codeMuted)
	g.Mute(false)
	u.Unfriend()
	g.RemoveRobot()
	r.want("no friend", r.send(users(u), text("好", id, 1)), codeNotFriend)
	r.want("not in the group", r.send(groups(g), text("好", gid, 1)), codeRobotOut)
	g.Say(u, "听得见吗", true)
	u.Befriend()
	g.AddRobot()
	r.want("friend again", r.send(users(u), text("好", id, 1)), 0)
	r.want("in the group again", r.send(groups(g), text("好", gid, 1)), 0)
	if r.lastEvent("GROUP_DEL_ROBOT") == "" || r.lastEvent("FRIEND_DEL") == "" {
		t.Error("the bot is not told that it is gone")
	}
	heard := 0
	for _, e := range r.p.Transcript(Filter{Kind: KindEvent}) {
		if e.Type == "GROUP_AT_MESSAGE_CREATE" {
			heard++
		}
	}
	if heard != 1 {
		t.Errorf("the bot heard %d group messages, want the one before it was taken out", heard)
	}
}

func TestWakeups(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	wake := func() int {
		return r.send(users(u), object{"msg_type": 0, "content": "进度有变", "is_wakeup": true})
	}
	r.want("who never spoke", wake(), codeWakeupUsed)
	id := u.Say("一")
	for _, after := range []time.Duration{time.Hour, 2 * 24 * time.Hour, 4 * 24 * time.Hour, 23 * 24 * time.Hour} {
		r.want("first of its period", wake(), 0)
		r.want("second of its period", wake(), codeWakeupUsed)
		r.p.Advance(after)
		if after == time.Hour {
			r.want("still the same day", wake(), codeWakeupUsed)
			r.p.Advance(23 * time.Hour)
		}
		r.login()
	}
	r.p.Advance(30 * 24 * time.Hour)
	r.login()
	r.want("after a month", wake(), codeWakeupUsed)
	r.want("beside a msg_id", r.send(users(u), object{"msg_type": 0, "content": "x", "is_wakeup": true, "msg_id": id}), codeWakeupNo)
	g := r.p.Group(r.bot, "群", u)
	r.want("in a group", r.send(groups(g), object{"msg_type": 0, "content": "x", "is_wakeup": true}), codeWakeupNo)
	u.Say("又来了")
	r.want("spoken again", wake(), 0)
}

func TestContent(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	if err := r.bot.SetWebhook(""); err != nil {
		t.Fatal(err)
	}
	r.bot.options.Domains = []string{"pufa.example.cn"}
	u := r.p.User(r.bot, "甲")
	g := r.p.Group(r.bot, "群", u)
	markdown := func(s string) object { return object{"msg_type": 2, "markdown": object{"content": s}} }
	keys := func(rows, buttons int, label string) object {
		list := []object{}
		for i := range rows {
			row := []object{}
			for j := range buttons {
				row = append(row, object{"id": string(rune('a'+i)) + string(rune('0'+j)), "render_data": object{"label": label, "style": 1},
					"action": object{"type": 1, "permission": object{"type": 2}, "data": "x", "unsupport_tips": "请升级QQ"}})
			}
			list = append(list, object{"buttons": row})
		}
		m := markdown("选一个")
		m["keyboard"] = object{"content": object{"rows": list}}
		return m
	}
	both := markdown("# 标题")
	both["content"] = "正文"
	for _, c := range []struct {
		name       string
		body       object
		c2c, group int
	}{
		{"plain", text("劳动争议仲裁时效一年。", "", 0), 0, 0},
		{"URL", text("见 https://example.com/a", "", 0), 0, codeURL},
		{"look-alike", text("见 README.md", "", 0), 0, codeURL},
		{"registered", text("见 https://www.pufa.example.cn/a?b=c 。", "", 0), 0, 0},
		{"a number is no URL", text("利率 3.45%，第1.2节", "", 0), 0, 0},
		{"sensitive", text("这是违禁词样例", "", 0), codeSensitive, codeSensitive},
		{"2,000 characters", text(repeat("法", 2000), "", 0), 0, 0},
		{"2,001 characters", text(repeat("法", 2001), "", 0), codeTooLong, codeTooLong},
		{"empty", text(" ", "", 0), codeParam, codeParam},
		{"unknown type", object{"msg_type": 9, "content": "x"}, codeParam, codeParam},
		{"no JSON object", nil, codeParam, codeParam},
		{"ark", object{"msg_type": 3}, codeArk, codeArk},
		{"markdown", markdown("# 标题\n- 一"), 0, 0},
		{"no markdown", object{"msg_type": 2, "content": "x"}, codeNoMarkdown, codeNoMarkdown},
		{"content beside markdown", both, codeBothContents, codeBothContents},
		{"template beside content", object{"msg_type": 2, "markdown": object{"content": "x", "custom_template_id": "t"}}, codeTemplateBoth, codeTemplateBoth},
		{"the SDK's empty fields", object{"msg_type": 2, "markdown": object{"content": "x", "template_id": 0, "custom_template_id": "", "params": nil, "style": nil}}, 0, 0},
		{"5×5 keys", keys(5, 5, "十个字的按钮的名字呀"), 0, 0},
		{"6 rows", keys(6, 1, "一"), codeKeyboard, codeKeyboard},
		{"6 in a row", keys(1, 6, "一"), codeKeyboard, codeKeyboard},
		{"long label", keys(1, 1, "十一个字的按钮的名字不行"), codeLabel, codeLabel},
		{"typing unasked", object{"msg_type": 6, "input_notify": object{"input_type": 1, "input_second": 5}}, codeParam, codeParam},
	} {
		var private, group any = c.body, c.body
		if c.body == nil {
			private, group = "[1]", "not json"
		}
		r.p.Advance(time.Minute)
		_, out := r.call("POST", users(u)+"/messages", private)
		r.want(c.name+" in private", errCode(out), c.c2c)
		_, out = r.call("POST", groups(g)+"/messages", group)
		r.want(c.name+" in a group", errCode(out), c.group)
	}
	r.p.Rules(func(r *Rules) { r.MaxBytes = 30 })
	r.p.Advance(time.Minute)
	r.want("by bytes", r.send(users(u), text(repeat("法", 11), "", 0)), codeTooLong)
}

func TestProfilesDisagree(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Profile: Lenient})
	u := r.p.User(r.bot, "甲")
	if u.OpenID() != u.MemberOpenID() {
		t.Error("lenient: openids differ")
	}
	r.want("content beside markdown", r.send(users(u), object{"msg_type": 2, "content": "正文", "markdown": object{"content": "# 标题"}}), 0)
	if got := u.SeenTexts(); len(got) != 1 || got[0] != "# 标题" {
		t.Errorf("seen %q, want the markdown alone", got)
	}
	old := newRig(t, Options{Profile: Profile2025})
	v := old.p.User(old.bot, "甲")
	old.want("URL in private", old.send(users(v), text("见 example.com", v.Say("一"), 1)), codeURL)
	strict := newRig(t, Options{})
	if w := strict.p.User(strict.bot, "甲"); w.OpenID() == w.MemberOpenID() {
		t.Error("strict: one openid for private chat and groups")
	}
}

func TestRecall(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	id := u.Say("一")
	recall := func(id string) int {
		_, out := r.call("DELETE", users(u)+"/messages/"+id, nil)
		return errCode(out)
	}
	_, out := r.call("POST", users(u)+"/messages", text("错了", id, 1))
	sent, _ := out["id"].(string)
	r.want("the person's message", recall(id), codeRecallForeign)
	r.want("unknown", recall("x"), codeRecallForeign)
	r.want("in time", recall(sent), 0)
	if got := u.SeenTexts(); len(got) != 0 {
		t.Errorf("still seen: %q", got)
	}
	_, out = r.call("POST", users(u)+"/messages", text("对了", id, 2))
	sent, _ = out["id"].(string)
	r.p.Advance(2*time.Minute + time.Second)
	r.want("late", recall(sent), codeRecallLate)
}
