package knowledge

import (
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// Weights of the parts of an entry's score. Chosen on one half of the blind
// questions in testdata, checked on the other. Phrasings held out one by one
// mislead: those of one entry ask different things by design, so without its
// nearest phrasing the phrasings' field looks worth nothing.
const (
	entryAsked   = 1.5  // all phrasings of the entry
	entryTitle   = 0.55 // title and keywords
	entryBody    = 0.75 // what the entry says
	entrySounds  = 0.05 // phrasings, title and keywords by sound
	entryGroup   = 0.20 // all entries of the topic
	entryDomain  = 0.30 // all entries of the domain
	entryPhrase  = 0.6  // the phrasing most like the question: fourth power of the cosine × what the question says
	entryPointed = 1.5  // the lexicon points to the entry's topic
	entryWords   = 1.0  // the words of all phrasings
)

// entryLength is the share of the length in the score of all phrasings. Above 1
// an entry with three times the phrasings of others does not draw their
// questions to itself: while two of fifteen domains had such entries, 299 of the
// blind questions found their topic instead of 283.
const entryLength = 1.3

// entryIndex finds entries.
type entryIndex struct {
	docs      []*Document
	questions *postings // one document an entry
	title     *postings
	body      *postings
	sounds    *postings
	phrases   *postings // one document a phrasing
	owner     []uint32  // entry of each phrasing
	phrase    []string  // each phrasing as written, for explanations
	length    []float32 // length of each phrasing's idf vector
	words     *wordModel
	topics    *postings // one document a topic: all texts of its entries
	domains   *postings // one document a domain: the first two letters of the topic
	topicOf   []int     // topic of each entry, in topics
	domainOf  []int     // domain of each entry, in domains
	pool      sync.Pool
}

func buildEntryIndex(docs []*Document, lex *Lexicon) *entryIndex {
	x := &entryIndex{docs: docs}
	x.pool.New = func() any { return new(scratch) }
	texts := readEntryTexts(docs, lex)
	for i, d := range docs {
		for _, s := range append([]string{d.Entry.Title}, d.Entry.Phrasings()...) {
			x.owner = append(x.owner, uint32(i))
			x.phrase = append(x.phrase, s)
		}
	}
	var wg sync.WaitGroup
	// index builds one field; the fields do not know each other.
	index := func(into **postings, add func(b *postingsBuilder, t *entryTexts)) {
		wg.Go(func() {
			b := newPostingsBuilder()
			for i := range texts {
				add(b, &texts[i])
			}
			*into = b.build()
		})
	}
	index(&x.questions, func(b *postingsBuilder, t *entryTexts) { b.add(t.asked...) })
	index(&x.title, func(b *postingsBuilder, t *entryTexts) { b.add(t.heading...) })
	index(&x.body, func(b *postingsBuilder, t *entryTexts) { b.add(t.body) })
	index(&x.sounds, func(b *postingsBuilder, t *entryTexts) {
		eachSound(t.asked, b.count)
		eachSound(t.heading, b.count)
		b.end()
	})
	index(&x.phrases, func(b *postingsBuilder, t *entryTexts) {
		for _, s := range t.asked {
			b.add(s)
		}
	})
	wg.Go(func() { x.topics, x.topicOf = groupEntries(docs, texts, func(e *Entry) string { return e.Topic }) })
	wg.Go(func() {
		x.domains, x.domainOf = groupEntries(docs, texts, func(e *Entry) string { return e.Topic[:min(2, len(e.Topic))] })
	})
	wg.Wait()
	x.questions.prepareWith(entryLength)
	x.sounds.prepareWith(entryLength)
	x.length = phraseLengths(x.phrases)
	x.words = trainWords(x)
	return x
}

// entryTexts are the normalized texts of one entry.
type entryTexts struct {
	heading   []string // title and keywords
	asked     []string // title and phrasings, put into plain words
	phrasings []string // phrasings as they are
	body      string
}

// readEntryTexts normalizes the texts of all entries, on all processors.
func readEntryTexts(docs []*Document, lex *Lexicon) []entryTexts {
	texts := make([]entryTexts, len(docs))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(docs); i = int(next.Add(1)) - 1 {
				e, t := docs[i].Entry, &texts[i]
				for _, s := range append([]string{e.Title}, e.Keywords...) {
					t.heading = append(t.heading, Normalize(s))
				}
				t.asked = append(t.asked, lex.Plain(t.heading[0]))
				for _, s := range e.Phrasings() {
					n := Normalize(s)
					t.phrasings = append(t.phrasings, n)
					t.asked = append(t.asked, lex.Plain(n))
				}
				t.body = Normalize(entryText(e))
			}
		})
	}
	wg.Wait()
	return texts
}

