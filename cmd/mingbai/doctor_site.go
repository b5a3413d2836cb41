package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"time"

	"mingbai/config"
	"mingbai/jobs"
)

// probeTimeout bounds the look at a bucket.
const probeTimeout = 30 * time.Second

// checkPublish looks at where content is published: the directory, the bucket
// and the receiver, each as the settings say.
func checkPublish(ctx context.Context, a *app) []finding {
	found := []finding{a.checkDirectory(ctx)}
	if u, err := url.Parse(a.siteBase()); a.config.Env == config.Production && (err != nil || u.Scheme != "https") {
		found = append(found, finding{"普法网页", note, "订阅源和网页地图里的网址是 " + a.siteBase(), "设好 PUBLIC_URL（https），再运行 mingbai site build"})
	}
	found = append(found, a.checkBucket(ctx)...)
	return append(found, a.checkReceiver()...)
}

func (a *app) checkDirectory(ctx context.Context) finding {
	if _, err := os.Stat(a.siteDir()); errors.Is(err, fs.ErrNotExist) {
		return finding{"普法网页", fine, "还没有，第一次启动时会建在 " + a.siteDir(), ""}
	}
	dir, err := jobs.OpenDir(a.siteDir())
	if err == nil {
		err = jobs.Probe(ctx, dir)
	}
	if err != nil {
		return finding{"普法网页", fault, a.siteDir() + " 不能写：" + err.Error(), "检查 PUBLISH_DIR，把它的所有者改成运行服务的账号"}
	}
	return finding{"普法网页", fine, "放在 " + a.siteDir() + "，在 " + a.siteBase() + " 打开", ""}
}

func (a *app) checkBucket(ctx context.Context) []finding {
	bucket, err := a.bucket()
	if bucket == nil && err == nil {
		return []finding{{"对象存储", fine, "没有用（普法网页只放在目录里）", ""}}
	}
	start := time.Now()
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		err = jobs.Probe(ctx, bucket)
	}
	if err != nil {
		return []finding{{"对象存储", fault, a.config.Publish.S3Bucket + "：" + err.Error(), "按上面说的改，步骤见 docs/guide-publish-operator.md"}}
	}
	return []finding{{"对象存储", fine, fmt.Sprintf("%s 能写、能读、能删（%d 毫秒）", a.config.Publish.S3Bucket, time.Since(start).Milliseconds()), ""}}
}

// checkReceiver looks at the settings only: a call would be taken for news.
func (a *app) checkReceiver() []finding {
	hook, err := a.hook()
	switch {
	case err != nil:
		return []finding{{"推送接口", fault, err.Error(), "按 mingbai config 里 PUBLISH_HOOK_URL 的说明改"}}
	case hook == nil:
		return []finding{{"推送接口", fine, "没有用", ""}}
	}
	return []finding{{"推送接口", fine, "设的是 " + hook.Host() + "（不试发，避免对方当成真的）", ""}}
}
