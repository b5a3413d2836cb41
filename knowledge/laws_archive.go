package knowledge

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Bounds of what an import reads. The national database's whole set has 2,500
// files, 44 MB, and packs 1:5; a bomb passes these bounds early.
const (
	maxArchiveOut   = 128 << 20 // bytes unpacked in all
	maxArchiveFiles = 20000
	maxArchiveRatio = 100      // unpacked : packed
	ratioFrom       = 1 << 20  // bytes unpacked before the ratio counts
	maxArchiveFile  = 96 << 20 // bytes of a source as it is
	maxDepth        = 16       // folders
)

// document is one file to import.
type document struct {
	name string // path below the source, with /
	data []byte
}

// take is given each document; skip each file that is not one, and why.
type sink struct {
	take func(document) error
	skip func(name, why string)
}

// refusal is a source that is refused as a whole; its words are for people.
func refusal(format string, a ...any) error {
	return &lawError{msg: printable(fmt.Sprintf(format, a...))}
}

// readPath gives the documents of a directory, an archive or a single file.
func readPath(ctx context.Context, source string, to sink) error {
	info, err := os.Lstat(source)
	if errors.Is(err, fs.ErrNotExist) {
		return refusal("找不到 %s，请核对路径", source)
	}
	if err != nil {
		return err
	}
	switch {
	case info.IsDir():
		return readDir(ctx, source, to)
	case !info.Mode().IsRegular():
		return refusal("%s 不是普通文件（符号链接、设备等不导入），请给出文件本身的路径", source)
	case info.Size() > maxArchiveFile:
		return refusal("%s 有 %d MB，超过上限 %d MB", source, info.Size()>>20, maxArchiveFile>>20)
	}
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	// Keep the folders of a single file: 部门规章/公安部/x.md says its level.
	return readFile(ctx, filepath.ToSlash(source), f, info.Size(), to)
}

// readFile gives the documents of one file by what it holds.
func readFile(ctx context.Context, name string, f io.ReaderAt, size int64, to sink) error {
	all := io.NewSectionReader(f, 0, size)
	lower := strings.ToLower(name)
	switch {
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		return readTarGz(ctx, all, to)
	case strings.HasSuffix(lower, ".tar"):
		return readTar(ctx, all, to)
	case strings.HasSuffix(lower, ".zip"):
		return readZip(ctx, f, size, to)
	case strings.HasSuffix(lower, ".jsonl.gz"), strings.HasSuffix(lower, ".md"), strings.HasSuffix(lower, ".docx"), strings.HasSuffix(lower, ".jsonl"):
		if size > maxDocument(lower) {
			return refusal("%s 超过上限 %d MB", path.Base(name), maxDocument(lower)>>20)
		}
		data, err := io.ReadAll(all)
		if err != nil {
			return err
		}
		return to.take(document{name: name, data: data})
	}
	return refusal("%s 不是能导入的文件：只收 .md、.docx、.zip、.tar.gz、.jsonl.gz", path.Base(name))
}

func maxDocument(name string) int64 {
	if strings.HasSuffix(name, ".jsonl.gz") || strings.HasSuffix(name, ".jsonl") {
		return maxArchiveFile
	}
	return maxLawText
}

// readDir walks a directory. Links and nested archives are skipped, not followed.
func readDir(ctx context.Context, dir string, to sink) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	prefix := filepath.ToSlash(filepath.Base(filepath.Clean(dir)))
	files := 0
	return fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || strings.Count(name, "/") >= maxDepth) {
				return fs.SkipDir
			}
			return nil
		}
		if files++; files > maxArchiveFiles {
			return refusal("目录里的文件超过 %d 个，请分批导入", maxArchiveFiles)
		}
		if !d.Type().IsRegular() {
			to.skip(name, "符号链接或特殊文件，不导入")
			return nil
		}
		if why := unwanted(name); why != "" {
			to.skip(name, why)
			return nil
		}
		data, err := readBounded(root, name)
		if err != nil {
			to.skip(name, err.Error())
			return nil
		}
		return to.take(document{name: prefix + "/" + name, data: data})
	})
}

func readBounded(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxLawText+1))
	if err == nil && len(data) > maxLawText {
		err = fmt.Errorf("文件超过 %d MB", maxLawText>>20)
	}
	return data, err
}

// unwanted says why a file of a directory or archive is no document; "" if it is.
func unwanted(name string) string {
	base := strings.ToLower(path.Base(name))
	switch {
	case isArchive(base):
		return "压缩包里或目录里的压缩包不展开，请单独导入"
	case base == "versions.json", strings.HasSuffix(base, ".docx"):
		return ""
	case strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_index."):
		return "不是法律文本"
	case strings.HasSuffix(base, ".md"):
		return ""
	}
	return "不是 .md 或 .docx"
}

func isArchive(base string) bool {
	for _, ext := range []string{".zip", ".gz", ".tgz", ".tar", ".bz2", ".xz", ".7z", ".rar", ".zst"} {
		if strings.HasSuffix(base, ext) {
			return true
		}
	}
	return false
}

// meter counts what an archive unpacks to and refuses bombs.
type meter struct {
	files  int
	out    int64
	packed func() int64 // bytes read of the archive so far
}

