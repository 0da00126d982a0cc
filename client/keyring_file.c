#include "client/keyring.h"

#include <string.h>

#include "client/vault.h"
#include "client/vault_log.h"
#include "common/bytes.h"
#include "proto/chunked.h"
#include "proto/crypto.h"

static const uint8_t magic[4] = {'S', 'P', 'K', '1'};
static const char domain[] = "sealpost/1/keyring";

enum {
    FILE_HEAD_LEN = 4 + 8,
    RECORD_LEN = 1 + 16 + 8 + 16 + 8 + 4 + 32,
    SEED_LEN = 1 + 16 + 32,
    MARK_LEN = 16 + 4,
    FIXED_LEN = 3 * 8 + 3 * 4,
    CONTEXT_LEN = sizeof(domain) + 8
};

static void
make_context(uint8_t context[CONTEXT_LEN], uint64_t epoch)
{
    memcpy(context, domain, sizeof(domain));
    put_u64(context + sizeof(domain), epoch);
}

/* ---- writing: into guarded memory of exactly the right size ---- */

static void
add(uint8_t **p, const void *bytes, size_t len)
{
    memcpy(*p, bytes, len);
    *p += len;
}

static void
add_u32(uint8_t **p, size_t v)
{
    put_u32(*p, (uint32_t)v);
    *p += 4;
}

static void
add_u64(uint8_t **p, uint64_t v)
{
    put_u64(*p, v);
    *p += 8;
}

static void
add_record(uint8_t **p, const struct keyring *k, size_t i, uint64_t offset)
{
    const struct keyring_record *r = &k->records[i];

    *(*p)++ = r->kind;
    add(p, r->id, 16);
    add_u64(p, r->seq);
    add(p, r->record_id, 16);
    add_u64(p, offset);
    add_u32(p, r->len);
    add(p, slab_at(&k->record_keys, i), 32);
}

static void
add_seed(uint8_t **p, const struct keyring *k, size_t i)
{
    static const uint8_t none[32];
    bool lives = k->seeds[i].state == SEED_LIVE;

    *(*p)++ = lives ? SEED_LIVE : SEED_GONE;
    add(p, k->seeds[i].id.b, 16);
    add(p, lives ? slab_at(&k->seed_keys, i) : none, 32);
}

static bool
is_mark_kept(const struct keyring *k, size_t i)
{
    return k->seeds[k->marks[i].seed].state == SEED_LIVE;
}

static size_t
count_marks(const struct keyring *k)
{
    size_t n = 0;

    for (size_t i = 0; i < k->mark_count; i++)
        n += is_mark_kept(k, i);
    return n;
}

static void
write_plain(uint8_t *p, const struct keyring *k, const struct keyring_log *log,
            const uint64_t *offsets, size_t marks)
{
    add_u64(&p, log->gen);
    add_u64(&p, log->len);
    add_u64(&p, k->next_seq);
    add_u32(&p, k->live_count);
    for (size_t i = 0; i < k->record_count; i++)
        if (k->records[i].kind != 0)
            add_record(&p, k, i,
                       offsets != NULL ? offsets[i] : k->records[i].offset);
    add_u32(&p, k->seed_count);
    for (size_t i = 0; i < k->seed_count; i++)
        add_seed(&p, k, i);
    add_u32(&p, marks);
    for (size_t i = 0; i < k->mark_count; i++) {
        if (!is_mark_kept(k, i))
            continue;
        add(&p, k->marks[i].b, 16);
        add_u32(&p, k->marks[i].seed);
    }
}

enum err
keyring_seal(struct buf *out, const struct keyring *k,
             const struct keyring_log *log, const uint64_t *offsets,
             uint64_t epoch, const uint8_t ek[32])
{
    size_t marks = count_marks(k);
    size_t len = FIXED_LEN + k->live_count * RECORD_LEN +
                 k->seed_count * SEED_LEN + marks * MARK_LEN;
    uint8_t *plain = crypto_secret_new(len);
    uint8_t context[CONTEXT_LEN];
    enum err rc;

    if (plain == NULL)
        return ERR_NOMEM;
    write_plain(plain, k, log, offsets, marks);
    make_context(context, epoch);
    buf_put(out, magic, sizeof(magic));
    buf_u64(out, epoch);
    rc = chunked_seal(out, ek, context, sizeof(context), plain, len);
    if (rc == ERR_OK)
        rc = buf_status(out);
    crypto_secret_free(plain);
    return rc;
}

/* ---- reading ---- */

