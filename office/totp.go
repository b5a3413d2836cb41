package office

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238's default, which all apps know
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Codes of RFC 6238 as every authenticator app makes them.
const (
	totpStep   = 30 // seconds
	totpDigits = 6
	totpSkew   = 1 // steps before and after now that a phone's clock may be off
	totpSecret = 20
)

var totpBase = base32.StdEncoding.WithPadding(base32.NoPadding)

func newTOTP() string {
	b := make([]byte, totpSecret)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return totpBase.EncodeToString(b)
}

// totpCode gives the code of one step: HOTP (RFC 4226) of the step's number.
func totpCode(secret string, step int64) (string, error) {
	key, err := totpBase.DecodeString(secret)
	if err != nil {
		return "", fmt.Errorf("read a code's secret: %w", err)
	}
	var m [8]byte
	binary.BigEndian.PutUint64(m[:], uint64(step))
	h := hmac.New(sha1.New, key)
	h.Write(m[:])
	sum := h.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[len(sum)-1]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000), nil
}

// totpMatch gives the step whose code was typed; 0 if none of those around now
// has it.
func totpMatch(secret, typed string, now time.Time) (int64, error) {
	typed = CleanCode(typed)
	if len(typed) != totpDigits {
		return 0, nil
	}
	found := int64(0)
	for step := now.Unix()/totpStep - totpSkew; step <= now.Unix()/totpStep+totpSkew; step++ {
		code, err := totpCode(secret, step)
		if err != nil {
			return 0, err
		}
		if hmac.Equal([]byte(code), []byte(typed)) {
			found = step
		}
	}
	return found, nil
}

// TOTPAddress is what an authenticator app reads from a QR code.
func TOTPAddress(login, secret string) string {
	v := url.Values{"secret": {secret}, "issuer": {"明白"}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
	return "otpauth://totp/" + url.PathEscape("明白:"+login) + "?" + strings.ReplaceAll(v.Encode(), "+", "%20")
}
