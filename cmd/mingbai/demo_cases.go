package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"mingbai/office"
)

var demoZone = time.FixedZone("CST", 8*60*60)

// demoStory is one kind of matter with what people say of it. %A is the other
// side, %M an amount, %D a time.
type demoStory struct {
	matter, parties string
	stories         []string
	wish            string
	answer          string
	terms           string // of an agreement; "": never mediated
	minor, danger   bool
}

var demoStories = []demoStory{
	{"dispute", "邻居", []string{"邻居%A砌墙占了我家过道半米，三轮车进不来，说了两次不听。", "%A家的树枝伸过院墙，落叶堵了我家下水，%D下雨倒灌进屋。", "%A把雨水管改到我家这边，墙根都泡酥了。"}, "把东西挪回去，恢复原样", "邻居之间通行、排水要互相给方便（民法典第二百八十八条、第二百九十一条）。已约双方%D到村委会当面谈，谈不成可以向法院起诉排除妨碍。", "%A在七日内把占用的部分拆回原处，双方今后在施工前互相告知。", false, false},
	{"dispute", "同村人", []string{"%A%D借我%M元，有欠条，到期一直不还。", "替%A担保了%M元，他不还，信用社找我要。"}, "把钱还了", "有借条、转账记录就可以主张还款（民法典第六百六十七条、第六百七十五条）。先约双方调解，写明还款的日子；谈不成可以向法院申请支付令或者起诉，时效三年。", "%A分三次还清%M元，每月十日前付一次。", false, false},
	{"dispute", "流转承包户", []string{"地流转给%A种，%D的租金%M元没给，还想退租。", "%A承包我家三亩地，合同没到期就不种了，地荒着。"}, "付清租金", "流转合同写了的租金应当按期付（民法典第五百七十七条、农村土地承包法）。请带合同到司法所，我们约双方谈。", "%A在月底前付清租金%M元，合同继续履行。", false, false},
	{"dispute", "物业公司", []string{"小区电梯坏了%D没人修，物业还催物业费。", "楼上漏水泡了我家吊顶，物业和%A互相推。"}, "修好并赔偿", "物业应当按合同维修养护（民法典第九百四十二条）。已联系物业纠纷调解委员会，三个工作日内上门看现场。", "物业在十五日内修好，减免一个季度物业费。", false, false},
	{"dispute", "兄弟姐妹", []string{"老人走了，老宅和%M元存款怎么分，几家谈不拢。", "分家时说好我养老人，现在%A又来争房子。"}, "把遗产分清楚", "没有遗嘱的按法定继承，同一顺序一般均等，尽了主要赡养义务的可以多分（民法典第一千一百三十条）。建议先调解，写成协议。", "老宅归照顾老人的一方，存款平分，双方不再争执。", false, false},
	{"dispute", "肇事司机", []string{"骑车被%A的车碰了，住院花了%M元，保险和他都不痛快赔。"}, "赔医药费和误工费", "先由交强险赔，不够的按责任分（民法典第一千二百一十三条）。请带事故认定书、病历和票据，道路交通调解委员会免费调解。", "%A在十日内赔付%M元，双方结清。", false, false},
	{"wages", "包工头", []string{"跟着%A在工地干了三个月，%M元工钱拖着不给，说甲方没打款。", "%D在饭店干活，老板%A关门走了，欠我%M元工资。", "一起的八个人都没拿到工钱，%A电话不接。"}, "拿到工钱", "先向劳动监察投诉（12333），材料带考勤、转账和工友证言。农民工工资由总包先行清偿（保障农民工工资支付条例第三十条）。需要法律援助不审查经济困难，我们可以代为申请。", "", false, false},
	{"consult", "", []string{"想问离婚孩子归谁，我在家带孩子没有收入。", "租的房子房东要提前收回，押金%M元能不能要回来。", "网上买的手机是翻新机，商家不退。", "公司让签空白合同，能不能不签。", "借给朋友的钱只有微信记录，能不能告。", "老人想把房子留给小女儿，遗嘱怎么写才有效。", "被狗咬了，狗主人不认账。", "收到法院传票没空去怎么办。"}, "想知道怎么办", "已按您说的情况答复：先保留好证据，写清时间、金额和经过；需要的话带身份证到司法所，工作人员帮您看材料。", "", false, false},
	{"aid", "", []string{"家里低保，想打离婚官司请不起律师。", "工伤后单位不认，想申请法律援助。", "父亲被车撞了，对方不赔，想请法律援助。"}, "请一位援助律师", "符合条件，材料齐全，已决定给予法律援助，三日内指派律师跟您联系。", "", false, false},
	{"notary", "", []string{"房子要过户给孩子，想办赠与公证。", "要出国务工，办无犯罪记录公证。"}, "办公证", "材料已看过，请带身份证、户口簿原件到公证处办理，工作日上午九点到下午五点。", "", false, false},
	{"firm", "供货方", []string{"合作社给%A供菜，%M元货款半年没结。", "厂里和%A的加工合同，对方说质量不合格拒付。", "园区断水断电，厂里停产%D，想问能不能要赔偿。"}, "把款结了", "已把合同和送货单看过：欠款事实清楚，先发律师函催，不付可以申请支付令；涉企的件优先办。", "", false, false},
	{"lead", "", []string{"巡查看到两家为宅基地边界吵架，有人说要拆墙。", "村口工地有工人围着包工头要工钱，情绪激动。", "独居老人家屋顶漏了，儿女互相推。"}, "请司法所跟进", "已上门看过，双方情绪平稳，约好时间由村调委会调解，网格员继续关注。", "", false, false},
	{"complaint", "", []string{"机器人给的司法所电话打不通。", "答复太长看不懂，老人看着费劲。"}, "改一改", "谢谢指出，已经更正，今后把答复写短些。", "", false, false},
	{"consult", "", []string{"孩子在学校被同学欺负，学校不管，孩子不敢去上学。", "未成年的孩子给主播打赏了%M元，能退吗。"}, "保护孩子", "已联系学校和未成年人保护工作站，请先保留聊天和付款记录；需要的话拨 12355。", "", true, false},
	{"dispute", "丈夫", []string{"%A喝了酒就打我，%D又动手，我和孩子住在娘家。"}, "不想再挨打", "人身安全最要紧：有危险马上打 110。可以向法院申请人身安全保护令，七十二小时内作出，情况紧急二十四小时（反家庭暴力法第二十八条）；法律援助不审查经济困难。", "", false, true},
}

