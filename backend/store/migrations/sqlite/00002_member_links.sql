-- +goose Up

-- The one-time link by which a member sets a password: an invitation, or a reset. A member has at most one; a new one takes the
-- place of the old one, and using it removes it.
CREATE TABLE member_links (
    member_id  TEXT    PRIMARY KEY REFERENCES members (id),
    kind       TEXT    NOT NULL CHECK (kind IN ('invitation', 'reset')),
    token_hash BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE INDEX members_by_name ON members (name, id);
