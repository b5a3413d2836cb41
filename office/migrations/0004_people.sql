-- Organisations, a tree. path holds the ids from the root ("/1/4/9/"), so that
-- a subtree is a prefix. short stands in case numbers ("城东").
CREATE TABLE orgs (
	id      {{serial}},
	parent  BIGINT NOT NULL, -- 0: the root
	kind    TEXT   NOT NULL,
	name    TEXT   NOT NULL,
	short   TEXT   NOT NULL,
	path    TEXT   NOT NULL,
	UNIQUE (parent, name)
);
CREATE INDEX orgs_path ON orgs (path);

-- People with a duty. fields, languages and conflicts are lists with ";" between.
CREATE TABLE people (
	id        {{serial}},
	name      TEXT   NOT NULL,
	phone     TEXT   NOT NULL,
	fields    TEXT   NOT NULL,
	languages TEXT   NOT NULL,
	conflicts TEXT   NOT NULL,
	suspended BIGINT NOT NULL, -- 0, or since when; Unix seconds
	created   BIGINT NOT NULL
);
CREATE TABLE posts (
	person BIGINT  NOT NULL REFERENCES people (id),
	role   TEXT    NOT NULL,
	org    BIGINT  NOT NULL REFERENCES orgs (id),
	PRIMARY KEY (person, role, org)
);
CREATE INDEX posts_org ON posts (org);

-- Chat addresses that belong to a person.
CREATE TABLE accounts (
	account TEXT   PRIMARY KEY,
	person  BIGINT NOT NULL REFERENCES people (id),
	bound   BIGINT NOT NULL
);
CREATE INDEX accounts_person ON accounts (person);

-- One-time codes: only a keyed hash of each is kept.
CREATE TABLE invites (
	hash    TEXT   PRIMARY KEY,
	person  BIGINT NOT NULL REFERENCES people (id),
	made_by TEXT   NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL -- 0: not yet
);

-- Wrong codes that somebody tried, so that nobody can try many.
CREATE TABLE attempts (
	who  TEXT   NOT NULL, -- keyed hash of an account
	what TEXT   NOT NULL,
	at   BIGINT NOT NULL
);
CREATE INDEX attempts_who ON attempts (who, what, at);

-- Who did what, chained: hash covers the row and the hash before it.
CREATE TABLE audit (
	seq    BIGINT PRIMARY KEY,
	at     BIGINT NOT NULL,
	actor  TEXT   NOT NULL,
	action TEXT   NOT NULL,
	object TEXT   NOT NULL,
	detail TEXT   NOT NULL,
	hash   TEXT   NOT NULL
);
CREATE INDEX audit_object ON audit (object);
CREATE TABLE audit_head (
	one  INTEGER PRIMARY KEY,
	seq  BIGINT  NOT NULL,
	hash TEXT    NOT NULL
);
INSERT INTO audit_head (one, seq, hash) VALUES (1, 0, '');
