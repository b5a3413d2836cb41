-- A notice need not be about a case.
ALTER TABLE notices ALTER COLUMN case_id DROP NOT NULL;
