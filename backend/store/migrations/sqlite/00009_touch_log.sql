-- +goose Up
-- What accesses have moved since it was last folded into session_times, a row for each flush: the busy sessions among many stand in a page of
-- times each, and to write all of these every second would be a thousand times as much as is told here.
CREATE TABLE touch_log (
    number  INTEGER PRIMARY KEY,
    touches BLOB NOT NULL
) STRICT;
