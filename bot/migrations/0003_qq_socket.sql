-- Where a websocket of a QQ bot left off, so that the platform sends what came
-- meanwhile. channel is the bot's; one row a shard.
CREATE TABLE qq_sockets (
	channel TEXT    NOT NULL,
	shard   INTEGER NOT NULL,
	session TEXT    NOT NULL,
	seq     BIGINT  NOT NULL,
	PRIMARY KEY (channel, shard)
);
