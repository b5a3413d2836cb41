package bot

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// maxText is how long a question may be, in runes: a long letter. Longer ones
// are refused where the channel can say so, else cut.
const maxText = 2000

// clean makes text safe to store, log and show: valid UTF-8, no control
// characters but line feeds and tabs, no marks that change the writing
// direction of what follows, no white space around it.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case r < 0x20, r >= 0x7F && r <= 0x9F: // C0, DEL, C1
			return -1
		case r >= 0x202A && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0x200E, r == 0x200F: // bidi
			return -1
		case r == 0xFEFF, r >= 0xFFF9 && r <= 0xFFFB, r == 0x2028, r == 0x2029:
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// cut shortens text to n runes.
func cut(text string, n int) string {
	if len(text) <= n || utf8.RuneCountInString(text) <= n {
		return text
	}
	i := 0
	for at := range text {
		if i == n {
			return text[:at]
		}
		i++
	}
	return text
}

// short stands for an address in the log: the same address gives the same 8
// characters, and nobody finds the address from them.
func short(a Address) string {
	sum := sha256.Sum256([]byte(a))
	return hex.EncodeToString(sum[:4])
}

// randomID is 128 random bits as 32 hexadecimal characters.
func randomID() string {
	var b [16]byte
	rand.Read(b[:]) //nolint:errcheck // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// channelOf is the channel's name in an address: "web" in "web/user/7f3a".
func channelOf(a Address) string {
	name, _, _ := strings.Cut(string(a), "/")
	return name
}
