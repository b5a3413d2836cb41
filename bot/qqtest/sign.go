package qqtest

import (
	"crypto/ed25519"
	"encoding/hex"
	"strings"
)

// signingKey is the key both sides derive from a bot's secret: the secret,
// doubled until it has 32 bytes, cut to 32 (webhook page, sign).
func signingKey(secret string) ed25519.PrivateKey {
	seed := secret
	for len(seed) < ed25519.SeedSize {
		seed = strings.Repeat(seed, 2)
	}
	return ed25519.NewKeyFromSeed([]byte(seed[:ed25519.SeedSize]))
}

// sign is the hexadecimal signature over timestamp and body.
func sign(secret, timestamp string, body []byte) string {
	return hex.EncodeToString(ed25519.Sign(signingKey(secret), append([]byte(timestamp), body...)))
}

// verify reports whether sig is that signature.
func verify(secret, timestamp string, body []byte, sig string) bool {
	raw, err := hex.DecodeString(sig)
	if err != nil || len(raw) != ed25519.SignatureSize {
		return false
	}
	public, isKey := signingKey(secret).Public().(ed25519.PublicKey)
	return isKey && ed25519.Verify(public, append([]byte(timestamp), body...), raw)
}
