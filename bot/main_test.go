package bot

import (
	"os"
	"testing"

	"mingbai/internal/servers"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		servers.Stop()
		os.Exit(code)
	}))
}
