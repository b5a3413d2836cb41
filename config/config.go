// Package config declares every setting once: its name, default, meaning and
// unit. It reads them from the environment and from a KEY=value file, secrets
// also from files named by *_FILE, and says in plain words what is wrong with a
// value. It imports nothing of ours; each package takes its own section.
package config

import "time"

// Config is every setting of the program. The env tag names the setting, the
// default tag its default, the doc tag what a person reads about it in the
// README and in `mingbai config`.
type Config struct {
	Env     string `env:"ENV" default:"trial" doc:"trial 试用，production 正式：正式环境不接受本机或不加密的平台地址"`
	Listen  string `env:"LISTEN" default:"127.0.0.1:8080" doc:"网页和接口的监听地址"`
	DataDir string `env:"DATA_DIR" default:"data" doc:"数据目录：数据库、导入的法律文本、索引缓存、本县资料"`
	LogJSON bool   `env:"LOG_JSON" default:"false" doc:"日志用 JSON 格式（默认是便于阅读的文本）"`
	Debug   bool   `env:"DEBUG" default:"false" doc:"记录调试日志（任何级别都不记录群众的原话和姓名号码）"`

	Knowledge Knowledge
	Store     Store
	Web       Web
	Console   Console
	Limits    Limits
	QQ        QQ
	Model     Model
	Publish   Publish
	Keep      Keep

	Publishing Publishing
	Notify     Notify
}

// Knowledge is where answers come from.
type Knowledge struct {
	Dir    string        `env:"KNOWLEDGE_DIR" default:"" doc:"自己的知识条目目录：补充或覆盖内置条目，改了不用重启"`
	Reload time.Duration `env:"KNOWLEDGE_RELOAD" default:"15s" doc:"多久看一次知识条目和专题开关有没有变化"`
	Hosts  []string      `env:"LAW_HOSTS" default:"flk.npc.gov.cn,wb.flk.npc.gov.cn" doc:"允许从哪些网站导入法律文本（只限 https，逗号分隔）"`
}

// Store is where records and conversations live.
type Store struct {
	DatabaseURL Secret        `env:"DATABASE_URL" default:"" doc:"PostgreSQL 地址，如 postgres://用户:密码@主机/库；不填用数据目录里的 SQLite"`
	RedisURL    Secret        `env:"REDIS_URL" default:"" doc:"会话存 Redis：redis://主机:6379/0，哨兵 redis+sentinel://主机1:26379,主机2:26379/主名，集群 redis+cluster://主机1:6379,主机2:6379；别的机器上没设密码的要加 ?no_password=yes；不填存本地数据库"`
	SessionTTL  time.Duration `env:"SESSION_TTL" default:"24h" doc:"一段对话隔多久不说话就忘掉"`
}

// Web is how the page and the interfaces are served.
type Web struct {
	TrustedProxies []string `env:"TRUSTED_PROXIES" default:"" doc:"信任哪些反向代理的 X-Forwarded-For（网段，逗号分隔）"`
	PublicURL      string   `env:"PUBLIC_URL" default:"" doc:"居民访问的网址，如 https://fuwu.example.gov.cn"`
}

// Console is how the office signs in.
type Console struct {
	Issuer   string `env:"OIDC_ISSUER" default:"" doc:"统一身份认证（OpenID Connect）的地址；填了，后台可以用它登录"`
	ClientID string `env:"OIDC_CLIENT_ID" default:"" doc:"在统一身份认证里登记的应用号；回调地址登记成 PUBLIC_URL 加 /console/oidc/back"`
	Secret   Secret `env:"OIDC_CLIENT_SECRET" default:"" doc:"应用的密钥"`
	Name     string `env:"OIDC_NAME" default:"统一身份认证" doc:"登录按钮上怎么称呼它"`
	Claim    string `env:"OIDC_CLAIM" default:"sub" doc:"用哪一项认人（和人员页面上填的用户号比）"`
}

