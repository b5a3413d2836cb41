package handlers

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/goccy/go-yaml"

	"mingbai/bot"
	"mingbai/knowledge"
)

// maxFirst is the longest first sentence of a crisis, in runes: it has to be
// read at a glance on a phone.
const maxFirst = 60

// wordFile is words.yaml: lists that all rules may name by @.
type wordFile struct {
	Words  map[string][]string `yaml:"words"`
	Sounds map[string]string   `yaml:"sounds"`
	Fold   map[string]string   `yaml:"fold"`
}

// ruleFile is a file of rules as officers write it.
type ruleFile struct {
	Words          map[string][]string `yaml:"words"`
	Unless         []string            `yaml:"unless"`          // for every rule of the file
	UnlessAnywhere []string            `yaml:"unless_anywhere"` // for every rule of the file
	Rules          []ruleText          `yaml:"rules"`
	Signals        []signalText        `yaml:"signals"`
	Against        map[int][]string    `yaml:"against"` // counted in every crisis
	Absent         map[int][]string    `yaml:"absent"`  // counted in every crisis when not there
	Matters        []matterText        `yaml:"matters"`
	Safe           []string            `yaml:"safe"`
	NotSafe        []string            `yaml:"not_safe"`
}

// ruleText is one rule: what it is found by and what is said.
type ruleText struct {
	ID             string   `yaml:"id"`
	Category       string   `yaml:"category"`
	Patterns       []string `yaml:"patterns"`
	Always         []string `yaml:"always"`          // patterns that no exclusion stops
	Unless         []string `yaml:"unless"`          // stops a pattern in the same sentence
	UnlessAnywhere []string `yaml:"unless_anywhere"` // stops a pattern anywhere in the message
	First          string   `yaml:"first"`
	Then           []string `yaml:"then"`
	Numbers        []string `yaml:"numbers"` // hotlines the reply names, "110"
	Cite           []string `yaml:"cite"`    // keys of citations.yaml
	Topic          string   `yaml:"topic"`
}

// matterText is a legal matter that may stand behind a crisis.
type matterText struct {
	Topic    string   `yaml:"topic"`
	Patterns []string `yaml:"patterns"`
	Line     string   `yaml:"line"`
}

// rule is a ruleText ready to match.
type rule struct {
	ruleText
	patterns, always  []pattern
	unless, elsewhere []pattern
	cited             []citation
}

type matter struct {
	topic    string
	line     string
	patterns []pattern
}

// ruleSet is a compiled ruleFile.
type ruleSet struct {
	rules         []rule
	matters       []matter
	signals       []signal
	safe, notSafe []pattern
}

// citation is one article that a reply of these files rests on, with what it
// has to say for that.
type citation struct {
	Key       string   `yaml:"key"`
	Short     string   `yaml:"short"`
	Law       string   `yaml:"law"`
	Article   string   `yaml:"article"`
	Proof     []string `yaml:"proof"`
	Version   string   `yaml:"version"`
	Effective string   `yaml:"effective"`
}

// fixed gives the citation in the form that is verified against law texts.
func (c citation) fixed() (knowledge.FixedCitation, error) {
	no, err := knowledge.ParseArticleNo(c.Article)
	return knowledge.FixedCitation{
		Where: "handlers/data/citations.yaml " + c.Key, Citation: knowledge.Citation{Law: c.Law, Article: no, Proof: c.Proof},
	}, err
}

// public gives the form that channels show.
func (c citation) public() bot.Citation {
	return bot.Citation{Law: c.Law, Article: c.Article, Version: c.Version, Effective: c.Effective, Status: "现行有效"}
}

// String gives "《刑法》第三百一十三条".
func (c citation) String() string {
	n, err := knowledge.ParseArticleNo(c.Article)
	if err != nil {
		return "《" + c.Short + "》"
	}
	return "《" + c.Short + "》" + n.Han()
}

// loader reads the data files one after the other into one table of words.
type loader struct {
	fsys     fs.FS
	compiler *compiler
	cited    map[string]citation
	lines    *Hotlines
}

func readYAML(fsys fs.FS, name string, into any) error {
	b, err := fs.ReadFile(fsys, name)
	if err != nil {
		return fmt.Errorf("read rules: %w", err)
	}
	if err := yaml.UnmarshalWithOptions(b, into, yaml.Strict()); err != nil {
		return fmt.Errorf("read rules: %s: %w", name, err)
	}
	return nil
}

