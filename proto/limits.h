/*
 * limits.h - everything a stranger or a member can grow, with unit and reason.
 * CRYPTO.md section 6; a file's own formats may add theirs here.  Knows
 * nothing; a decoder compares, it never trusts a length.
 */
#ifndef SEALPOST_PROTO_LIMITS_H
#define SEALPOST_PROTO_LIMITS_H

#include <stdint.h>

enum {
    /* ---- packet ---- */
    LIMIT_SLOTS = 256,           /* devices of one mailbox; u16 in HDR */
    LIMIT_ATTACHMENTS = 128,     /* per packet: a case file, not an archive */
    LIMIT_PARTS = 16,            /* disclosure parts of one packet */
    LIMIT_PAD_MIN = 4096,        /* bytes: smallest padded body */
    LIMIT_PAD_MAX = 1 << 20,     /* bytes: one body fits memory many times */
    LIMIT_INNER = (1 << 20) - 4, /* bytes: LIMIT_PAD_MAX less the length */

    /* ---- link ---- */
    LIMIT_MESSAGE = 1536 * 1024,  /* bytes: HDR, 256 wraps, body, some air */
    LIMIT_MESSAGE_NK = 16 * 1024, /* bytes: strangers ask little */
    LIMIT_DELIVER_UNACKED = 16,   /* DELIVER per session without a receipt */
    LIMIT_EVENTS_PAGE = 512,      /* events or leaves in one answer */

    /* ---- statements ---- */
    LIMIT_STATEMENT = 8192,        /* bytes: a leaf of the directory log */
    LIMIT_REGISTRAR_KEYS = 16,     /* in POLICY: a board, not a parliament */
    LIMIT_SIGNATURES = 16,         /* on one statement: as many registrars */
    LIMIT_RELAY_NAME = 64,         /* bytes: part of every prologue */
    LIMIT_ORIGIN = 128,            /* bytes: first line of every checkpoint */
    LIMIT_AGENCY_NAME = 120,       /* bytes of UTF-8: a line on a screen */
    LIMIT_SERVICES = 4096,         /* bytes of UTF-8: what an agency offers */
    LIMIT_LABEL = 80,              /* bytes of UTF-8: device or mailbox */
    LIMIT_CONTACT = 1000,          /* bytes of UTF-8: duty phone and hours */
    LIMIT_MAILBOX_DEVICES = 255,   /* u8 in MAILBOX; below LIMIT_SLOTS */
    LIMIT_AGENCY_DEVICES = 4096,   /* for ever, revoked too: keys stay known */
    LIMIT_AGENCY_MAILBOXES = 1024, /* for ever, closed too */
    LIMIT_DIRECTORY_LEAVES = 1 << 20, /* every client holds them all */
    LIMIT_DEVICE_DAYS = 400,          /* a device is enrolled for a year */
    LIMIT_REROOT_DELAY_H = 72, /* hours in which the old root may cancel */
    LIMIT_REROOT_LEFT_H = 71,  /* hours left when relay or client sees it */
    LIMIT_AHEAD_H = 48,        /* hours a claimed time may lie ahead of now */

    /* ---- joining ---- */
    LIMIT_INVITE_DAYS = 14,   /* a code is a bearer secret: not for long */
    LIMIT_ADDRESS = 253 + 6,  /* bytes: DNS name, colon, port */
    LIMIT_INVITE_TEXT = 1024, /* characters: longest invite is below 700 */
    LIMIT_RELAY_CARD = 2048,  /* bytes: longest card is below 900 */
    LIMIT_JOIN_REQUEST = 15 * 1024, /* bytes: fits an NK message */

    /* ---- prekeys ---- */
    LIMIT_PREKEYS_DEVICE = 8, /* valid ones the relay keeps per device */
    LIMIT_PREKEYS_PUT = 16,   /* statements in one PREKEY_PUT */

    /* ---- quotas (defaults; policy may say otherwise) ---- */
    LIMIT_PENDING_PACKETS = 10000, /* per agency */
};

/* Bytes: 64 GiB, an attachment before padding. */
#define LIMIT_ATTACHMENT_LEN ((uint64_t)1 << 36)
/* Bytes per agency at the relay: default quota. */
#define LIMIT_PENDING_BYTES ((uint64_t)10 << 30)
/* Seconds from creation to not_after: 30 days, and the hour of rounding. */
#define LIMIT_PACKET_LIFE_S ((uint64_t)30 * 86400 + 3600)
/* Seconds: what a sender asks for when its user says nothing. */
#define LIMIT_ROUTINE_LIFE_S ((uint64_t)30 * 86400)
#define LIMIT_URGENT_LIFE_S ((uint64_t)7 * 86400)
/* Seconds since 1970 that any time field may hold: the year 9999. */
#define LIMIT_TIME_S ((uint64_t)253402300799)

#endif
