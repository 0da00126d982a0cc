/*
 * records.h - what lies in the vault: one kind a row.  The vault itself knows
 * only (kind, id, bytes); this is where their meaning stands.
 *
 * JSON records hold what is looked at (times, names, states); raw records hold
 * what is hashed, signed or sent, byte for byte as it came or went.
 */
#ifndef SEALPOST_CLIENT_RECORDS_H
#define SEALPOST_CLIENT_RECORDS_H

enum record_kind {
    REC_IDENTITY = 1,  /* JSON, id 0: who we are and which relay (identity.h) */
    REC_SECRETS = 2,   /* raw, id 0: sign seed(32) || transport secret(32) */
    REC_ROOT = 3,      /* raw, id 0: agency root seed(32), until printed or with
                          --keep-root */
    REC_REGISTRAR = 4, /* raw, id 0: registrar seed(32) */
    REC_LEAVES = 5,    /* raw, id = u64 first index: n x (u16 len || leaf) of
                          the directory log */
    REC_HEADS = 6,     /* JSON, id 0: newest heads seen, last complete sync */
    REC_CONTACT = 7,   /* JSON, id = agency: digits checked when, by whom */
    REC_DRAFT = 8,     /* JSON, id random: a referral being written */
    REC_PACKET = 9,    /* JSON, id = packet_id xor direction: one packet sent,
                          copied or received; see mail.h */
    REC_SEALED = 10,   /* raw, id = packet_id: u32 len HDR || u32 len WRAP ||
                          u32 len BODY, kept until hand-over */
    REC_INNER = 11,    /* raw, as REC_PACKET: the opened INNER bytes */
    REC_PROOF = 12, /* raw, as REC_PACKET: the relay's proof file, of `stored`
                       for what we sent, of our receipt for what came */
    REC_RCPT = 13,  /* raw, id = pkt_digest[0..16]: our receipt, 332 bytes */
    /* 14 is free: marks of packets seen live beside the prekey's seed */
    REC_QUARANTINE = 15, /* JSON, id = pkt_digest[0..16]: what came, why it is
                            kept apart; its content, if read, is REC_INNER
                            of the same id */
    REC_PREKEY = 16,     /* JSON, id = prekey_id; its seed is in the keyring */
    REC_EVENT = 17,      /* raw, id = u64 index: opening(192) || u16 len ||
                            evidence || proof */
    REC_STATEMENT = 18,  /* raw, while WAITING; id 0: our request to join or
                            of a device; id 1: the bundle that answers a
                            device's */
    REC_BLOB = 20,       /* JSON, id by sender and att_id: a sealed attachment's
                            file; see blobs.h */
    REC_ALIAS = 21,      /* JSON, id = a packet id that was given up when it
                            was sealed again: the new one */
    REC_CARD = 22,       /* text, id 0: the agency's card, while a later device
                            is WAITING */
    REC_WDRW = 23,       /* raw, id = packet_id: our withdrawal, 170 bytes */
    REC_WITHHELD = 24,   /* raw, id as REC_PACKET: parts that did not travel,
                            n x (u8 part || blind(32) || u32 len || bytes):
                            shows later what a commitment stood for */
    REC_ENVELOPE = 31,   /* raw, id as REC_PACKET: u16 len || HDR || a hash of
                            each wrap || D(BODY); see envelope.h */
    REC_AUDIT_BOOK = 27, /* raw, id 0: n x (file(16) || key(32) || u64 len):
                            where the last audit is kept; see audit_keep.h */
    REC_COSIGNED = 25,   /* raw, id = u64 log: the newest head of it that the
                            policy's witnesses cosigned, as a note */
    REC_REFRESHED = 26,  /* raw, id as REC_PROOF: a later proof of the same
                            entry, to a cosigned head */
    REC_TRUST = 30,      /* text, id 0: the trust policy in use */
    REC_SUCCESSION = 29, /* id by POLICY, what and index: what a succession
                            of the relay's log left out; see succession.h */
    REC_NOTICE = 28,     /* JSON, id by the event: a packet of ours that did
                            not arrive; see notice.h */
    REC_KEY_BACKUP = 19, /* JSON, id 0: when the paper key was made */
};

#endif
