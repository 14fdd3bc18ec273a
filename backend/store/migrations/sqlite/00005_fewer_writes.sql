-- +goose Up

-- Lists of a member's sessions come from memory. An index that ends in the last access is written at every one.
DROP INDEX sessions_of_member;

-- Whether an owner is the last one, without a look at every member.
CREATE INDEX members_owners ON members (id) WHERE role = 'owner';
