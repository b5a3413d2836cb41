package office

import "slices"

// disputeKind is a kind of disputes that the classifier tells apart: which lane
// it takes, who has it there and what is said of it. Its name begins with the
// lane's.
type disputeKind struct {
	name   string
	body   string
	reason string // begins with what it looks like: the classifier can err
	item   string // of the list of departments' matters, whose department goes before body
}

func (k disputeKind) lane() string {
	for _, lane := range Lanes {
		if len(k.name) > len(lane) && k.name[:len(lane)] == lane {
			return lane
		}
	}
	return LaneUnsure
}

const (
	peoples   = "村（社区）、乡镇（街道）人民调解委员会"
	isFree    = "，人民调解不收费，可以自己选调解员。"
	ownPanel  = "，有专门的调解组织，不收费的先找它。"
	theMatter = "，由主管部门处理或者主持调解。"
	police    = "公安机关 110，同时报经办人"
)

// disputeKinds lists them, sorted by name: the weights of the model stand in
// this order.
var disputeKinds = []disputeKind{
	{"admin.affray", "公安派出所", "像是没有造成伤害的推搡、拉扯" + theMatter, "轻微治安纠纷"},
	{"admin.city", "城市管理部门、乡镇（街道）", "像是占道、环卫、道路设施的事" + theMatter, "市容、道路设施"},
	{"admin.consumer", "市场监督管理部门（12315）", "像是消费纠纷" + theMatter, "消费"},
	{"admin.education", "教育部门", "像是学校、培训机构收费和招生的事" + theMatter, "教育、培训"},
	{"admin.housing", "住房和城乡建设部门", "像是买房、中介、装修的纠纷" + theMatter, "买房、装修"},
	{"admin.land", "乡镇人民政府（街道）、自然资源和林业部门", "像是土地、山林的权属和地界纠纷" + theMatter, "土地、山林权属"},
	{"admin.noise", "城市管理、公安、生态环境部门", "像是经营、施工的噪声和油烟扰民" + theMatter, "噪声、油烟"},
	{"admin.pollution", "生态环境部门", "像是环境污染" + theMatter, "环境污染"},
	{"admin.post", "邮政管理部门", "像是快递、邮政、托运的纠纷" + theMatter, "快递、邮政"},
	{"admin.social", "人力资源和社会保障部门、医疗保障部门", "像是单位没有缴或者少缴社会保险" + theMatter, "社会保险"},
	{"admin.telecom", "通信管理部门", "像是电信服务的纠纷" + theMatter, "电信服务"},
	{"admin.tourism", "文化和旅游部门", "像是旅游纠纷" + theMatter, "旅游"},
	{"admin.transport", "交通运输部门", "像是客运、停车收费的纠纷" + theMatter, "客运、停车"},
	{"admin.utility", "供水、供电、供气、供热的主管部门", "像是水、电、气、暖的纠纷" + theMatter, "水电气暖"},
	{"admin.wages", "人力资源和社会保障部门（劳动保障监察）", "像是拖欠劳动报酬" + theMatter, "欠薪"},
	{"judicial.agreement", "人民法院", "像是签了调解协议又反悔、不履行；可以就协议向法院起诉（人民调解法第三十二条）。", ""},
	{"judicial.enforce", "人民法院执行局", "像是裁判已经生效、对方不履行；向法院申请执行。", ""},
	{"judicial.incourt", "人民法院", "像是已经到了法院；想和解、调解，向承办法官说明。", ""},
	{"judicial.labour", "劳动人事争议仲裁委员会", "像是劳动争议；可以先调解，调不成或不愿调的，先仲裁后起诉（劳动争议调解仲裁法第五条）。", ""},
	{"judicial.refuse", "人民法院", "像是对方不愿调解；一方明确拒绝调解的，不得调解（人民调解法第十七条）。", ""},
	{"judicial.review", "行政复议机关或人民法院", "像是对行政机关的处罚、征收等决定不服；走行政复议或行政诉讼。", ""},
	{"people.family", peoples, "像是婚姻家庭、赡养、继承的纠纷" + isFree, ""},
	{"people.money", peoples, "像是熟人之间借钱、合伙、算账的纠纷" + isFree, ""},
	{"people.neighbour", peoples, "像是邻里纠纷" + isFree, ""},
	{"people.other", peoples, "像是民间纠纷" + isFree, ""},
	{"people.rent", peoples, "像是租房、租地的纠纷" + isFree, ""},
	{"report.crime", "公安机关 110", "像是违法犯罪；要报告公安机关（人民调解法第二十五条），不能用调解代替。", ""},
	{"report.minor", police, "像是有未成年人受侵害；要立即报告（未成年人保护法第十一条）。", ""},
	{"report.violence", "公安机关 110；家庭暴力可申请人身安全保护令", "像是有暴力或现实危险；先保护人，不能先调解。", ""},
	{"trade.elder", "养老服务纠纷调解组织、民政部门", "像是养老机构里的纠纷" + ownPanel, ""},
	{"trade.finance", "金融消费、保险纠纷调解组织", "像是保险、银行的纠纷" + ownPanel, ""},
	{"trade.medical", "医疗纠纷人民调解委员会", "像是医疗纠纷" + ownPanel, ""},
	{"trade.property", "物业纠纷人民调解委员会", "像是物业服务的纠纷" + ownPanel, ""},
	{"trade.school", "校园纠纷人民调解委员会", "像是在学校、幼儿园受的伤" + ownPanel, ""},
	{"trade.traffic", "道路交通事故人民调解委员会", "像是交通事故赔偿" + ownPanel, ""},
}

// kindNames gives the names in the order of the model's weights.
func kindNames() []string {
	names := make([]string, len(disputeKinds))
	for i, k := range disputeKinds {
		names[i] = k.name
	}
	return names
}

// proposal says where a dispute of the kind goes by the office's list.
func (k disputeKind) proposal(items []Item) Proposal {
	p := Proposal{k.lane(), k.body, k.reason}
	if i := slices.IndexFunc(items, func(it Item) bool { return it.Name == k.item }); i >= 0 {
		p.Body = items[i].Department
	}
	return p
}
