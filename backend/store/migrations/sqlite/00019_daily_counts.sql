-- +goose Up

-- What a day came to, by days of UTC since 1970: the sessions and members signed in at its last count, and its sign-ins.
CREATE TABLE daily_counts (
    day      INTEGER PRIMARY KEY,
    sessions INTEGER NOT NULL,
    members  INTEGER NOT NULL,
    sign_ins INTEGER NOT NULL
) STRICT;