// Limits bound what one person and all people together may ask of the machine.
type Limits struct {
	PersonPerMinute int           `env:"PERSON_PER_MINUTE" default:"20" doc:"每人每分钟最多几条消息"`
	AddressPerMin   int           `env:"ADDRESS_PER_MINUTE" default:"600" doc:"每个网络地址每分钟最多几次请求（村里常常多人共用一个地址）"`
	Queue           int           `env:"QUEUE" default:"1000" doc:"最多同时排队的消息数，满了请对方稍后再发"`
	Drain           time.Duration `env:"DRAIN" default:"10s" doc:"停机时最多等多久把正在回答的消息答完"`
}

// QQ is the bot on the QQ platform: one by these settings, or several by a file.
type QQ struct {
	AppID          string        `env:"QQ_APP_ID" default:"" doc:"QQ 机器人的 AppID；填了就接通 QQ"`
	Secret         Secret        `env:"QQ_APP_SECRET" default:"" doc:"QQ 机器人的 AppSecret"`
	Bots           string        `env:"QQ_BOTS" default:"" doc:"几个机器人一起跑时，写一个 YAML 文件（样子见 docs/guide-qq.md），代替上面两项"`
	APIBase        string        `env:"QQ_API_BASE" default:"https://api.bot.qq.com" doc:"QQ 开放接口的地址；旧地址 https://api.sgroup.qq.com，沙箱 https://sandbox.api.sgroup.qq.com"`
	TokenBase      string        `env:"QQ_TOKEN_BASE" default:"https://api.bot.qq.com" doc:"换取令牌的地址；旧地址 https://bots.qq.com"`
	Transport      string        `env:"QQ_TRANSPORT" default:"webhook" doc:"怎样收消息：webhook（推荐，要有公网 https 地址 /qq/webhook）或 websocket"`
	Domains        []string      `env:"QQ_URL_DOMAINS" default:"" doc:"在 QQ 控制台“消息URL配置”里登记过的域名，逗号隔开；其他网址发出去前会改得点不开"`
	MaxBody        int           `env:"QQ_MAX_BODY" default:"65536" doc:"QQ 回调最大多少字节"`
	Freshness      time.Duration `env:"QQ_FRESHNESS" default:"5m" doc:"QQ 回调签名的时间最多差多少"`
	OpenValidation bool          `env:"QQ_OPEN_VALIDATION" default:"false" doc:"回答没有签名的回调地址验证；只在控制台填地址那几分钟、验证不过时才打开"`
}

