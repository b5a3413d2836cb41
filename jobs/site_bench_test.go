package jobs_test

import (
	"testing"
	"time"
)

// BenchmarkSite_OneMore publishes one more article where there are 10,000: to a
// directory, with a disk that keeps what it is told, and to an S3 server on this
// machine. objects and bytes are what one article writes.
func BenchmarkSite_OneMore(b *testing.B) {
	for _, to := range []string{"directory", "bucket"} {
		b.Run("articles=10000/to="+to, func(b *testing.B) {
			from := many(10_000)
			site := newSite(b, from, mustDir(b, b.TempDir()))
			if to == "bucket" {
				site = newSite(b, from, newCloud(b).store(b))
			}
			start := time.Now()
			first := sync1(b, site)
			b.Logf("the first build: %d objects in %.1f s", len(first.Written), time.Since(start).Seconds())
			objects, bytes, most, n := 0, int64(0), time.Duration(0), 10_000
			for b.Loop() {
				n++
				from.add(article(n))
				start := time.Now()
				done := sync1(b, site)
				most = max(most, time.Since(start))
				objects, bytes = max(objects, len(done.Written)), max(bytes, done.Bytes)
			}
			b.ReportMetric(float64(objects), "objects-most")
			b.ReportMetric(float64(bytes), "bytes-most")
			b.ReportMetric(float64(most.Milliseconds()), "ms-most")
		})
	}
}

// BenchmarkSite_Restart is the first run of a program that finds 10,000 articles
// published already, one of them new.
func BenchmarkSite_Restart(b *testing.B) {
	from, root := many(10_000), b.TempDir()
	sync1(b, newSite(b, from, mustDir(b, root)))
	n := 10_000
	for b.Loop() {
		n++
		from.add(article(n))
		sync1(b, newSite(b, from, mustDir(b, root)))
	}
}
