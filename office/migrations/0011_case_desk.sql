-- Indexes in the order of the queue, which answer a page and its count without
-- reading the cases themselves.
DROP INDEX cases_queue;
ALTER TABLE cases ADD COLUMN cleared_only INTEGER NOT NULL DEFAULT 0; -- of the desk, only people who are cleared see it
CREATE INDEX cases_active ON cases (urgency, (due = 0), due, id, state, path, cleared_only, matter, lane, via, holder, filer, account) WHERE closed = 0;
CREATE INDEX cases_ordered ON cases (urgency, (due = 0), due, id, state, path, cleared_only, matter, lane, via, holder, filer, account);
CREATE INDEX cases_finished ON cases (closed, id, state, path, cleared_only, matter, lane, via, holder, filer, account) WHERE closed > 0;
CREATE INDEX cases_due ON cases (due) WHERE due > 0;
CREATE INDEX cases_load ON cases (holder) WHERE closed = 0;

-- cleared: may see cases of minors and of violence in their scope.
ALTER TABLE people ADD COLUMN cleared INTEGER NOT NULL DEFAULT 0;

-- Which cases hold two characters side by side (or three digits or letters) in
-- number, name, place, parties, phone or story. block is cases.id / 63; bit
-- cases.id % 63 of bits says that the case holds them.
CREATE TABLE case_grams (
	gram  BIGINT NOT NULL,
	block BIGINT NOT NULL,
	bits  BIGINT NOT NULL,
	PRIMARY KEY (gram, block)
){{keyed}};
ALTER TABLE cases ADD COLUMN indexed INTEGER NOT NULL DEFAULT 0; -- its words are in case_grams
CREATE INDEX cases_unindexed ON cases (id) WHERE indexed = 0;
