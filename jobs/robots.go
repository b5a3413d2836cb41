package jobs

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"mingbai/office"
)

// Robots of groups on three platforms, as each documents them ("群机器人",
// "自定义机器人" with 加签 / 签名校验; read 2026-11).
const (
	WeCom    = "wecom"
	DingTalk = "dingtalk"
	Feishu   = "feishu"
)

// Robot posts texts to one group's robot.
type Robot struct {
	kind   string
	secret string // signs; WeCom's robots have none, the key in their address is the secret
	url    *url.URL
	client *http.Client
	now    func() time.Time
}

// RobotOptions says which group.
type RobotOptions struct {
	Kind   string // WeCom, DingTalk or Feishu
	URL    string // as the platform gives it, with its key
	Secret string
	Hosts  []string         // that may be called; URL's must be one
	Now    func() time.Time // time.Now if nil
}

// NewRobot gives the robot of a group.
func NewRobot(o RobotOptions) (*Robot, error) {
	u, client, err := guarded(o.Kind, o.URL, o.Hosts, 10*time.Second)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Kind != WeCom && o.Kind != DingTalk && o.Kind != Feishu {
		return nil, fmt.Errorf("no platform of robots is called %q", o.Kind)
	}
	return &Robot{kind: o.Kind, secret: o.Secret, url: u, client: client, now: o.Now}, nil
}

// Way is the robot's platform.
func (b *Robot) Way() string { return b.kind }

// refusal is a receiver's answer that it did not take a message. final: it never
// will; wait: it asks for so much time.
type refusal struct {
	what  string
	final bool
	wait  time.Duration
}

func (r *refusal) Error() string { return r.what }

// Relay posts one text.
func (b *Robot) Relay(ctx context.Context, r office.Relay) error {
	at := b.now()
	address, body := b.request(r.Text(), at)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return errors.New(b.kind + ": the address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	resp, err := b.client.Do(req)
	if err != nil {
		var u *url.Error // its text has the address, which holds the robot's key
		if errors.As(err, &u) {
			err = u.Err
		}
		return fmt.Errorf("%s: %w", b.kind, err)
	}
	defer resp.Body.Close()
	answer, _ := readMost(resp.Body, maxHookAnswer) // what was cut off is no success below
	if resp.StatusCode != http.StatusOK {
		return &refusal{fmt.Sprintf("%s: HTTP %d", b.kind, resp.StatusCode), false, retryAfter(resp.Header.Get("Retry-After"))}
	}
	return b.verdict(answer)
}

// request is what the platform wants to be sent at that time.
func (b *Robot) request(text string, at time.Time) (address string, body []byte) {
	u := *b.url
	var v any
	switch b.kind {
	case DingTalk:
		if b.secret != "" {
			ms := strconv.FormatInt(at.UnixMilli(), 10)
			q := u.Query()
			q.Set("timestamp", ms)
			q.Set("sign", mac(b.secret, ms+"\n"+b.secret))
			u.RawQuery = q.Encode()
		}
		v = map[string]any{"msgtype": "text", "text": map[string]string{"content": text}, "at": map[string]bool{"isAtAll": false}}
	case Feishu:
		m := map[string]any{"msg_type": "text", "content": map[string]string{"text": text}}
		if b.secret != "" {
			s := strconv.FormatInt(at.Unix(), 10)
			m["timestamp"], m["sign"] = s, mac(s+"\n"+b.secret, "")
		}
		v = m
	default:
		v = map[string]any{"msgtype": "text", "text": map[string]string{"content": text}}
	}
	body, _ = json.Marshal(v) // maps of strings
	return u.String(), body
}

func mac(key, text string) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// Codes of refusals. Too fast: WeCom 45009, DingTalk 130101 and 410100, Feishu
// 9499 and 11232; DingTalk then shuts its ears for ten minutes. Never: the key or
// the signature is wrong, or the robot was taken out of the group.
var (
	tooFast = map[int]bool{45009: true, 130101: true, 410100: true, 9499: true, 11232: true}
	never   = map[int]bool{93000: true, 93008: true, 300001: true, 300005: true, 310000: true, 400101: true, 400102: true, 19001: true, 19021: true, 19022: true, 19024: true}
)

// verdict reads a platform's answer: 200 with a code of its own in the body.
func (b *Robot) verdict(answer []byte) error {
	var got struct {
		ErrCode    *int `json:"errcode"`    // WeCom, DingTalk
		Code       *int `json:"code"`       // Feishu
		StatusCode *int `json:"StatusCode"` // Feishu, of old
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return &refusal{b.kind + ": an answer that is none of the platform", false, 0}
	}
	for _, code := range []*int{got.ErrCode, got.Code, got.StatusCode} {
		switch {
		case code == nil:
			continue
		case *code == 0:
			return nil
		case tooFast[*code]:
			return &refusal{fmt.Sprintf("%s: code %d, too fast", b.kind, *code), false, 10 * time.Minute}
		}
		return &refusal{fmt.Sprintf("%s: code %d", b.kind, *code), never[*code], 0}
	}
	return &refusal{b.kind + ": an answer without a code", false, 0}
}
