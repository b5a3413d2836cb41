-- Draft answers that were made for a case, the newest counts. model: '' if it is
-- put together from reviewed texts alone. sources: a line each.
CREATE TABLE case_drafts (
	id      {{serial}},
	case_id BIGINT NOT NULL REFERENCES cases (id),
	at      BIGINT NOT NULL,
	model   TEXT   NOT NULL,
	body    TEXT   NOT NULL,
	summary TEXT   NOT NULL,
	sources TEXT   NOT NULL
);
CREATE INDEX case_drafts_case ON case_drafts (case_id);
