package office

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// Lanes in which a dispute can be dealt with.
const (
	LanePeople   = "people"   // 人民调解
	LaneTrade    = "trade"    // 行业性、专业性调解
	LaneAdmin    = "admin"    // 行政调解或处理: a department has the matter
	LaneJudicial = "judicial" // 司法: court or arbitration
	LaneReport   = "report"   // not to be mediated first: danger, crime, harm to a minor
	LaneUnsure   = "unsure"   // the text does not say enough: a clerk decides
)

var laneNames = map[string]string{LanePeople: "人民调解", LaneTrade: "行业性专业性调解", LaneAdmin: "行政调解", LaneJudicial: "司法途径", LaneReport: "先保护、先报告", LaneUnsure: "由经办人判断"}

// Lanes lists them.
var Lanes = []string{LanePeople, LaneTrade, LaneAdmin, LaneJudicial, LaneReport, LaneUnsure}

// LaneName is what people read of a lane.
func LaneName(lane string) string { return laneNames[lane] }

// ParseLane reads a lane's name or the beginning of it: "行政".
func ParseLane(name string) (string, error) {
	for _, lane := range []string{LanePeople, LaneTrade, LaneAdmin, LaneJudicial, LaneReport} {
		if name != "" && (name == lane || strings.HasPrefix(laneNames[lane], name)) {
			return lane, nil
		}
	}
	return "", invalid("转到哪一条？请写：人民调解、行业性专业性调解、行政调解、司法途径。")
}

// Proposal is the lane a dispute should take first, and why.
type Proposal struct {
	Lane   string
	Body   string // who: a department, a kind of mediation committee
	Reason string // in plain Chinese
}

// Text is the proposal in one line.
func (p Proposal) Text() string {
	return fmt.Sprintf("%s（%s）：%s", LaneName(p.Lane), p.Body, p.Reason)
}

// Item is one matter that a department mediates or decides; the list can be
// edited by the office.
type Item struct {
	Name       string
	Department string
	Words      []string // any of these in the text; "A.B": B not far behind A
}

// rule sorts texts that match into a lane.
type rule struct{ lane, body, reason, pattern string }