// words fills in a text.
func (d *demoCounty) words(s, other string) string {
	return strings.NewReplacer("%A", other, "%M", fmt.Sprint((1+d.r.IntN(60))*500), "%D", []string{"上周", "上个月", "前天", "半个月前", "去年底", "昨天晚上"}[d.r.IntN(6)]).Replace(s)
}

// demoCase is one case on its way.
type demoCase struct {
	no      string
	kind    demoStory
	town    *demoTown
	account office.Account
	clerk   office.Person
	holder  office.Person
}

// open hands a case in, as a resident, a helper, a grid member or at the desk.
func (d *demoCounty) open(ctx context.Context) error {
	k := demoStories[d.r.IntN(len(demoStories))]
	if (k.minor || k.danger) && d.r.IntN(2) == 0 {
		k = demoStories[d.r.IntN(13)]
	}
	t := &d.towns[d.r.IntN(len(d.towns))]
	other := d.called()
	village := t.villages[d.r.IntN(len(t.villages))]
	x := office.Draft{Via: office.ViaResident, Matter: k.matter, Name: d.called(), Phone: d.phone(), Place: t.org.Name + village.Name,
		Story: d.words(k.stories[d.r.IntN(len(k.stories))], other), Wish: k.wish, Minor: k.minor, Danger: k.danger, Guarded: d.r.IntN(18) == 0}
	if k.parties != "" {
		x.Parties = other + "（" + k.parties + "）"
	}
	if d.r.IntN(60) == 0 {
		day := d.now.In(demoZone)
		x.Limit = time.Date(day.Year(), day.Month(), day.Day()+d.r.IntN(7), 0, 0, 0, 0, time.UTC)
	}
	c := &demoCase{kind: k, town: t, clerk: t.clerks[d.r.IntN(2)], account: office.Account(fmt.Sprintf("demo/resident/%d", d.r.IntN(900)))}
	by := office.Person{Account: c.account}
	switch n := d.r.IntN(20); {
	case k.matter == "lead":
		by, x.Via, x.Name, x.Phone, c.account = t.grid, office.ViaGrid, "", "", ""
	case n < 4:
		code, _, err := d.db.Consent(ctx, c.account)
		if err != nil {
			return err
		}
		by, x.Via, x.Consent = t.helpers[d.r.IntN(len(t.helpers))], office.ViaHelper, code
		if !t.helped { // who can sign in has something to look at
			by, t.helped = t.helpers[0], true
		}
	case n < 8:
		by, x.Via, c.account = c.clerk, office.ViaDesk, ""
	}
	if x.Via == office.ViaResident && !k.minor {
		x.Talk = d.talk(strings.ReplaceAll(x.Story, other, "〔姓名1〕"))
	}
	o, err := d.db.OpenCase(ctx, by, x)
	if err != nil || o.Repeat {
		return err
	}
	c.no = o.Case.No
	if o.Case.Restricted {
		c.clerk = t.clerks[0] // the one who is cleared
	}
	if o.Case.Lane == office.LaneReport {
		c.kind.terms = "" // not to be mediated
	}
	switch n := d.r.IntN(100); {
	case n < 3 && c.account != "":
		d.after(d.hours(1, 30), func(ctx context.Context) error {
			return d.act(ctx, office.Person{Account: c.account}, c, office.Action{Verb: "withdraw"})
		})
	case n < 9:
		d.after(d.hours(1, 20), func(ctx context.Context) error { return d.sendBack(ctx, c) })
	case n == 9: // lies about until somebody urges
		d.after(d.hours(60, 200), func(ctx context.Context) error { return d.accept(ctx, c) })
	default:
		d.after(d.hours(1, 22), func(ctx context.Context) error { return d.accept(ctx, c) })
	}
	return nil
}

