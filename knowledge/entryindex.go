package knowledge

import (
	"math"
	"strings"
	"sync"
)

// Fields of an entry and their weights in the sum that ranks entries. Chosen on
// held-out phrasings, see TestEntryRetrieval.
const (
	entryQuestions = 0.35 // all phrasings of the entry together
	entryTitle     = 0.35 // title and keywords
	entryBody      = 0.20 // what the entry says
	entrySounds    = 0.15 // phrasings, title and keywords by sound
	entryPhrase    = 14.0 // the phrasing most like the question, times the question's own weight
	entryTopic     = 1.5  // the lexicon points to the entry's topic
	entryLearned   = 1.0  // what the words of all phrasings say about the entry
)

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
	learned   *wordModel
	pool      sync.Pool
}

func buildEntryIndex(docs []*Document, lex *Lexicon) *entryIndex {
	x := &entryIndex{docs: docs}
	x.pool.New = func() any { return new(scratch) }
	questions, title, body, sounds, phrases := newPostingsBuilder(), newPostingsBuilder(), newPostingsBuilder(), newPostingsBuilder(), newPostingsBuilder()
	for i, d := range docs {
		e := d.Entry
		named := append([]string{e.Title}, e.Keywords...)
		for j, s := range named {
			named[j] = Normalize(s)
		}
		var asked []string
		for _, s := range append([]string{e.Title}, e.Questions...) {
			n := lex.Plain(Normalize(s))
			asked = append(asked, n)
			phrases.add(n)
			x.owner = append(x.owner, uint32(i))
			x.phrase = append(x.phrase, s)
		}
		questions.add(asked...)
		title.add(named...)
		body.add(Normalize(entryText(e)))
		eachSound(append(asked, named...), sounds.count)
		sounds.end()
	}
	x.questions, x.title, x.body = questions.build(), title.build(), body.build()
	x.sounds, x.phrases = sounds.build(), phrases.build()
	x.length = phraseLengths(x.phrases)
	x.learned = trainWords(x)
	return x
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
	covered float32    // share of that phrasing that the question says, 0..1
	phrase  int
	topic   float32
	learned float32 // log-probability ratio by words
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
	x.learned.score(q, s.take(2, len(x.docs)), out)
	for i := range out {
		e := &out[i]
		e.doc = i
		e.topic = q.topics[x.docs[i].Entry.Topic]
		e.total = e.sum(x.weight(q))
	}
	return out
}

// sum weighs the parts. strength is the weight of the question itself, which
// makes the similarity of phrasings comparable with the sums of BM25.
func (e *entryScore) sum(strength float32) float32 {
	return entryQuestions*e.fields[0] + entryTitle*e.fields[1] + entryBody*e.fields[2] + entrySounds*e.fields[3] +
		entryPhrase*(e.cosine+0.5*e.covered*e.cosine)*strength + entryTopic*e.topic + entryLearned*e.learned
}

// weight says how much a question says at all, about 1 for a usual one.
func (x *entryIndex) weight(q *question) float32 {
	return 1
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
			e.cosine, e.phrase, e.covered = c, d, min(1, dot/(x.length[d]*x.length[d]))
		}
	}
}
