-- lane: where a dispute goes, '' if it is none; topic: what the knowledge base
-- took it to be about when it was opened.
ALTER TABLE cases ADD COLUMN lane TEXT NOT NULL DEFAULT '';
ALTER TABLE cases ADD COLUMN topic TEXT NOT NULL DEFAULT '';

-- Matters that a department mediates or decides, as the office set them; none:
-- the built-in list. words: ";" between.
CREATE TABLE lane_items (
	place      INTEGER PRIMARY KEY,
	item       TEXT    NOT NULL,
	department TEXT    NOT NULL,
	words      TEXT    NOT NULL
);

-- What became of a mediation. effective is when an agreement took effect,
-- confirm_by the last day on which both can ask the court to confirm it.
CREATE TABLE mediations (
	case_id    BIGINT PRIMARY KEY REFERENCES cases (id),
	outcome    TEXT   NOT NULL,
	terms      TEXT   NOT NULL,
	effective  BIGINT NOT NULL,
	confirm_by BIGINT NOT NULL,
	mediator   TEXT   NOT NULL
);
CREATE TABLE mediation_sessions (
	id      {{serial}},
	case_id BIGINT NOT NULL REFERENCES cases (id),
	at      BIGINT NOT NULL,
	place   TEXT   NOT NULL,
	note    TEXT   NOT NULL,
	actor   TEXT   NOT NULL
);
CREATE INDEX mediation_sessions_case ON mediation_sessions (case_id);
