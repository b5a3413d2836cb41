package office

import "testing"

func TestNoticeAnswered(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		ctx := t.Context()
		for _, step := range []struct {
			set  *NoticeAnswer
			want NoticeAnswer
		}{
			{nil, NoticeAnswer{}},
			{&NoticeAnswer{"1", true}, NoticeAnswer{"1", true}},
			{&NoticeAnswer{"1", false}, NoticeAnswer{"1", false}},
			{&NoticeAnswer{"2", true}, NoticeAnswer{"2", true}},
		} {
			if step.set != nil {
				if err := db.AnswerNotice(ctx, "web/user/a", "model", *step.set); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := db.NoticeAnswered(ctx, "web/user/a", "model"); err != nil || got != step.want {
				t.Errorf("got %+v, %v, want %+v", got, err, step.want)
			}
		}
		for _, other := range [][2]string{{"web/user/b", "model"}, {"web/user/a", "push"}} {
			if got, err := db.NoticeAnswered(ctx, other[0], other[1]); err != nil || got != (NoticeAnswer{}) {
				t.Errorf("%v: got %+v, %v", other, got, err)
			}
		}
	})
}
