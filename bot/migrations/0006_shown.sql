-- What of a reply that is still being made was shown to the person: it is the
-- beginning of the reply, whoever makes it in the end.
ALTER TABLE inbox ADD COLUMN shown TEXT NOT NULL DEFAULT '';
