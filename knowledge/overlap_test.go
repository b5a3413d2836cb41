package knowledge

import "testing"

func TestFindOverlap(t *testing.T) {
	t.Parallel()
	o := FindOverlap(
		[]string{"老板拖欠工资三个月怎么办", "老闆拖欠工資三個月怎麼辦", "今天天气很好"},
		[]string{"老板拖欠工资三个月怎么办", "离婚孩子归谁"},
	)
	if o.Same != 2 || o.SharedRun != 2 {
		t.Errorf("got %+v, want both writings of the same question found", o)
	}
	if w := o.Worst[0]; w.Likeness != 1 || w.Run != 12 {
		t.Errorf("got %+v", w)
	}
	if o := FindOverlap([]string{"公司没签合同能要双倍吗"}, []string{"厂里不签合同赔几倍"}); o.SharedRun != 0 || o.Nearest == 0 {
		t.Errorf("got %+v", o)
	}
}
