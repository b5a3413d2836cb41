package jobs_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"sync"
	"time"

	"mingbai/jobs"
)

// shelf is a source that a test fills.
type shelf struct {
	mu   sync.Mutex
	list []jobs.Article
	at   map[string]int
	read int
	fail error
}

func (s *shelf) Heads(context.Context) ([]jobs.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heads := make([]jobs.Head, len(s.list))
	for i, a := range s.list {
		heads[i] = a.Head
	}
	return heads, nil
}

func (s *shelf) Article(_ context.Context, id string) (jobs.Article, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.read++
	if i, ok := s.at[id]; ok && s.fail == nil {
		return s.list[i], nil
	}
	return jobs.Article{}, fmt.Errorf("no article %s: %w", id, s.fail)
}

func (s *shelf) add(list ...jobs.Article) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]int{}
	}
	for _, a := range list {
		s.at[a.ID] = len(s.list)
		s.list = append(s.list, a)
	}
}

func (s *shelf) change(id string, f func(*jobs.Article)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.list[s.at[id]]
	f(a)
	a.Version += "+"
}

// article is the n-th of many.
func article(n int) jobs.Article {
	return jobs.Article{
		Head: jobs.Head{
			ID: fmt.Sprintf("p%05d", n), Kind: "文章", Title: fmt.Sprintf("第%d篇：%s的一件小事", n, topics[n%len(topics)]),
			Summary: "一句话说清楚：先留证据，再找人，最后才是打官司。", Topic: topics[n%len(topics)], Tags: []string{"乡村"},
			Published: first.Add(time.Duration(n) * time.Hour), Version: "1",
		},
		Body:   "## 怎么办\n\n1. 先**留下证据**。\n2. 再找村里的法律明白人。\n\n说清楚时间、地点和人。",
		Laws:   []jobs.Law{{Name: "中华人民共和国民法典", Article: "第一百八十八条", From: "2021-01-01", Checked: "2026-03-01"}},
		Author: "城东司法所", Approver: "某某县司法局",
	}
}

// wages is an article with everything in it.
func wages() jobs.Article {
	a := article(0)
	a.ID, a.Title, a.Topic, a.Kind, a.AI = "wages", "老板拖欠工资，先做这三件事", "劳动报酬", "问答", true
	a.Tags = []string{"乡村", "企业"}
	a.Body = "# 先说结论\n\n被拖欠工资，**不花钱**也能要回来。\n\n### 怎么办\n\n1. 留下证据：\n   - 考勤、工牌\n   - 和老板的聊天\n2. 打 12333 投诉。\n3. 申请[法律援助](https://www.12348.gov.cn/)，不要点[这里](http://bad.example/)。\n\n> 《劳动法》第五十条：不得克扣或者无故拖欠。\n\n<script>alert(1)</script>\n\n![证据](https://bad.example/x.png)"
	a.Laws = append(a.Laws, jobs.Law{Name: "中华人民共和国劳动法", Article: "第五十条", From: "2018-12-29", Checked: "2026-03-01"})
	a.Video, a.Image, a.Alt, a.Poster = "https://v.example.gov.cn/1", "png", "三步要回工资：留证据、打12333、找法援", picture()
	return a
}

func picture() []byte {
	var b bytes.Buffer
	m := image.NewGray(image.Rect(0, 0, 320, 180))
	if err := png.Encode(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// many fills a shelf with n articles.
func many(n int) *shelf {
	s := &shelf{}
	for i := range n {
		s.add(article(i + 1))
	}
	return s
}
