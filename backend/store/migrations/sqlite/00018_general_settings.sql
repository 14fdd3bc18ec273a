-- +goose Up
-- The organization's row names the version of its logo, empty for none. The image has a table of its own, because the row
-- is rewritten often.
ALTER TABLE organization ADD COLUMN help_contact TEXT NOT NULL DEFAULT '';
ALTER TABLE organization ADD COLUMN logo TEXT NOT NULL DEFAULT '';

CREATE TABLE logo (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    image BLOB NOT NULL
) STRICT;
