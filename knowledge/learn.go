package knowledge

// Model is what was learned from questions and their articles.
type Model struct{}

type articleModel struct{}

func (m *Model) bind(x *articleIndex) *articleModel { return nil }

func (m *articleModel) rerank(x *articleIndex, qu *question, q Query, scores []float32, top []uint32, s *scratch) []uint32 {
	return top
}
