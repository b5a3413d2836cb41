package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// object is one thing that the site consists of.
type object struct {
	key string
	in  string // fingerprint of everything it is rendered from
	// render gives its bytes; what is unchanged is never rendered.
	render func(ctx context.Context) ([]byte, error)
}

// group is objects that are written one after the other.
type group struct {
	objects []object
	shard   int // of the manifest that remembers them; -1: its head
}

// stage is groups that may be written side by side, after those of the stages
// before it.
type stage []group

// loose makes a stage of objects whose order does not matter.
func loose(objects ...object) stage {
	st := make(stage, len(objects))
	for i, o := range objects {
		st[i] = group{[]object{o}, -1}
	}
	return st
}

// entry is what the manifest remembers of an object.
type entry struct {
	In   string `json:"in"`
	Sum  string `json:"sum"`
	Size int64  `json:"size"`
}

// shard is one part of the manifest: entries by key.
type shard map[string]entry

// manifestHead is the manifest's first object. It names the shards, so that a
// program that has read them before reads only those that changed.
type manifestHead struct {
	Format int      `json:"format"`
	Shards []string `json:"shards"` // sums
	Rest   shard    `json:"rest"`
}

const (
	manifestKey    = "manifest/head.json"
	manifestFormat = 1
	shardSize      = 500 // articles
	maxManifest    = 8 << 20
)

func shardKey(n int) string { return fmt.Sprintf("manifest/%04d.json", n+1) }

// fingerprint is a short sum of parts, told apart whatever they contain.
func fingerprint(kind string, parts ...string) string {
	h := sha256.New()
	var b []byte
	for _, p := range append([]string{kind}, parts...) {
		b = strconv.AppendInt(b[:0], int64(len(p)), 10)
		b = append(append(b, ':'), p...)
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// sum is what an object's bytes are compared by.
func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:16])
}

// manifest is what the store is known to hold.
type manifest struct {
	known  shard    // all entries
	where  []shard  // entries of each shard, as they are to be written
	rest   shard    // entries outside shards, as they are to be written
	shards []string // sums of the shards as read
	head   string   // sum of the head as read
}

// readManifest reads what is there. A part that is missing or cannot be read
// counts as empty: its objects are written again, with the same bytes.
func (s *Site) readManifest(ctx context.Context, articles int) (*manifest, error) {
	m := &manifest{known: shard{}, rest: shard{}}
	n := (articles + shardSize - 1) / shardSize
	for range n {
		m.where = append(m.where, shard{})
	}
	text, err := s.store.Get(ctx, manifestKey, maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return nil, fmt.Errorf("site: read what is there: %w", err)
	}
	var head manifestHead
	if err := json.Unmarshal(text, &head); err != nil || head.Format != manifestFormat {
		return m, nil
	}
	m.head, m.shards = sum(text), head.Shards
	maps.Copy(m.known, head.Rest)
	for i, want := range head.Shards {
		part, ok := s.shards[want]
		if !ok {
			if part, err = s.readShard(ctx, i); err != nil {
				return nil, err
			}
			s.shards[want] = part
		}
		maps.Copy(m.known, part)
	}
	maps.Copy(m.known, s.unsure)
	return m, nil
}

