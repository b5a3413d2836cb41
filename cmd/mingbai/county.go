package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"mingbai/office"
)

// maxCountyFile bounds the file `mingbai init` reads, in bytes.
const maxCountyFile = 1 << 20

// initCounty sets what is particular to the place, from a file or by asking.
func initCounty(ctx context.Context, a *app, args []string) error {
	f := a.flags("init", "[--show] [文件.yaml|-]")
	show := f.Bool("show", false, "只显示现在的设置（可以存成文件，改了再导入）")
	by := f.String("by", os.Getenv("USER"), "谁设置的")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	p, err := a.openParts(ctx)
	if err != nil {
		return err
	}
	defer p.close() //nolint:errcheck // nothing is pending
	now, set, err := p.records.County(ctx)
	if err != nil {
		return err
	}
	if *show {
		if !set {
			return errors.New("还没有设置，用 mingbai init 设置")
		}
		return yaml.NewEncoder(a.out).Encode(now)
	}
	var c office.County
	switch {
	case len(rest) > 1:
		return fmt.Errorf("%w: 只能写一个文件", errUsage)
	case len(rest) == 1:
		c, err = a.readCounty(rest[0])
	default:
		c, err = a.askCounty(now)
	}
	if err != nil {
		return err
	}
	if err := p.records.SetCounty(ctx, *by, c); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已保存：%s%s，%d 个乡镇（街道），%d 个办事地点，%d 条本地标准。正在运行的程序一分钟内生效。\n", c.Province, c.Name, len(c.Townships), len(c.Offices), len(c.Standards))
	return nil
}

func (a *app) readCounty(name string) (office.County, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return office.County{}, fmt.Errorf("打不开文件：%w", err)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, maxCountyFile+1))
	if err != nil {
		return office.County{}, fmt.Errorf("读文件：%w", err)
	}
	if len(text) > maxCountyFile {
		return office.County{}, fmt.Errorf("文件超过 %d KB", maxCountyFile>>10)
	}
	var c office.County
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return c, fmt.Errorf("文件看不懂：%w", err)
	}
	return c, nil
}

// askCounty asks for the main things one by one; an empty line keeps what is
// set. Villages, hours of each office and standards are easier in a file.
func (a *app) askCounty(c office.County) (office.County, error) {
	lines := bufio.NewScanner(a.in)
	question := func(text, old string) (string, error) {
		if old != "" {
			text += "（现在是 " + old + "，直接回车不改）"
		}
		fmt.Fprint(a.out, text+"：")
		if !lines.Scan() {
			return "", errors.Join(lines.Err(), errors.New("没有答完，什么都没有改"))
		}
		if s := strings.TrimSpace(lines.Text()); s != "" {
			return s, nil
		}
		return old, nil
	}
	fmt.Fprintln(a.out, "设置本县资料。乡镇和办事地点多的话，可以写成 YAML 文件：mingbai init 文件.yaml（样子见 docs/county.example.yaml）。")
	for _, q := range []struct {
		text string
		into *string
	}{{"省份（如 浙江省）", &c.Province}, {"市（州）", &c.City}, {"县（市、区）", &c.Name}} {
		s, err := question(q.text, *q.into)
		if err != nil {
			return c, err
		}
		*q.into = s
	}
	var names []string
	for _, t := range c.Townships {
		names = append(names, t.Name)
	}
	s, err := question("乡镇、街道（用顿号或空格分开）", strings.Join(names, "、"))
	if err != nil {
		return c, err
	}
	c.Townships = townships(s, c.Townships)
	for _, kind := range []string{"法律援助中心", "公证处", "公共法律服务中心", "劳动监察", "调解委员会"} {
		if err := askOffice(&c, kind, question, a.now()); err != nil {
			return c, err
		}
	}
	return c, nil
}

func townships(list string, old []office.Township) []office.Township {
	var out []office.Township
	for _, name := range strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune("、，, 　;；", r) }) {
		t := office.Township{Name: name}
		for _, o := range old {
			if o.Name == name {
				t = o
			}
		}
		out = append(out, t)
	}
	return out
}

func askOffice(c *office.County, kind string, question func(text, old string) (string, error), now time.Time) error {
	at := -1
	o := office.Office{Name: kind, Kind: kind}
	for i, x := range c.Offices {
		if x.Kind == kind && x.Township == "" {
			at, o = i, x
		}
	}
	phone, err := question(kind+"的电话（没有就回车）", o.Phone)
	if err != nil || phone == "" {
		return err
	}
	address, err := question(kind+"的地址", o.Address)
	if err != nil {
		return err
	}
	hours, err := question(kind+"的上班时间", o.Hours)
	if err != nil {
		return err
	}
	o.Phone, o.Address, o.Hours, o.Checked = phone, address, hours, now.Format(time.DateOnly)
	if at >= 0 {
		c.Offices[at] = o
	} else {
		c.Offices = append(c.Offices, o)
	}
	return nil
}

// figures counts consultations of a period, by default this month so far.
func figures(ctx context.Context, a *app, args []string) error {
	f := a.flags("figures", "[--from 日期] [--to 日期] [--json]")
	from := f.String("from", "", "第一天（默认本月1日）")
	to := f.String("to", "", "最后一天（默认今天）")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	first, err := parseDay(*from)
	if err != nil {
		return err
	}
	last, err := parseDay(*to)
	if err != nil {
		return err
	}
	p, err := a.openParts(ctx)
	if err != nil {
		return err
	}
	defer p.close() //nolint:errcheck // nothing is pending
	if last.IsZero() {
		last = p.base.Today()
	}
	if first.IsZero() {
		first = last.AddDate(0, 0, 1-last.Day())
	}
	if first.After(last) {
		return fmt.Errorf("%w: --from 晚于 --to", errUsage)
	}
	fig, err := p.records.Figures(ctx, first, last)
	if err != nil {
		return err
	}
	work, err := readOfficeFigures(ctx, p.records, first, last)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, struct {
			office.Figures
			Office officeFigures `json:"office"`
		}{fig, work})
	}
	w := a.out
	fmt.Fprintf(w, "%s 至 %s\n咨询人数 %d，会话 %d，问题 %d（三个数分别统计）\n", iso(first), iso(last), fig.Persons, fig.Sessions, fig.Questions)
	fmt.Fprintf(w, "答上 %d，答不上 %d，紧急 %d；评价 %d 次，有用 %d 次\n", fig.Hits, fig.Misses, fig.Urgent, fig.Rated, fig.Useful)
	counts(w, "渠道", fig.Channels, func(k string) string { return k })
	counts(w, "专题", fig.Topics, func(k string) string { return k + " " + p.base.Topic(k) })
	a.printOfficeFigures(work)
	return nil
}

// counts prints the most frequent keys first.
func counts(w io.Writer, title string, m map[string]int, name func(string) string) {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if m[keys[i]] != m[keys[j]] {
			return m[keys[i]] > m[keys[j]]
		}
		return keys[i] < keys[j]
	})
	if len(keys) > 0 {
		fmt.Fprintln(w, title+"：")
	}
	for _, k := range keys {
		fmt.Fprintf(w, "  %5d  %s\n", m[k], name(k))
	}
}
