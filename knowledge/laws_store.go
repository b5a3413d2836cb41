package knowledge

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The segment file holds all texts: a magic line, the number of records, then
// per version a length, a CRC-32C and the record. It is replaced as a whole by
// renaming a finished file over it, so a crash leaves the old or the new one.
const (
	segmentMagic = "mingbai laws 1\n"
	segmentName  = "laws.seg"
	maxSegment   = 1 << 30 // bytes; all national law takes 35 MB
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// OpenLibrary reads the library kept in dir; one that does not exist yet is
// empty. reg may be nil. A damaged file is an error that says to import again.
func OpenLibrary(dir string, reg *Registry) (*Library, error) {
	lib := NewLibrary(reg)
	lib.path = filepath.Join(dir, segmentName)
	lib.stamp = fileStamp(lib.path)
	f, err := os.Open(lib.path)
	if errors.Is(err, os.ErrNotExist) {
		return lib, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open library of laws: %w", err)
	}
	defer f.Close()
	texts, err := readSegment(f)
	if err != nil {
		return nil, &lawError{msg: fmt.Sprintf("法律文本库 %s 坏了（%v）。请删去这个文件，再用 mingbai laws import 重新导入", lib.path, err), kind: err}
	}
	lib.shelf.Store(newShelf(texts, reg))
	return lib, nil
}

// save writes texts to the library's file, if it has one.
func (lib *Library) save(texts []*lawText) error {
	if lib.path == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(lib.path), 0o755); err != nil {
		return fmt.Errorf("save library of laws: %w", err)
	}
	if fileStamp(lib.path) != lib.stamp {
		return refusal("法律文本库刚被另一个程序更新过，请重新导入一次")
	}
	tmp, err := os.CreateTemp(filepath.Dir(lib.path), segmentName+".tmp*")
	if err != nil {
		return fmt.Errorf("save library of laws: %w", err)
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	err = errors.Join(writeSegment(tmp, texts), tmp.Chmod(0o644), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), lib.path)
	}
	if err != nil {
		return fmt.Errorf("save library of laws: %w", err)
	}
	lib.stamp = fileStamp(lib.path)
	return syncDir(filepath.Dir(lib.path))
}

// fileStamp tells one state of a file from another; "" if there is none.
func fileStamp(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprint(info.Size(), info.ModTime().UnixNano())
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeSegment(w io.Writer, texts []*lawText) error {
	b := bufio.NewWriterSize(w, 1<<18)
	b.WriteString(segmentMagic)
	b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(texts))))
	var rec []byte
	for _, t := range texts {
		rec = t.encode(rec[:0])
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(rec))))
		b.Write(binary.LittleEndian.AppendUint32(nil, crc32.Checksum(rec, castagnoli)))
		b.Write(rec)
	}
	return b.Flush() // bufio keeps the first error
}

// readSegment reads a whole segment; the texts share its memory.
func readSegment(f *os.File) ([]*lawText, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxSegment {
		return nil, fmt.Errorf("文件有 %d 字节，超过上限", info.Size())
	}
	var b strings.Builder
	b.Grow(int(info.Size()))
	if _, err := io.Copy(&b, f); err != nil {
		return nil, err
	}
	r := recordReader{s: b.String()}
	if r.take(len(segmentMagic)) != segmentMagic {
		return nil, errors.New("不是本程序的法律文本库")
	}
	count := r.uint32()
	texts := make([]*lawText, 0, min(count, 1<<16))
	for range count {
		size, sum := r.uint32(), r.uint32()
		rec := r.take(int(size))
		if r.bad || crc32.Checksum([]byte(rec), castagnoli) != sum {
			return nil, fmt.Errorf("第 %d 份文本校验不符", len(texts)+1)
		}
		t, ok := decodeText(rec)
		if !ok {
			return nil, fmt.Errorf("第 %d 份文本读不出来", len(texts)+1)
		}
		texts = append(texts, t)
	}
	if r.bad || r.s != "" {
		return nil, errors.New("文件长度不对")
	}
	return texts, nil
}

