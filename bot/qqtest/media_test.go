package qqtest

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Behaviours 21 and 29: files, menu, panels, links, state of a group.

func TestFiles(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	g := r.p.Group(r.bot, "群", u)
	id, gid := u.Say("一"), g.Say(u, "一", true)
	upload := func(path string, body object) (int, string) {
		_, out := r.call("POST", path+"/files", body)
		info, _ := out["file_info"].(string)
		if _, err := base64.StdEncoding.DecodeString(info); err != nil {
			t.Errorf("file_info %q is no base64", info)
		}
		return errCode(out), info
	}
	picture := object{"file_type": 1, "url": "https://example.com/a.png?x=1", "srv_send_msg": false}
	code, info := upload(users(u), picture)
	r.want("picture", code, 0)
	code, _ = upload(users(u), object{"file_type": 1, "url": "https://example.com/a.exe"})
	r.want("format", code, codeFileFormat)
	code, _ = upload(users(u), object{"file_type": 7, "url": "https://example.com/a.png"})
	r.want("type", code, codeFileFormat)
	code, _ = upload(users(u), object{"file_type": 1, "file_data": "不是base64"})
	r.want("bad base64", code, codeFileFormat)
	code, _ = upload(users(u), object{"file_type": 1, "file_data": base64.StdEncoding.EncodeToString(make([]byte, 20<<20+1))})
	r.want("size", code, codeFileSize)
	code, _ = upload(users(u), object{"file_type": 1})
	r.want("nothing", code, codeParam)
	media := func(info, id string, seq int) object {
		return object{"msg_type": 7, "media": object{"file_info": info}, "msg_id": id, "msg_seq": seq}
	}
	r.want("sent", r.send(users(u), media(info, id, 1)), 0)
	r.want("private file in a group", r.send(groups(g), media(info, gid, 1)), codeFileInfo)
	code, ginfo := upload(groups(g), picture)
	r.want("group picture", code, 0)
	r.want("sent in the group", r.send(groups(g), media(ginfo, gid, 2)), 0)
	r.want("nonsense", r.send(users(u), media("eHh4", id, 2)), codeFileInfo)
	r.p.Advance(time.Hour + time.Second)
	r.want("expired", r.send(users(u), media(info, id, 3)), codeFileInfo)
}

