-- +goose Up
-- A revocation of everybody is waited for, so it writes no page that it can do without: a key is looked for only where there is one, and the
-- receipt of an audit entry only when the whole chain is checked, which reads all of them anyway.
CREATE TABLE receipts (
    generation         INTEGER PRIMARY KEY,
    at                 INTEGER NOT NULL,
    by_id              TEXT    NOT NULL,
    by_name            TEXT    NOT NULL,
    reason             TEXT    NOT NULL,
    idempotency_key    TEXT,
    sessions_ended     INTEGER NOT NULL,
    members_signed_out INTEGER NOT NULL,
    audit_sequence     INTEGER NOT NULL,
    audit_hash         BLOB    NOT NULL
) STRICT;
INSERT INTO receipts SELECT
    generation, at, by_id, by_name, reason, idempotency_key, sessions_ended, members_signed_out, audit_sequence, audit_hash
FROM revocations ORDER BY generation;
DROP TABLE revocations;
ALTER TABLE receipts RENAME TO revocations;
CREATE UNIQUE INDEX revocations_by_key ON revocations (by_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
