package main

import (
	"bytes"
	"strings"
	"testing"
)

// TestDemoPublish_Command plays a publication through the whole program, the simulated
// QQ, a directory and an S3 server, with the clock put forward over the minute:
// what the play checks is what this tests.
func TestDemoPublish_Command(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole program takes some seconds")
	}
	t.Parallel()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"demo-publish", "--fast", "--page", "127.0.0.1:0", "--platform", "127.0.0.1:0", "--listen", "127.0.0.1:0"},
		strings.NewReader(""), &out, &errs, []string{"DATA_DIR=" + t.TempDir()})
	if code != 0 || strings.Contains(out.String(), "✗") || !strings.Contains(out.String(), "全部对上了") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
	if n := strings.Count(out.String(), "✓"); n < 20 {
		t.Errorf("only %d things were checked", n)
	}
}
