package handlers

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"mingbai/bot"
	"mingbai/knowledge"
)

// Codes are the one-time codes that lead from a group to a private chat, and
// from a member of a group to a person. As bot.Codes.
type Codes interface {
	Door(ctx context.Context, about string) (code string, err error)
	Enter(ctx context.Context, code, by string) (about string, err error)
	Offer(ctx context.Context, person bot.Address) (code string, err error)
	Bind(ctx context.Context, member bot.Address, code, by string) error
	Unbind(ctx context.Context, person bot.Address) (int64, error)
}

// inGroup says whether others read along where a message was said.
func inGroup(m bot.Message) bool {
	_, rest, _ := strings.Cut(string(m.Chat), "/")
	kind, _, _ := strings.Cut(rest, "/")
	return kind == "group" || kind == "guild"
}

// alone says that a message is a question without a conversation: there is
// nothing of it to come back to, so no form is begun, and no code is tried at it —
// each would come from an address of its own, of which nobody counts the tries.
func alone(m bot.Message) bool {
	_, rest, _ := strings.Cut(string(m.Chat), "/")
	kind, _, _ := strings.Cut(rest, "/")
	return kind == "ask"
}

// What a group may not read: why a matter belongs into a private chat.
const (
	aboutViolence = "violence"
	aboutMinor    = "minor"
	aboutData     = "data"
	aboutStory    = "story"
	aboutCrisis   = "crisis"
)

// aboutWords names each for people.
var aboutWords = map[string]string{
	aboutViolence: "人身安全", aboutMinor: "未成年人", aboutData: "姓名、号码或住址这样的个人信息",
	aboutStory: "具体的案情", aboutCrisis: "紧急的事",
}

// privateTopics are answered in private only, however they are asked.
var privateTopics = map[string]string{
	"FM10": aboutViolence, "CR07": aboutViolence, "CR11": aboutViolence,
	"CR06": aboutMinor, "TT12": aboutMinor, "CS12": aboutMinor, "FM06": aboutMinor,
}

// Signs of what a group may not read, in normalized text.
var (
	violenceSigns = regexp.MustCompile(`家暴|家庭暴力|(打|揍|殴打|掐|捅|砍|踢|威胁|恐吓|跟踪|骚扰)(了)?(我|俺|咱|她|他|人|伤)|被[^。，,]{0,8}(打|揍|砍|捅|掐)|强奸|强暴|猥亵|性侵|非礼|虐待|拐卖|轻生|自杀`)
	minorSigns    = regexp.MustCompile(`未成年|欺凌|霸凌|童工|留守儿童|小学生|初中生|(我|俺|咱|家)[^。，,]{0,4}(孩子|小孩|儿子|女儿|娃|孙子|孙女|外孙)|(^|[^0-9])([0-9]|1[0-7])(周)?岁|(^|[^一二三四五六七八九十百])([一二三四五六七八九]|十[一二三四五六七]?)(周)?岁`)
	caseNumber    = regexp.MustCompile(`[(\[〔【](19|20)\d{2}[)\]〕】].{1,12}号`)
	ownMatter     = regexp.MustCompile(`(我|俺|咱|本人)[^。，,？?]{0,8}(案|调解|申请|投诉|事|官司|法援|援助|公证|仲裁|起诉)[^。，,？?]{0,8}(进度|进展|怎么样了|咋样了|到哪|有(结果|消息)|受理了?(吗|没)|批了(吗|没)|下来了(吗|没))|^/?(查|看)?(我的)?(进度|进展)|取件码`)
	firstPerson   = regexp.MustCompile(`我|俺|咱|本人`)
	particulars   = regexp.MustCompile(`\d{4}年|\d{1,2}月\d{1,2}|\d{1,2}(号|日)|\d+(\.\d+)?(元|块|万|千|亩|平)|[一二三四五六七八九十百千万两]+(元|块钱|万|亩)`)
)

// maxGeneral is how many characters a general question may have; who tells more
// tells a story.
const maxGeneral = 80

// privately says why a text is not for a group; empty: it may be answered there.
func (r *Router) privately(text string) string {
	t := knowledge.Normalize(text)
	switch {
	case violenceSigns.MatchString(t):
		return aboutViolence
	case minorSigns.MatchString(t):
		return aboutMinor
	case len(r.d.Redactor.Find(text)) > 0, caseNumber.MatchString(t):
		return aboutData
	case ownMatter.MatchString(t):
		return aboutStory
	case firstPerson.MatchString(t) && (particulars.MatchString(t) || utf8.RuneCountInString(t) > maxGeneral):
		return aboutStory
	}
	return ""
}

// group answers where others read along: help in a crisis first, general answers,
// and for everything that is somebody's own matter the way to a private chat.
// Nothing of such a matter is kept.
func (r *Router) group(ctx context.Context, t *turn, text string) (bot.Reply, error) {
	if code := bindWords.FindStringSubmatch(text); code != nil {
		return r.bind(ctx, t, code[2])
	}
	if wishesLine.MatchString(text) || todayLine.MatchString(text) || subscribeLine.MatchString(text) {
		if reply, ok, err := r.pushes(ctx, t, text); ok || err != nil {
			return reply, err
		}
	}
	before := *t.session
	if v, ok := r.d.Safety.Check(text, t.session.Urgent); ok && v.Kind == KindUrgent {
		v.Followup = ""
		reply, err := r.verdict(ctx, t, v, text, t.session.Menu)
		t.session.Turns = before.Turns
		if err != nil || v.SafeAgain {
			return reply, err
		}
		reply.Text += "\n\n" + r.door(ctx, aboutCrisis)
		return reply, nil
	}
	if why := r.privately(text); why != "" {
		if why == aboutStory || why == aboutData {
			why = r.aboutTopic(t, text, why)
		}
		return bot.Reply{Text: r.door(ctx, why)}, nil
	}
	reply, err := r.say(ctx, t, text)
	if err != nil || reply.Answer == nil || privateTopics[reply.Answer.Topic] == "" {
		return reply, err
	}
	why := reply.Answer.Topic
	*t.session = before
	return bot.Reply{Text: r.door(ctx, why)}, nil
}

