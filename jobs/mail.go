package jobs

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"mingbai/office"
)

// MailOptions says by which server mail goes out.
type MailOptions struct {
	Server   string // host:port
	User     string // "": without signing in
	Password string
	From     string
	TLS      string // tls (port 465), starttls (587), none (this machine and private addresses only)
	Now      func() time.Time
	roots    *tls.Config // of tests
}

// Mailer sends mail to staff.
type Mailer struct {
	o    MailOptions
	host string
	opts []mail.Option
}

// NewMailer checks the options. Passwords and mail go in the clear to private
// addresses only.
func NewMailer(o MailOptions) (*Mailer, error) {
	host, text, err := net.SplitHostPort(o.Server)
	port, err2 := strconv.Atoi(text)
	if err != nil || err2 != nil || host == "" {
		return nil, errors.New("mail: the server should read host:port")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	opts := []mail.Option{mail.WithPort(port), mail.WithTimeout(15 * time.Second), mail.WithHELO("mingbai.local")}
	switch o.TLS {
	case "tls":
		opts = append(opts, mail.WithSSL())
	case "starttls":
		opts = append(opts, mail.WithTLSPolicy(mail.TLSMandatory))
	case "none":
		if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.IsLoopback() && !a.IsPrivate()) {
			return nil, errors.New("mail: without TLS only to this machine or a private address")
		}
		opts = append(opts, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("mail: %q is none of tls, starttls, none", o.TLS)
	}
	if o.roots != nil {
		opts = append(opts, mail.WithTLSConfig(o.roots))
	}
	if o.User != "" {
		opts = append(opts, mail.WithUsername(o.User), mail.WithPassword(o.Password), mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover))
		if o.TLS == "none" {
			opts = append(opts, mail.WithSMTPAuth(mail.SMTPAuthPlainNoEnc))
		}
	}
	m := &Mailer{o: o, host: host, opts: opts}
	_, err = m.message(office.Relay{Target: o.From})
	return m, err
}

// Way is office.Mail.
func (m *Mailer) Way() string { return office.Mail }

// message words a relay as mail. Its id is the notice's, so that who gets it
// twice sees it is the same.
func (m *Mailer) message(r office.Relay) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.FromFormat("明白", m.o.From); err != nil {
		return nil, errors.New("mail: the sender's address cannot be used")
	}
	if err := msg.To(r.Target); err != nil {
		return nil, &refusal{"mail: the address cannot be used", true, 0}
	}
	subject := "【明白】工作提醒"
	if r.Case != "" {
		subject = "【明白】" + r.Case
	}
	msg.Subject(subject)
	msg.SetMessageIDWithValue(fmt.Sprintf("notice-%d@mingbai.local", r.Notice))
	msg.SetDateWithValue(m.o.Now())
	msg.SetBodyString(mail.TypeTextPlain, r.Text()+"\n\n这封信由程序发出，请不要回复。\n")
	return msg, nil
}

// Relay sends one mail.
func (m *Mailer) Relay(ctx context.Context, r office.Relay) error {
	msg, err := m.message(r)
	if err != nil {
		return err
	}
	c, err := mail.NewClient(m.host, m.opts...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	err = c.DialAndSendWithContext(ctx, msg)
	var refused *mail.SendError
	if errors.As(err, &refused) {
		return &refusal{fmt.Sprintf("mail: %s, code %d", refused.Reason, refused.ErrorCode()), !refused.IsTemp() && refused.ErrorCode() >= 500, 0}
	}
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}
