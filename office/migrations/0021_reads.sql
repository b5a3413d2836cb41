-- Who looked at what is held of people: a case, all data of its applicant, the
-- record of somebody who works here, or this list itself.
CREATE TABLE reads (
	id      {{serial}},
	at      BIGINT NOT NULL,
	reader  BIGINT NOT NULL, -- a person; -1: at the machine itself
	actor   TEXT   NOT NULL, -- what the reader was called then
	case_id BIGINT REFERENCES cases (id),
	person  BIGINT REFERENCES people (id), -- whose record
	what    TEXT   NOT NULL, -- page, chat, print, agreement, data, person or log
	why     TEXT   NOT NULL  -- by which right; '' in what is older than this table
);
INSERT INTO reads (at, reader, actor, case_id, what, why) SELECT at, person, actor, case_id, 'page', '' FROM case_reads ORDER BY id;
DROP TABLE case_reads;
CREATE INDEX reads_case ON reads (case_id);
CREATE INDEX reads_person ON reads (person);
CREATE INDEX reads_reader ON reads (reader);
CREATE INDEX reads_at ON reads (at);
