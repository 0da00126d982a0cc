#include "proto/noise.h"

#include <assert.h>
#include <string.h>

/*
 * The happy path of XK, the relay's pattern:
 *
 *   initiator                                   responder
 *   write  e, es          m1 ---------------->  read
 *   read               <---------------- m2     write  e, ee
 *   write  s, se          m3 ---------------->  read
 *   split                                       split
 *
 * What can go wrong: a wrong tag, a low-order key, a wrong length.  Each kills
 * the handshake; there is no way back.
 */

enum token { END, E, S, EE, ES, SE, SS };

enum { TOKENS_MAX = 5, MESSAGES_MAX = 3, DH_LEN = 32 };

/* Noise revision 34, section 7.5.  KNOWS: the other side's static key is a
 * pre-message.  HAS: that role has a static key at all. */
static const struct pattern {
    const char *name;
    bool has[2];   /* by role */
    bool knows[2]; /* by role */
    unsigned message_count;
    enum token messages[MESSAGES_MAX][TOKENS_MAX];
} patterns[NOISE_PATTERN_COUNT] = {
    [NOISE_XK] = {"Noise_XK_25519_ChaChaPoly_SHA256",
                  {true, true},
                  {true, false},
                  3,
                  {{E, ES}, {E, EE}, {S, SE}}},
    [NOISE_NK] = {"Noise_NK_25519_ChaChaPoly_SHA256",
                  {false, true},
                  {true, false},
                  2,
                  {{E, ES}, {E, EE}}},
    [NOISE_IK] = {"Noise_IK_25519_ChaChaPoly_SHA256",
                  {true, true},
                  {true, false},
                  2,
                  {{E, ES, S, SS}, {E, EE, SE}}},
    [NOISE_KK] = {"Noise_KK_25519_ChaChaPoly_SHA256",
                  {true, true},
                  {true, true},
                  2,
                  {{E, ES, SS}, {E, EE, SE}}},
    [NOISE_XX] = {"Noise_XX_25519_ChaChaPoly_SHA256",
                  {true, true},
                  {false, false},
                  3,
                  {{E}, {E, EE, S, ES}, {S, SE}}},
};

static const enum token *
tokens_now(const struct noise *n)
{
    return patterns[n->pattern].messages[n->step];
}

/* ---- cipher state (section 5.1) ---- */

