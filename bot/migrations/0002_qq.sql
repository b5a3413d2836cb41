-- What a reply on QQ may be hung on: messages and events. ref is what the
-- platform knows it by, at when it was said there, next the next msg_seq, used
-- how many replies it has had, dead that the platform refused it.
CREATE TABLE qq_anchors (
	chat  TEXT NOT NULL,
	id    TEXT NOT NULL,
	event SMALLINT NOT NULL,
	ref   TEXT NOT NULL,
	at    BIGINT NOT NULL,
	next  INTEGER NOT NULL DEFAULT 1,
	used  INTEGER NOT NULL DEFAULT 0,
	dead  SMALLINT NOT NULL DEFAULT 0,
	PRIMARY KEY (chat, id)
);
CREATE INDEX qq_anchors_newest ON qq_anchors (chat, at);
CREATE INDEX qq_anchors_at ON qq_anchors (at);

-- Messages to be sent and what became of them; ref is the message answered, or
-- "~" and something random. body is kept until the part is settled, hash for
-- good. way: 0 none yet, 1 hung on anchor with seq, 2 recall, 3 unasked. doubt:
-- there was a call, or may have been one, of which nobody knows the result.
-- state: 0 planned, 1 sent, 2 nobody knows, 3 refused with code, 4 held, 5 the
-- platform's people look at it.
CREATE TABLE qq_parts (
	chat   TEXT NOT NULL,
	ref    TEXT NOT NULL,
	part   INTEGER NOT NULL,
	body   TEXT NOT NULL,
	hash   TEXT NOT NULL DEFAULT '',
	form   SMALLINT NOT NULL,
	way    SMALLINT NOT NULL DEFAULT 0,
	anchor TEXT NOT NULL DEFAULT '',
	seq    INTEGER NOT NULL DEFAULT 0,
	tries  INTEGER NOT NULL DEFAULT 0,
	doubt  SMALLINT NOT NULL DEFAULT 0,
	state  SMALLINT NOT NULL DEFAULT 0,
	code   INTEGER NOT NULL DEFAULT 0,
	sent   TEXT NOT NULL DEFAULT '',
	audit  TEXT NOT NULL DEFAULT '',
	at     BIGINT NOT NULL,
	PRIMARY KEY (chat, ref, part)
);
CREATE INDEX qq_parts_at ON qq_parts (at);
CREATE INDEX qq_parts_audit ON qq_parts (audit) WHERE audit <> '';

-- What the bot may do in a conversation. member: 1 friend or in the group, 0
-- gone. push: 0 nobody said, 1 on, 2 off. heard is when somebody last spoke
-- there, woken the recalls used since (one bit a period). code is the refusal
-- that closed it.
CREATE TABLE qq_targets (
	chat      TEXT PRIMARY KEY,
	member    SMALLINT NOT NULL DEFAULT 1,
	member_at BIGINT NOT NULL DEFAULT 0,
	push      SMALLINT NOT NULL DEFAULT 0,
	push_at   BIGINT NOT NULL DEFAULT 0,
	heard     BIGINT NOT NULL DEFAULT 0,
	woken     INTEGER NOT NULL DEFAULT 0,
	code      INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX qq_targets_push ON qq_targets (chat) WHERE push = 1;

-- Verdicts that came before it was known what they are about.
CREATE TABLE qq_verdicts (
	audit  TEXT PRIMARY KEY,
	passed SMALLINT NOT NULL,
	sent   TEXT NOT NULL,
	at     BIGINT NOT NULL
);

-- Replies that could not be brought, until they are fetched with the code or go
-- out at the person's next message. mode: 0 goes out by itself, 1 only its code
-- is told, 2 that was done. state: 0 waiting, 1 given to the message taken_by.
CREATE TABLE held (
	code     TEXT PRIMARY KEY,
	chat     TEXT NOT NULL,
	sender   TEXT NOT NULL,
	ref      TEXT NOT NULL,
	text     TEXT NOT NULL,
	mode     SMALLINT NOT NULL,
	state    SMALLINT NOT NULL DEFAULT 0,
	taken_by TEXT NOT NULL DEFAULT '',
	made     BIGINT NOT NULL,
	expires  BIGINT NOT NULL,
	UNIQUE (chat, ref)
);
CREATE INDEX held_waiting ON held (chat, sender, made);
CREATE INDEX held_expires ON held (expires);
