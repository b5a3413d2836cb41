package handlers

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"mingbai/bot"
	"mingbai/office"
)

var (
	// asksProgress is how people ask where their matter stands.
	asksProgress = regexp.MustCompile(`^(请问|麻烦|帮我|想)?(查一?下|看一?下|问一?下)?我(们)?(的|上报的|反映的|提交的|申请的|投诉的)?(那件|这件|那个|这个)?(事情?|事项|件|案子|诉求|申请|问题|投诉)?(现在|目前)?(办|处理|办理|进行|走)?(得|的)?(到(哪|什么|第几)|怎么?样|咋样|完|好)\p{Han}{0,6}[?？。！!]*$`)
	bareRating   = regexp.MustCompile(`^[/／]?(?:我要|我来)?(?:评价|打分)(?:一下)?[:：\s]*(?:([1-5])\s*分?(?:[,，。\s]+([\s\S]*))?)?$`)
)

// mine takes what somebody says of a case of their own without naming it. false:
// it is none of it, or they have none.
func (r *Router) mine(ctx context.Context, t *turn, text string) (bot.Reply, bool, error) {
	progress, rating := asksProgress.MatchString(text), bareRating.FindStringSubmatch(text)
	if !progress && rating == nil {
		return bot.Reply{}, false, nil
	}
	p, err := r.d.Cases.PersonByAccount(ctx, office.Account(t.message.From))
	if err != nil {
		return bot.Reply{}, true, err
	}
	list, n, err := r.d.Cases.Cases(ctx, p, office.CaseFilter{Mine: true, Limit: 20})
	if err != nil || n == 0 {
		return bot.Reply{}, err != nil, err
	}
	t.session.Menu = nil
	if rating != nil {
		reply, err := r.rateMine(ctx, t, p, list, rating[1], rating[2])
		return reply, true, err
	}
	if n == 1 {
		reply, err := r.show(ctx, t, p, caseArgs{no: list[0].No})
		return reply, true, err
	}
	reply, err := r.myCases(ctx, t, p, caseArgs{})
	return reply, true, err
}

// rateMine rates the one case that can be rated, or asks which and how.
func (r *Router) rateMine(ctx context.Context, t *turn, p office.Person, list []office.Case, score, reason string) (bot.Reply, error) {
	var answered []office.Case
	for _, c := range list {
		if c.Hats&office.Applicant != 0 && !c.Answered.IsZero() {
			answered = append(answered, c)
		}
	}
	switch {
	case len(answered) == 0:
		return bot.Reply{Text: "您的事还没有答复，答复以后再评价。" + lines(list)}, nil
	case len(answered) == 1 && score != "":
		return r.rateCase(ctx, t, p, caseArgs{no: answered[0].No, rest: strings.TrimSpace(score + " " + reason)})
	case len(answered) == 1:
		return bot.Reply{Text: fmt.Sprintf("%s 办得怎么样？请打 1 到 5 分，回“评价 5”，后面可以写原因。", answered[0].No)}, nil
	}
	return bot.Reply{Text: fmt.Sprintf("评价哪一件？回“评价 编号 5”（1 到 5 分）：%s", lines(answered))}, nil
}