static void
nonce_bytes(uint8_t out[12], uint64_t n)
{
    memset(out, 0, 4);
    for (unsigned i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(n >> (8 * i));
}

static void
set_key(struct noise_cipher *c, const uint8_t k[32])
{
    memcpy(c->k, k, sizeof(c->k));
    c->n = 0;
    c->has_key = true;
}

/* REKEY(k), section 4.2. */
static void
rekey(struct noise_cipher *c)
{
    static const uint8_t zeros[32];
    uint8_t nonce[12];
    uint8_t sealed[32 + AEAD_TAG_LEN];

    nonce_bytes(nonce, UINT64_MAX);
    aead_seal(sealed, c->k, nonce, NULL, 0, zeros, sizeof(zeros));
    memcpy(c->k, sealed, sizeof(c->k));
    crypto_wipe(sealed, sizeof(sealed));
}

static void
count_transport(struct noise_cipher *c)
{
    c->n++;
    if (c->n % 65536 == 0)
        rekey(c);
}

enum err
noise_seal(struct noise_cipher *c, uint8_t *out, const void *plain, size_t len)
{
    uint8_t nonce[12];

    if (!c->has_key || c->n == UINT64_MAX)
        return ERR_STATE;
    if (len > NOISE_PLAIN_MAX)
        return ERR_TOOBIG;
    nonce_bytes(nonce, c->n);
    aead_seal(out, c->k, nonce, NULL, 0, plain, len);
    count_transport(c);
    return ERR_OK;
}

enum err
noise_open(struct noise_cipher *c, uint8_t *out, const void *sealed, size_t len)
{
    uint8_t nonce[12];
    enum err rc;

    if (!c->has_key || c->n == UINT64_MAX)
        return ERR_STATE;
    if (len > NOISE_MSG_MAX)
        return ERR_TOOBIG;
    nonce_bytes(nonce, c->n);
    rc = aead_open(out, c->k, nonce, NULL, 0, sealed, len);
    if (rc == ERR_OK)
        count_transport(c);
    return rc;
}

void
noise_cipher_clear(struct noise_cipher *c)
{
    crypto_wipe(c, sizeof(*c));
}

/* ---- symmetric state (section 5.2) ---- */

static void
mix_hash(struct noise *n, const void *bytes, size_t len)
{
    struct sha256 s;

    sha256_init(&s);
    sha256_update(&s, n->h.b, sizeof(n->h.b));
    sha256_update(&s, bytes, len);
    sha256_final(&s, &n->h);
}

/* HKDF(ck, ikm, 2 outputs). */
static void
noise_hkdf(uint8_t out[64], const uint8_t ck[32], const uint8_t *ikm,
           size_t len)
{
    struct span part = {ikm, len};
    uint8_t prk[32];
    enum err rc;

    hkdf256_extract(prk, ck, 32, &part, 1);
    rc = hkdf256_expand(out, 64, prk, NULL, 0);
    assert(rc == ERR_OK);
    (void)rc;
    crypto_wipe(prk, sizeof(prk));
}

static void
mix_key(struct noise *n, const uint8_t ikm[32])
{
    uint8_t both[64];

    noise_hkdf(both, n->ck, ikm, DH_LEN);
    memcpy(n->ck, both, sizeof(n->ck));
    set_key(&n->cipher, both + 32);
    crypto_wipe(both, sizeof(both));
}

static size_t
tag_len(const struct noise *n)
{
    return n->cipher.has_key ? AEAD_TAG_LEN : 0;
}

static void
encrypt_and_hash(struct noise *n, uint8_t *out, const void *plain, size_t len)
{
    uint8_t nonce[12];

    if (n->cipher.has_key) {
        nonce_bytes(nonce, n->cipher.n++);
        aead_seal(out, n->cipher.k, nonce, n->h.b, sizeof(n->h.b), plain, len);
    } else if (len > 0) {
        memcpy(out, plain, len);
    }
    mix_hash(n, out, len + tag_len(n));
}

/* LEN counts the tag, where there is one. */
static enum err
decrypt_and_hash(struct noise *n, uint8_t *out, const uint8_t *in, size_t len)
{
    struct hash before = n->h;
    uint8_t nonce[12];

    mix_hash(n, in, len);
    if (!n->cipher.has_key) {
        if (len > 0)
            memcpy(out, in, len);
        return ERR_OK;
    }
    nonce_bytes(nonce, n->cipher.n++);
    return aead_open(out, n->cipher.k, nonce, before.b, sizeof(before.b), in,
                     len);
}

/* ---- handshake state (section 5.3) ---- */

static enum err
mix_dh(struct noise *n, const struct dh_secret *own, const struct dh_key *peer)
{
    uint8_t q[32];
    enum err rc = dh_shared(q, own, peer);

    if (rc != ERR_OK)
        return rc;
    mix_key(n, q);
    crypto_wipe(q, sizeof(q));
    return ERR_OK;
}

/* The first letter is the initiator's key, the second the responder's. */
static enum err
mix_token(struct noise *n, enum token t)
{
    bool first_is_s = t == SE || t == SS;
    bool second_is_s = t == ES || t == SS;
    bool own_is_s = n->role == NOISE_INITIATOR ? first_is_s : second_is_s;
    bool peer_is_s = n->role == NOISE_INITIATOR ? second_is_s : first_is_s;

    return mix_dh(n, own_is_s ? &n->s : &n->e, peer_is_s ? &n->rs : &n->re);
}

static void
mix_pre_message(struct noise *n, enum noise_role whose)
{
    const struct dh_key *key = n->role == whose ? &n->s_pub : &n->rs;

    if (patterns[n->pattern].knows[1 - whose])
        mix_hash(n, key->b, sizeof(key->b));
}

static bool
has_keys(const struct noise_config *cfg)
{
    const struct pattern *p = &patterns[cfg->pattern];

    return (cfg->secret != NULL || !p->has[cfg->role]) &&
           (cfg->remote != NULL || !p->knows[cfg->role]);
}

static void
take_keys(struct noise *n, const struct noise_config *cfg)
{
    if (patterns[cfg->pattern].has[cfg->role]) {
        n->s = *cfg->secret;
        dh_public(&n->s_pub, &n->s);
    }
    if (patterns[cfg->pattern].knows[cfg->role]) {
        n->rs = *cfg->remote;
        n->has_rs = true;
    }
    if (cfg->ephemeral != NULL) {
        n->e = *cfg->ephemeral;
        n->has_fixed_e = true;
    }
}

enum err
noise_init(struct noise *n, const struct noise_config *cfg)
{
    const char *name = patterns[cfg->pattern].name;

    /* Names of exactly 32 bytes are h themselves, none needs hashing. */
    assert(strlen(name) == sizeof(n->h.b));
    if (!has_keys(cfg))
        return ERR_STATE;
    memset(n, 0, sizeof(*n));
    n->pattern = cfg->pattern;
    n->role = cfg->role;
    take_keys(n, cfg);
    memcpy(n->h.b, name, sizeof(n->h.b));
    memcpy(n->ck, n->h.b, sizeof(n->ck));
    mix_hash(n, cfg->prologue, cfg->prologue_len);
    mix_pre_message(n, NOISE_INITIATOR);
    mix_pre_message(n, NOISE_RESPONDER);
    return ERR_OK;
}

void
noise_clear(struct noise *n)
{
    crypto_wipe(n, sizeof(*n));
    n->dead = true;
}

bool
noise_done(const struct noise *n)
{
    return n->step == patterns[n->pattern].message_count;
}

bool
noise_is_my_turn(const struct noise *n)
{
    return !n->dead && !noise_done(n) && n->step % 2 == (unsigned)n->role;
}

size_t
noise_overhead(const struct noise *n)
{
    size_t len = 0;
    size_t tag = tag_len(n);

    if (noise_done(n))
        return 0;
    for (const enum token *t = tokens_now(n); *t != END; t++) {
        if (*t == E)
            len += DH_LEN;
        else if (*t == S)
            len += DH_LEN + tag;
        else
            tag = AEAD_TAG_LEN;
    }
    return len + tag;
}

static uint8_t *
write_e(struct noise *n, uint8_t *out)
{
    if (!n->has_fixed_e)
        crypto_random(n->e.b, sizeof(n->e.b));
    dh_public(&n->e_pub, &n->e);
    memcpy(out, n->e_pub.b, DH_LEN);
    mix_hash(n, out, DH_LEN);
    return out + DH_LEN;
}

static enum err
write_message(struct noise *n, uint8_t *out, const void *payload, size_t len)
{
    enum err rc = ERR_OK;

    for (const enum token *t = tokens_now(n); *t != END; t++) {
        if (*t == E) {
            out = write_e(n, out);
        } else if (*t == S) {
            encrypt_and_hash(n, out, n->s_pub.b, DH_LEN);
            out += DH_LEN + tag_len(n);
        } else {
            rc = mix_token(n, *t);
        }
        if (rc != ERR_OK)
            return rc;
    }
    encrypt_and_hash(n, out, payload, len);
    return ERR_OK;
}

static enum err
step_done(struct noise *n, enum err rc)
{
    if (rc == ERR_OK)
        n->step++;
    else
        noise_clear(n);
    return rc;
}

enum err
noise_write(struct noise *n, uint8_t *out, size_t cap, size_t *out_len,
            const void *payload, size_t len)
{
    size_t overhead = noise_overhead(n);
    enum err rc;

    if (!noise_is_my_turn(n))
        return ERR_STATE;
    if (len > NOISE_MSG_MAX - overhead || overhead > cap ||
        len > cap - overhead)
        return ERR_TOOBIG;
    rc = write_message(n, out, payload, len);
    if (rc == ERR_OK)
        *out_len = len + overhead;
    return step_done(n, rc);
}

/* The length was checked: all tokens are there. */
static enum err
read_message(struct noise *n, uint8_t *payload, const uint8_t *msg, size_t len)
{
    const uint8_t *end = msg + len;
    enum err rc = ERR_OK;

    for (const enum token *t = tokens_now(n); *t != END; t++) {
        if (*t == E) {
            memcpy(n->re.b, msg, DH_LEN);
            mix_hash(n, msg, DH_LEN);
            msg += DH_LEN;
        } else if (*t == S) {
            rc = decrypt_and_hash(n, n->rs.b, msg, DH_LEN + tag_len(n));
            n->has_rs = true;
            msg += DH_LEN + tag_len(n);
        } else {
            rc = mix_token(n, *t);
        }
        if (rc != ERR_OK)
            return rc;
    }
    return decrypt_and_hash(n, payload, msg, (size_t)(end - msg));
}

enum err
noise_read(struct noise *n, uint8_t *payload, size_t cap, size_t *payload_len,
           const uint8_t *msg, size_t len)
{
    size_t overhead = noise_overhead(n);
    enum err rc;

    if (n->dead || noise_done(n) || noise_is_my_turn(n))
        return ERR_STATE;
    if (len < overhead)
        rc = ERR_MALFORMED;
    else if (len > NOISE_MSG_MAX || len - overhead > cap)
        rc = ERR_TOOBIG;
    else
        rc = read_message(n, payload, msg, len);
    if (rc == ERR_OK)
        *payload_len = len - overhead;
    return step_done(n, rc);
}

const struct dh_key *
noise_remote(const struct noise *n)
{
    return n->has_rs ? &n->rs : NULL;
}

const struct hash *
noise_hash(const struct noise *n)
{
    return &n->h;
}

enum err
noise_split(struct noise *n, struct noise_cipher *send,
            struct noise_cipher *recv)
{
    uint8_t both[64];
    bool first = n->role == NOISE_INITIATOR;

    if (n->dead || !noise_done(n))
        return ERR_STATE;
    noise_hkdf(both, n->ck, NULL, 0);
    set_key(send, first ? both : both + 32);
    set_key(recv, first ? both + 32 : both);
    crypto_wipe(both, sizeof(both));
    crypto_wipe(&n->s, sizeof(n->s));
    crypto_wipe(&n->e, sizeof(n->e));
    crypto_wipe(n->ck, sizeof(n->ck));
    noise_cipher_clear(&n->cipher);
    n->dead = true;
    return ERR_OK;
}
