package knowledge

import (
	"fmt"
	"slices"
)

// EntryFigures say how well questions find their entry.
type EntryFigures struct {
	Questions int
	Recall1   float64 // the entry asked about is the first hit
	Recall3   float64
	Topic1    float64 // the first hit is of the right topic
	MRR       float64 // over the first ten
	Sure      float64 // share of questions with a first hit of FitSure or more
	SureRight float64 // share of those that are of the right topic
	Unknown   float64 // share of questions below FitMaybe
}

// String gives one line a figure.
func (f EntryFigures) String() string {
	return fmt.Sprintf("questions: %d\nentry@1: %.4f\nentry@3: %.4f\ntopic@1: %.4f\nmrr@10: %.4f\nsure: %.4f\nsure and right: %.4f\nunknown: %.4f\n",
		f.Questions, f.Recall1, f.Recall3, f.Topic1, f.MRR, f.Sure, f.SureRight, f.Unknown)
}

// EvalEntries measures how well phrasings find their entry when they are not
// among its phrasings: phrasing i of each entry is held out in fold i mod folds.
// The documents that are not entries are left out.
func EvalEntries(docs []*Document, lex *Lexicon, folds int) EntryFigures {
	var f EntryFigures
	HoldOut(docs, lex, folds, func(x *Index, d *Document, question string) {
		f.add(x.Search(Query{Text: question, Kind: KindEntry}), d)
	})
	f.mean()
	return f
}

// HoldOut calls f for every phrasing of every entry, with an index that does
// not have it (nor the other phrasings of its fold).
func HoldOut(docs []*Document, lex *Lexicon, folds int, f func(x *Index, d *Document, question string)) {
	for fold := range folds {
		var rest []*Document
		for _, d := range docs {
			if d.Entry == nil {
				continue
			}
			e := *d.Entry
			e.Questions = nil
			for i, q := range d.Entry.Questions {
				if i%folds != fold {
					e.Questions = append(e.Questions, q)
				}
			}
			c := *d
			c.Entry = &e
			rest = append(rest, &c)
		}
		x := BuildIndex(rest, lex)
		for _, d := range docs {
			if d.Entry == nil {
				continue
			}
			for i, q := range d.Entry.Questions {
				if i%folds == fold {
					f(x, d, q)
				}
			}
		}
	}
}

func (f *EntryFigures) add(hits []Hit, want *Document) {
	f.Questions++
	at := slices.IndexFunc(hits, func(h Hit) bool { return h.Doc.ID == want.ID })
	if at == 0 {
		f.Recall1++
	}
	if at >= 0 && at < 3 {
		f.Recall3++
	}
	if at >= 0 {
		f.MRR += 1 / float64(at+1)
	}
	right := len(hits) > 0 && hits[0].Doc.Entry.Topic == want.Entry.Topic
	if right {
		f.Topic1++
	}
	switch {
	case len(hits) == 0 || hits[0].Fit < FitMaybe:
		f.Unknown++
	case hits[0].Fit >= FitSure:
		f.Sure++
		if right {
			f.SureRight++
		}
	}
}

// mean turns counts into shares.
func (f *EntryFigures) mean() {
	n := float64(max(f.Questions, 1))
	f.SureRight /= max(f.Sure, 1)
	for _, v := range []*float64{&f.Recall1, &f.Recall3, &f.Topic1, &f.MRR, &f.Sure, &f.Unknown} {
		*v /= n
	}
}
