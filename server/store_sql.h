/*
 * store_sql.h - every statement the store runs: one enum, one table.
 * Grouped like the files that use them.
 */
#ifndef SEALPOST_SERVER_STORE_SQL_H
#define SEALPOST_SERVER_STORE_SQL_H

#define SQL_PACKET_COLUMNS                                                     \
    "id, packet_id, sender, digest, mailbox, recipient, class, size_class,"    \
    " not_after, received_ms, size, state, live, has_body, erased, seen"

#define SQL_OPENING_COLUMNS "idx, bytes, sender, recipient, evidence"

/* store_open.c, store.c: the frame of a transaction and the logs */
#define STORE_SQL_LOGS(X)                                                      \
    X(BEGIN, "BEGIN IMMEDIATE")                                                \
    X(BEGIN_READ, "BEGIN")                                                     \
    X(COMMIT, "COMMIT")                                                        \
    X(ROLLBACK, "ROLLBACK")                                                    \
    X(META_GET, "SELECT value FROM meta WHERE name = ?")                       \
    X(META_SET, "INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)")     \
    X(LOG_GET, "SELECT size, root, peaks FROM log WHERE id = ?")               \
    X(LOG_SET, "INSERT OR REPLACE INTO log (id, size, root, peaks)"            \
               " VALUES (?, ?, ?, ?)")                                         \
    X(HEAD_ADD, "INSERT OR IGNORE INTO head (log, size, root)"                 \
                " VALUES (?, ?, ?)")                                           \
    X(HEAD_SIGN, "UPDATE head SET sig = ? WHERE log = ? AND size = ?"          \
                 " AND sig IS NULL")                                           \
    X(HEAD_UNSIGNED, "SELECT size, root FROM head WHERE log = ?"               \
                     " AND sig IS NULL LIMIT 1")                               \
    X(HEAD_AT, "SELECT size, root, sig FROM head WHERE log = ? AND size = ?")  \
    X(HEAD_ABOVE, "SELECT size, root, sig FROM head WHERE log = ?"             \
                  " AND size > ? ORDER BY size LIMIT 1")                       \
    X(HEAD_LAST, "SELECT size, root, sig FROM head WHERE log = ?"              \
                 " ORDER BY size DESC LIMIT 1")                                \
    X(HEAD_PURGE, "DELETE FROM head WHERE log = ? AND size <= ?")              \
    X(TILE_GET, "SELECT bytes FROM tile WHERE id = ?")                         \
    X(TILE_SET, "INSERT OR REPLACE INTO tile (id, bytes) VALUES (?, ?)")       \
    X(LEAF_ADD, "INSERT INTO leaf (id, bytes) VALUES (?, ?)")                  \
    X(LEAF_GET, "SELECT bytes FROM leaf WHERE id = ?")                         \
    X(LEAF_RANGE, "SELECT id, bytes FROM leaf WHERE id >= ? AND id < ?"        \
                  " ORDER BY id LIMIT ?")

/* store_succeed.c */
#define STORE_SQL_ERAS(X)                                                      \
    X(ERA_ADD, "INSERT INTO era (log, size, origin, key) VALUES (?, ?, ?, ?)") \
    X(ERA_ALL, "SELECT log, size, origin, key FROM era ORDER BY size")         \
    X(COSIGNED_CLEAR, "DELETE FROM cosigned")                                  \
    X(OPENING_NEWEST, "SELECT time_ms FROM opening ORDER BY idx DESC LIMIT 1")