func TestUploadInParts(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "甲")
	_, out := r.call("POST", users(u)+"/upload_prepare", object{"file_type": 4, "file_name": "起诉状.docx", "file_size": "6", "md5": "x"})
	id, _ := out["upload_id"].(string)
	parts, _ := out["parts"].([]any)
	if id == "" || len(parts) != 1 {
		t.Fatalf("prepare: %v", out)
	}
	_, code := r.call("POST", users(u)+"/files", object{"file_type": 4, "upload_id": id})
	r.want("before the parts", errCode(code), codeFileInfo)
	url, _ := parts[0].(map[string]any)["presigned_url"].(string)
	put := func(auth string) int {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", url, strings.NewReader("abcdef"))
		if err != nil {
			t.Fatal(err)
		}
		if auth != "" {
			req.Header.Set("Authorization", auth)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if put("QQBot "+r.token) != 403 || put("") != 200 {
		t.Error("a presigned URL wants no Authorization")
	}
	sum := md5.Sum([]byte("abcdef"))
	for want, md5 := range map[int]string{codeFileInfo: "wrong", 0: hex.EncodeToString(sum[:])} {
		_, out = r.call("POST", users(u)+"/upload_part_finish", object{"upload_id": id, "part_index": 1, "md5": md5})
		r.want("finish", errCode(out), want)
	}
	_, out = r.call("POST", users(u)+"/files", object{"file_type": 4, "upload_id": id})
	r.want("file", errCode(out), 0)
	for want, size := range map[int]any{codeParam: 6, codeFileSize: "209715201"} {
		_, out = r.call("POST", users(u)+"/upload_prepare", object{"file_type": 4, "file_name": "a", "file_size": size, "md5": "x"})
		r.want("prepare", errCode(out), want)
	}
}

func TestMenuAndPanels(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	put := func(menus ...object) int {
		_, out := r.call("PUT", "/v2/menu", object{"menus": menus})
		return errCode(out)
	}
	item := func(name, typ, url string) object { return object{"name": name, "type": typ, "url": url} }
	r.want("menu", put(item("今日普法", "send_message", ""), item("云端", "link", "https://pufa.example.cn")), 0)
	r.want("http", put(item("云端", "link", "http://pufa.example.cn")), codeMenu)
	r.want("name of 12", put(item("今日普法云端", "send_message", "")), codeMenu)
	r.want("eleven", put(slicesOf(11, item("一", "switch", ""))...), codeMenu)
	sub := item("更多", "menu", "")
	sub["sub_menu"] = slicesOf(5, item("一", "switch", ""))
	r.want("five below", put(sub), 0)
	sub["sub_menu"] = slicesOf(6, item("一", "switch", ""))
	r.want("six below", put(sub), codeMenu)
	if _, out := r.call("GET", "/v2/menu", nil); len(out["menus"].([]any)) != 1 {
		t.Errorf("menu %v", out)
	}
	add := func(scope string, items int) (int, object) {
		_, out := r.call("POST", "/v2/panels", object{"scope": scope, "items": slicesOf(items, object{"name": "查询", "desc": "查进度"})})
		return errCode(out), out
	}
	code, _ := add("c2c", 21)
	r.want("21 items", code, codeMenu)
	code, _ = add("everywhere", 1)
	r.want("scope", code, codeMenu)
	var id string
	for range maxPanels {
		code, out := add("group", 20)
		r.want("panel", code, 0)
		id, _ = out["id"].(string)
	}
	code, _ = add("group", 1)
	r.want("21st panel", code, codeMenu)
	_, out := r.call("PUT", "/v2/panels/"+id, object{"scope": "dm", "items": slicesOf(1, object{"name": "二"})})
	r.want("changed", errCode(out), 0)
	if _, out := r.call("GET", "/v2/panels/"+id, nil); out["scope"] != "dm" {
		t.Errorf("panel %v", out)
	}
	_, out = r.call("PUT", "/v2/panels/"+id+"/target", object{"targets": []string{}})
	r.want("target", errCode(out), 0)
	if status, _ := r.call("DELETE", "/v2/panels/"+id, nil); status != 204 {
		t.Errorf("delete: %d", status)
	}
	_, out = r.call("GET", "/v2/panels/"+id, nil)
	r.want("deleted", errCode(out), codeMenu)
	if _, out = r.call("GET", "/v2/panels", nil); len(out["panels"].([]any)) != maxPanels-1 {
		t.Error("panels are miscounted")
	}
}

func slicesOf(n int, o object) []object {
	list := make([]object, n)
	for i := range list {
		list[i] = o
	}
	return list
}

func TestLinkAndState(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	_, out := r.call("POST", "/v2/generate_url_link", object{"callback_data": repeat("村", 32)})
	if link, _ := out["url_link"].(string); !strings.HasPrefix(link, "https://") {
		t.Errorf("link %v", out)
	}
	_, out = r.call("POST", "/v2/generate_url_link", object{"callback_data": repeat("村", 33)})
	r.want("33 characters", errCode(out), codeMenu)
	_, out = r.call("POST", "/v2/generate_url_link", object{"callback_data": "village-7"})
	link, _ := out["url_link"].(string)
	u := r.p.User(r.bot, "甲")
	if id, err := u.OpenLink(link); id != "" || err != nil {
		t.Errorf("a friend opens it: %q, %v", id, err)
	}
	if _, err := u.OpenLink(link + "0"); err == nil {
		t.Error("a link that nobody made opens")
	}
	r.p.mu.Lock()
	u.friend = false
	r.p.mu.Unlock()
	if _, err := u.OpenLink(link); err != nil {
		t.Fatal(err)
	}
	if d := r.delivered(1)[0].decoded; d.T != "FRIEND_ADD" || d.D["scene_param"] != "village-7" || d.D["openid"] != u.OpenID() {
		t.Errorf("friend: %+v", d)
	}
	g := r.p.Group(r.bot, "群", u)
	_, out = r.call("GET", groups(g)+"/bot_state", nil)
	r.want("not on the list", errCode(out), codeNoRight)
	r.p.mu.Lock()
	r.bot.options.WhiteListed = true
	r.p.mu.Unlock()
	g.SetPush(false)
	if _, out = r.call("GET", groups(g)+"/bot_state", nil); out["allow_proactive_msg"] != false {
		t.Errorf("state %v", out)
	}
	if _, out = r.call("GET", groups(g)+"/info", nil); out["group_name"] != "群" {
		t.Errorf("info %v", out)
	}
	g.RemoveRobot()
	_, out = r.call("GET", groups(g)+"/bot_state", nil)
	r.want("out", errCode(out), codeRobotOut)
}
