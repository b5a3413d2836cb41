package knowledge

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// cacheMagic begins a cache file. The number is raised whenever what is stored
// or how it is computed changes, so that an old file is built anew.
const cacheMagic = "mingbai-index-2\n"

// maxCacheSlice bounds one list of a cache file, in elements: far above the
// largest (8 million places of 57,000 articles), so that a damaged length
// cannot ask for all memory.
const maxCacheSlice = 1 << 28

var errCache = errors.New("not a cache of these documents")

// OpenIndex gives the index of the documents, from the cache file if that was
// written for the same documents, phrasings and program, else built and written
// to it. A cache that cannot be written is reported, with a usable index.
func OpenIndex(cache string, docs []*Document, lex *Lexicon, o IndexOptions) (x *Index, loaded bool, err error) {
	if f, err := os.Open(cache); err == nil {
		defer f.Close()
		if x, err := readIndex(f, docs, lex, o); err == nil {
			return x, true, nil
		}
	}
	x = BuildIndexWith(docs, lex, o)
	if err := writeWhole(cache, x.write); err != nil {
		return x, false, fmt.Errorf("keep index: %w", err)
	}
	return x, false, nil
}

// writeWhole writes a file whole or not at all.
func writeWhole(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// inputs is the hash of everything the article index is made from.
func (x *articleIndex) inputs(phrases []LayPhrase) [sha256.Size]byte {
	h := sha256.New()
	for _, d := range x.docs {
		a := d.Article
		hashStrings(h, d.ID, a.Law, a.Short, a.No.String(), a.Chapter, a.Text, a.Effective.String(), a.Published.String())
	}
	for _, p := range phrases {
		hashStrings(h, p.Law, p.Article.String(), p.Text)
	}
	if x.model != nil {
		fmt.Fprintf(h, "model %d", x.model.sum)
	}
	fmt.Fprintf(h, "%v", x.weights)
	return [sha256.Size]byte(h.Sum(nil))
}

func hashStrings(h hash.Hash, ss ...string) {
	for _, s := range ss {
		var n [4]byte
		binary.LittleEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		io.WriteString(h, s)
	}
}

// cacheWriter writes lists with their lengths and a checksum of all.
type cacheWriter struct {
	w   io.Writer
	sum hash.Hash32
	err error
}

func putSlice[T uint8 | uint32 | uint64 | float32](c *cacheWriter, s []T) {
	if c.err == nil {
		c.err = binary.Write(c.w, binary.LittleEndian, uint64(len(s)))
	}
	for part := range slices.Chunk(s, 1<<16) {
		if c.err == nil {
			c.err = binary.Write(c.w, binary.LittleEndian, part)
		}
	}
}

// putKeys writes terms; encoding/binary is quick only with plain numbers.
func putKeys(c *cacheWriter, keys []termKey) {
	out := make([]uint64, len(keys))
	for i, k := range keys {
		out[i] = uint64(k)
	}
	putSlice(c, out)
}

func getKeys(c *cacheReader) []termKey {
	in := getSlice[uint64](c)
	out := make([]termKey, len(in))
	for i, k := range in {
		out[i] = termKey(k)
	}
	return out
}

// write stores the articles' part of the index; entries are few and indexed
// anew each time.
func (x *Index) write(w io.Writer) error {
	a := x.articles
	sum := crc32.NewIEEE()
	c := &cacheWriter{w: io.MultiWriter(w, sum), sum: sum}
	if _, err := io.WriteString(c.w, cacheMagic); err != nil {
		return err
	}
	if _, err := c.w.Write(a.hash[:]); err != nil {
		return err
	}
	for _, p := range []*postings{a.text, a.chapter, a.asked} {
		putKeys(c, p.keys)
		putSlice(c, p.off)
		putSlice(c, p.docs)
		putSlice(c, p.tfs)
		putSlice(c, p.lens)
	}
	putSlice(c, a.respell.sound)
	putKeys(c, a.respell.best)
	putSlice(c, a.vectors)
	a.learned.write(c)
	if c.err != nil {
		return c.err
	}
	return binary.Write(w, binary.LittleEndian, sum.Sum32())
}

func (l *learned) write(c *cacheWriter) {
	if l == nil {
		l = &learned{}
	}
	putSlice(c, l.prior)
	keys := make([]termKey, 0, len(l.assoc))
	for k := range l.assoc {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b termKey) int { return cmp.Compare(a, b) })
	var ends []uint32
	var to []termKey
	var weights []float32
	for _, k := range keys {
		for _, t := range l.assoc[k] {
			to, weights = append(to, t.key), append(weights, t.weight)
		}
		ends = append(ends, uint32(len(to)))
	}
	putKeys(c, keys)
	putSlice(c, ends)
	putKeys(c, to)
	putSlice(c, weights)
}

