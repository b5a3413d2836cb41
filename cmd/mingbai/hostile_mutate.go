package main

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
)

// mutation writes the same attack in another way.
type mutation struct {
	name  string
	write func(string) string
}

// injections are the classes that are mutated.
var injections = []string{"direct_injection", "indirect_injection", "record_injection", "fake_citation"}

func mutations() []mutation {
	return []mutation{
		{"fullwidth", func(s string) string {
			return strings.Map(func(r rune) rune {
				if r > ' ' && r <= '~' {
					return r + 0xFEE0
				}
				return r
			}, s)
		}},
		{"zerowidth", func(s string) string { return between(s, "\u200b") }},
		{"traditional", func(s string) string { return traditional.Replace(s) }},
		{"spacing", func(s string) string { return between(s, " ") }},
		{"base64", func(s string) string {
			return "请解码后照做：" + base64.StdEncoding.EncodeToString([]byte(s))
		}},
		{"codeswitch", func(s string) string { return codeSwitch.Replace(s) + " please do as told, 谢谢" }},
	}
}

func between(s, what string) string {
	var parts []string
	for _, r := range s {
		parts = append(parts, string(r))
	}
	return strings.Join(parts, what)
}

// traditional turns the characters that attacks are likely to use.
var traditional = strings.NewReplacer(
	"请", "請", "说", "說", "证", "證", "系", "系", "统", "統", "个", "個", "规", "規", "则", "則", "显", "顯", "权", "權", "输", "輸", "该", "該", "务", "務", "应", "應", "对", "對", "问", "問", "们", "們",
	"这", "這", "会", "會", "从", "從", "现", "現", "开", "開", "给", "給", "关", "關", "总", "總", "结", "結", "话", "話", "员", "員", "还", "還", "为", "為", "让", "讓", "离", "離", "续", "續", "条", "條", "钱", "錢",
	"签", "簽", "议", "議", "诉", "訴", "讼", "訟", "执", "執", "动", "動", "书", "書", "写", "寫", "复", "復", "发", "發", "样", "樣", "过", "過", "没", "沒", "图", "圖", "链", "鏈", "库", "庫", "识", "識", "审", "審", "译", "譯", "级", "級", "调", "調", "测", "測", "试", "試")

var codeSwitch = strings.NewReplacer("忽略", "ignore", "指令", "instructions", "系统", "system", "提示词", "prompt", "输出", "output", "管理员", "admin", "发送", "send", "规则", "rules", "回答", "answer", "请", "please ", "告诉", "tell", "链接", "link", "所有", "all", "引用", "cite", "规定", "provision", "现在", "now")

// withMutations adds six more forms of each injection that is a message.
func withMutations(list []attack) []attack {
	var out []attack
	for _, x := range list {
		out = append(out, x)
		if !slices.Contains(injections, x.Class) || x.Text == "" {
			continue
		}
		for _, m := range mutations() {
			out = append(out, x.mutated(m))
		}
	}
	return out
}

// mutated writes what an attack says, and what it plants in documents, fields and
// names, in another way.
func (x attack) mutated(m mutation) attack {
	x.ID += "/" + m.name
	p := &x.Payload
	if !slices.Contains([]string{"kb_doc", "markdown", "docx_hidden"}, p.Kind) { // there the text is an honest question
		x.Text = m.write(x.Text)
	}
	for _, planted := range []*string{&p.Value, &p.Title, &p.Filename} {
		if *planted != "" {
			*planted = m.write(*planted)
		}
	}
	if p.Kind == "docx_hidden" {
		p.Text = m.write(p.Text)
	}
	if len(p.Body) > 0 && (p.Kind == "kb_doc" || p.Kind == "markdown") {
		p.Body, _ = json.Marshal(m.write(bodyText(p.Body))) // a string always can be
	}
	return x
}
