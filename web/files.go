package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// types are what the extensions of our files mean; what the machine's own
// tables say differs from one to the next.
var types = map[string]string{
	".html":        "text/html; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".svg":         "image/svg+xml",
	".webmanifest": "application/manifest+json",
}

// file is one embedded file, ready to be sent.
type file struct {
	name, kind string
	body       []byte
	etag       string
}

// readFiles reads everything below static, by its path there.
func readFiles(fsys fs.FS) (map[string]*file, error) {
	files := map[string]*file{}
	err := fs.WalkDir(fsys, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "static/")
		files[short] = &file{name: short, kind: types[path.Ext(name)]}
		files[short].fill(string(body))
		return nil
	})
	return files, err
}

// fill sets what is sent, and the tag that says when it changed.
func (f *file) fill(body string) {
	sum := sha256.Sum256([]byte(body))
	f.body, f.etag = []byte(body), `"`+hex.EncodeToString(sum[:8])+`"`
}

// serve sends the file. Browsers ask again each time whether it changed, so
// that a new version never meets half of the old one.
func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("ETag", f.etag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Type", f.kind)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(f.body))
}
