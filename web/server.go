// Package web serves what a browser opens: the residents' chat page and what
// operators and monitoring need. It knows neither the bot nor what is said: the
// conversation's API is a handler it is given.
package web

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"
)

// Options is what the server is made of.
type Options struct {
	API     http.Handler            // everything below /api/
	Hooks   map[string]http.Handler // what other machines call, by path; each checks who calls
	Metrics http.Handler            // /metrics; nil: there are none
	Console http.Handler            // /console and everything below; nil: there is none
	// Ready says what is wrong when the process should get no traffic, nil when
	// all is well. The keys name parts. nil: always ready.
	Ready func(ctx context.Context) map[string]error
	Log   *slog.Logger // discarded if nil
	Model string       // what the privacy page says of the language model in use, plain text; "": none is
}

// site is the handler's parts.
type site struct {
	notes interface{ Foreign(*http.Request) } // nil: refusals at the console are not kept
	files map[string]*file
	log   *slog.Logger
}

// New gives the handler of the whole site.
func New(o Options) (http.Handler, error) {
	if o.API == nil {
		return nil, errors.New("web: no API to serve")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	files, err := readFiles(static)
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	for _, name := range []string{"index.html", "privacy.html", notFoundPage, errorPage} {
		if files[name] == nil {
			return nil, fmt.Errorf("web: the page %s is missing", name)
		}
	}
	if o.Model == "" {
		o.Model = "现在没有使用人工智能模型。"
	}
	privacy := files["privacy.html"]
	privacy.fill(strings.ReplaceAll(string(privacy.body), "{{model}}", html.EscapeString(o.Model)))
	s := &site{files: files, log: o.Log}
	s.notes, _ = o.Console.(interface{ Foreign(*http.Request) }) // not every console keeps an audit
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(s.foreign))
	return secure(s.guard(cross.Handler(s.routes(o)))), nil
}

func (s *site) routes(o Options) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("/api/", o.API)
	for path, h := range o.Hooks {
		mux.Handle(path, h)
	}
	if o.Metrics != nil {
		mux.Handle("GET /metrics", o.Metrics)
	}
	if o.Console != nil {
		mux.Handle("/console", o.Console)
		mux.Handle("/console/", o.Console)
	}
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", readyz(o.Ready))
	mux.HandleFunc("GET /{$}", s.files["index.html"].serve)
	mux.HandleFunc("GET /privacy", s.files["privacy.html"].serve)
	for name, f := range s.files {
		if !strings.HasSuffix(name, ".html") {
			mux.HandleFunc("GET /static/"+name, f.serve)
		}
	}
	mux.HandleFunc("/", s.notFound)
	return mux
}

func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	fmt.Fprintln(w, "ok")
}

// readyTimeout bounds a readiness check; a slower database is not ready.
const readyTimeout = 2 * time.Second

// readyz names each part and whether it works. What is wrong with it stands in
// the log, not here: anybody may ask.
func readyz(check func(context.Context) map[string]error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		out := map[string]string{}
		status := http.StatusOK
		if check != nil {
			ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
			defer cancel()
			for part, err := range check(ctx) {
				out[part] = "ok"
				if err != nil {
					out[part], status = "down", http.StatusServiceUnavailable
				}
			}
		}
		writeJSON(w, status, out)
	}
}

// policy lets a page use what this server gives and nothing else, and lets no
// script build markup from text (trusted types), so that what a person or a
// model writes stays text.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// secure sets the headers that keep a page from being used against its reader.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
		next.ServeHTTP(w, r)
	})
}

// guard turns a panic into a plain error and a log line with one number, which
// the person can name.
func (s *site) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out := &tracked{ResponseWriter: w}
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler {
				panic(v)
			}
			ref := reference()
			s.log.Error("handler panicked", "ref", ref, "route", route(r), "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if out.wrote {
				panic(http.ErrAbortHandler) // the reader must see that the rest is missing
			}
			s.broken(w, r, ref)
		}()
		next.ServeHTTP(out, r)
	})
}

// tracked is a ResponseWriter that knows whether anything was written.
type tracked struct {
	http.ResponseWriter
	wrote bool
}

func (t *tracked) WriteHeader(status int) {
	t.wrote = true
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracked) Write(b []byte) (int, error) {
	t.wrote = true
	return t.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (t *tracked) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Pages for what goes wrong.
const (
	notFoundPage = "404.html"
	errorPage    = "500.html"
)

func (s *site) notFound(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plain(w, http.StatusMethodNotAllowed, "这个地址不支持这种请求。")
		return
	}
	s.page(w, http.StatusNotFound, s.files[notFoundPage].body)
}

// foreign refuses what another site's page sent in a person's name.
func (s *site) foreign(w http.ResponseWriter, r *http.Request) {
	const words = "不接受其他网站发来的请求。"
	if s.notes != nil && strings.HasPrefix(r.URL.Path, "/console") {
		s.notes.Foreign(r)
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		writeJSON(w, http.StatusForbidden, map[string]string{"code": "forbidden", "message": words})
		return
	}
	plain(w, http.StatusForbidden, words)
}

// broken says that something is wrong with us, in the form the caller reads.
func (s *site) broken(w http.ResponseWriter, r *http.Request, ref string) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		words := "系统出了点问题，请稍后再试，急事拨打 12348（免费）。编号 " + ref
		writeJSON(w, http.StatusInternalServerError, map[string]string{"code": "internal", "message": words})
		return
	}
	s.page(w, http.StatusInternalServerError, bytes.ReplaceAll(s.files[errorPage].body, []byte("{{编号}}"), []byte(ref)))
}

func (s *site) page(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client has gone
}

func plain(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, words)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

// reference is a short number that finds a line in the log.
func reference() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// route names a request without what a person may have put into its path.
func route(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	p, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch p {
	case "api", "static":
		return r.Method + " /" + p
	}
	return r.Method + " other"
}
