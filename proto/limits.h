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
    X(LIMIT_MSG_NODES, 4096, "values", "512 rows of 4 fields, twice over")     \
    X(LIMIT_PAGE_BYTES, 1024 * 1024, "bytes",                                  \
      "a page of rows fits a message with its largest row added")              \
    X(LIMIT_PAGE_ROW_COST, 64, "bytes", "what a row costs beside its bytes")   \
    X(LIMIT_EVENTS_PAGE, 512, "rows", "EVENTS, AUDIT_GET and DIR pages")       \
    X(LIMIT_JOINS_PAGE, 64, "rows", "waiting requests shown at once")          \
    X(LIMIT_CHECKPOINT, 1024, "bytes", "a note with a few cosignatures")       \
    X(LIMIT_PROOF, 4096, "bytes", "proof file: 64 hashes and a checkpoint")    \
    X(LIMIT_PROOF_HASHES, 64, "hashes", "a tree of 2^64 leaves")               \
    X(LIMIT_STMT, 8192, "bytes", "one statement")                              \
    X(LIMIT_JOIN_REQUEST, 16000, "bytes", "fits an NK message")                \
    X(LIMIT_PREKEYS_PUT, 16, "statements", "one PREKEY_PUT")                   \
    X(LIMIT_PREKEYS_GET, 256, "statements", "one for each slot")               \
    X(LIMIT_TILE_PATH, 64, "bytes", "the longest tile path and to spare")      \
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

#define LIMITS_ENUM(name, value, unit, reason) name = value,
enum limit_wire { LIMITS_WIRE(LIMITS_ENUM) LIMIT_WIRE_END };
enum limit_packet { LIMITS_PACKET(LIMITS_ENUM) LIMIT_PACKET_END };
#undef LIMITS_ENUM

#endif