/* store_events.c */
#define STORE_SQL_EVENTS(X)                                                    \
    X(OPENING_ADD, "INSERT INTO opening (idx, packet, sender, recipient,"      \
                   " time_ms, bytes, evidence, retain_until)"                  \
                   " VALUES (?, nullif(?, -1), ?, ?, ?, ?, ?, ?)")             \
    X(OPENING_GET,                                                             \
      "SELECT " SQL_OPENING_COLUMNS " FROM opening WHERE idx = ?")             \
    X(OPENING_BY_EVIDENCE, "SELECT idx FROM opening WHERE packet = ?"          \
                           " AND evidence = ?")                                \
    X(OPENING_OF_PACKET, "SELECT idx FROM opening WHERE packet = ?"            \
                         " ORDER BY idx LIMIT 1")                              \
    X(OPENING_DUE, "SELECT idx FROM opening WHERE retain_until > 0"            \
                   " AND retain_until <= ? ORDER BY retain_until LIMIT 1")     \
    X(OPENING_DROP, "DELETE FROM opening WHERE idx = ?")                       \
    X(OPENING_FIRST, "SELECT idx FROM opening ORDER BY idx LIMIT 1")           \
    X(OPENING_PARTIES, "SELECT sender, recipient FROM opening WHERE idx = ?")  \
    X(OPENING_RANGE, "SELECT " SQL_OPENING_COLUMNS ", time_ms FROM opening"    \
                     " WHERE idx >= ? AND idx < ? ORDER BY idx")               \
    X(EVENT_OF_ADD, "INSERT OR IGNORE INTO event_of (agency, idx)"             \
                    " VALUES (?, ?)")                                          \
    X(EVENT_OF_DROP, "DELETE FROM event_of WHERE agency = ? AND idx = ?")      \
    X(EVENT_OF_LIST,                                                           \
      "SELECT o.idx, o.bytes, o.sender, o.recipient, o.evidence"               \
      " FROM event_of e JOIN opening o ON o.idx = e.idx"                       \
      " WHERE e.agency = ? AND e.idx >= ? ORDER BY e.idx LIMIT ?")

/* store_packet.c, store_receipt.c, store_slots.c */
#define STORE_SQL_PACKETS(X)                                                   \
    X(PACKET_ADD,                                                              \
      "INSERT INTO packet (id, packet_id, sender, digest, mailbox, recipient," \
      " class, size_class, not_after, received_ms, size, live, warn_ms,"       \
      " state, has_body, erase_at, erased)"                                    \
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 1, 0, 0)")           \
    X(PACKET_BY_NAME, "SELECT " SQL_PACKET_COLUMNS                             \
                      " FROM packet WHERE packet_id = ? AND sender = ?")       \
    X(PACKET_BY_ID, "SELECT " SQL_PACKET_COLUMNS " FROM packet WHERE id = ?")  \
    X(PACKET_NAMED, "SELECT 1 FROM packet WHERE packet_id = ? LIMIT 1")        \
    X(PACKET_END, "UPDATE packet SET state = ?, erase_at = ?, warn_ms = 0"     \
                  " WHERE id = ?")                                             \
    X(PACKET_LIVE, "UPDATE packet SET live = ? WHERE id = ?")                  \
    X(PACKET_BODY_GONE, "UPDATE packet SET has_body = 0 WHERE id = ?")         \
    X(PACKET_SEEN, "UPDATE packet SET seen = ?"                                \
                   " WHERE id = ? AND state = 1 AND seen IS NULL")             \
    X(SLOT_ADD, "INSERT INTO slot (packet, pos, device, prekey, state)"        \
                " VALUES (?, ?, ?, ?, 0)")                                     \
    X(SLOT_OF, "SELECT pos, prekey, state FROM slot WHERE packet = ?"          \
               " AND device = ?")                                              \
    X(SLOT_SET, "UPDATE slot SET state = ? WHERE packet = ? AND pos = ?")      \
    X(SLOTS_GONE, "UPDATE slot SET state = 3 WHERE packet = ? AND state = 0")  \
    X(SLOT_WAITING, "SELECT packet, pos FROM slot WHERE device = ?"            \
                    " AND state = 0 ORDER BY packet LIMIT 1")                  \
    X(SLOT_WAITING_IN, "SELECT s.packet, s.pos FROM slot s"                    \
                       " JOIN packet p ON p.id = s.packet"                     \
                       " WHERE s.device = ? AND s.state = 0"                   \
                       " AND p.mailbox = ? ORDER BY s.packet LIMIT 1")         \
    X(SLOTS_DROP, "DELETE FROM slot WHERE packet = ?")                         \
    X(SLOT_IS_LIVE,                                                            \
      "SELECT 1 FROM member m JOIN device d ON d.id = m.device"                \
      " JOIN prekey k ON k.device = m.device"                                  \
      " WHERE m.mailbox = ? AND m.device = ? AND k.id = ?"                     \
      " AND d.ended = 0 AND d.not_after > ? AND k.not_after > ?")              \
    X(BODY_ADD, "INSERT INTO body (packet, hdr, wrap_hashes, wraps, bytes)"    \
                " VALUES (?, ?, ?, ?, ?)")                                     \
    X(BODY_DROP, "DELETE FROM body WHERE packet = ?")                          \
    X(BODY_GET, "SELECT hdr, wrap_hashes, wraps, bytes FROM body"              \
                " WHERE packet = ?")                                           \
    X(TALLY_STORED, "INSERT INTO tally VALUES (?, ?, 1, 0, 0, 0, 0, 1, ?)"     \
                    " ON CONFLICT DO UPDATE SET stored = stored + 1,"          \
                    " pending = pending + 1,"                                  \
                    " pending_bytes = pending_bytes + excluded.pending_bytes") \
    X(TALLY_END,                                                               \
      "UPDATE tally SET pending = pending - 1,"                                \
      " pending_bytes = pending_bytes - ?1,"                                   \
      " handed_over = handed_over + (?2 = 2), refused = refused + (?2 = 3),"   \
      " withdrawn = withdrawn + (?2 = 4), expired = expired + (?2 = 5)"        \
      " WHERE agency = ?3 AND own = ?4")                                       \
    X(TALLY_PENDING, "SELECT pending, pending_bytes FROM tally"                \
                     " WHERE agency = ? AND own = ?")                          \
    X(TALLY_OF,                                                                \
      "SELECT own, stored, handed_over, refused, withdrawn, expired,"          \
      " pending, pending_bytes FROM tally WHERE agency = ?")                   \
    X(TALLY_SUM,                                                               \
      "SELECT own, sum(stored), sum(handed_over), sum(refused),"               \
      " sum(withdrawn), sum(expired), sum(pending), sum(pending_bytes)"        \
      " FROM tally GROUP BY own")

