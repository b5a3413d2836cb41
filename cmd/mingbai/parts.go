package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"mingbai/bot"
	"mingbai/config"
	"mingbai/handlers"
	"mingbai/jobs"
	"mingbai/knowledge"
	"mingbai/office"
)

// parts are what every way of asking is made of, bottom up.
type parts struct {
	app      *app
	base     *knowledge.Base
	answerer *knowledge.Answerer
	safety   *handlers.Safety
	records  *office.DB // nil when nothing is to be recorded
	router   *handlers.Router
	mask     *knowledge.Redactor
	model    *knowledge.ChatModel  // nil without one in the settings
	gates    *knowledge.Gates      // nil without a model
	worder   *knowledge.Worder     // nil without a model
	vectors  *knowledge.EmbedModel // nil without one in the settings
	metrics  *prometheus.Registry
	redis    *bot.Redis // nil without REDIS_URL, and where no messages are taken

	relayers []jobs.Relayer                                          // groups' robots and mail; none without NOTIFY_… and SMTP_SERVER
	forget   func(ctx context.Context, chat, from bot.Address) error // nil until there is a bot
	sinks    []jobs.Publisher                                        // where content is published, by the settings
	targets  map[string][]string                                     // their targets
	sites    jobs.Cloud                                              // the published pages, by target
	pufa     http.Handler                                            // those in the directory

	county  atomic.Pointer[office.County]
	consult chan office.Consult
	writer  sync.WaitGroup
}

// openBase opens the knowledge and the imported law texts.
func (a *app) openBase(ctx context.Context) (*parts, error) {
	p := &parts{app: a, metrics: prometheus.NewRegistry()}
	if info, err := os.Stat(a.config.DataDir); err == nil && !info.IsDir() {
		return nil, fmt.Errorf("DATA_DIR：%s 是一个文件，要写一个目录", a.config.DataDir)
	}
	var err error
	if p.safety, err = handlers.NewSafety(); err != nil {
		return nil, fmt.Errorf("read the safety rules: %w", err)
	}
	p.mask = knowledge.NewRedactor(p.public)
	embedder, err := p.openEmbedding()
	if err != nil {
		return nil, err
	}
	if p.base, err = knowledge.OpenBase(ctx, knowledge.BaseOptions{
		Embedder: embedder, Embedding: a.config.Model.Embedding, Vectors: filepath.Join(a.config.DataDir, vectorsFile),
		Dir: a.config.Knowledge.Dir, LawsDir: filepath.Join(a.config.DataDir, "laws"), Cache: filepath.Join(a.config.DataDir, "articles.index"), Model: filepath.Join(a.config.DataDir, modelFile), Now: a.now, Log: a.log,
	}); err != nil {
		return nil, fmt.Errorf("打不开知识库：%w", err)
	}
	for _, f := range p.base.Faults() {
		a.log.Warn("knowledge file has a fault", "file", f.File, "line", f.Line, "fault", f.Msg)
	}
	p.answerer = knowledge.NewAnswerer(p.base)
	p.router = handlers.New(handlers.Deps{Base: p.base, Answerer: p.answerer, Safety: p.safety, Redactor: p.mask, Now: a.now, Log: a.log})
	return p, nil
}

// public says whether a number or an address belongs to everybody: a hotline, or
// an office of the county.
func (p *parts) public(what string) bool {
	if _, ok := p.safety.Hotlines().Find(what); ok {
		return true
	}
	c := p.county.Load()
	return c != nil && slices.ContainsFunc(c.Offices, func(o office.Office) bool {
		return o.Address == what || o.Phone != "" && digits(o.Phone) == what
	})
}

// digits drops what stands between the digits of a phone number.
func digits(phone string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
}

