/* Handshake messages from a stranger, in both roles of every pattern.  The
 * first byte names pattern and role, the second says how many messages are
 * honest before the input takes over. */
#include <stdlib.h>
#include <string.h>

#include "proto/noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool good)
{
    if (!good)
        abort();
}

static void
start(struct noise *n, enum noise_pattern pattern, enum noise_role role)
{
    static const struct dh_secret secrets[2] = {{{8}}, {{16}}};
    struct dh_key keys[2];
    struct noise_config cfg = {.pattern = pattern, .role = role};

    dh_public(&keys[0], &secrets[0]);
    dh_public(&keys[1], &secrets[1]);
    cfg.secret = &secrets[role];
    cfg.remote = &keys[1 - role];
    cfg.ephemeral = &secrets[role];
    must(noise_init(n, &cfg) == ERR_OK);
}

/* Passes one honest message on; false when the handshake is done. */
static bool
pass(struct noise side[2])
{
    struct noise *from = noise_is_my_turn(&side[0]) ? &side[0] : &side[1];
    struct noise *to = from == &side[0] ? &side[1] : &side[0];
    uint8_t msg[256], payload[8];
    size_t len, got;

    if (noise_done(from))
        return false;
    must(noise_write(from, msg, sizeof(msg), &len, "p", 1) == ERR_OK);
    must(noise_read(to, payload, sizeof(payload), &got, msg, len) == ERR_OK);
    must(got == 1);
    return true;
}

/* A dead handshake stays dead. */
static void
must_be_dead(struct noise *n)
{
    struct noise_cipher a, b;
    uint8_t msg[256];
    size_t len;

    must(!noise_is_my_turn(n) && !noise_done(n));
    must(noise_write(n, msg, sizeof(msg), &len, NULL, 0) == ERR_STATE);
    must(noise_split(n, &a, &b) == ERR_STATE);
}

static void
feed_handshake(struct noise *n, const uint8_t *data, size_t len)
{
    uint8_t payload[512], msg[256];
    size_t payload_len = 0, msg_len;
    enum err rc;

    if (noise_is_my_turn(n))
        must(noise_write(n, msg, sizeof(msg), &msg_len, NULL, 0) == ERR_OK);
    if (noise_done(n))
        return;
    rc = noise_read(n, payload, sizeof(payload), &payload_len, data, len);
    if (rc == ERR_OK)
        must(payload_len < len);
    else
        must_be_dead(n);
}

static void
feed_record(struct noise *n, const uint8_t *data, size_t len)
{
    struct noise_cipher send, recv;
    uint8_t *out = malloc(len + 1);

    must(out != NULL);
    must(noise_split(n, &send, &recv) == ERR_OK);
    must(noise_open(&recv, out, data, len) != ERR_OK);
    must(recv.n == 0);
    free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static bool started;
    struct noise side[2];
    enum noise_pattern pattern;
    struct noise *victim;

    if (!started)
        must(crypto_init() == ERR_OK);
    started = true;
    if (len < 2)
        return 0;
    pattern = (enum noise_pattern)(data[0] % NOISE_PATTERN_COUNT);
    start(&side[0], pattern, NOISE_INITIATOR);
    start(&side[1], pattern, NOISE_RESPONDER);
    for (unsigned i = 0; i < data[1] % 4 && pass(side); i++)
        ;
    victim = &side[data[0] >> 7];
    if (noise_done(victim))
        feed_record(victim, data + 2, len - 2);
    else
        feed_handshake(victim, data + 2, len - 2);
    noise_clear(&side[0]);
    noise_clear(&side[1]);
    return 0;
}
