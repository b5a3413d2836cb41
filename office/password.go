package office

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost of a password's hash: the second choice of OWASP's Password Storage Cheat
// Sheet (argon2id, 19 MiB, 2 rounds, 1 thread), 64 ms on a loaded machine of two
// cores. Raising it needs no migration: each hash names its own cost.
const (
	hashMemory = 19 << 10 // KiB
	hashRounds = 2
	hashBytes  = 32
	saltBytes  = 16
)

// Bounds of passwords. NIST SP 800-63B-4 asks for 15 characters of a password
// that stands alone and 8 beside a second factor; ours stand beside one or are
// tried five times a minute at most.
const (
	minPassword = 10  // runes
	maxPassword = 128 // runes; longer ones only cost time
)

// Bounds of hashing: half of the cores, so that answers to residents go on
// during a storm of sign-ins, and a line in front of it that moves within hashWait.
const (
	hashLine = 32
	hashWait = 5 * time.Second
)

// hasher hashes passwords, few at a time.
type hasher struct {
	memory, rounds uint32 // cost of new hashes
	slots          chan struct{}
	waiting        atomic.Int32
}

func newHasher() *hasher {
	return &hasher{memory: hashMemory, rounds: hashRounds, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))}
}

// enter waits for a slot and gives the function that leaves it. A Conflict if too
// many wait.
func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	busy := conflict("现在登录的人太多，请过几秒再试。")
	if h.waiting.Add(1) > hashLine {
		h.waiting.Add(-1)
		return nil, busy
	}
	defer h.waiting.Add(-1)
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	case <-ctx.Done():
		return nil, busy
	}
}

// hash gives a password's hash in the PHC form ($argon2id$v=19$m=…,t=…,p=1$salt$hash).
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt) // never fails since Go 1.24
	sum := argon2.IDKey([]byte(password), salt, h.rounds, h.memory, 1, hashBytes)
	b := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.memory, h.rounds, b.EncodeToString(salt), b.EncodeToString(sum)), nil
}

// nobody gives what is compared with when there is no such account, so that it
// takes as long as when there is. No password has this hash.
func (h *hasher) nobody() string {
	zero := base64.RawStdEncoding.EncodeToString(make([]byte, hashBytes))
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, h.memory, h.rounds, zero[:22], zero)
}

// same says whether the password has that hash.
func (h *hasher) same(ctx context.Context, password, hash string) (bool, error) {
	known := hash != ""
	if !known {
		hash = h.nobody()
	}
	var version, memory, rounds uint32
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false, fmt.Errorf("a password's hash is of kind %.10q", parts)
	}
	if _, err := fmt.Sscanf(parts[2]+" "+parts[3], "v=%d m=%d,t=%d,p=1", &version, &memory, &rounds); err != nil || version != argon2.Version {
		return false, fmt.Errorf("a password's hash has other parameters: %w", err)
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, fmt.Errorf("a password's salt: %w", err)
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, fmt.Errorf("a password's hash: %w", err)
	}
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	got := argon2.IDKey([]byte(password), salt, rounds, memory, 1, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// weakWords is our own list of what passwords are made of when they are guessed
// first: one word a line, in lower case.
//
//go:embed weak.txt
var weakWords string

// checkPassword refuses passwords that would be guessed: short ones, numbers
// alone, repetitions, the account's own name, and any that consist of common
// words with digits and signs around them.
func checkPassword(password, login, name string) error {
	n := utf8.RuneCountInString(password)
	lower := strings.ToLower(password)
	switch {
	case !utf8.ValidString(password) || hasControl(password):
		return invalid("密码里有不能用的字符。")
	case n < minPassword:
		return invalid("密码至少 %d 个字符。可以用几个不相干的词连起来，例如四个词加一个数。", minPassword)
	case n > maxPassword:
		return invalid("密码最多 %d 个字符。", maxPassword)
	case repeats(lower):
		return invalid("密码不能是同样的几个字符反复。")
	case len(login) >= 3 && strings.Contains(lower, login), utf8.RuneCountInString(name) >= 2 && strings.Contains(lower, strings.ToLower(name)):
		return invalid("密码里不要有登录名或姓名。")
	}
	core := unleet(strings.TrimFunc(lower, func(r rune) bool { return !unicode.IsLetter(r) }))
	plain := strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			return -1
		}
		return r
	}, lower)
	if plain == "" || madeOfWeak(core) || madeOfWeak(plain) || madeOfWeak(strings.TrimFunc(lower, unicode.IsPunct)) {
		return invalid("这个密码太常见，容易被猜到，请换一个。")
	}
	return nil
}

// repeats says whether s is a piece of up to four runes over and over.
func repeats(s string) bool {
	r := []rune(s)
	for size := 1; size <= 4; size++ {
		same := true
		for i := size; i < len(r) && same; i++ {
			same = r[i] == r[i-size]
		}
		if same {
			return true
		}
	}
	return false
}

// unleet undoes the spellings that guessing programs try first.
func unleet(s string) string {
	return strings.NewReplacer("@", "a", "4", "a", "0", "o", "1", "l", "!", "l", "3", "e", "$", "s", "5", "s", "7", "t").Replace(s)
}

// madeOfWeak says whether s is nothing but words of the list, one behind the
// other.
func madeOfWeak(s string) bool {
	if s == "" {
		return false
	}
	ends := make([]bool, len(s)+1)
	ends[0] = true
	for at := range s {
		if !ends[at] {
			continue
		}
		for word := range strings.FieldsSeq(weakWords) {
			if strings.HasPrefix(s[at:], word) {
				ends[at+len(word)] = true
			}
		}
	}
	return ends[len(s)]
}
