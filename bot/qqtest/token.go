package qqtest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// token is an access token and until when it is good.
type token struct {
	value   string
	bot     *Bot
	expires time.Time
	revoked bool
}

// renewal is the last stretch of a token's life, in which a new one is issued
// while the old one stays good (access-token page).
const renewal = time.Minute

// issueToken answers POST /app/getAppAccessToken. Its errors come with HTTP 200.
func (c *call) issueToken() reply {
	var in struct {
		AppID  string `json:"appId"`
		Secret string `json:"clientSecret"`
	}
	if err := json.Unmarshal(c.body, &in); err != nil {
		return tokenError(codeBadSecret)
	}
	p, b := c.p, c.p.bots[in.AppID]
	if b == nil || b.banned {
		return tokenError(codeBadAppID)
	}
	c.entry.Bot = b.appID
	if in.Secret != b.secret {
		return tokenError(codeBadSecret)
	}
	now := p.now()
	if b.token == nil || b.token.revoked || b.token.expires.Sub(now) <= renewal {
		p.dropTokens(now)
		b.token = &token{value: "AT" + p.nextID("token"), bot: b, expires: now.Add(p.rules.TokenTTL)}
		p.tokens[b.token.value] = b.token
	}
	left := int(b.token.expires.Sub(now) / time.Second)
	return ok(object{"access_token": b.token.value, "expires_in": strconv.Itoa(left)})
}

// tokenError is an error of the token endpoint, which has a shape of its own.
func tokenError(code int) reply {
	return reply{status: 200, code: code, body: object{"code": code, "message": words[code]}}
}

// dropTokens forgets tokens that ended more than a day ago.
func (p *Platform) dropTokens(now time.Time) {
	for v, t := range p.tokens {
		if now.Sub(t.expires) > 24*time.Hour {
			delete(p.tokens, v)
		}
	}
}

// RevokeToken makes all tokens of a bot invalid before their time.
func (p *Platform) RevokeToken(b *Bot) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, t := range p.tokens {
		if t.bot == b {
			t.revoked = true
		}
	}
	p.record(Entry{Kind: KindNote, Bot: b.appID, Note: "tokens revoked"})
}

// identify finds the bot of an Authorization header. The code is 0 if it may go on.
func (p *Platform) identify(header string) (*Bot, int) {
	value, isQQ := strings.CutPrefix(header, "QQBot ")
	if !isQQ || value == "" {
		return nil, codeNoToken
	}
	return p.tokenBot(value)
}

func (p *Platform) tokenBot(value string) (*Bot, int) {
	t := p.tokens[value]
	if t == nil {
		return nil, codeUnknownToken
	}
	if t.revoked || !p.now().Before(t.expires) {
		return t.bot, codeExpiredToken
	}
	return t.bot, 0
}
