package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"mingbai/bot"
	"mingbai/config"
	"mingbai/jobs"
	"mingbai/web"
)

// Deadlines of the HTTP server. A slow client may not hold a connection open
// before it has said what it wants; event streams set their own write deadlines.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 15 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10 // bytes
)

func serve(ctx context.Context, a *app, args []string) error {
	f := a.flags("serve", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	s, err := a.newServer(ctx)
	if err != nil {
		return err
	}
	return s.run(ctx)
}

// server is the whole running program.
type server struct {
	*parts
	store *bot.Store
	bot   *bot.Bot
	qq    []qqBot                                                // bots on QQ; none without QQ_APP_ID or QQ_BOTS
	share func(ctx context.Context, code string) (string, error) // makes the link of an invitation in QQ; nil without a bot there
	http  *http.Server
	ln    net.Listener
	clock *jobs.Scheduler
}

// newServer builds every part bottom-up; nothing runs yet but the listener.
func (a *app) newServer(ctx context.Context) (*server, error) {
	p, err := a.openParts(ctx)
	if err != nil {
		return nil, err
	}
	s := &server{parts: p}
	if err := s.build(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *server) build(ctx context.Context) error {
	a, c := s.app, s.app.config
	write, read, dialect := s.records.Handles()
	var err error
	if s.store, err = bot.OpenStore(ctx, write, read, dialect); err != nil {
		return err
	}
	sessions := bot.NewLocalSessions(s.store, c.Store.SessionTTL)
	if u := c.Store.RedisURL.Reveal(); u != "" {
		if s.redis, err = bot.OpenRedis(bot.RedisOptions{URL: u, Log: a.log}); err != nil {
			return err
		}
		sessions = bot.NewRedisSessions(s.redis, c.Store.SessionTTL)
	}
	metrics := s.metrics
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	proxies, err := prefixes(c.Web)
	if err != nil {
		return err
	}
	chat := bot.NewWebChat(s.store, bot.WebOptions{
		Log: a.log, Redis: s.redis, TrustedProxies: proxies,
		PerAddress: bot.Rate{Burst: c.Limits.AddressPerMin, Every: time.Minute / time.Duration(c.Limits.AddressPerMin)},
		Feedback:   s.feedback,
	})
	s.bot = bot.New(s.router.With(bot.NewCodes(s.store)), sessions, bot.NewInbox(s.store), bot.Options{
		Log: a.log, Metrics: metrics, Redis: s.redis, Queue: c.Limits.Queue, Drain: c.Limits.Drain * 8 / 10,
		PerPerson: bot.Rate{Burst: c.Limits.PersonPerMinute, Every: time.Minute / time.Duration(c.Limits.PersonPerMinute)},
	})
	s.forget = s.bot.Forget
	if s.relayers, err = a.relayers(); err != nil {
		return err
	}
	s.bot.Attach(chat)
	hooks, err := s.attachQQ(metrics)
	if err != nil {
		return err
	}
	if hooks["/lecture"], err = web.NewLectures(web.LectureOptions{Office: s.records, Sender: chat.Sender, Place: s.placeName, Now: a.now, Log: a.log}); err != nil {
		return err
	}
	opened := &jobs.Opened{Office: s.records}
	hooks["GET "+sitePath] = opened.Handler(sitePath, s.pufa)
	if s.clock, err = s.scheduler(jobs.Chat{Office: s.records, Bot: s.bot, Now: a.now}); err != nil {
		return err
	}
	if err := s.clock.Add(opened.Job()); err != nil {
		return err
	}
	if err := s.clock.Add(noticesJob(jobs.Notices{Office: s.records, Bot: s.bot, Log: a.log})); err != nil {
		return err
	}
	pages, err := s.console(chat, sessions)
	if err != nil {
		return err
	}
	site, err := web.New(web.Options{API: chat, Hooks: hooks, Console: pages, Metrics: promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}), Ready: s.ready, Log: a.log, Model: s.aboutModel()})
	if err != nil {
		return err
	}
	s.http = &http.Server{Handler: site, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader}
	if s.ln, err = (&net.ListenConfig{}).Listen(ctx, "tcp", c.Listen); err != nil {
		return fmt.Errorf("LISTEN：不能在 %s 上监听，换一个端口或停掉占用它的程序：%w", c.Listen, err)
	}
	return nil
}

func prefixes(c config.Web) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, s := range c.TrustedProxies {
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("TRUSTED_PROXIES：%w", err)
		}
		list = append(list, p)
	}
	return list, nil
}

