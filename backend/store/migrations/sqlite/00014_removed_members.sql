-- +goose Up
-- Addresses that were a member's once, as keyed hashes, so that none is given to another member: applications know members
-- by address. The member is the one who had it last, who may have it again; empty for one who was removed.
CREATE TABLE retired_addresses (
    hash      BLOB PRIMARY KEY,
    member_id TEXT NOT NULL
) STRICT, WITHOUT ROWID;
