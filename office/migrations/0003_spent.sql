-- How many tokens of models were used a day (of China) and budget. A person's
-- budget is named by a keyed hash.
CREATE TABLE spent (
	day    TEXT   NOT NULL,
	budget TEXT   NOT NULL,
	tokens BIGINT NOT NULL,
	PRIMARY KEY (day, budget)
);
