package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Secret is a setting that must not be shown: it prints as ***.
type Secret string

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// LogValue hides the value from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Reveal gives the value to whoever has to use it.
func (s Secret) Reveal() string { return string(s) }

// maxFile bounds a settings or secret file, in bytes.
const maxFile = 64 << 10

// Load reads the settings: defaults, over them the file (if its name is not
// empty), over that the environment. environ has the form of os.Environ.
func Load(file string, environ []string) (*Config, error) {
	values := map[string]string{}
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, fmt.Errorf("打不开设置文件 %s：%w", file, err)
		}
		defer f.Close()
		if values, err = Parse(f); err != nil {
			return nil, fmt.Errorf("设置文件 %s：%w", file, err)
		}
	}
	known := map[string]bool{}
	for _, s := range Settings() {
		known[s.Name] = true
	}
	for name := range values {
		if !known[name] && !known[strings.TrimSuffix(name, "_FILE")] {
			return nil, fmt.Errorf("设置文件 %s：没有 %s 这个设置，用 mingbai config 看全部设置", file, name)
		}
	}
	for _, kv := range environ {
		name, v, _ := strings.Cut(kv, "=")
		if known[name] || known[strings.TrimSuffix(name, "_FILE")] {
			values[name] = v
		}
	}
	c := &Config{}
	if err := fill(reflect.ValueOf(c).Elem(), values); err != nil {
		return nil, err
	}
	return c, c.Validate()
}

// Parse reads KEY=value lines. Blank lines and lines that start with # are
// skipped; a value may stand in single or double quotes.
func Parse(r io.Reader) (map[string]string, error) {
	values := map[string]string{}
	sc := bufio.NewScanner(io.LimitReader(r, maxFile))
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimSpace(sc.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, v, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		name, v = strings.TrimSpace(name), strings.TrimSpace(v)
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf("第 %d 行应当是 名称=值", n)
		}
		if len(v) >= 2 && (v[0] == '"' || v[0] == '\'') && v[len(v)-1] == v[0] {
			v = v[1 : len(v)-1]
		}
		if _, twice := values[name]; twice {
			return nil, fmt.Errorf("第 %d 行：%s 写了两次", n, name)
		}
		values[name] = v
	}
	return values, sc.Err()
}

// fill sets every field of v from values, secrets also from NAME_FILE.
func fill(v reflect.Value, values map[string]string) error {
	var errs []error
	walk(v, func(f reflect.Value, tag reflect.StructTag) {
		name := tag.Get("env")
		text, ok := values[name]
		if !ok || text == "" {
			text = tag.Get("default")
		}
		if path := values[name+"_FILE"]; path != "" {
			b, err := readSecret(path)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s_FILE：%w", name, err))
				return
			}
			text = b
		}
		if err := set(f, text); err != nil {
			errs = append(errs, fmt.Errorf("%s：%w", name, err))
		}
	})
	return errors.Join(errs...)
}

func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile))
	return strings.TrimSpace(string(b)), err
}

func set(f reflect.Value, text string) error {
	switch f.Interface().(type) {
	case time.Duration:
		d, err := time.ParseDuration(text)
		if err != nil || d < 0 {
			return fmt.Errorf("%q 不是时长，应写成 30s、5m、24h", text)
		}
		f.SetInt(int64(d))
	case bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return fmt.Errorf("%q 应写 true 或 false", text)
		}
		f.SetBool(b)
	case int:
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return fmt.Errorf("%q 不是正整数", text)
		}
		f.SetInt(int64(n))
	case []string:
		var list []string
		for _, s := range strings.Split(text, ",") {
			if s = strings.TrimSpace(s); s != "" {
				list = append(list, s)
			}
		}
		f.Set(reflect.ValueOf(list))
	default: // string, Secret
		f.SetString(text)
	}
	return nil
}

// walk calls do for every setting below v, in the order they are declared.
func walk(v reflect.Value, do func(reflect.Value, reflect.StructTag)) {
	for i := range v.NumField() {
		f, t := v.Field(i), v.Type().Field(i)
		if t.Tag.Get("env") != "" {
			do(f, t.Tag)
		} else if f.Kind() == reflect.Struct {
			walk(f, do)
		}
	}
}

var windowPattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$`)

// Validate checks what settings must hold together. Its errors say what to do.
func (c *Config) Validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		bad("LISTEN：%q 应写成 主机:端口，如 127.0.0.1:8080", c.Listen)
	}
	if c.DataDir == "" {
		bad("DATA_DIR：不能为空")
	}
	if u := c.Store.DatabaseURL.Reveal(); u != "" && !strings.HasPrefix(u, "postgres://") && !strings.HasPrefix(u, "postgresql://") {
		bad("DATABASE_URL：应以 postgres:// 开头；用 SQLite 就不要填")
	}
	if u := c.Store.RedisURL.Reveal(); u != "" {
		scheme, _, _ := strings.Cut(u, "://") // host lists are no URL; OpenRedis reads them
		if !redisSchemes[scheme] {
			bad("REDIS_URL：应以 redis://、rediss://、redis+sentinel:// 或 redis+cluster:// 开头")
		}
	}
	for _, p := range c.Web.TrustedProxies {
		if _, err := netip.ParsePrefix(p); err != nil {
			bad("TRUSTED_PROXIES：%q 应写成网段，如 10.0.0.0/8", p)
		}
	}
	if c.Limits.Queue == 0 || c.Limits.PersonPerMinute == 0 || c.Limits.AddressPerMin == 0 {
		bad("QUEUE、PERSON_PER_MINUTE、ADDRESS_PER_MINUTE 都要大于 0")
	}
	if u := c.Web.PublicURL; u != "" {
		if p, err := url.Parse(u); err != nil || p.Host == "" || p.Scheme != "https" && p.Scheme != "http" {
			bad("PUBLIC_URL：%q 应写成 https://域名", u)
		}
	}
	if c.Env != "trial" && c.Env != Production {
		bad("ENV：%q 应写 trial 或 production", c.Env)
	}
	if !windowPattern.MatchString(c.Publishing.Window) {
		bad("PUBLISH_WINDOW：%q 应写成 08:30-20:30", c.Publishing.Window)
	}
	if c.QQ.AppID != "" || c.QQ.Bots != "" {
		errs = append(errs, c.QQ.validate(c.Env == Production))
	}
	errs = append(errs, c.Model.validate(c.Env == Production), c.Publish.validate(), c.Console.validate())
	if r := c.Keep.Reads; r > 0 && r < 180 {
		bad("KEEP_READS_DAYS：不能少于 180 天（网络日志要留六个月以上）")
	}
	return errors.Join(errs...)
}

// validate checks the settings of models that are switched on: words of
// residents go to no host but those allowed, and in the clear to none but this
// machine and private addresses.
func (m *Model) validate(production bool) error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	if m.EmbeddingBaseURL == "" {
		m.EmbeddingBaseURL = m.BaseURL
	}
	if m.EmbeddingKey == "" && m.EmbeddingBaseURL == m.BaseURL {
		m.EmbeddingKey = m.Key
	}
	if m.Embedding != "" && m.EmbeddingBaseURL == "" {
		bad("EMBEDDING_MODEL：填了它也要填 EMBEDDING_BASE_URL 或 OPENAI_BASE_URL")
	}
	if (m.BaseURL == "") != (m.Name == "") && m.Embedding == "" {
		bad("OPENAI_BASE_URL 和 OPENAI_MODEL 要一起填")
	}
	if m.JSON != "object" && m.JSON != "schema" && m.JSON != "none" {
		bad("MODEL_JSON：%q 应写 object、schema 或 none", m.JSON)
	}
	if m.Concurrent == 0 || m.EmbeddingPerMinute == 0 {
		bad("MODEL_CONCURRENT、EMBEDDING_PER_MINUTE 都要大于 0")
	}
	for _, b := range []struct{ name, url string }{{"OPENAI_BASE_URL", m.BaseURL}, {"EMBEDDING_BASE_URL", m.EmbeddingBaseURL}} {
		if b.url != "" {
			if why := m.refuses(b.url); why != "" {
				bad("%s：%s", b.name, why)
			}
		}
	}
	if production && m.BaseURL != "" && (m.Provider == "" || m.Filing == "") {
		bad("MODEL_PROVIDER、MODEL_FILING：正式环境（ENV=production）用大模型要公示提供者和备案号")
	}
	return errors.Join(errs...)
}

// bucketPattern is what all services agree on for names of buckets.
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)

// hookSecretLeast is how short the secret of a webhook may be, in bytes.
const hookSecretLeast = 32

// validate checks the settings of the bucket and of the receiver, if they are
// switched on.
func (p *Publish) validate() error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	web := func(name, text string) *url.URL {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
			bad("%s：%q 应写成 https://主机", name, text)
			return nil
		}
		return u
	}
	if p.S3Endpoint != "" {
		if u := web("S3_ENDPOINT", p.S3Endpoint); u != nil && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "") {
			bad("S3_ENDPOINT：只写到主机为止，桶名写在 S3_BUCKET")
		} else if u != nil && u.Scheme == "http" && !inHouse(u.Hostname()) {
			bad("S3_ENDPOINT：别的网络里的存储只能用 https")
		}
		if p.S3Bucket == "" || p.S3Key == "" || p.S3Secret == "" || p.S3URL == "" {
			bad("填了 S3_ENDPOINT，S3_BUCKET、S3_ACCESS_KEY、S3_SECRET_KEY、S3_URL 也要填")
		} else {
			web("S3_URL", p.S3URL)
		}
		if p.S3Bucket != "" && !bucketPattern.MatchString(p.S3Bucket) {
			bad("S3_BUCKET：%q 不像存储桶的名字（3 到 63 个小写字母、数字和短横）", p.S3Bucket)
		}
		if p.S3Prefix != "" && (!strings.HasSuffix(p.S3Prefix, "/") || strings.HasPrefix(p.S3Prefix, "/") || strings.Contains(p.S3Prefix, "..")) {
			bad("S3_PREFIX：应写成 目录/，前面没有斜杠，后面有")
		}
	}
	if p.HookURL != "" {
		u := web("PUBLISH_HOOK_URL", p.HookURL)
		if u != nil && !slices.ContainsFunc(p.HookHosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) }) {
			bad("PUBLISH_HOOK_HOSTS：里面没有 %s，确认可以通知它就写进去", u.Hostname())
		}
		if u != nil && u.Scheme == "http" && !inHouse(u.Hostname()) {
			bad("PUBLISH_HOOK_URL：别的网络里的主机只能用 https")
		}
		if len(p.HookSecret) < hookSecretLeast {
			bad("PUBLISH_HOOK_SECRET：至少 %d 个字符，用 openssl rand -hex 32 生成", hookSecretLeast)
		}
	}
	for _, h := range p.Hosts {
		if strings.ContainsAny(h, "/:@ ") {
			bad("PUBLISH_HOSTS：%q 只写主机名，不带 https:// 和路径", h)
		}
	}
	return errors.Join(errs...)
}

// validate checks the settings of the other system to sign in with, if there is
// one.
func (c *Console) validate() error {
	if c.Issuer == "" {
		return nil
	}
	u, err := url.Parse(c.Issuer)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("OIDC_ISSUER：%q 应写成 https://主机", c.Issuer)
	case u.Scheme == "http" && !inHouse(u.Hostname()):
		return errors.New("OIDC_ISSUER：别的网络里的主机只能用 https")
	case c.ClientID == "":
		return errors.New("OIDC_CLIENT_ID：填了 OIDC_ISSUER 就要填")
	}
	return nil
}

// inHouse says whether a host is an address of this machine or of the own
// network.
func inHouse(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && (a.IsLoopback() || a.IsPrivate())
}

// refuses says why an address may not be asked, "" if it may.
func (m *Model) refuses(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		return fmt.Sprintf("%q 应写成 https://主机/v1", base)
	}
	host := strings.ToLower(u.Hostname())
	a, err := netip.ParseAddr(host)
	inHouse := loopback(host) || err == nil && a.IsPrivate()
	switch {
	case u.Scheme == "http" && !inHouse && !m.AnyHost:
		return "别的机器只能用 https"
	case loopback(host) || m.AnyHost || slices.ContainsFunc(m.Hosts, func(h string) bool { return strings.EqualFold(h, host) }):
		return ""
	}
	return fmt.Sprintf("不允许连接 %s：境内平台或自己机房的主机写进 MODEL_HOSTS；境外平台不行，除非办妥手续并设 MODEL_HOSTS_ANY=true", host)
}

// validate checks the settings of a bot that is switched on.
func (q *QQ) validate(production bool) error {
	var errs []error
	bad := func(format string, a ...any) { errs = append(errs, fmt.Errorf(format, a...)) }
	switch {
	case q.AppID != "" && q.Bots != "":
		bad("QQ_APP_ID 和 QQ_BOTS 只填一个")
	case q.AppID != "" && q.Secret == "":
		bad("QQ_APP_SECRET：填了 QQ_APP_ID 也要填它，在 QQ 开放平台的“开发设置”里")
	}
	if q.Transport != "webhook" && q.Transport != "websocket" {
		bad("QQ_TRANSPORT：%q 应写 webhook 或 websocket", q.Transport)
	}
	if q.MaxBody < 4<<10 || q.MaxBody > 1<<20 {
		bad("QQ_MAX_BODY：应在 4096 和 1048576 之间")
	}
	if q.Freshness < 30*time.Second || q.Freshness > time.Hour {
		bad("QQ_FRESHNESS：应在 30s 和 1h 之间")
	}
	for name, base := range map[string]string{"QQ_API_BASE": q.APIBase, "QQ_TOKEN_BASE": q.TokenBase} {
		u, err := url.Parse(base)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			bad("%s：%q 应写成 https://域名", name, base)
		case production && u.Scheme != "https":
			bad("%s：正式环境（ENV=production）只能用 https", name)
		case production && loopback(u.Hostname()):
			bad("%s：正式环境（ENV=production）不能指向本机", name)
		case !loopback(u.Hostname()) && u.Scheme != "https":
			bad("%s：别的机器只能用 https", name)
		}
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (a.IsLoopback() || a.IsUnspecified())
}

var redisSchemes = map[string]bool{
	"redis": true, "rediss": true,
	"redis+sentinel": true, "rediss+sentinel": true,
	"redis+cluster": true, "rediss+cluster": true,
}

// Setting is one row of the settings table.
type Setting struct {
	Name, Default, Doc, Value string
	Secret                    bool
}

// Settings lists all settings with their defaults, in the order of Config.
func Settings() []Setting { return (&Config{}).Values() }

// Values lists all settings with the values c holds; secrets read ***.
func (c *Config) Values() []Setting {
	var rows []Setting
	walk(reflect.ValueOf(c).Elem(), func(f reflect.Value, tag reflect.StructTag) {
		_, secret := f.Interface().(Secret)
		value := fmt.Sprint(f.Interface())
		if list, ok := f.Interface().([]string); ok {
			value = strings.Join(list, ",")
		}
		rows = append(rows, Setting{Name: tag.Get("env"), Default: tag.Get("default"), Doc: tag.Get("doc"), Value: value, Secret: secret})
	})
	return rows
}

// Table writes all settings as a Markdown table for the README.
func Table(w io.Writer) error {
	if _, err := fmt.Fprintln(w, "| 设置 | 默认值 | 说明 |\n|---|---|---|"); err != nil {
		return err
	}
	for _, s := range Settings() {
		d := s.Default
		if d != "" {
			d = "`" + d + "`"
		}
		doc := s.Doc
		if s.Secret {
			doc += "（也可用 `" + s.Name + "_FILE` 指向存放它的文件）"
		}
		if _, err := fmt.Fprintf(w, "| `%s` | %s | %s |\n", s.Name, d, doc); err != nil {
			return err
		}
	}
	return nil
}