// Model is the language model that words answers and the one that gives vectors
// of texts. Without either the program answers from reviewed entries alone.
type Model struct {
	BaseURL  string   `env:"OPENAI_BASE_URL" default:"" doc:"大模型接口地址（OpenAI 兼容，写到 /v1 为止）；填了就用大模型组织答案，不填只用审核过的条目"`
	Key      Secret   `env:"OPENAI_API_KEY" default:"" doc:"大模型接口的密钥；自己部署的可以不填"`
	Name     string   `env:"OPENAI_MODEL" default:"" doc:"大模型名称，如 deepseek-chat、qwen-plus"`
	JSON     string   `env:"MODEL_JSON" default:"object" doc:"怎样要 JSON：object（多数平台）、schema（支持 json_schema 的平台）、none（都不支持）"`
	Hosts    []string `env:"MODEL_HOSTS" default:"api.deepseek.com,dashscope.aliyuncs.com,open.bigmodel.cn,api.moonshot.cn,qianfan.baidubce.com,ark.cn-beijing.volces.com,api.hunyuan.cloud.tencent.com,api.lkeap.cloud.tencent.com,api.siliconflow.cn,api.minimaxi.com,spark-api-open.xf-yun.com" doc:"允许连接的大模型主机（境内平台；本机总是允许；自己机房的写上主机名或 IP）"`
	AnyHost  bool     `env:"MODEL_HOSTS_ANY" default:"false" doc:"不限制大模型主机；数据可能出境，须先办妥手续"`
	Provider string   `env:"MODEL_PROVIDER" default:"" doc:"大模型由谁提供，公示给居民；正式环境必填"`
	Filing   string   `env:"MODEL_FILING" default:"" doc:"大模型的备案号或登记号，公示给居民；正式环境必填"`

	Concurrent   int  `env:"MODEL_CONCURRENT" default:"4" doc:"最多同时几次大模型调用，再多的直接给不用模型的答案"`
	TokensPerson int  `env:"MODEL_TOKENS_PERSON" default:"20000" doc:"每人每天最多用多少词元，用完当天给不用模型的答案"`
	TokensBot    int  `env:"MODEL_TOKENS_BOT" default:"2000000" doc:"每个机器人每天最多用多少词元"`
	TokensDay    int  `env:"MODEL_TOKENS_DAY" default:"2000000" doc:"全部加起来每天最多用多少词元"`
	Rerank       bool `env:"MODEL_RERANK" default:"false" doc:"用大模型给检索到的前 30 条重新排序（更准，慢几秒，多用词元）"`

	Embedding          string `env:"EMBEDDING_MODEL" default:"" doc:"向量模型名称；填了并用 mingbai knowledge embed 算好向量后，检索会一并用上"`
	EmbeddingBaseURL   string `env:"EMBEDDING_BASE_URL" default:"" doc:"向量接口地址；不填用 OPENAI_BASE_URL"`
	EmbeddingKey       Secret `env:"EMBEDDING_API_KEY" default:"" doc:"向量接口的密钥；不填用 OPENAI_API_KEY"`
	EmbeddingPerMinute int    `env:"EMBEDDING_PER_MINUTE" default:"300" doc:"每分钟最多几次向量请求（每次 10 段文字）"`
}

// Publish is where reviewed articles go: a directory that is served at /pufa/,
// and a bucket and a receiver of webhooks if they are set.
type Publish struct {
	Dir   string   `env:"PUBLISH_DIR" default:"" doc:"普法网页放在哪个目录（在 /pufa/ 打开）；不填放在数据目录的 pufa 里"`
	Title string   `env:"PUBLISH_TITLE" default:"" doc:"普法网页的名称；不填用“县名+普法”"`
	Unit  string   `env:"PUBLISH_UNIT" default:"" doc:"普法网页写的发布单位，如 某某县司法局；不填用网页的名称"`
	Hosts []string `env:"PUBLISH_HOSTS" default:"flk.npc.gov.cn,www.12348.gov.cn,www.moj.gov.cn" doc:"普法内容里的链接可以指向哪些网站（只限 https，逗号分隔）；其他链接发布时只留文字"`

	S3Endpoint string `env:"S3_ENDPOINT" default:"" doc:"对象存储的地址；填了就把普法网页也发到那里。腾讯云 https://cos.地域.myqcloud.com，阿里云 https://oss-地域.aliyuncs.com，MinIO 写它的地址"`
	S3Bucket   string `env:"S3_BUCKET" default:"" doc:"存储桶的名字（腾讯云的带后面的数字）"`
	S3Prefix   string `env:"S3_PREFIX" default:"" doc:"放在桶里哪个目录下，如 pufa/；不填放在最上层"`
	S3Region   string `env:"S3_REGION" default:"" doc:"签名用的地域；不填从地址里认（腾讯云、阿里云认得出）"`
	S3Key      Secret `env:"S3_ACCESS_KEY" default:"" doc:"对象存储的 AccessKey / SecretId"`
	S3Secret   Secret `env:"S3_SECRET_KEY" default:"" doc:"对象存储的 SecretKey"`
	S3URL      string `env:"S3_URL" default:"" doc:"群众打开桶里网页的网址，如绑在桶上的域名 https://pufa.example.gov.cn/；填了 S3_ENDPOINT 就要填"`

	HookURL    string   `env:"PUBLISH_HOOK_URL" default:"" doc:"发布时通知谁（webhook），如大喇叭、村务屏平台的接口 https://主机/路径；不填不通知"`
	HookSecret Secret   `env:"PUBLISH_HOOK_SECRET" default:"" doc:"和对方约定的签名密钥，至少 32 个字符（openssl rand -hex 32）"`
	HookHosts  []string `env:"PUBLISH_HOOK_HOSTS" default:"" doc:"允许通知哪些主机（逗号分隔）；本单位内网的写 IP"`
}

