-- Another system calls nobody by the name of somebody else, and vouches for some
-- sign-ins.
CREATE UNIQUE INDEX console_accounts_one_subject ON console_accounts (subject) WHERE subject <> '';
ALTER TABLE console_sessions ADD COLUMN vouched BIGINT NOT NULL DEFAULT 0;
