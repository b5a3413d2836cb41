package bot

import (
	"context"
	"time"
)

// Session is what the bot remembers of one conversation with one person.
// It is small (maxSession bytes encoded) and may be lost: losing it is a
// nuisance, not a fault.
type Session struct {
	Key     string    `json:"key"`
	Version int64     `json:"version"` // 0: never saved
	Lost    bool      `json:"-"`       // it could not be loaded and is empty for that; the person may be told
	Seen    time.Time `json:"seen"`    // last message
	Turns   []Turn    `json:"turns,omitempty"`
	Menu    *Menu     `json:"menu,omitempty"`    // choices that were offered last
	Form    *Form     `json:"form,omitempty"`    // a form being filled in
	Asked   int       `json:"asked,omitempty"`   // clarifying questions asked in a row
	Urgent  string    `json:"urgent,omitempty"`  // the crisis a person is in, until they say they are safe
	Area    string    `json:"area,omitempty"`    // township or province named by the person
	Notices []string  `json:"notices,omitempty"` // versions of notices accepted
}

// Turn is one question, what it was understood as and what was replied. The
// person's words are kept only here, for the session's lifetime, unless they hand
// them in with a case.
type Turn struct {
	Text   string    `json:"text"`
	Entry  string    `json:"entry,omitempty"` // id of the entry that answered
	Topic  string    `json:"topic,omitempty"`
	Kind   string    `json:"kind,omitempty"`
	Answer string    `json:"answer,omitempty"` // id of the consultation
	Basis  []string  `json:"basis,omitempty"`  // what its answer's marks stand for, "law#article" each
	At     time.Time `json:"at"`
	Reply  string    `json:"reply,omitempty"`  // the beginning of what the bot said to it
	Handed bool      `json:"handed,omitempty"` // a case was opened since; it is not handed in again
}

// Menu is a set of numbered choices that waits for a pick.
type Menu struct {
	Kind    string   `json:"kind"` // who offered it: "which entry", "next", …
	Choices []Choice `json:"choices"`
	About   string   `json:"about,omitempty"` // the words the menu was offered for
}

// Choice is one row of a menu.
type Choice struct {
	Label string `json:"label"`
	Value string `json:"value"`
}

// Form is a step-by-step form that is being filled in.
type Form struct {
	Name   string            `json:"name"`
	Step   int               `json:"step"`
	Fields map[string]string `json:"fields,omitempty"`
}

// Sessions is what the bot remembers of conversations. Implementations are safe
// for concurrent use.
type Sessions interface {
	Load(ctx context.Context, key string) (*Session, error) // a new one if there is none
	// Save stores s and raises s.Version. ErrStale if another process saved
	// the session since it was loaded.
	Save(ctx context.Context, s *Session) error
	Delete(ctx context.Context, key string) error
}
