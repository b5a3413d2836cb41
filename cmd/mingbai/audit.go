package main

import (
	"context"
	"fmt"

	"mingbai/office"
)

func auditCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "audit", []sub{
		{"verify", "", "核对审计链和每一件的记录是否完整", auditVerify},
		{"list", "[--about 编号] [-n 条数] [--json]", "列出最近的审计记录", auditList},
	}, args)
}

func auditVerify(ctx context.Context, a *app, db *office.DB, args []string) error {
	if _, err := parse(a.flags("audit verify", ""), args); err != nil {
		return err
	}
	n, err := db.VerifyAudit(ctx)
	if err != nil {
		return err
	}
	if err := db.Check(ctx); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "审计记录 %d 条，前后相连，没有被改过；每一件的步骤、通知和编号都完整。\n", n)
	return nil
}

func auditList(ctx context.Context, a *app, db *office.DB, args []string) error {
	f := a.flags("audit list", "[--about 编号] [-n 条数] [--json]")
	about := f.String("about", "", "只看这一件，或这个人（person 4）")
	n := f.Int("n", 50, "最多几条")
	asJSON := f.Bool("json", false, "输出 JSON")
	if _, err := parse(f, args); err != nil {
		return err
	}
	list, err := db.Audit(ctx, *about, *n)
	if err != nil {
		return err
	}
	if *asJSON {
		return writeJSON(a.out, list)
	}
	for _, e := range list {
		fmt.Fprintf(a.out, "%5d %s  %s  %s  %s  %s\n", e.Seq, e.At.Format("2006-01-02 15:04:05"), e.Actor, e.Action, e.Object, e.Detail)
	}
	return nil
}
