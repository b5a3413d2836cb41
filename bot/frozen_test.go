package bot

import (
	"context"
	"testing"
	"time"

	"mingbai/internal/servers"
)

// A database that neither answers nor refuses: stopping does not wait for it,
// and what was taken is answered when it is back.
func TestBot_AFrozenDatabaseDoesNotHoldTheProgram(t *testing.T) {
	t.Parallel()
	server := servers.StartPostgres(t)
	o := fast
	o.Drain = time.Second
	store := newPostgresStore(t, server.URL)
	started, release := make(chan struct{}), make(chan struct{})
	b := New(HandlerFunc(func(ctx context.Context, m Message, s *Session) (Reply, error) {
		close(started)
		<-release
		return echo(ctx, m, s)
	}), NewLocalSessions(store, time.Hour), NewInbox(store), o)
	c := newFake("fake")
	b.Attach(c)
	stop := runBot(t, b)
	c.say(t, "fake/user/a", "1", "x")
	<-started
	server.Freeze()
	close(release)
	begin := time.Now()
	stop()
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("stopping took %v", took)
	}
	server.Thaw()
	store = newPostgresStore(t, server.URL)
	store.now = func() time.Time { return time.Now().Add(lease) } // by then the lease has ended
	b = New(HandlerFunc(echo), NewLocalSessions(store, time.Hour), NewInbox(store), fast)
	c = newFake("fake")
	b.Attach(c)
	runBot(t, b)
	if r := c.wait(t, 1); r[0].ref != "1" {
		t.Errorf("got %+v", r)
	}
}
