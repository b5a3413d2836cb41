package jobs

import (
	"context"
	"slices"
	"testing"

	"mingbai/bot"
	"mingbai/office"
)

// mouth is a bot that can write to one address.
type mouth struct{ said []string }

func (m *mouth) Open() []bot.Address { return []bot.Address{"qq/user/老李"} }

func (m *mouth) Send(_ context.Context, _ bot.Address, r bot.Reply) error {
	m.said = append(m.said, r.Text)
	return nil
}

// A reminder that cannot be made does not keep waiting messages from going out.
func TestNotices_GoOutThoughAReminderFails(t *testing.T) {
	t.Parallel()
	b := newBureau(t, office.Options{Dir: t.TempDir()})
	ctx := t.Context()
	write, _, _ := b.db.Handles()
	for _, query := range []string{
		`INSERT INTO notices (case_id, kind, once, account, person, body, created, claimed, sent, shown_in, taken) VALUES (NULL, 'lecture', 'x', 'qq/user/老李', 0, '讲座定在周五。', 1, 0, 0, '', 0)`,
		`DROP TABLE turns`,
	} {
		if _, err := write.ExecContext(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	m := &mouth{}
	if err := (Notices{Office: b.db, Bot: m}).Once(ctx); err == nil {
		t.Error("the fault is not said")
	}
	if !slices.Equal(m.said, []string{"讲座定在周五。"}) {
		t.Errorf("said %q", m.said)
	}
}
