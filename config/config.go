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
	Limits    Limits
	QQ        QQ
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
	MaxBody        int           `env:"QQ_MAX_BODY" default:"65536" doc:"QQ 回调最大多少字节"`
	Freshness      time.Duration `env:"QQ_FRESHNESS" default:"5m" doc:"QQ 回调签名的时间最多差多少"`
	OpenValidation bool          `env:"QQ_OPEN_VALIDATION" default:"false" doc:"回答没有签名的回调地址验证；只在控制台填地址那几分钟、验证不过时才打开"`
}

// Production is the Env in which nothing may be pointed at a trial platform.
const Production = "production"
