package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"mingbai/bot"
	"mingbai/config"
	"mingbai/office"
)

// States of a finding.
const (
	fine  = "ok"
	note  = "note"  // works, but somebody should know
	fault = "fault" // does not work, or will soon not
)

// finding is one line of the doctor's report.
type finding struct {
	Check string `json:"check"`
	State string `json:"state"`
	Said  string `json:"said"`
	Do    string `json:"do,omitempty"` // what to do, for a note or a fault
}

// doctor looks at everything that the program needs and says what to do about
// what is wrong. It fails if anything is.
func doctor(ctx context.Context, a *app, args []string) error {
	f := a.flags("doctor", "[--json]")
	asJSON := f.Bool("json", false, "输出 JSON")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		return errors.Join(err, usageIf(len(rest) > 0, "doctor 后面只能写 --json"))
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	var found []finding
	for _, check := range []func(context.Context, *app) []finding{
		checkSettings, checkDisk, checkRecords, checkRedis, checkKnowledge, checkQQ, checkPublish,
	} {
		found = append(found, check(ctx, a)...)
	}
	if *asJSON {
		if err := json.NewEncoder(a.out).Encode(found); err != nil {
			return err
		}
	} else {
		a.print(found)
	}
	bad := 0
	for _, f := range found {
		if f.State == fault {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("有 %d 处要处理", bad)
	}
	return nil
}

func usageIf(bad bool, words string) error {
	if bad {
		return fmt.Errorf("%w: %s", errUsage, words)
	}
	return nil
}

func (a *app) print(found []finding) {
	signs := map[string]string{fine: "✓", note: "!", fault: "✗"}
	for _, f := range found {
		fmt.Fprintf(a.out, "%s %s：%s\n", signs[f.State], f.Check, f.Said)
		if f.Do != "" {
			fmt.Fprintf(a.out, "    怎么办：%s\n", f.Do)
		}
	}
}

// The settings were read, or the command would not have begun; what is looked at
// is whether they fit each other and the place.
func checkSettings(_ context.Context, a *app) []finding {
	c := a.config
	found := []finding{{"设置", fine, "读得懂，没有互相矛盾的", ""}}
	if c.Env != config.Production {
		found = append(found, finding{"环境", note, "试用（ENV=trial）", "正式给群众用时设 ENV=production，防止误连试验平台"})
	}
	u, err := url.Parse(c.Web.PublicURL)
	switch {
	case c.Web.PublicURL == "":
		found = append(found, finding{"网址", note, "PUBLIC_URL 没有设", "设成群众访问的网址，如 https://fuwu.example.gov.cn；QQ 回调也用它"})
	case err != nil || u.Scheme != "https":
		found = append(found, finding{"网址", fault, "PUBLIC_URL 不是 https", "在前面放 nginx 或 caddy 提供 https，见 docs/guide-qq.md“域名和证书”"})
	default:
		found = append(found, finding{"网址", fine, c.Web.PublicURL, ""})
	}
	if c.QQ.OpenValidation {
		found = append(found, finding{"QQ 回调验证", note, "QQ_OPEN_VALIDATION 开着", "控制台里的地址验证通过后就关掉，重启服务"})
	}
	return found
}

// Free space below which the database may soon not be written to.
const (
	lowSpace  = 5 << 30 // bytes
	badSpace  = 500 << 20
	othersMay = 0o077 // permissions beyond the owner's
)

func checkDisk(_ context.Context, a *app) []finding {
	dir := a.config.DataDir
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return []finding{{"数据目录", note, dir + " 还没有，第一次启动时会建", "确认运行服务的账号能在它的上一级目录里新建目录"}}
	}
	if err != nil || !info.IsDir() {
		return []finding{{"数据目录", fault, dir + " 打不开或者不是目录", "检查 DATA_DIR 写得对不对，运行服务的账号能不能进这个目录"}}
	}
	probe, err := os.CreateTemp(dir, ".doctor-*")
	if err != nil {
		return []finding{{"数据目录", fault, dir + " 不能写", "把它的所有者改成运行服务的账号：chown -R 账号 " + dir}}
	}
	err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	found := []finding{{"数据目录", fine, dir + " 可以写", ""}}
	if err != nil {
		found[0] = finding{"数据目录", fault, dir + " 里的文件删不掉", "检查这个目录的权限"}
	}
	if files := readable(dir); len(files) > 0 {
		found = append(found, finding{"文件权限", fault, fmt.Sprintf("别的账号能读 %v", files), "记录里有群众的信息，只能让运行服务的账号读：chmod 600 文件"})
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return append(found, finding{"磁盘空间", note, "看不到还剩多少", "用 df -h 看"})
	}
	free := int64(st.Bavail) * st.Bsize //nolint:unconvert // its types differ between systems
	said := fmt.Sprintf("还剩 %.1f GB", float64(free)/(1<<30))
	switch {
	case free < badSpace:
		return append(found, finding{"磁盘空间", fault, said, "马上清理：写满后新消息收不下来"})
	case free < lowSpace:
		return append(found, finding{"磁盘空间", note, said, "安排扩容或清理旧日志、旧备份"})
	}
	return append(found, finding{"磁盘空间", fine, said, ""})
}

