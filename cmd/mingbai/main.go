// Command mingbai is 明白, a public legal-service assistant: a chat bot for
// residents, and the tools of those who keep its knowledge.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
	_ "time/tzdata" // the zone must be there on bare machines too

	"mingbai/config"
)

// version is set by the linker for releases.
var version = "dev"

// app is what every command gets: where to read and write, and the settings.
type app struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
	config   *config.Config
	log      *slog.Logger
	now      func() time.Time
}

// command is one row of the command table.
type command struct {
	name  string
	args  string // as shown in the help
	doc   string
	run   func(ctx context.Context, a *app, args []string) error
	plain bool // needs no settings
}

// errUsage makes main print the help of the command and exit with 2.
var errUsage = errors.New("usage")

func commands() []command {
	return []command{
		{"serve", "", "启动网页和接口（make run 用的就是它）", serve, false},
		{"chat", "", "在终端里对话，Ctrl-D 结束", chat, false},
		{"ask", "[--json] [--on 日期] 问题|-", "问一个问题；- 从标准输入读", ask, false},
		{"kb", "check|search|show|verify|impact|diff|coverage …", "知识条目：检查、搜索、核对依据", kb, false},
		{"laws", "import|list|show|diff …", "导入和查看法律文本", laws, false},
		{"eval", "questions|retrieval|overlap|gates|safety|flood|hostile|export-prompts|replay …", "用题库评测，用攻击集检查，离线量真模型", evaluate, false},
		{"knowledge", "train|lanes|embed …", "用问法训练检索模型（train）、用纠纷文本训练分流模型（lanes）、向接口要向量（embed）", knowledgeCommand, false},
		{"topic", "off|on|list …", "关闭或恢复一个专题", topic, false},
		{"init", "[文件]", "设置本县的名称、乡镇、办事地点、电话和本省标准", initCounty, false},
		{"org", "add|list|import|export|coverage …", "机构：县、乡镇街道、村社区、司法所 …", orgCommand, false},
		{"person", "add|list|invite|suspend|resume|import|export …", "人员：法律明白人、网格员、经办人、调解员 …", personCommand, false},
		{"console", "admin|add|password …", "后台登录：第一个管理员、开通、重置密码", consoleCommand, false},
		{"content", "list|add|show|check|submit|approve|return|diff|rollback|recall …", "普法内容：写、查、送审、审核、撤回", contentCommand, false},
		{"plan", "add|list|next|pause|resume|quiet|stop|go …", "发布计划：什么时候把哪些内容发到哪里", planCommand, false},
		{"deliveries", "list|settle …", "送达台账：谁收到了、谁没有、哪些不确定", deliveriesCommand, false},
		{"site", "build|check …", "普法网页：补到最新、检查、修补", siteCommand, false},
		{"jobs", "list|run|last …", "定时的活：有哪些、现在跑一次、最近跑得怎样", jobsCommand, false},
		{"lecture", "menu|lecturers|order|list|show|act|figures|activity …", "点单普法：菜单、讲师库、订单、活动登记", lectureCommand, false},
		{"effect", "items|hot …", "普法的效果：打开、点看、推送后提问；一周的热门和没答上的专题", effectCommand, false},
		{"duty", "list|import|export|gaps|prompts|send|answer …", "普法责任清单、没开展的责任、普法提示", dutyCommand, false},
		{"notify", "test|list …", "群机器人和邮件提醒：试发一条，看哪些没发出去", notifyCommand, false},
		{"case", "list|calls|alerts …", "件：清单、要打电话的、纠纷预警", caseCommand, false},
		{"ticket", "import|export …", "12345 等工单：导入、导出办理结果", ticketCommand, false},
		{"roster", "import|export|now|off …", "村居法律顾问值班表", rosterCommand, false},
		{"ledger", "add|export …", "法律明白人、法律顾问的台账", ledgerCommand, false},
		{"backup", "文件", "备份全部记录，不用停机", backupCommand, false},
		{"restore", "备份文件", "把备份恢复到新的 DATA_DIR 或新的 DATABASE_URL", restoreCommand, false},
		{"privacy", "export|erase|retain|consents …", "个人信息：导出、删除一个人的资料，到期清理，同意记录", privacyCommand, false},
		{"audit", "verify|list …", "审计：查有没有人改过记录，看谁做过什么", auditCommand, false},
		{"figures", "[--from 日期] [--to 日期] [--json]", "咨询、事项、调解、工单、值班、学习的数目和比率", figures, false},
		{"report", "monthly …", "月通报：县、乡镇、部门一个月的数，每个数写着怎么算；导出文件和明细", reportCommand, false},
		{"demo", "[选项]", "在本机上试用 QQ：模拟平台、网页和机器人一起启动", demo, false},
		{"demo-office", "[选项]", "在本机上试用后台：编一个县、几个月的件，启动后台", officeDemo, false},
		{"demo-publish", "[选项]", "在本机上演一遍发布：写、审、到点发到网页、对象存储和 QQ，再撤回", demoPublish, false},
		{"qqsim", "[选项]", "只启动 QQ 模拟平台和它的网页", qqsim, true},
		{"redact", "[文件|-]…", "遮盖姓名、证件、电话、地址等个人信息（JSON 行）", redact, true},
		{"doctor", "[--json]", "检查设置、磁盘、数据库、Redis、知识库和 QQ，说出每处毛病怎么办", doctor, false},
		{"config", "[--markdown]", "列出全部设置和现在的值", showConfig, false},
		{"version", "", "版本", showVersion, true},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal kills at once
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ()))
}

