/*
 * limits.h - every limit that a stranger, a member or a relay could push
 * against: the number, its unit and the reason.  PROTOCOL.md names the same
 * numbers and a test compares them.
 */
#ifndef SEALPOST_PROTO_LIMITS_H
#define SEALPOST_PROTO_LIMITS_H

#include <stdint.h>

/* X(name, value, unit, reason) */

/* ---- the wire: messages of msg.h ---- */
#define LIMITS_WIRE(X)                                                         \
    X(LIMIT_MSG_LEN, 1536 * 1024, "bytes",                                     \
      "the largest packet with 256 slots, and as much to spare")               \
    X(LIMIT_NK_MSG_LEN, 16 * 1024, "bytes",                                    \
      "what a stranger may make the relay hold")                               \
    X(LIMIT_NK_SESSION_S, 60, "seconds",                                       \
      "a stranger asks three things, and goes")                                \
    X(LIMIT_MSG_NODES, 4096, "values", "512 rows of 4 fields, twice over")     \
    X(LIMIT_PAGE_BYTES, 1024 * 1024, "bytes",                                  \
      "a page of rows fits a message with its largest row added")              \
    X(LIMIT_PAGE_ROW_COST, 64, "bytes", "what a row costs beside its bytes")   \
    X(LIMIT_EVENTS_PAGE, 512, "rows", "EVENTS, AUDIT_GET and DIR pages")       \
    X(LIMIT_JOINS_PAGE, 64, "rows", "waiting requests shown at once")          \
    X(LIMIT_CHECKPOINT, 1024, "bytes", "a note with a few cosignatures")       \
    X(LIMIT_COSIGNED, 8192, "bytes", "a note with all its cosignatures")       \
    X(LIMIT_PROOF, 4096, "bytes", "proof file: 64 hashes and a checkpoint")    \
    X(LIMIT_PROOF_HASHES, 64, "hashes", "a tree of 2^64 leaves")               \
    X(LIMIT_STMT, 8192, "bytes", "one statement")                              \
    X(LIMIT_JOIN_REQUEST, 16000, "bytes", "fits an NK message")                \
    X(LIMIT_PREKEYS_PUT, 16, "statements", "one PREKEY_PUT")                   \
    X(LIMIT_PREKEYS_GET, 256, "statements", "one for each slot")               \
    X(LIMIT_TILE_PATH, 64, "bytes", "the longest tile path and to spare")      \
    X(LIMIT_TILE, 1024 * 1024, "bytes", "hash tiles have 8 KiB at most")       \
    X(LIMIT_REASON, 200, "bytes", "one sentence for a person")                 \
    X(LIMIT_DETAIL, 400, "bytes", "a few sentences for a person")              \
    X(LIMIT_UNACKED_DELIVER, 16, "packets",                                    \
      "DELIVER without RECEIPT, per session: memory of the client")            \
    X(LIMIT_DEVICE_SESSIONS, 4, "sessions", "of one device at a time")         \
    X(LIMIT_DEVICE_PREKEYS, 8, "statements", "valid ones kept per device")

/* ---- packets ---- */
#define LIMITS_PACKET(X)                                                       \
    X(LIMIT_SLOTS, 256, "slots", "devices of one mailbox")                     \
    X(LIMIT_ATTS, 128, "attachments", "of one packet")                         \
    X(LIMIT_HDR_MIN, 58 + 32, "bytes", "one slot, no attachment")              \
    X(LIMIT_HDR, 58 + 32 * 256 + 56 * 128, "bytes", "all slots, attachments")  \
    X(LIMIT_WRAP, 1168, "bytes", "one wrap, exactly")                          \
    X(LIMIT_BODY_MIN, 56 + 4096 + 16, "bytes", "the smallest padded body")     \
    X(LIMIT_BODY, 56 + 1048576 + 16 * 65, "bytes", "a padded body of 2^20")

/* ---- packets, above what an enum holds ---- */
#define LIMIT_ATT_PLAIN UINT64_C(68719476736)
#define LIMIT_ATT_CT_MIN UINT64_C(4168)
#define LIMIT_ATT_CT UINT64_C(68786585672)
#define LIMITS_BIG(X)                                                          \
    X(LIMIT_ATT_PLAIN, UINT64_C(68719476736), "bytes", "one file: 2^36")       \
    X(LIMIT_ATT_CT_MIN, UINT64_C(4168), "bytes", "smallest padded file")       \
    X(LIMIT_ATT_CT, UINT64_C(68786585672), "bytes", "a file of 2^36 sealed")

