// Command http measures how the running program answers questions over HTTP at
// fixed rates, beside a bare echo handler on the same machine in the same run.
// It sends at the planned times whether or not earlier answers are back, so that
// a stall is not hidden, and writes a Markdown table of medians over the runs.
// It sends only to the loopback address.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	binary := flag.String("binary", "bin/mingbai", "program to measure")
	runs := flag.Int("runs", 5, "runs; the table shows medians")
	seconds := flag.Int("seconds", 10, "length of each measurement")
	rates := flag.String("rates", "100,300", "requests per second")
	signins := flag.Int("signins", 0, "measure questions at the first rate with and without so many sign-ins at once instead")
	flag.Parse()
	if *signins > 0 {
		if err := measureSignIns(*binary, *runs, *signins, time.Duration(*seconds)*time.Second, *rates); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if err := measure(*binary, *runs, time.Duration(*seconds)*time.Second, *rates); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// row is one measurement.
type row struct {
	p50, p99 time.Duration
	errors   int
}

func measure(binary string, runs int, length time.Duration, rates string) error {
	info, err := os.Stat(binary)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mingbai-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	echo, stopEcho, err := startEcho()
	if err != nil {
		return err
	}
	defer stopEcho()
	var starts, memory []float64
	results := map[string][]row{}
	for run := range runs {
		p, err := start(binary, filepath.Join(dir, strconv.Itoa(run)))
		if err != nil {
			return err
		}
		starts = append(starts, p.ready.Seconds())
		for _, r := range strings.Split(rates, ",") {
			rate, err := strconv.Atoi(r)
			if err != nil {
				return err
			}
			results["echo "+r] = append(results["echo "+r], load(echo, rate, length))
			results["ask "+r] = append(results["ask "+r], load(p.url+"/api/v1/ask", rate, length))
		}
		memory = append(memory, float64(p.resident())/1024)
		if err := p.stop(); err != nil {
			return err
		}
	}
	fmt.Printf("| what | figure |\n|---|---|\n| binary | %.1f MB |\n| start to ready | %.2f s |\n| resident memory after the load | %.0f MB |\n", float64(info.Size())/1e6, median(starts), median(memory))
	fmt.Printf("\n| requests | p50 ms | p99 ms | errors |\n|---|---|---|---|\n")
	keys := make([]string, 0, len(results))
	for k := range results {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		var p50, p99 []float64
		errs := 0
		for _, r := range results[k] {
			p50, p99, errs = append(p50, ms(r.p50)), append(p99, ms(r.p99)), errs+r.errors
		}
		fmt.Printf("| %s/s | %.2f | %.2f | %d |\n", k, median(p50), median(p99), errs)
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// process is the program under measurement.
type process struct {
	cmd   *exec.Cmd
	url   string
	ready time.Duration
}

// readyIn is how long a loaded machine may take to start the program.
const readyIn = 2 * time.Minute

func start(binary, dir string, env ...string) (*process, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := ln.Addr().String()
	if err := ln.Close(); err != nil {
		return nil, err
	}
	cmd := exec.Command(binary, "serve")
	cmd.Env = append(os.Environ(), "LISTEN="+address, "DATA_DIR="+dir, "ADDRESS_PER_MINUTE=10000000")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, url: "http://" + address}
	for time.Since(begin) < readyIn {
		if r, err := http.Get(p.url + "/readyz"); err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				p.ready = time.Since(begin)
				return p, nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed
	return nil, fmt.Errorf("%s is not ready after %s", binary, readyIn)
}

// resident gives the process's resident set, in KB.
func (p *process) resident() int {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		if v, ok := strings.CutPrefix(sc.Text(), "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.Fields(v)[0])
			return n
		}
	}
	return 0
}

func (p *process) stop() error {
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.cmd.Wait()
}

// startEcho serves the yardstick: a handler that reads the body and sends it
// back.
func startEcho() (url string, stop func(), err error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	srv := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, io.LimitReader(r.Body, 1<<16))
	})}
	go srv.Serve(ln) //nolint:errcheck // ends with Close
	return "http://" + ln.Addr().String(), func() { _ = srv.Close() }, nil
}

// questions are asked in turn.
var questions = []string{
	"老板三个月没发工资，我是外地来打工的，能请免费律师吗", "工作半年没签合同能要双倍工资吗", "离婚后孩子归谁",
	"借条没写还款日期怎么要", "网购七天能退货吗", "邻居家的狗咬了我", "公证遗嘱还能改吗", "人民调解收费吗",
	"交通事故认定书不服怎么办", "工伤认定要多久", "房东不退押金", "承包地到期村里要收回", "行政复议多少天内提",
	"被人打了会怎么处罚对方", "法律援助要带什么材料", "爸爸的遗产我不想要了", "公司辞退我赔多少", "微信转账借钱没借条",
	"物业费不交会怎样", "孩子在学校摔伤谁负责",
}

// load sends rate requests a second for the given time, each at its planned
// moment, and measures from that moment.
func load(url string, rate int, length time.Duration) row {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 256}}
	defer client.CloseIdleConnections()
	n := int(length.Seconds() * float64(rate))
	took := make([]time.Duration, n)
	failed := make([]bool, n)
	ctx, cancel := context.WithTimeout(context.Background(), length+30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range n {
		planned := begin.Add(time.Duration(i) * time.Second / time.Duration(rate))
		time.Sleep(time.Until(planned))
		wg.Go(func() {
			failed[i] = !send(ctx, client, url, questions[i%len(questions)])
			took[i] = time.Since(planned)
		})
	}
	wg.Wait()
	r := row{}
	for _, f := range failed {
		if f {
			r.errors++
		}
	}
	slices.Sort(took)
	r.p50, r.p99 = took[n/2], took[n*99/100]
	return r
}

func send(ctx context.Context, c *http.Client, url, question string) bool {
	body, err := json.Marshal(map[string]string{"text": question})
	if err != nil {
		return false
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := c.Do(req)
	if err != nil {
		return false
	}
	defer r.Body.Close()
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil && r.StatusCode == http.StatusOK
}
