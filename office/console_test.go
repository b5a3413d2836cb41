package office

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// guard is somebody with an account, and a clock that the test moves.
type guard struct {
	*DB
	t      *testing.T
	person Person
	clock  time.Time
}

const guardPassword = "xigua qiaoliang 42"

// newGuard makes an administrator who has set their own password.
func newGuard(t *testing.T, db *DB) *guard {
	t.Helper()
	g := &guard{DB: db, t: t, clock: db.now()}
	db.now = func() time.Time { return g.clock }
	db.hasher.memory, db.hasher.rounds = 64, 1 // the cost is not what is tested
	place(t, db)
	p, first, err := db.AddAdmin(t.Context(), "test", "Chen", Person{Name: "陈主任"})
	if err != nil {
		t.Fatal(err)
	}
	g.person = p
	s := g.session(g.must(SignIn{Login: " ｃHEN", Password: first}))
	if !s.MustChange || !s.Person.Has(Admin) || s.Person.Account != "" {
		t.Fatalf("got %+v", s)
	}
	if _, err := db.ChangeConsolePassword(t.Context(), s, first, guardPassword); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guard) later(d time.Duration) { g.clock = g.clock.Add(d) }

// try signs in from an address of the account's own.
func (g *guard) signIn(in SignIn) (string, error) {
	if in.Login == "" {
		in.Login = "chen"
	}
	if in.Password == "" {
		in.Password = guardPassword
	}
	if in.Address == "" {
		in.Address = "home"
	}
	return g.SignIn(g.t.Context(), in)
}

func (g *guard) must(in SignIn) string {
	g.t.Helper()
	token, err := g.signIn(in)
	if err != nil {
		g.t.Fatal(err)
	}
	return token
}

func (g *guard) session(token string) ConsoleSession {
	g.t.Helper()
	s, err := g.ConsoleSession(g.t.Context(), token)
	if err != nil {
		g.t.Fatal(err)
	}
	return s
}

// gone says that a token opens nothing any more.
func (g *guard) gone(why, token string) {
	g.t.Helper()
	if s, err := g.ConsoleSession(g.t.Context(), token); KindOf(err) != NotFound {
		g.t.Errorf("%s: got session %d, %v", why, s.ID, err)
	}
}

// code is what the phone shows now.
func (g *guard) code() string {
	g.t.Helper()
	a, err := g.ConsoleAccount(g.t.Context(), g.person.ID)
	if err != nil {
		g.t.Fatal(err)
	}
	secret := a.totp
	if secret == "" {
		secret = a.pending
	}
	c, err := totpCode(secret, g.clock.Unix()/totpStep)
	if err != nil {
		g.t.Fatal(err)
	}
	return c
}

// phone turns codes on and gives the recovery codes.
func (g *guard) phone() []string {
	g.t.Helper()
	s := g.session(g.must(SignIn{}))
	if _, err := g.StartTOTP(g.t.Context(), s); err != nil {
		g.t.Fatal(err)
	}
	codes, err := g.ConfirmTOTP(g.t.Context(), s, g.code())
	if err != nil || len(codes) != recoveryCodes {
		g.t.Fatal(codes, err)
	}
	return codes
}

func TestSignIn_FailuresCountPerAccountAndAddress(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		g := newGuard(t, db)
		other, err := db.AddConsoleAccount(t.Context(), "test", hire(t, db, "李经办", Clerk, Org{ID: 1}).ID, "李经办")
		if err != nil {
			t.Fatal(err)
		}
		for i := range triesMinute {
			if _, err := g.signIn(SignIn{Password: "falsch", Address: fmt.Sprint("far", i)}); KindOf(err) != Invalid {
				t.Fatalf("a wrong password: %v", err)
			}
		}
		if _, err := g.signIn(SignIn{Address: "elsewhere"}); KindOf(err) != Forbidden {
			t.Errorf("the right password after %d wrong ones: %v", triesMinute, err)
		}
		g.must(SignIn{Login: "李经办", Password: other}) // the limit is the account's, not everybody's
		g.later(time.Minute)
		g.must(SignIn{})
		for i := range triesMinute {
			_, _ = g.signIn(SignIn{Login: fmt.Sprint("nobody", i), Address: "cafe"})
		}
		if _, err := g.signIn(SignIn{Address: "cafe"}); KindOf(err) != Forbidden {
			t.Errorf("from an address with %d wrong ones: %v", triesMinute, err)
		}
		g.must(SignIn{Address: "home"})
	})
}

func TestSignIn_AnHourOfGuessesIsBounded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		g, guesses := newGuard(t, db), 0
		for range 20 { // minutes
			for i := range triesMinute {
				if _, err := g.signIn(SignIn{Password: "falsch", Address: fmt.Sprint(i)}); KindOf(err) == Invalid {
					guesses++
				}
			}
			g.later(time.Minute)
		}
		if guesses != triesHour {
			t.Errorf("%d guesses in 20 minutes, want %d", guesses, triesHour)
		}
		g.later(time.Hour)
		g.must(SignIn{})
	})
}