// run carries out one command line and returns the exit code: 0 done, 1 failed,
// 2 the command line cannot be understood.
func run(ctx context.Context, args []string, in io.Reader, out, errw io.Writer, environ []string) int {
	a := &app{in: in, out: out, err: errw, environ: environ, now: time.Now}
	file := ""
	for len(args) > 0 && strings.HasPrefix(args[0], "--config") {
		v, ok := strings.CutPrefix(args[0], "--config=")
		if !ok && len(args) > 1 {
			v, args = args[1], args[1:]
		}
		file, args = v, args[1:]
	}
	if file == "" {
		file = defaultFile(environ)
	}
	if len(args) == 0 || args[0] == "help" || args[0] == "--help" || args[0] == "-h" {
		usage(out)
		return 0
	}
	for _, c := range commands() {
		if c.name != args[0] {
			continue
		}
		if len(args) == 2 && (args[1] == "--help" || args[1] == "-h" || args[1] == "help") && strings.HasSuffix(c.args, " …") {
			fmt.Fprintf(out, "%s\n用法：mingbai %s %s\n每个子命令后加 --help 看它的选项。\n", c.doc, c.name, c.args)
			return 0
		}
		if !c.plain {
			if err := a.load(file); err != nil {
				fmt.Fprintln(errw, "设置有误：", err)
				return 2
			}
		}
		return a.finish(c, c.run(ctx, a, args[1:]))
	}
	fmt.Fprintf(errw, "没有“%s”这个命令。\n\n", args[0])
	usage(errw)
	return 2
}

// defaultFile is the settings file used when none is named: mingbai.env in the
// working directory, if it is there.
func defaultFile(environ []string) string {
	for _, kv := range environ {
		if v, ok := strings.CutPrefix(kv, "MINGBAI_CONFIG="); ok {
			return v
		}
	}
	if _, err := os.Stat("mingbai.env"); err == nil {
		return "mingbai.env"
	}
	return ""
}

func (a *app) load(file string) error {
	c, err := config.Load(file, a.environ)
	if err != nil {
		return err
	}
	a.config = c
	o := &slog.HandlerOptions{Level: slog.LevelInfo}
	if c.Debug {
		o.Level = slog.LevelDebug
	}
	var h slog.Handler = slog.NewTextHandler(a.err, o)
	if c.LogJSON {
		h = slog.NewJSONHandler(a.err, o)
	}
	a.log = slog.New(h)
	return nil
}

// finish turns the outcome of a command into an exit code and a message.
func (a *app) finish(c command, err error) int {
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(a.err, "%s\n用法：mingbai %s %s\n", strings.TrimPrefix(err.Error(), errUsage.Error()+": "), c.name, c.args)
		return 2
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.err, "已中断。")
		return 1
	}
	fmt.Fprintln(a.err, "出错：", message(err))
	return 1
}

func usage(w io.Writer) {
	fmt.Fprint(w, "明白：公共法律服务助手\n\n用法：mingbai [--config 文件] 命令 …\n\n")
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-10s %s\n  %-10s %s\n", c.name, c.doc, "", "mingbai "+strings.TrimSpace(c.name+" "+c.args))
	}
	fmt.Fprint(w, "\n每个命令后加 --help 看它的选项。设置用环境变量或 mingbai.env 文件，mingbai config 列出全部。\n")
}

// flags makes the flag set of a command; its help goes to standard output.
func (a *app) flags(name, args string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.SetOutput(a.err)
	f.Usage = func() {
		fmt.Fprintf(a.err, "用法：mingbai %s %s\n", name, args)
		f.PrintDefaults()
	}
	return f
}

// parse reads flags that may stand before and behind the other arguments.
func parse(f *flag.FlagSet, args []string) ([]string, error) {
	var rest []string
	for {
		if err := f.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, fmt.Errorf("%w: %w", errUsage, err)
		}
		if f.NArg() == 0 {
			return rest, nil
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
}

func showVersion(_ context.Context, a *app, _ []string) error {
	_, err := fmt.Fprintln(a.out, "mingbai", version)
	return err
}

func showConfig(_ context.Context, a *app, args []string) error {
	f := a.flags("config", "[--markdown]")
	markdown := f.Bool("markdown", false, "写成 README 里的表格")
	if _, err := parse(f, args); err != nil {
		return err
	}
	if *markdown {
		return config.Table(a.out)
	}
	for _, s := range a.config.Values() {
		fmt.Fprintf(a.out, "%s=%s\n    # %s", s.Name, s.Value, s.Doc)
		if s.Default != "" {
			fmt.Fprintf(a.out, "（默认 %s）", s.Default)
		}
		fmt.Fprintln(a.out)
	}
	return nil
}
