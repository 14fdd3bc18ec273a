-- +goose Up

-- The keys of the guidelines that apply to the organization, separated by spaces. NULL until an admin chooses.
ALTER TABLE organization ADD COLUMN guidelines TEXT;