// gate are signs that nobody may be sent to a mediator first. Those who mediate
// must report what may become an offence (人民调解法 第二十五条); who works for an
// authority or a village and finds a minor harmed must report it at once
// (未成年人保护法 第十一条).
var gate = []rule{
	{LaneReport, "公安机关 110，同时报经办人", "涉及未成年人受侵害，要立即报告（未成年人保护法第十一条）。",
		`侵犯|猥亵|性侵|强奸|强暴|非礼|糟蹋|拐卖|裸照|脱(了)?.{0,3}(裤|衣|内)|(摸|亲|搂|骚扰)(了|过)?.{0,4}(闺女|女儿|孙女|外孙女|侄女|女孩|女娃|孩子|下面|下身|隐私)|(叫|喊|拉|哄|骗).{0,4}(闺女|女儿|孙女|女孩|孩子|娃).{0,6}(他屋|他家|屋里|没人)|(打|揍|虐待|饿|烫|锁)(着|了)?(孩子|娃|小孩|继子|继女)|(孩子|娃|身上).{0,6}(全?是|都是|有)伤|童工|霸凌|欺凌|保护费|动手动脚|毛手毛脚|(娃|孩|学生|年级|外甥|侄|孙女|孙子|外孙).{0,20}(烫|掐|捆|绑|淤青|烟头|挨打|被打|印子)|(继|养|后)(父|母|爸|妈|爹|娘).{0,20}(打|关|饿|掐|不让.{0,6}上学)|(老师|教练|亲戚|邻居|舅|叔|伯|姨夫|姑父).{0,30}(亲(他|她|我|娃|孩)|摸|搂)|不(让|准|许)(孩子|娃|女儿|儿子).{0,4}(上学|念书)|(歌厅|酒吧|会所|夜场|KTV).{0,10}(陪|上班).{0,12}(岁|未成年)|(岁|未成年).{0,20}(歌厅|酒吧|会所|夜场|陪人|陪酒)|不满?十[一二三四五六七八]岁|([0-9]|1[0-7]|[一二三四五六七八九]|十[一二三四五六七]?)岁.{0,16}(侵|摸|欺负|打伤|打工|上班|脱|视频)|(侵|摸|欺负|脱).{0,16}([0-9]|1[0-7]|[一二三四五六七八九]|十[一二三四五六七]?)岁`},
	{LaneReport, "公安机关 110；家庭暴力可申请人身安全保护令", "有暴力或现实危险，先保护人，不能先调解。",
		`家暴|家庭暴力|虐待|遗弃|硫酸|汽油|(总|经常|老是|天天|一.{0,6}就|又|动不动|拿.{0,6})(打|揍|抽)(我|俺|她|人|老婆|媳妇|老人|婆婆|爹|娘|妈)|(打|揍|抽|掐|踢|踹|砸)(得|到|成|进)?.{0,3}(医院|伤|青|肿|断|死|流血|住院|骨折|昏)|[打揍抽捅砍掐踹扇](了|着)?(我|俺|她|老婆|媳妇)(一顿|几|个|好几|耳光|巴掌|脖子|头)|掐.{0,3}(脖子|喉)|耳光|巴掌|皮带|喘不上气|(拿|拎|提|举|持|带|抄|操)(着|了|起)?.{0,3}(刀|斧|棍|锄头|钢管|家伙|砖)|(杀|剁|弄死|打死|烧死|捅|废|整死)(了|死|我|俺|他|她|你|全家|我们|人)|砍(死|伤|我|俺|他们|她|你|人)|扬言|威胁.{0,6}(杀|砍|死|家人|孩子|放火|发.{0,4}照)|要(我|俺|他|她|你)?.{0,4}(命|好看|偿命)|饿在|(不给|没给).{0,4}(饭|药|水)吃?.{0,8}(老人|婆婆|公公|爹|娘|妈)|身上都?(烂|青|伤)|跟踪|堵(在|着).{0,10}(门|单位|学校|路上).{0,12}(不|就|威胁|骂)|放火|点火|同归于尽|不想活|自杀|跳楼|喝(了)?农药|(跳|投)(河|井|江|水库)|寻短见|砸(门|头)|推倒|泼(油|漆|粪)|铁链|拴着|(酒瓶|铁锹|铁锨|扁担|板凳|砖头|菜刀|榔头|锤子).{0,10}(砸|打|抡|拍|砍)|(抡|抄|操|举|拎)(着|起)?.{0,4}(铁锹|铁锨|扁担|板凳|酒瓶|锤)|(砸|打|踢|捅|抡).{0,6}(我|他|她|俺)?的?(头|脸|脑袋|肚子)|(打|砸|抡|捅|砍)(起来|架)?.{0,14}(进|送)(了)?医院|(尾随|跟着|盯着)(我|她|俺)|放话.{0,16}(弄|搞|打|收拾|要)|(弄|搞|收拾)(你|他|她|我|谁|死)?全家|摸进.{0,8}(屋|宿舍|房)|派人.{0,12}(泼|堵|砸|打|闹)`},
	{LaneReport, "公安机关 110", "可能是违法犯罪，要报告公安机关（人民调解法第二十五条），不能用调解代替。",
		`打群架|群殴|械斗|聚众|约(好|架)|(几十|两|三|十几).{0,4}(人|拨|伙|帮).{0,14}(锄头|棍|家伙|刀|打起来|干架|动手)|(锁|关|扣)(在|进|到)|关(我|俺|他|她).{0,2}(地下室|屋|房|仓库|车)|(不让|不许|不准).{0,8}(出去|离开|走(了)?$|回家)|打手|看着(我|俺|他|她)们?.{0,8}(不|走)|限制.{0,4}自由|锁(我|她|他|俺|孩子|人)?(在)?.{0,2}(屋|家|房|院子)里|不(让|准|许).{0,4}出门|偷(走|了|东西|牛|羊|猪|鸡|鸭|狗|车|钱|树|电)|小偷|被偷|盗(走|伐|挖)|撬(门|锁|开)|偷偷.{0,14}(牵|搬|拉|开|抬|运|卖)|(半夜|趁).{0,16}(牵走|拉走|搬走|抬走)|先(交|打|转).{0,14}(手续费|保证金|解冻费|押金).{0,14}(没影|拉黑|联系不上|跑)|(交|转|打)了?.{0,14}(没影|拉黑)|不打欠条不|逼(我|俺|他|她).{0,4}(写|打|签|按).{0,4}(欠条|借条|协议|手印|合同|字)|(收走|扣下|扣押|扣了|没收)(了)?.{0,6}(身份证|证件|护照)|冒充|诈骗|骗子|被骗|上当|骗(了|走)|(哄|骗|忽悠).{0,12}(老人|大爷|大妈)|老人.{0,4}(哄|骗)|要走(了)?身份证|用.{0,6}名字.{0,4}贷|冒名|炒币|虚拟币|荐股|提不出来|陪酒|(照片|视频|隐私).{0,6}发(到|给|在)|(威胁|说要).{0,8}发.{0,4}(照片|视频)|集资|传销|拉人头|刷单|洗钱|安全账户|指定账户|转到.{0,8}(账户|账号|卡上)|验证码|保证金.{0,10}(联系不上|拉黑|跑)|投(了)?钱|投(资|了).{0,12}(跑|联系不上|打不通|没人接|锁了|关门|兑付|利息|返)|投.{0,16}月息|月息.{0,16}(投|送(米|油|鸡蛋))|年息百分之[三四五六七八九]|高息|投.{0,5}[万千].{0,6}年给|敲诈|勒索|收保护|食物中毒|下毒|毒品|吸毒|赌场|赌债|高利贷|套路贷|偷拍|盗窃|抢(了|走|劫)`},
}

