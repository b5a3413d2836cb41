-- What the departments owe: 谁执法谁普法.
CREATE TABLE duties (
	id       {{serial}},
	org      BIGINT  NOT NULL REFERENCES orgs (id), -- the department
	law      TEXT    NOT NULL,
	content  TEXT    NOT NULL,
	audience TEXT    NOT NULL,
	months   INTEGER NOT NULL, -- an act is owed once in that many: 3, 6 or 12
	since    BIGINT  NOT NULL,
	ended    BIGINT  NOT NULL, -- 0: in force
	UNIQUE (org, law, content)
);
CREATE TABLE lecturers (
	id        {{serial}},
	name      TEXT    NOT NULL,
	org       BIGINT  NOT NULL REFERENCES orgs (id),
	person    BIGINT  NOT NULL, -- 0: has no part in the chat
	phone     TEXT    NOT NULL,
	fields    TEXT    NOT NULL,
	languages TEXT    NOT NULL,
	away      INTEGER NOT NULL, -- 1: takes no lectures now
	booked    BIGINT  NOT NULL, -- counts up with each booking: whoever books holds the row
	UNIQUE (name, org)
);
-- The menu. Lists have ";" between. org answers for the lecture; lecturer 0: the
-- department names one. extra: also in the evening and at weekends.
CREATE TABLE lectures (
	id        {{serial}},
	topic     TEXT    NOT NULL UNIQUE,
	audience  TEXT    NOT NULL,
	minutes   INTEGER NOT NULL,
	org       BIGINT  NOT NULL REFERENCES orgs (id),
	lecturer  BIGINT  NOT NULL,
	languages TEXT    NOT NULL,
	extra     INTEGER NOT NULL,
	duty      BIGINT  NOT NULL, -- 0: none
	ended     BIGINT  NOT NULL  -- 0: on the menu
);

-- Orders. Times are Unix seconds, 0 when there is none.
CREATE TABLE order_numbers (
	year INTEGER PRIMARY KEY,
	last BIGINT  NOT NULL
);
CREATE TABLE orders (
	id        {{serial}},
	no        TEXT    NOT NULL UNIQUE,
	request   TEXT    NOT NULL UNIQUE,
	version   BIGINT  NOT NULL,
	state     TEXT    NOT NULL,
	lecture   BIGINT  NOT NULL REFERENCES lectures (id),
	topic     TEXT    NOT NULL,
	minutes   INTEGER NOT NULL,
	duty      BIGINT  NOT NULL,
	place_org BIGINT  NOT NULL, -- where, as far as it is known: a village, a township, the county
	path      TEXT    NOT NULL, -- of place_org
	unit      TEXT    NOT NULL, -- who ordered
	account   TEXT    NOT NULL,
	contact   TEXT    NOT NULL,
	phone     TEXT    NOT NULL,
	wish      TEXT    NOT NULL,
	heads     INTEGER NOT NULL, -- expected
	at        BIGINT  NOT NULL,
	ends      BIGINT  NOT NULL,
	new_at    BIGINT  NOT NULL, -- proposed instead
	org       BIGINT  NOT NULL, -- department it was given to; 0: none yet
	lecturer  BIGINT  NOT NULL,
	came      INTEGER NOT NULL, -- who signed in
	photo     TEXT    NOT NULL,
	score     INTEGER NOT NULL, -- 0: not rated
	reason    TEXT    NOT NULL,
	ordered   BIGINT  NOT NULL,
	pickup    TEXT    NOT NULL UNIQUE -- keyed hash of the code
);
CREATE INDEX orders_state ON orders (state, at);
CREATE INDEX orders_lecturer ON orders (lecturer, at);
CREATE INDEX orders_account ON orders (account);
CREATE TABLE order_events (
	id       {{serial}},
	order_id BIGINT NOT NULL REFERENCES orders (id),
	request  TEXT   NOT NULL UNIQUE,
	at       BIGINT NOT NULL,
	actor    TEXT   NOT NULL,
	verb     TEXT   NOT NULL,
	was      TEXT   NOT NULL,
	state    TEXT   NOT NULL,
	note     TEXT   NOT NULL
);
CREATE INDEX order_events_order ON order_events (order_id);

-- What was done to spread the law: lectures that were ordered come in by
-- themselves, others are written down.
CREATE TABLE activities (
	id       {{serial}},
	day      TEXT    NOT NULL, -- ISO date
	kind     TEXT    NOT NULL,
	title    TEXT    NOT NULL,
	org      BIGINT  NOT NULL REFERENCES orgs (id),
	place    TEXT    NOT NULL,
	heads    INTEGER NOT NULL,
	photo    TEXT    NOT NULL,
	duty     BIGINT  NOT NULL,
	order_id BIGINT  NOT NULL, -- 0: none
	actor    TEXT    NOT NULL,
	UNIQUE (day, kind, title, org, place)
);
CREATE INDEX activities_duty ON activities (duty, day);

-- 普法提示: drafted, sent, answered.
CREATE TABLE duty_prompts (
	id       {{serial}},
	org      BIGINT NOT NULL REFERENCES orgs (id),
	quarter  TEXT   NOT NULL, -- 2026Q4
	body     TEXT   NOT NULL,
	drafted  BIGINT NOT NULL,
	due      BIGINT NOT NULL,
	sent     BIGINT NOT NULL,
	sent_by  TEXT   NOT NULL,
	answer   TEXT   NOT NULL,
	answered BIGINT NOT NULL,
	answerer TEXT   NOT NULL,
	UNIQUE (org, quarter)
);