// groupEntries indexes the entries of one key together: headings three times,
// phrasings twice, the text once. It gives each entry's group too.
func groupEntries(docs []*Document, texts []entryTexts, key func(*Entry) string) (*postings, []int) {
	ids := map[string]int{}
	var groups [][]int
	of := make([]int, len(docs))
	for i, d := range docs {
		id, ok := ids[key(d.Entry)]
		if !ok {
			id = len(groups)
			ids[key(d.Entry)] = id
			groups = append(groups, nil)
		}
		of[i] = id
		groups[id] = append(groups[id], i)
	}
	b := newPostingsBuilder()
	for _, members := range groups {
		for _, i := range members {
			for _, s := range texts[i].heading {
				eachTerm(s, func(k termKey) { b.countTimes(k, 3) })
			}
			for _, s := range texts[i].phrasings {
				eachTerm(s, func(k termKey) { b.countTimes(k, 2) })
			}
			eachTerm(texts[i].body, b.count)
		}
		b.end()
	}
	return b.build(), of
}

// entryText is the text of an entry without its phrasings.
func entryText(e *Entry) string {
	var b strings.Builder
	b.WriteString(e.Conclusion)
	for _, s := range e.Sections {
		b.WriteByte('\n')
		b.WriteString(s.Text)
	}
	return b.String()
}

// eachSound calls f for each pair of syllables of normalized texts.
func eachSound(texts []string, f func(termKey)) {
	for _, s := range texts {
		var last rune
		for _, r := range s {
			if last != 0 {
				soundPairs(last, r, func(k uint32) { f(termKey(k)) })
			}
			last = r
		}
	}
}

// phraseLengths gives the Euclidean length of each document's vector of idf.
func phraseLengths(p *postings) []float32 {
	sq := make([]float32, len(p.lens))
	for i, idf := range p.idf {
		for _, d := range p.docs[p.off[i]:p.off[i+1]] {
			sq[d] += idf * idf
		}
	}
	for i, v := range sq {
		sq[i] = float32(math.Sqrt(float64(v)))
	}
	return sq
}

// entryScore is what is known about one entry for one question.
type entryScore struct {
	doc     int
	fields  [4]float32 // questions, title, body, sounds: BM25
	cosine  float32    // of the most similar phrasing, 0..1
	alike   float32    // its fourth power × what the question says
	phrase  int
	topic   float32 // all entries of the topic together: BM25
	domain  float32 // all entries of the domain together: BM25
	pointed float32 // the lexicon points to the topic
	words   float32 // what the words of all phrasings say
	total   float32
}

// score fills one entryScore per entry.
func (x *entryIndex) score(q *question) []entryScore {
	s := x.pool.Get().(*scratch)
	defer x.pool.Put(s)
	out := make([]entryScore, len(x.docs))
	for f, part := range []struct {
		p     *postings
		terms []queryTerm
	}{{x.questions, q.terms}, {x.title, q.terms}, {x.body, q.terms}, {x.sounds, q.sounds}} {
		scores := s.take(0, len(x.docs))
		part.p.score(part.terms, 1, scores)
		for i, v := range scores {
			out[i].fields[f] = v
		}
	}
	x.scorePhrases(q, s, out)
	x.words.score(q, s.take(2, len(x.docs)), out)
	topics, domains := s.take(3, len(x.docs)), s.take(4, len(x.docs))
	x.topics.score(q.terms, 1, topics)
	x.domains.score(q.terms, 1, domains)
	ideal := x.phrases.ideal(q.terms)
	for i := range out {
		e := &out[i]
		e.doc = i
		e.alike = ideal * e.cosine * e.cosine * e.cosine * e.cosine
		e.topic, e.domain = topics[x.topicOf[i]], domains[x.domainOf[i]]
		e.pointed = q.topics[x.docs[i].Entry.Topic]
		e.total = e.sum()
	}
	return out
}

// sum weighs the parts. Only a phrasing very like the question counts: the
// phrasings of one entry ask different things, so a little likeness says less
// than the words of title and text.
func (e *entryScore) sum() float32 {
	return entryAsked*e.fields[0] + entryTitle*e.fields[1] + entryBody*e.fields[2] + entrySounds*e.fields[3] +
		entryGroup*e.topic + entryDomain*e.domain + entryPhrase*e.alike +
		entryPointed*e.pointed + entryWords*e.words
}

// scorePhrases finds for each entry the phrasing most like the question.
func (x *entryIndex) scorePhrases(q *question, s *scratch, out []entryScore) {
	dots := s.take(1, len(x.owner))
	p := x.phrases
	var qq float32
	unknown := float32(math.Log(1 + 2*float64(p.n))) // idf of a term no phrasing has
	for _, t := range q.terms {
		i := p.find(t.key)
		if i < 0 {
			if t.weight >= weightPlain {
				qq += t.weight * t.weight * unknown * unknown
			}
			continue
		}
		w := t.weight * p.idf[i] * p.idf[i]
		qq += w * t.weight
		for _, d := range p.docs[p.off[i]:p.off[i+1]] {
			dots[d] += w
		}
	}
	if qq == 0 {
		return
	}
	root := float32(math.Sqrt(float64(qq)))
	for d, dot := range dots {
		if dot == 0 || x.length[d] == 0 {
			continue
		}
		e := &out[x.owner[d]]
		if c := dot / (root * x.length[d]); c > e.cosine {
			e.cosine, e.phrase = c, d
		}
	}
}