// DefaultItems are the matters of departments until the office sets its own.
var DefaultItems = []Item{
	{"欠薪", "人力资源和社会保障部门（劳动保障监察）", []string{"工资", "工钱", "欠薪", "加班费", "薪水", "血汗钱", "干活.钱", "干了.没给", "干了.没结", "打工.钱", "工头", "包工", "没结账", "活.没结", "开过工资", "发钱", "老板.没钱", "一分没见", "一分没拿", "工程款.跑", "打工.没给", "干活.没给", "欠我们.钱"}},
	{"土地、山林权属", "乡镇人民政府（街道）、自然资源和林业部门", []string{"权属", "的归属", "地界", "拿不出证", "都没有证", "都没证", "山林.归", "荒坡", "坟地.归", "鱼塘.归", "争地", "没有土地证", "宅基地", "四至", "承包地", "多犁", "田埂", "林权", "山林证", "自留地", "到底归谁", "河滩地", "开荒", "退耕"}},
	{"环境污染", "生态环境部门", []string{"污水", "废气", "排污", "粪水", "鱼塘.毒", "化工厂", "养鸡场", "养猪场", "猪场", "臭得", "臭气", "烟囱", "粉尘", "废水", "黑水", "排.水.", "异味", "焦糊", "烧塑料", "焚烧", "粪.渠", "粪.塘", "粪.水", "扬尘", "下水.淌", "井水.味", "油污"}},
	{"噪声、油烟", "城市管理、公安、生态环境部门", []string{"油烟", "广场舞", "大喇叭", "工地.打桩", "工地.吵", "夜市.吵", "施工.吵", "KTV", "音响.震", "歌厅", "酒吧.吵", "烧烤.烟", "烧烤.吵", "工地", "打地基", "机器.震", "机器.吵", "半夜.机器", "凌晨.机器", "烧烤摊", "夜宵摊", "装修.吵", "震得"}},
	{"快递、邮政", "邮政管理部门", []string{"快递", "包裹", "寄了.碎", "寄的.碎", "寄.丢", "驿站", "邮局"}},
	{"电信服务", "通信管理部门", []string{"运营商", "电话费", "话费", "套餐", "宽带", "营业厅", "流量费", "彩铃", "扣费", "报停", "停机", "手机卡", "流量", "增值业务"}},
	{"旅游", "文化和旅游部门", []string{"旅行社", "导游", "跟团", "报团", "景区", "景点.没去", "旅游团", "退团", "民宿", "购物店"}},
	{"轻微治安纠纷", "公安派出所", []string{"派出所.调解", "派出所.说", "推搡", "推了两把"}},
	{"消费", "市场监督管理部门（12315）", []string{"超市", "商家", "店家", "饭店", "年卡", "会员卡", "健身房", "补习班", "培训班", "网上买", "网购", "家具", "种子", "化肥", "假货", "翻新", "买的.坏", "买的.假", "直播间", "客服", "理发店", "美容院", "充了.老板", "充值", "储值", "网店", "退货", "三包", "保质期", "过期", "车行", "二手车", "中介费", "中介.不退", "家政", "装修公司", "办卡", "预付", "作废", "卖家", "平台", "奶粉", "保修", "广告", "退差价", "日期.改", "七天", "充.不退", "定金.不退", "美发", "洗脚", "驾校", "加盟"}},
	{"社会保险", "人力资源和社会保障部门、医疗保障部门", []string{"社保", "五险", "公积金", "生育津贴", "失业金"}},
	{"买房、装修", "住房和城乡建设部门", []string{"开发商", "售楼", "交房", "房产证", "装修公司", "中介费"}},
	{"客运、停车", "交通运输部门", []string{"打表", "绕路", "拒载", "停车费", "客运站"}},
	{"教育、培训", "教育部门", []string{"培训机构", "课时", "学籍", "校服", "补课"}},
	{"水电气暖", "供水、供电、供气、供热的主管部门", []string{"自来水公司", "供电所", "燃气公司", "供热公司", "水表", "电表"}},
	{"市容、道路设施", "城市管理部门、乡镇（街道）", []string{"占道", "盲道", "路灯", "井盖", "环卫"}},
}

