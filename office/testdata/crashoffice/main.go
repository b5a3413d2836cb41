// Command crashoffice opens, takes on, mediates and answers cases until it is killed, for
// tests that kill it. It says "try X" before a step and "done X" when the
// records have acknowledged it. Built with the tag crashtest it ends by itself
// at CRASH_AT. Steps named in AGAIN, which an earlier process tried and did not
// see acknowledged, are done first.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"

	"mingbai/office"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	db, err := office.Open(ctx, office.Options{Dir: os.Getenv("DATA_DIR"), DatabaseURL: os.Getenv("DATABASE_URL")})
	if err != nil {
		return err
	}
	defer db.Close()
	clerk, err := db.PersonByAccount(ctx, "web/user/clerk")
	if err != nil {
		return err
	}
	w := worker{db: db, clerk: clerk}
	for _, name := range strings.Fields(os.Getenv("AGAIN")) {
		if err := w.all(ctx, name); err != nil {
			return err
		}
	}
	fmt.Println("again done")
	faults := make(chan error, 4)
	var crew sync.WaitGroup
	for k := range cap(faults) {
		crew.Go(func() {
			for i := 0; ; i++ {
				if err := w.all(ctx, fmt.Sprintf("%s-%d-%d", os.Getenv("RUN"), k, i)); err != nil {
					faults <- err
					return
				}
			}
		})
	}
	crew.Wait()
	return <-faults
}

type worker struct {
	db    *office.DB
	clerk office.Person
	mu    sync.Mutex
}

func (w *worker) say(words ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	fmt.Println(words...)
}

// all takes one case from handing in to the answer. name makes every step one
// that is done once.
func (w *worker) all(ctx context.Context, name string) error {
	w.say("try", name)
	o, err := w.db.OpenCase(ctx, office.Person{Account: office.Account("web/user/" + name)},
		office.Draft{Request: name, Via: office.ViaResident, Matter: "dispute", Place: "城东街道", Story: "为了 " + name + " 吵起来了。"})
	if err != nil {
		return err
	}
	w.say("done", name, "new")
	no := o.Case.No
	for _, step := range []struct {
		name string
		do   func(request string) error
	}{
		{"accept", func(request string) error {
			_, err := w.db.Act(ctx, w.clerk, no, office.Action{Verb: "accept", Request: request})
			return err
		}},
		{"session", func(request string) error {
			_, err := w.db.AddSession(ctx, w.clerk, no, request, "村委会", "两家都到了，谈了 "+name)
			return err
		}},
		{"outcome", func(request string) error {
			_, _, err := w.db.SetOutcome(ctx, w.clerk, no, request, office.Mediation{Outcome: office.Outcomes[0], Terms: "三天内把 " + name + " 办好。"})
			return err
		}},
		{"answer", func(request string) error {
			_, err := w.db.Act(ctx, w.clerk, no, office.Action{Verb: "answer", Request: request, Text: "答复给 " + name})
			return err
		}},
	} {
		if err := step.do(name + " " + step.name); err != nil {
			return err
		}
		w.say("done", name, step.name)
	}
	return nil
}