/* store_directory.c */
#define STORE_SQL_DIRECTORY(X)                                                 \
    X(AGENCY_ADD, "INSERT OR IGNORE INTO agency (id, suspended, blobs,"        \
                  " blob_bytes) VALUES (?, 0, 0, 0)")                          \
    X(AGENCY_GET, "SELECT suspended, blob_bytes FROM agency WHERE id = ?")     \
    X(AGENCY_SUSPEND, "UPDATE agency SET suspended = ? WHERE id = ?")          \
    X(AGENCY_BLOBS, "UPDATE agency SET blobs = blobs + ?,"                     \
                    " blob_bytes = blob_bytes + ? WHERE id = ?")               \
    X(DEVICE_ADD, "INSERT OR REPLACE INTO device (id, agency, not_after,"      \
                  " ended, leaf) VALUES (?, ?, ?, 0, ?)")                      \
    X(DEVICE_END, "UPDATE device SET ended = 1 WHERE id = ?")                  \
    X(DEVICE_LIVE, "SELECT agency FROM device WHERE id = ? AND ended = 0"      \
                   " AND not_after > ?")                                       \
    X(DEVICE_DUE, "SELECT id, leaf FROM device WHERE ended = 0"                \
                  " AND not_after <= ? ORDER BY not_after LIMIT 1")            \
    X(MAILBOX_SET, "INSERT INTO mailbox (id, agency, open) VALUES (?, ?, ?)"   \
                   " ON CONFLICT DO UPDATE SET agency = excluded.agency,"      \
                   " open = excluded.open")                                    \
    X(MAILBOX_COLLECTED,                                                       \
      "UPDATE mailbox SET collected = ?2 WHERE collected < ?2"                 \
      " AND id IN (SELECT mailbox FROM member WHERE device = ?1)"              \
      " AND EXISTS (SELECT 1 FROM device d JOIN agency a ON a.id = d.agency"   \
      " WHERE d.id = ?1 AND d.ended = 0 AND d.not_after > ?3"                  \
      " AND a.suspended = 0)")                                                 \
    X(COLLECTED_GET, "SELECT collected FROM mailbox WHERE id = ?"              \
                     " AND open = 1")                                          \
    X(MAILBOX_GET, "SELECT m.agency, m.open, a.suspended FROM mailbox m"       \
                   " JOIN agency a ON a.id = m.agency WHERE m.id = ?")         \
    X(MEMBER_LIST, "SELECT device FROM member WHERE mailbox = ?")              \
    X(MEMBER_ADD, "INSERT OR IGNORE INTO member (mailbox, device)"             \
                  " VALUES (?, ?)")                                            \
    X(MEMBER_DROP, "DELETE FROM member WHERE mailbox = ? AND device = ?")      \
    X(PREKEY_ADD, "INSERT OR IGNORE INTO prekey (id, device, not_before,"      \
                  " not_after, stmt) VALUES (?, ?, ?, ?, ?)")                  \
    X(PREKEY_TRIM,                                                             \
      "DELETE FROM prekey WHERE device = ?1 AND id NOT IN (SELECT id"          \
      " FROM prekey WHERE device = ?1 ORDER BY not_before DESC, id LIMIT ?2)") \
    X(PREKEY_PURGE, "DELETE FROM prekey WHERE rowid IN (SELECT rowid"          \
                    " FROM prekey WHERE not_after <= ? LIMIT ?)")              \
    X(PREKEY_LIST,                                                             \
      "SELECT k.stmt FROM member m JOIN device d ON d.id = m.device"           \
      " JOIN prekey k ON k.device = m.device"                                  \
      " WHERE m.mailbox = ?1 AND d.ended = 0 AND d.not_after > ?2"             \
      " AND k.not_after > ?2"                                                  \
      " ORDER BY m.device, k.not_before DESC, k.rowid DESC")

