package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"

	"mingbai/bot"
	"mingbai/config"
)

// maxBotsFile bounds the file of QQ_BOTS, in bytes.
const maxBotsFile = 64 << 10

// qqBot is one bot of the file that QQ_BOTS names.
type qqBot struct {
	Name       string `yaml:"name"` // first part of its addresses; must never change
	AppID      string `yaml:"app_id"`
	Secret     string `yaml:"secret"`
	SecretFile string `yaml:"secret_file"`
	Transport  string `yaml:"transport"`
}

// qqBots lists the bots that the settings switch on; none is no fault.
func qqBots(c config.QQ) ([]qqBot, error) {
	if c.Bots == "" {
		if c.AppID == "" {
			return nil, nil
		}
		return []qqBot{{Name: "qq", AppID: c.AppID, Secret: c.Secret.Reveal(), Transport: c.Transport}}, nil
	}
	f, err := os.Open(c.Bots)
	if err != nil {
		return nil, fmt.Errorf("QQ_BOTS：%w", err)
	}
	defer f.Close()
	var list []qqBot
	if err := yaml.NewDecoder(io.LimitReader(f, maxBotsFile), yaml.Strict()).Decode(&list); err != nil {
		return nil, fmt.Errorf("QQ_BOTS：%s 写得不对，每个机器人写 name、app_id、secret（或 secret_file）：%w", c.Bots, err)
	}
	seen := map[string]bool{}
	for i := range list {
		b := &list[i]
		b.Transport = cmp.Or(b.Transport, c.Transport)
		b.Name = cmp.Or(b.Name, "qq-"+b.AppID)
		if b.SecretFile != "" {
			text, err := os.ReadFile(b.SecretFile)
			if err != nil {
				return nil, fmt.Errorf("QQ_BOTS：%s 的 secret_file：%w", b.Name, err)
			}
			b.Secret = strings.TrimSpace(string(text))
		}
		if b.Transport != bot.QQByWebhook && b.Transport != bot.QQBySocket {
			return nil, fmt.Errorf("QQ_BOTS：%s 的 transport 应写 webhook 或 websocket", b.Name)
		}
		if b.AppID == "" || b.Secret == "" || seen[b.Name] || seen["app "+b.AppID] {
			return nil, fmt.Errorf("QQ_BOTS：第 %d 个机器人缺 app_id 或 secret，或者和前面的重复", i+1)
		}
		seen[b.Name], seen["app "+b.AppID] = true, true
	}
	return list, nil
}

// qqPath is where the platform's events come in.
const qqPath = "/qq/webhook"

// options are those of one bot of the settings.
func (b *qqBot) options(c config.QQ) bot.QQOptions {
	return bot.QQOptions{
		Name: b.Name, AppID: b.AppID, Secret: b.Secret, APIBase: c.APIBase, TokenBase: c.TokenBase, Transport: b.Transport,
		MaxBody: int64(c.MaxBody), Freshness: c.Freshness, OpenValidation: c.OpenValidation, Domains: c.Domains,
	}
}

// attachQQ adds the channels of the bots that are switched on, and gives the
// handler of their webhook by its path; none if no bot takes events that way.
func (s *server) attachQQ(metrics prometheus.Registerer) (map[string]http.Handler, error) {
	c := s.app.config.QQ
	list, err := qqBots(c)
	if err != nil {
		return nil, err
	}
	s.qq = list
	var hooked []*bot.QQ
	for _, b := range list {
		o := b.options(c)
		o.Log, o.Metrics, o.Redis = s.app.log, metrics, s.redis
		q, err := bot.NewQQ(s.store, o)
		if err != nil {
			return nil, err
		}
		s.bot.Attach(q)
		if s.share == nil {
			s.share = q.InviteLink // the first bot's: an invitation is good with all
		}
		if b.Transport == bot.QQByWebhook {
			hooked = append(hooked, q)
		}
	}
	if len(hooked) == 0 {
		return map[string]http.Handler{}, nil
	}
	return map[string]http.Handler{qqPath: bot.NewQQWebhook(hooked...)}, nil
}

// greetQQ tells the operator how each bot takes its events.
func (s *server) greetQQ(w io.Writer) {
	for _, b := range s.qq {
		if b.Transport == bot.QQBySocket {
			fmt.Fprintf(w, "QQ 机器人 %s（AppID %s）：websocket\n", b.Name, b.AppID)
			continue
		}
		fmt.Fprintf(w, "QQ 机器人 %s（AppID %s）：在 QQ 开放平台把回调地址设为 %s\n", b.Name, b.AppID, callback(s.app.config))
	}
	if s.app.config.QQ.OpenValidation {
		fmt.Fprintln(w, "! QQ_OPEN_VALIDATION 开着：控制台里的回调地址验证通过后，请关掉再重启。")
	}
}

// callback is the address that is entered in the console.
func callback(c *config.Config) string {
	if c.Web.PublicURL == "" {
		return "https://你的域名" + qqPath + "（你的域名要设成 PUBLIC_URL）"
	}
	return strings.TrimSuffix(c.Web.PublicURL, "/") + qqPath
}
