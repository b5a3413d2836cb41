package bot

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"mingbai/internal/servers"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		servers.Stop()
		os.Remove(filepath.Join(os.TempDir(), fmt.Sprintf("mingbai-crashbot-%d", os.Getpid()))) //nolint:errcheck // if it was built
		os.Exit(code)
	}))
}
