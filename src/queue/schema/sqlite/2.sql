-- When a message gets late while it waits (store_late in queue/store.h); NULL: it does not. `born` and `wished` are on its
-- account's own clock, which stands while that is parked. What is late by a deadline that was told of is found out when
-- it is looked at.
ALTER TABLE message ADD COLUMN late INTEGER;   -- its deadline
ALTER TABLE message ADD COLUMN born INTEGER;   -- it ages since then
ALTER TABLE message ADD COLUMN wished INTEGER; -- and so does what somebody wishes to hear of
UPDATE message SET born = max(created, not_before) - parked_before, late = nullif(deadline, 0)
    WHERE held = 0 AND slot < 33;
UPDATE message SET wished = born WHERE born IS NOT NULL AND silent = 0 AND EXISTS (
    SELECT 1 FROM recipient WHERE message = message.id AND state < 5 AND notify & 8 AND NOT (wanted | told) & 2);
CREATE INDEX message_late ON message (account, late) WHERE late IS NOT NULL;
CREATE INDEX message_born ON message (account, born) WHERE born IS NOT NULL;
CREATE INDEX message_wished ON message (account, wished) WHERE wished IS NOT NULL;