/* store_join.c */
#define SQL_JOIN_COLUMNS                                                       \
    "code, agency, state, received_s, request, detail, expiry"
#define STORE_SQL_JOINS(X)                                                     \
    X(JOIN_INVITE, "INSERT INTO joining (code, expiry, state, received_s)"     \
                   " VALUES (?, ?, 0, 0)")                                     \
    X(JOIN_GET, "SELECT " SQL_JOIN_COLUMNS " FROM joining WHERE code = ?")     \
    X(JOIN_BIND, "UPDATE joining SET state = 1, agency = ?, request = ?,"      \
                 " received_s = ? WHERE code = ?")                             \
    X(JOIN_REFUSE, "UPDATE joining SET state = 3, detail = ?"                  \
                   " WHERE code = ?")                                          \
    X(JOIN_ADMIT, "UPDATE joining SET state = 2 WHERE agency = ?"              \
                  " AND state = 1")                                            \
    X(JOIN_WAITING, "SELECT " SQL_JOIN_COLUMNS " FROM joining"                 \
                    " WHERE state = 1 ORDER BY received_s LIMIT ?")            \
    X(JOIN_OF_AGENCY, "SELECT " SQL_JOIN_COLUMNS " FROM joining"               \
                      " WHERE agency = ? ORDER BY received_s DESC LIMIT 1")    \
    X(JOIN_COUNT, "SELECT count(*) FROM joining WHERE state = 1")              \
    X(JOIN_PURGE, "DELETE FROM joining WHERE rowid IN (SELECT rowid"           \
                  " FROM joining WHERE expiry <= ? LIMIT ?)")

