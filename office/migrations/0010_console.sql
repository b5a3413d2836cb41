-- Who may sign in to the console. password is an argon2id hash, '' when only
-- another system may vouch for the person; totp is the base32 secret, '' when
-- there is none, and totp_new one that was shown and not confirmed yet.
CREATE TABLE console_accounts (
	person       BIGINT  PRIMARY KEY REFERENCES people (id),
	login        TEXT    NOT NULL UNIQUE,
	subject      TEXT    NOT NULL, -- what another system calls the person, '' if none does
	password     TEXT    NOT NULL,
	password_set BIGINT  NOT NULL,
	must_change  INTEGER NOT NULL, -- somebody else knows the password
	totp         TEXT    NOT NULL,
	totp_new     TEXT    NOT NULL,
	totp_step    BIGINT  NOT NULL, -- of the last code that was used
	created      BIGINT  NOT NULL
);
CREATE INDEX console_accounts_subject ON console_accounts (subject);

-- Codes for who lost the phone, each good once; only keyed hashes are kept.
CREATE TABLE console_codes (
	person BIGINT NOT NULL REFERENCES people (id),
	hash   TEXT   NOT NULL,
	used   BIGINT NOT NULL, -- 0: not yet
	PRIMARY KEY (person, hash)
);

-- Browsers that are signed in; only a hash of the cookie's value is kept.
CREATE TABLE console_sessions (
	id      {{serial}},
	hash    TEXT   NOT NULL UNIQUE,
	person  BIGINT NOT NULL REFERENCES people (id),
	device  TEXT   NOT NULL,
	flash   TEXT   NOT NULL, -- what the next page says
	created BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	proved  BIGINT NOT NULL  -- when the password or a code was last given
);
CREATE INDEX console_sessions_person ON console_sessions (person);

-- Sign-ins under way and failed ones of the last hour, by keyed hashes.
CREATE TABLE console_tries (
	id      {{serial}},
	login   TEXT   NOT NULL,
	address TEXT   NOT NULL,
	at      BIGINT NOT NULL
);
CREATE INDEX console_tries_login ON console_tries (login, at);
CREATE INDEX console_tries_address ON console_tries (address, at);
