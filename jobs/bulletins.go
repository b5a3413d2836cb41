package jobs

import (
	"context"
	"time"

	"mingbai/office"
)

// Bulletins closes last month's bulletins on the first working day of a month.
type Bulletins struct{ Office *office.DB }

// Job runs in office hours, so that a machine that was off in the morning still
// does it that day.
func (b Bulletins) Job() Job {
	return Job{Name: "bulletin", Doc: "每月第一个工作日给上个月的月通报定稿，告诉普法干部和管理员", Spec: "30 8-20 * * *", Timeout: 10 * time.Minute, Run: b.Once}
}

// Once closes the month if that is due.
func (b Bulletins) Once(ctx context.Context) error {
	m, n, err := b.Office.CloseMonth(ctx)
	if n > 0 {
		Did(ctx, "%s的月通报定稿 %d 份", m.Name(), n)
	}
	return err
}