// compiledRule is a rule ready to match.
type compiledRule struct {
	rule
	re *regexp.Regexp
}

// gateRules compiles the gate once.
var gateRules = sync.OnceValue(func() []compiledRule {
	var out []compiledRule
	for _, r := range gate {
		out = append(out, compiledRule{r, regexp.MustCompile(r.pattern)})
	}
	return out
})

// blamed are words with which somebody is accused; what they are said to have
// done is no sign of danger.
var blamed = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`((?:骂|说|冤枉|诬赖|诬陷|怀疑|造谣说?)(?:我|俺)(?:们|家)?)(?:是小偷|偷)[^，。；]*`)
})

// How sure the classifier must be, chosen by cross-validation (see
// disputes/README.md): a chance of danger from which a text is taken to have it,
// one from which it may at least not go to a mediator, and the least chance of
// the lane that is proposed. What the knowledge base takes the text to be about
// makes its lane so many times as likely.
const (
	dangerAt    = 0.30
	doubtAt     = 0.20
	sureAt      = 0.30
	topicWeight = 1.5
)

// Propose says which lane a dispute should take first. Danger goes before
// everything, then the matters that the office has put on the list of departments
// itself, then what the classifier takes it for; what it cannot tell is for a
// clerk. items is the list of departments' matters, DefaultItems if nil. topic is
// what the knowledge base takes the text to be about ("LB01"), and may be empty.
func Propose(text, topic string, items []Item) Proposal {
	return proposeWith(builtInLanes(), text, topic, items)
}

