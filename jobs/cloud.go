package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// Object is one file of the site.
type Object struct {
	Key   string // a/12.html
	Body  []byte
	Type  string // Content-Type
	Cache string // Cache-Control
}

// Store is where the site is put. A key holds its old bytes or its new ones,
// never a part of either. Put may be repeated.
type Store interface {
	// Get gives an object's bytes; the error is fs.ErrNotExist if there is none,
	// and another one if it has more than most bytes.
	Get(ctx context.Context, key string, most int64) ([]byte, error)
	Put(ctx context.Context, o Object) error
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, key string) error
	// Sizes lists what is there, in bytes by key.
	Sizes(ctx context.Context) (map[string]int64, error)
	// Flush returns when what was put before survives a power cut.
	Flush(ctx context.Context) error
	String() string // for messages; holds no secret
}

// Dir is a Store in a directory.
type Dir struct {
	root string

	mu    sync.Mutex
	loose []string // directories and files put since the last Flush
}

// OpenDir gives the store in a directory, which is made if it is not there.
func OpenDir(root string) (*Dir, error) {
	if err := os.MkdirAll(root, 0o755); err != nil { //nolint:gosec // the public reads it
		return nil, fmt.Errorf("publish to a directory: %w", err)
	}
	return &Dir{root: root}, nil
}

func (d *Dir) String() string { return "目录 " + d.root }

// keyPattern is what keys look like: no part of one can lead out of the store.
var keyPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*){0,3}\.[a-z0-9]{1,8}$`)

// path is where a key's file is.
func (d *Dir) path(key string) (string, error) {
	if len(key) > 200 || !keyPattern.MatchString(key) {
		return "", fmt.Errorf("publish: %q is no key", key)
	}
	return filepath.Join(d.root, filepath.FromSlash(key)), nil
}

// Get reads a file.
func (d *Dir) Get(_ context.Context, key string, most int64) ([]byte, error) {
	name, err := d.path(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name) //nolint:gosec // path has checked it
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readMost(f, most)
}

func readMost(r io.Reader, most int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(b)) > most {
		err = fmt.Errorf("publish: more than %d bytes", most)
	}
	return b, err
}

// bulk is from how many files on Flush has the whole system write what it holds:
// cheaper than file by file.
const bulk = 64

// Put writes a file beside its place and moves it there.
func (d *Dir) Put(ctx context.Context, o Object) error {
	name, err := d.path(o.Key)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the public reads it
		return err
	}
	f, err := os.CreateTemp(dir, ".put-*")
	if err != nil {
		return err
	}
	d.mu.Lock()
	d.loose = append(d.loose, dir)
	many := len(d.loose) >= bulk
	d.mu.Unlock()
	_, err = f.Write(o.Body)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil && !many {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name()) // what stopped the write is what is told
	}
	return err
}

// Delete removes a file.
func (d *Dir) Delete(_ context.Context, key string) error {
	name, err := d.path(key)
	if err != nil {
		return err
	}
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loose = append(d.loose, filepath.Dir(name))
	return nil
}

// Sizes lists the files.
func (d *Dir) Sizes(ctx context.Context) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := filepath.WalkDir(d.root, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return errors.Join(err, ctx.Err())
		}
		rel, err := filepath.Rel(d.root, name)
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err == nil {
			sizes[filepath.ToSlash(rel)] = info.Size()
		}
		return err
	})
	return sizes, err
}

// Flush has the disk keep what was put.
func (d *Dir) Flush(context.Context) error {
	d.mu.Lock()
	dirs := d.loose
	d.loose = nil
	d.mu.Unlock()
	if len(dirs) >= bulk {
		syscall.Sync()
		return nil
	}
	seen := map[string]bool{}
	for _, name := range dirs {
		if seen[name] {
			continue
		}
		seen[name] = true
		f, err := os.Open(name) //nolint:gosec // Put made it
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("publish: keep %s: %w", name, err)
		}
	}
	return nil
}

// maxServed bounds a file that is served, in bytes.
const maxServed = 8 << 20

// Handler serves the site in the directory below prefix, which ends in a slash.
// Each answer has a tag, so that a browser that has the page already gets no
// second copy; the page of a withdrawn article is answered with 410.
func (d *Dir) Handler(prefix string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := strings.TrimPrefix(r.URL.Path, prefix)
		if key == "" {
			key = indexKey
		}
		body, err := d.Get(r.Context(), key, maxServed)
		if err != nil || strings.HasPrefix(key, "manifest/") {
			d.missing(w, r)
			return
		}
		serveObject(w, r, key, body)
	})
}

func serveObject(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType(key))
	h.Set("Cache-Control", cacheControl(key))
	h.Set("ETag", `"`+sum(body)+`"`)
	if strings.HasPrefix(string(body[:min(len(body), len(withdrawnMark))]), withdrawnMark) {
		w.WriteHeader(http.StatusGone)
		if r.Method != http.MethodHead {
			_, _ = w.Write(body) // the client has gone
		}
		return
	}
	for _, tag := range strings.Split(r.Header.Get("If-None-Match"), ",") {
		if strings.TrimPrefix(strings.TrimSpace(tag), "W/") == h.Get("ETag") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	h.Set("Content-Length", fmt.Sprint(len(body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone
	}
}

func (d *Dir) missing(w http.ResponseWriter, r *http.Request) {
	body, err := d.Get(r.Context(), notFoundKey, maxServed)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", contentType(notFoundKey))
	w.WriteHeader(http.StatusNotFound)
	if err != nil {
		body = []byte(`<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>没有这一页</title><p>没有这一页，或者还没有发布内容。</p>`)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client has gone
	}
}
