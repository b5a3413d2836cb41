package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"mingbai/bot"
	"mingbai/office"
)

// backupCommand writes all records, those of conversations included, while the
// program may go on serving.
func backupCommand(ctx context.Context, a *app, args []string) error {
	rest, err := parse(a.flags("backup", "文件"), args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写一个新文件的名字", errUsage)
	}
	db, err := a.openRecords(ctx)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // nothing is pending
	if err := db.Backup(ctx, rest[0], a.table); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "已备份到 %s。里面有个人信息，请存在别人拿不到的地方。\n", rest[0])
	return nil
}

// table tells the progress on the standard error.
func (a *app) table(name string, rows int) {
	if rows > 0 {
		fmt.Fprintf(a.err, "%s：%d 行\n", name, rows)
		return
	}
	fmt.Fprintln(a.err, name)
}

// restoreCommand fills a new place with a backup and checks it.
func restoreCommand(ctx context.Context, a *app, args []string) error {
	rest, err := parse(a.flags("restore", "备份文件"), args)
	if err != nil {
		return err
	}
	if len(rest) != 1 {
		return fmt.Errorf("%w: 要写备份文件", errUsage)
	}
	if a.config.Store.DatabaseURL == "" {
		if err := office.RestoreFile(rest[0], a.config.DataDir); err != nil {
			return err
		}
	}
	db, err := a.openRecords(ctx)
	if err != nil {
		return err
	}
	return errors.Join(a.refill(ctx, db, rest[0]), db.Close())
}

func (a *app) refill(ctx context.Context, db *office.DB, file string) error {
	write, read, dialect := db.Handles()
	if _, err := bot.OpenStore(ctx, write, read, dialect); err != nil { // its tables are in the backup too
		return err
	}
	if a.config.Store.DatabaseURL != "" {
		in, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("打不开备份：%w", err)
		}
		defer in.Close()
		if err := db.RestoreRows(ctx, in, a.table); err != nil {
			return err
		}
	}
	if err := db.Check(ctx); err != nil {
		return err
	}
	fmt.Fprintln(a.out, "已恢复，并核对过：审计链完整，每一件的步骤、通知和编号齐全。")
	return nil
}