// run serves until ctx is done, then stops taking, answers what was taken and
// ends within config.Limits.Drain.
func (s *server) run(ctx context.Context) error {
	s.greet(ctx)
	work, stop := context.WithCancel(ctx)
	defer stop()
	var crew sync.WaitGroup
	fault := make(chan error, 3)
	crew.Go(s.base.Warm)
	crew.Go(func() {
		if err := s.clock.Run(work); err != nil {
			fault <- err
		}
	})
	crew.Go(func() {
		if err := s.bot.Run(work); err != nil {
			fault <- err
		}
		stop()
	})
	crew.Go(func() {
		if err := s.http.Serve(s.ln); !errors.Is(err, http.ErrServerClosed) {
			fault <- err
		}
		stop()
	})
	<-work.Done()
	s.app.log.Info("stopping")
	down, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.app.config.Limits.Drain)
	defer cancel()
	err := s.http.Shutdown(down)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	crew.Wait()
	close(fault)
	for f := range fault {
		err = errors.Join(err, f)
	}
	return errors.Join(err, s.close())
}

func (s *server) close() error {
	var err error
	if s.ln != nil && s.http != nil {
		err = s.http.Close()
	}
	if s.redis != nil {
		err = errors.Join(err, s.redis.Close())
	}
	return errors.Join(err, s.parts.close())
}

// greet tells the operator where things are and what is switched off.
func (s *server) greet(ctx context.Context) {
	c, w := s.app.config, s.app.out
	entries, phrasings, laws, articles := s.base.Size()
	dir, err := filepath.Abs(c.DataDir)
	if err != nil {
		dir = c.DataDir
	}
	fmt.Fprintf(w, "明白已启动：http://%s\n", s.ln.Addr())
	s.greetConsole(ctx)
	fmt.Fprintf(w, "数据目录：%s\n", dir)
	fmt.Fprintf(w, "知识条目：%d 条，%d 个问法；已导入法律原文：%d 部 %d 条\n", entries, phrasings, laws, articles)
	for _, o := range []struct {
		on   bool
		text string
	}{
		{c.Store.DatabaseURL != "", "PostgreSQL：未用（记录在 SQLite 文件里），设 DATABASE_URL 开启"},
		{c.Store.RedisURL != "", "Redis：未用（会话在本地数据库里），设 REDIS_URL 开启"},
		{s.model != nil, "大模型：未用（只答审核过的条目），设 OPENAI_BASE_URL 和 OPENAI_MODEL 开启"},
		{s.vectors != nil, "向量检索：未用，设 EMBEDDING_MODEL 并运行 mingbai knowledge embed 开启"},
		{c.Knowledge.Dir != "", "自己的条目：未设，设 KNOWLEDGE_DIR 补充或覆盖内置条目"},
		{len(s.qq) > 0, "QQ：未接，设 QQ_APP_ID 和 QQ_APP_SECRET 接通，步骤见 docs/guide-qq.md"},
		{laws > 0, "法律原文：未导入，用 mingbai laws import 导入后答案能打开条文"},
		{s.county.Load() != nil, "本县资料：未设，用 mingbai init 设置办事地点、电话和本省标准"},
	} {
		if !o.on {
			fmt.Fprintln(w, "· "+o.text)
		}
	}
	s.greetQQ(w)
	if s.redis != nil && !s.redis.Up() {
		fmt.Fprintln(w, "! Redis 连不上：先不用它，会话记不住；恢复后自动接上。请检查 REDIS_URL。")
	}
	fmt.Fprintln(w, "Ctrl-C 停止。")
}

// ready says what of the program cannot work now. Redis may be down: answers
// go on without it.
func (s *server) ready(ctx context.Context) map[string]error {
	return map[string]error{"records": s.records.Ping(ctx)}
}

func (s *server) feedback(ctx context.Context, answer string, useful bool, reason string) error {
	err := s.records.Rate(ctx, answer, useful, reason)
	if isNotFound(err) {
		return bot.ErrUnknown
	}
	return err
}

func chat(ctx context.Context, a *app, args []string) error {
	f := a.flags("chat", "")
	if _, err := parse(f, args); err != nil {
		return err
	}
	s, err := a.openParts(ctx)
	if err != nil {
		return err
	}
	write, read, dialect := s.records.Handles()
	store, err := bot.OpenStore(ctx, write, read, dialect)
	if err != nil {
		return errors.Join(err, s.close())
	}
	b := bot.New(s.router, bot.NewLocalSessions(store, a.config.Store.SessionTTL), bot.NewInbox(store), bot.Options{Log: a.log})
	s.forget = b.Forget
	who, err := a.terminalAddress()
	if err != nil {
		return errors.Join(err, s.close())
	}
	b.Attach(bot.NewTerminal(a.in, a.out).As(who))
	fmt.Fprintln(a.out, "说说你遇到了什么事；“重来”重新开始，Ctrl-D 结束。急事打 110、120，法律热线 12348。")
	work, stop := context.WithCancel(ctx)
	var crew sync.WaitGroup
	crew.Go(func() { jobs.Notices{Office: s.records, Bot: b, Log: a.log, Every: time.Second}.Run(work) })
	err = b.Run(ctx)
	stop()
	crew.Wait()
	return errors.Join(err, s.close())
}
