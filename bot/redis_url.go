package bot

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

// redisError is a REDIS_URL that cannot be used. The URL is not in it: it holds
// a password.
type redisError string

func (e redisError) Error() string { return "REDIS_URL " + string(e) }

// parseRedisURL reads the one syntax for all kinds of Redis:
//
//	redis://[[user]:password@]host[:port][/db]                   one server
//	redis+sentinel://[…@]host[:port],host[:port]…/master[?db=n]  servers watched by these sentinels
//	redis+cluster://[…@]host[:port],host[:port]…                 a Cluster, found through these nodes
//
// With rediss instead of redis the connections are encrypted (TLS 1.2 or
// later). Special characters in the password are percent-encoded. Parameters:
// db (0 to 15, not for a Cluster), sentinel_user and sentinel_password for
// sentinels that have a password of their own, and no_password=yes: Redis has
// none though it is not on this machine, and the network is trusted.
func parseRedisURL(text string) (*redis.UniversalOptions, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	base, mode, _ := strings.Cut(scheme, "+")
	if !ok || (base != "redis" && base != "rediss") || (mode != "" && mode != "sentinel" && mode != "cluster") {
		return nil, redisError("要以 redis://、redis+sentinel:// 或 redis+cluster:// 开头（加密连接用 rediss）。")
	}
	rest, query, _ := strings.Cut(rest, "?")
	o := &redis.UniversalOptions{IsClusterMode: mode == "cluster"}
	if at := strings.LastIndex(rest, "@"); at >= 0 {
		user, err := url.Parse("redis://" + rest[:at+1] + "host")
		if err != nil {
			return nil, redisError("里的用户名或密码写得不对：特殊字符要写成 %40 这样的形式。")
		}
		o.Username = user.User.Username()
		o.Password, _ = user.User.Password()
		rest = rest[at+1:]
	}
	hosts, path, _ := strings.Cut(rest, "/")
	local, err := redisHosts(o, hosts, mode)
	if err != nil {
		return nil, err
	}
	more, err := url.ParseQuery(query)
	if err != nil {
		return nil, redisError("问号后面的参数写得不对。")
	}
	if err := redisPath(o, mode, path, more); err != nil {
		return nil, err
	}
	for key := range more {
		switch key {
		case "db", "sentinel_user", "sentinel_password", "no_password":
		default:
			return nil, redisError(fmt.Sprintf("里有不认识的参数 %q。", key))
		}
	}
	o.SentinelUsername, o.SentinelPassword = more.Get("sentinel_user"), more.Get("sentinel_password")
	if o.Password == "" && !local && more.Get("no_password") != "yes" {
		return nil, redisError("没有密码，而 Redis 不在本机：谁都能读到居民的咨询。请给 Redis 设密码；确实在可信的内网，就加上 ?no_password=yes。")
	}
	if base == "rediss" {
		o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return o, nil
}

// redisHosts reads the list of hosts; local: all are on this machine.
func redisHosts(o *redis.UniversalOptions, hosts, mode string) (local bool, err error) {
	port := "6379"
	if mode == "sentinel" {
		port = "26379"
	}
	local = true
	for _, h := range strings.Split(hosts, ",") {
		host, p, err := net.SplitHostPort(h)
		if err != nil {
			host, p = strings.Trim(h, "[]"), port
		}
		if n, err := strconv.Atoi(p); host == "" || err != nil || n < 1 || n > 65535 {
			return false, redisError("里的主机写得不对，例：redis://:密码@127.0.0.1:6379/0")
		}
		a, err := netip.ParseAddr(host)
		local = local && (host == "localhost" || (err == nil && a.IsLoopback()))
		o.Addrs = append(o.Addrs, net.JoinHostPort(host, p))
	}
	if mode == "" && len(o.Addrs) != 1 {
		return false, redisError("有多个主机：请用 redis+sentinel:// 或 redis+cluster://。")
	}
	return local, nil
}

func redisPath(o *redis.UniversalOptions, mode, path string, more url.Values) error {
	db := more.Get("db")
	switch mode {
	case "sentinel":
		if path == "" || strings.Contains(path, "/") {
			return redisError("要在主机后面写主服务器的名字，例：redis+sentinel://:密码@主机:26379/mymaster")
		}
		o.MasterName = path
	case "cluster":
		if path != "" || db != "" {
			return redisError("里不能写数据库编号：集群只有 0 号。")
		}
	default:
		if path != "" {
			db = path
		}
	}
	if db == "" {
		return nil
	}
	n, err := strconv.Atoi(db)
	if err != nil || n < 0 || n > 15 {
		return redisError("里的数据库编号要是 0 到 15。")
	}
	o.DB = n
	return nil
}