// leftOut is what stands in a story where a number was left out, with the words
// that led to it: they say nothing of the dispute, and read like a swindle.
var leftOut = regexp.MustCompile(`[，,。；;\s]*(?:(?:我|本人)的?)?(?:身份证|证件|银行卡|卡)?(?:号码?)?(?:是|为|[:：])?（证件(?:或卡)?号不用写）`)

func proposeWith(m *laneModel, text, topic string, items []Item) Proposal {
	if items == nil {
		items = DefaultItems
	}
	text = strings.Join(strings.Fields(cleanText(leftOut.ReplaceAllString(text, ""))), "，")
	calm := blamed().ReplaceAllString(text, "$1")
	for _, r := range gateRules() {
		if r.re.MatchString(calm) {
			return Proposal{r.lane, r.body, r.reason}
		}
	}
	if !strings.ContainsFunc(text, unicode.IsLetter) {
		return unsure
	}
	kinds, lanes := weighed(m.chances(laneReading().read(text).features()), topic)
	if lanes[LaneReport] >= dangerAt {
		return kinds[LaneReport].proposal(items)
	}
	for _, it := range items {
		if it.own().matches(text) {
			return Proposal{LaneAdmin, it.Department, "“" + it.Name + "”由这个部门处理或者主持调解。"}
		}
	}
	best := LanePeople
	for _, lane := range Lanes {
		if lanes[lane] > lanes[best] {
			best = lane
		}
	}
	if lanes[best] < sureAt || best != LaneJudicial && lanes[LaneReport] >= doubtAt {
		return unsure
	}
	return kinds[best].proposal(items)
}

// weighed gives the likeliest kind of each lane and how likely each lane is.
func weighed(chances []float64, topic string) (kinds map[string]disputeKind, lanes map[string]float64) {
	kinds, lanes = map[string]disputeKind{}, map[string]float64{}
	about, all, most := LaneOfTopic(topic), 0.0, map[string]float64{}
	for i, k := range disputeKinds {
		lane := k.lane()
		p := chances[i]
		if lane == about {
			p *= topicWeight
		}
		all += p
		lanes[lane] += p
		if p > most[lane] {
			most[lane], kinds[lane] = p, k
		}
	}
	for lane := range lanes {
		lanes[lane] /= all
	}
	return kinds, lanes
}

// own gives the matter with those words alone that the office has added: the
// default ones are for the classifier to weigh.
func (it Item) own() Item {
	i := slices.IndexFunc(DefaultItems, func(d Item) bool { return d.Name == it.Name })
	if i < 0 {
		return it
	}
	words := slices.DeleteFunc(slices.Clone(it.Words), func(w string) bool { return slices.Contains(DefaultItems[i].Words, w) })
	return Item{it.Name, it.Department, words}
}

// LaneOfTopic gives the lane of a topic of the knowledge base; "" if it has none.
func LaneOfTopic(topic string) string {
	for n := len(topic); n >= 2; n-- {
		if lane, ok := topicLanes[topic[:n]]; ok {
			return lane
		}
	}
	return ""
}

var unsure = Proposal{LaneUnsure, "经办人", "从写的内容看不准走哪条路，请先问清楚有没有危险、是什么事，再定。"}

// topicLanes say where matters of a topic, or of all topics that begin so, go.
var topicLanes = map[string]string{
	"FM": LanePeople, "IN": LanePeople, "DB": LanePeople, "MD": LanePeople, "TT08": LanePeople, "TT10": LanePeople, "TT14": LanePeople, "CS07": LanePeople, "LD08": LanePeople,
	"FM10": LaneReport, "DB09": LaneReport, "CR": LaneReport, "TT11": LaneReport,
	"LB": LaneJudicial, "WI": LaneJudicial, "LB01": LaneAdmin, "LB02": LaneAdmin, "LB11": LaneAdmin, "LB14": LaneAdmin,
	"CS": LaneAdmin, "CS09": LaneTrade, "CS10": LaneTrade,
	"LD01": LaneAdmin, "LD02": LaneAdmin, "LD03": LaneAdmin, "LD04": LaneAdmin, "LD07": LaneAdmin, "LD10": LaneAdmin, "LD05": LaneJudicial, "LD06": LaneJudicial, "LD09": LaneJudicial,
	"AD": LaneJudicial, "CT": LaneJudicial,
	"TT01": LaneTrade, "TT02": LaneTrade, "TT03": LaneTrade, "TT04": LaneTrade, "TT05": LaneTrade, "TT06": LaneTrade,
	"TT07": LaneTrade, "TT12": LaneTrade, "TT09": LaneAdmin,
}

