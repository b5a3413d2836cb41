package knowledge

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Computed is a figure worked out from what the person said, with its basis.
type Computed struct {
	Key   string
	Text  string // one or two sentences; always an estimate
	Basis []Citation
}

// calculator works out one kind of figure. Its topics say for which entries it
// is tried, needs which words the question must hold.
type calculator struct {
	key    string
	topics []string
	needs  *regexp.Regexp
	basis  []Citation
	run    func(text string) string // "" if the question lacks the figures
}

func art(law string, n int, proof ...string) Citation {
	return Citation{Law: law, Article: ArticleNo{N: n}, Proof: proof}
}

// calculators are all figures that can be worked out. Each rate and limit is
// that of the article in its row; `kb verify` checks the proofs.
var calculators = []calculator{
	{"court_fee_divorce", []string{"CT03", "FM02", "FM07"}, regexp.MustCompile(`离婚.*(诉讼费|受理费|费用|多少钱|收费|交多少)|(诉讼费|受理费|费用|多少钱|收费|交多少).*离婚`),
		[]Citation{art("诉讼费用交纳办法", 13, "离婚案件每件交纳50元至300元", "超过20万元的部分", "0.5%")}, divorceFee},
	{"court_fee", []string{"CT03", "CT04", "DB01", "CT01"}, regexp.MustCompile(`诉讼费|受理费|起诉费|打官司.*(多少钱|费)|(告|起诉|启诉).*(交|要|收).*(多少|几)`),
		[]Citation{art("诉讼费用交纳办法", 13, "2.5%", "不超过1万元的，每件交纳50元"), art("诉讼费用交纳办法", 16, "减半")}, courtFee},
	{"severance", []string{"LB09"}, regexp.MustCompile(`赔|补偿|N|n|多少|几个月|给我`),
		[]Citation{art("劳动合同法", 47, "每满一年支付一个月工资", "六个月以上不满一年的，按一年计算", "半个月工资"), art("劳动合同法", 87, "二倍")}, severance},
	{"double_wage", []string{"LB07"}, regexp.MustCompile(`双倍|两倍|二倍|赔|多少|补偿`),
		[]Citation{art("劳动合同法", 82, "二倍的工资"), art("劳动合同法实施条例", 6, "两倍的工资"), art("劳动争议调解仲裁法", 27, "一年")}, doubleWage},
	{"child_support", []string{"FM05", "FM04"}, regexp.MustCompile(`抚养费|生活费|给多少|养`),
		[]Citation{{Law: "婚姻家庭编解释一", Article: ArticleNo{N: 49}, Proof: []string{"百分之二十至三十", "百分之五十"}}}, childSupport},
	{"unemployment", []string{"WI09"}, regexp.MustCompile(`失业`),
		[]Citation{art("社会保险法", 46, "十二个月", "十八个月", "二十四个月")}, unemployment},
	{"disability", []string{"WI07", "WI05", "WI06"}, regexp.MustCompile(`[一二三四五六七八九十\d]{1,2}级`),
		[]Citation{art("工伤保险条例", 35, "27个月"), art("工伤保险条例", 36, "18个月"), art("工伤保险条例", 37, "13个月")}, disability},
	{"probation", []string{"LB08"}, regexp.MustCompile(`试用`),
		[]Citation{art("劳动合同法", 19, "不得超过一个月", "不得超过二个月", "不得超过六个月")}, probation},
	{"triple", []string{"CS01"}, regexp.MustCompile(`赔|退一|三倍|多少`),
		[]Citation{art("消费者权益保护法", 55, "三倍", "五百元")}, func(t string) string { return damages(t, 3, 500, "有欺诈的") }},
	{"tenfold", []string{"CS02"}, regexp.MustCompile(`赔|十倍|多少`),
		[]Citation{art("食品安全法", 148, "十倍", "一千元")}, func(t string) string { return damages(t, 10, 1000, "食品不符合安全标准的") }},
	{"tenfold_drug", []string{"CS13"}, regexp.MustCompile(`赔|十倍|多少`),
		[]Citation{art("药品管理法", 144, "价款十倍", "一千元")}, func(t string) string { return damages(t, 10, 1000, "药是假药、劣药，卖家明知还卖的") }},
	{"principal", []string{"DB04"}, regexp.MustCompile(`到账|到手|实际|砍头|扣|拿到`),
		[]Citation{{Law: "民间借贷司法解释", Article: ArticleNo{N: 26}, Proof: []string{"实际出借的金额"}}}, principal},
	{"deposit", []string{"DB10"}, regexp.MustCompile(`定金`),
		[]Citation{art("民法典", 586, "百分之二十"), art("民法典", 587, "双倍返还")}, deposit},
	{"retire", []string{"WI12"}, regexp.MustCompile(`退休|养老`),
		[]Citation{art("全国人民代表大会常务委员会关于实施渐进式延迟法定退休年龄的决定", 1, "每四个月延迟一个月", "每二个月延迟一个月"), art("全国人民代表大会常务委员会关于实施渐进式延迟法定退休年龄的决定", 2, "每年提高六个月")}, retire},
	{"overtime", []string{"LB11"}, regexp.MustCompile(`加班|节假日|国庆|春节|五一|周末`),
		[]Citation{art("劳动法", 44, "百分之一百五十", "百分之二百", "百分之三百")}, overtime},
}