/* store_blobs.c */
#define SQL_BLOB_COLUMNS "id, owner, att, ct_len, have, digest, complete, refs"
#define STORE_SQL_BLOBS(X)                                                     \
    X(BLOB_ADD,                                                                \
      "INSERT INTO blob (owner, att, ct_len, digest, have,"                    \
      " complete, refs, keep_until) VALUES (?, ?, ?, ?, 0, 0, 0, ?)")          \
    X(BLOB_BY_NAME,                                                            \
      "SELECT " SQL_BLOB_COLUMNS " FROM blob WHERE att = ? AND owner = ?")     \
    X(BLOB_BY_ID, "SELECT " SQL_BLOB_COLUMNS " FROM blob WHERE id = ?")        \
    X(BLOB_HAVE, "UPDATE blob SET have = max(have, ?1), keep_until = ?2"       \
                 " WHERE id = ?3")                                             \
    X(BLOB_DONE, "UPDATE blob SET have = ct_len, complete = 1,"                \
                 " keep_until = ? WHERE id = ?")                               \
    X(BLOB_REF, "UPDATE blob SET refs = refs + 1, keep_until = 0"              \
                " WHERE id = ?")                                               \
    X(BLOB_UNREF, "UPDATE blob SET refs = refs - 1,"                           \
                  " keep_until = max(keep_until, ?) WHERE id = ?")             \
    X(BLOB_DUE, "SELECT " SQL_BLOB_COLUMNS " FROM blob WHERE refs = 0"         \
                " AND keep_until <= ? ORDER BY keep_until LIMIT 1")            \
    X(BLOB_DROP, "DELETE FROM blob WHERE id = ?")                              \
    X(BLOB_SUM, "SELECT total(blobs), total(blob_bytes) FROM agency")          \
    X(BLOB_ALL, "SELECT " SQL_BLOB_COLUMNS " FROM blob WHERE id > ?"           \
                " ORDER BY id LIMIT 1")                                        \
    X(BLOB_FOR_DEVICE,                                                         \
      "SELECT b.id, b.owner, b.att, b.ct_len, b.have, b.digest, b.complete,"   \
      " b.refs FROM blob b JOIN packet_blob r ON r.blob = b.id"                \
      " JOIN packet p ON p.id = r.packet"                                      \
      " JOIN slot s ON s.packet = p.id AND s.device = ?2 AND s.state = 0"      \
      " WHERE b.att = ?1 AND b.owner = ?4 AND b.complete = 1"                  \
      " AND p.sender = ?4 AND p.has_body = 1 AND p.not_after > ?3 LIMIT 1")    \
    X(PACKET_BLOB_ADD, "INSERT OR IGNORE INTO packet_blob (packet, blob)"      \
                       " VALUES (?, ?)")                                       \
    X(PACKET_BLOB_NEXT, "SELECT blob FROM packet_blob WHERE packet = ?"        \
                        " LIMIT 1")                                            \
    X(PACKET_BLOB_DROP, "DELETE FROM packet_blob WHERE packet = ?"             \
                        " AND blob = ?")

/* store_sweep.c */
#define STORE_SQL_SWEEP(X)                                                     \
    X(DUE_EXPIRE, "SELECT id FROM packet WHERE state = 1 AND not_after <= ?"   \
                  " ORDER BY not_after LIMIT 1")                               \
    X(DUE_WARN, "SELECT id FROM packet WHERE warn_ms > 0 AND warn_ms <= ?"     \
                " ORDER BY warn_ms LIMIT 1")                                   \
    X(PACKET_WARNED, "UPDATE packet SET warn_ms = ? WHERE id = ?")             \
    X(DUE_BODY, "SELECT id FROM packet WHERE has_body = 1 AND state <> 1"      \
                " AND not_after <= ? ORDER BY not_after LIMIT 1")              \
    X(DUE_ERASE, "SELECT id, erased FROM packet WHERE erase_at > 0"            \
                 " AND erase_at <= ? ORDER BY erase_at LIMIT 1")               \
    X(PACKET_ERASED, "UPDATE packet SET erased = 1, erase_at = ?"              \
                     " WHERE id = ?")                                          \
    X(PACKET_DROP, "DELETE FROM packet WHERE id = ?")                          \
    X(QUOTA_COUNT, "INSERT INTO quota_refused (hour, agency, n)"               \
                   " VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1")    \
    X(QUOTA_DUE, "SELECT hour, agency, n FROM quota_refused WHERE hour < ?"    \
                 " ORDER BY hour LIMIT 1")                                     \
    X(QUOTA_DROP, "DELETE FROM quota_refused WHERE hour = ? AND agency = ?")

