-- What the public sees of an item now, or saw last: kept when the item changes
-- behind it. shown_by and shown_unit are organisations.
ALTER TABLE items ADD COLUMN shown INTEGER NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN shown_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN shown_by TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN shown_basis TEXT NOT NULL DEFAULT '';
ALTER TABLE item_versions ADD COLUMN summary TEXT NOT NULL DEFAULT '';
ALTER TABLE item_versions ADD COLUMN unit TEXT NOT NULL DEFAULT '';
UPDATE items SET shown = live, shown_at = published, shown_basis = basis;
CREATE INDEX items_published ON items (published, id);
