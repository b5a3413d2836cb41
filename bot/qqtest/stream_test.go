package qqtest

import (
	"testing"
	"time"
)

// Behaviours 7 and 20: messages written piece by piece.

func TestStream(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.p.Rules(func(r *Rules) { r.StreamRunes, r.CountReplies = 12, false })
	u := r.p.User(r.bot, "甲")
	id := u.Say("一")
	slice := func(over object) (int, object) {
		t.Helper()
		r.p.Advance(time.Second)
		body := object{"input_mode": "append", "input_state": 1, "index": 0, "content_type": "markdown", "content_raw": "可以", "msg_id": id, "msg_seq": 1}
		for k, v := range over {
			body[k] = v
		}
		_, out := r.call("POST", users(u)+"/stream_messages", body)
		return errCode(out), out
	}
	code, out := slice(nil)
	r.want("first", code, 0)
	stream, left := out["id"], out["remain_msg_len"]
	if left != 10.0 {
		t.Errorf("remain_msg_len %v, want 10", left)
	}
	r.want("same slot as a message", r.send(users(u), text("好", id, 1)), codeDuplicate)
	code, _ = slice(object{"index": 1, "stream_msg_id": stream, "content_raw": "申请"})
	r.want("second", code, 0)
	code, _ = slice(object{"index": 1, "stream_msg_id": stream})
	r.want("the same index", code, codeStreamIndex)
	code, _ = slice(object{"index": 2, "stream_msg_id": stream, "input_mode": "replace", "content_raw": "不能申请仲裁"})
	r.want("another prefix", code, codeStreamPrefix)
	code, _ = slice(object{"index": 3, "stream_msg_id": stream, "input_mode": "replace", "content_raw": "可以申请仲裁"})
	r.want("replaced behind the prefix", code, 0)
	code, _ = slice(object{"index": 4, "stream_msg_id": stream, "msg_seq": 2})
	r.want("another seq", code, codeParam)
	code, out = slice(object{"index": 5, "stream_msg_id": stream, "content_raw": "，时效一年", "input_state": 10})
	r.want("just enough", code, 0)
	if got := u.SeenTexts(); got[0] != "可以申请仲裁，时效一年" || out["remain_msg_len"] != 1.0 || u.Seen()[1].Open {
		t.Errorf("seen %q, %v remain, open %v", got, out["remain_msg_len"], u.Seen()[1].Open)
	}
	code, _ = slice(object{"index": 6, "stream_msg_id": stream})
	r.want("after the end", code, codeParam)

	code, out = slice(object{"msg_seq": 3, "content_raw": repeat("法", 11)})
	r.want("another stream", code, 0)
	stream = out["id"]
	code, out = slice(object{"msg_seq": 3, "index": 1, "stream_msg_id": stream, "content_raw": "太多了", "input_state": 10})
	if code != 0 || out["remain_msg_len"] != 0.0 || !u.Seen()[2].Open || u.Seen()[2].Text != repeat("法", 11) {
		t.Errorf("exhausted: %d %v %+v, want 200, nothing applied and a bubble that hangs", code, out, u.Seen()[2])
	}
	r.p.Advance(-time.Second)
	body := object{"input_mode": "append", "input_state": 1, "index": 2, "content_type": "text", "content_raw": "x", "msg_id": id, "msg_seq": 3, "stream_msg_id": stream}
	_, out = r.call("POST", users(u)+"/stream_messages", body)
	r.want("too fast", errCode(out), codeStreamRate)
	status, _ := r.call("POST", "/v2/groups/X/stream_messages", body)
	if status != 404 {
		t.Errorf("a stream in a group: %d", status)
	}
}
