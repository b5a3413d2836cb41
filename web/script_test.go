package web_test

import (
	"strconv"
	"strings"

	"mingbai/bot"
)

func itoa(n int) string { return strconv.Itoa(n) }

// script is what the site under test replies.
func script(text string) bot.Reply {
	switch {
	case strings.Contains(text, "工资"):
		return wages()
	case strings.Contains(text, "号码"):
		return bot.Reply{Text: "欠110元，依据第120条，共122人，12348元；2026-110号。\n先打110！再打 120，火警 119、法律12348（免费），区号 021-12345678，反诈96110，不便说话发短信 12110。"}
	case strings.Contains(text, "离婚"):
		return which()
	case strings.Contains(text, "打我"):
		return crisis()
	case strings.Contains(text, "模型"):
		return byModel()
	case strings.HasPrefix(text, "毒"):
		return hostile(strings.TrimPrefix(text, "毒"))
	}
	return bot.Reply{Text: "听到了：" + text}
}

var lawCitations = []bot.Citation{
	{Law: "中华人民共和国法律援助法", Article: "31", Version: "2021-08-20", Effective: "2022-01-01", Status: "现行有效",
		Text: "下列事项的当事人，因经济困难没有委托代理人的，可以向法律援助机构申请法律援助：……（四）请求支付劳动报酬；……"},
	{Law: "中华人民共和国法律援助法", Article: "42", Version: "2021-08-20", Effective: "2022-01-01", Status: "现行有效"},
	{Law: "保障农民工工资支付条例", Article: "10", Version: "2019-12-30", Effective: "2020-05-01", Status: "现行有效", Note: "待复核"},
}

func wages() bot.Reply {
	return bot.Reply{
		Text: "能。老板欠工资，可以申请法律援助，请律师不花钱；进城务工的人讨工资，不用查家里困难不困难。〔1〕〔2〕\n\n" +
			"按你说的日期算：申请劳动仲裁，从2026年8月31日起1年，最后一天是2027年8月31日。\n\n" +
			"怎么办\n1. 先把欠薪的证据收好：考勤、工资条、微信聊天、**欠条**。\n2. 打 12333 或去劳动监察大队投诉，可以要求责令支付。〔3〕\n3. 到县法律援助中心申请，带身份证和证据。〔1〕\n\n" +
			"要带什么\n- 身份证\n- 劳动合同、工资条、考勤记录（有什么带什么）\n\n" +
			"依据\n〔1〕《法律援助法》第三十一条（2022-01-01起施行，现行有效）\n〔2〕《法律援助法》第四十二条（2022-01-01起施行，现行有效）\n〔3〕《保障农民工工资支付条例》第十条（2020-05-01起施行，现行有效）\n\n" +
			"依据截至 2026-11-22。这是普法信息，不是律师意见；拿不准就打 12348（免费）。\n示例县：示例县法律援助中心，0571-12345678，人民路1号，工作日 9:00–17:00",
		Choices: []string{"劳动仲裁怎么申请", "公司跑路了怎么办"},
		Answer: &bot.Answer{
			ID: "a1", Kind: "answer", Topic: "LA12", Title: "农民工讨薪，能请免费律师吗", Citations: lawCitations, AsOf: "2026-11-22", By: "reviewed", Grounded: true,
			Clocks: []bot.Clock{{Key: "labour", Title: "申请劳动仲裁", Span: "1年", From: "2026-08-31", Due: "2027-08-31", Basis: "劳动争议调解仲裁法第二十七条"}},
			Next:   []string{"劳动仲裁怎么申请", "公司跑路了怎么办"},
		},
	}
}

func which() bot.Reply {
	return bot.Reply{
		Text:    "你想问的是下面哪一个？回复数字，或者多说一两句经过：",
		Choices: []string{"两个人都同意离婚怎么办", "一方不同意，起诉离婚要多久", "都不是，我要找人工"},
		Answer:  &bot.Answer{ID: "a2", Kind: "clarify", By: "reviewed", Citations: []bot.Citation{}, Clocks: []bot.Clock{}},
	}
}

func crisis() bot.Reply {
	return bot.Reply{
		Text: "先打 110，让警察来；受伤了打 120。能走就先离开，去亲戚、邻居家或村委会。\n\n" +
			"怎么办\n1. 告诉警察：谁打的、在哪里、有没有刀。〔1〕\n2. 想找妇联帮忙打 12338，孩子受伤害打 12355，心里难受打 12356。\n\n" +
			"依据\n〔1〕《反家庭暴力法》第十三条（2016-03-01起施行，现行有效）\n\n依据截至 2026-11-22。",
		Answer: &bot.Answer{ID: "a3", Kind: "urgent", By: "reviewed", Grounded: true, Urgent: true, AsOf: "2026-11-22",
			Citations: []bot.Citation{{Law: "中华人民共和国反家庭暴力法", Article: "13", Version: "2015-12-27", Effective: "2016-03-01", Status: "现行有效"}}, Clocks: []bot.Clock{}},
	}
}

func byModel() bot.Reply {
	return bot.Reply{
		Text:   "这是模型写的回答。〔1〕\n\n依据\n〔1〕《法律援助法》第三十一条\n\n依据截至 2026-11-22。",
		Answer: &bot.Answer{ID: "a4", Kind: "answer", By: "some-model-1", Citations: lawCitations[:1], Clocks: []bot.Clock{}, AsOf: "2026-11-22"},
	}
}

// hostile puts a text into every field of a reply.
func hostile(x string) bot.Reply {
	return bot.Reply{
		Text:    x + "\n\n" + x + "\n- " + x + "\n1. " + x + "〔1〕\n\n依据\n〔1〕" + x + "\n\n依据截至 " + x,
		Choices: []string{x, "无害"},
		Answer: &bot.Answer{ID: "a5", Kind: "answer", Topic: x, Title: x, AsOf: x, By: "reviewed", Next: []string{x + " "},
			Citations: []bot.Citation{{Law: x, Article: x, Version: x, Effective: x, Status: x, Note: x, Text: x}},
			Clocks:    []bot.Clock{{Key: x, Title: x, Span: x, From: x, Due: x, Basis: x}}},
	}
}