// newLoader reads what all files share: lists of words, citations, hotlines.
func newLoader(fsys fs.FS) (*loader, error) {
	var w wordFile
	if err := readYAML(fsys, "data/words.yaml", &w); err != nil {
		return nil, err
	}
	var cs struct {
		Citations []citation `yaml:"citations"`
	}
	if err := readYAML(fsys, "data/citations.yaml", &cs); err != nil {
		return nil, err
	}
	l := &loader{fsys: fsys, compiler: newCompiler(w), cited: map[string]citation{}}
	for _, c := range cs.Citations {
		l.cited[c.Key] = c
	}
	var err error
	l.lines, err = loadHotlines(fsys)
	return l, err
}

// load reads and compiles one file of rules.
func (l *loader) load(name string, similar bool) (*ruleSet, error) {
	var f ruleFile
	if err := readYAML(l.fsys, name, &f); err != nil {
		return nil, err
	}
	for k, v := range f.Words {
		if _, taken := l.compiler.words[k]; taken {
			return nil, fmt.Errorf("read rules: %s: list %q is there twice", name, k)
		}
		l.compiler.words[k] = v
	}
	set := &ruleSet{}
	for _, t := range f.Rules {
		t.Unless = append(t.Unless, f.Unless...)
		t.UnlessAnywhere = append(t.UnlessAnywhere, f.UnlessAnywhere...)
		r, err := l.rule(t, similar)
		if err != nil {
			return nil, fmt.Errorf("read rules: %s: rule %q: %w", name, t.ID, err)
		}
		set.rules = append(set.rules, r)
	}
	if err := l.loadMatters(set, &f); err != nil {
		return nil, fmt.Errorf("read rules: %s: %w", name, err)
	}
	if err := l.loadSignals(set, &f); err != nil {
		return nil, fmt.Errorf("read rules: %s: %w", name, err)
	}
	return set, nil
}

func (l *loader) loadMatters(set *ruleSet, f *ruleFile) error {
	for _, m := range f.Matters {
		ps, err := l.compiler.compileAll(m.Patterns, false)
		if err != nil {
			return fmt.Errorf("matter %s: %w", m.Topic, err)
		}
		if err := l.lines.check(m.Line, nil); err != nil {
			return fmt.Errorf("matter %s: %w", m.Topic, err)
		}
		set.matters = append(set.matters, matter{m.Topic, m.Line, ps})
	}
	var err error
	if set.safe, err = l.compiler.compileAll(f.Safe, false); err != nil {
		return err
	}
	set.notSafe, err = l.compiler.compileAll(f.NotSafe, false)
	return err
}

func (l *loader) rule(t ruleText, similar bool) (rule, error) {
	r := rule{ruleText: t}
	for _, part := range []struct {
		from    []string
		to      *[]pattern
		similar bool
	}{
		{t.Patterns, &r.patterns, similar}, {t.Always, &r.always, similar},
		{t.Unless, &r.unless, false}, {t.UnlessAnywhere, &r.elsewhere, false},
	} {
		ps, err := l.compiler.compileAll(part.from, part.similar)
		if err != nil {
			return r, err
		}
		*part.to = ps
	}
	if t.ID == "" || t.Category == "" || t.First == "" || len(r.patterns)+len(r.always) == 0 {
		return r, fmt.Errorf("id, category, first and a pattern are needed")
	}
	for _, key := range t.Cite {
		c, ok := l.cited[key]
		if !ok {
			return r, fmt.Errorf("no citation %q", key)
		}
		r.cited = append(r.cited, c)
	}
	return r, l.lines.check(t.First+"\n"+strings.Join(t.Then, "\n"), t.Numbers)
}

// answer words a rule: the first sentence alone on top, then short lines, what
// comes last and what it rests on.
func (r *rule) answer(kind string, last ...string) bot.Reply {
	var b strings.Builder
	b.WriteString(r.First)
	for _, line := range r.Then {
		b.WriteString("\n- " + line)
	}
	for _, line := range last {
		if line != "" {
			b.WriteString("\n" + line)
		}
	}
	a := &bot.Answer{Kind: kind, Topic: r.Topic, By: "reviewed", Grounded: true}
	if len(r.cited) > 0 {
		names := make([]string, 0, len(r.cited))
		for _, c := range r.cited {
			names = append(names, c.String())
			a.Citations = append(a.Citations, c.public())
		}
		b.WriteString("\n依据：" + strings.Join(names, "、"))
	}
	return bot.Reply{Text: b.String(), Answer: a}
}
