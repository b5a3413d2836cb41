package knowledge

import "time"

// Cite finds the version of the law that a citation means on the day.
func (b *Base) Cite(c Citation, on time.Time) Cited {
	cited := Cited{Citation: c, Title: c.Law}
	if c.External != "" {
		cited.Status, cited.Note = "外部来源", c.External
		return cited
	}
	s := b.state.Load()
	l, ok := s.registry.Find(c.Law)
	if !ok {
		cited.Status = "未核实"
		return cited
	}
	v, status := l.On(on)
	cited.Title, cited.Published, cited.Effective, cited.Status = l.Title, v.Published, v.Effective, string(status)
	if status != StatusNotYet {
		cited.Note = l.nextNote(on)
	}
	if now := v.Status(b.Today()); status == StatusInForce && now != StatusInForce && now != StatusNotYet {
		cited.Status = string(StatusThen)
	}
	if s.library != nil {
		if a, err := s.library.Article(c.Law, c.Article, on); err == nil {
			cited.Text = a.Text
		}
	}
	return cited
}

// nextNote tells the reader of a law's next text: one that is published and not
// in force on the day yet, whether or not it is by now. "" if there is none.
func (l *Law) nextNote(on time.Time) string {
	for _, v := range l.Versions {
		if v.Effective.After(calendarDay(on)) {
			return isoDate(v.Effective) + "起改用新文本"
		}
	}
	return ""
}