func (t *lawText) encode(b []byte) []byte {
	for _, s := range []string{t.title, t.level, t.origin, t.effectiveBy, t.status} {
		b = appendString(b, s)
	}
	for _, d := range []time.Time{t.published, t.effective, t.until} {
		b = binary.AppendUvarint(b, dayNumber(d))
	}
	b = append(b, t.rank)
	b = appendStrings(b, t.repeals)
	b = binary.AppendUvarint(b, uint64(len(t.sums)))
	for _, s := range t.sums {
		b = append(b, s[:]...)
	}
	b = appendStrings(b, t.chapters)
	b = binary.AppendUvarint(b, uint64(len(t.spans)))
	for _, s := range t.spans {
		for _, v := range []uint64{uint64(s.n), uint64(s.sub), uint64(s.chapter), uint64(s.at), uint64(s.end)} {
			b = binary.AppendUvarint(b, v)
		}
	}
	return appendString(b, t.blob)
}

func decodeText(rec string) (*lawText, bool) {
	r := recordReader{s: rec}
	t := &lawText{title: r.string(), level: r.string(), origin: r.string(), effectiveBy: r.string(), status: r.string()}
	t.published, t.effective, t.until = dayOfNumber(r.uvarint()), dayOfNumber(r.uvarint()), dayOfNumber(r.uvarint())
	if rank := r.take(1); rank != "" {
		t.rank = rank[0]
	}
	t.repeals = r.strings()
	for range r.count() {
		t.sums = append(t.sums, docSum([]byte(r.takeOr(16))))
	}
	t.chapters = r.strings()
	n := r.count()
	t.spans = make([]span, 0, n)
	for range n {
		t.spans = append(t.spans, span{
			n: uint16(r.uvarint()), sub: uint16(r.uvarint()), chapter: uint16(r.uvarint()),
			at: uint32(r.uvarint()), end: uint32(r.uvarint()),
		})
	}
	t.blob = r.string()
	return t, !r.bad && r.s == "" && t.sound()
}

// sound says that every span lies within the text and names a chapter.
func (t *lawText) sound() bool {
	for i, s := range t.spans {
		if s.at > s.end || int(s.end) > len(t.blob) || int(s.chapter) >= len(t.chapters) {
			return false
		}
		if i > 0 && !t.spans[i-1].no().Less(s.no()) {
			return false
		}
	}
	return true
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// dayNumber writes a day as 20261122; 0 is the zero time.
func dayNumber(d time.Time) uint64 {
	if d.IsZero() {
		return 0
	}
	y, m, day := d.Date()
	return uint64(y*10000 + int(m)*100 + day)
}

func dayOfNumber(n uint64) time.Time {
	if n == 0 || n > 99991231 {
		return time.Time{}
	}
	return time.Date(int(n/10000), time.Month(n/100%100), int(n%100), 0, 0, 0, 0, time.UTC)
}

// recordReader takes values off the front of s; bad stays set after a short read.
type recordReader struct {
	s   string
	bad bool
}

func (r *recordReader) take(n int) string {
	if n < 0 || n > len(r.s) {
		r.bad, r.s = true, ""
		return ""
	}
	out := r.s[:n]
	r.s = r.s[n:]
	return out
}

// takeOr takes n bytes, zeros if there are too few.
func (r *recordReader) takeOr(n int) string {
	if s := r.take(n); len(s) == n {
		return s
	}
	return strings.Repeat("\x00", n)
}

func (r *recordReader) uint32() uint32 {
	return binary.LittleEndian.Uint32([]byte(r.takeOr(4)))
}

func (r *recordReader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.s) && i < binary.MaxVarintLen64; i++ {
		v |= uint64(r.s[i]&0x7f) << (7 * i)
		if r.s[i] < 0x80 {
			r.s = r.s[i+1:]
			return v
		}
	}
	r.bad, r.s = true, ""
	return 0
}

// count reads a number of items, each of at least one byte.
func (r *recordReader) count() int {
	n := r.uvarint()
	if n > uint64(len(r.s)) {
		r.bad, r.s = true, ""
		return 0
	}
	return int(n)
}

func (r *recordReader) string() string { return r.take(r.count()) }

func (r *recordReader) strings() []string {
	var list []string
	for range r.count() {
		list = append(list, r.string())
	}
	return list
}
