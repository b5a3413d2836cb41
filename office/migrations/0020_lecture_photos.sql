-- The photo of a lecture that was held, of item_images; '' if there is none.
-- Its name begins with "lecture-", so that it is no poster's.
ALTER TABLE orders ADD COLUMN picture TEXT NOT NULL DEFAULT '';
