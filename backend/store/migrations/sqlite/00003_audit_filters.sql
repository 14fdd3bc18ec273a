-- +goose Up

-- Whose account an entry concerns: that of the member it names as its target, or whose session it was done to.
ALTER TABLE audit_entries ADD COLUMN concerns TEXT GENERATED ALWAYS AS (
    CASE WHEN target GLOB 'member:*' THEN substr(target, 8) ELSE details ->> '$.member' END
) VIRTUAL;

-- The log is read by time, the newest entry first, whole or by any of its filters. An index ends in the sequence by itself.
CREATE INDEX audit_by_time ON audit_entries (at);
CREATE INDEX audit_by_action ON audit_entries (action, at);
CREATE INDEX audit_by_actor ON audit_entries (actor_id, at) WHERE actor_id <> '';
CREATE INDEX audit_by_actor_and_action ON audit_entries (actor_id, action, at) WHERE actor_id <> '';
CREATE INDEX audit_by_member ON audit_entries (concerns, at) WHERE concerns IS NOT NULL;
CREATE INDEX audit_by_member_and_action ON audit_entries (concerns, action, at) WHERE concerns IS NOT NULL;

-- The receipt of an entry, for checking the chain.
CREATE INDEX revocations_by_entry ON revocations (audit_sequence);
