-- The one push a day that an address may get. day: ISO date in China.
CREATE TABLE push_days (
	account  TEXT   NOT NULL,
	day      TEXT   NOT NULL,
	delivery BIGINT NOT NULL,
	PRIMARY KEY (account, day)
);

-- How often an item was opened on its page and asked for in the chat: counts
-- only, nobody's name. area: village or township, '' if not known.
CREATE TABLE item_counts (
	item BIGINT NOT NULL,
	day  TEXT   NOT NULL, -- ISO date in China
	what TEXT   NOT NULL, -- opened, pulled
	area TEXT   NOT NULL,
	n    BIGINT NOT NULL,
	PRIMARY KEY (item, day, what, area)
);
CREATE INDEX deliveries_sent ON deliveries (act, sink, sent);