// compute works out every figure that the question allows for the entry's topic.
func compute(topic, text string) []Computed {
	t := Normalize(text)
	var list []Computed
	for _, c := range calculators {
		if !slices.Contains(c.topics, topic) || !c.needs.MatchString(t) {
			continue
		}
		if s := c.run(t); s != "" {
			list = append(list, Computed{Key: c.key, Text: s, Basis: c.basis})
			if strings.HasPrefix(c.key, "court_fee") {
				break // one kind of fee
			}
		}
	}
	return list
}

// step is one bracket of a progressive fee: rate up to and including limit yuan.
type step struct{ upTo, rate float64 }

// propertySteps are the brackets of 诉讼费用交纳办法 第十三条（一）; up to 10,000
// yuan each case pays 50.
var propertySteps = []step{{1e5, .025}, {2e5, .02}, {5e5, .015}, {1e6, .01}, {2e6, .009}, {5e6, .008}, {1e7, .007}, {2e7, .006}, {math.Inf(1), .005}}

// PropertyFee is the court fee of a claim for v yuan, in yuan.
func PropertyFee(v float64) float64 {
	fee, from := 50.0, 1e4
	for _, s := range propertySteps {
		if v <= from {
			break
		}
		fee += (math.Min(v, s.upTo) - from) * s.rate
		from = s.upTo
	}
	return fee
}

func courtFee(t string) string {
	list := yuan(t)
	if len(list) == 0 {
		return ""
	}
	v := list[0].value
	fee := PropertyFee(v)
	return fmt.Sprintf("按你说的%s算，案件受理费是%s；适用简易程序、调解结案或者撤诉的减半，是%s。", money(v), money(fee), money(fee/2))
}

func divorceFee(t string) string {
	list := yuan(t)
	base := "离婚案件每件50元到300元"
	if len(list) == 0 {
		return ""
	}
	v := list[len(list)-1].value
	if v <= 2e5 {
		return fmt.Sprintf("%s；要分的财产按%s算没有超过20万元，不另外交钱。", base, money(v))
	}
	return fmt.Sprintf("%s；要分的财产按%s算，超过20万元的部分加收0.5%%，约%s。", base, money(v), money((v-2e5)*.005))
}

// serviceYears counts as 劳动合同法 第四十七条 does: six months or more is a year,
// less is half a year.
func serviceYears(months float64) float64 {
	years := math.Floor(months / 12)
	switch rest := months - years*12; {
	case rest >= 6:
		years++
	case rest > 0:
		years += .5
	}
	return years
}

