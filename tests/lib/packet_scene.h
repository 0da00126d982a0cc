/*
 * packet_scene.h - the fixture of packet_fixture.h with one packet sealed and
 * arrived: where tests of opening start, each from a fresh one.
 */
#ifndef SEALPOST_TESTS_PACKET_SCENE_H
#define SEALPOST_TESTS_PACKET_SCENE_H

#include "tests/lib/packet_fixture.h"

/* A fixture with a packet of several chunks, arrived at reader 0. */
struct scene {
    struct pkt_fixture f;
    struct sealed_packet p;
    struct opened o;
    uint8_t bytes[60000];
};

/* cmocka setup and teardown; the state is a struct scene. */
int scene_setup(void **state);
int scene_teardown(void **state);
/* Opens it and asserts. */
void scene_expect(struct scene *s, enum verdict verdict,
                  enum packet_cause cause);
/* Seals anew after the draft or the facts changed. */
void scene_reseal(struct scene *s);
/* A sender that pads in its own way: PADDED under the header of the packet
 * before, its body length corrected. */
void scene_seal_padded(struct scene *s, const struct buf *padded);

#endif
