package handlers

// Fixed sentences. What belongs to one rule stands in data/*.yaml.
const (
	sayHuman     = "想找真人：回“人工”，或打 12348；也可以去乡镇（街道）司法所。"
	sayCallFirst = "有危险先打 110，有人受伤打 120，心里难受打 12356。"
	sayStay      = "您现在安全吗？身边有人能陪您吗？平安了，回我一句“我安全了”。"
	saySafeAgain = "好，平安就好。要是又有危险，马上打 110；心里难受，随时打 12356。" +
		"接下来的事可以慢慢说，我帮您看法律上能怎么办；想找真人，回“人工”或打 12348。"
	sayServices = "我能帮您的是法律方面的事：法律援助、公证、人民调解，还有欠薪、工伤、婚姻家庭、继承、借贷、土地、消费这些纠纷该怎么办、去哪儿办。"
	sayLawful   = "想找真人商量：回“人工”，打 12348，或去乡镇（街道）司法所；经济困难可以申请法律援助。"
	sayGreeting = "您好，我是法律服务助手“明白”。" + sayServices + "\n把事情用大白话说给我听就行，比如“老板三个月没发工资怎么办”。遇到危险先打 110。"
	sayThanks   = "不客气。还有不清楚的，接着问我；想找真人，回“人工”或打 12348。"
	sayBlocked  = "这段话里有不合适的内容，我不能接着说。" + sayServices + "\n" + sayLawful
)
