package bot

import (
	"strings"
	"testing"
)

// A session is kept whatever a person wrote: an open form of signs that JSON
// writes as six bytes each is dropped rather than the message answered for ever.
func TestSession_TooLargeWithoutTurns(t *testing.T) {
	t.Parallel()
	s := &Session{Key: "k", Area: "城东", Form: &Form{Name: "case", Fields: map[string]string{"story": strings.Repeat("<", maxText), "wish": strings.Repeat(">", 1000)}}}
	b, err := encodeSession(s)
	if err != nil || len(b) > maxSession {
		t.Fatalf("got %d bytes, %v", len(b), err)
	}
	if s.Form != nil || s.Area != "城东" {
		t.Errorf("kept %+v", s)
	}
}
