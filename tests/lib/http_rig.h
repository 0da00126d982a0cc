/*
 * http_rig.h - an HTTP server in a thread, and blocking sockets to talk to it.
 * Asserts instead of returning errors.  One at a time.
 *
 * Its handler: GET /hello is "hello\n"; /file is a file with the ETag "abc";
 * /later waits for http_rig_answer(); /close closes the server; POST gives the
 * body back; other methods 405, other paths 404.
 */
#ifndef SEALPOST_TESTS_HTTP_RIG_H
#define SEALPOST_TESTS_HTTP_RIG_H

#include <stddef.h>
#include <stdint.h>

#include "common/http_server.h"

#define HOST "Host: a.example\r\n"
#define END "Connection: close\r\n\r\n"

/* 64 connections, 8 of an address, 2 KiB of head, 1,000 bytes of body, half a
 * minute for everything, no bound on requests. */
extern const struct http_limits http_rig_limits;

void http_rig_start(const struct http_limits *limits);
void http_rig_stop(void);
/* The same as cmocka wants it, with http_rig_limits. */
int http_rig_setup(void **state);
int http_rig_teardown(void **state);

uint16_t http_rig_port(void);
void http_rig_stats(struct http_stats *out);
/* Waits until /later was asked for. */
void http_rig_await_later(void);
/* "at last\n" for it. */
void http_rig_answer(void);

/* A connection; close() it. */
int http_dial(void);
void http_say(int fd, const char *text, size_t len);
/* Everything until the server closes; borrowed until the next call. */
const char *http_hear(int fd);
/* One connection, one text. */
const char *http_ask(const char *request);
const char *http_ask_len(const char *request, size_t len);
/* 0: that is no answer. */
unsigned http_status_of(const char *answer);

#endif
