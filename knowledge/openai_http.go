package knowledge

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// politeClient makes a request once more when the server says "later" and that
// is soon, and bounds what is read of an answer.
type politeClient struct {
	client *http.Client
	limit  int64 // bytes of an answer
}

// newPoliteClient makes a client that keeps as many connections as calls go on
// at once, and never follows a redirect: another host was not allowed.
func newPoliteClient(total time.Duration, calls int, limit int64) *politeClient {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConnsPerHost = calls
	return &politeClient{limit: limit, client: &http.Client{
		Transport: t, Timeout: total,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

func (c *politeClient) Do(r *http.Request) (*http.Response, error) {
	resp, err := c.client.Do(r)
	if err == nil && (resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500) && r.GetBody != nil {
		if wait, ok := retryAfter(resp); ok {
			resp.Body.Close()
			again, err := c.again(r, wait)
			if err != nil {
				return nil, err
			}
			resp, err = c.client.Do(again)
			if err != nil {
				return nil, err
			}
		}
	}
	if err != nil {
		return nil, err
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(resp.Body, c.limit), resp.Body}
	return resp, nil
}

func (c *politeClient) again(r *http.Request, wait time.Duration) (*http.Request, error) {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	body, err := r.GetBody()
	if err != nil {
		return nil, err
	}
	again := r.Clone(r.Context())
	again.Body = body
	return again, nil
}

// retryAfter is how long to wait before the one retry; false: not worth it.
func retryAfter(r *http.Response) (time.Duration, bool) {
	v := r.Header.Get("Retry-After")
	if v == "" {
		return 200 * time.Millisecond, true
	}
	var wait time.Duration
	if seconds, err := strconv.Atoi(v); err == nil && seconds >= 0 && seconds < 1e6 {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		wait = max(0, time.Until(at))
	} else {
		return 0, false
	}
	return wait, wait <= modelRetry
}