// readShard reads one part. What it says was true when it was written, so it is
// believed even if a run was stopped before it wrote the head.
func (s *Site) readShard(ctx context.Context, i int) (shard, error) {
	text, err := s.store.Get(ctx, shardKey(i), maxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return shard{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("site: read what is there: %w", err)
	}
	part := shard{}
	if json.Unmarshal(text, &part) != nil {
		return shard{}, nil
	}
	return part, nil
}

// parallel is how many objects are written at once: enough to hide the way to a
// cloud, few enough for its limits.
const parallel = 8

// run is one pass over the plan.
type run struct {
	*Site
	m    *manifest
	full bool

	mu   sync.Mutex
	done Synced
}

func (s *Site) once(ctx context.Context, heads []Head, full bool) (Synced, error) {
	m, err := s.readManifest(ctx, len(heads))
	if err != nil {
		return Synced{}, err
	}
	r := &run{Site: s, m: m, full: full, done: Synced{Articles: len(heads), Bad: map[string]error{}}}
	plan := s.plan(heads, func(id string, err error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.done.Bad[id] = err
	})
	planned := make(map[string]bool, len(m.known))
	for _, st := range plan {
		for _, g := range st {
			for _, o := range g.objects {
				planned[o.key] = true
			}
		}
	}
	for _, st := range plan {
		if err := r.stage(ctx, st); err != nil {
			return r.done, err
		}
		if err := s.store.Flush(ctx); err != nil {
			return r.done, err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(m.known)) {
		if planned[key] || strings.HasPrefix(key, "assets/") { // a page in somebody's cache still wants its old style
			continue
		}
		if err := s.store.Delete(ctx, key); err != nil {
			return r.done, fmt.Errorf("site: delete %s: %w", key, err)
		}
		r.done.Deleted = append(r.done.Deleted, key)
	}
	return r.done, r.writeManifest(ctx)
}

// stage writes what changed of one stage.
func (r *run) stage(ctx context.Context, st stage) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, one := range st {
		if ctx.Err() != nil {
			break
		}
		at := r.m.rest
		if one.shard >= 0 {
			at = r.m.where[one.shard]
		}
		todo := r.changed(one, at)
		st[i].objects = nil // they hold what they have rendered
		if len(todo) > 0 {
			g.Go(func() error {
				for _, o := range todo {
					if err := r.write(ctx, o, at); err != nil {
						return err
					}
				}
				return nil
			})
		}
	}
	return g.Wait()
}

// changed gives the objects of a group that must be rendered; the others are
// remembered as they were.
func (r *run) changed(g group, at shard) []object {
	r.mu.Lock()
	defer r.mu.Unlock()
	var todo []object
	for _, o := range g.objects {
		if was := r.m.known[o.key]; was.In == o.in && !r.full {
			at[o.key] = was
			continue
		}
		todo = append(todo, o)
	}
	return todo
}

func (r *run) write(ctx context.Context, o object, at shard) error {
	r.mu.Lock()
	was := r.m.known[o.key]
	r.mu.Unlock()
	body, err := o.render(ctx)
	if err != nil {
		return fmt.Errorf("site: %s: %w", o.key, err)
	}
	now := entry{In: o.in, Sum: sum(body), Size: int64(len(body))}
	changed := now.Sum != was.Sum
	if changed {
		if err := r.store.Put(ctx, Object{Key: o.key, Body: body, Type: contentType(o.key), Cache: cacheControl(o.key)}); err != nil {
			return fmt.Errorf("site: write %s: %w", o.key, err)
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at[o.key] = now
	if changed {
		r.unsure[o.key] = now
		r.done.Written = append(r.done.Written, o.key)
		r.done.Bytes += now.Size
	}
	return nil
}

// writeManifest writes the parts that changed, the head last.
func (r *run) writeManifest(ctx context.Context) error {
	head := manifestHead{Format: manifestFormat, Shards: []string{}, Rest: r.m.rest}
	for i, part := range r.m.where {
		text, err := json.Marshal(part)
		if err != nil {
			return err
		}
		now := sum(text)
		if i >= len(r.m.shards) || r.m.shards[i] != now {
			if err := r.putManifest(ctx, shardKey(i), text); err != nil {
				return err
			}
		}
		r.shards[now] = part
		head.Shards = append(head.Shards, now)
	}
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	if sum(text) == r.m.head {
		return nil
	}
	for old := range r.shards {
		if !slices.Contains(head.Shards, old) {
			delete(r.shards, old)
		}
	}
	if err := r.store.Flush(ctx); err != nil {
		return err
	}
	if err := r.putManifest(ctx, manifestKey, text); err != nil {
		return err
	}
	return r.store.Flush(ctx)
}

func (r *run) putManifest(ctx context.Context, key string, text []byte) error {
	if err := r.store.Put(ctx, Object{Key: key, Body: text, Type: contentType(key), Cache: cacheControl(key)}); err != nil {
		return fmt.Errorf("site: write %s: %w", key, err)
	}
	r.done.Written = append(r.done.Written, key)
	r.done.Bytes += int64(len(text))
	return nil
}
