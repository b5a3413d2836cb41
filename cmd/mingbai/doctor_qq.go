package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"mingbai/bot"
	"mingbai/config"
)

func checkQQ(ctx context.Context, a *app) []finding {
	c := a.config
	list, err := qqBots(c.QQ)
	if err != nil {
		return []finding{{"QQ", fault, err.Error(), "按 docs/guide-qq.md“几个机器人”一节改"}}
	}
	if len(list) == 0 {
		return []finding{{"QQ", fine, "没有接", ""}}
	}
	var found []finding
	for _, b := range list {
		o := b.options(c.QQ)
		name := "QQ " + b.Name
		r, err := bot.CheckQQ(ctx, o)
		if err != nil {
			found = append(found, finding{name, fault, err.Error(), "检查 QQ_API_BASE 和 QQ_TOKEN_BASE"})
			continue
		}
		found = append(found, platformFindings(name, r)...)
		if b.Transport == bot.QQByWebhook {
			found = append(found, callbackFindings(ctx, a, name, o)...)
		} else if r.Token == nil && r.Call == nil {
			found = append(found, answer(name+" websocket", r.Gateway, "能连上", "检查出口防火墙是否放行 wss（443 端口）"))
		}
	}
	return found
}

// badClock is how far the clock may be off: signatures are good for 5 minutes.
const badClock = 2 * time.Minute

func platformFindings(name string, r bot.QQReport) []finding {
	var found []finding
	switch {
	case !r.Dated:
		found = append(found, finding{name + " 时钟", note, "平台没有告诉时间，没法核对", "确认服务器开了自动对时（timedatectl）"})
	case r.Ahead.Abs() > badClock:
		found = append(found, finding{name + " 时钟", fault, fmt.Sprintf("和平台差 %v", r.Ahead.Abs()), "打开自动对时：timedatectl set-ntp true；差 5 分钟以上，平台发来的消息会全被当成过期的拒收"})
	default:
		found = append(found, finding{name + " 时钟", fine, fmt.Sprintf("和平台差 %v", r.Ahead.Abs()), ""})
	}
	found = append(found, answer(name+" 令牌", r.Token, "能拿到", "检查 QQ_APP_ID、QQ_APP_SECRET 和控制台“开发设置”里的是否一样；重置过 AppSecret 要一起换"))
	if r.Token == nil {
		said := "能调用"
		if r.Bot != "" {
			said += "，机器人叫“" + r.Bot + "”"
		}
		found = append(found, answer(name+" 接口", r.Call, said, "在控制台看机器人的状态"))
	}
	return found
}

// qqAdvice is what to do about codes of the platform that an operator meets when
// setting up. Source: the platform's tables of codes, 2026-09.
var qqAdvice = map[int]string{
	10004:    "没有这个机器人：检查 QQ_APP_ID",
	100007:   "AppID 不对，或者机器人被封禁、删除：在控制台看它的状态",
	100016:   "AppID 和 AppSecret 对不上：到控制台“开发设置”重新复制",
	100001:   "要令牌太频繁：等一分钟再试，看是不是另有程序在用同一个机器人",
	11298:    "这台机器的出口地址不在白名单：在控制台“开发设置 → IP 白名单”里加上",
	40023002: "这台机器的出口地址不在白名单：在控制台“开发设置 → IP 白名单”里加上",
	11253:    "机器人没有这个接口的权限：在控制台申请",
	11254:    "机器人没有这个接口的权限：在控制台申请",
	11265:    "机器人已下架或者没有发布：在控制台看它的状态",
	40054016: "机器人已下架或者被封禁：在控制台看它的状态",
}

// answer makes a finding of an error; without one all is well.
func answer(check string, err error, well, do string) finding {
	var f *bot.QQFault
	switch {
	case err == nil:
		return finding{check, fine, well, ""}
	case !errors.As(err, &f):
		return finding{check, fault, err.Error(), do}
	case qqAdvice[f.Code] != "":
		return finding{check, fault, fmt.Sprintf("平台拒绝（%d）", f.Code), qqAdvice[f.Code]}
	case f.Status == 0:
		return finding{check, fault, "连不上平台", "检查这台机器能不能上网、DNS 和出口防火墙；地址见 QQ_API_BASE、QQ_TOKEN_BASE"}
	}
	return finding{check, fault, fmt.Sprintf("平台拒绝（错误码 %d，HTTP %d）", f.Code, f.Status), do}
}

// qqPorts are the ports that the platform calls back on. Source: its webhook page, 2026-09.
var qqPorts = map[string]bool{"": true, "80": true, "443": true, "8080": true, "8443": true}

// soon is when a certificate is to be renewed at the latest.
const soon = 14 * 24 * time.Hour

// callbackFindings knocks at this machine and then at the public address, as the
// platform does.
func callbackFindings(ctx context.Context, a *app, name string, o bot.QQOptions) []finding {
	check := name + " 回调"
	home := knock(ctx, o, "http://"+localAddress(a.config.Listen)+qqPath)
	if home.Status == 0 {
		return []finding{{check, fault, "本机 " + a.config.Listen + " 上没有服务在听", "先启动：mingbai serve（或 systemctl start mingbai），再检查"}}
	}
	if !home.Proved {
		return []finding{{check, fault, fmt.Sprintf("本机 %s 上的程序答得不对（HTTP %d）", a.config.Listen, home.Status), "正在跑的服务用的可能是旧的设置：重启它；或者这个端口上是别的程序"}}
	}
	if a.config.Web.PublicURL == "" {
		return []finding{{check, fault, "本机正常，但 PUBLIC_URL 没有设，外面进不来", "设 PUBLIC_URL=https://你的域名，并在控制台填 " + callback(a.config)}}
	}
	return outside(a.config, check, knock(ctx, o, callback(a.config)))
}

func outside(c *config.Config, check string, k bot.Knock) []finding {
	u, err := url.Parse(c.Web.PublicURL)
	if err != nil || u.Scheme != "https" || !qqPorts[u.Port()] {
		return []finding{{check, fault, "平台只回调 https，端口只能是 443、8443、80、8080", "改 PUBLIC_URL 和前面的 nginx/caddy"}}
	}
	switch {
	case k.TLS != nil:
		return []finding{{check, fault, "证书有问题：" + k.TLS.Error(), "换一张正规机构签发、没有过期、域名对得上的证书，带上中间证书"}}
	case k.Status == 0:
		return []finding{{check, fault, "从这台机器访问不到 " + callback(c), "检查域名解析、防火墙、nginx/caddy 有没有启动；内网不能绕回公网地址时，在外面的机器上用 curl 再试"}}
	case !k.Proved:
		return []finding{{check, fault, fmt.Sprintf("%s 答得不对（HTTP %d）", callback(c), k.Status), "nginx/caddy 要把 /qq/webhook 原样转给 " + c.Listen + "：不改请求体，保留 X-Signature 和 X-Bot-Appid 请求头"}}
	case time.Until(k.Until) < soon:
		return []finding{{check, note, "通，但证书 " + k.Until.Local().Format("1月2日") + " 到期", "现在就续签，并打开自动续签"}}
	}
	return []finding{{check, fine, callback(c) + " 通，证书 " + k.Until.Local().Format("2006年1月2日") + " 到期", ""}}
}

// knock never fails: nobody answered is an answer.
func knock(ctx context.Context, o bot.QQOptions, address string) bot.Knock {
	k, err := bot.KnockQQ(ctx, o, address)
	if err != nil {
		return bot.Knock{}
	}
	return k
}

// localAddress is where a server that listens on an address is reached from here.
func localAddress(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if host == "" || strings.Trim(host, "0.:[]") == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
