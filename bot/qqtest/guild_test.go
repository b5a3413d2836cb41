package qqtest

import (
	"slices"
	"testing"
	"time"
)

// Behaviours 13 and 18 in guilds.

func TestGuild(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	g := r.p.Guild(r.bot, "普法频道")
	channel, room := "/channels/"+g.Channel(), ""
	id := g.Say(u, "a < b & c")
	d := r.delivered(1)[0].decoded
	author, _ := d.D["author"].(map[string]any)
	if d.T != "AT_MESSAGE_CREATE" || d.D["content"] != "<@!"+r.bot.selfID()+"> a &lt; b &amp; c" || author["id"] == u.OpenID() {
		t.Errorf("event %+v", d)
	}
	r.want("reply", r.send(channel, object{"content": "好", "msg_id": id}), 0)
	r.want("second reply", r.send(channel, object{"content": "好的", "msg_id": id}), 0)
	r.want("URL", r.send(channel, object{"content": "见 example.com", "msg_id": id}), codeGuildURL)
	status, out := r.call("POST", channel+"/messages", object{"content": "通知"})
	if status != 202 || out["code"] != float64(codeAudit) {
		t.Errorf("unasked: %d %v", status, out)
	}
	if e := r.delivered(2)[1].decoded; e.T != "MESSAGE_AUDIT_PASS" || e.D["message_id"] == "" {
		t.Errorf("audit: %+v", e)
	}
	g.FailAudits(true)
	r.call("POST", channel+"/messages", object{"content": "通知二"})
	if e := r.delivered(3)[2].decoded; e.T != "MESSAGE_AUDIT_REJECT" {
		t.Errorf("audit: %+v", e)
	}
	if got := g.SeenTexts(); !slices.Equal(got, []string{"好", "好的", "通知"}) {
		t.Errorf("seen %q", got)
	}
	r.p.Advance(5*time.Minute + time.Second)
	r.want("late", r.send(channel, object{"content": "好", "msg_id": id}), codeGuildExpired)
	for range 18 {
		r.call("POST", channel+"/messages", object{"content": "通知"})
	}
	r.want("21st of the day", r.send(channel, object{"content": "通知"}), codeChannelQuota)

	did := g.Direct(u, "私信")
	r.until("direct", func() bool { return r.lastEvent("DIRECT_MESSAGE_CREATE") != "" })
	_, out = r.call("POST", "/users/@me/dms", object{"recipient_id": author["id"], "source_guild_id": g.ID()})
	room, _ = out["guild_id"].(string)
	if room == "" {
		t.Fatalf("dms: %v", out)
	}
	r.p.Advance(time.Hour)
	r.want("a late reply in private", r.send("/dms/"+room, object{"content": "在", "msg_id": did}), 0)
	for i, want := range []int{0, 0, codeDMQuota} {
		if got := r.send("/dms/"+room, object{"content": "提醒"}); got != want {
			t.Errorf("unasked %d: %d, want %d", i, got, want)
		}
	}
	if got := g.DirectTexts(u); !slices.Equal(got, []string{"在", "提醒", "提醒"}) {
		t.Errorf("seen %q", got)
	}
}

func TestThreads(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	g := r.p.Guild(r.bot, "普法频道")
	forum := "/channels/" + g.Forum() + "/threads"
	post := object{"title": "以案释法", "content": "一个案例", "format": 3}
	_, out := r.call("PUT", forum, post)
	r.want("public bot", errCode(out), codeNoRight)
	r.p.mu.Lock()
	r.bot.options.Private = true
	r.p.mu.Unlock()
	if _, out = r.call("PUT", forum, post); out["task_id"] == nil {
		t.Fatalf("post: %v", out)
	}
	if e := r.delivered(1)[0].decoded; e.T != "FORUM_PUBLISH_AUDIT_RESULT" {
		t.Errorf("event %+v", e)
	}
	_, out = r.call("GET", forum, nil)
	threads, _ := out["threads"].([]any)
	if len(threads) != 1 {
		t.Fatalf("threads %v", out)
	}
	id, _ := threads[0].(map[string]any)["thread_id"].(string)
	if status, _ := r.call("DELETE", forum+"/"+id, nil); status != 204 {
		t.Errorf("delete: %d", status)
	}
	_, out = r.call("PUT", forum, object{"title": "长", "content": repeat("法", maxThreadText+1), "format": 1})
	r.want("long", errCode(out), codeThreadSize)
	for range 6 {
		_, out = r.call("PUT", forum, post)
	}
	r.want("too often", errCode(out), codeThreadRate)
}