// Many at once are not more than the limit, and the right one among them opens
// at most one session.
func TestSignIn_ParallelGuesses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		g := newGuard(t, db)
		var wg sync.WaitGroup
		var mu sync.Mutex
		compared := 0
		for i := range 4 * triesMinute {
			wg.Go(func() {
				_, err := db.SignIn(context.WithoutCancel(t.Context()), SignIn{Login: "chen", Password: "falsch", Address: fmt.Sprint(i)})
				mu.Lock()
				defer mu.Unlock()
				if KindOf(err) == Invalid {
					compared++
				}
			})
		}
		wg.Wait()
		if compared > triesMinute {
			t.Errorf("%d guesses compared, want at most %d", compared, triesMinute)
		}
		if _, err := g.signIn(SignIn{}); KindOf(err) != Forbidden {
			t.Errorf("got %v", err)
		}
	})
}

func TestSignIn_CodesAreUsedOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		g := newGuard(t, db)
		recovery := g.phone()
		refused := func(why string, in SignIn) {
			t.Helper()
			if _, err := g.signIn(in); KindOf(err) != Invalid {
				t.Errorf("%s: got %v", why, err)
			}
			g.later(20 * time.Second) // within the window of a code, but not five in a minute
		}
		refused("no code", SignIn{})
		refused("another's code", SignIn{Code: "000000"})
		code := g.code()
		g.must(SignIn{Code: code[:3] + " " + code[3:]})
		refused("the code again", SignIn{Code: code})
		refused("the code again, padded", SignIn{Code: "  " + code + " "})
		g.later(time.Minute)
		code = g.code()
		refused("a wrong password with the right code", SignIn{Password: "falsch", Code: code})
		refused("the code of the failed sign-in", SignIn{Code: code})
		g.later(time.Minute)
		g.later(-2 * totpStep * time.Second)
		old := g.code()
		g.later(2 * totpStep * time.Second)
		refused("a code of a minute ago", SignIn{Code: old})
		g.later(time.Minute)
		code = g.code()
		g.later(totpStep * time.Second)
		newer := g.code()
		g.must(SignIn{Code: newer})
		refused("an older code than the last used", SignIn{Code: code})
		g.later(time.Minute)
		refused("a recovery code with a wrong password", SignIn{Password: "falsch", Code: recovery[0]})
		g.must(SignIn{Code: strings.ToLower(recovery[0])})
		refused("the recovery code again", SignIn{Code: recovery[0]})
		a, err := db.ConsoleAccount(t.Context(), g.person.ID)
		if err != nil || a.Codes != recoveryCodes-1 {
			t.Errorf("got %+v, %v", a, err)
		}
		if n, err := db.VerifyAudit(t.Context()); err != nil || n == 0 {
			t.Errorf("audit: %d, %v", n, err)
		}
	})
}

func TestSessions_End(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		g, ctx := newGuard(t, db), t.Context()
		var kept int
		token := g.must(SignIn{Device: "安卓 Chrome"})
		if err := db.read.QueryRow(`SELECT COUNT(*) FROM console_sessions WHERE hash = $1`, token).Scan(&kept); err != nil || kept != 0 {
			t.Errorf("the token stands in the records: %d, %v", kept, err)
		}
		g.gone("another's token", token[1:]+token[:1])
		g.gone("no token", "")
		for range 3 {
			g.later(ConsoleIdle - time.Second)
			g.session(token)
		}
		g.later(ConsoleIdle + time.Second)
		g.gone("idle", token)

		token = g.must(SignIn{})
		for at := time.Duration(0); at < ConsoleLife-20*time.Minute; at += 20 * time.Minute {
			g.later(20 * time.Minute)
			g.session(token)
		}
		g.later(20*time.Minute + time.Second)
		g.gone("after its life", token)

		one, two := g.must(SignIn{}), g.must(SignIn{})
		fresh, err := db.ChangeConsolePassword(ctx, g.session(one), guardPassword, "lamei shanding 7 deng")
		if err != nil {
			t.Fatal(err)
		}
		g.gone("after a change of password", one)
		g.gone("another browser after a change of password", two)
		g.session(fresh)
		if _, err := g.signIn(SignIn{}); KindOf(err) != Invalid {
			t.Errorf("the old password: %v", err)
		}
		if err := db.EndConsoleSession(ctx, Person{ID: g.person.ID + 1}, g.session(fresh).ID); KindOf(err) != NotFound {
			t.Errorf("somebody else's session: %v", err)
		}
		if err := db.EndConsoleSession(ctx, g.person, g.session(fresh).ID); err != nil {
			t.Fatal(err)
		}
		g.gone("after signing out", fresh)

		token = g.must(SignIn{Password: "lamei shanding 7 deng"})
		if err := db.Suspend(ctx, "test", g.person.ID, true); err != nil {
			t.Fatal(err)
		}
		g.gone("suspended", token)
		if _, err := g.signIn(SignIn{Password: "lamei shanding 7 deng"}); KindOf(err) != Invalid {
			t.Errorf("suspended: %v", err)
		}
		if err := db.Suspend(ctx, "test", g.person.ID, false); err != nil {
			t.Fatal(err)
		}
		g.gone("suspended and back", token)

		token = g.must(SignIn{Password: "lamei shanding 7 deng"})
		first, err := db.ResetConsolePassword(ctx, "test", g.person.ID, false)
		if err != nil {
			t.Fatal(err)
		}
		g.gone("after a reset", token)
		g.later(firstPasswordLife + time.Second)
		if _, err := g.signIn(SignIn{Password: first}); KindOf(err) != Invalid {
			t.Errorf("a first password after a week: %v", err)
		}
	})
}