func (m *meter) entry(name string) error {
	if m.files++; m.files > maxArchiveFiles {
		return refusal("压缩包里的文件超过 %d 个，拒绝导入", maxArchiveFiles)
	}
	clean := strings.ReplaceAll(name, `\`, "/")
	if strings.ContainsRune(name, 0) || strings.HasPrefix(clean, "/") || len(clean) > 1 && clean[1] == ':' {
		return refusal("压缩包里有绝对路径“%s”，拒绝导入", clip(name, 60))
	}
	for _, part := range strings.Split(clean, "/") {
		if part == ".." {
			return refusal("压缩包里有越出目录的路径“%s”，拒绝导入", clip(name, 60))
		}
	}
	if strings.Count(clean, "/") > maxDepth {
		return refusal("压缩包里的目录超过 %d 层，拒绝导入", maxDepth)
	}
	if isArchive(strings.ToLower(path.Base(clean))) {
		return refusal("压缩包里又有压缩包“%s”，拒绝导入；请先解开再导入", clip(name, 60))
	}
	return nil
}

// read takes one file out of an archive within the bounds.
func (m *meter) read(name string, r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	chunk := make([]byte, 64<<10)
	for {
		n, err := r.Read(chunk)
		m.out += int64(n)
		b.Write(chunk[:n])
		switch {
		case m.out > maxArchiveOut:
			return nil, refusal("压缩包解开后超过 %d MB，拒绝导入", maxArchiveOut>>20)
		case m.out > ratioFrom && m.out > maxArchiveRatio*m.packed():
			return nil, refusal("压缩包的压缩比超过 %d 倍，像压缩炸弹，拒绝导入", maxArchiveRatio)
		case b.Len() > maxLawText:
			return nil, refusal("压缩包里的“%s”超过 %d MB，拒绝导入", clip(name, 60), maxLawText>>20)
		case errors.Is(err, io.EOF):
			return b.Bytes(), nil
		case err != nil:
			return nil, refusal("压缩包坏了（%v），请重新下载", err)
		}
	}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

func readTarGz(ctx context.Context, r io.Reader, to sink) error {
	packed := &countingReader{r: r}
	z, err := gzip.NewReader(packed)
	if err != nil {
		return refusal("压缩包打不开（%v），请重新下载", err)
	}
	m := &meter{packed: func() int64 { return packed.n }}
	return readTarEntries(ctx, tar.NewReader(&boundedGzip{z: z, m: m}), m, to)
}

// boundedGzip bounds what is unpacked even where no file is taken, such as in
// padding and skipped entries.
type boundedGzip struct {
	z   io.Reader
	m   *meter
	out int64
}

func (b *boundedGzip) Read(p []byte) (int, error) {
	n, err := b.z.Read(p)
	b.out += int64(n)
	if b.out > 2*maxArchiveOut || b.out > 4*ratioFrom && b.out > maxArchiveRatio*b.m.packed() {
		return n, refusal("压缩包解开后太大，像压缩炸弹，拒绝导入")
	}
	return n, err
}

func readTar(ctx context.Context, r io.Reader, to sink) error {
	packed := &countingReader{r: r}
	m := &meter{packed: func() int64 { return packed.n }}
	return readTarEntries(ctx, tar.NewReader(packed), m, to)
}

func readTarEntries(ctx context.Context, r *tar.Reader, m *meter, to sink) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			var known *lawError
			if errors.As(err, &known) {
				return known
			}
			return refusal("压缩包坏了（%v），请重新下载", err)
		}
		if err := m.entry(h.Name); err != nil {
			return err
		}
		switch h.Typeflag {
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		case tar.TypeReg:
		default:
			return refusal("压缩包里的“%s”是链接或设备，拒绝导入", clip(h.Name, 60))
		}
		if err := m.document(h.Name, r, to); err != nil {
			return err
		}
	}
}

// document takes one regular file of an archive.
func (m *meter) document(name string, r io.Reader, to sink) error {
	if why := unwanted(name); why != "" {
		to.skip(name, why)
		return nil
	}
	data, err := m.read(name, r)
	if err != nil {
		return err
	}
	return to.take(document{name: path.Clean(name), data: data})
}

func readZip(ctx context.Context, r io.ReaderAt, size int64, to sink) error {
	if err := checkDirectory(r, size, maxArchiveFiles); err != nil {
		return err
	}
	z, err := zip.NewReader(r, size)
	if err != nil {
		return refusal("压缩包打不开（%v），请重新下载", err)
	}
	var packed int64
	m := &meter{packed: func() int64 { return max(packed, 1) }}
	for _, f := range z.File {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := m.entry(f.Name); err != nil {
			return err
		}
		mode := f.Mode()
		switch {
		case mode.IsDir():
			continue
		case !mode.IsRegular():
			return refusal("压缩包里的“%s”是链接或设备，拒绝导入", clip(f.Name, 60))
		case f.Flags&1 != 0:
			return refusal("压缩包加了密码，请解开再导入")
		}
		if unwanted(f.Name) == "" {
			packed += min(int64(f.CompressedSize64), size)
		}
		in, err := f.Open()
		if err != nil {
			return refusal("压缩包里的“%s”打不开（%v）", clip(f.Name, 60), err)
		}
		err = errors.Join(m.document(f.Name, in, to), in.Close())
		if err != nil {
			return err
		}
	}
	return nil
}

// checkDirectory counts the directory entries of a zip before it is opened:
// archive/zip keeps them all in memory, and the count a zip states may lie.
func checkDirectory(r io.ReaderAt, size int64, most int) error {
	const signature = "PK\x01\x02"
	in := io.NewSectionReader(r, 0, size)
	buf := make([]byte, 256<<10)
	kept, found := 0, 0
	for {
		n, err := in.Read(buf[kept:])
		window := buf[:kept+n]
		found += bytes.Count(window, []byte(signature))
		if found > most {
			return refusal("压缩包里的文件超过 %d 个，拒绝导入", most)
		}
		if err != nil {
			return nil //nolint:nilerr // archive/zip reports what is wrong with the file
		}
		kept = copy(buf, window[max(0, len(window)-len(signature)+1):])
	}
}
