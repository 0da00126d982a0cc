/*
 * http_guard.h - what a request's head must be like before anybody acts on it.
 * Pure: text in, a verdict out; nothing here is decoded or normalised, so there
 * is one spelling of each path.  RFC 9110, RFC 9112.
 *
 * A verdict is 0 or the status to refuse with.
 */
#ifndef SEALPOST_COMMON_HTTP_GUARD_H
#define SEALPOST_COMMON_HTTP_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_TARGET_MAX 512 /* bytes of a path */

/* TARGET as it stood in the request line: "/a/b-c.p/7".  Letters, digits and
 * "-._~!$&'()*+,;=:@" between slashes, and no part that is empty, "." or "..":
 * no query, no escapes, no other site.  400 or 414. */
unsigned http_guard_target(const char *target);

/* What a request's headers come to.  Zeroed, then one http_guard_header() per
 * line, then http_guard_head(). */
struct http_head {
    unsigned hosts, lengths, codings, expectations;
    unsigned types, etag_lines;
    bool is_malformed; /* a name, value or length that no header can have */
    bool expects_strange;
    size_t bytes;       /* of "name: value" lines with their ends */
    unsigned no_values; /* these lines may have been one byte shorter */
    uint64_t body_len;
    const char *content_type;  /* borrowed, like the values given */
    const char *if_none_match; /* NULL: none, or more than one */
};

void http_guard_header(struct http_head *h, const char *name,
                       const char *value);
/* Is what was made of a head all that stood in it?  RAW_LEN: its bytes from the
 * method to the empty line, FIRST_LEN: those of "GET /a HTTP/1.1" and line end.
 * So one blank after a colon, CRLF at a line's end, and no NUL, no folded line,
 * nothing else that a parser passed over. */
bool http_guard_is_whole(const struct http_head *h, size_t first_len,
                         size_t raw_len);
/* VERSION "HTTP/1.1" or "HTTP/1.0".  400 411 413 417 431 505. */
unsigned http_guard_head(const struct http_head *h, const char *version,
                         bool is_post, bool is_get, size_t head_max,
                         size_t body_max);

/* Does If-None-Match (RFC 9110 13.1.2) name this ETAG (without quotes)?  Weak
 * comparison.  LIST may be NULL: no. */
bool http_guard_matches(const char *list, const char *etag);

#endif
