package jobs

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"mingbai/office"
)

// BenchmarkPublish_OneMore publishes a piece from the office's records (SQLite on
// disk) that hold 10,000 published ones: from the slot to the acknowledged
// delivery, into a directory. Only the publishing is timed.
func BenchmarkPublish_OneMore(b *testing.B) {
	u := newBureau(b, office.Options{Dir: b.TempDir()})
	it := u.publish(b, "借条怎么写")
	store, err := OpenDir(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	site, err := NewSite(Pieces{Office: u.db}, store, SiteOptions{Title: "青禾普法", Base: "https://pufa.example.gov.cn/"})
	if err != nil {
		b.Fatal(err)
	}
	p := &Publish{Office: u.db, To: []Publisher{Cloud{"dir": site}}, Fixed: map[string][]string{"cloud": {"dir"}}, Log: slog.New(slog.DiscardHandler)}
	if err := p.Once(b.Context()); err != nil {
		b.Fatal(err)
	}
	copies(b, u.db, it.ID, 10_000)
	if _, err := site.Sync(b.Context(), false); err != nil {
		b.Fatal(err)
	}
	most := time.Duration(0)
	for n := 0; b.Loop(); n++ {
		b.StopTimer()
		u.publish(b, fmt.Sprintf("第 %d 篇", n))
		b.StartTimer()
		start := time.Now()
		if err := p.Once(b.Context()); err != nil {
			b.Fatal(err)
		}
		most = max(most, time.Since(start))
	}
	b.ReportMetric(float64(most.Milliseconds()), "ms-most")
	_, sent, err := u.db.Deliveries(b.Context(), office.DeliveryFilter{Sink: "cloud", States: []string{office.Sent}})
	if err != nil || sent < 2 {
		b.Fatalf("%d sent, %v", sent, err)
	}
}

// copies writes n published pieces like one that is there.
func copies(b *testing.B, db *office.DB, like int64, n int) {
	b.Helper()
	write, _, _ := db.Handles()
	tx, err := write.BeginTx(b.Context(), nil)
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		var id int64
		if err := tx.QueryRowContext(b.Context(), `INSERT INTO items (state, version, approved, live, author, submitter, approver, path, basis, created, changed, published, withdrawn, why, shown, shown_at, shown_by, shown_basis)
			SELECT state, version, approved, live, author, submitter, approver, path, basis, created, changed, published, withdrawn, why, shown, shown_at, shown_by, shown_basis FROM items WHERE id = $1 RETURNING id`, like).Scan(&id); err != nil {
			b.Fatal(err)
		}
		if _, err := tx.ExecContext(b.Context(), `INSERT INTO item_versions (item, version, kind, title, body, topic, entry, link, image, alt, audience, model, note, author, by_name, at, summary, unit)
			SELECT CAST($2 AS BIGINT), version, kind, CAST($3 AS TEXT), body, topic, entry, link, image, alt, audience, model, note, author, by_name, at, summary, unit FROM item_versions WHERE item = $1`, like, id, fmt.Sprintf("往期 %d", i)); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}