// readable lists database files that others may read.
func readable(dir string) []string {
	var list []string
	for _, pattern := range []string{"*.db", "*.db-wal", "*.key"} {
		names, _ := filepath.Glob(filepath.Join(dir, pattern)) // the pattern is right
		for _, name := range names {
			if info, err := os.Stat(name); err == nil && info.Mode().Perm()&othersMay != 0 {
				list = append(list, filepath.Base(name))
			}
		}
	}
	slices.Sort(list)
	return list
}

// checkRecords opens the records as a start would, but makes none.
func checkRecords(ctx context.Context, a *app) []finding {
	c := a.config
	kind := "PostgreSQL"
	do := "检查 DATABASE_URL 的主机、账号、密码、库名，以及数据库有没有启动"
	if c.Store.DatabaseURL == "" {
		kind, do = "SQLite", "检查磁盘和权限；文件损坏就用最近的备份恢复"
		names, _ := filepath.Glob(filepath.Join(c.DataDir, "*.db")) // the pattern is right
		if len(names) == 0 {
			return []finding{{"数据库", fine, "还没有，第一次启动时会建（SQLite）", ""}}
		}
	}
	start := time.Now()
	db, err := office.Open(ctx, office.Options{Dir: c.DataDir, DatabaseURL: c.Store.DatabaseURL.Reveal(), Now: a.now})
	if err != nil {
		return []finding{{"数据库", fault, "打不开：" + message(err), do}}
	}
	defer db.Close()
	if err := db.Ping(ctx); err != nil {
		return []finding{{"数据库", fault, kind + " 没有回应", do}}
	}
	write, read, dialect := db.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		return []finding{{"数据库", fault, kind + " 的表不对：" + err.Error(), "这个库是更新的程序写的：换回新版程序，或用备份恢复"}}
	}
	found := []finding{{"数据库", fine, fmt.Sprintf("%s 正常（%d 毫秒）", kind, time.Since(start).Milliseconds()), ""}}
	dead, err := bot.NewInbox(store).Dead(ctx, deadMost)
	if err == nil && len(dead) > 0 {
		found = append(found, finding{"没答成的消息", note, fmt.Sprintf("最近 7 天有 %d 条，最后一条是 %s", len(dead), dead[0].Taken.Local().Format("1月2日 15:04")),
			"看日志里 message given up 和 reply not sent 前后的原因"})
	}
	return found
}

// deadMost bounds the messages given up that are counted.
const deadMost = 1000

func checkRedis(ctx context.Context, a *app) []finding {
	u := a.config.Store.RedisURL.Reveal()
	if u == "" {
		return []finding{{"Redis", fine, "没有用（会话在数据库里）", ""}}
	}
	r, err := bot.OpenRedis(bot.RedisOptions{URL: u})
	if err != nil {
		return []finding{{"Redis", fault, "REDIS_URL 写得不对：" + err.Error(), "按 mingbai config 里 REDIS_URL 的说明改"}}
	}
	defer r.Close()
	if err := r.Ping(ctx); err != nil {
		return []finding{{"Redis", fault, "连不上或者写不进去", "检查 Redis 有没有启动、密码对不对、内存满没满；恢复前照样能答，只是记不住上一句"}}
	}
	return []finding{{"Redis", fine, "正常", ""}}
}

func checkKnowledge(ctx context.Context, a *app) []finding {
	p, err := a.openBase(ctx)
	if err != nil {
		return []finding{{"知识条目", fault, message(err), "用 mingbai kb check 看哪一条写错了"}}
	}
	entries, _, laws, articles := p.base.Size()
	found := []finding{{"知识条目", fine, fmt.Sprintf("%d 条", entries), ""}}
	if n := len(p.base.Faults()); n > 0 {
		found[0] = finding{"知识条目", fault, fmt.Sprintf("有 %d 处写错，用的是改之前的", n), "用 mingbai kb check 看在哪一行"}
	}
	if n := len(p.base.Stale()); n > 0 {
		found = append(found, finding{"条目依据", note, fmt.Sprintf("%d 条的依据变了，等复核", n), "用 mingbai kb impact 看是哪些"})
	}
	if laws == 0 {
		return append(found, finding{"法律原文", note, "没有导入：答案只给法名和条号，打不开条文", "用 mingbai laws import 导入，来源见 mingbai laws import --help"})
	}
	return append(found, finding{"法律原文", fine, fmt.Sprintf("%d 部 %d 条", laws, articles), ""})
}
