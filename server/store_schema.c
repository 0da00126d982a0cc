/*
 * The tables.  A change of the schema appends a migration; user_version counts
 * those that were applied.
 *
 * Numbers that name things: a packet is the delivery-log index of its stored
 * event; a leaf is log << 62 | index; a tile is log << 57 | level << 54 | n.
 * What has a purge rule says so: sweep deletes it (store_sweep*.c).
 */
#include "server/store_db.h"

static const char *const migrations[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;"

    /* The logs.  Leaves and tiles are for ever; heads go with the receipts
     * that are rebuilt from them. */
    "CREATE TABLE log (id INTEGER PRIMARY KEY, size INTEGER NOT NULL,"
    " root BLOB NOT NULL, peaks BLOB NOT NULL);"
    "CREATE TABLE head (log INTEGER, size INTEGER, root BLOB NOT NULL,"
    " sig BLOB, PRIMARY KEY (log, size)) WITHOUT ROWID;"
    "CREATE INDEX head_unsigned ON head (log, size) WHERE sig IS NULL;"
    "CREATE TABLE tile (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE leaf (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"

    /* Openings and evidence.  Purged after the retention: with their packet,
     * or at retain_until (0: with its packet). */
    "CREATE TABLE opening (idx INTEGER PRIMARY KEY, packet INTEGER,"
    " sender BLOB NOT NULL, recipient BLOB NOT NULL,"
    " time_ms INTEGER NOT NULL, bytes BLOB NOT NULL, evidence BLOB,"
    " retain_until INTEGER NOT NULL);"
    "CREATE INDEX opening_packet ON opening (packet, idx)"
    " WHERE packet IS NOT NULL;"
    "CREATE INDEX opening_due ON opening (retain_until)"
    " WHERE retain_until > 0;"
    "CREATE TABLE event_of (agency BLOB, idx INTEGER,"
    " PRIMARY KEY (agency, idx)) WITHOUT ROWID;"

    /* The mirror of the directory: as many rows as the directory has names. */
    "CREATE TABLE agency (id BLOB PRIMARY KEY, suspended INTEGER NOT NULL,"
    " blobs INTEGER NOT NULL, blob_bytes INTEGER NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE TABLE device (id BLOB PRIMARY KEY, agency BLOB NOT NULL,"
    " not_after INTEGER NOT NULL, ended INTEGER NOT NULL,"
    " leaf INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX device_due ON device (not_after) WHERE ended = 0;"
    "CREATE TABLE mailbox (id BLOB PRIMARY KEY, agency BLOB NOT NULL,"
    " open INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE member (mailbox BLOB, device BLOB,"
    " PRIMARY KEY (mailbox, device)) WITHOUT ROWID;"
    /* Purged at not_after, and beyond the newest eight of a device. */
    "CREATE TABLE prekey (id BLOB PRIMARY KEY, device BLOB NOT NULL,"
    " not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    " stmt BLOB NOT NULL);"
    "CREATE INDEX prekey_device ON prekey (device, not_before);"
    "CREATE INDEX prekey_due ON prekey (not_after);"

    /* Packets: the row is tombstone and idempotency key.  Erased a retention
     * after the end (erase_at), purged a second one later.  The body goes when
     * every live device has it, or at the end. */
    "CREATE TABLE packet (id INTEGER PRIMARY KEY, packet_id BLOB NOT NULL,"
    " sender BLOB NOT NULL, digest BLOB NOT NULL, mailbox BLOB NOT NULL,"
    " recipient BLOB NOT NULL, class INTEGER NOT NULL,"
    " size_class INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    " received_ms INTEGER NOT NULL, size INTEGER NOT NULL,"
    " state INTEGER NOT NULL, live INTEGER NOT NULL,"
    " warn_ms INTEGER NOT NULL, has_body INTEGER NOT NULL,"
    " erase_at INTEGER NOT NULL, erased INTEGER NOT NULL, seen BLOB,"
    " UNIQUE (packet_id, sender));"
    "CREATE INDEX packet_due ON packet (not_after) WHERE state = 1;"
    "CREATE INDEX packet_old ON packet (received_ms) WHERE state = 1;"
    "CREATE INDEX packet_warn ON packet (warn_ms) WHERE warn_ms > 0;"
    "CREATE INDEX packet_body ON packet (not_after)"
    " WHERE has_body = 1 AND state <> 1;"
    "CREATE INDEX packet_erase ON packet (erase_at) WHERE erase_at > 0;"
    /* state: 0 waiting, 1 opened, 2 failed, 3 gone. */
    "CREATE TABLE slot (packet INTEGER, pos INTEGER, device BLOB NOT NULL,"
    " prekey BLOB NOT NULL, state INTEGER NOT NULL,"
    " PRIMARY KEY (packet, pos)) WITHOUT ROWID;"
    "CREATE INDEX slot_wait ON slot (device, packet) WHERE state = 0;"
    "CREATE TABLE body (packet INTEGER PRIMARY KEY, hdr BLOB NOT NULL,"
    " wrap_hashes BLOB NOT NULL, wraps BLOB NOT NULL, bytes BLOB NOT NULL);"
    /* What each agency sent, by state; own copies apart. */
    "CREATE TABLE tally (agency BLOB, own INTEGER, stored INTEGER NOT NULL,"
    " handed_over INTEGER NOT NULL, refused INTEGER NOT NULL,"
    " withdrawn INTEGER NOT NULL, expired INTEGER NOT NULL,"
    " pending INTEGER NOT NULL, pending_bytes INTEGER NOT NULL,"
    " PRIMARY KEY (agency, own)) WITHOUT ROWID;"

    /* Attachments; the bytes rest in files.  Purged at keep_until when no
     * packet with a body names them. */
    "CREATE TABLE blob (id INTEGER PRIMARY KEY AUTOINCREMENT,"
    " owner BLOB NOT NULL, att BLOB NOT NULL, ct_len INTEGER NOT NULL,"
    " digest BLOB NOT NULL, have INTEGER NOT NULL, complete INTEGER NOT NULL,"
    " refs INTEGER NOT NULL, keep_until INTEGER NOT NULL,"
    " UNIQUE (att, owner));"
    "CREATE INDEX blob_due ON blob (keep_until) WHERE refs = 0;"
    "CREATE TABLE packet_blob (packet INTEGER, blob INTEGER,"
    " PRIMARY KEY (packet, blob)) WITHOUT ROWID;"

    /* Invitations and joins.  Purged a while after the expiry. */
    "CREATE TABLE joining (code BLOB PRIMARY KEY, expiry INTEGER NOT NULL,"
    " state INTEGER NOT NULL, agency BLOB, request BLOB, detail BLOB,"
    " received_s INTEGER NOT NULL);"
    "CREATE INDEX joining_waiting ON joining (received_s) WHERE state = 1;"
    "CREATE INDEX joining_agency ON joining (agency, received_s);"
    "CREATE INDEX joining_due ON joining (expiry);"
    /* Purged when the hour's event is written. */
    "CREATE TABLE quota_refused (hour INTEGER, agency BLOB,"
    " n INTEGER NOT NULL, PRIMARY KEY (hour, agency)) WITHOUT ROWID;",

    /* Heads that witnesses cosigned.  Purged when due: first unless the last
     * of its hour, then for good. */
    "CREATE TABLE cosigned (log INTEGER, size INTEGER,"
    " time_s INTEGER NOT NULL, quorum INTEGER NOT NULL, due INTEGER NOT NULL,"
    " thinned INTEGER NOT NULL, note BLOB NOT NULL,"
    " PRIMARY KEY (log, size)) WITHOUT ROWID;"
    "CREATE INDEX cosigned_due ON cosigned (due);"
    "CREATE INDEX cosigned_quorum ON cosigned (log, size) WHERE quorum = 1;",

    /* Earlier names and keys of the logs: heads up to SIZE are under KEY. */
    "CREATE TABLE era (log INTEGER, size INTEGER, origin TEXT NOT NULL,"
    " key BLOB NOT NULL, PRIMARY KEY (log, size)) WITHOUT ROWID;",

    /* When a member last had a mailbox session. */
    "ALTER TABLE mailbox ADD COLUMN collected INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX member_device ON member (device);",
};

enum { MIGRATIONS = sizeof(migrations) / sizeof(migrations[0]) };

static enum err
migrate_one(struct db *db, uint64_t number)
{
    enum err rc = db_exec(db, "BEGIN IMMEDIATE");

    if (rc == ERR_OK)
        rc = db_exec(db, migrations[number]);
    if (rc == ERR_OK)
        rc = db_set_pragma(db, "user_version", number + 1);
    if (rc == ERR_OK)
        rc = db_exec(db, "COMMIT");
    if (rc != ERR_OK && !db_is_idle(db))
        (void)db_exec(db, "ROLLBACK");
    return rc;
}

enum err
db_migrate(struct db *db)
{
    uint64_t version;
    enum err rc = db_get_pragma(db, "user_version", &version);

    if (rc == ERR_OK && version > MIGRATIONS)
        return ERR_VERSION;
    while (rc == ERR_OK && version < MIGRATIONS)
        rc = migrate_one(db, version++);
    return rc;
}