func severance(t string) string {
	months, ok := served(t)
	if !ok {
		return ""
	}
	n := serviceYears(months)
	s := fmt.Sprintf("按你说的工作年限算，经济补偿（N）是%s个月工资；单位违法解除的，赔偿金（2N）是%s个月工资。", number(n), number(2*n))
	if list := wages(t); len(list) > 0 {
		w := list[0].value
		s += fmt.Sprintf("月工资按%s算，N约%s，2N约%s（月工资要按离职前12个月平均算）。", money(w), money(n*w), money(2*n*w))
	}
	return s
}

var (
	workedBefore = regexp.MustCompile(`(?:干|做|工作|上班|打工|工龄|入职|进厂|进公司|进单位|待|呆|来|用工)(?:了|满|有|是|已经|已|都|快|这里|这儿|在这|他家|到现在)*$`)
	paidBefore   = regexp.MustCompile(`(?:交|缴|缴费|参保|买|缴纳)(?:了|过|满|有|够|费|社保|保险|失业保险|失业金|的|已经|一共|总共|累计)*$`)
)

// served is how many months somebody worked for an employer: the time that stands
// behind a word for work; else the only time there is, if it is of nothing else.
func served(t string) (months float64, ok bool) {
	if m, ok := monthsAfter(t, workedBefore); ok {
		return m, true
	}
	if otherTime.MatchString(t) {
		return 0, false
	}
	return monthsIn(t)
}

// otherTime is time that is not that of the work: of arrears, or ago.
var otherTime = regexp.MustCompile(`(?:欠|拖|拖欠|没发|不发|压了?)[^，。]{0,8}(?:年|个月)|(?:年|个月)[^，。]{0,3}(?:没发|不发|没给|工资|薪)|(?:年|个月)(?:以|之)?前`)

func wages(t string) []quantity {
	var list []quantity
	for _, q := range yuan(t) {
		if q.value >= 800 && q.value <= 200000 {
			list = append(list, q)
		}
	}
	return list
}

func doubleWage(t string) string {
	months, ok := served(t)
	if !ok {
		return ""
	}
	if months <= 1 {
		return "按你说的时间，用工还没有超过1个月，单位还来得及补签，暂时不用付二倍工资。"
	}
	n := math.Min(months-1, 11)
	s := fmt.Sprintf("按你说的时间算，二倍工资从用工满一个月的次日（第2个月）起算，可以要求%s个月的二倍工资差额（最多11个月）。", number(n))
	if list := wages(t); len(list) > 0 {
		s += fmt.Sprintf("月工资按%s算，差额约%s。", money(list[0].value), money(list[0].value*n))
	}
	if months > 12 {
		return s + "但申请仲裁的时效是1年，干满一年以后拖得越久，能支持的越少，各地算法不同，要尽快申请。"
	}
	return s + "申请仲裁的时效是1年。"
}

func childSupport(t string) string {
	list := wages(t)
	if len(list) == 0 {
		return ""
	}
	w := list[0].value
	s := fmt.Sprintf("按你说的月收入%s算，一个孩子一般每月%s到%s（20%%到30%%）。", money(w), money(w*.2), money(w*.3))
	if regexp.MustCompile(`[两二2三3]个(孩子|娃|小孩|子女)`).MatchString(t) {
		s += fmt.Sprintf("两个以上孩子合计一般不超过%s（50%%）。", money(w*.5))
	}
	return s
}

func unemployment(t string) string {
	months, ok := monthsAfter(t, paidBefore)
	if !ok {
		return ""
	}
	switch y := months / 12; {
	case y < 1:
		return "按你说的，累计缴费不满1年，还不够领失业保险金的条件。"
	case y < 5:
		return fmt.Sprintf("按你说的缴费%s年算，最长可以领12个月。", number(y))
	case y < 10:
		return fmt.Sprintf("按你说的缴费%s年算，最长可以领18个月。", number(y))
	default:
		return fmt.Sprintf("按你说的缴费%s年算，最长可以领24个月。", number(y))
	}
}