// openParts opens everything, records included.
func (a *app) openParts(ctx context.Context) (*parts, error) {
	p, err := a.openBase(ctx)
	if err != nil {
		return nil, err
	}
	c := a.config
	if p.records, err = office.Open(ctx, office.Options{Dir: c.DataDir, DatabaseURL: c.Store.DatabaseURL.Reveal(), Now: a.now, Publishing: a.publishing()}); err != nil {
		return nil, err
	}
	if err := p.openModel(); err != nil {
		return nil, errors.Join(err, p.records.Close())
	}
	assistant, err := p.assistant()
	if err != nil {
		return nil, errors.Join(err, p.records.Close())
	}
	p.consult = make(chan office.Consult, consultQueue)
	p.writer.Add(1)
	go p.writeConsults()
	p.router = handlers.New(handlers.Deps{
		Base: p.base, Answerer: p.answerer, Safety: p.safety, Redactor: p.mask, Now: a.now, Log: a.log,
		County: func() (office.County, bool) {
			if c := p.county.Load(); c != nil {
				return *c, true
			}
			return office.County{}, false
		},
		Record:    p.record,
		Rate:      p.records.Rate,
		Assistant: assistant,
		Cases:     p.records,
		Check:     p.publishCheck(),
		Keep:      keepOf(c),
		Forget: func(ctx context.Context, chat, from bot.Address) error {
			if p.forget == nil {
				return nil
			}
			return p.forget(ctx, chat, from)
		},
	})
	if err := errors.Join(p.refresh(ctx), p.openSinks()); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// refresh reads what may change while the program runs: topics switched off,
// the county's data, knowledge files.
func (p *parts) refresh(ctx context.Context) error {
	off, err := p.records.TopicsOff(ctx)
	if err != nil {
		return err
	}
	p.base.SetOff(off)
	c, ok, err := p.records.County(ctx)
	if err != nil {
		return err
	}
	if ok {
		p.county.Store(&c)
	}
	_, err = p.base.Reload()
	return err
}

// Bounds of the writer of consultations: how many may wait, and how many go
// into one transaction. A full queue makes the caller wait, so none is lost.
const (
	consultQueue = 4096
	consultBatch = 256
)

func (p *parts) record(c office.Consult) { p.consult <- c }

// writeConsults keeps consultations, many in one transaction, until the queue is
// closed. A failing database is tried again; the resident does not wait for it.
func (p *parts) writeConsults() {
	defer p.writer.Done()
	for c := range p.consult {
		batch := []office.Consult{c}
	more:
		for len(batch) < consultBatch {
			select {
			case c, ok := <-p.consult:
				if !ok {
					break more
				}
				batch = append(batch, c)
			default:
				break more
			}
		}
		var err error
		for try := range 3 {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			err = p.records.RecordConsults(ctx, batch...)
			cancel()
			if err == nil {
				break
			}
			time.Sleep(time.Duration(try+1) * 200 * time.Millisecond)
		}
		if err != nil {
			p.app.log.Error("consultations not recorded", "n", len(batch), slog.Any("err", err))
		}
	}
}

// close writes what waits and closes the records.
func (p *parts) close() error {
	if p.records == nil {
		return nil
	}
	if p.model != nil {
		p.model.Close()
	}
	if p.vectors != nil {
		p.vectors.Close()
	}
	close(p.consult)
	p.writer.Wait()
	return p.records.Close()
}

// keepOf gives the settings of how long things are kept to the records.
func keepOf(c *config.Config) office.Keep {
	return office.Keep{Cases: c.Keep.Cases, Consults: c.Keep.Consults, Notices: c.Keep.Notices, Reads: c.Keep.Reads}
}

func isNotFound(err error) bool { return err != nil && office.KindOf(err) == office.NotFound }

// message gives what a person may be shown of an error.
func message(err error) string {
	var e *office.Error
	if errors.As(err, &e) && e.Kind != office.Internal {
		return e.Msg
	}
	if advice, ok := office.Outage(err); ok {
		return advice
	}
	return err.Error()
}
