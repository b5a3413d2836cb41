package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"mingbai/jobs"
	"mingbai/office"
)

// Targets of the sink "cloud", as the ledger keeps and people read them.
const (
	inDirectory = "目录" // served at /pufa/
	inBucket    = "对象存储"
)

// sitePath is where the directory is served.
const sitePath = "/pufa/"

// siteDir is where the directory is.
func (a *app) siteDir() string {
	return cmp.Or(a.config.Publish.Dir, filepath.Join(a.config.DataDir, "pufa"))
}

// siteBase is the public address of what is served at /pufa/.
func (a *app) siteBase() string {
	base := cmp.Or(a.config.Web.PublicURL, "http://"+a.config.Listen)
	return strings.TrimRight(base, "/") + sitePath
}

// bucket gives the store in the bucket of the settings, nil if there is none.
func (a *app) bucket() (*jobs.S3, error) {
	c := a.config.Publish
	if c.S3Endpoint == "" {
		return nil, nil
	}
	s, err := jobs.OpenS3(jobs.S3Options{Endpoint: c.S3Endpoint, Bucket: c.S3Bucket, Prefix: c.S3Prefix, Region: c.S3Region, Key: c.S3Key.Reveal(), Secret: c.S3Secret.Reveal()})
	if err != nil {
		return nil, fmt.Errorf("S3_ENDPOINT：%w", err)
	}
	return s, nil
}

// hook gives the receiver of the settings, nil if there is none.
func (a *app) hook() (*jobs.Hook, error) {
	c := a.config.Publish
	if c.HookURL == "" {
		return nil, nil
	}
	h, err := jobs.NewHook(jobs.HookOptions{URL: c.HookURL, Secret: c.HookSecret.Reveal(), Hosts: c.HookHosts, Now: a.now})
	if err != nil {
		return nil, fmt.Errorf("PUBLISH_HOOK_URL：%w", err)
	}
	return h, nil
}

// openSinks opens where content is published, as the settings say.
func (p *parts) openSinks() error {
	dir, err := jobs.OpenDir(p.app.siteDir())
	if err != nil {
		return err
	}
	p.pufa = dir.Handler(sitePath)
	p.sites = jobs.Cloud{}
	if p.sites[inDirectory], err = p.newSite(dir, p.app.siteBase()); err != nil {
		return fmt.Errorf("PUBLIC_URL：%w", err)
	}
	p.targets = map[string][]string{"cloud": {inDirectory}}
	page := p.sites[inDirectory].URL
	bucket, err := p.app.bucket()
	if err != nil {
		return err
	}
	if bucket != nil {
		base := strings.TrimRight(p.app.config.Publish.S3URL, "/") + "/"
		if p.sites[inBucket], err = p.newSite(bucket, base); err != nil {
			return fmt.Errorf("S3_URL：%w", err)
		}
		p.targets["cloud"] = append(p.targets["cloud"], inBucket)
		page = p.sites[inBucket].URL
	}
	p.sinks = []jobs.Publisher{p.sites}
	hook, err := p.app.hook()
	if err != nil {
		return err
	}
	if hook != nil {
		p.sinks = append(p.sinks, jobs.HookSink{Hook: hook, Page: page})
		p.targets["hook"] = []string{hook.Host()}
	}
	return nil
}

func (p *parts) newSite(to jobs.Store, base string) (*jobs.Site, error) {
	c := p.app.config.Publish
	title := "普法"
	if county := p.county.Load(); county != nil {
		title = county.Name + "普法"
	}
	title = cmp.Or(c.Title, title)
	return jobs.NewSite(jobs.Pieces{Office: p.records, Topic: p.base.DomainName}, to, jobs.SiteOptions{
		Title: title, Unit: cmp.Or(c.Unit, title), Base: base, Hosts: c.Hosts, Log: p.app.log,
	})
}

func siteCommand(ctx context.Context, a *app, args []string) error {
	return a.subcommand(ctx, "site", []sub{
		{"build", "[--full]", "把普法网页补到最新（平时发布时自动做）；--full 全部重新生成一遍", siteBuild},
		{"check", "[--deep] [--repair] [--json]", "检查网页缺没缺、旧没旧、被改没改；--deep 逐个读出来比，--repair 补好", siteCheck},
	}, args)
}

func siteBuild(ctx context.Context, a *app, _ *office.DB, args []string) error {
	f := a.flags("site build", "[--full]")
	full := f.Bool("full", false, "全部重新生成，内容没变的不写")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		return cmp.Or(err, unexpected(rest))
	}
	return a.withParts(ctx, func(p *parts) error {
		for _, target := range p.targets["cloud"] {
			done, err := p.sites[target].Sync(ctx, *full)
			if err != nil {
				return fmt.Errorf("%s：%w", target, err)
			}
			fmt.Fprintf(a.out, "%s：%d 篇，写了 %d 个文件（%d KB），删了 %d 个\n", target, done.Articles, len(done.Written), done.Bytes>>10, len(done.Deleted))
			for id, err := range done.Bad {
				fmt.Fprintf(a.out, "  %s 不能显示：%v\n", id, err)
			}
		}
		return nil
	})
}

// shownFaults is how many faults of a kind are listed by name.
const shownFaults = 20

func siteCheck(ctx context.Context, a *app, _ *office.DB, args []string) error {
	f := a.flags("site check", "[--deep] [--repair] [--json]")
	deep := f.Bool("deep", false, "逐个读出来比内容")
	repair := f.Bool("repair", false, "把不对的重新写一遍")
	asJSON := f.Bool("json", false, "输出 JSON")
	if rest, err := parse(f, args); err != nil || len(rest) > 0 {
		return cmp.Or(err, unexpected(rest))
	}
	return a.withParts(ctx, func(p *parts) error {
		bad := 0
		found := map[string][]jobs.SiteFault{}
		for _, target := range p.targets["cloud"] {
			faults, err := p.sites[target].Check(ctx, *deep)
			if err != nil {
				return fmt.Errorf("%s：%w", target, err)
			}
			found[target] = faults
			if !*asJSON {
				a.printSite(target, faults)
			}
			if *repair {
				done, err := p.sites[target].Repair(ctx, faults)
				if err != nil {
					return fmt.Errorf("%s：%w", target, err)
				}
				fmt.Fprintf(a.err, "%s：补写了 %d 个文件\n", target, len(done.Written))
				continue
			}
			for _, x := range faults {
				if x.What != jobs.FaultForeign {
					bad++
				}
			}
		}
		if *asJSON {
			if err := writeJSON(a.out, found); err != nil {
				return err
			}
		}
		if bad > 0 {
			return fmt.Errorf("有 %d 个文件不对，用 mingbai site check --repair 补好", bad)
		}
		return nil
	})
}

func (a *app) printSite(name string, faults []jobs.SiteFault) {
	if len(faults) == 0 {
		fmt.Fprintf(a.out, "%s：没有问题\n", name)
		return
	}
	fmt.Fprintf(a.out, "%s：%d 个文件\n", name, len(faults))
	for _, x := range faults[:min(len(faults), shownFaults)] {
		fmt.Fprintf(a.out, "  %s %s\n", x.Key, x.What)
	}
	if n := len(faults) - shownFaults; n > 0 {
		fmt.Fprintf(a.out, "  …… 还有 %d 个\n", n)
	}
}
