package handlers

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"mingbai/bot"
	"mingbai/office"
)

// pressDesk is a desk with two officers on Wednesday 25 November 2026, 10:00.
func pressDesk(t *testing.T) (k *deskTalk, pass func(time.Duration)) {
	t.Helper()
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, chinaZone)
	k = newDeskAt(t, func() time.Time { return now })
	k.hire("赵干部", "普法干部", "青禾县")
	k.hire("钱干部", "普法干部", "青禾县")
	return k, func(d time.Duration) { now = now.Add(d) }
}

// piece writes an item as an officer and hands it in.
func (k *deskTalk) piece(by, title, topic string, audience ...string) int64 {
	k.t.Helper()
	ctx := k.t.Context()
	p, err := k.db.PersonByAccount(ctx, office.Account("web/user/"+by))
	if err != nil {
		k.t.Fatal(err)
	}
	it, err := k.db.AddPiece(ctx, p, office.PieceVersion{Kind: office.KindText, Title: title, Body: "借钱要打借条，写清金额、利率、还款日，双方签名按手印。", Topic: topic, Audience: audience})
	if err != nil {
		k.t.Fatal(err)
	}
	if _, _, err := k.db.Submit(ctx, p, it.ID, 0, nil); err != nil {
		k.t.Fatal(err)
	}
	return it.ID
}

func (k *deskTalk) fire() {
	k.t.Helper()
	if _, err := k.db.ClaimDue(k.t.Context(), nil, nil); err != nil {
		k.t.Fatal(err)
	}
}

func TestPushes_ReviewedByTheSecondOfficerAndPlannedInPlainWords(t *testing.T) {
	t.Parallel()
	k, pass := pressDesk(t)
	id := k.piece("赵干部", "借条怎么写", "DB01", "乡村")
	want(t, k.say("老李", "推送"), "普法干部用的")
	want(t, k.say("钱干部", "推送"), "等审的", fmt.Sprintf("%d 《借条怎么写》第 1 版", id))
	want(t, k.say("赵干部", fmt.Sprint("通过 ", id)), "不能是同一个人")
	want(t, k.say("钱干部", fmt.Sprint("看稿 ", id)), "【借条怎么写】", "写清金额", fmt.Sprintf("通过 %d 1", id))
	want(t, k.say("赵干部", fmt.Sprintf("推送 %d 明天上午九点", id)), "不能“排期”")
	want(t, k.say("钱干部", fmt.Sprintf("通过 %d 1", id)), "第 1 版通过了")
	want(t, k.say("赵干部", fmt.Sprint("推送 ", id)), "什么时候发")
	want(t, k.say("赵干部", fmt.Sprintf("推送 %d 说不清的时候", id)), "看不懂")
	want(t, k.say("赵干部", fmt.Sprintf("推送 %d 每周一上午九点", id)), "排好了", "11月30日（周一）09:00", "12月28日（周一）09:00")
	want(t, k.say("老李", "今日普法"), "还没有发布过")
	pass(5 * 24 * time.Hour)
	k.fire()
	want(t, k.say("老李", "今日普法"), "【借条怎么写】", "审定")
	want(t, k.say("老李", "今日普法 3"), "只有 1 条")
	want(t, k.say("赵干部", "停发"), "为什么停")
	unwanted(t, k.say("赵干部", "停发 工资三个月了怎么办"), "已停发")
	want(t, k.say("赵干部", "停发 有一条写错了"), "已停发")
	want(t, k.say("钱干部", "推送"), "现在停发中", "写错了")
	want(t, k.say("钱干部", "恢复发送"), "已恢复")
	want(t, k.say("钱干部", fmt.Sprintf("撤回内容 %d 利率写错了", id)), "已撤回")
	want(t, k.say("老李", "今日普法"), "还没有发布过")
	unwanted(t, k.say("老李", "停发 低保怎么办"), "已停发", "普法干部")
}

// An officer of a township sees nothing of what those of the county write, no more
// than on the pages.
func TestPushes_OfOnesOwnPlacesOnly(t *testing.T) {
	t.Parallel()
	k, _ := pressDesk(t)
	k.hire("孙干部", "普法干部", "城东街道")
	id := k.piece("赵干部", "借条怎么写", "DB01", "乡村")
	unwanted(t, k.say("孙干部", "推送"), "借条怎么写")
	for _, text := range []string{"看稿 %d", "通过 %d", "退回 %d 不好", "推送 %d 明天上午九点", "撤回内容 %d 不好"} {
		r := k.say("孙干部", fmt.Sprintf(text, id))
		want(t, r, fmt.Sprintf("没有编号 %d 的内容", id))
		unwanted(t, r, "借条怎么写")
	}
}

