package console

import (
	"cmp"
	"net/http"
	"slices"

	"mingbai/knowledge"
	"mingbai/office"
)

// keepers may switch topics off.
var keepers = []office.Role{office.Officer, office.Admin}

type topicsPage struct {
	Form   *form
	Topics []topicRow
}

type topicRow struct {
	ID, Name, Why string
	Off           bool
}

func (c *call) topicsPage(f *form) (topicsPage, error) {
	off, err := c.o.Office.TopicsOff(c.r.Context())
	page := topicsPage{Form: f}
	names := c.topics()
	for id, name := range names {
		why, is := off[id]
		page.Topics = append(page.Topics, topicRow{id, name, why, is})
	}
	for id, why := range off {
		if names[id] == "" { // it has gone since; it can still be switched on
			page.Topics = append(page.Topics, topicRow{ID: id, Why: why, Off: true})
		}
	}
	slices.SortFunc(page.Topics, func(a, b topicRow) int {
		if a.Off != b.Off {
			if a.Off {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.ID, b.ID)
	})
	return page, err
}

func (c *call) topics() map[string]string {
	if c.o.Base == nil {
		return nil
	}
	return c.o.Base.Topics()
}

// topics shows which topics are answered by the machine.
func topics(c *call) error {
	page, err := c.topicsPage(c.form())
	if err != nil {
		return err
	}
	return c.show(http.StatusOK, "topics", page)
}

// maxWhy bounds what is shown in place of a topic's answers, in bytes.
const maxWhy = 600

// switchTopic stops or resumes the machine's answers of a topic, on this process
// at once.
func switchTopic(c *call) error {
	f := c.form()
	id := f.Get("topic")
	name, why := c.topics()[id], f.Get("why")
	var err error
	switch {
	case name == "" && f.Get("off") != "":
		err = &office.Error{Kind: office.Invalid, Msg: "没有这个专题，请在列表里选。"}
	case f.Get("off") == "":
		why = ""
	case why == "" || len(why) > maxWhy:
		err = &office.Error{Kind: office.Invalid, Msg: "请写上关闭期间给居民看的话，不超过 200 个字。"}
	}
	if err == nil {
		err = c.o.Office.SwitchTopic(c.r.Context(), id, why, c.me.Actor())
	}
	if err != nil {
		page, fault := c.topicsPage(f)
		if fault != nil {
			return fault
		}
		return c.again(err, "topics", f, page)
	}
	off, err := c.o.Office.TopicsOff(c.r.Context())
	if err != nil {
		return err
	}
	if c.o.Base != nil {
		c.o.Base.SetOff(off)
	}
	if why == "" {
		return c.done("/console/topics", "专题 "+id+" "+name+" 恢复了。")
	}
	return c.done("/console/topics", "专题 "+id+" "+name+" 关闭了，居民问到时看到您写的话。别的进程一分钟内生效。")
}

type dropsPage struct {
	Drops []knowledge.Dropped
	On    bool // there is a model
	Rules []ruleCount
}

type ruleCount struct {
	Gate, Rule string
	N          int
}

// drops shows which sentences of the model the gates kept back lately: why, never
// what they said.
func drops(c *call) error {
	page := dropsPage{On: c.o.Drops != nil}
	if page.On {
		page.Drops = c.o.Drops()
		slices.Reverse(page.Drops)
	}
	counts := map[ruleCount]int{}
	for _, d := range page.Drops {
		counts[ruleCount{Gate: d.Gate, Rule: d.Rule}]++
	}
	for k, n := range counts {
		k.N = n
		page.Rules = append(page.Rules, k)
	}
	slices.SortFunc(page.Rules, func(a, b ruleCount) int {
		return cmp.Or(b.N-a.N, cmp.Compare(a.Gate+a.Rule, b.Gate+b.Rule))
	})
	return c.show(http.StatusOK, "drops", page)
}
