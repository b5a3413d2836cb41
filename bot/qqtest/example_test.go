package qqtest_test

import (
	"fmt"
	"time"

	"mingbai/bot/qqtest"
)

// A test starts a platform, gives a bot the platform's URL and its own webhook
// to the platform, and lets people speak.
func Example() {
	p := qqtest.New(qqtest.Options{Profile: qqtest.Strict2026, Seed: 1})
	if err := p.Start(); err != nil {
		fmt.Println(err)
		return
	}
	defer p.Close()
	b := p.AddBot("102000001", "secret", qqtest.BotOptions{Name: "明白"}) // on the websocket, as it has no webhook
	mei := p.User(b, "李梅")
	village := p.Group(b, "城东村", mei)
	mei.Say("老板拖欠工资怎么办")
	village.Say(mei, "宅基地怎么确权", true)
	p.Arm(qqtest.Fault{Kind: qqtest.FaultTimeout, Endpoint: "c2c/messages"}, 1)
	p.Advance(61 * time.Minute) // whatever is answered now is too late
	for _, e := range p.Transcript(qqtest.Filter{Kind: qqtest.KindEvent}) {
		fmt.Println(e.Type, e.Note)
	}
	fmt.Println(len(mei.SeenTexts()), "answers")
	// Output:
	// C2C_MESSAGE_CREATE lost: no session takes it
	// GROUP_AT_MESSAGE_CREATE lost: no session takes it
	// 0 answers
}
