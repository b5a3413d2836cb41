package bot

import (
	"fmt"
	"unicode/utf8"
)

// Limits of a keyboard. Source: message keyboard page, 2026-09: at most 5 rows
// of 5 buttons (40034029), labels of at most 10 characters (305007).
const (
	qqKeyRows  = 5
	qqKeyRow   = 5
	qqKeyLabel = 10
)

// Kinds of buttons and who may press them.
const (
	qqKeyCallback = 1 // pressing it makes an INTERACTION_CREATE
	qqKeyEveryone = 2
)

type qqKeyboard struct {
	Content qqKeyboardRows `json:"content"`
}

type qqKeyboardRows struct {
	Rows []qqKeyboardRow `json:"rows"`
}

type qqKeyboardRow struct {
	Buttons []qqKey `json:"buttons"`
}

type qqKey struct {
	ID     string      `json:"id"`
	Render qqKeyRender `json:"render_data"`
	Action qqKeyAction `json:"action"`
}

type qqKeyRender struct {
	Label   string `json:"label"`
	Visited string `json:"visited_label"`
	Style   int    `json:"style"`
}

type qqKeyAction struct {
	Type       int             `json:"type"`
	Permission qqKeyPermission `json:"permission"`
	Data       string          `json:"data"`
	Tips       string          `json:"unsupport_tips"`
}

type qqKeyPermission struct {
	Type int `json:"type"`
}

// maxQQKeyData is how long the words that a button stands for may be, in runes.
const maxQQKeyData = 100

// qqKeys makes a button of each choice; pressing it says the choice. nil: there
// are none, or more than a keyboard has room for. Choices that do not fit a
// label keep their number, which stands in the text with all their words.
func qqKeys(choices []string) *qqKeyboard {
	if len(choices) == 0 || len(choices) > qqKeyRows*qqKeyRow {
		return nil
	}
	perRow := (len(choices) + qqKeyRows - 1) / qqKeyRows
	k := &qqKeyboard{}
	for i, c := range choices {
		if utf8.RuneCountInString(c) > maxQQKeyData {
			return nil
		}
		label := c
		if utf8.RuneCountInString(c) > qqKeyLabel {
			number := fmt.Sprintf("%d.", i+1)
			label = number + cut(c, qqKeyLabel-len(number)-1) + "…"
		}
		if i%perRow == 0 {
			k.Content.Rows = append(k.Content.Rows, qqKeyboardRow{})
		}
		row := &k.Content.Rows[len(k.Content.Rows)-1]
		row.Buttons = append(row.Buttons, qqKey{
			ID:     fmt.Sprintf("c%d", i+1),
			Render: qqKeyRender{Label: label, Visited: label, Style: 1},
			Action: qqKeyAction{
				Type: qqKeyCallback, Permission: qqKeyPermission{Type: qqKeyEveryone}, Data: c,
				Tips: "请直接回复数字",
			},
		})
	}
	return k
}
