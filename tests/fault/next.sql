-- A version that is yet to come: for the test of the way there.
ALTER TABLE message ADD COLUMN colour TEXT NOT NULL DEFAULT 'grey';
CREATE TABLE more (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
INSERT INTO more SELECT id, 'was ' || sender FROM message;
