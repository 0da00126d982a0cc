/*
 * witness.h - c2sp.org/tlog-witness, both sides, as bytes only: the
 * add-checkpoint request, how a witness judges it, and its answers.  Knows no
 * HTTP, no files and no clock; PROTOCOL.md section on witnesses.
 *
 *   log      witness_request_format() -> POST URL/add-checkpoint
 *   witness  witness_judge() -> keep NEXT on disk -> witness_cosign()
 *   log      200: witness_answer_lines(); 409: witness_answer_size()
 */
#ifndef SEALPOST_PROTO_WITNESS_H
#define SEALPOST_PROTO_WITNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"
#include "proto/merkle.h"
#include "proto/note.h"

enum {
    WITNESS_PROOF_MAX = 63, /* hashes; the format's own limit */
    /* Bytes of a request: old line, 63 hashes, empty line, a checkpoint with
     * room for the signatures of a crowd of others. */
    WITNESS_REQUEST_MAX = 16 * 1024,
    WITNESS_ANSWER_MAX = 8 * 1024, /* bytes of an answer's body */
    WITNESS_KEYS_MAX = 4,          /* keys of one log: the old and the new */
    /* Seconds by which a clock may go back: the last time is then signed
     * again.  More than that and nothing is signed. */
    WITNESS_CLOCK_BACK_S = 300,
};

#define WITNESS_SIZE_TYPE "text/x.tlog.size" /* content type of a 409 */

/* ---- the request ---- */

struct witness_request {
    uint64_t old;
    struct hash path[MERKLE_PATH_MAX]; /* at most WITNESS_PROOF_MAX of them */
    size_t n;
    const char *note; /* the signed checkpoint; borrowed from what was parsed */
    size_t note_len;
};
/* Appends the body.  NOTE is a signed checkpoint as checkpoint_sign() or
 * head_to_note() make it.  ERR_TOOBIG above WITNESS_PROOF_MAX hashes. */
enum err witness_request_format(const struct witness_request *req,
                                struct buf *out);
/* The form only: the note is not looked into.  ERR_MALFORMED or ERR_TOOBIG. */
enum err witness_request_parse(const void *bytes, size_t len,
                               struct witness_request *out);

/* ---- the witness ---- */

/* The newest checkpoint that was cosigned.  {0}: none was. */
struct witness_state {
    uint64_t size;
    struct hash root;
    uint64_t time_s; /* of the newest cosignature; 0: never cosigned */
};

/* A log that the witness follows.  Several keys: one origin, whose key was
 * changed; they share the state. */
struct witness_log {
    struct vkey keys[WITNESS_KEYS_MAX]; /* all with the origin as name */
    size_t n_keys;
    struct witness_state state;
};

/* Why a request got its answer.  X(id, HTTP status, sentence) */
#define WITNESS_TABLE(X)                                                       \
    X(WITNESS_OK, 200, "cosigned")                                             \
    X(WITNESS_MALFORMED, 400,                                                  \
      "the request is not of the form add-checkpoint "                         \
      "has")                                                                   \
    X(WITNESS_BACKWARDS, 400, "the old size is larger than the checkpoint's")  \
    X(WITNESS_UNSIGNED, 403,                                                   \
      "no known key of this log has signed, or its "                           \
      "signature is wrong")                                                    \
    X(WITNESS_UNKNOWN, 404, "this witness does not follow that log")           \
    X(WITNESS_CONFLICT, 409,                                                   \
      "the old size is not that of the checkpoint "                            \
      "cosigned last")                                                         \
    X(WITNESS_FORK, 422, "same size, other root: the log shows two histories") \
    X(WITNESS_BAD_EMPTY, 422,                                                  \
      "the root of size 0 is not that of an empty "                            \
      "tree")                                                                  \
    X(WITNESS_BAD_PROOF, 422, "the consistency proof does not verify")         \
    X(WITNESS_CLOCK, 503, "this witness's clock has gone back")

enum witness_why {
#define WITNESS_ENUM(id, status, text) id,
    WITNESS_TABLE(WITNESS_ENUM)
#undef WITNESS_ENUM
        WITNESS_WHY_COUNT
};
unsigned witness_status(enum witness_why why);
const char *witness_text(enum witness_why why);

/* What the log's own signature under the request shows, whatever the answer. */
enum witness_evidence {
    WITNESS_EVIDENCE_NONE,
    /* The proof does not join it to what is kept.  No proof of anything yet:
     * whoever has a checkpoint can send it with a wrong proof. */
    WITNESS_EVIDENCE_SUSPECT,
    /* Two roots for one size: the log has shown two histories. */
    WITNESS_EVIDENCE_FORK,
};

struct witness_judgement {
    enum witness_why why;
    enum witness_evidence evidence;
    /* Which of the logs, and which of its keys has signed; neither when WHY is
     * MALFORMED, UNKNOWN or UNSIGNED. */
    size_t log, key;
    struct witness_request req; /* borrows the body */
    struct checkpoint cp;       /* what it asks for; as LOG */
    struct head head;           /* CP with the log's signature; as LOG */
    struct witness_state next;  /* WITNESS_OK: to be kept before answering */
    uint64_t size;              /* WITNESS_CONFLICT: what the witness has */
};
/* Judges the body of one request, in the order of the specification.  NOW_S
 * is unix time.  One request at a time for each log: between this call and
 * keeping NEXT nobody else may judge. */
void witness_judge(const void *body, size_t len, const struct witness_log *logs,
                   size_t n_logs, uint64_t now_s,
                   struct witness_judgement *out);
/* Appends the signature line for a judgement with WITNESS_OK, at next.time_s.
 * KEY is SECRET's, of type NOTE_COSIGNATURE.  ERR_STATE or ERR_NOMEM. */
enum err witness_cosign(const struct witness_judgement *j,
                        const struct vkey *key,
                        const struct sign_secret *secret, struct buf *out);
/* Appends the decimal size and a line feed: the body of a 409. */
void witness_size_format(uint64_t size, struct buf *out);

/* ---- the log's side: answers ---- */

/*
 * 200: appends those lines of BODY that are KEY's cosignature of the note's
 * text (once, the newest); *TIME_S is its time.  ERR_MALFORMED: no signature
 * lines, or a time of 0 or above 2^63 - 1; ERR_NOTFOUND: none of KEY's;
 * ERR_VERIFY: one of KEY's is wrong.
 */
enum err witness_answer_lines(const char *text, size_t text_len,
                              const void *body, size_t len,
                              const struct vkey *key, struct buf *out,
                              uint64_t *time_s);
/* 409: the size that the witness has.  ERR_MALFORMED: there is none in it,
 * which witnesses of the specification's earlier text answer to a fork. */
enum err witness_answer_size(const void *body, size_t len, uint64_t *size);

#endif
