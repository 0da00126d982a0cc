/*
 * net.h - a whole network in memory for tests: registrars, agencies, devices,
 * mailboxes with keys from fixed seeds, and the directory they make.  Anything
 * that cannot fail in a test aborts it.
 *
 *   struct net net; net_init(&net); ... net_clear(&net);
 *
 * Objects are numbered from 0 in the order they are made.  Time stands at
 * NET_TIME and moves only when a test sets net.now_s.
 */
#ifndef SEALPOST_TESTS_LIB_NET_H
#define SEALPOST_TESTS_LIB_NET_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "proto/crypto.h"
#include "proto/directory.h"
#include "proto/statement.h"

#define NET_TIME ((uint64_t)1790000000) /* September 2026 */

enum { NET_MAX = 64, NET_LEAVES = 1024, NET_REGISTRARS = 3 };

struct net_agency {
    struct sign_secret root;
    struct agency_id id;
};
struct net_device {
    unsigned agency;
    struct sign_secret sign;
    struct dh_secret dh;
    struct dh_key dh_pub;
    struct device_id id;
};
struct net_mailbox {
    unsigned agency;
    struct mailbox_id id;
    struct mailbox_id deputy; /* zeros: none; set before net_mailbox_update */
};

struct net {
    uint64_t now_s;
    struct sign_secret registrars[NET_REGISTRARS];
    uint8_t k, n; /* k of n registrars sign */
    struct sign_secret log_key;
    struct dh_secret relay_dh;
    struct dh_key relay_key;
    struct hash network_id;
    struct directory *dir;
    size_t n_agencies, n_devices, n_mailboxes, n_leaves;
    struct net_agency agencies[NET_MAX];
    struct net_device devices[NET_MAX];
    struct net_mailbox mailboxes[NET_MAX];
    struct buf leaves[NET_LEAVES]; /* as logged */
    unsigned next_seed;
};

/* Genesis only: relay "relay.test", origins "relay.test/delivery" and
 * "/directory", 1 of 1 registrars. */
void net_init(struct net *net);
void net_init_k_of_n(struct net *net, uint8_t k, uint8_t n);
void net_clear(struct net *net);

/* Each makes, signs and applies one statement that must take effect, and gives
 * the number of what it made. */
unsigned net_agency(struct net *net, const char *name, uint8_t class);
unsigned net_device(struct net *net, unsigned agency, const char *label);
/* With N of the agency's devices, by number. */
unsigned net_mailbox(struct net *net, unsigned agency, const char *label,
                     const unsigned *devices, size_t n);
void net_mailbox_update(struct net *net, unsigned mailbox, const char *label,
                        uint8_t state, const unsigned *devices, size_t n);
void net_revoke(struct net *net, unsigned device, uint8_t reason,
                uint64_t since_s);
void net_suspend(struct net *net, unsigned agency, uint8_t state);

/* An agency with one device and one mailbox holding it; their numbers are
 * those of the last made. */
unsigned net_desk(struct net *net, const char *name, uint8_t class);

/* Fresh keys from the next fixed seed. */
void net_sign_key(struct net *net, struct sign_secret *out);
void net_dh_key(struct net *net, struct dh_secret *out, struct dh_key *pub);

/* For negative tests: the head (seq, prev, time, issuer) that would be right
 * now for a registrar or for AGENCY; then build and sign (by k registrars, or
 * by the agency's root). */
void net_head_registrar(const struct net *net, struct statement *st,
                        uint8_t kind);
void net_head_agency(const struct net *net, struct statement *st, uint8_t kind,
                     unsigned agency);
void net_build_registrar(const struct net *net, struct buf *out,
                         const struct statement *st);
void net_build_agency(const struct net *net, struct buf *out,
                      const struct statement *st, unsigned agency);
/* Right in every field, to be spoilt: a new agency, a new device of AGENCY, a
 * new root for it.  ADMIT and REROOT have their pop; DEVICE does not. */
void net_fill_admit(struct net *net, struct statement *st,
                    const struct sign_secret *root, const char *name,
                    uint8_t class);
/* A POLICY that says what is in force; borrows from the directory. */
void net_fill_policy(const struct net *net, struct statement *st);
void net_fill_device(struct net *net, struct statement *st, unsigned agency,
                     struct sign_secret *key);
void net_fill_reroot(struct net *net, struct statement *st, unsigned agency,
                     struct sign_secret *key, uint64_t effective_s);
/* Build, sign, apply, keep as a leaf, give what it did. */
struct dir_finding net_log_registrar(struct net *net,
                                     const struct statement *st);
struct dir_finding net_log_agency(struct net *net, const struct statement *st,
                                  unsigned agency);
/* Apply raw bytes as the next leaf. */
struct dir_finding net_log_bytes(struct net *net, const void *bytes,
                                 size_t len);

const struct dir_agency *net_dir_agency(const struct net *net, unsigned i);
const struct dir_device *net_dir_device(const struct net *net, unsigned i);
const struct dir_mailbox *net_dir_mailbox(const struct net *net, unsigned i);

#endif
