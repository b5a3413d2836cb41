-- When what a case says of people was erased, in Unix seconds; 0: it is there.
ALTER TABLE cases ADD COLUMN erased BIGINT NOT NULL DEFAULT 0;
CREATE INDEX cases_closed ON cases (closed) WHERE erased = 0 AND closed > 0;
CREATE INDEX consults_person ON consults (person);
