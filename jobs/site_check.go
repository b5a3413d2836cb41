package jobs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// SiteFault is an object that is not as it should be.
type SiteFault struct {
	Key  string `json:"key"`
	What string `json:"what"` // in Chinese
}

// What Check finds.
const (
	FaultMissing = "没有了"
	FaultSize    = "大小不对"
	FaultBytes   = "内容被改过"
	FaultStale   = "不是最新的"
	FaultForeign = "不是这里发布的"
)

// Check compares the store with what was written to it and with what the source
// holds now. deep reads every object; else their sizes are compared.
func (s *Site) Check(ctx context.Context, deep bool) ([]SiteFault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	heads, err := s.heads(ctx)
	if err != nil {
		return nil, err
	}
	m, err := s.readManifest(ctx, len(heads))
	if err != nil {
		return nil, err
	}
	sizes, err := s.store.Sizes(ctx)
	if err != nil {
		return nil, fmt.Errorf("site: list what is there: %w", err)
	}
	faults := map[string]string{}
	for key := range sizes {
		if _, ok := m.known[key]; !ok && !strings.HasPrefix(key, "manifest/") && !strings.HasPrefix(key, "assets/") {
			faults[key] = FaultForeign
		}
	}
	for _, st := range s.plan(heads, func(string, error) {}) {
		for _, g := range st {
			for _, o := range g.objects {
				if m.known[o.key].In != o.in {
					faults[o.key] = FaultStale
				}
			}
		}
	}
	for key, e := range m.known {
		if size, ok := sizes[key]; !ok {
			faults[key] = FaultMissing
		} else if size != e.Size {
			faults[key] = FaultSize
		}
	}
	if deep {
		if err := s.compare(ctx, m.known, faults); err != nil {
			return nil, err
		}
	}
	var list []SiteFault
	for _, key := range slices.Sorted(maps.Keys(faults)) {
		list = append(list, SiteFault{key, faults[key]})
	}
	return list, nil
}

// compare reads what is known and notes what has other bytes.
func (s *Site) compare(ctx context.Context, known shard, faults map[string]string) error {
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for key, e := range known {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error {
			b, err := s.store.Get(ctx, key, maxManifest)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("site: read %s: %w", key, err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil && sum(b) != e.Sum && faults[key] == "" {
				faults[key] = FaultBytes
			}
			return nil
		})
	}
	return g.Wait()
}

// Repair writes the objects that Check found wrong again, and everything else
// that changed. What is not ours stays.
func (s *Site) Repair(ctx context.Context, faults []SiteFault) (Synced, error) {
	s.mu.Lock()
	for _, f := range faults {
		if f.What != FaultForeign {
			s.unsure[f.Key] = entry{}
		}
	}
	s.mu.Unlock()
	return s.Sync(ctx, false)
}

// Probe says whether the store can be read, written and deleted from.
func Probe(ctx context.Context, s Store) error {
	const key = "manifest/probe.txt"
	if err := s.Put(ctx, Object{Key: key, Body: []byte("明白\n"), Type: contentType(key), Cache: cacheControl(key)}); err != nil {
		return err
	}
	if got, err := s.Get(ctx, key, 100); err != nil || string(got) != "明白\n" {
		return errors.Join(err, errors.New("读出来的和写进去的不一样"))
	}
	if _, err := s.Sizes(ctx); err != nil {
		return err
	}
	return s.Delete(ctx, key)
}