/* store_cosigned.c */
#define STORE_SQL_COSIGNED(X)                                                  \
    X(COSIGNED_SET, "INSERT OR REPLACE INTO cosigned (log, size, time_s,"      \
                    " quorum, due, thinned, note)"                             \
                    " VALUES (?, ?, ?, ?, ?, 0, ?)")                           \
    X(COSIGNED_DUE, "SELECT log, size, time_s, quorum, thinned FROM cosigned"  \
                    " WHERE due <= ? ORDER BY due LIMIT 1")                    \
    X(COSIGNED_LATER, "SELECT size FROM cosigned WHERE log = ? AND size > ?"   \
                      " AND quorum = 1 AND time_s >= ? AND time_s < ?"         \
                      " ORDER BY size LIMIT 1")                                \
    X(COSIGNED_KEEP, "UPDATE cosigned SET thinned = 1, due = ?"                \
                     " WHERE log = ? AND size = ?")                            \
    X(COSIGNED_DROP, "DELETE FROM cosigned WHERE log = ? AND size = ?")        \
    X(COSIGNED_NEWEST, "SELECT note FROM cosigned WHERE log = ?"               \
                       " AND quorum = 1 ORDER BY size DESC LIMIT 1")           \
    X(COSIGNED_FROM, "SELECT note FROM cosigned WHERE log = ? AND size >= ?"   \
                     " AND quorum = 1 ORDER BY size LIMIT 1")                  \
    X(COSIGNED_AT, "SELECT note FROM cosigned WHERE log = ? AND size = ?")

/* store_read*.c, store_check*.c */
#define STORE_SQL_READS(X)                                                     \
    X(NEXT_WAITING, "SELECT s.packet, s.pos FROM slot s"                       \
                    " JOIN packet p ON p.id = s.packet"                        \
                    " WHERE s.device = ? AND s.state = 0 AND s.packet >= ?"    \
                    " AND p.not_after > ? AND p.has_body = 1"                  \
                    " ORDER BY s.packet LIMIT 1")                              \
    X(COUNT_WAITING, "SELECT count(*) FROM (SELECT 1 FROM slot"                \
                     " WHERE device = ? AND state = 0 LIMIT ?)")               \
    X(PACKET_OLDEST, "SELECT received_ms FROM packet WHERE state = 1"          \
                     " ORDER BY received_ms LIMIT 1")                          \
    X(HEAD_ALL, "SELECT size, root, sig FROM head WHERE log = ? AND size > ?"  \
                " ORDER BY size LIMIT 1")                                      \
    X(PACKET_ALL, "SELECT " SQL_PACKET_COLUMNS                                 \
                  " FROM packet WHERE id >= ? ORDER BY id LIMIT 1")            \
    X(SLOT_COUNT, "SELECT count(*) FROM slot WHERE packet = ?"                 \
                  " AND state = 0")                                            \
    X(TALLY_RECOUNT,                                                           \
      "SELECT t.agency FROM tally t WHERE pending <> (SELECT count(*)"         \
      " FROM packet p WHERE p.sender = t.agency AND p.state = 1"               \
      " AND (p.recipient = p.sender) = t.own)"                                 \
      " OR stored <> handed_over + refused + withdrawn + expired + pending")   \
    X(INTEGRITY, "PRAGMA integrity_check(10)")

#define STORE_SQL(X)                                                           \
    STORE_SQL_LOGS(X)                                                          \
    STORE_SQL_ERAS(X)                                                          \
    STORE_SQL_EVENTS(X)                                                        \
    STORE_SQL_PACKETS(X)                                                       \
    STORE_SQL_DIRECTORY(X)                                                     \
    STORE_SQL_JOINS(X)                                                         \
    STORE_SQL_BLOBS(X)                                                         \
    STORE_SQL_SWEEP(X)                                                         \
    STORE_SQL_COSIGNED(X)                                                      \
    STORE_SQL_READS(X)

enum sql {
#define SQL_ENUM(name, text) SQL_##name,
    STORE_SQL(SQL_ENUM)
#undef SQL_ENUM
        SQL_COUNT
};

#endif
