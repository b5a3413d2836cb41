package qqtest

import "time"

// Profile names a set of rules. The platform's documents and what people report
// of it disagree; a bot that passes under all three survives the disagreements.
type Profile string

const (
	Strict2026  Profile = "strict2026" // each rule of the documents of 2026-09, the narrower reading
	Lenient     Profile = "lenient"    // what a probe of the live platform saw in September 2026
	Profile2025 Profile = "2025"       // after 21 April 2025: no active messages at all
)

// Profiles lists all of them.
func Profiles() []Profile { return []Profile{Strict2026, Lenient, Profile2025} }

// Rules are what the platform enforces. Lengths of text are in runes; times
// are of the platform's clock.
type Rules struct {
	Profile Profile

	TokenTTL  time.Duration // 7,200 s
	BlockedIP bool          // the bot's address is not on the allow-list

	C2CWindow    time.Duration // how long a private message may be answered
	GroupWindow  time.Duration // the same in groups, guilds and for events there
	C2CReplies   int           // how often
	GroupReplies int
	CountReplies bool // whether the two counts are enforced
	TypingCounts bool // whether a typing notice uses up a reply
	CodeExpired  int  // 40034005 or 40034128

	Active       bool // active messages exist
	MaxRunes     int
	MaxBytes     int      // 0: not looked at
	GroupURLs    bool     // URLs and look-alikes are refused in groups
	C2CURLs      bool     // and in private chats
	Sensitive    []string // words that are refused
	StrictBody   bool     // content beside markdown is an error, not ignored
	Audit        bool     // active guild messages wait for an audit
	AuditReplies bool     // replies in guilds do too
	SameOpenID   bool     // a person has one openid in private chat and in groups

	EndpointQPS int // calls of one endpoint in one second, then 429; 0: any
	BotQPS      int // active private messages of a bot in one second
	TargetQPM   int // active messages to one person or group in one minute
	GroupBotQPM int // active group messages of a bot in one minute
	TargetDay   int // active messages to one person or group in one day
	ChannelDay  int // active messages to one guild channel in one day

	StreamRunes int           // remain_msg_len at the start of a stream
	StreamPause time.Duration // between two slices, then 50002
	FileTTL     time.Duration // life of a file_info
	AckWithin   time.Duration // life of the spinner on a pressed button

	ResignRetries bool // each delivery of one event is signed anew
	RetryRefused  bool // op 12 with d:1 is delivered again
}

// RulesOf gives the rules of a profile. Numbers: official documents of
// 2026-09-10 (message overview, quotas), those of 2025-04 for the older one.
func RulesOf(p Profile) Rules {
	r := Rules{
		Profile:   p,
		TokenTTL:  2 * time.Hour,
		C2CWindow: 5 * time.Minute, GroupWindow: 5 * time.Minute,
		C2CReplies: 4, GroupReplies: 5, CountReplies: true, TypingCounts: true, CodeExpired: codeExpired,
		Active:   true,
		MaxRunes: 2000, GroupURLs: true, Sensitive: []string{"违禁词样例"}, StrictBody: true,
		Audit: true, EndpointQPS: 100, BotQPS: 10, TargetQPM: 20, GroupBotQPM: 60, TargetDay: 1000, ChannelDay: 20,
		StreamRunes: 2000, StreamPause: 20 * time.Millisecond, FileTTL: time.Hour, AckWithin: 3 * time.Second,
		ResignRetries: true, RetryRefused: true,
	}
	switch p {
	case Lenient:
		r.C2CWindow = time.Hour
		r.CountReplies, r.TypingCounts, r.StrictBody = false, false, false
		r.MaxRunes, r.SameOpenID = 5000, true
	case Profile2025:
		r.C2CWindow, r.C2CReplies = time.Hour, 5
		r.Active, r.C2CURLs = false, true
		r.CodeExpired = codeReplyLimit
	}
	return r
}
