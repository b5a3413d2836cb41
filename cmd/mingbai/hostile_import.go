package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// importLaws has the running product import a source, as `mingbai laws import`
// does, and gives what it says to that.
func (r *hostileRange) importLaws(source string) (string, int) {
	var out bytes.Buffer
	s := r.first().server
	if err := s.importLaws(r.ctx, []string{source}, nil, &out); err != nil {
		return out.String() + message(err), 1
	}
	return out.String(), 0
}

// shelf lists the files of law texts and entries with their sizes.
func (r *hostileRange) shelf() (out []string) {
	for _, dir := range []string{"data/laws", "knowledge"} {
		_ = filepath.WalkDir(filepath.Join(r.dir, dir), func(path string, d fs.DirEntry, err error) error { // what is not there is no file
			if err == nil && d.Type().IsRegular() {
				if info, err := d.Info(); err == nil {
					out = append(out, fmt.Sprintf("%s %d", path, info.Size()))
				}
			}
			return nil
		})
	}
	return out
}

// runBomb imports a file that must not be taken.
func runBomb(r *hostileRange, x attack, w *watch) (reached, error) {
	dir := filepath.Join(r.dir, "imports", r.next())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return reached{}, err
	}
	defer os.RemoveAll(dir)
	name, err := buildBomb(x, dir)
	if err != nil {
		return reached{}, err
	}
	before := r.shelf()
	w.memory.stop()
	w.memory = watchMemory() // building the file is no part of the attack
	w.files = outsideFiles(r.dir)
	w.began = time.Now()
	text, code := r.importLaws(name)
	w.done()
	status := 400
	if code == 0 {
		status = 200
	}
	got := reached{http: []string{text}, status: []int{status}}
	after := r.shelf()
	got.state("kb_unchanged", slices.Equal(before, after), "知识库变了")
	r.spoiled = r.spoiled || !slices.Equal(before, after)
	return got, nil
}

// runDocument imports a document without anybody's review, lays it into the
// directory of entries as well, and asks.
func runDocument(r *hostileRange, x attack, w *watch) (reached, error) {
	dir := filepath.Join(r.dir, "imports", r.next())
	if err := os.Mkdir(dir, 0o700); err != nil {
		return reached{}, err
	}
	defer os.RemoveAll(dir)
	name, err := buildBomb(x, dir)
	if err != nil {
		return reached{}, err
	}
	before := r.shelf()
	text, _ := r.importLaws(name)
	data, err := os.ReadFile(name)
	if err != nil {
		return reached{}, err
	}
	laid := filepath.Join(r.dir, "knowledge", filepath.Base(name))
	if err := os.WriteFile(laid, data, 0o600); err != nil {
		return reached{}, err
	}
	defer os.Remove(laid)
	if err := r.first().server.refresh(r.ctx); err != nil {
		return reached{}, err
	}
	u, err := r.agreed()
	if err != nil {
		return reached{}, err
	}
	reply, status, err := u.say(x.Text)
	w.done()
	got := reached{said: []string{x.Text}, reply: []string{reply}, http: []string{text}, status: []int{status}}
	if err := os.Remove(laid); err != nil {
		return got, err
	}
	changed := !slices.Equal(before, r.shelf())
	got.state("kb_unchanged", !changed, "知识库变了")
	r.spoiled = r.spoiled || changed
	return got, err
}

// runFetch imports from a URL that must not be asked. A trap listens where the
// URL leads, if that is on this machine.
func runFetch(r *hostileRange, x attack, w *watch) (reached, error) {
	w.outside.trap(x.Payload.URL)
	before := r.shelf()
	text, code := r.importLaws(x.Payload.URL)
	w.done()
	status := 400
	if code == 0 {
		status = 200
	}
	got := reached{http: []string{text}, status: []int{status}}
	got.state("kb_unchanged", slices.Equal(before, r.shelf()), "知识库变了")
	return got, nil
}
