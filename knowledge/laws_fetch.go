package knowledge

import (
	"context"
	"errors"
)

// FetchOptions bounds downloads.
type FetchOptions struct{ Hosts []string }

func fetch(ctx context.Context, address string, o FetchOptions, to sink) error {
	return errors.New("还不支持")
}