// near is how many runes may stand between the two parts of a word "A.B".
const near = 16

func (it Item) matches(text string) bool {
	return slices.ContainsFunc(it.Words, func(w string) bool {
		a, b, pair := strings.Cut(w, ".")
		i := strings.Index(text, a)
		if i < 0 || a == "" || !pair {
			return i >= 0 && a != ""
		}
		rest := []rune(text[i+len(a):])
		return strings.Contains(string(rest[:min(len(rest), near)]), b)
	})
}

// laneBases are the articles that the reasons name.
func laneBases() []Basis {
	return []Basis{
		{lawMediation, "17", []string{"明确拒绝调解的，不得调解"}},
		{lawMediation, "19", []string{"由当事人选择"}},
		{lawMediation, "25", []string{"应当及时向当地公安机关或者其他有关部门报告"}},
		{lawMediation, "26", []string{"仲裁、行政、司法"}},
		{lawMediation, "29", []string{"纠纷的主要事实", "履行的方式、期限"}},
		{lawMediation, "32", []string{"向人民法院提起诉讼"}},
		{lawMinors, "11", []string{"立即"}},
		{lawLabour, "5", []string{"仲裁"}},
	}
}

const lawLabour = "中华人民共和国劳动争议调解仲裁法"

// itemHeading names the columns of the table of departments' matters.
var itemHeading = []string{"事项", "部门", "词"}

// Items gives the departments' matters as the office set them, else the default.
func (db *DB) Items(ctx context.Context) ([]Item, error) { return items(ctx, db.read) }

func items(ctx context.Context, q querier) ([]Item, error) {
	rows, err := q.QueryContext(ctx, `SELECT item, department, words FROM lane_items ORDER BY place`)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	defer rows.Close()
	var list []Item
	for rows.Next() {
		var it Item
		var words string
		if err := rows.Scan(&it.Name, &it.Department, &words); err != nil {
			return nil, fmt.Errorf("items: %w", err)
		}
		it.Words = parted(words)
		list = append(list, it)
	}
	if list == nil {
		list = DefaultItems
	}
	return list, rows.Err()
}

// ItemTable gives matters as SetItems reads them.
func ItemTable(list []Item) [][]string {
	rows := [][]string{itemHeading}
	for _, it := range list {
		rows = append(rows, []string{it.Name, it.Department, strings.Join(it.Words, "、")})
	}
	return rows
}

// ImportItems puts a table of departments' matters in the place of the list.
func (db *DB) ImportItems(ctx context.Context, by string, rows [][]string, dry bool) (Import, error) {
	n := 0
	return db.importRows(ctx, rows, itemHeading, dry, func(tx *sql.Tx, row map[string]string) error {
		if n++; n == 1 {
			if _, err := tx.ExecContext(ctx, `DELETE FROM lane_items`); err != nil {
				return err
			}
			if err := db.audit(ctx, tx, by, "set items", "items", ""); err != nil {
				return err
			}
		}
		words := joined(strings.FieldsFunc(row["词"], func(r rune) bool { return strings.ContainsRune("、;；,，", r) }))
		if row["事项"] == "" || row["部门"] == "" || words == "" {
			return invalid("事项、部门、词都要写。")
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO lane_items (place, item, department, words) VALUES ($1, $2, $3, $4)`, n, row["事项"], row["部门"], words); err != nil {
			return fmt.Errorf("items: %w", err)
		}
		return nil
	})
}
