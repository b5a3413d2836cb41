package bot

import (
	"context"
	"errors"
	"time"
)

// patience is how long the bot waits for one answer of the session store. A
// message needs two (load and save), so a store that hangs costs it 240 ms.
const patience = 120 * time.Millisecond

// sessionKey names the session of a person in a conversation; in a group each
// member has their own.
func sessionKey(chat, from Address) string {
	if chat == from {
		return string(chat)
	}
	return string(chat) + "|" + string(from)
}

func (b *Bot) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	d := patience
	if p, ok := b.sessions.(interface{ patience() time.Duration }); ok {
		d = p.patience()
	}
	return context.WithTimeout(ctx, d)
}

// load loads a session; if the store fails, an empty one (lost).
func (b *Bot) load(ctx context.Context, key string) (s *Session, lost bool) {
	ctx, cancel := b.patience(ctx)
	defer cancel()
	err := guard(func() (err error) {
		s, err = b.sessions.Load(ctx, key)
		return err
	})
	if err != nil {
		b.warn("session not loaded; answered without it", err)
		return &Session{Key: key, Lost: true}, true
	}
	return s, false
}

// save saves a session. If somebody saved it meanwhile, what is newest wins;
// but a session that was begun empty because the store failed only adds to what
// is stored.
func (b *Bot) save(ctx context.Context, s *Session, lost bool) {
	ctx, cancel := b.patience(ctx)
	defer cancel()
	err := guard(func() error {
		for range 3 {
			err := b.sessions.Save(ctx, s)
			if !errors.Is(err, ErrStale) {
				return err
			}
			stored, err := b.sessions.Load(ctx, s.Key)
			if err != nil {
				return err
			}
			if stored.Version == 0 || stored.Seen.After(s.Seen) || (!lost && stored.Seen.Equal(s.Seen)) {
				return nil // erased, or saved already before a crash
			}
			if lost {
				stored.Turns = append(stored.Turns, s.Turns...)
				stored.Menu, stored.Seen = s.Menu, s.Seen
				s = stored
			}
			s.Version = stored.Version
		}
		return ErrStale
	})
	if err != nil {
		b.warn("session not saved", err)
	}
}

// erase deletes a session that was saved after its owner had it erased.
func (b *Bot) erase(ctx context.Context, s *Session) {
	ctx, cancel := b.patience(ctx)
	defer cancel()
	if err := b.sessions.Delete(ctx, s.Key); err != nil {
		b.warn("session not erased; it runs out", err)
	}
}

// warn logs that the session store fails, every ten seconds at most: each
// message would say the same.
func (b *Bot) warn(what string, err error) {
	b.meter.sessions.Inc()
	b.mu.Lock()
	due := time.Since(b.warned) > 10*time.Second
	if due {
		b.warned = time.Now()
	}
	b.mu.Unlock()
	if due {
		b.o.Log.Warn(what, "err", err)
	}
}
