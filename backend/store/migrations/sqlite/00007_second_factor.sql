-- +goose Up

-- A member's second factor: the seed that their authenticator app has too, sealed for this very row by a key that is not in the database;
-- the last time step of which a code was used; and since when they have it.
ALTER TABLE members ADD COLUMN totp_seed BLOB;
ALTER TABLE members ADD COLUMN totp_step INTEGER;
ALTER TABLE members ADD COLUMN totp_since INTEGER;

-- The last entry of the audit log of which the member has put the notice away. What happened before there were notices needs none.
ALTER TABLE members ADD COLUMN noticed INTEGER NOT NULL DEFAULT 0;
UPDATE members SET noticed = (SELECT coalesce(max(sequence), 0) FROM audit_entries);

-- Recovery codes that are left. Using one removes it.
CREATE TABLE recovery_codes (
    member_id TEXT NOT NULL REFERENCES members (id),
    hash      BLOB NOT NULL,
    PRIMARY KEY (member_id, hash)
) STRICT, WITHOUT ROWID;

-- Passkeys. What is known of one, its public key and counter included, is sealed for its id and its member's.
CREATE TABLE passkeys (
    id         BLOB    PRIMARY KEY,
    member_id  TEXT    NOT NULL REFERENCES members (id),
    name       TEXT    NOT NULL,
    credential BLOB    NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX passkeys_of_member ON passkeys (member_id, created_at);

-- Challenges that a passkey has answered, until they run out by themselves.
CREATE TABLE used_challenges (
    challenge  TEXT    PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whether a session that has not proved two factors can only set up, or prove, the second one.
ALTER TABLE organization ADD COLUMN require_second_factor INTEGER NOT NULL DEFAULT 0 CHECK (require_second_factor IN (0, 1));
