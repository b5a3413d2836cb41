package office

import "testing"

// A number that was left out of a story says nothing of the dispute.
func TestPropose_NumberLeftOut(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"邻居砌墙占了我家过道半米，我的身份证是（证件或卡号不用写）", "邻居砌墙占了我家过道半米（证件或卡号不用写）"} {
		if p := Propose(text, "", nil); p.Lane != LanePeople {
			t.Errorf("%s: %+v", text, p)
		}
	}
}
