package handlers

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"mingbai/bot"
	"mingbai/knowledge"
	"mingbai/office"
)

// The conversation that goes with a case: what was said to the bot before,
// masked, if the person lets it. The card says so; who corrects nothing agrees.

// Bounds of what of a conversation is kept for that, in runes.
const (
	maxReplyKept = 240 // of a reply, in the session
	maxWordsKept = 800 // of what the person said at once
)

// Fields of a form about the conversation.
const (
	keyTalk  = "talk"  // talkYes or talkNo
	keyLines = "lines" // how many lines there are; "": none
)

// What a person may say of it.
const (
	talkYes = "附上"
	talkNo  = "不附聊天"
)

var seesTalk = regexp.MustCompile(`^(?:我?要?看(?:一下|看)?聊天(?:记录)?|聊天(?:记录)?)[。！!？?]*$`)

// talked says whether the card offers to hand the conversation in. A child's is
// never taken: their consent would not count (个人信息保护法 第三十一条).
func talked(f map[string]string) bool { return f[keyLines] != "" && grown(f) }

// ofMatter says whether a turn told something of the person's matter.
func ofMatter(past bot.Turn) bool {
	switch past.Kind {
	case knowledge.KindAnswer, knowledge.KindUnknown, knowledge.KindClarify, KindUrgent:
		return true
	}
	return false
}

// heard keeps the beginning of the reply beside what was said, if that is kept.
func (t *turn) heard(reply bot.Reply) {
	n := len(t.session.Turns)
	if n == 0 || inGroup(t.message) || t.session.Turns[n-1].Answer != t.id {
		return
	}
	t.session.Turns[n-1].Reply = clipped(strings.TrimSpace(reply.Text), maxReplyKept)
}

// handed marks what was said so far as belonging to the case that was opened.
func (t *turn) handed() {
	for i := range t.session.Turns {
		t.session.Turns[i].Handed = true
	}
}

func clipped(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n]) + "……"
	}
	return text
}

// offerTalk puts the conversation on the card of the form that begins. What a
// resident told is theirs to give; a helper may have asked for several people,
// so theirs goes along only if they say so.
func (r *Router) offerTalk(t *turn) {
	f := t.session.Form
	n := len(saidSo(t.session))
	if n == 0 {
		return
	}
	switch f.Name {
	case "case":
		f.Fields[keyTalk] = talkYes
	case "proxy":
		f.Fields[keyTalk] = talkNo
	default:
		return
	}
	f.Fields[keyLines] = strconv.Itoa(n)
}

// saidSo is what was said since the last case was opened, oldest first, as it
// was said.
func saidSo(s *bot.Session) []office.TalkLine {
	var lines []office.TalkLine
	last := ""
	for _, past := range s.Turns {
		if past.Handed || !ofMatter(past) {
			continue
		}
		if past.Answer == "" || past.Answer != last { // one message may be two turns
			lines = append(lines, office.TalkLine{At: past.At, Text: clipped(past.Text, maxWordsKept)})
		}
		last = past.Answer
		if past.Reply != "" {
			lines = append(lines, office.TalkLine{At: past.At, Bot: true, Text: past.Reply})
		}
	}
	return lines[max(0, len(lines)-office.MaxTalk):]
}

// talk is the conversation as it is handed in: masked.
func (r *Router) talk(t *turn) []office.TalkLine { return r.masked(saidSo(t.session)) }

// between parts the lines while they are masked in one piece, so that one person
// has one placeholder throughout.
const between = "\n␞\n"

func (r *Router) masked(lines []office.TalkLine) []office.TalkLine {
	var texts []string
	for _, l := range lines {
		texts = append(texts, strings.ReplaceAll(l.Text, "␞", " "))
	}
	parts := strings.Split(r.d.Redactor.Mask(strings.Join(texts, between)).Text, between)
	for i := range lines {
		if len(parts) == len(lines) {
			lines[i].Text = parts[i]
			continue
		}
		lines[i].Text = r.d.Redactor.Mask(texts[i]).Text // something was masked across lines
	}
	return lines
}

// aboutTalk says on the card what would be handed in and how to leave it out.
func aboutTalk(s *bot.Form, reply bot.Reply) bot.Reply {
	if s.Fields[keyTalk] == talkYes {
		reply.Text += fmt.Sprintf("\n聊天：刚才和我说的 %s 句会一起给办事的人看，姓名、电话、证件号、住址先遮住。不想给，回“%s”；想先看看，回“看聊天”。", s.Fields[keyLines], talkNo)
		reply.Choices = append(reply.Choices, talkNo)
		return reply
	}
	reply.Text += fmt.Sprintf("\n聊天：没有附。要是刚才和我聊的就是这件事，可以回“附上聊天”一起给办事的人看（%s 句，姓名、电话、证件号、住址先遮住）。", s.Fields[keyLines])
	reply.Choices = append(reply.Choices, "附上聊天")
	return reply
}

// talkAtCard takes what is said at the card about the conversation.
func (r *Router) talkAtCard(t *turn, f form, text string) (bot.Reply, bool) {
	s := t.session.Form
	if !talked(s.Fields) {
		return bot.Reply{}, false
	}
	yes := s.Fields[keyTalk] == talkYes
	switch {
	case seesTalk.MatchString(text):
		return r.showTalk(t, f), true
	case text == talkNo, text == "不附", text == "3" && yes:
		s.Fields[keyTalk] = talkNo
	case text == "附上聊天", text == talkYes, text == "3":
		s.Fields[keyTalk] = talkYes
	default:
		return bot.Reply{}, false
	}
	return card(s, f), true
}

// showTalk lists what would be handed in, then asks again.
func (r *Router) showTalk(t *turn, f form) bot.Reply {
	var b strings.Builder
	b.WriteString("会给办事的人看的是：")
	for _, l := range r.talk(t) {
		fmt.Fprintf(&b, "\n- %s：%s", l.Speaker(f.via), strings.Join(strings.Fields(clipped(l.Text, 120)), " "))
	}
	reply := bot.Reply{Text: b.String() + "\n（太长的这里只显示开头。）\n还没有提交。对的话回“1”提交。", Choices: []string{"确认提交", "不提交了"}}
	return aboutTalk(t.session.Form, reply)
}

// dropTalk takes "收回聊天 2026-城东-0012".
func (r *Router) dropTalk(ctx context.Context, t *turn, p office.Person, a caseArgs) (bot.Reply, error) {
	c, err := r.d.Cases.DropTalk(ctx, p, a.no, string(t.message.Chat)+"#"+t.message.ID)
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: c.No + " 附的聊天已经删掉，办事的人看不到了。事情照办。"}, nil
}
