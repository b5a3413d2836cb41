package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors says what each package of ours may import of ours. Arrows only go
// down; packages on one floor do not know each other; cmd may import all.
var floors = map[string][]string{
	"config":            {},
	"calendar":          {},
	"bot":               {"config", "internal/migrate"},
	"knowledge":         {"config", "calendar"},
	"office":            {"calendar", "internal/migrate"},
	"handlers":          {"bot", "knowledge", "office", "calendar"},
	"jobs":              {"bot", "knowledge", "office", "config"},
	"web":               {"jobs", "knowledge", "office", "config"},
	"web/console":       {"jobs", "knowledge", "office", "calendar"},
	"internal/migrate":  {},
	"internal/servers":  {},
	"cmd/mingbai":       nil, // all
	"bench/http":        {},
	"bench/soak":        {"bot", "bot/qqtest", "office"},
	"bench/cases":       {},
	"bench/llmtest":     {"knowledge/llmtest"},
	"bot/qqtest":        {},
	"knowledge/llmtest": {},
}

// homes says which packages may import a third party, by the beginning of its
// path. Every other third party is free to be used where it is needed.
var homes = map[string][]string{
	"modernc.org/sqlite":                  {"office"},
	"github.com/jackc/pgx":                {"office", "internal/servers"},
	"github.com/pressly/goose":            {"internal/migrate"},
	"github.com/redis/go-redis":           {"bot", "internal/servers"},
	"github.com/tencent-connect/botgo":    {"bot"},
	"github.com/sashabaranov/go-openai":   {"knowledge"},
	"github.com/xuri/excelize":            {"office"},
	"github.com/wneessen/go-mail":         {"jobs"},
	"github.com/minio/minio-go":           {"jobs"},
	"github.com/robfig/cron":              {"jobs", "office"},
	"github.com/prometheus/client_golang": {"bot", "cmd/mingbai", "jobs", "knowledge"},
	"github.com/goccy/go-yaml":            {"knowledge", "handlers", "cmd/mingbai"},
	"github.com/yuin/goldmark":            {"bot/qqtest", "jobs"},
	"github.com/johannesboyne/gofakes3":   {"cmd/mingbai"}, // the demonstration's bucket
	"github.com/microcosm-cc/bluemonday":  {"jobs"},
	"golang.org/x/crypto":                 {"office"},
	"github.com/skip2/go-qrcode":          {"web/console"},
	"github.com/coreos/go-oidc":           {"web/console"},
	"golang.org/x/text":                   {"knowledge", "handlers", "bot"},
}

func TestImportFloors(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "mingbai/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for d := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(p.ImportPath, "mingbai/")
		allowed, known := floors[name]
		if !known {
			t.Errorf("%s has no floor: add it to the table, and to docs if the house changes", name)
		}
		for _, imp := range p.Imports {
			if ours, ok := strings.CutPrefix(imp, "mingbai/"); ok && allowed != nil && !slices.Contains(allowed, ours) {
				t.Errorf("%s imports %s, which is not below it", name, ours)
			}
			for third, at := range homes {
				if strings.HasPrefix(imp, third) && !slices.Contains(at, name) {
					t.Errorf("%s imports %s, whose home is %s", name, imp, strings.Join(at, ", "))
				}
			}
		}
	}
	if seen < 6 {
		t.Errorf("only %d packages seen", seen)
	}
}
