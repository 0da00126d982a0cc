/*
 * report.h - an audit as files for others: a page for people who are not
 * technical, rows for spreadsheets, and what may be published.  Pure: the same
 * view gives the same bytes.  Nothing in them comes from inside a packet.
 *
 * All append to OUT; ERR_NOMEM.
 */
#ifndef SEALPOST_CLIENT_REPORT_H
#define SEALPOST_CLIENT_REPORT_H

#include "client/audit_view.h"
#include "common/buf.h"
#include "common/err.h"

/* One self-contained HTML page: no script, nothing loaded from elsewhere; names
 * (the words of strangers) are escaped.  Of times it says the day only. */
enum err report_html(const struct audit_view *v, struct buf *out);
/* RFC 4180, one header line, one figure a row; times in milliseconds.  Cells
 * that a spreadsheet would take for a formula begin with an apostrophe. */
enum err report_csv(const struct audit_view *v, struct buf *out);

#endif
