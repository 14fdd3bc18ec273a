-- +goose Up

-- Sessions are numbered in the order of their sign-ins, for good: the hidden numbers of rows may change when the file is rebuilt. A number
-- that is given out anew finds times that are earlier than its own sign-in, and mean nothing.
CREATE TABLE numbered (
    number             INTEGER PRIMARY KEY,
    id                 TEXT    NOT NULL UNIQUE,
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
INSERT INTO numbered (
    id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at, ended_at, end_reason, ended_by,
    refresh_counter, refresh_hash, refresh_next_hash, address, user_agent, methods)
SELECT
    id, member_id, generation, member_generation, authenticated_at, proved_at, started_at, last_seen_at, ended_at, end_reason, ended_by,
    refresh_counter, refresh_hash, refresh_next_hash, address, user_agent, methods
FROM sessions ORDER BY id;
DROP TABLE sessions;
ALTER TABLE numbered RENAME TO sessions;

-- The times that accesses have moved since the sign-in, of 250 sessions by their numbers in each row. Whichever is later holds: these
-- times, or those that the session began with. They move every second, and all that moves in one page is one write.
CREATE TABLE session_times (
    page  INTEGER PRIMARY KEY,
    times BLOB NOT NULL
) STRICT;

-- Live sessions in the order of their rows, to read them at the start.
CREATE INDEX sessions_live ON sessions (generation) WHERE ended_at IS NULL;
-- A member's live sessions.
CREATE INDEX sessions_census ON sessions (generation, member_id) WHERE ended_at IS NULL;
-- Ended sessions, for deleting those that ended long ago.
CREATE INDEX sessions_by_end ON sessions (ended_at) WHERE ended_at IS NOT NULL;
-- Where a member has signed in from.
CREATE INDEX sessions_by_address ON sessions (member_id, address, authenticated_at);
