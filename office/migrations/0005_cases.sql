-- Cases. Times are Unix seconds, 0 when there is none.
CREATE TABLE case_numbers (
	org  BIGINT  NOT NULL,
	year INTEGER NOT NULL,
	last BIGINT  NOT NULL,
	PRIMARY KEY (org, year)
);
CREATE TABLE cases (
	id         {{serial}},
	no         TEXT    NOT NULL UNIQUE,
	request    TEXT    NOT NULL UNIQUE, -- who asked for it with which message: the same is never opened twice
	version    BIGINT  NOT NULL,
	org        BIGINT  NOT NULL REFERENCES orgs (id),
	path       TEXT    NOT NULL, -- of org
	matter     TEXT    NOT NULL,
	state      TEXT    NOT NULL,
	urgency    INTEGER NOT NULL,
	via        TEXT    NOT NULL, -- resident, helper, grid, desk
	account    TEXT    NOT NULL, -- the applicant's address, '' if none
	filer      BIGINT  NOT NULL, -- 0: the applicant
	holder     BIGINT  NOT NULL, -- 0: nobody yet
	name       TEXT    NOT NULL,
	phone      TEXT    NOT NULL,
	place      TEXT    NOT NULL,
	parties    TEXT    NOT NULL,
	story      TEXT    NOT NULL,
	wish       TEXT    NOT NULL,
	restricted INTEGER NOT NULL, -- minors, violence: notices say nothing
	shared     INTEGER NOT NULL, -- the filer may read the answer
	opened     BIGINT  NOT NULL,
	due        BIGINT  NOT NULL, -- of the step that is waited for
	promised   BIGINT  NOT NULL, -- of the answer
	answered   BIGINT  NOT NULL, -- first answer
	closed     BIGINT  NOT NULL,
	answer     TEXT    NOT NULL,
	approver   TEXT    NOT NULL, -- who approved the answer
	drafter    TEXT    NOT NULL, -- model that drafted it, '' if none
	taken      BIGINT  NOT NULL, -- when the applicant got the answer
	pickup     TEXT    NOT NULL UNIQUE, -- keyed hash of the pick-up code
	same       TEXT    NOT NULL, -- keyed hash that repeats share
	into_case  BIGINT  NOT NULL  -- 0, or the case it was merged into
);
CREATE INDEX cases_queue ON cases (state, urgency, due);
CREATE INDEX cases_path ON cases (path, opened);
CREATE INDEX cases_account ON cases (account);
CREATE INDEX cases_holder ON cases (holder, state);
CREATE INDEX cases_filer ON cases (filer);
CREATE INDEX cases_same ON cases (same);

CREATE TABLE case_events (
	id        {{serial}},
	case_id   BIGINT NOT NULL REFERENCES cases (id),
	request   TEXT   NOT NULL UNIQUE,
	at        BIGINT NOT NULL,
	person    BIGINT NOT NULL,
	actor     TEXT   NOT NULL,
	verb      TEXT   NOT NULL,
	was       TEXT   NOT NULL,
	state     TEXT   NOT NULL,
	note      TEXT   NOT NULL
);
CREATE INDEX case_events_case ON case_events (case_id);

-- Messages that wait for their readers: an address, or a person at any of theirs.
CREATE TABLE notices (
	id       {{serial}},
	case_id  BIGINT  NOT NULL REFERENCES cases (id),
	kind     TEXT    NOT NULL,
	once     TEXT    NOT NULL UNIQUE, -- so that no reminder is made twice
	account  TEXT    NOT NULL,
	person   BIGINT  NOT NULL,
	body     TEXT    NOT NULL,
	created  BIGINT  NOT NULL,
	claimed  BIGINT  NOT NULL, -- until when somebody is sending it
	sent     BIGINT  NOT NULL,
	shown_in TEXT    NOT NULL, -- message in whose reply it was shown
	taken    BIGINT  NOT NULL
);
CREATE INDEX notices_account ON notices (account, sent);
CREATE INDEX notices_person ON notices (person, sent);
CREATE INDEX notices_case ON notices (case_id);

-- Codes with which a resident lets somebody hand in a case for them.
CREATE TABLE consents (
	hash    TEXT   PRIMARY KEY,
	account TEXT   NOT NULL,
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL -- 0, or the case
);

CREATE TABLE ratings (
	case_id BIGINT  PRIMARY KEY REFERENCES cases (id),
	at      BIGINT  NOT NULL,
	score   INTEGER NOT NULL,
	reason  TEXT    NOT NULL
);

-- Who read which case.
CREATE TABLE case_reads (
	id      {{serial}},
	case_id BIGINT NOT NULL REFERENCES cases (id),
	at      BIGINT NOT NULL,
	person  BIGINT NOT NULL,
	actor   TEXT   NOT NULL
);
CREATE INDEX case_reads_case ON case_reads (case_id);

-- Disputes of one place or of the same parties that come again.
CREATE TABLE alerts (
	id      {{serial}},
	mark    TEXT    NOT NULL UNIQUE, -- keyed hash of the place or the parties, and the quarter
	kind    TEXT    NOT NULL, -- place or parties
	org     BIGINT  NOT NULL,
	path    TEXT    NOT NULL,
	n       INTEGER NOT NULL,
	hot     INTEGER NOT NULL, -- escalating words were used
	raised  BIGINT  NOT NULL, -- when people were told; 0: not yet
	seen    BIGINT  NOT NULL  -- when somebody took note
);
CREATE TABLE alert_cases (
	alert   BIGINT NOT NULL REFERENCES alerts (id),
	case_id BIGINT NOT NULL REFERENCES cases (id),
	PRIMARY KEY (alert, case_id)
);