/* ---- statements, the directory ---- */
#define LIMITS_DIRECTORY(X)                                                    \
    X(LIMIT_REGISTRAR_KEYS, 16, "keys", "in POLICY: a board, no parliament")   \
    X(LIMIT_SIGNATURES, 16, "signatures", "as many as registrars")             \
    X(LIMIT_RELAY_NAME, 64, "bytes", "part of every prologue")                 \
    X(LIMIT_ORIGIN, 128, "bytes", "first line of every checkpoint")            \
    X(LIMIT_AGENCY_NAME, 120, "bytes", "a line on a screen")                   \
    X(LIMIT_SERVICES, 4096, "bytes", "what an agency offers; audit scope")     \
    X(LIMIT_LABEL, 80, "bytes", "of a device or mailbox")                      \
    X(LIMIT_CONTACT, 1000, "bytes", "duty phone and hours")                    \
    X(LIMIT_MAILBOX_DEVICES, 255, "devices", "u8 in MAILBOX")                  \
    X(LIMIT_AGENCY_DEVICES, 4096, "devices", "ever: keys stay known")          \
    X(LIMIT_AGENCY_MAILBOXES, 1024, "mailboxes", "ever, closed ones too")      \
    X(LIMIT_DIRECTORY_LEAVES, 1 << 20, "leaves", "every client holds them")    \
    X(LIMIT_DIRECTORY_RESERVE, 4096, "leaves",                                 \
      "the last ones are for registrars, who can always stop a device")        \
    X(LIMIT_DEVICE_DAYS, 400, "days", "a device is enrolled for a year")       \
    X(LIMIT_REROOT_DELAY_H, 72, "hours", "in which the old root may cancel")   \
    X(LIMIT_REROOT_LEFT_H, 71, "hours", "left when relay or client sees it")   \
    X(LIMIT_AHEAD_H, 48, "hours", "a claimed time may lie ahead of now")

/* ---- joining ---- */
#define LIMITS_JOINING(X)                                                      \
    X(LIMIT_INVITE_DAYS, 14, "days", "a code is a bearer secret")              \
    X(LIMIT_ADDRESS, 259, "bytes", "DNS name of 253, colon, port")             \
    X(LIMIT_INVITE_TEXT, 2048, "characters", "the longest invite twice over")  \
    X(LIMIT_RELAY_CARD, 65536, "bytes", "a mail with a card in it")

/* ---- evidence bundles ---- */
#define LIMITS_EVIDENCE(X)                                                     \
    X(LIMIT_BUNDLE, 8 * 1024 * 1024, "bytes",                                  \
      "an evidence bundle with every part of its packet disclosed")            \
    X(LIMIT_BUNDLE_ROWS, 512, "rows",                                          \
      "statements, receipts of a bundle: every device of a mailbox, twice")

/* ---- times, above what an enum holds ---- */
#define LIMIT_TIME_S UINT64_C(253402300799)
#define LIMIT_PACKET_LIFE_S UINT64_C(2595600)
#define LIMITS_TIME(X)                                                         \
    X(LIMIT_TIME_S, UINT64_C(253402300799), "seconds", "the year 9999")        \
    X(LIMIT_PACKET_LIFE_S, UINT64_C(2595600), "seconds",                       \
      "30 days, and the hour of rounding")

#define LIMITS_ENUM(name, value, unit, reason) name = value,
enum limit_wire { LIMITS_WIRE(LIMITS_ENUM) LIMIT_WIRE_END };
enum limit_packet { LIMITS_PACKET(LIMITS_ENUM) LIMIT_PACKET_END };
enum limit_directory { LIMITS_DIRECTORY(LIMITS_ENUM) LIMIT_DIRECTORY_END };
enum limit_joining { LIMITS_JOINING(LIMITS_ENUM) LIMIT_JOINING_END };
enum limit_evidence { LIMITS_EVIDENCE(LIMITS_ENUM) LIMIT_EVIDENCE_END };
#undef LIMITS_ENUM

#endif