// talk is what a resident said to the bot before, masked.
func (d *demoCounty) talk(story string) []office.TalkLine {
	at := func(before time.Duration) time.Time { return d.now.Add(-before) }
	return []office.TalkLine{
		{At: at(9 * time.Minute), Text: story + "怎么办？"},
		{At: at(9 * time.Minute), Bot: true, Text: "先把能证明这件事的东西留好：合同、欠条、聊天记录、照片、收据。能谈的先谈，谈不成可以请人民调解委员会调解，不收钱……"},
		{At: at(5 * time.Minute), Text: "谈过两回了，没用。要带什么东西去？电话〔手机1〕，能不能叫人联系我。"},
		{At: at(5 * time.Minute), Bot: true, Text: "带身份证和上面说的材料。要转给工作人员，回“人工”……"},
	}
}

func (d *demoCounty) hours(from, to int) time.Duration {
	return time.Duration(from*60+d.r.IntN((to-from)*60)) * time.Minute
}

// act takes a step. What is refused, because the case went another way
// meanwhile, is left.
func (d *demoCounty) act(ctx context.Context, by office.Person, c *demoCase, a office.Action) error {
	_, err := d.db.Act(ctx, by, c.no, a)
	if k := office.KindOf(err); err != nil && (k == office.Conflict || k == office.Forbidden) {
		return nil
	}
	return err
}

func (d *demoCounty) sendBack(ctx context.Context, c *demoCase) error {
	if err := d.act(ctx, c.clerk, c, office.Action{Verb: "return", Note: "请补上对方的姓名电话和发生的时间"}); err != nil || c.account == "" {
		return err
	}
	if d.r.IntN(3) > 0 {
		d.after(d.hours(5, 90), func(ctx context.Context) error {
			if err := d.act(ctx, office.Person{Account: c.account}, c, office.Action{Verb: "correct", Note: "补好了，电话和时间都写上了"}); err != nil {
				return err
			}
			d.after(d.hours(1, 20), func(ctx context.Context) error { return d.accept(ctx, c) })
			return nil
		})
	}
	return nil
}

