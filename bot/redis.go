package bot

import (
	"context"
	"errors"
	"time"
)

// Redis is what several processes share through a Redis server.
type Redis struct{}

func (r *Redis) take(context.Context, string, Rate) (time.Duration, error) {
	return 0, errors.New("not yet")
}

func (r *Redis) remember(context.Context, Address, string) {}

func (r *Redis) remembers(context.Context, Address, string) bool { return false }

func (r *Redis) tell(context.Context, string, string) {}

func (r *Redis) listen(ctx context.Context, _ func(kind, chat string)) error {
	<-ctx.Done()
	return nil
}
