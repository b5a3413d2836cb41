package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"mingbai/knowledge/llmtest"
)

// How the flood is measured.
const (
	floodPeople  = 50                     // who ask at once
	floodRounds  = 6                      // how often
	floodPerSec  = 10                     // messages of the one person: 600 a minute
	floodThink   = 300 * time.Millisecond // of the model
	floodMark    = "洪水标记"                 // in every message of the one person
	floodAnswer  = "先收好证据，再去申请劳动仲裁，不收费。〔1〕"
	mostSlowdown = 2.0 // of the others' p99
)

// floodFigures is what a flood of one person does to itself and to others.
type floodFigures struct {
	Sent      int     `json:"sent"`       // messages of the flood
	Taken     int     `json:"taken"`      // of them
	Refused   int     `json:"refused"`    // of them: too fast
	Calls     int     `json:"calls"`      // of the model, for the flood
	Tokens    int     `json:"tokens"`     // as the model counts them, for the flood
	Budget    int     `json:"budget"`     // of one person
	Others    int     `json:"others"`     // answers to the others while it lasted
	CalmP50   float64 `json:"calm_p50"`   // ms, without a flood
	CalmP99   float64 `json:"calm_p99"`   // ms
	FloodP50  float64 `json:"flood_p50"`  // ms
	FloodP99  float64 `json:"flood_p99"`  // ms
	Slowdown  float64 `json:"slowdown"`   // of p99
	CallsAll  int     `json:"calls_all"`  // of the model, for everybody, during the flood
	TokensAll int     `json:"tokens_all"` // as the model counts them
	BudgetAll int     `json:"budget_all"` // of a day
}