// sure is how well an entry must fit before a door is said to be about its topic.
const sure = 0.5

// aboutTopic adds the topic of a text to why it is private.
func (r *Router) aboutTopic(t *turn, text, why string) string {
	for _, h := range r.d.Base.Search(knowledge.Query{Text: text, Kind: knowledge.KindEntry, On: t.on, N: 1}) {
		if e := r.d.Base.Entry(h.Doc.ID); e != nil && h.Fit >= sure {
			return why + "/" + e.Topic
		}
	}
	return why
}

// door says that a matter is to be told in private, with the code that leads
// there. about: why, "why/topic" or a private topic.
func (r *Router) door(ctx context.Context, about string) string {
	why, _, _ := strings.Cut(about, "/")
	if w, ok := privateTopics[why]; ok {
		why, about = w, w+"/"+about
	}
	code := ""
	if r.d.Codes != nil {
		var err error
		if code, err = r.d.Codes.Door(ctx, about); err != nil {
			r.d.Log.Warn("no code for a private chat", "err", err)
		}
	}
	out := fmt.Sprintf(wordsPrivately, aboutWords[why])
	if code != "" {
		out = fmt.Sprintf(wordsPrivatelyCode, aboutWords[why], code)
	}
	if why == aboutData {
		out += wordsTakeBack
	}
	if why == aboutViolence || why == aboutMinor {
		return wordsDanger + out
	}
	return out
}

// What people say with a code.
var (
	doorWords = regexp.MustCompile(`^[/／]?(私聊码?)?[:：\s]*([2-9A-HJKMNP-RT-Xa-hjkmnp-rt-x]{6})[。.]?$`)
	bindWords = regexp.MustCompile(`^[/／]?绑定(码|群)?[:：\s]*([2-9A-HJKMNP-RT-Xa-hjkmnp-rt-x]{8})[。.]?$`)
	offer     = regexp.MustCompile(`^[/／]?绑定(群|群成员|群身份|身份)$`)
	part      = regexp.MustCompile(`^[/／]?(解除绑定|取消绑定|解绑)$`)
)

// fromGroup answers what concerns groups in a private chat: a code from one, or
// the wish to be known there. false: neither.
func (r *Router) fromGroup(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	if r.d.Codes == nil {
		return bot.Reply{}, false, nil
	}
	m := t.message
	switch {
	case offer.MatchString(text):
		code, err := r.d.Codes.Offer(ctx, m.From)
		return bot.Reply{Text: fmt.Sprintf(wordsBindHow, code)}, true, err
	case part.MatchString(text):
		n, err := r.d.Codes.Unbind(ctx, m.From)
		if n == 0 {
			return bot.Reply{Text: wordsNotBound}, true, err
		}
		return bot.Reply{Text: wordsUnbound}, true, err
	}
	found := doorWords.FindStringSubmatch(text)
	if found == nil {
		return bot.Reply{}, false, nil
	}
	about, err := r.d.Codes.Enter(ctx, found[2], string(m.Chat)+" "+m.ID)
	switch {
	case errors.Is(err, bot.ErrUnknown) && found[1] == "":
		return bot.Reply{}, false, nil // six letters and no code
	case errors.Is(err, bot.ErrUnknown):
		return bot.Reply{Text: wordsDoorGone}, true, nil
	case err != nil:
		return bot.Reply{}, true, err
	}
	if reply, ok, err := r.enteredSubscription(ctx, t, about); ok || err != nil {
		return reply, true, err
	}
	return r.entered(t, about), true, nil
}

// entered opens the private chat about what was begun in a group.
func (r *Router) entered(t *turn, about string) bot.Reply {
	why, topic, _ := strings.Cut(about, "/")
	words := aboutWords[why]
	menu := &bot.Menu{Kind: menuEntry}
	if name := r.d.Base.Topic(topic); topic != "" && name != "" {
		words = name
		for _, e := range r.d.Base.Entries() {
			if e.Topic == topic && len(menu.Choices) < 5 {
				menu.Choices = append(menu.Choices, bot.Choice{Label: e.Title, Value: pickEntry + e.ID})
			}
		}
	}
	lead := ""
	if why == aboutViolence || why == aboutMinor || why == aboutCrisis {
		lead = wordsDanger
	}
	reply := bot.Reply{Text: lead + fmt.Sprintf(wordsEntered, words)}
	if len(menu.Choices) > 0 {
		t.session.Menu = menu
		reply.Text += wordsOrPick
		reply.Choices = labels(menu)
	}
	return reply
}

// bind joins the member who speaks to the person whose code they have.
func (r *Router) bind(ctx context.Context, t *turn, code string) (bot.Reply, error) {
	m := t.message
	if r.d.Codes == nil {
		return bot.Reply{Text: wordsBindGone}, nil
	}
	err := r.d.Codes.Bind(ctx, m.From, code, string(m.Chat)+" "+m.ID)
	if errors.Is(err, bot.ErrUnknown) {
		return bot.Reply{Text: wordsBindGone}, nil
	}
	return bot.Reply{Text: wordsBound}, err
}
