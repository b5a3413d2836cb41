-- One row an answered question, never the words. person and session are keyed
-- hashes, so that persons, sessions and questions can be counted apart without
-- saying who. at is in Unix seconds.
CREATE TABLE consults (
	id      TEXT    PRIMARY KEY,
	at      BIGINT  NOT NULL,
	person  TEXT    NOT NULL,
	session TEXT    NOT NULL,
	channel TEXT    NOT NULL,
	kind    TEXT    NOT NULL,
	topic   TEXT    NOT NULL,
	entry   TEXT    NOT NULL,
	area    TEXT    NOT NULL,
	answered_by TEXT NOT NULL,
	useful  INTEGER,           -- 1 useful, 0 not, NULL not rated
	reason  TEXT    NOT NULL DEFAULT '',
	rated   BIGINT
);
CREATE INDEX consults_at ON consults (at);

-- Topics an officer has switched off, with the text that is shown instead.
CREATE TABLE topics_off (
	topic   TEXT   PRIMARY KEY,
	why     TEXT   NOT NULL,
	by_whom TEXT   NOT NULL,
	at      BIGINT NOT NULL
);

-- What is particular to this county, as one JSON text a version.
CREATE TABLE county (
	version INTEGER PRIMARY KEY,
	at      BIGINT  NOT NULL,
	by_whom TEXT    NOT NULL,
	body    TEXT    NOT NULL
);
