#include "tests/lib/packet_scene.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/bytes.h"
#include "proto/chunked.h"

int
scene_setup(void **state)
{
    struct scene *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    pkt_fixture_init(&s->f, 3, 2);
    for (size_t i = 0; i < sizeof(s->bytes); i++)
        s->bytes[i] = (uint8_t)i;
    s->f.parts[1].bytes = s->bytes;
    s->f.parts[1].len = sizeof(s->bytes);
    pkt_fixture_seal_draft(&s->f, &s->p, "scene");
    pkt_fixture_arrive(&s->f, &s->p, 0);
    *state = s;
    return 0;
}

int
scene_teardown(void **state)
{
    struct scene *s = *state;

    opened_clear(&s->o);
    packet_clear(&s->p);
    pkt_fixture_clear(&s->f);
    free(s);
    return 0;
}

void
scene_expect(struct scene *s, enum verdict verdict, enum packet_cause cause)
{
    assert_int_equal(pkt_fixture_open(&s->f, &s->o), verdict);
    assert_int_equal(s->o.cause, cause);
}

void
scene_reseal(struct scene *s)
{
    packet_clear(&s->p);
    pkt_fixture_seal_draft(&s->f, &s->p, "scene");
    pkt_fixture_arrive(&s->f, &s->p, s->f.reading);
}

void
scene_seal_padded(struct scene *s, const struct buf *padded)
{
    uint8_t ceks[3][32] = {{0}};
    struct header h;

    assert_int_equal(header_parse(&h, s->p.hdr.data, s->p.hdr.len), ERR_OK);
    h.body_len = chunked_len(padded->len);
    packet_clear(&s->p);
    pkt_fixture_seal(&s->f, &s->p, &h, ceks[0], (const uint8_t(*)[32])ceks,
                     padded->data, padded->len, "padded");
    pkt_fixture_arrive(&s->f, &s->p, 0);
}
