-- Events of QQ that were taken, by each name they go by: the platform sends an
-- event again when it did not see it acknowledged, and says the same thing in
-- two events now and then. at: Unix milliseconds.
CREATE TABLE qq_events (
	channel TEXT NOT NULL,
	name    TEXT NOT NULL,
	at      BIGINT NOT NULL,
	PRIMARY KEY (channel, name)
);
CREATE INDEX qq_events_at ON qq_events (at);
