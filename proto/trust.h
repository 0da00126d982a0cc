/*
 * trust.h - a trust policy (c2sp.org/tlog-policy): which logs are known, which
 * witnesses, and how many of them must have cosigned a checkpoint before it
 * counts.  Pure: the file's bytes in, a judgement out.  PROTOCOL.md has the
 * lines, the limits and what is stricter here.
 */
#ifndef SEALPOST_PROTO_TRUST_H
#define SEALPOST_PROTO_TRUST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/note.h"

enum {
    TRUST_FILE_MAX = 64 * 1024, /* bytes; a file that people can still read */
    TRUST_LOGS_MAX = 32,
    TRUST_WITNESSES_MAX = NOTE_KEYS_MAX, /* one bit of a mask for each */
    TRUST_GROUPS_MAX = 64,
    TRUST_URL_MAX = 255,     /* bytes of a URL */
    TRUST_MESSAGE_MAX = 200, /* bytes of an error's sentence, terminated */
};

/* A policy.  Made by trust_parse() only, and then read only.  Witness I is
 * keys[I] (so that KEYS goes to note_open() as it is), witness[I], and bit I
 * of every mask. */
struct trust {
    struct vkey logs[TRUST_LOGS_MAX];
    char log_url[TRUST_LOGS_MAX][TRUST_URL_MAX + 1]; /* "" when none */
    size_t n_logs;
    struct vkey keys[TRUST_WITNESSES_MAX];
    struct trust_witness {
        char name[NOTE_NAME_MAX + 1]; /* inside the file; for people */
        char url[TRUST_URL_MAX + 1];  /* "" when none; no slash at its end */
    } witness[TRUST_WITNESSES_MAX];
    size_t n_witnesses;
    struct trust_group {
        char name[NOTE_NAME_MAX + 1];
        unsigned need; /* members that must have witnessed */
        unsigned n_members;
    } group[TRUST_GROUPS_MAX];
    size_t n_groups;
    /* Of which group it is a member, plus one; 0: of none.  Everything can be
     * a member once, so the groups are a forest and no cycle is possible. */
    uint8_t witness_in[TRUST_WITNESSES_MAX];
    uint8_t group_in[TRUST_GROUPS_MAX];
    /* quorum: none, a witness, or a group */
    enum { QUORUM_NONE, QUORUM_WITNESS, QUORUM_GROUP } quorum;
    size_t quorum_index;
};

/* Where and why a policy was refused. */
struct trust_error {
    unsigned line; /* from 1; 0: the file as a whole */
    char message[TRUST_MESSAGE_MAX];
};

/*
 * Gives *OUT, to be freed with trust_free().  ERR_MALFORMED: a line is wrong;
 * ERR_TOOBIG: more of something than the limits above; ERR_UNSUPPORTED: a kind
 * of key that is not known here.  ERROR (may be NULL) then says which line and
 * why in one sentence of printable ASCII.  ERR_NOMEM.
 */
enum err trust_parse(const void *bytes, size_t len, struct trust **out,
                     struct trust_error *error);
void trust_free(struct trust *t);

/* Do these witnesses make the quorum?  Always with `quorum none`. */
bool trust_satisfied(const struct trust *t, uint64_t verified);
/*
 * The time at which the quorum held, unix seconds: the newest T such that the
 * cosignatures of VERIFIED with time_s >= T make the quorum.  False, and *OUT
 * untouched, when they do not, or when the policy asks for none.
 */
bool trust_quorum_time(const struct trust *t, uint64_t verified,
                       const uint64_t time_s[NOTE_KEYS_MAX], uint64_t *out);

/* What a policy says of one checkpoint. */
struct trusted {
    const struct vkey *log; /* which of the policy's logs signed; borrowed */
    struct head head;
    uint64_t verified;              /* witnesses that cosigned */
    uint64_t time_s[NOTE_KEYS_MAX]; /* when, of each of them */
    bool quorum;
    uint64_t quorum_time_s; /* trust_quorum_time(), 0 when there is none */
};
/*
 * Opens a signed checkpoint.  That the quorum does not hold is no error here:
 * look at QUORUM.  ERR_MALFORMED: no checkpoint; ERR_NOTFOUND: no log of the
 * policy has this origin; ERR_VERIFY: none of those that have it signed, or a
 * known signer's signature is wrong.
 */
enum err trust_checkpoint(const struct trust *t, const void *note, size_t len,
                          struct trusted *out);

#endif
