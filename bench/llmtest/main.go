// Command llmtest runs the test model of knowledge/llmtest, to try the program
// by hand:
//
//	go run ./bench/llmtest -addr 127.0.0.1:9100 -say '可以申请。[1]'
//	OPENAI_BASE_URL=http://127.0.0.1:9100/v1 OPENAI_MODEL=llmtest-1 mingbai serve
//
// With -show it prints what it was asked.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"mingbai/knowledge/llmtest"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:9100", "loopback address to listen on")
	say := flag.String("say", "好的。", "what to answer")
	file := flag.String("file", "", "answer with the text of this file, read again each time")
	wait := flag.Duration("wait", 0, "how long to think first")
	fault := flag.Int("fault", 0, "number of the fault each answer has, see llmtest.Fault")
	show := flag.Bool("show", false, "print each request")
	flag.Parse()
	s, err := llmtest.Listen(*addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer s.Close()
	s.Answer(func(r llmtest.Request) (string, llmtest.Fault) {
		if *show {
			fmt.Printf("%s\n", r.Body)
		}
		time.Sleep(*wait)
		text := *say
		if *file != "" {
			b, err := os.ReadFile(*file)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				return "", llmtest.Broken
			}
			text = string(b)
		}
		return text, llmtest.Fault(*fault)
	})
	fmt.Println("OPENAI_BASE_URL=" + s.URL())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	<-ctx.Done()
}
