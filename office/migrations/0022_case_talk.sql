-- What the applicant and the bot said before a case was handed in, masked, with
-- the applicant's consent. n: order; bot: 1 the bot said it, 0 the person.
CREATE TABLE case_talk (
	case_id BIGINT NOT NULL REFERENCES cases (id),
	n       BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	bot     BIGINT NOT NULL,
	body    TEXT   NOT NULL,
	PRIMARY KEY (case_id, n)
);
