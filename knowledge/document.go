// Package knowledge finds the passage that answers a lay question, computes the
// rules that can be computed, and words an answer that rests on articles which
// exist and are in force on the day asked about. It holds the curated entries,
// the rule tables, the imported law texts and the index over them. It knows
// nothing of channels, people or records.
package knowledge

import "time"

// Kinds of documents.
const (
	KindEntry   = "entry"   // a reviewed answer
	KindArticle = "article" // one article of an imported law
)

// Document is one thing that can be found: an entry, or an article of a law.
type Document struct {
	ID        string    // entry id, or "劳动合同法@2012-12-28#39"
	Kind      string    // KindEntry or KindArticle
	Title     string    // entry title, or "《劳动合同法》第三十九条"
	Area      string    // "全国" or the province or county it holds for
	Effective time.Time // zero: unknown or always
	Repealed  time.Time // zero: not; the first day it no longer holds

	Entry   *Entry   // for KindEntry
	Article *Article // for KindArticle
}

// InForce says whether the document holds on the given day.
func (d *Document) InForce(on time.Time) bool {
	return (d.Effective.IsZero() || !on.Before(d.Effective)) && (d.Repealed.IsZero() || on.Before(d.Repealed))
}

// Entry is one reviewed answer, as written in a file of the corpus.
type Entry struct {
	ID         string
	Topic      string // "LA12": the two letters are the domain
	Title      string
	Questions  []string // phrasings people use
	Asked      []string // further phrasings, from corpus/asked
	Keywords   []string
	Citations  []Citation // what the text rests on; [1] in the text is the first
	Rules      []string   // keys of rule rows used
	Figures    []string   // figures of worked examples, which no article proves
	Area       string
	From, To   time.Time // the days it holds, To inclusive; zero: open
	ReviewedBy string
	ReviewedAt time.Time
	ReviewDue  time.Time
	Tags       []string
	See        []string // ids of entries needed next
	Conclusion string   // first paragraph, with [n] marks
	Sections   []Section
	File       string // where it was read from, for messages

	at map[string]int // 1-based line of each field of the front matter
}

// Section is one part of an entry's text.
type Section struct {
	Heading string // one of Headings
	Text    string // lines, lists; with [n] marks
}

// Citation names an article and what in it proves the entry.
type Citation struct {
	Law      string // short name or full title, as written
	Article  ArticleNo
	Proof    []string // phrases that stand in the article
	External string   // where a rule is from whose text cannot be held; empty for all others
	// Paragraph (款) the proof must stand in, from 1; 0: anywhere in the article.
	Paragraph int
}

// Article is one article of one version of a law.
type Article struct {
	Law       string // full title
	Short     string
	Level     string // 法律, 行政法规, 司法解释, 部门规章 …
	No        ArticleNo
	Chapter   string // heading path, " / " between levels
	Text      string // paragraphs (款) parted by \n
	Published time.Time
	Effective time.Time // zero: not stated
	Until     time.Time // first day it no longer holds; zero: in force
}

// Query is what to look for.
type Query struct {
	Text    string    // as the person wrote it
	Context []string  // what the person said before, oldest first
	Kind    string    // KindEntry, KindArticle, or "" for both
	Area    string    // "" for the whole country
	On      time.Time // the day the law is asked about
	N       int       // at most so many hits; 0: 10
	Person  string    // whose budget pays for a model's help, an opaque key
}

// Hit is one document found.
type Hit struct {
	Doc   *Document
	Score float64  // comparable within one search only
	Fit   float64  // 0..1, how surely the document answers the question; comparable between searches
	Why   []Reason // parts of the score, when explained
}

// Reason is one part of a hit's score.
type Reason struct {
	Name  string  // "question", "title", "article prior" …
	Score float64 // its share of the score
	Note  string  // the words that matched
}
