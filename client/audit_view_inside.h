/*
 * audit_view_inside.h - between the files of audit_view_make.h only.
 */
#ifndef SEALPOST_CLIENT_AUDIT_VIEW_INSIDE_H
#define SEALPOST_CLIENT_AUDIT_VIEW_INSIDE_H

#include "client/audit_view_make.h"
#include "common/map.h"

#define VIEW_DAY_MS UINT64_C(86400000)

/* A packet that was handed over, by the places of its agencies. */
struct view_delay {
    uint64_t ms;
    size_t sender, recipient;
    uint8_t class;
};

struct view_maker {
    const struct audit *a;
    const struct audit_choice *choice;
    const struct directory *dir;
    uint64_t end_ms; /* of the period, or now */
    struct audit_view v;
    struct map places; /* agency to its view_agency, by number + 1 */
    size_t cap_agencies;
    struct map cells; /* agency and day to its view_agency_day, the same */
    size_t cap_agency_days;
    struct view_delay *delays;
    size_t n_delays, cap_delays;
    enum err rc; /* the first failure; then nothing more is done */
};

/* Room for one more in *ITEMS of SIZE bytes, zeroed; NULL: M->rc. */
void *view_more(struct view_maker *m, void *items, size_t *n, size_t *cap,
                size_t size);
/* Its place in the agencies; SIZE_MAX when there is none. */
size_t view_place(const struct view_maker *m, const struct agency_id *id);
/* The agency of a mailbox, zeros when it is not known. */
struct agency_id view_agency_of(const struct view_maker *m,
                                const struct mailbox_id *id);
bool view_is_in_period(const struct view_maker *m, uint64_t time_ms);
/* Packets from SENDER to RECIPIENT of CLASS are chosen. */
bool view_is_chosen(const struct view_maker *m, const struct agency_id *sender,
                    const struct agency_id *recipient, uint8_t class);
uint32_t view_day_of(uint64_t time_ms);
/* "2026-11-22"; "" for what no calendar has. */
void view_day_text(char out[11], uint32_t day);

/* Packets and agencies are there; what else there is to tell. */
void view_add_reasons(struct view_maker *m);
void view_add_exceptions(struct view_maker *m);
void view_add_readers(struct view_maker *m);
void view_add_scopes(struct view_maker *m);
/* How long packets took, out of M->delays. */
void view_add_times(struct view_maker *m);

#endif
