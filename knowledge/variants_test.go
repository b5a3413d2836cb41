package knowledge

import "testing"

func TestVariants(t *testing.T) {
	t.Parallel()
	const plain = "邻居不给工资怎么办，我们没有合同，孩子还在上学"
	for name, differs := range map[string]bool{"": false, VariantTraditional: true, VariantTypo: true, VariantDialect: true} {
		f, err := Variant(name)
		if err != nil {
			t.Fatal(err)
		}
		if f == nil {
			if differs {
				t.Errorf("%s: no function", name)
			}
			continue
		}
		got := f(plain)
		if got == plain || got != f(plain) {
			t.Errorf("%s: %q; want another text, the same each time", name, got)
		}
		if name == VariantTraditional && Normalize(got) != Normalize(plain) {
			t.Errorf("traditional characters fold to %q", Normalize(got))
		}
		if n := len([]rune(got)); name == VariantTypo && n != len([]rune(plain)) {
			t.Errorf("misspelt text has %d characters", n)
		}
	}
	if _, err := Variant("other"); err == nil {
		t.Error("an unknown variant is no error")
	}
}
