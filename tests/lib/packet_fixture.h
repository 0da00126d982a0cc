/*
 * packet_fixture.h - one sending device, a mailbox of reading devices, and
 * what the relay between them says; every key and id is derived from a word,
 * so the same fixture is the same bytes every time.  Also seals packets that
 * no honest sender makes, and with fixed randomness.
 *
 * Life: pkt_fixture_init, then change fields, seal, pkt_fixture_arrive,
 * packet_open; pkt_fixture_clear.
 */
#ifndef SEALPOST_TESTS_PACKET_FIXTURE_H
#define SEALPOST_TESTS_PACKET_FIXTURE_H

#include "proto/packet.h"
#include "proto/prekey.h"

#define PKT_FIXTURE_NOW_S UINT64_C(1767225600) /* 2026-01-01, a full hour */

struct pkt_fixture_device {
    struct device_id id;
    struct sign_secret sign;
    uint8_t seed[32]; /* of the prekey */
    struct prekey prekey;
    uint8_t stmt[PREKEY_LEN];
};

struct pkt_fixture {
    struct agency_id sender_agency;
    struct agency_id reader_agency;
    struct mailbox_id mailbox;
    struct pkt_fixture_device sender;
    size_t n_readers;
    struct pkt_fixture_device *readers; /* ascending by id */
    struct packet_recipient *recipients;
    struct packet_att *atts;
    struct inner_part parts[3]; /* meta, one here, one withheld */
    struct packet_draft draft;
    /* What DELIVER brought, set by pkt_fixture_arrive. */
    struct event stored;
    struct hash wrap_hashes[HEADER_SLOTS_MAX];
    struct arrival arrival;
    /* The reader: what its vault and directory answer. */
    size_t reading;    /* index of the device */
    enum err seed_err; /* ERR_OK: the seed */
    enum err sender_err;
    struct sender_facts facts;
    struct packet_opener opener;
};

/* N bytes (<= 64) that follow from WORD and I. */
void pkt_fixture_bytes(void *out, size_t n, const char *word, unsigned i);

void pkt_fixture_init(struct pkt_fixture *f, size_t n_readers, size_t n_atts);
void pkt_fixture_clear(struct pkt_fixture *f);

/* P as a relay would deliver it to device READER; pointers into P are kept. */
void pkt_fixture_arrive(struct pkt_fixture *f, const struct sealed_packet *p,
                        size_t reader);
/* The same after bytes were changed: hashes and stored event fit again, as
 * if a colluding sender or relay had made it so.  SHAPE may be broken. */
void pkt_fixture_restore(struct pkt_fixture *f, const struct sealed_packet *p);
/* packet_open by that device; *O is cleared first, so it must be zeroed or
 * used before.  Asserts ERR_OK. */
enum verdict pkt_fixture_open(struct pkt_fixture *f, struct opened *o);

/* The header packet_seal would make for the draft. */
void pkt_fixture_header(const struct pkt_fixture *f, struct header *h,
                        size_t inner_len);
/* Header, content key and padded content as given, with randomness that
 * follows from WORD.  CEK has one key a slot: an honest packet has the same
 * in each, the body is sealed with BODY_CEK. */
void pkt_fixture_seal(const struct pkt_fixture *f, struct sealed_packet *out,
                      const struct header *h, const uint8_t body_cek[32],
                      const uint8_t (*ceks)[32], const uint8_t *padded,
                      size_t padded_len, const char *word);
/* The draft's content signed with KEY for header H, padded, to OUT. */
void pkt_fixture_content(const struct pkt_fixture *f, struct buf *out,
                         const struct header *h, const struct sign_secret *key);
/* The draft as packet_seal makes it, but for the randomness. */
void pkt_fixture_seal_draft(const struct pkt_fixture *f,
                            struct sealed_packet *out, const char *word);

#endif
