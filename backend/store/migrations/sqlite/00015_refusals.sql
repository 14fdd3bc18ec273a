-- +goose Up

-- How many refusals of a kind got no audit entry of their own since the last one that counts them.
CREATE TABLE refusals (
    action TEXT    NOT NULL,
    wrong  TEXT    NOT NULL,
    target TEXT    NOT NULL,
    count  INTEGER NOT NULL,
    since  INTEGER NOT NULL,
    last   INTEGER NOT NULL,
    PRIMARY KEY (action, wrong, target)
) STRICT, WITHOUT ROWID;
