-- What waits, and what became of it. Times are the queue's own (queue/steady.h), in milliseconds.
-- Every number is written once and never reused: a message's id is also that of its body.

-- What the store remembers of itself.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('clean', 1), ('life', 0), ('time', 0), ('ahead', 0), ('floor', 0);

-- Counts, kept up with every commit: how many messages an account (id / 16) has in a state (id % 16).
-- Number 0 counts the commits.
CREATE TABLE tally (
    id    INTEGER PRIMARY KEY,
    count INTEGER NOT NULL
) STRICT;
INSERT INTO tally VALUES (0, 0);

-- Accounts and routes, as soon as anything is known of them.
CREATE TABLE account (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE,
    parked_since   INTEGER NOT NULL DEFAULT 0,
    parked_told    INTEGER NOT NULL DEFAULT 0,
    parked_for     INTEGER NOT NULL DEFAULT 0,
    parked_because TEXT NOT NULL DEFAULT '',
    parked_text    TEXT NOT NULL DEFAULT ''
) STRICT;

-- Messages that are not over. `slot` and `due` are where it stands in line:
--   0..18  waits, the most urgent first; due then
--   32     has been claimed; its lease ends then
--   33     is held
--   34     waits for nothing that comes by itself
CREATE TABLE message (
    id             INTEGER PRIMARY KEY,
    account        INTEGER NOT NULL,
    slot           INTEGER NOT NULL,
    due            INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    lease          INTEGER NOT NULL DEFAULT 0,
    lost           INTEGER NOT NULL DEFAULT 0,
    held           INTEGER NOT NULL DEFAULT 0,
    events         INTEGER NOT NULL DEFAULT 0,
    report_due     INTEGER,
    stuck          TEXT NOT NULL DEFAULT '', -- to an account and a transport, by which it may have arrived
    via            TEXT NOT NULL DEFAULT '',
    removed_by     TEXT NOT NULL DEFAULT '',
    held_because   TEXT NOT NULL DEFAULT '',
    held_text      TEXT NOT NULL DEFAULT '',
    held_by        TEXT NOT NULL DEFAULT '',
    created        INTEGER NOT NULL,
    parked_before  INTEGER NOT NULL,
    size           INTEGER NOT NULL,
    pieces         INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    priority       INTEGER NOT NULL,
    not_before     INTEGER NOT NULL,
    deadline       INTEGER NOT NULL,
    deadline_tells INTEGER NOT NULL,
    silent         INTEGER NOT NULL,
    smtputf8       INTEGER NOT NULL,
    body           INTEGER NOT NULL,
    ret            INTEGER NOT NULL,
    report_of      INTEGER NOT NULL,
    submitter      TEXT NOT NULL,
    sender         TEXT NOT NULL,
    header_from    TEXT NOT NULL,
    message_id     TEXT NOT NULL,
    envid          TEXT NOT NULL
) STRICT;
CREATE INDEX message_line ON message (account, slot, due);
CREATE INDEX message_account ON message (account); -- and by id: its oldest, its list
CREATE INDEX message_report ON message (report_due) WHERE report_due IS NOT NULL;

-- Messages that are over: no bodies.
CREATE TABLE history (
    id             INTEGER PRIMARY KEY,
    account        INTEGER NOT NULL,
    done           INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    created        INTEGER NOT NULL,
    stood          INTEGER NOT NULL,
    size           INTEGER NOT NULL,
    pieces         INTEGER NOT NULL,
    total          INTEGER NOT NULL,
    priority       INTEGER NOT NULL,
    not_before     INTEGER NOT NULL,
    deadline       INTEGER NOT NULL,
    deadline_tells INTEGER NOT NULL,
    silent         INTEGER NOT NULL,
    smtputf8       INTEGER NOT NULL,
    body           INTEGER NOT NULL,
    ret            INTEGER NOT NULL,
    report_of      INTEGER NOT NULL,
    submitter      TEXT NOT NULL,
    sender         TEXT NOT NULL,
    header_from    TEXT NOT NULL,
    message_id     TEXT NOT NULL,
    envid          TEXT NOT NULL
) STRICT;

-- Of messages that are over, too.
CREATE TABLE recipient (
    message  INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    was      INTEGER NOT NULL, -- before it was claimed
    unsure   INTEGER NOT NULL, -- a try ended unknown
    next     INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    reply    INTEGER NOT NULL,
    enhanced INTEGER NOT NULL,
    notify   INTEGER NOT NULL,
    wanted   INTEGER NOT NULL,
    told     INTEGER NOT NULL,
    address  TEXT NOT NULL,
    orcpt    TEXT NOT NULL,
    cause    TEXT NOT NULL,
    text     TEXT NOT NULL,
    sent_by  TEXT NOT NULL,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    message  INTEGER NOT NULL,
    number   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    kind     INTEGER NOT NULL,
    first    INTEGER NOT NULL,
    count    INTEGER NOT NULL,
    reply    INTEGER NOT NULL,
    enhanced INTEGER NOT NULL,
    done_by  TEXT NOT NULL,
    cause    TEXT NOT NULL,
    text     TEXT NOT NULL,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;

-- Pieces of bodies: id is the message's * 65536 + the piece's number. A row of its own for each lies in pages that
-- the next message can use when it goes.
CREATE TABLE body (
    id    INTEGER PRIMARY KEY,
    sum   INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;

-- Bodies that are still being added to.
CREATE TABLE draft (
    id      INTEGER PRIMARY KEY,
    touched INTEGER NOT NULL,
    pieces  INTEGER NOT NULL,
    size    INTEGER NOT NULL
) STRICT;

-- What came with a key, so that it is accepted once.
CREATE TABLE key (
    submitter TEXT NOT NULL,
    account   INTEGER NOT NULL,
    key       TEXT NOT NULL,
    message   INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    content   BLOB NOT NULL,
    PRIMARY KEY (submitter, account, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX key_until ON key (until);

-- Small things that others want remembered.
CREATE TABLE mark (
    kind  TEXT NOT NULL,
    name  TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