// disabilityMonths are the months of one's own wage that grades 1 to 10 get at
// once (工伤保险条例 第三十五条至第三十七条).
var disabilityMonths = [11]int{0, 27, 25, 23, 21, 18, 16, 13, 11, 9, 7}

var gradePattern = regexp.MustCompile(`(10|[1-9]|十|[一二三四五六七八九])级`)

func disability(t string) string {
	m := gradePattern.FindStringSubmatch(t)
	if m == nil {
		return ""
	}
	g, ok := parseNumber(m[1])
	if !ok || g < 1 || g > 10 {
		return ""
	}
	s := fmt.Sprintf("%d级伤残的一次性伤残补助金是%d个月的本人工资。", g, disabilityMonths[g])
	if list := wages(t); len(list) > 0 {
		s += fmt.Sprintf("本人工资按%s算，约%s。", money(list[0].value), money(list[0].value*float64(disabilityMonths[g])))
	}
	return s
}

func probation(t string) string {
	var months float64
	for _, q := range quantities(t) {
		before := t[max(0, q.start-len("试用期约定是")):q.start]
		if strings.Contains(before, "试用") {
			continue
		}
		switch q.unit {
		case "年":
			months = q.value * 12
		case "个月":
			months = q.value
		}
		if months > 0 {
			break
		}
	}
	switch {
	case months == 0:
		return ""
	case months < 3:
		return "按你说的合同期限，不满三个月的合同不得约定试用期。"
	case months < 12:
		return "按你说的合同期限（三个月以上不满一年），试用期不得超过1个月。"
	case months < 36:
		return "按你说的合同期限（一年以上不满三年），试用期不得超过2个月。"
	}
	return "按你说的合同期限（三年以上），试用期不得超过6个月。"
}

func damages(t string, times, least float64, when string) string {
	list := yuan(t)
	if len(list) == 0 {
		return ""
	}
	v := list[0].value
	if v > 1e6 {
		return ""
	}
	return fmt.Sprintf("按你说的价款%s算，%s，除退钱外可以要求赔%s（%s倍，不足%s的按%s）。", money(v), when, money(math.Max(v*times, least)), number(times), money(least), money(least))
}

func principal(t string) string {
	list := yuan(t)
	if len(list) < 2 {
		return ""
	}
	a, b := list[0].value, list[1].value
	low := math.Min(a, b)
	if low == math.Max(a, b) || low < math.Max(a, b)/3 {
		return ""
	}
	return fmt.Sprintf("按你说的，实际到手%s，本金就按%s算，不按%s算；预先扣掉的%s不算本金。", money(low), money(low), money(math.Max(a, b)), money(math.Abs(a-b)))
}

func deposit(t string) string {
	list := yuan(t)
	if len(list) == 0 {
		return ""
	}
	v := list[0].value
	return fmt.Sprintf("按你说的定金%s算：收定金的一方违约，双倍返还是%s；定金超过合同总价20%%的部分不算定金。", money(v), money(2*v))
}

// payDays is the paid working days of a month (人社部发〔2008〕3号, 企业职工带薪年休假
// 实施办法 第十一条).
const payDays = 21.75

func overtime(t string) string {
	list := wages(t)
	if len(list) == 0 {
		return ""
	}
	day := list[0].value / payDays
	return fmt.Sprintf("月工资按%s算，日工资约%s、小时工资约%s：平时加班每小时约%s，休息日加班（不补休）每天约%s，法定节假日每天约%s。",
		money(list[0].value), money(day), money(day/8), money(day/8*1.5), money(day*2), money(day*3))
}

func number(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
