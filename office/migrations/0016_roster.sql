-- Whose turn it is to advise a village or township. place: lower goes first.
-- days: ISO weekdays ("135"), '' every day. since and until: first and last day,
-- off_since and off_until: leave; all "2026-11-22", '' open.
CREATE TABLE rosters (
	id        {{serial}},
	org       BIGINT  NOT NULL REFERENCES orgs (id),
	person    BIGINT  NOT NULL REFERENCES people (id),
	place     INTEGER NOT NULL,
	days      TEXT    NOT NULL,
	since     TEXT    NOT NULL,
	until     TEXT    NOT NULL,
	off_since TEXT    NOT NULL,
	off_until TEXT    NOT NULL,
	UNIQUE (org, person)
);

-- Cases that were handed to whoever was on duty. due: when they must have begun;
-- answered: when they did; passed: when it went on to the next. Unix seconds.
CREATE TABLE turns (
	id       {{serial}},
	case_id  BIGINT NOT NULL REFERENCES cases (id),
	person   BIGINT NOT NULL REFERENCES people (id),
	asked    BIGINT NOT NULL,
	due      BIGINT NOT NULL,
	answered BIGINT NOT NULL,
	passed   BIGINT NOT NULL
);
CREATE INDEX turns_case ON turns (case_id);
CREATE INDEX turns_open ON turns (due) WHERE answered = 0 AND passed = 0;

-- What helpers and advisers did, for their ledgers. day: "2026-11-22".
CREATE TABLE deeds (
	id      {{serial}},
	person  BIGINT  NOT NULL REFERENCES people (id),
	day     TEXT    NOT NULL,
	kind    TEXT    NOT NULL,
	people  INTEGER NOT NULL, -- whom it reached
	minutes INTEGER NOT NULL,
	note    TEXT    NOT NULL,
	once    TEXT    NOT NULL UNIQUE
);
CREATE INDEX deeds_person ON deeds (person, day);

-- Weekly lessons taken: the best result of each person.
CREATE TABLE lessons (
	week   TEXT    NOT NULL, -- "2026-W48"
	person BIGINT  NOT NULL REFERENCES people (id),
	good   INTEGER NOT NULL, -- right answers
	asked  INTEGER NOT NULL,
	at     BIGINT  NOT NULL,
	PRIMARY KEY (week, person)
);

-- Work orders of other systems and the cases they became.
CREATE TABLE tickets (
	no       TEXT   PRIMARY KEY,
	case_id  BIGINT NOT NULL REFERENCES cases (id),
	received BIGINT NOT NULL, -- there
	due      BIGINT NOT NULL, -- answer, as the other system says; 0: as ours
	at       BIGINT NOT NULL  -- imported
);
CREATE INDEX tickets_case ON tickets (case_id);