// Notify is how staff are told of work outside the bot: group robots and mail.
// What goes out names a number and a step, never anybody's data.
type Notify struct {
	WeCom          Secret   `env:"NOTIFY_WECOM" default:"" doc:"企业微信群机器人的地址（群设置里复制，带 key）；填了，工作提醒也发到那个群，只有编号和步骤"`
	DingTalk       Secret   `env:"NOTIFY_DINGTALK" default:"" doc:"钉钉群自定义机器人的地址（带 access_token）"`
	DingTalkSecret Secret   `env:"NOTIFY_DINGTALK_SECRET" default:"" doc:"钉钉机器人“加签”的密钥（SEC 开头）"`
	Feishu         Secret   `env:"NOTIFY_FEISHU" default:"" doc:"飞书群自定义机器人的地址"`
	FeishuSecret   Secret   `env:"NOTIFY_FEISHU_SECRET" default:"" doc:"飞书机器人“签名校验”的密钥"`
	Hosts          []string `env:"NOTIFY_HOSTS" default:"qyapi.weixin.qq.com,oapi.dingtalk.com,open.feishu.cn" doc:"允许发提醒的主机（逗号分隔）；单位自建的网关写上它的主机名或 IP"`
	SMTP           string   `env:"SMTP_SERVER" default:"" doc:"发提醒邮件的服务器 主机:端口；填了，登记了邮箱的工作人员也收邮件"`
	SMTPUser       string   `env:"SMTP_USER" default:"" doc:"邮件服务器的账号"`
	SMTPPassword   Secret   `env:"SMTP_PASSWORD" default:"" doc:"邮件服务器的密码或授权码"`
	SMTPFrom       string   `env:"SMTP_FROM" default:"" doc:"发件人地址，如 mingbai@example.gov.cn；不填用 SMTP_USER"`
	SMTPTLS        string   `env:"SMTP_TLS" default:"tls" doc:"tls（465 端口）、starttls（587 端口）或 none（只许本机和内网）"`
}

// Keep is for how long what is kept of people stays. What is due goes once a
// day; audit entries hold nobody's words and stay for good.
type Keep struct {
	Cases    int `env:"KEEP_CASES_DAYS" default:"3650" doc:"事项办结后保留多少天，到期删掉姓名、电话、经过和答复，只留编号和统计（默认 10 年：文书档案定期保管的最短一档；本单位档案规定更长的照规定设，0 不删）"`
	Consults int `env:"KEEP_CONSULTS_DAYS" default:"400" doc:"咨询记录多少天后不再能认出是同一个人问的（默认 400 天：够和去年同期比；记录里从来没有原话）"`
	Notices  int `env:"KEEP_NOTICES_DAYS" default:"180" doc:"办结事项的通知原文保留多少天（默认半年：事项里都有，通知只为送达留证）"`
	Reads    int `env:"KEEP_READS_DAYS" default:"400" doc:"谁看过哪一件的记录保留多少天（默认 400 天；网络安全法要求网络日志不少于六个月）"`
}

// Publishing is when plans may send anything to people.
type Publishing struct {
	Window string        `env:"PUBLISH_WINDOW" default:"08:30-20:30" doc:"每天什么时候可以发布普法内容（北京时间）"`
	Grace  time.Duration `env:"PUBLISH_GRACE" default:"10m" doc:"计划晚多久还算准时；再晚按计划的补发办法"`
	Expire time.Duration `env:"PUBLISH_EXPIRE" default:"72h" doc:"送不到的内容多久以后不再送"`
}

// Production is the Env in which nothing may be pointed at a trial platform.
const Production = "production"
