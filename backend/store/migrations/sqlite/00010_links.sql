-- +goose Up
-- A one-time link is worth what its issuer and its member are when it is used. So a row says who issued it, empty for the
-- operator, and under which generations of the organization, the member and the issuer. A row stays after its use, until
-- another link takes its place, so that a client that lost the answer can be told that the password was set.
-- Links of before do not say who issued them, and are withdrawn.
DROP TABLE member_links;
CREATE TABLE member_links (
    member_id         TEXT    PRIMARY KEY REFERENCES members (id),
    kind              TEXT    NOT NULL CHECK (kind IN ('invitation', 'reset')),
    token_hash        BLOB    NOT NULL UNIQUE,
    created_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    issuer_id         TEXT    NOT NULL,
    generation        INTEGER NOT NULL,
    member_generation INTEGER NOT NULL,
    issuer_generation INTEGER NOT NULL,
    used_at           INTEGER
) STRICT;

ALTER TABLE revocations ADD COLUMN links_withdrawn INTEGER NOT NULL DEFAULT 0;
