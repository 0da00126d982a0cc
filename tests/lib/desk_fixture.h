/*
 * desk_fixture.h - a desk without a connection: a network in memory (net.h)
 * whose directory stands in the vault of one device.
 *
 *   agency  0 shelter non_statutory  device 0  mailbox 0   they
 *           1 hub     statutory      device 1  mailbox 1   we
 */
#ifndef SEALPOST_TESTS_DESK_FIXTURE_H
#define SEALPOST_TESTS_DESK_FIXTURE_H

#include "client/desk.h"
#include "tests/lib/net.h"

enum { THEY, WE };

struct desk_fixture {
    struct net net;
    struct app app;
    struct desk d;
    struct vkey directory_key, delivery_key;
    struct prekey_id prekey; /* ours */
    struct kem_key prekey_key;
};
extern struct desk_fixture df;

/* For cmocka: fixture_setup of vault_fixture.h is part of it. */
int desk_fixture_setup(void **state);
int desk_fixture_teardown(void **state);

/* The relay's head over all leaves of df.net, under KEY. */
struct head desk_head(const struct sign_secret *key);
/* roster_extend with the leaves from FROM on and that head as a note. */
enum err desk_extend(uint64_t from, const struct head *h, struct problem *pb);
/* The same with the right head; must work.  After changes of df.net. */
void desk_catch_up(void);

#endif
