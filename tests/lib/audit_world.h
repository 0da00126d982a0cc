/*
 * audit_world.h - a delivery log in memory, honest or not, and the audit of it.
 * Anything that cannot fail in a test fails it.
 */
#ifndef SEALPOST_TESTS_LIB_AUDIT_WORLD_H
#define SEALPOST_TESTS_LIB_AUDIT_WORLD_H

#include "client/audit.h"
#include "client/logtree.h"
#include "proto/receipt.h"
#include "proto/tile.h"
#include "tests/lib/net.h"

enum {
    WORLD_MAX = 700,
    EVIDENCE_MAX = 1024,
    ENTRY_MAX = 512,
    NGO = 0,
    HUB = 1
};
#define DAY_S UINT64_C(86400)

/* One log, its openings, and who acts in it.  Numbers of agencies, devices and
 * mailboxes are the same: NGO and HUB. */
struct world {
    struct net net;
    struct vkey key;
    const struct dir_agency *auditor;
    struct sign_secret auditor_root;
    uint64_t leaf_time_s[NET_LEAVES];
    uint64_t now_s;
    unsigned helpers; /* of audits */
    struct logtree tree;
    unsigned n;
    struct {
        struct event ev;
        uint8_t opening[OPENING_LEN];
        uint8_t entry[ENTRY_MAX];
        size_t entry_len;
        uint8_t evidence[EVIDENCE_MAX];
        size_t evidence_len;
        bool is_shown;
    } e[WORLD_MAX];
};

/* For cmocka_unit_test_setup_teardown(). */
int world_setup(void **state);
int world_teardown(void **state);
/* Another ADMIT of the auditor: "scope agencies=* from=* to=*". */
void world_scope(struct world *w, const char *services);
struct head head_at(const struct world *w, uint64_t size);

/* ---- entries; each gives its index ---- */

unsigned log_bytes(struct world *w, const uint8_t *entry, size_t len);
unsigned log_event(struct world *w, const struct event *ev,
                   const void *evidence, size_t len);
unsigned store_from(struct world *w, unsigned packet, unsigned from,
                    unsigned to);
/* An auditor's question for openings from entry FIRST on. */
unsigned log_read(struct world *w, uint64_t first);
/* From NGO to HUB. */
unsigned store(struct world *w, unsigned packet);
/* The event TYPE of the packet that STORED began, as of now, by DEVICE. */
struct event later(const struct world *w, unsigned stored, uint8_t type,
                   const struct device_id *device);
struct rcpt rcpt_of(const struct world *w, unsigned stored, uint8_t outcome,
                    uint16_t reason);
unsigned log_rcpt(struct world *w, unsigned stored, uint8_t type,
                  const struct rcpt *r, const struct sign_secret *key);
unsigned hand_over(struct world *w, unsigned stored);
unsigned refuse(struct world *w, unsigned stored);
unsigned withdraw(struct world *w, unsigned stored);
/* Time goes on to the sweep after its last day. */
unsigned expire(struct world *w, unsigned stored);
void erase(struct world *w, unsigned index);
/* One packet for each end, one pending, one copy to a colleague. */
void all_ends(struct world *w);
/* The relay's proof of entry INDEX under the head of SIZE entries. */
struct receipt receipt_of(const struct world *w, unsigned index, uint64_t size);

/* ---- the audit of it ---- */

struct audit_options world_options(struct world *w,
                                   const struct dir_agency *self);
size_t rows_of(const struct world *w, unsigned from, unsigned to,
               struct audit_row *rows);
void bundle_of(const struct world *w, unsigned from, unsigned to,
               struct buf *out);
struct audit *start(struct world *w, const struct dir_agency *self);
/* What A does not have yet, up to entry END. */
enum err feed_to(struct world *w, struct audit *a, unsigned end);
enum err feed(struct world *w, struct audit *a);
struct audit *audit_as(struct world *w, const struct dir_agency *self);
struct audit *audit(struct world *w);
void assert_none(const struct audit *a);
/* Exactly one, of this code and about this entry. */
void assert_one(const struct audit *a, const char *code, uint64_t index);
void check_one(struct world *w, const char *code, uint64_t index);
void check_none(struct world *w);

#endif
