-- Messages taken and what became of them. state: 0 taken, 1 answered (reply is
-- kept until it is sent), 2 done, 3 given up. Times are Unix milliseconds.
CREATE TABLE inbox (
	seq     {{serial}},
	channel TEXT NOT NULL,
	chat    TEXT NOT NULL,
	id      TEXT NOT NULL,
	sender  TEXT NOT NULL,
	text    TEXT NOT NULL,
	said    BIGINT NOT NULL,
	taken   BIGINT NOT NULL,
	state   SMALLINT NOT NULL DEFAULT 0,
	owner   TEXT NOT NULL,
	lease   BIGINT NOT NULL,
	claims  INTEGER NOT NULL DEFAULT 0,
	tries   INTEGER NOT NULL DEFAULT 0,
	reply   TEXT NOT NULL DEFAULT '',
	session TEXT NOT NULL DEFAULT '',
	fault   TEXT NOT NULL DEFAULT '',
	UNIQUE (chat, id)
);
CREATE INDEX inbox_open ON inbox (chat, seq) WHERE state < 2;
CREATE INDEX inbox_taken ON inbox (taken);

CREATE TABLE sessions (
	key     TEXT PRIMARY KEY,
	version BIGINT NOT NULL,
	body    TEXT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

-- Conversations of the web page; last is the number of the newest event.
CREATE TABLE conversations (
	chat    TEXT PRIMARY KEY,
	created BIGINT NOT NULL,
	seen    BIGINT NOT NULL,
	last    BIGINT NOT NULL
);
CREATE INDEX conversations_seen ON conversations (seen);

CREATE TABLE events (
	chat TEXT NOT NULL REFERENCES conversations (chat) ON DELETE CASCADE,
	seq  BIGINT NOT NULL,
	kind TEXT NOT NULL,
	ref  TEXT NOT NULL,
	body TEXT NOT NULL,
	at   BIGINT NOT NULL,
	PRIMARY KEY (chat, seq),
	UNIQUE (chat, kind, ref)
);
