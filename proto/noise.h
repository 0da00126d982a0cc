/*
 * noise.h - Noise_*_25519_ChaChaPoly_SHA256 (Noise revision 34): handshake and
 * the two ciphers after it.  Knows no sockets, lengths on the wire, preambles
 * or payload formats: channel code does.
 *
 * Life: noise_init, noise_write and noise_read in turns until noise_done,
 * noise_split, noise_clear.  After any failure the handshake is dead: every
 * further call gives ERR_STATE, only noise_clear is left.
 */
#ifndef SEALPOST_PROTO_NOISE_H
#define SEALPOST_PROTO_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/crypto.h"
#include "proto/ids.h"

/* XK and NK are in use; the others cost a row and let more vectors run. */
enum noise_pattern {
    NOISE_XK,
    NOISE_NK,
    NOISE_IK,
    NOISE_KK,
    NOISE_XX,
    NOISE_PATTERN_COUNT
};

enum noise_role { NOISE_INITIATOR, NOISE_RESPONDER };

enum { NOISE_MSG_MAX = 65535, NOISE_PLAIN_MAX = NOISE_MSG_MAX - AEAD_TAG_LEN };

/* Everything is borrowed during noise_init only. */
struct noise_config {
    enum noise_pattern pattern;
    enum noise_role role;
    const void *prologue;
    size_t prologue_len;
    const struct dh_secret *secret;    /* own static, NULL where none is used */
    const struct dh_key *remote;       /* peer's static where known before */
    const struct dh_secret *ephemeral; /* tests only; NULL: random */
};

struct noise_cipher {
    uint8_t k[32];
    uint64_t n;
    bool has_key;
};

/* Embedded; fields are private to noise.c. */
struct noise {
    enum noise_pattern pattern;
    enum noise_role role;
    unsigned step; /* messages done */
    bool dead;
    bool has_s, has_rs, has_fixed_e;
    struct dh_secret s, e;
    struct dh_key s_pub, e_pub, rs, re;
    struct hash h;
    uint8_t ck[32];
    struct noise_cipher cipher;
};

/* ERR_STATE when the pattern needs a key that is not given. */
enum err noise_init(struct noise *n, const struct noise_config *cfg);
/* Wipes; may be called again, and on zeroed memory. */
void noise_clear(struct noise *n);

/* Own message with PAYLOAD; *OUT_LEN bytes.  ERR_STATE when it is the peer's
 * turn, ERR_TOOBIG when CAP or 65535 is too small (the handshake survives
 * these two), ERR_VERIFY for a low-order peer key. */
enum err noise_write(struct noise *n, uint8_t *out, size_t cap, size_t *out_len,
                     const void *payload, size_t len);
/* The peer's message; PAYLOAD has room for CAP.  ERR_STATE when it is our
 * turn, ERR_MALFORMED when it is too short, ERR_TOOBIG when the payload does
 * not fit or LEN > 65535, ERR_VERIFY. */
enum err noise_read(struct noise *n, uint8_t *payload, size_t cap,
                    size_t *payload_len, const uint8_t *msg, size_t len);

/* Bytes the next message adds to its payload (keys and tags). */
size_t noise_overhead(const struct noise *n);
bool noise_is_my_turn(const struct noise *n);
bool noise_done(const struct noise *n);
/* The peer's static key once known (responder of XK: after message 3), else
 * NULL.  Borrowed from N. */
const struct dh_key *noise_remote(const struct noise *n);
/* The handshake hash; meaningful once done. */
const struct hash *noise_hash(const struct noise *n);

/* ERR_STATE before noise_done.  Wipes the handshake's secrets in N; the hash
 * and the remote key stay until noise_clear. */
enum err noise_split(struct noise *n, struct noise_cipher *send,
                     struct noise_cipher *recv);
void noise_cipher_clear(struct noise_cipher *c);

/*
 * Transport messages, additional data empty.  OUT may be the input.  After the
 * nonces 65535, 131071, ... the key becomes REKEY(k) by itself; the nonce
 * counts on.  Seal writes LEN + 16 bytes; ERR_TOOBIG above NOISE_PLAIN_MAX,
 * ERR_STATE when nonces are used up or C has no key.  Open writes LEN - 16;
 * ERR_VERIFY leaves C as it was, but the session must end: order is part of
 * the channel.
 */
enum err noise_seal(struct noise_cipher *c, uint8_t *out, const void *plain,
                    size_t len);
enum err noise_open(struct noise_cipher *c, uint8_t *out, const void *sealed,
                    size_t len);

#endif
