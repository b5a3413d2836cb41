package knowledge

import "testing"

// BenchmarkOpenBase is what starting costs: reading the built-in knowledge and
// indexing the entries.
func BenchmarkOpenBase(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := OpenBase(b.Context(), BaseOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