// cacheReader reads what cacheWriter wrote.
type cacheReader struct {
	r   io.Reader
	err error
}

func getSlice[T uint8 | uint32 | uint64 | float32](c *cacheReader) []T {
	var n uint64
	if c.err == nil {
		c.err = binary.Read(c.r, binary.LittleEndian, &n)
	}
	if c.err != nil || n > maxCacheSlice {
		c.err = cmp.Or(c.err, errCache)
		return nil
	}
	var out []T
	for len(out) < int(n) && c.err == nil { // in steps: a damaged length ends at the end of the file
		step := min(int(n)-len(out), 1<<20)
		out = slices.Grow(out, step)[:len(out)+step]
		c.err = binary.Read(c.r, binary.LittleEndian, out[len(out)-step:])
	}
	return out
}

// readIndex reads what write stored, if it was stored for the same inputs.
func readIndex(r io.Reader, docs []*Document, lex *Lexicon, o IndexOptions) (*Index, error) {
	entries, articles := splitDocuments(docs)
	ready := make(chan *entryIndex, 1)
	go func() { ready <- buildEntryIndex(entries, lex) }()
	a := newArticleIndex(articles, o)
	phrases := append(entryPhrases(entries), o.Lay...)
	a.hash = a.inputs(phrases)
	buffered := bufio.NewReaderSize(r, 1<<20)
	sum := crc32.NewIEEE()
	c := &cacheReader{r: io.TeeReader(buffered, sum)}
	head := make([]byte, len(cacheMagic)+len(a.hash))
	if _, err := io.ReadFull(c.r, head); err != nil || string(head) != cacheMagic+string(a.hash[:]) {
		return nil, errCache
	}
	for _, p := range []**postings{&a.text, &a.chapter, &a.asked} {
		*p = &postings{keys: getKeys(c), off: getSlice[uint32](c), docs: getSlice[uint32](c), tfs: getSlice[uint8](c), lens: getSlice[float32](c)}
	}
	a.respell = &respeller{sound: getSlice[uint32](c), best: getKeys(c)}
	a.vectors = getSlice[float32](c)
	l, ends := &learned{prior: getSlice[float32](c), assoc: map[termKey][]queryTerm{}}, []uint32(nil)
	keys := getKeys(c)
	ends = getSlice[uint32](c)
	to, weights := getKeys(c), getSlice[float32](c)
	want := sum.Sum32()
	var got uint32
	if c.err == nil {
		c.err = binary.Read(buffered, binary.LittleEndian, &got)
	}
	if c.err != nil || got != want {
		return nil, errCache
	}
	a.adopt(l, keys, ends, to, weights)
	return &Index{lex: lex, entries: <-ready, articles: a}, nil
}

// adopt finishes an index whose lists were read. The checksum vouches for them.
func (x *articleIndex) adopt(l *learned, keys []termKey, ends []uint32, to []termKey, weights []float32) {
	for _, p := range []*postings{x.text, x.chapter, x.asked} {
		p.prepare()
	}
	x.respell.p, x.respell.said = x.text, x.asked
	x.respell.rare = rareLimit(x.text)
	if len(l.prior) == 0 {
		return
	}
	start := uint32(0)
	for i, k := range keys {
		var ts []queryTerm
		for j := start; j < ends[i]; j++ {
			ts = append(ts, queryTerm{to[j], weights[j]})
		}
		l.assoc[k] = ts
		start = ends[i]
	}
	x.learned = l
}
