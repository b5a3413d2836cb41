package main

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"mingbai/office"
)

func effectCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "effect", []sub{
		{"items", "[--from 日期] [--to 日期] [--json] [export 文件]", "每条内容送达、打开、点看、推送后提问的次数，默认今年以来", effectTable("items")},
		{"topics", "[--from 日期] [--to 日期] [--json] [export 文件]", "按专题合计", effectTable("topics")},
		{"places", "[--from 日期] [--to 日期] [--json] [export 文件]", "按村社区、乡镇合计点看和提问；人太少的地方合在一起", effectTable("places")},
		{"hot", "[--on 日期] [-n 个数] [--json]", "到那天为止的七天里问得多的、没答上的专题（至少三个人问过的才列）", effectHot},
	}, args)
}

// effectTable makes the command that shows one of the tables of office.Effects.
func effectTable(which string) func(context.Context, *app, *office.DB, []string) error {
	return func(ctx context.Context, a *app, db *office.DB, args []string) error {
		f := a.flags("effect "+which, "[--from 日期] [--to 日期] [--json] [export 文件]")
		asJSON := f.Bool("json", false, "输出 JSON")
		days := a.period(f)
		rest, err := parse(f, args)
		if err != nil {
			return err
		}
		from, to, err := days()
		if err != nil {
			return err
		}
		all, err := db.Effects(ctx, from, to)
		list := map[string][]office.Effect{"items": all.Pieces, "topics": all.Topics, "places": all.Places}[which]
		if err != nil || *asJSON {
			return orJSON(a, list, err)
		}
		if len(rest) == 0 {
			rest = []string{"list"}
		}
		switch which {
		case "topics":
			return a.withParts(ctx, func(p *parts) error {
				return a.show("effect topics export", office.EffectTopicTable(list, p.base.DomainName), rest)
			})
		case "places":
			return a.show("effect places export", office.EffectPlaceTable(list), rest)
		}
		return a.show("effect items export", office.EffectTable(list), rest)
	}
}

func effectHot(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("effect hot", "[--on 日期] [-n 个数] [--json]")
	on := f.String("on", "", "七天的最后一天，默认今天")
	n := f.Int("n", 20, "最多列几个")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	until := a.now()
	if *on != "" {
		day, err := parseDay(*on)
		if err != nil {
			return err
		}
		until = day
	}
	return a.withParts(ctx, func(p *parts) error {
		list, err := p.records.Hot(ctx, until, max(1, min(*n, 200)))
		if err != nil || *asJSON {
			return orJSON(a, list, err)
		}
		for _, h := range list {
			name := p.base.Topic(h.Topic)
			if h.Topic == "" {
				name = "（没有合适的专题）"
			}
			covered := "没发过内容"
			if !h.Covered.IsZero() {
				covered = h.Covered.Format(time.DateOnly) + " 发过内容"
			}
			fmt.Fprintf(a.out, "%s %s：%d 次，%d 人；没答上 %d，说没用 %d；上一周 %d 次；%s\n", h.Topic, name, h.Questions, h.People, h.Unanswered, h.Useless, h.Before, covered)
		}
		fmt.Fprintln(a.out, "共 "+strconv.Itoa(len(list))+" 个专题")
		return nil
	})
}