// evalFlood measures on the product's own wiring: fifty people ask at once,
// alone and beside one who sends 600 messages a minute.
func evalFlood(ctx context.Context, a *app, args []string) error {
	f := a.flags("eval flood", "[--seconds 60] [--json]")
	seconds := f.Int("seconds", 60, "洪水持续几秒")
	asJSON := f.Bool("json", false, "输出 JSON")
	rest, err := parse(f, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || *seconds < 1 || *seconds > 600 {
		return fmt.Errorf("%w: --seconds 写 1 到 600", errUsage)
	}
	r := &hostileRange{ctx: ctx}
	defer r.close()
	got, err := r.measureFlood(time.Duration(*seconds) * time.Second)
	if err != nil {
		return err
	}
	if *asJSON {
		err = writeJSON(a.out, got)
	} else {
		err = got.write(a.out)
	}
	return errors.Join(err, got.fault())
}

func (g floodFigures) write(w io.Writer) error {
	_, err := fmt.Fprintf(w, "一个人发 %d 条：收下 %d，嫌快退回 %d；为他问模型 %d 次，%d 词元（每人每天 %d）\n"+
		"旁边 50 个人同时问，答了 %d 次：平时 p50 %.0f、p99 %.0f 毫秒，洪水时 p50 %.0f、p99 %.0f 毫秒，p99 是 %.2f 倍\n"+
		"洪水期间一共问模型 %d 次，%d 词元（每天 %d）\n",
		g.Sent, g.Taken, g.Refused, g.Calls, g.Tokens, g.Budget, g.Others, g.CalmP50, g.CalmP99, g.FloodP50, g.FloodP99, g.Slowdown, g.CallsAll, g.TokensAll, g.BudgetAll)
	return err
}

func (g floodFigures) fault() error {
	switch {
	case g.Tokens > g.Budget || g.TokensAll > g.BudgetAll:
		return errors.New("用的词元超过了预算")
	case g.Slowdown > mostSlowdown:
		return fmt.Errorf("别人的 p99 慢到 %.2f 倍，最多 %.0f 倍", g.Slowdown, mostSlowdown)
	}
	return nil
}

// measureFlood has fifty people ask, and other fifty beside the flood: the
// budgets of both are fresh.
func (r *hostileRange) measureFlood(lasts time.Duration) (floodFigures, error) {
	var g floodFigures
	if err := r.open(); err != nil {
		return g, err
	}
	r.model.Answer(func(llmtest.Request) (string, llmtest.Fault) {
		<-time.After(floodThink)
		return floodAnswer, llmtest.None
	})
	calm, err := r.crowd(0)
	if err != nil {
		return g, err
	}
	before := len(r.model.Requests())
	ctx, stop := context.WithTimeout(r.ctx, lasts)
	defer stop()
	var crew sync.WaitGroup
	var flood error
	crew.Go(func() { flood = r.flooder(ctx, &g) })
	busy, err := r.crowd(lasts / floodRounds)
	crew.Wait()
	if err := errors.Join(err, flood); err != nil {
		return g, err
	}
	g.Others = len(busy)
	g.CalmP50, g.CalmP99 = percentile(calm, 50), percentile(calm, 99)
	g.FloodP50, g.FloodP99 = percentile(busy, 50), percentile(busy, 99)
	g.Slowdown = g.FloodP99 / g.CalmP99
	m := r.first().server.app.config.Model
	g.Budget, g.BudgetAll = m.TokensPerson, m.TokensDay
	for _, q := range r.model.Requests()[before:] {
		n := q.Tokens() + len([]rune(floodAnswer))
		g.CallsAll, g.TokensAll = g.CallsAll+1, g.TokensAll+n
		if strings.Contains(q.User(), floodMark) {
			g.Calls, g.Tokens = g.Calls+1, g.Tokens+n
		}
	}
	return g, nil
}

// percentile of times, in milliseconds.
func percentile(d []time.Duration, p int) float64 {
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return float64(d[min(len(d)-1, len(d)*p/100)].Microseconds()) / 1000
}

// crowd has fifty people ask at once, again and again, and gives how long each
// waited for the whole answer.
func (r *hostileRange) crowd(every time.Duration) (took []time.Duration, err error) {
	people := make([]*webUser, floodPeople)
	for i := range people {
		if people[i], err = r.agreed(); err != nil {
			return nil, err
		}
	}
	var mu sync.Mutex
	for round := range floodRounds {
		begun := time.Now()
		var crew sync.WaitGroup
		for i, u := range people {
			crew.Go(func() {
				text := fmt.Sprintf("%s。我是第%d次问，工钱是%d元", midQuestions[(i+round)%len(midQuestions)], round+1, 1000+i)
				start := time.Now()
				_, status, e := u.say(text)
				mu.Lock()
				defer mu.Unlock()
				if e == nil && status != http.StatusAccepted {
					e = fmt.Errorf("HTTP %d for somebody who did nothing", status)
				}
				took, err = append(took, time.Since(start)), errors.Join(err, e)
			})
		}
		crew.Wait()
		if err == nil && round < floodRounds-1 {
			err = pause(r.ctx, every-time.Since(begun))
		}
		if err != nil {
			return nil, err
		}
	}
	return took, nil
}

// midQuestions are stories that a model would word the answers to.
var midQuestions = []string{
	"我在工地上干了三个月，老板一直拖着不给工钱，打电话不接，也没有签合同，我现在想知道到底该去找谁要",
	"我妈去世以后留下一套房子，我和哥哥谈不拢，他说女儿没有份，我想知道这个房子到底应该怎么分才对",
	"我把钱借给一个朋友，只有微信聊天没有借条，现在他不认账还把我拉黑了，我想知道还能不能把钱要回来",
}

// floodLines is how many messages of the flood may be on their way at once.
const floodLines = 16

// flooder sends without waiting for answers until ctx ends.
func (r *hostileRange) flooder(ctx context.Context, g *floodFigures) error {
	u, err := r.agreed()
	if err != nil {
		return err
	}
	t := time.NewTicker(time.Second / floodPerSec)
	defer t.Stop()
	var mu sync.Mutex
	var crew sync.WaitGroup
	defer crew.Wait()
	var faults error
	lines := make(chan struct{}, floodLines)
	for {
		select {
		case <-ctx.Done():
			crew.Wait()
			return errors.Join(faults, r.ctx.Err())
		case <-t.C:
		}
		g.Sent++
		text := fmt.Sprintf("%s第%d条。%s", floodMark, g.Sent, midQuestions[g.Sent%len(midQuestions)])
		lines <- struct{}{}
		crew.Go(func() {
			defer func() { <-lines }()
			status, body, err := u.send(text)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				faults = errors.Join(faults, err)
			case status == http.StatusAccepted:
				g.Taken++
			case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
				g.Refused++
			default:
				faults = errors.Join(faults, fmt.Errorf("the flood got HTTP %d: %s", status, clipRunes(body, 80)))
			}
		})
	}
}
