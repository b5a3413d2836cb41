-- Monthly bulletins as they were when the month was closed: figures only. body:
-- JSON.
CREATE TABLE bulletins (
	month TEXT   NOT NULL, -- 2026-11
	org   BIGINT NOT NULL REFERENCES orgs (id),
	kept  BIGINT NOT NULL,
	body  TEXT   NOT NULL,
	PRIMARY KEY (month, org)
);