func TestProve(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, db *DB) {
		g, ctx := newGuard(t, db), t.Context()
		g.phone()
		g.later(time.Minute)
		token := g.must(SignIn{Code: g.code()})
		if !g.session(token).Fresh(g.clock) {
			t.Error("not fresh after signing in")
		}
		g.later(ProvedFor)
		s := g.session(token)
		if s.Fresh(g.clock) {
			t.Error("still fresh")
		}
		if err := db.Prove(ctx, s, "falsch"); KindOf(err) != Invalid || g.session(token).Fresh(g.clock) {
			t.Errorf("a wrong password: %v", err)
		}
		code := g.code()
		if err := db.Prove(ctx, s, code); err != nil || !g.session(token).Fresh(g.clock) {
			t.Errorf("a code: %v", err)
		}
		if err := db.Prove(ctx, s, code); KindOf(err) != Invalid {
			t.Errorf("the code again: %v", err)
		}
		g.later(ProvedFor)
		if err := db.Prove(ctx, s, guardPassword); err != nil || !g.session(token).Fresh(g.clock) {
			t.Errorf("the password: %v", err)
		}
		for range triesMinute {
			_ = db.Prove(ctx, s, "falsch")
		}
		if err := db.Prove(ctx, s, guardPassword); KindOf(err) != Forbidden {
			t.Errorf("after many wrong ones: %v", err)
		}
	})
}

// The codes of RFC 6238, appendix B (SHA1), cut to six digits.
func TestTOTP(t *testing.T) {
	t.Parallel()
	secret := totpBase.EncodeToString([]byte("12345678901234567890"))
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got, err := totpCode(secret, at/totpStep); err != nil || got != want {
			t.Errorf("at %d: got %s, %v, want %s", at, got, err, want)
		}
	}
	if got, want := TOTPAddress("陈 a", "ABC"), "otpauth://totp/"; !strings.HasPrefix(got, want) || strings.ContainsAny(got, " +") {
		t.Errorf("got %s", got)
	}
}

func TestCheckPassword(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "short1!", "1234567890", "13800000000", "19900101199001", "password123", "P@ssw0rd2026!", "woaini1314520", "WoAiNi-5201314", "qwertyuiop", "1qaz2wsx3edc",
		"aaaaaaaaaaaa", "abcabcabcabc", "adminadmin2026", "chen-2026-xyz", "陈主任的密码一二三四", "mingbai2026!!", "zhongguo-jiayou", strings.Repeat("长", maxPassword+1), "tab\tinside1234", "司法所123456789"} {
		if err := checkPassword(bad, "chen", "陈主任"); KindOf(err) != Invalid {
			t.Errorf("%q passes: %v", bad, err)
		}
	}
	for _, good := range []string{guardPassword, "lamei shanding 7 deng", "四个不相干的词连起来5", "k7#Rv2!qLp9z", strings.Repeat("雪山竹马", 8) + "7"} {
		if err := checkPassword(good, "chen", "陈主任"); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

// However many sign in, only so many hash at a time, and who cannot wait hears so.
func TestHasher_IsCapped(t *testing.T) {
	t.Parallel()
	h := newHasher()
	var leave []func()
	for range cap(h.slots) {
		l, err := h.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.same(ctx, "x", ""); KindOf(err) != Conflict {
		t.Errorf("with all slots taken: %v", err)
	}
	leave[0]()
	if same, err := h.same(t.Context(), "x", ""); err != nil || same {
		t.Errorf("with a free slot: %v, %v", same, err)
	}
	hash, err := h.hash(t.Context(), "x")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("got %s, %v", hash, err)
	}
	if same, err := h.same(t.Context(), "x", hash); err != nil || !same {
		t.Errorf("got %v, %v", same, err)
	}
}
