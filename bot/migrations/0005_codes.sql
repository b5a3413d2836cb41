-- One-time codes. kind: "door" leads from a group to a private chat about
-- something (about: words of ours), "bind" proves that a member of a group is
-- the person about. used is the message that used it up. Unix milliseconds.
CREATE TABLE codes (
	code    TEXT PRIMARY KEY,
	kind    TEXT NOT NULL,
	about   TEXT NOT NULL,
	used    TEXT NOT NULL DEFAULT '',
	expires BIGINT NOT NULL
);
CREATE INDEX codes_expires ON codes (expires);

-- Members of groups that proved to be a person. Nothing else joins the two.
CREATE TABLE members (
	member TEXT PRIMARY KEY,
	person TEXT NOT NULL,
	bound  BIGINT NOT NULL
);
CREATE INDEX members_person ON members (person);
