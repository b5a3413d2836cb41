package handlers

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"mingbai/bot"
	"mingbai/office"
)

// What people say about their own data.
var (
	asksOwn    = regexp.MustCompile(`^(?:查看|看看?|查一?下?)?我的(?:资料|个人信息|数据)[。？?！!]*$`)
	asksCopy   = regexp.MustCompile(`^(?:导出|复制|拷贝|下载|给我)一?份?(?:我的)?(?:资料|个人信息|数据)[。！!]*$`)
	asksErase  = regexp.MustCompile(`^(?:请|我要|我想|要|想)?(?:把我的(?:资料|个人信息|数据)(?:都|全部?)?(?:删除|删掉|删了)|(?:删除|删掉|注销)(?:我的|我)(?:资料|个人信息|数据|账号))[吧。！!]*$`)
	saysErase  = regexp.MustCompile(`^确认删除我的资料[。！!]*$`)
	maxCopy    = 3500 // runes of a dossier that one reply shows
	wordsOwned = "\n\n要完整内容，回“导出我的资料”；要删，回“删除我的资料”；有错，回“人工”让工作人员改。"
)

// privacy answers what a person says about their own data (个人信息保护法 第四十五至
// 四十七条); ok is false when the text is about something else.
func (r *Router) privacy(ctx context.Context, t *turn, text string) (reply bot.Reply, ok bool, err error) {
	switch {
	case asksOwn.MatchString(text):
		reply, err = r.ownData(ctx, t)
	case asksCopy.MatchString(text):
		reply, err = r.copyData(ctx, t)
	case asksErase.MatchString(text):
		reply, err = r.eraseData(ctx, t, true)
	case saysErase.MatchString(text):
		reply, err = r.eraseData(ctx, t, false)
	default:
		return bot.Reply{}, false, nil
	}
	return reply, true, err
}

func (r *Router) dossier(ctx context.Context, t *turn) (office.Dossier, error) {
	d, err := r.d.Cases.Dossier(ctx, "resident", office.Account(t.message.From))
	for _, past := range t.session.Turns {
		d.Said = append(d.Said, office.DossierSentence{At: past.At, Text: past.Text})
	}
	return d, err
}

func (r *Router) ownData(ctx context.Context, t *turn) (bot.Reply, error) {
	d, err := r.dossier(ctx, t)
	if err != nil {
		return bot.Reply{}, err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "这里有您的：事项 %d 件，通知 %d 条，咨询记录 %d 次（只有时间和专题，没有原话），同意记录 %d 条，这段对话还记着 %d 句。",
		len(d.Cases), len(d.Notices), len(d.Consults), len(d.Consents), len(d.Said))
	if d.Person != nil {
		b.WriteString("\n这个聊天号绑定了工作身份，不用时回“退出身份”。")
	}
	return bot.Reply{Text: b.String() + wordsOwned}, nil
}

func (r *Router) copyData(ctx context.Context, t *turn) (bot.Reply, error) {
	d, err := r.dossier(ctx, t)
	if err != nil {
		return bot.Reply{}, err
	}
	text := d.Text()
	if all := []rune(text); len(all) > maxCopy {
		text = string(all[:maxCopy]) + "\n……太长了，这里放不下。要完整的一份，请到司法所，由工作人员按您的编号导出。"
	}
	return bot.Reply{Text: text}, nil
}

// eraseData erases what is kept of a person, or, to ask first, says what would
// go and what has to stay.
func (r *Router) eraseData(ctx context.Context, t *turn, ask bool) (bot.Reply, error) {
	e, err := r.d.Cases.Erase(ctx, "resident", office.Account(t.message.From), r.d.Keep, ask)
	if err != nil {
		return bot.Reply{}, err
	}
	var b strings.Builder
	if ask {
		b.WriteString("会删掉：这段对话记着的话" + erased(e) + "。")
	} else {
		s := t.session
		s.Turns, s.Menu, s.Form, s.Notices, s.Area, s.Asked, s.Urgent = nil, nil, nil, nil, "", 0, ""
		if err := r.d.Forget(ctx, t.message.Chat, t.message.From); err != nil {
			return bot.Reply{}, err
		}
		b.WriteString("已经删掉：这段对话记着的话" + erased(e) + "。")
	}
	if len(e.Kept) > 0 {
		b.WriteString("\n留下的和原因：")
		for _, k := range e.Kept {
			fmt.Fprintf(&b, "\n- %s：%s", k.What, k.Why)
			if !k.Until.IsZero() {
				fmt.Fprintf(&b, "到 %s 自动删除。", k.Until.In(chinaZone).Format("2006年1月2日"))
			}
		}
	}
	if ask {
		b.WriteString("\n删了就找不回来。确定要删，请回“确认删除我的资料”。")
	} else {
		fmt.Fprintf(&b, "\n回执号 %s，可以凭它查这次删除。网页上的对话，还可以点“更多”里的“删除对话”。对处理有意见，打 12348 或回“人工”投诉。", e.Receipt)
	}
	return bot.Reply{Text: b.String()}, nil
}

func erased(e office.Erasure) string {
	var parts []string
	for what, n := range e.Erased {
		parts = append(parts, fmt.Sprintf("、%s %d 条", what, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, "")
}
