/*
 * bundle_fixture.h - one packet's evidence in a network in memory (net.h): its
 * header and lists with made-up wraps and body, the events that a test logs,
 * and the bundle of them all.  The same bytes every time.
 *
 *   agency  0 shelter non_statutory  device 0        mailbox 0   the sender
 *           1 hub     statutory      devices 1 and 2 mailbox 1   the recipient
 *
 * Life: bundle_fixture_init; log events, change NET; bundle_fixture_make,
 * spoil what is to be spoilt in B; bundle_fixture_judge; bundle_fixture_clear.
 */
#ifndef SEALPOST_TESTS_BUNDLE_FIXTURE_H
#define SEALPOST_TESTS_BUNDLE_FIXTURE_H

#include "proto/bundle_judge.h"
#include "proto/receipt.h"
#include "tests/lib/memtree.h"
#include "tests/lib/net.h"

enum {
    BF_EVENTS = 16,
    BF_PARTS = 3, /* 0 meta, 1 here, 4 withheld */
    BF_ATTS = 2,
};
#define BF_CREATED_MS (NET_TIME * 1000)
#define BF_STORED_MS (BF_CREATED_MS + 60000)

struct bf_event {
    uint64_t index;
    uint8_t opening[OPENING_LEN];
    struct event ev;
    struct buf evidence;
    struct buf proof;    /* made with the bundle */
    struct buf cosigned; /* the same under a cosigned head */
};

struct bundle_fixture {
    struct net net;
    struct memtree log; /* delivery */
    struct sign_secret witness;
    struct vkey witness_key;
    struct trust *trust; /* one log, one witness, its quorum */
    uint64_t cosigned_s; /* 0: no cosigned heads in the bundle */
    struct header h;
    struct buf hdr, seal, inner, lists;
    struct hash hh, digest;
    struct inner in; /* borrows INNER */
    size_t n_events;
    struct bf_event events[BF_EVENTS];
    uint64_t stored_index;
    /* What bundle_fixture_make made. */
    struct buf checkpoint;
    struct hash paths[NET_LEAVES][MERKLE_PATH_MAX];
    struct bundle b;
};

void bundle_fixture_init(struct bundle_fixture *f);
void bundle_fixture_clear(struct bundle_fixture *f);

/* An event of the packet at TIME_MS, with the evidence that its type needs: by
 * DEVICE (number in net), `opened` or undecryptable.  stored, warned, expired
 * have none. */
struct bf_event *bundle_fixture_log(struct bundle_fixture *f, unsigned type,
                                    unsigned device, uint64_t time_ms);
/* The same event with another word behind it: hash, leaf and all are made
 * anew, as a relay that lies would. */
void bundle_fixture_back(struct bundle_fixture *f, struct bf_event *e,
                         const void *evidence, size_t len);
/* RCPT as the device would sign it for E; fields may be changed before. */
struct rcpt bundle_fixture_rcpt(const struct bundle_fixture *f,
                                const struct bf_event *e, unsigned device);
/* stored and handed_over to device 1. */
void bundle_fixture_story(struct bundle_fixture *f);

/* F->b of everything there is: all leaves of the directory, all events, every
 * part that is here.  May be called again. */
void bundle_fixture_make(struct bundle_fixture *f);
/* F->b as bytes, parsed again and judged, as a reader would. */
enum err bundle_fixture_judge(struct bundle_fixture *f,
                              const struct bundle_anchor *a,
                              struct bundle_proven *out,
                              struct bundle_fault *fault);

#endif