func (d *demoCounty) accept(ctx context.Context, c *demoCase) error {
	if err := d.act(ctx, c.clerk, c, office.Action{Verb: "accept"}); err != nil {
		return err
	}
	c.holder = c.clerk
	if c.kind.terms != "" {
		c.holder = c.town.mediators[d.r.IntN(2)]
	}
	d.after(d.hours(1, 20), func(ctx context.Context) error {
		if err := d.act(ctx, c.clerk, c, office.Action{Verb: "assign", To: c.holder.ID}); err != nil {
			return err
		}
		d.after(d.hours(1, 40), func(ctx context.Context) error {
			if d.r.IntN(40) == 0 {
				if err := d.act(ctx, c.clerk, c, office.Action{Verb: "urge", Note: "时限快到了，请抓紧"}); err != nil {
					return err
				}
			}
			return d.work(ctx, c)
		})
		return nil
	})
	return nil
}

// work deals with a case: a mediation with meetings and an outcome, or a look at
// the papers.
func (d *demoCounty) work(ctx context.Context, c *demoCase) error {
	if err := d.act(ctx, c.holder, c, office.Action{Verb: "start"}); err != nil {
		return err
	}
	if c.kind.terms == "" {
		d.after(d.hours(4, 110), func(ctx context.Context) error { return d.answer(ctx, c) })
		return nil
	}
	d.after(d.hours(20, 120), func(ctx context.Context) error {
		_, err := d.db.AddSession(ctx, c.holder, c.no, "", c.town.org.Name+"司法所调解室", d.words("双方到场，各自说了经过，看了现场照片；%D的事双方说法基本一致，愿意继续谈。", ""))
		if ignorable(err) != nil {
			return err
		}
		d.after(d.hours(10, 110), func(ctx context.Context) error {
			outcome, terms := office.Outcomes[0], d.words(c.kind.terms, "对方")
			switch n := d.r.IntN(20); {
			case n < 4:
				outcome = office.Outcomes[1]
			case n == 4:
				outcome, terms = office.Outcomes[2], ""
			}
			if _, _, err := d.db.SetOutcome(ctx, c.holder, c.no, "", office.Mediation{Outcome: outcome, Terms: terms}); ignorable(err) != nil {
				return err
			}
			d.after(d.hours(1, 20), func(ctx context.Context) error { return d.answer(ctx, c) })
			return nil
		})
		return nil
	})
	return nil
}

func ignorable(err error) error {
	if k := office.KindOf(err); err != nil && (k == office.Conflict || k == office.Forbidden) {
		return nil
	}
	return err
}

func (d *demoCounty) answer(ctx context.Context, c *demoCase) error {
	if err := d.act(ctx, c.holder, c, office.Action{Verb: "answer", Text: d.words(c.kind.answer, "对方")}); err != nil {
		return err
	}
	if c.account != "" && d.r.IntN(10) < 8 {
		d.after(d.hours(1, 60), func(ctx context.Context) error { return d.fetch(ctx, c) })
	}
	d.after(d.hours(170, 240), func(ctx context.Context) error {
		if err := d.act(ctx, c.holder, c, office.Action{Verb: "follow", Note: "电话问过，事情办好了"}); err != nil {
			return err
		}
		d.after(d.hours(2, 60), func(ctx context.Context) error { return d.act(ctx, c.clerk, c, office.Action{Verb: "archive"}) })
		return nil
	})
	return nil
}

// fetch is the resident writing again: they get the answer, and some rate it.
func (d *demoCounty) fetch(ctx context.Context, c *demoCase) error {
	if _, err := d.db.Contact(ctx, c.account, fmt.Sprint("demo#", d.done), 3); err != nil {
		return err
	}
	p := office.Person{Account: c.account}
	k, err := d.db.Case(ctx, p, c.no)
	if err != nil {
		return err
	}
	if err := d.db.Take(ctx, k); err != nil || k.Answered.IsZero() || d.r.IntN(2) == 0 {
		return err
	}
	score := []int{5, 5, 5, 5, 4, 4, 5, 3, 5, 2}[d.r.IntN(10)]
	if err := d.db.RateCase(ctx, k, score, []string{"", "说得清楚", "很快", "态度好", "还没解决"}[min(d.r.IntN(4), 4)]); err != nil {
		return err
	}
	if score > 2 {
		return nil
	}
	return d.act(ctx, p, c, office.Action{Verb: "redo", Note: "还没解决，请再看看"})
}
