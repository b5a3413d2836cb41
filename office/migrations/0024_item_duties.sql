-- The duty that an item counts for when it is published; 0: none.
ALTER TABLE items ADD COLUMN duty BIGINT NOT NULL DEFAULT 0;
CREATE INDEX items_duty ON items (duty);
