/* All that is ever said to SQLite while the queue runs; the schema is in schema/sqlite. Rows of messages have the same
 * columns wherever they come from: those of sqlite_row.c.
 */
#ifndef OUTPOST_QUEUE_SQLITE_QUERIES_H
#define OUTPOST_QUEUE_SQLITE_QUERIES_H

#define ROW_FACTS                                                                                      \
    "id, account, state, created, size, pieces, total, priority, not_before, deadline, "           \
    "deadline_tells, silent, smtputf8, body, ret, report_of, submitter, sender, header_from, "     \
    "message_id, envid, "
#define ROW_OF_MESSAGE \
    "SELECT " ROW_FACTS "0, parked_before, slot, due, lease, lost, held, events, report_due, stuck, " \
    "via, " \
    "removed_by, held_because, held_text, held_by FROM message "
#define ROW_OF_HISTORY \
    "SELECT " ROW_FACTS "done, stood, 34, 0, 0, 0, 0, 0, NULL, '', '', '', '', '', '' FROM history "
#define ROW_OF_RECIPIENT \
    "SELECT number, address, orcpt, notify, state, tries, next, at, reply, enhanced, cause, text, " \
    "sent_by, wanted, told, was, unsure FROM recipient WHERE message = ?1 "
#define NEVER "9223372036854775807" /* as STORE_NEVER is kept */
#define IS_DUE "(next <= ?2 OR (?3 AND ?3 <= ?2)) AND next < " NEVER " AND state IN (0, 3, 4) " /* queued, deferred, unknown */
#define GOES_ON "(state IN (1, 2) OR next < " NEVER ") AND " /* of those that are open */
#define IS_UNTOLD GOES_ON "NOT (wanted | told) & 2 AND "    /* nobody was told that it is delayed */

