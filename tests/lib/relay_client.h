/*
 * relay_client.h - what relay_rig.c and relay_client.c ask of each other.
 */
#ifndef SEALPOST_TESTS_RELAY_CLIENT_H
#define SEALPOST_TESTS_RELAY_CLIENT_H

#include "tests/lib/relay_rig.h"

/* As much as the socket takes; whatever it has. */
void client_write(struct client *c);
void client_read(struct client *c);

#endif
