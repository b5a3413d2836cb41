package handlers

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"mingbai/bot"
	"mingbai/calendar"
	"mingbai/knowledge"
	"mingbai/office"
)

var asksLesson = regexp.MustCompile(`^(?:本周一学|每周一学|开始学习|学一学)[。！!]*$`)

// lessonForm names the lesson in the session. Its fields: week, and how many
// answers were right.
const lessonForm = "lesson"

// lesson begins this week's three questions.
func (r *Router) lesson(ctx context.Context, t *turn, p office.Person, _ []string) (bot.Reply, error) {
	if !p.Has(office.Helper) && !p.Has(office.Grid) {
		return bot.Reply{Text: "本周一学是给法律明白人和网格员的。您可以直接问法律问题。"}, nil
	}
	week := office.Week(r.d.Now())
	list := r.d.Base.Lesson(week, calendar.Day(r.d.Now()))
	if len(list) == 0 {
		return bot.Reply{Text: "这周还没有题目，过几天再来。"}, nil
	}
	lead := fmt.Sprintf("本周一学，%d 道题，回数字作答，随时可以回“退出”。\n", len(list))
	if good, asked, ok, err := r.d.Cases.Lesson(ctx, p, week); err != nil {
		return bot.Reply{}, err
	} else if ok {
		lead = fmt.Sprintf("这周您学过了，最好答对 %d/%d。再做一遍，取最好的一次。\n", good, asked)
	}
	t.session.Form = &bot.Form{Name: lessonForm, Fields: map[string]string{"week": week, "good": "0"}}
	return question(list, 0, lead), nil
}

func question(list []knowledge.LessonQuestion, i int, lead string) bot.Reply {
	q := list[i]
	return bot.Reply{Text: fmt.Sprintf("%s第 %d 题：%s", lead, i+1, q.Ask), Choices: q.Options}
}

// learn takes an answer to a question of the lesson. false: it was none; then
// the lesson is over and the words are taken as they come.
func (r *Router) learn(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	s := t.session.Form
	list := r.d.Base.Lesson(s.Fields["week"], calendar.Day(r.d.Now()))
	if formQuit.MatchString(text) {
		t.session.Form = nil
		return bot.Reply{Text: "好，先学到这里。要接着学，回“本周一学”。"}, true, nil
	}
	n, err := strconv.Atoi(strings.Trim(knowledge.Normalize(text), " .。、第个选项号"))
	if err != nil || s.Step >= len(list) {
		t.session.Form = nil
		return bot.Reply{}, false, nil
	}
	q := list[s.Step]
	if n < 1 || n > len(q.Options) {
		return question(list, s.Step, fmt.Sprintf("请回 1 到 %d 的数字。\n", len(q.Options))), true, nil
	}
	good, _ := strconv.Atoi(s.Fields["good"]) // we wrote it
	lead := fmt.Sprintf("不对，是第 %d 个。", q.Right+1)
	if n == q.Right+1 {
		good, lead = good+1, "对。"
	}
	lead += basisOf(q.Entry) + "\n"
	s.Step++
	s.Fields["good"] = strconv.Itoa(good)
	if s.Step < len(list) {
		return question(list, s.Step, lead), true, nil
	}
	t.session.Form = nil
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, true, err
	}
	if err := r.d.Cases.SaveLesson(ctx, p, s.Fields["week"], good, len(list)); err != nil {
		return bot.Reply{}, true, err
	}
	return bot.Reply{Text: fmt.Sprintf("%s学完了，答对 %d/%d，记进您的台账了。回“我的台账”看合计。", lead, good, len(list))}, true, nil
}

// basisOf names what the right answer rests on.
func basisOf(e *knowledge.Entry) string {
	c := e.Citations[0]
	if c.External != "" {
		return "依据：" + c.External + "。"
	}
	return "依据：《" + c.Law + "》" + c.Article.Han() + "。"
}
