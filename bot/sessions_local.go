package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// maxSession is how large a session may be, in bytes of JSON. The oldest turns
// of a larger one are forgotten; twenty long questions fit.
const maxSession = 16 << 10

// encodeSession is s as JSON of at most maxSession bytes; it drops the oldest
// turns of s to get there, then what is open. It must not fail because of what
// a person wrote: their message would come back for ever.
func encodeSession(s *Session) ([]byte, error) {
	for {
		b, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("encode session: %w", err)
		}
		if len(b) <= maxSession {
			return b, nil
		}
		switch {
		case len(s.Turns) > 0:
			s.Turns = s.Turns[(len(s.Turns)+1)/2:]
		case s.Menu != nil || s.Form != nil:
			s.Menu, s.Form = nil, nil
		default:
			return nil, fmt.Errorf("encode session: %d bytes without turns", len(b))
		}
	}
}

// decodeSession reads a stored session. One that cannot be read is an empty one
// of the same version, so that the next save replaces it.
func decodeSession(body []byte, key string, version int64) *Session {
	s := &Session{}
	if err := json.Unmarshal(body, s); err != nil {
		s = &Session{}
	}
	s.Key, s.Version = key, version
	return s
}

type localSessions struct {
	store *Store
	ttl   time.Duration
}

// NewLocalSessions keeps sessions in the records database, each until ttl after
// it was saved last.
func NewLocalSessions(s *Store, ttl time.Duration) Sessions {
	return &localSessions{store: s, ttl: ttl}
}

// patience is how long the bot waits for this store. Messages need the same
// database, so giving up early would gain nothing.
func (l *localSessions) patience() time.Duration { return 2 * time.Second }

func (l *localSessions) Load(ctx context.Context, key string) (*Session, error) {
	s := &Session{Key: key}
	var body string
	err := l.store.read.QueryRowContext(ctx, `SELECT version, body FROM sessions WHERE key = $1 AND expires > $2`,
		key, l.store.ms()).Scan(&s.Version, &body)
	if isNoRows(err) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load session: %w", err)
	}
	return decodeSession([]byte(body), key, s.Version), nil
}

func (l *localSessions) Save(ctx context.Context, s *Session) error {
	body, err := encodeSession(s)
	if err != nil {
		return err
	}
	now := l.store.now()
	until := now.Add(l.ttl).UnixMilli()
	var n int64
	if s.Version == 0 { // a session that ran out counts as absent
		n, err = l.store.exec(ctx, `INSERT INTO sessions (key, version, body, expires) VALUES ($1, 1, $2, $3)
			ON CONFLICT (key) DO UPDATE SET version = 1, body = excluded.body, expires = excluded.expires
				WHERE sessions.expires <= $4`, s.Key, string(body), until, now.UnixMilli())
	} else {
		n, err = l.store.exec(ctx, `UPDATE sessions SET version = version + 1, body = $1, expires = $2
			WHERE key = $3 AND version = $4 AND expires > $5`, string(body), until, s.Key, s.Version, now.UnixMilli())
	}
	if err != nil {
		return fmt.Errorf("save session: %w", err)
	}
	if n == 0 {
		return ErrStale
	}
	s.Version++
	return nil
}

func (l *localSessions) Delete(ctx context.Context, key string) error {
	if _, err := l.store.exec(ctx, `DELETE FROM sessions WHERE key = $1`, key); err != nil {
		return fmt.Errorf("delete session: %w", err)
	}
	return nil
}
