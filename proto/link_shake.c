/* The handshake of link.h: preamble, prologue, messages 1 to 3. */
#include "proto/link_priv.h"

#include <assert.h>
#include <string.h>

#include "common/bytes.h"

static void
write_preamble(uint8_t out[PREAMBLE_LEN], uint8_t suite)
{
    memcpy(out, "SPT1", 4);
    out[4] = suite;
}

static size_t
write_prologue(uint8_t *out, uint8_t suite, const char *relay_name)
{
    static const char domain[] = "sealpost/1/transport"; /* zero byte, too */
    size_t len = strlen(relay_name);
    uint8_t *p = out;

    assert(len >= 1 && len <= NAME_MAX_LEN);
    memcpy(p, domain, sizeof(domain));
    p += sizeof(domain);
    write_preamble(p, suite);
    p += PREAMBLE_LEN;
    *p++ = (uint8_t)len;
    memcpy(p, relay_name, len);
    return (size_t)(p - out) + len;
}

static enum err
start_noise(struct link *l, const char *relay_name,
            const struct dh_secret *secret, const struct dh_key *remote)
{
    uint8_t prologue[64 + NAME_MAX_LEN];
    struct noise_config cfg = {
        .pattern = l->suite == LINK_XK ? NOISE_XK : NOISE_NK,
        .role = l->is_client ? NOISE_INITIATOR : NOISE_RESPONDER,
        .prologue = prologue,
        .prologue_len = write_prologue(prologue, l->suite, relay_name),
        .secret = secret,
        .remote = remote,
    };

    return noise_init(l->noise, &cfg);
}

/* One handshake message into the output. */
static enum err
say(struct link *l, const void *payload, size_t len, size_t msg_len)
{
    uint8_t *p = buf_reserve(&l->out, LEN_LEN + msg_len);
    size_t got = 0;
    enum err rc;

    if (p == NULL)
        return ERR_NOMEM;
    rc = noise_write(l->noise, p + LEN_LEN, msg_len, &got, payload, len);
    if (rc != ERR_OK)
        return rc;
    assert(got == msg_len);
    put_u16(p, (uint16_t)msg_len);
    l->out.len += LEN_LEN + msg_len;
    return ERR_OK;
}

/* One handshake message from the input; its length is checked already. */
static enum err
hear(struct link *l, void *payload, size_t len)
{
    size_t got = 0;
    enum err rc = noise_read(l->noise, payload, len, &got, l->in.data + LEN_LEN,
                             l->in.len - LEN_LEN);

    return rc == ERR_OK && got != len ? ERR_MALFORMED : rc;
}

enum err
link_on_preamble(struct link *l, uint64_t now_ms)
{
    uint8_t suite = l->in.data[4];

    (void)now_ms;
    if (memcmp(l->in.data, "SPT1", 4) != 0)
        return ERR_MALFORMED;
    if (suite != LINK_XK && suite != LINK_NK)
        return ERR_VERSION;
    l->suite = suite;
    l->state = M1;
    return start_noise(l, l->relay_name, l->secret, NULL);
}

enum err
link_on_m1(struct link *l, uint64_t now_ms)
{
    uint8_t payload[M2_PAYLOAD];
    enum err rc = hear(l, payload, 0);

    if (rc != ERR_OK)
        return rc;
    put_u16(payload, LINK_VERSION);
    put_u64(payload + 2, l->unix_ms);
    rc = say(l, payload, sizeof(payload), M2_LEN);
    if (rc != ERR_OK)
        return rc;
    l->state = M3;
    if (l->suite == LINK_XK)
        return ERR_OK;
    l->version = LINK_VERSION;
    return link_open(l, now_ms);
}

static enum err
say_m3(struct link *l)
{
    uint8_t payload[M3_PAYLOAD];

    put_u16(payload, l->version);
    memcpy(payload + 2, l->peer.agency.b, 16);
    memcpy(payload + 18, l->peer.device.b, 16);
    return say(l, payload, sizeof(payload), M3_LEN);
}

enum err
link_on_m2(struct link *l, uint64_t now_ms)
{
    uint8_t payload[M2_PAYLOAD];
    uint16_t most;
    enum err rc = hear(l, payload, sizeof(payload));

    if (rc != ERR_OK)
        return rc;
    most = get_u16(payload);
    if (most < 1)
        return ERR_VERSION;
    l->version = most < LINK_VERSION ? most : LINK_VERSION;
    l->unix_ms = get_u64(payload + 2);
    if (l->suite == LINK_XK)
        rc = say_m3(l);
    return rc == ERR_OK ? link_open(l, now_ms) : rc;
}

enum err
link_on_m3(struct link *l, uint64_t now_ms)
{
    uint8_t payload[M3_PAYLOAD];
    enum err rc = hear(l, payload, sizeof(payload));

    if (rc != ERR_OK)
        return rc;
    l->version = get_u16(payload);
    if (l->version < 1 || l->version > LINK_VERSION)
        return ERR_VERSION;
    memcpy(l->peer.agency.b, payload + 2, 16);
    memcpy(l->peer.device.b, payload + 18, 16);
    l->peer.key = *noise_remote(l->noise);
    if (l->ev->who == NULL || !l->ev->who(l->arg, &l->peer))
        return ERR_AUTH;
    return link_open(l, now_ms);
}

enum err
link_greet(struct link *l, const struct link_client_config *cfg)
{
    uint8_t preamble[PREAMBLE_LEN];
    enum err rc;

    write_preamble(preamble, l->suite);
    buf_put(&l->out, preamble, sizeof(preamble));
    rc =
        start_noise(l, cfg->relay_name,
                    cfg->suite == LINK_XK ? cfg->secret : NULL, cfg->relay_key);
    return rc == ERR_OK ? say(l, NULL, 0, M1_LEN) : rc;
}