func TestPushes_SubscribeAndEnd(t *testing.T) {
	t.Parallel()
	k, pass := pressDesk(t)
	r := k.say("老李", "订阅")
	want(t, r, "每天最多发一条", "婚姻家庭")
	if len(r.Choices) < 5 || r.Choices[0] != "全部" {
		t.Errorf("choices %q", r.Choices)
	}
	want(t, k.say("老李", "2"), "订阅了：乡村", "没法主动发给您")
	want(t, k.say("老李", "订阅 婚姻家庭、劳动"), "乡村", "婚姻家庭", "劳动用工")
	want(t, k.say("老李", "我的订阅"), "乡村", "婚姻家庭")
	want(t, k.say("老李", "订阅 天文"), "没有“天文”这一类")
	unwanted(t, k.say("老李", "退订流量套餐被乱扣费怎么办"), "这一类", "退订了")
	r = k.say("老李", "退订 婚姻家庭")
	want(t, r, "劳动用工")
	unwanted(t, r, "婚姻家庭")
	want(t, k.say("老李", "退订"), "已全部退订")
	want(t, k.say("老李", "我的订阅"), "没有订阅")
	want(t, k.say("老李", "退订"), "您没有订阅")
	// a pupil does not find what is for villages under 今日普法 when something is theirs
	k.all("老李", "订阅 企业")
	village, firm := k.piece("赵干部", "村里的", "", "乡村"), k.piece("赵干部", "企业的", "", "企业")
	for _, id := range []int64{village, firm} {
		k.say("钱干部", fmt.Sprint("通过 ", id))
		k.say("钱干部", fmt.Sprintf("推送 %d 2026-11-26 09:00", id))
	}
	pass(24 * time.Hour)
	k.fire()
	r = k.say("老李", "今日普法")
	want(t, r, "企业的")
	unwanted(t, r, "村里的")
	want(t, k.say("别人", "今日普法"), "村里的")
}

// doors is a Codes that knows doors only.
type doors struct{ about map[string]string }

func (d *doors) Door(_ context.Context, about string) (string, error) {
	code := fmt.Sprintf("22222%d", len(d.about)+2)
	d.about[code] = about
	return code, nil
}

func (d *doors) Enter(_ context.Context, code, _ string) (string, error) {
	about, ok := d.about[strings.ToUpper(code)]
	if !ok {
		return "", bot.ErrUnknown
	}
	return about, nil
}
func (d *doors) Offer(context.Context, bot.Address) (string, error)         { return "", bot.ErrUnknown }
func (d *doors) Bind(context.Context, bot.Address, string, string) error    { return bot.ErrUnknown }
func (d *doors) Unbind(_ context.Context, _ bot.Address) (n int64, _ error) { return 0, nil }

func TestPushes_AGroupIsSubscribedByAnOfficer(t *testing.T) {
	t.Parallel()
	k, _ := pressDesk(t)
	k.router = k.router.With(&doors{about: map[string]string{}})
	group := "qq/group/G1"
	want(t, k.sayIn(group, "村民", "订阅 乡村"), "普法干部", "私聊码 222222")
	want(t, k.say("村民", "私聊码 222222"), "要由绑定了身份")
	if list, _, err := k.db.Wishes(t.Context(), office.Account(group)); err != nil || list != nil {
		t.Errorf("subscribed by a member: %v, %v", list, err)
	}
	want(t, k.say("赵干部", "私聊码 222222"), "这个群现在：订阅了：乡村")
	if list, _, err := k.db.Wishes(t.Context(), office.Account(group)); err != nil || len(list) != 1 || list[0] != "乡村" {
		t.Errorf("got %v, %v", list, err)
	}
	want(t, k.sayIn(group, "村民", "我的订阅"), "订阅了：乡村")
	want(t, k.sayIn(group, "村民", "退订"), "私聊码 222223")
	want(t, k.say("赵干部", "私聊码 222223"), "这个群现在：没有订阅")
}
