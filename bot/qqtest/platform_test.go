package qqtest

import (
	"crypto/ed25519"
	"slices"
	"testing"
)

func TestGoldenVectors(t *testing.T) {
	t.Parallel()
	const golden = "87befc99c42c651b3aac0278e71ada338433ae26fcb24307bdc5ad38c1adc2d01bcfcadc0842edac85e85205028a1132afe09280305f13aa6909ffc2d652c706"
	if got := sign("DG5g3B4j9X2KOErG", "1725442341", []byte("Arq0D5A61EgUu4OxUvOp")); got != golden {
		t.Errorf("signature %s, want %s", got, golden)
	}
	public, isKey := signingKey("naOC0ocQE3shWLAfffVLB1rhYPG7").Public().(ed25519.PublicKey)
	if !isKey || !slices.Equal(public[:4], []byte{215, 195, 98, 254}) || !slices.Equal(public[30:], []byte{103, 58}) {
		t.Errorf("public key % d", public)
	}
	if !verify("DG5g3B4j9X2KOErG", "1725442341", []byte("Arq0D5A61EgUu4OxUvOp"), golden) {
		t.Error("the golden signature is not verified")
	}
	if verify("DG5g3B4j9X2KOErG", "1725442342", []byte("Arq0D5A61EgUu4OxUvOp"), golden) {
		t.Error("a signature of another time is verified")
	}
}

func TestAskAndAnswer(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	u := r.p.User(r.bot, "李梅")
	id := u.Say("工资被拖欠三个月怎么办")
	got := r.delivered(1)[0]
	if got.decoded.T != "C2C_MESSAGE_CREATE" || got.decoded.D["id"] != id || got.decoded.D["content"] != "工资被拖欠三个月怎么办" {
		t.Errorf("delivered %s", got.body)
	}
	if !verify(secret, got.header.Get("X-Signature-Timestamp"), got.body, got.header.Get("X-Signature-Ed25519")) {
		t.Error("the delivery is not signed")
	}
	r.want("reply", r.send(users(u), text("可以申请劳动仲裁。", id, 1)), 0)
	if got := u.SeenTexts(); !slices.Equal(got, []string{"可以申请劳动仲裁。"}) {
		t.Errorf("seen %q", got)
	}
	g := r.p.Group(r.bot, "城东村", u)
	gid := g.Say(u, "离婚要什么材料", true)
	if d := r.delivered(2)[1].decoded; d.T != "GROUP_AT_MESSAGE_CREATE" || d.D["group_openid"] != g.OpenID() || d.D["content"] != " 离婚要什么材料 " {
		t.Errorf("delivered %+v", d)
	}
	r.want("group reply", r.send(groups(g), text("带上身份证、结婚证。", gid, 1)), 0)
	r.want("other scene", r.send(groups(g), text("带上身份证。", id, 1)), codeBadMsgID)
}

func TestSameSeedSameIDs(t *testing.T) {
	t.Parallel()
	ids := func(seed uint64) []string {
		r := newRig(t, Options{Seed: seed})
		u := r.p.User(r.bot, "甲")
		return []string{u.OpenID(), u.MemberOpenID(), u.Say("一"), u.Say("二"), r.p.Guild(r.bot, "频道").Channel()}
	}
	a, b, c := ids(7), ids(7), ids(8)
	if !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("seed 7: %v and %v; seed 8: %v", a, b, c)
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", ":0", "192.168.1.2:80", "example.com:80", "[::]:0", "10.0.0.1:1"} {
		p := New(Options{Listen: address})
		if err := p.Start(); err == nil {
			t.Errorf("%s is listened on", address)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	p := New(Options{})
	for _, hook := range []string{"http://example.com:80/", "https://127.0.0.1:443/", "http://192.168.0.9:8080/x", "file:///etc/passwd", "http://127.0.0.1/no-port"} {
		if _, err := p.addBot("1", "s", BotOptions{Webhook: hook}); err == nil {
			t.Errorf("webhook %s is taken", hook)
		}
	}
}
