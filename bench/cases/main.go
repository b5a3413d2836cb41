// Command cases reads the output of BenchmarkCases of package office, run several
// times, and writes a Markdown table of the medians.
package main

import (
	"bufio"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var line = regexp.MustCompile(`^BenchmarkCases/db=(\w+)/cases=(\d+)/(\w+?)(?:#\d+)?(?:-\d+)?\s.*?([\d.]+) p50-ms\s+([\d.]+) p99-ms`)

func main() {
	names := map[string]string{"queue": "办件一页（十种条件轮流）", "search": "全文查找（十种词轮流）", "open": "打开一件（页面要读的全部）"}
	figures := map[string][2][]float64{}
	var order []string
	for s := bufio.NewScanner(os.Stdin); s.Scan(); {
		m := line.FindStringSubmatch(s.Text())
		if m == nil {
			continue
		}
		key := strings.Join([]string{m[1], m[2], m[3]}, "|")
		f, seen := figures[key]
		if !seen {
			order = append(order, key)
		}
		for i := range f {
			n, err := strconv.ParseFloat(m[4+i], 64)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			f[i] = append(f[i], n)
		}
		figures[key] = f
	}
	if len(order) == 0 {
		fmt.Fprintln(os.Stderr, "no figures of BenchmarkCases in the input")
		os.Exit(1)
	}
	fmt.Println("| 数据库 | 件数 | 做什么 | p50 毫秒 | p99 毫秒 | 轮数 |\n|---|---:|---|---:|---:|---:|")
	for _, key := range order {
		p := strings.Split(key, "|")
		f := figures[key]
		fmt.Printf("| %s | %s | %s | %.1f | %.1f | %d |\n", p[0], p[1], names[p[2]], median(f[0]), median(f[1]), len(f[0]))
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
