-- +goose Up

-- The one organization. Its generation and its policy decide about every session at once.
CREATE TABLE organization (
    id                    INTEGER PRIMARY KEY CHECK (id = 1),
    name                  TEXT    NOT NULL,
    -- What a reader has to know to judge by this row. A server that meets a higher number than it knows must not serve.
    protocol              INTEGER NOT NULL,
    generation            INTEGER NOT NULL CHECK (generation > 0),
    length_value          INTEGER NOT NULL,
    length_unit           TEXT    NOT NULL,
    refresh_automatically INTEGER NOT NULL CHECK (refresh_automatically IN (0, 1)),
    maximum_value         INTEGER,
    maximum_unit          TEXT,
    version               INTEGER NOT NULL,
    saved_at              INTEGER NOT NULL,
    saved_by_id           TEXT    NOT NULL,
    saved_by_name         TEXT    NOT NULL,
    -- The watermarks: what started, or signed in, at or before them had ended under an earlier policy.
    started_after         INTEGER NOT NULL,
    authenticated_after   INTEGER NOT NULL,
    -- The newest time on record; the clock of a process never starts before it.
    clock_at              INTEGER NOT NULL
) STRICT;

INSERT INTO organization VALUES (1, '', 1, 1, 14, 'days', 1, NULL, NULL, 1, 0, '', '', 0, 0, 0);

CREATE TABLE members (
    id              TEXT    PRIMARY KEY,
    name            TEXT    NOT NULL,
    email           TEXT    NOT NULL,
    email_canonical TEXT    NOT NULL UNIQUE,
    role            TEXT    NOT NULL CHECK (role IN ('owner', 'admin', 'auditor', 'member')),
    password_hash   TEXT    NOT NULL,
    generation      INTEGER NOT NULL CHECK (generation > 0),
    created_at      INTEGER NOT NULL,
    deactivated_at  INTEGER
) STRICT;

CREATE TABLE sessions (
    id                 TEXT    PRIMARY KEY,
    member_id          TEXT    NOT NULL REFERENCES members (id),
    generation         INTEGER NOT NULL,
    member_generation  INTEGER NOT NULL,
    authenticated_at   INTEGER NOT NULL,
    proved_at          INTEGER NOT NULL,
    started_at         INTEGER NOT NULL,
    last_seen_at       INTEGER NOT NULL,
    ended_at           INTEGER,
    end_reason         TEXT,
    ended_by           TEXT,
    refresh_counter    INTEGER NOT NULL,
    refresh_hash       BLOB    NOT NULL,
    refresh_next_hash  BLOB    NOT NULL,
    address            TEXT    NOT NULL,
    user_agent         TEXT    NOT NULL,
    methods            TEXT    NOT NULL,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;

-- A member's live sessions, newest access first.
CREATE INDEX sessions_of_member ON sessions (member_id, last_seen_at DESC, id) WHERE ended_at IS NULL;
-- Live sessions whose time may have run out.
CREATE INDEX sessions_by_start ON sessions (generation, started_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_sign_in ON sessions (generation, authenticated_at) WHERE ended_at IS NULL;
-- Counting live sessions by member.
CREATE INDEX sessions_census ON sessions (generation, member_id) WHERE ended_at IS NULL;
-- Ended sessions, for deleting those that ended long ago.
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;
-- Where a member has signed in from.
CREATE INDEX sessions_by_address ON sessions (member_id, address, authenticated_at);

-- Every revocation of all sessions, by the generation that it began.
CREATE TABLE revocations (
    generation         INTEGER PRIMARY KEY,
    at                 INTEGER NOT NULL,
    by_id              TEXT    NOT NULL,
    by_name            TEXT    NOT NULL,
    reason             TEXT    NOT NULL,
    idempotency_key    TEXT,
    sessions_ended     INTEGER NOT NULL,
    members_signed_out INTEGER NOT NULL,
    audit_sequence     INTEGER NOT NULL,
    audit_hash         BLOB    NOT NULL,
    UNIQUE (by_id, idempotency_key)
) STRICT;

CREATE TABLE audit_entries (
    sequence   INTEGER PRIMARY KEY,
    at         INTEGER NOT NULL,
    action     TEXT    NOT NULL,
    actor_id   TEXT    NOT NULL,
    actor_name TEXT    NOT NULL,
    target     TEXT    NOT NULL,
    address    TEXT    NOT NULL,
    details    TEXT    NOT NULL,
    hash       BLOB    NOT NULL
) STRICT;

-- The pace of password attempts: the time at which each bucket would be empty again (GCRA).
CREATE TABLE attempts (
    bucket   TEXT    PRIMARY KEY,
    empty_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempts_by_time ON attempts (empty_at);
