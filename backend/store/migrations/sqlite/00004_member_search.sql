-- +goose Up

-- How a member is sorted and searched by: in lower case and in one form of Unicode. Whoever has no name yet goes by their address.
ALTER TABLE members ADD COLUMN sort_name TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN search TEXT NOT NULL DEFAULT '';
UPDATE members SET sort_name = lower(CASE name WHEN '' THEN email ELSE name END), search = lower(name) || char(10) || email_canonical;

DROP INDEX members_by_name;
CREATE INDEX members_by_sort_name ON members (sort_name, id);
CREATE INDEX members_by_created ON members (created_at, id);
