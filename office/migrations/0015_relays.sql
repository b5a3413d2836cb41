ALTER TABLE people ADD COLUMN email TEXT NOT NULL DEFAULT '';

-- Notices to staff on their way out of the bot: to a group's robot, or by mail.
-- way: wecom, dingtalk, feishu, mail. target: a mail address, '' for a group.
-- state: 0 waiting, 1 sent, 2 given up. Times are Unix seconds.
CREATE TABLE relays (
	id      {{serial}},
	notice  BIGINT  NOT NULL REFERENCES notices (id),
	way     TEXT    NOT NULL,
	target  TEXT    NOT NULL,
	state   INTEGER NOT NULL,
	tries   INTEGER NOT NULL,
	next    BIGINT  NOT NULL, -- when it is tried again, or until when somebody is sending it
	sent    BIGINT  NOT NULL,
	fault   TEXT    NOT NULL, -- of the last try
	UNIQUE (notice, way)
);
CREATE INDEX relays_next ON relays (state, next);
CREATE INDEX notices_created ON notices (created) WHERE person <> 0;
