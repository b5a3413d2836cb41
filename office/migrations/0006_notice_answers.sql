-- Notices a person has accepted or refused; the newest row of a notice counts.
-- person is a keyed hash. at is in Unix seconds.
CREATE TABLE notice_answers (
	person   TEXT    NOT NULL,
	notice   TEXT    NOT NULL, -- "model"
	version  TEXT    NOT NULL,
	accepted INTEGER NOT NULL, -- 1 accepted, 0 refused or taken back
	at       BIGINT  NOT NULL,
	PRIMARY KEY (person, notice)
);
