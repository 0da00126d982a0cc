/*
 * bundle_who.h - who the parties of a bundle are, as far as the statements in
 * it tell.  Unlike directory.h it is given a selection: each statement is
 * checked for its own signatures, against the policy and the roots that came
 * before it here, and for its place in its issuer's chain where the neighbour
 * is here too.  What was left out cannot be seen.
 *
 * Life: bundle_who_init, bundle_who_add for each leaf in log order,
 * bundle_who_clear.  Pointers stay valid until then.
 */
#ifndef SEALPOST_PROTO_BUNDLE_WHO_H
#define SEALPOST_PROTO_BUNDLE_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/crypto.h"
#include "proto/directory.h"
#include "proto/ids.h"
#include "proto/note.h"
#include "proto/statement.h"

/* Where an issuer's statements have come to. */
struct who_chain {
    bool has_last;
    uint64_t seq;
    struct hash hash;
};

struct who_policy {
    uint64_t index;
    uint8_t k, n;
    struct sign_key keys[LIMIT_REGISTRAR_KEYS];
    char relay_name[LIMIT_RELAY_NAME + 1];
    struct vkey delivery, directory; /* who signs which log */
    uint64_t old_size;               /* of the log it continues, or 0 */
};

struct who_agency {
    struct agency_id id;
    char name[LIMIT_AGENCY_NAME + 1]; /* as last admitted */
    char country[3];
    uint8_t class;
    uint64_t admitted_index;
    struct sign_key root;
    struct {
        bool pending;
        struct sign_key root;
        uint64_t effective_s;
        struct hash statement;
    } reroot;
    bool suspended; /* by the last word here */
    uint64_t suspended_s;
    struct who_chain chain;
};

struct who_device {
    struct device_id id;
    const struct who_agency *agency;
    struct sign_key key;
    char label[LIMIT_LABEL + 1];
    uint64_t added_index;
    uint64_t not_after_s;
    uint64_t revoked_index; /* DIR_NEVER while none says so */
    uint64_t revoked_s;     /* when that was said */
    uint64_t since_s;       /* from when on it holds */
    uint8_t reason;         /* enum revoke_reason; 0: by the registrar */
};

struct who_mailbox {
    struct mailbox_id id;
    const struct who_agency *agency;
    char label[LIMIT_LABEL + 1];
};

struct bundle_who {
    struct hash network_id;
    uint64_t clock_s; /* the newest time claimed */
    struct who_chain registrars;
    /* Owned, with room for every leaf. */
    struct who_policy *policies;
    struct who_agency *agencies;
    struct who_device *devices;
    struct who_mailbox *mailboxes;
    struct hash *leaves; /* leaf hashes */
    size_t n_policies, n_agencies, n_devices, n_mailboxes, n_leaves;
    bool no_memory; /* a signature could not be looked at */
};

/* Room for N leaves.  ERR_NOMEM. */
enum err bundle_who_init(struct bundle_who *w, size_t n);
void bundle_who_clear(struct bundle_who *w);

/* The next one, which stands at INDEX of the directory log (0: genesis, which
 * comes first).  ERR_VERIFY, and a constant sentence to *WHY; ERR_NOMEM. */
enum err bundle_who_add(struct bundle_who *w, uint64_t index,
                        struct span statement, const char **why);

/* NULL: no statement here says. */
const struct who_policy *bundle_who_policy(const struct bundle_who *w);
const struct who_agency *bundle_who_agency(const struct bundle_who *w,
                                           const struct agency_id *id);
const struct who_device *bundle_who_device(const struct bundle_who *w,
                                           const struct device_id *id);
const struct who_mailbox *bundle_who_mailbox(const struct bundle_who *w,
                                             const struct mailbox_id *id);
/* Is this statement one of the leaves? */
bool bundle_who_has(const struct bundle_who *w, struct span statement);

#endif
