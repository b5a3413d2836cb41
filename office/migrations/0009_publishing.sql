-- What the office publishes. Times are Unix seconds, 0 when there is none.
CREATE TABLE items (
	id        {{serial}},
	state     TEXT    NOT NULL,
	version   INTEGER NOT NULL, -- newest
	approved  INTEGER NOT NULL, -- newest version somebody approved, 0: none
	live      INTEGER NOT NULL, -- version that is published, 0: none
	author    BIGINT  NOT NULL, -- person who wrote the newest version
	submitter BIGINT  NOT NULL,
	approver  BIGINT  NOT NULL,
	path      TEXT    NOT NULL, -- of the author's organisation
	basis     TEXT    NOT NULL, -- JSON: what the approved version rests on, as it was then
	created   BIGINT  NOT NULL,
	changed   BIGINT  NOT NULL,
	published BIGINT  NOT NULL, -- first time
	withdrawn BIGINT  NOT NULL,
	why       TEXT    NOT NULL  -- of the withdrawal, shown to those who got it
);
CREATE INDEX items_state ON items (state, changed);
CREATE INDEX items_live ON items (live, published);

-- Versions are never changed. audience: ";" between.
CREATE TABLE item_versions (
	item     BIGINT  NOT NULL REFERENCES items (id),
	version  INTEGER NOT NULL,
	kind     TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	body     TEXT    NOT NULL,
	topic    TEXT    NOT NULL,
	entry    TEXT    NOT NULL, -- knowledge entry it was made from
	link     TEXT    NOT NULL,
	image    TEXT    NOT NULL, -- of item_images
	alt      TEXT    NOT NULL,
	audience TEXT    NOT NULL,
	model    TEXT    NOT NULL, -- that helped to write it, '' if none
	note     TEXT    NOT NULL, -- what was changed
	author   BIGINT  NOT NULL,
	by_name  TEXT    NOT NULL,
	at       BIGINT  NOT NULL,
	PRIMARY KEY (item, version)
);

CREATE TABLE item_images (
	sum    TEXT    PRIMARY KEY, -- SHA-256 of the file
	type   TEXT    NOT NULL,
	width  INTEGER NOT NULL,
	height INTEGER NOT NULL,
	data   TEXT    NOT NULL -- base64
);

CREATE TABLE item_events (
	id      {{serial}},
	item    BIGINT  NOT NULL REFERENCES items (id),
	at      BIGINT  NOT NULL,
	person  BIGINT  NOT NULL, -- 0: the program
	actor   TEXT    NOT NULL,
	verb    TEXT    NOT NULL,
	was     TEXT    NOT NULL,
	state   TEXT    NOT NULL,
	version INTEGER NOT NULL,
	note    TEXT    NOT NULL
);
CREATE INDEX item_events_item ON item_events (item);

-- When items are published.
CREATE TABLE plans (
	id       {{serial}},
	name     TEXT    NOT NULL,
	spec     TEXT    NOT NULL, -- as it was typed
	anchor   BIGINT  NOT NULL, -- what "tomorrow" and "every second week" count from
	sinks    TEXT    NOT NULL, -- ";" between
	pool     TEXT    NOT NULL, -- audience or topic from which items are taken, '' for those of plan_items only
	holiday  TEXT    NOT NULL, -- skip, next, anyway
	weekend  TEXT    NOT NULL,
	catchup  TEXT    NOT NULL, -- skip, once, late
	state    TEXT    NOT NULL, -- on, paused, done
	next     BIGINT  NOT NULL, -- 0: never again
	owner    BIGINT  NOT NULL,
	by_name  TEXT    NOT NULL,
	path     TEXT    NOT NULL,
	created  BIGINT  NOT NULL
);
CREATE INDEX plans_next ON plans (state, next);
CREATE TABLE plan_items (
	plan  BIGINT  NOT NULL REFERENCES plans (id),
	item  BIGINT  NOT NULL REFERENCES items (id),
	place INTEGER NOT NULL,
	PRIMARY KEY (plan, item)
);

-- One row a time that a plan came due: whoever writes it fires it.
CREATE TABLE slots (
	plan    BIGINT  NOT NULL REFERENCES plans (id),
	at      BIGINT  NOT NULL,
	state   TEXT    NOT NULL, -- fired, late, missed, blocked, empty
	item    BIGINT  NOT NULL, -- 0: none
	version INTEGER NOT NULL,
	fired   BIGINT  NOT NULL,
	note    TEXT    NOT NULL,
	PRIMARY KEY (plan, at)
);
CREATE INDEX slots_at ON slots (at);
CREATE INDEX slots_item ON slots (plan, item);
CREATE TABLE quiet_days (
	day     TEXT PRIMARY KEY, -- 2026-12-13
	why     TEXT NOT NULL,
	by_name TEXT NOT NULL
);

-- What went to whom.
CREATE TABLE deliveries (
	id       {{serial}},
	item     BIGINT  NOT NULL REFERENCES items (id),
	version  INTEGER NOT NULL,
	act      TEXT    NOT NULL, -- publish, withdraw, correct
	sink     TEXT    NOT NULL,
	target   TEXT    NOT NULL,
	keyed    INTEGER NOT NULL, -- the receiver takes the same once
	plan     BIGINT  NOT NULL,
	slot     BIGINT  NOT NULL,
	state    TEXT    NOT NULL,
	due      BIGINT  NOT NULL, -- not before
	lease    BIGINT  NOT NULL, -- until when somebody is sending it
	attempts INTEGER NOT NULL,
	ref      TEXT    NOT NULL, -- the receiver's id of it
	code     TEXT    NOT NULL, -- why not
	created  BIGINT  NOT NULL,
	changed  BIGINT  NOT NULL,
	sent     BIGINT  NOT NULL,
	expires  BIGINT  NOT NULL,
	settled  TEXT    NOT NULL, -- who decided what became of an uncertain one
	UNIQUE (item, version, act, target)
);
CREATE INDEX deliveries_due ON deliveries (sink, state, due);
CREATE INDEX deliveries_target ON deliveries (target, changed);
CREATE INDEX deliveries_changed ON deliveries (state, changed);

-- What the program did by the clock: one row a run. ended 0: still running, or
-- the process died.
CREATE TABLE job_runs (
	id      {{serial}},
	job     TEXT    NOT NULL,
	process TEXT    NOT NULL,
	started BIGINT  NOT NULL, -- milliseconds
	ended   BIGINT  NOT NULL, -- milliseconds
	state   TEXT    NOT NULL, -- running, ok, failed, panicked, timeout
	note    TEXT    NOT NULL
);
CREATE INDEX job_runs_job ON job_runs (job, started);

-- Who wants to be sent what by chat: one row a wish. audience is one of the
-- audiences or a topic, '' for everything. stopped: when it was ended, 0 if it holds.
CREATE TABLE subscriptions (
	account  TEXT   NOT NULL,
	audience TEXT   NOT NULL,
	since    BIGINT NOT NULL,
	stopped  BIGINT NOT NULL,
	code     TEXT   NOT NULL, -- why it was ended: "user", or what the platform said
	PRIMARY KEY (account, audience)
);
CREATE INDEX subscriptions_audience ON subscriptions (audience, stopped);
