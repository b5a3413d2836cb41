package servers

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// OIDC is a system that people sign in with by OpenID Connect, for tests. It
// holds its clients to the rules: one redirect address, PKCE with S256, the
// client's secret, and a code that is good once. Nobody is asked for a password:
// whoever comes is Subject.
type OIDC struct {
	*httptest.Server
	ClientID, Secret, Back string
	// Subject is whom the next sign-in is for; Change, if set, may spoil the
	// claims of the token, and Sign its signature.
	Subject string
	Change  func(claims map[string]any)
	Sign    func(header, claims string) string

	key *rsa.PrivateKey
	mu  sync.Mutex
	ask map[string]url.Values // what was asked for, by code
}

// NewOIDC starts one. Set Back before it is used.
func NewOIDC(t testing.TB) *OIDC {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	o := &OIDC{ClientID: "mingbai", Secret: "a secret & more", key: key, ask: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", o.discover)
	mux.HandleFunc("GET /keys", o.keys)
	mux.HandleFunc("GET /auth", o.auth)
	mux.HandleFunc("POST /token", o.token)
	o.Server = httptest.NewServer(mux)
	o.URL = strings.Replace(o.URL, "127.0.0.1", "localhost", 1) // for browsers it is then another site than a server under test
	t.Cleanup(o.Close)
	return o
}

func (o *OIDC) discover(w http.ResponseWriter, _ *http.Request) {
	o.say(w, map[string]any{
		"issuer": o.URL, "authorization_endpoint": o.URL + "/auth", "token_endpoint": o.URL + "/token", "jwks_uri": o.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"RS256"}, "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
	})
}

func (o *OIDC) say(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone
}

func (o *OIDC) keys(w http.ResponseWriter, _ *http.Request) {
	b := base64.RawURLEncoding
	o.say(w, map[string]any{"keys": []any{map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
		"n": b.EncodeToString(o.key.N.Bytes()), "e": b.EncodeToString(big.NewInt(int64(o.key.E)).Bytes()),
	}}})
}

func (o *OIDC) auth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != o.ClientID || q.Get("redirect_uri") != o.Back || q.Get("response_type") != "code" ||
		q.Get("code_challenge_method") != "S256" || q.Get("state") == "" || !strings.Contains(q.Get("scope"), "openid") {
		http.Error(w, "refused: "+q.Encode(), http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	code := fmt.Sprint("code", len(o.ask))
	o.ask[code] = q
	o.mu.Unlock()
	http.Redirect(w, r, o.Back+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

func (o *OIDC) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if plain, err := url.QueryUnescape(secret); err == nil {
		secret = plain
	}
	o.mu.Lock()
	q := o.ask[r.PostFormValue("code")]
	o.ask[r.PostFormValue("code")] = nil
	o.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if q == nil || id != o.ClientID || secret != o.Secret || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || r.PostFormValue("redirect_uri") != o.Back {
		w.WriteHeader(http.StatusBadRequest)
		o.say(w, map[string]string{"error": "invalid_grant"})
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": o.URL, "aud": o.ClientID, "sub": o.Subject, "nonce": q.Get("nonce"), "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "auth_time": now.Unix()}
	if o.Change != nil {
		o.Change(claims)
	}
	o.say(w, map[string]any{"access_token": "x", "token_type": "Bearer", "expires_in": 60, "id_token": o.sign(claims)})
}

// sign makes a JWT (RFC 7519) signed with RS256.
func (o *OIDC) sign(claims map[string]any) string {
	text, _ := json.Marshal(claims) // strings and numbers only
	b := base64.RawURLEncoding
	header, body := b.EncodeToString([]byte(`{"alg":"RS256","kid":"1"}`)), b.EncodeToString(text)
	if o.Sign != nil {
		return o.Sign(header, body)
	}
	sum := sha256.Sum256([]byte(header + "." + body))
	signature, err := rsa.SignPKCS1v15(rand.Reader, o.key, crypto.SHA256, sum[:])
	if err != nil {
		return ""
	}
	return header + "." + body + "." + b.EncodeToString(signature)
}