#define SQLITE_QUERIES(X)                                                                           \
    X(BEGIN, "BEGIN")                                                                               \
    X(COMMIT, "COMMIT")                                                                             \
    X(ROLLBACK, "ROLLBACK")                                                                         \
    X(JOB, "SAVEPOINT job")                                                                         \
    X(JOB_KEPT, "RELEASE job")                                                                      \
    X(JOB_UNDONE, "ROLLBACK TO job")                                                                \
                                                                                                    \
    X(META_GET, "SELECT value FROM meta WHERE name = ?1")                                           \
    X(META_PUT, "UPDATE meta SET value = ?2 WHERE name = ?1")                                       \
    X(TALLY_ALL, "SELECT id, count FROM tally WHERE id > 0")                                        \
    X(TALLY_GET, "SELECT count FROM tally WHERE id = ?1")                                           \
    X(TALLY_PUT, "INSERT INTO tally VALUES (?1, ?2) "                                               \
                 "ON CONFLICT (id) DO UPDATE SET count = excluded.count")                           \
    X(LAST_ID, "SELECT max((SELECT coalesce(max(id), 0) FROM message), "                            \
               "(SELECT coalesce(max(id), 0) FROM history), (SELECT coalesce(max(id), 0) FROM draft))") \
                                                                                                    \
    X(ACCOUNT_ALL, "SELECT id, name, parked_since, parked_told, parked_for, parked_because, "       \
                   "parked_text FROM account ORDER BY id")                                          \
    X(ACCOUNT_ADD, "INSERT INTO account (id, name) VALUES (?1, ?2)")                                \
    X(ACCOUNT_PUT, "UPDATE account SET parked_since = ?2, parked_told = ?3, parked_for = ?4, "      \
                   "parked_because = ?5, parked_text = ?6 WHERE id = ?1")                           \
    X(ACCOUNT_OLDEST, "SELECT created FROM message INDEXED BY message_account WHERE account = ?1 "  \
                      "ORDER BY id LIMIT 1")                                                        \
    X(ACCOUNT_SLOT, "SELECT min(slot) FROM message INDEXED BY message_line WHERE account = ?1 AND slot >= ?2 AND slot <= 18") \
    X(ACCOUNT_DUE, "SELECT min(due) FROM message INDEXED BY message_line WHERE account = ?1 AND slot = ?2")                 \
                                                                                                    \
    X(DRAFT_GET, "SELECT pieces, size FROM draft WHERE id = ?1")                                    \
    X(DRAFT_PUT, "INSERT INTO draft VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO UPDATE "            \
                 "SET touched = excluded.touched, pieces = excluded.pieces, size = excluded.size")  \
    X(DRAFT_END, "DELETE FROM draft WHERE id = ?1")                                                 \
    X(DRAFT_OLD, "SELECT id FROM draft WHERE touched < ?1 LIMIT ?2")                                \
    X(BODY_PUT, "INSERT INTO body VALUES (?1, ?2, ?3)")                                             \
    X(BODY_GET, "SELECT sum, bytes FROM body WHERE id = ?1")                                        \
    X(BODY_END, "DELETE FROM body WHERE id >= ?1 AND id < ?2")                                      \
    X(BODY_NEXT, "SELECT id FROM body WHERE id >= ?1 ORDER BY id LIMIT 1")                          \
                                                                                                    \
    X(KEY_GET, "SELECT message, until, content FROM key WHERE submitter = ?1 AND account = ?2 "     \
               "AND key = ?3")                                                                      \
    X(KEY_PUT, "INSERT OR REPLACE INTO key VALUES (?1, ?2, ?3, ?4, ?5, ?6)")                        \
    X(KEY_OLD, "DELETE FROM key WHERE (submitter, account, key) IN (SELECT submitter, account, key " \
               "FROM key WHERE until <= ?1 LIMIT ?2)")                                              \
                                                                                                    \
    X(MESSAGE_ADD, "INSERT INTO message (id, account, slot, due, state, created, parked_before, "   \
                   "size, pieces, total, priority, not_before, deadline, deadline_tells, silent, "  \
                   "smtputf8, body, ret, report_of, submitter, sender, header_from, message_id, "   \
                   "envid, late, born, wished) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, "   \
                   "?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, "    \
                   "?26, ?27)")                                                                     \
    X(MESSAGE_GET, ROW_OF_MESSAGE "WHERE id = ?1")                                                         \
    X(MESSAGE_NEXT, ROW_OF_MESSAGE "WHERE id > ?1 ORDER BY id LIMIT ?2")                                   \
    X(MESSAGE_NEXT_OF, ROW_OF_MESSAGE "INDEXED BY message_account WHERE id > ?1 AND account = ?3 "  \
                       "ORDER BY id LIMIT ?2")                                                      \
    X(MESSAGE_IN_LINE, ROW_OF_MESSAGE "INDEXED BY message_line WHERE account = ?1 AND slot = ?2 AND due <= ?3 AND "                \
                       "(stuck = ?4 OR (stuck = '' AND NOT ?6)) ORDER BY due, id LIMIT ?5")         \
    X(LINE_DUE, "SELECT due FROM message INDEXED BY message_line WHERE account = ?1 AND slot = ?2 AND (stuck = ?3 OR "      \
                "(stuck = '' AND NOT ?4)) ORDER BY due LIMIT 1")                                    \
    /* Those that wait and are late, by each of the three ways; and when the first is that is not yet. */ \
    X(LATE_DEADLINE, ROW_OF_MESSAGE "INDEXED BY message_late WHERE account = ?1 AND late <= ?2 AND " \
                     "slot <= 18 ORDER BY late LIMIT ?3")                                           \
    X(LATE_BORN, ROW_OF_MESSAGE "INDEXED BY message_born WHERE account = ?1 AND born <= ?2 AND "    \
                 "slot <= 18 ORDER BY born LIMIT ?3")                                               \
    X(LATE_WISHED, ROW_OF_MESSAGE "INDEXED BY message_wished WHERE account = ?1 AND wished <= ?2 "  \
                   "AND slot <= 18 ORDER BY wished LIMIT ?3")                                       \
    X(NEXT_DEADLINE, "SELECT min(late) FROM message INDEXED BY message_late WHERE account = ?1 AND late > ?2") \
    X(NEXT_BORN, "SELECT min(born) FROM message INDEXED BY message_born WHERE account = ?1 AND born > ?2") \
    X(NEXT_WISHED, "SELECT min(wished) FROM message INDEXED BY message_wished WHERE account = ?1 AND wished > ?2") \
    X(MESSAGE_CLAIM, "UPDATE message SET slot = 32, due = ?2, state = 1, lease = ?3, stuck = ?4, via = ?5 "   \
                     "WHERE id = ?1")                                                               \
    X(MESSAGE_EXTEND, "UPDATE message SET due = ?2 WHERE id = ?1")                                  \
    X(MESSAGE_STICK, "UPDATE message SET stuck = ?2, via = ?3 WHERE id = ?1")                                 \
    X(MESSAGE_PUT, "UPDATE message SET slot = ?2, due = ?3, state = ?4, lost = ?5, held = ?6, "     \
                   "events = ?7, report_due = ?8, removed_by = ?9, held_because = ?10, "            \
                   "held_text = ?11, held_by = ?12, stuck = ?13, via = ?14, late = ?15, "           \
                   "born = ?16, wished = ?17 WHERE id = ?1")                                        \
    X(MESSAGE_ASIDE, "UPDATE message SET slot = 33, held = 1, report_due = NULL, late = NULL, "       \
                     "born = NULL, wished = NULL WHERE id = ?1")                                    \
    X(MESSAGE_END, "DELETE FROM message WHERE id = ?1")                                             \
    X(MESSAGE_LEASED, "SELECT id FROM message INDEXED BY message_line WHERE account = ?1 AND slot = 32 AND due <= ?2 "      \
                      "LIMIT ?3")                                                                   \
    X(MESSAGE_REPORTS, "SELECT id FROM message WHERE report_due <= ?1 ORDER BY report_due LIMIT ?2") \
    X(MESSAGE_REPORT_PUT, "UPDATE message SET report_due = ?2 WHERE id = ?1")                       \
    X(MESSAGE_REPORT_NEXT, "SELECT min(report_due) FROM message WHERE report_due IS NOT NULL")      \
                                                                                                    \
    X(HISTORY_ADD, "INSERT INTO history SELECT id, account, ?2, ?3, created, ?4, size, pieces, "    \
                   "total, priority, not_before, deadline, deadline_tells, silent, smtputf8, body, " \
                   "ret, report_of, submitter, sender, header_from, message_id, envid FROM message " \
                   "WHERE id = ?1")                                                                 \
    X(HISTORY_GET, ROW_OF_HISTORY "WHERE id = ?1")                                                         \
    X(HISTORY_NEXT, ROW_OF_HISTORY "WHERE id > ?1 ORDER BY id LIMIT ?2")                                   \
    X(HISTORY_OLD, "SELECT id, created, done FROM history WHERE id > ?1 ORDER BY id LIMIT ?2")      \
    X(HISTORY_END, "DELETE FROM history WHERE id = ?1")                                             \
                                                                                                    \
    X(RECIPIENT_ADD, "INSERT INTO recipient VALUES (?1, ?2, 0, 0, 0, ?3, 0, 0, 0, 0, ?4, 0, 0, ?5, ?6, "  \
                     "'', '', '')")                                                                 \
    X(RECIPIENT_FROM, ROW_OF_RECIPIENT "AND number >= ?2 ORDER BY number LIMIT ?3")                        \
    X(RECIPIENT_DUE, ROW_OF_RECIPIENT "AND " IS_DUE "ORDER BY number LIMIT ?4")                               \
    X(RECIPIENT_WANTED, ROW_OF_RECIPIENT "AND wanted <> 0 ORDER BY number LIMIT ?2")                       \
    X(RECIPIENT_ONE, ROW_OF_RECIPIENT "AND number = ?2")                                                   \
    X(RECIPIENT_CLAIM, "UPDATE recipient SET was = state, state = ?5 WHERE message = ?1 AND " IS_DUE              \
                       "AND number <= ?4")                                                          \
    X(RECIPIENT_LEAVE, "UPDATE recipient SET state = 2 WHERE message = ?1 AND state = 1")           \
    X(RECIPIENT_LEAVE_ONE, "UPDATE recipient SET state = 2 WHERE message = ?1 AND number = ?2 "     \
                           "AND state = 1")                                                         \
    X(RECIPIENT_BACK, "UPDATE recipient SET state = ?3, next = ?4, wanted = wanted | ?5 WHERE message = ?1 AND " \
                      "number = ?2")                                                                \
    X(RECIPIENT_SETTLE, "UPDATE recipient SET state = ?3, next = ?4, tries = tries + 1, at = ?5, "  \
                        "reply = ?6, enhanced = ?7, cause = ?8, text = ?9, sent_by = ?10, "         \
                        "wanted = wanted | ?11, unsure = unsure | ?12 WHERE message = ?1 AND number = ?2")                 \
    X(RECIPIENT_SUM, "SELECT state, count(*), min(next), max(wanted <> 0), max(unsure), "           \
                     "max(" IS_UNTOLD "NOT notify & 1), max(" IS_UNTOLD "notify & 8), "             \
                     "max(" GOES_ON "NOT (unsure AND (wanted | told) & 1)) FROM recipient "         \
                     "WHERE message = ?1 GROUP BY state")                                           \
    X(RECIPIENT_TOLD, "UPDATE recipient SET wanted = wanted & ~?3, told = told | (wanted & ?3) "    \
                      "WHERE message = ?1 AND number = ?2 AND wanted & ?3")                         \
    X(RECIPIENT_NEXT, "UPDATE recipient SET next = ?3 WHERE message = ?1 AND state = ?2")           \
    X(RECIPIENT_HASTEN, "UPDATE recipient SET next = ?3 WHERE message = ?1 AND state = 3 AND next = ?2") \
    X(RECIPIENT_REMOVE, "UPDATE recipient SET state = 7, at = ?2 WHERE message = ?1 AND "           \
                        "state IN (0, 3, 4)")                                                       \
    X(RECIPIENT_LOST, "UPDATE recipient SET state = was, next = ?2 WHERE message = ?1 AND state = 1") \
    X(RECIPIENT_UNKNOWN, "UPDATE recipient SET state = 4, unsure = 1, next = ?2, at = ?3, tries = tries + 1 "   \
                         "WHERE message = ?1 AND state = 2")                                        \
    X(RECIPIENT_END, "DELETE FROM recipient WHERE message = ?1")                                    \
                                                                                                    \
    X(EVENT_ADD, "INSERT INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")         \
    X(EVENT_ALL, "SELECT at, kind, first, count, reply, enhanced, done_by, cause, text FROM event " \
                 "WHERE message = ?1 ORDER BY number")                                              \
    X(EVENT_CUT, "DELETE FROM event WHERE message = ?1 AND number = ?2")                            \
    X(EVENT_END, "DELETE FROM event WHERE message = ?1")                                            \
                                                                                                    \
    X(MARK_PUT, "INSERT OR REPLACE INTO mark VALUES (?1, ?2, ?3)")                                  \
    X(MARK_GET, "SELECT bytes FROM mark WHERE kind = ?1 AND name = ?2")                             \
    X(MARK_END, "DELETE FROM mark WHERE kind = ?1 AND name = ?2")                                   \
                                                                                                    \
    X(CHECK_TALLY, "SELECT account, state, count(*) FROM message GROUP BY account, state")          \
    X(CHECK_LINE, "SELECT count(*) FROM message INDEXED BY message_line")                           \
    X(CHECK_TABLE, "SELECT count(*) FROM message NOT INDEXED")

enum {
#define X(name, text) QUERY_##name,
    SQLITE_QUERIES(X)
#undef X
    QUERY_COUNT
};

#endif