static enum err
read_record(struct keyring *k, struct rd *r)
{
    struct keyring_record record = {.kind = rd_u8(r)};
    const uint8_t *key;

    rd_copy(r, record.id, 16);
    record.seq = rd_u64(r);
    rd_copy(r, record.record_id, 16);
    record.offset = rd_u64(r);
    record.len = rd_u32(r);
    key = rd_ref(r, 32);
    if (key == NULL || record.kind == 0 || record.len > VAULT_RECORD_MAX ||
        keyring_find(k, record.kind, record.id) != SIZE_MAX)
        return ERR_VERIFY;
    return keyring_put(k, &record, key);
}

static enum err
read_seed(struct keyring *k, struct rd *r)
{
    uint8_t state = rd_u8(r);
    struct prekey_id id;
    const uint8_t *seed;
    enum err rc;

    rd_copy(r, id.b, 16);
    seed = rd_ref(r, 32);
    if (seed == NULL || (state != SEED_LIVE && state != SEED_GONE))
        return ERR_VERIFY;
    rc = keyring_seed_put(k, &id, seed);
    if (rc != ERR_OK)
        return rc == ERR_EXISTS ? ERR_VERIFY : rc;
    k->seeds[k->seed_count - 1].state = (enum seed_state)state;
    return ERR_OK;
}

static enum err
read_mark(struct keyring *k, struct rd *r)
{
    const uint8_t *mark = rd_ref(r, 16);
    uint32_t seed = rd_u32(r);
    enum err rc;

    if (r->bad || seed >= k->seed_count)
        return ERR_VERIFY;
    rc = keyring_mark_put(k, &k->seeds[seed].id, mark);
    return rc == ERR_NOTFOUND ? ERR_VERIFY : rc;
}

static enum err
read_plain(struct keyring *k, struct keyring_log *log, const uint8_t *plain,
           size_t len)
{
    static enum err (*const parts[])(struct keyring *, struct rd *) = {
        read_record, read_seed, read_mark};
    struct rd r = rd_from(plain, len);
    enum err rc = ERR_OK;

    log->gen = rd_u64(&r);
    log->len = rd_u64(&r);
    k->next_seq = rd_u64(&r);
    for (size_t part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
        uint32_t n = rd_u32(&r);

        for (uint32_t i = 0; i < n && rc == ERR_OK; i++)
            rc = parts[part](k, &r);
        if (rc != ERR_OK)
            return rc;
    }
    return rd_end(&r) == ERR_OK ? ERR_OK : ERR_VERIFY;
}

/* The chunks of STREAM into PLAIN: guarded memory, so not chunked_open(). */
static enum err
open_chunks(uint8_t *plain, const uint8_t *stream, size_t plain_len,
            uint64_t epoch, const uint8_t ek[32])
{
    uint64_t count = chunked_count(plain_len);
    uint8_t context[CONTEXT_LEN];
    struct chunked c;
    enum err rc;

    make_context(context, epoch);
    rc = chunked_open_init(&c, ek, context, sizeof(context), stream);
    if (rc != ERR_OK)
        return rc;
    for (uint64_t i = 0; i < count && rc == ERR_OK; i++) {
        size_t at = (size_t)i * CHUNKED_PLAIN_LEN;
        size_t len = plain_len - at;

        if (len > CHUNKED_PLAIN_LEN)
            len = CHUNKED_PLAIN_LEN;
        rc = chunked_open_chunk(&c, i, stream + chunked_offset(i),
                                len + AEAD_TAG_LEN, i + 1 == count, plain + at);
    }
    chunked_clear(&c);
    return rc;
}

enum err
keyring_open(struct keyring *k, struct keyring_log *log, const void *bytes,
             size_t len, uint64_t epoch, const uint8_t ek[32])
{
    struct rd r = rd_from(bytes, len);
    uint64_t plain_len;
    uint8_t *plain;
    enum err rc;

    rd_expect(&r, magic, sizeof(magic));
    if (rd_u64(&r) != epoch || r.bad ||
        chunked_plain_len(r.left, &plain_len) != ERR_OK)
        return ERR_VERIFY;
    plain = crypto_secret_new((size_t)plain_len);
    if (plain == NULL)
        return ERR_NOMEM;
    rc = open_chunks(plain, r.p, (size_t)plain_len, epoch, ek);
    if (rc == ERR_OK)
        rc = read_plain(k, log, plain, (size_t)plain_len);
    crypto_secret_free(plain);
    return rc;
}
