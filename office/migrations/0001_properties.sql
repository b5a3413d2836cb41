-- Facts about this installation that must not change when settings do.
CREATE TABLE properties (
	name  TEXT PRIMARY KEY,
	value TEXT NOT NULL
);
