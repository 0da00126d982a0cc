/*
 * text.h - people's text: what a name may be, how wide it is, how it is shown
 * without obeying it.  THE utf8proc door.  Text is UTF-8; TEXT with LEN need
 * not be terminated.
 */
#ifndef SEALPOST_COMMON_TEXT_H
#define SEALPOST_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"
#include "common/err.h"

/* Longest base name text_safe_filename() gives, in bytes. */
#define TEXT_FILENAME_MAX 200

enum text_lines {
    TEXT_ONE_LINE, /* newline and tab are shown like any control character */
    TEXT_LINES,    /* newline and tab are kept */
};

/* Well-formed UTF-8 (no surrogates, no overlong forms); zero bytes count as
 * characters. */
bool text_is_utf8(const char *text, size_t len);

/* Gives *OUT, terminated, in Normalisation Form C (UAX #15), to be freed.
 * ERR_MALFORMED: not UTF-8, or a zero byte inside.  ERR_NOMEM. */
enum err text_nfc(char **out, const char *text, size_t len);

/* A name that people will see: 1..MAX_BYTES bytes of UTF-8 in NFC, no control
 * characters, no line separators, none of the characters that turn the
 * direction of writing (UAX #9) or are invisible (but for the joiners inside
 * Persian and Indic words), no space at either end.
 * ERR_TOOBIG, or ERR_MALFORMED. */
enum err text_name_check(const char *name, size_t max_bytes);
/* Why text_name_check() refused: "is empty", "has a control character", ...
 * NULL when it does not refuse.  Static text. */
const char *text_name_problem(const char *name, size_t max_bytes);

/* Columns on a terminal; what text_show() would change is counted as 0. */
size_t text_width(const char *text, size_t len);

/* Appends TEXT so that a terminal shows it and obeys nothing in it: controls
 * (C0, DEL, C1), direction marks and invisible format characters become \u{1b},
 * bytes that are not UTF-8 become \x{ff}.  Carriage return before newline is
 * dropped with TEXT_LINES. */
void text_show(struct buf *b, const char *text, size_t len,
               enum text_lines lines);

/* Gives *OUT, a base name that is harmless on Linux, macOS and Windows: no
 * separators, no leading dot, no trailing dot or space, no controls or
 * direction marks, no device name, 1..TEXT_FILENAME_MAX bytes; the extension
 * survives shortening.  To be freed.  ERR_NOMEM only. */
enum err text_safe_filename(char **out, const char *name);

/* Edits (insert, delete, replace, swap neighbours) between two short ASCII
 * words; more than 64 bytes are as far as can be (SIZE_MAX). */
size_t text_distance(const char *a, const char *b);
/* The one of COUNT words nearest to WORD when it is near enough to be meant,
 * else NULL. */
const char *text_nearest(const char *word, const char *const *words,
                         size_t count);

/* Appends TEXT broken at spaces into lines of at most WIDTH columns, each after
 * INDENT spaces; newlines in TEXT are kept, a word longer than a line stands
 * alone.  No newline at the end.  Show first what is not trusted. */
void text_wrap(struct buf *b, const char *text, size_t width, size_t indent);

#endif
