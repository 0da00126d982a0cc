/* The tables of msg.h: messages and their fields, errors, byes. */
#include "proto/msg.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define U(n, lo, hi)                                                           \
    {                                                                          \
        .name = n, .kind = MSG_UINT, .min = lo, .max = hi                      \
    }
#define U64(n) U(n, 0, UINT64_MAX)
#define B(n, lo, hi)                                                           \
    {                                                                          \
        .name = n, .kind = MSG_BIN, .min = lo, .max = hi                       \
    }
#define BX(n, len) B(n, len, len)
#define BSTEP(n, by, most)                                                     \
    {                                                                          \
        .name = n, .kind = MSG_BIN, .min = by, .max = (by) * (most),           \
        .step = by                                                             \
    }
#define BNIL(n, lo, hi)                                                        \
    {                                                                          \
        .name = n, .kind = MSG_BIN, .nil_ok = true, .min = lo, .max = hi       \
    }
#define S(n, lo, hi)                                                           \
    {                                                                          \
        .name = n, .kind = MSG_STR, .min = lo, .max = hi                       \
    }
#define L(n, most, of)                                                         \
    {                                                                          \
        .name = n, .kind = MSG_LIST, .max = most, .item = &(of)                \
    }
#define LROWS(n, most, of)                                                     \
    {                                                                          \
        .name = n, .kind = MSG_LIST, .max = most, .item = of,                  \
        .item_n = COUNT(of)                                                    \
    }

enum { ID_LEN = 16, DIGEST_LEN = 32, OPENING = 192, RCPT = 332, WDRW = 170 };
enum { PREKEY_STMT = 1334 };

typedef const struct msg_field_spec fields[];

static fields welcome_client = {
    [WELCOME_DIR] = BNIL("dir_checkpoint", 1, LIMIT_CHECKPOINT),
    [WELCOME_DLV] = BNIL("dlv_checkpoint", 1, LIMIT_CHECKPOINT),
    [WELCOME_MAIL] = U("mail", 0, 1),
};
static fields welcome_relay = {
    [WELCOME_DIR] = B("dir_checkpoint", 1, LIMIT_CHECKPOINT),
    [WELCOME_DLV] = B("dlv_checkpoint", 1, LIMIT_CHECKPOINT),
    [WELCOME_MAIL] = U("mail", 0, 0),
};
static fields send = {
    [SEND_HDR] = B("hdr", LIMIT_HDR_MIN, LIMIT_HDR),
    [SEND_WRAPS] = BSTEP("wraps", LIMIT_WRAP, LIMIT_SLOTS),
    [SEND_BODY] = B("body", LIMIT_BODY_MIN, LIMIT_BODY),
    [SEND_RESEND_OF] = BNIL("resend_of", ID_LEN, ID_LEN),
};
static fields logged = {
    [LOGGED_PACKET_ID] = BX("packet_id", ID_LEN),
    [LOGGED_PROOF] = B("proof", 1, LIMIT_PROOF),
};
static fields deliver = {
    [DELIVER_SENDER] = BX("sender_agency", ID_LEN),
    [DELIVER_HDR] = B("hdr", LIMIT_HDR_MIN, LIMIT_HDR),
    [DELIVER_SLOT] = U("slot", 0, LIMIT_SLOTS - 1),
    [DELIVER_WRAP] = BX("wrap", LIMIT_WRAP),
    [DELIVER_WRAP_HASHES] = BSTEP("wrap_hashes", DIGEST_LEN, LIMIT_SLOTS),
    [DELIVER_BODY] = B("body", LIMIT_BODY_MIN, LIMIT_BODY),
    [DELIVER_STORED_PROOF] = B("stored_proof", 1, LIMIT_PROOF),
};
static fields receipt = {[RECEIPT_RCPT] = BX("rcpt", RCPT)};
static fields withdraw = {[WITHDRAW_WDRW] = BX("wdrw", WDRW)};
static fields events_get = {
    [EVENTS_GET_CURSOR] = U64("cursor"),
    [EVENTS_GET_MAX] = U("max", 1, LIMIT_EVENTS_PAGE),
};
static fields events_row = {
    [EVENTS_ROW_INDEX] = U64("index"),
    [EVENTS_ROW_OPENING] = BX("opening", OPENING),
    [EVENTS_ROW_EVIDENCE] = B("evidence", 0, LIMIT_STMT),
    [EVENTS_ROW_LEAF_PROOF] = B("leaf_proof", 0, LIMIT_PROOF),
};
static fields events = {
    [EVENTS_ROWS] = LROWS("rows", LIMIT_EVENTS_PAGE, events_row),
    [EVENTS_NEXT] = U64("next"),
    [EVENTS_CHECKPOINT] = B("checkpoint", 1, LIMIT_CHECKPOINT),
};
static fields proof_get = {
    [PROOF_GET_LOG] = U("log", LOG_DIRECTORY, LOG_DELIVERY),
    [PROOF_GET_INDEX] = U64("index"),
    [PROOF_GET_SIZE] = U64("size"),
};
static const struct msg_field_spec one_hash = BX("hash", DIGEST_LEN);
static fields proof = {
    [PROOF_HASHES] = L("hashes", LIMIT_PROOF_HASHES, one_hash),
};
static fields blob_put = {
    [BLOB_PUT_ATT_ID] = BX("att_id", ID_LEN),
    [BLOB_PUT_CT_LEN] = U("ct_len", LIMIT_ATT_CT_MIN, LIMIT_ATT_CT),
    [BLOB_PUT_DIGEST] = BX("digest", DIGEST_LEN),
};
static fields blob_at = {
    [BLOB_AT_HANDLE] = U("handle", 0, UINT32_MAX),
    [BLOB_AT_HAVE] = U("have", 0, LIMIT_ATT_CT),
    [BLOB_AT_TOTAL] = U("total", LIMIT_ATT_CT_MIN, LIMIT_ATT_CT),
};
static fields blob_get = {
    [BLOB_GET_OWNER] = BX("owner", ID_LEN),
    [BLOB_GET_ATT_ID] = BX("att_id", ID_LEN),
    [BLOB_GET_OFFSET] = U("offset", 0, LIMIT_ATT_CT),
    [BLOB_GET_LEN] = U("len", 1, LIMIT_ATT_CT),
};
static fields blob_end = {[BLOB_END_HANDLE] = U("handle", 0, UINT32_MAX)};
static const struct msg_field_spec one_prekey = BX("stmt", PREKEY_STMT);
static fields prekey_put = {
    [PREKEY_PUT_STMTS] = L("stmts", LIMIT_PREKEYS_PUT, one_prekey),
};
static fields prekey_get = {[PREKEY_GET_MAILBOX] = BX("mailbox", ID_LEN)};
static fields prekeys = {
    [PREKEYS_STMTS] = L("stmts", LIMIT_PREKEYS_GET, one_prekey),
    [PREKEYS_DIR_SIZE] = U64("dir_size"),
};
static fields collected_get = {
    [COLLECTED_GET_MAILBOX] = BX("mailbox", ID_LEN),
};
static fields collected = {
    [COLLECTED_SHOWN] = U("shown", 0, 1),
    [COLLECTED_TIME_S] = U("time_s", 0, LIMIT_TIME_S),
    [COLLECTED_NOW] = U("now", 0, 1),
};
static fields dir_get = {
    [DIR_GET_FROM] = U64("from"),
    [DIR_GET_MAX] = U("max", 1, LIMIT_EVENTS_PAGE),
};
static const struct msg_field_spec one_leaf = B("leaf", 1, LIMIT_STMT);
static fields dir = {
    [DIR_FROM] = U64("from"),
    [DIR_LEAVES] = L("leaves", LIMIT_EVENTS_PAGE, one_leaf),
    [DIR_CHECKPOINT] = B("checkpoint", 1, LIMIT_CHECKPOINT),
};
static fields stmt_put = {[STMT_PUT_STMT] = B("stmt", 1, LIMIT_STMT)};
static fields stmt = {
    [STMT_INDEX] = U64("index"),
    [STMT_CHECKPOINT] = B("checkpoint", 1, LIMIT_CHECKPOINT),
};
static fields consistency_get = {
    [CONSISTENCY_GET_LOG] = U("log", LOG_DIRECTORY, LOG_DELIVERY),
    [CONSISTENCY_GET_M] = U64("m"),
    [CONSISTENCY_GET_N] = U64("n"),
};
static fields tile_get = {
    [TILE_GET_LOG] = U("log", LOG_DIRECTORY, LOG_DELIVERY),
    [TILE_GET_PATH] = S("path", 1, LIMIT_TILE_PATH),
};
static fields tile = {[TILE_BYTES] = B("bytes", 1, LIMIT_TILE)};
static fields cosigned_get = {
    [COSIGNED_GET_LOG] = U("log", LOG_DIRECTORY, LOG_DELIVERY),
    [COSIGNED_GET_SIZE] = U64("size"),
};
static fields cosigned = {
    [COSIGNED_CHECKPOINT] = B("checkpoint", 1, LIMIT_COSIGNED),
};
static fields invite_new = {
    [INVITE_NEW_CODE_HASH] = BX("code_hash", DIGEST_LEN),
    [INVITE_NEW_EXPIRY] = U64("expiry"),
};
static fields join = {
    [JOIN_CODE] = BX("code", ID_LEN),
    [JOIN_REQUEST] = B("request", 1, LIMIT_JOIN_REQUEST),
};
static fields join_status = {[JOIN_STATUS_CODE] = BX("code", ID_LEN)};
static fields join_state = {
    [JOIN_STATE_STATE] = U("state", JOIN_UNKNOWN, JOIN_REFUSED),
    [JOIN_STATE_DETAIL] = S("detail", 0, LIMIT_REASON),
};
static fields joins_row = {
    [JOINS_ROW_CODE_HASH] = BX("code_hash", DIGEST_LEN),
    [JOINS_ROW_REQUEST] = B("request", 1, LIMIT_JOIN_REQUEST),
    [JOINS_ROW_RECEIVED_S] = U64("received_s"),
};
static fields joins = {
    [JOINS_ROWS] = LROWS("rows", LIMIT_JOINS_PAGE, joins_row),
};
static fields join_refuse = {
    [JOIN_REFUSE_CODE_HASH] = BX("code_hash", DIGEST_LEN),
    [JOIN_REFUSE_REASON] = S("reason", 0, LIMIT_REASON),
};
static fields audit_get = {
    [AUDIT_GET_FROM] = U64("from"),
    [AUDIT_GET_TO] = U64("to"),
};
static fields receipt_get = {[RECEIPT_GET_PACKET_ID] = BX("packet_id", ID_LEN)};
static fields error = {
    [ERROR_CODE] = U("code", 1, UINT16_MAX),
    [ERROR_RETRY_MS] = U("retry_ms", 0, UINT32_MAX),
    [ERROR_DETAIL] = S("detail", 0, LIMIT_DETAIL),
};

#define ASK(t, n, who, reply, fs)                                              \
    {                                                                          \
        MSG_##t, n, MSG_FROM_CLIENT, MSG_ASKS, who, MSG_##reply, COUNT(fs), fs \
    }
#define TELL(t, n, turn, fs)                                                   \
    {                                                                          \
        MSG_##t, n, MSG_FROM_RELAY, turn, 0, 0, COUNT(fs), fs                  \
    }

static const struct msg_spec table[] = {
    {MSG_WELCOME, "WELCOME", MSG_FROM_CLIENT, MSG_PUSHES, MAY_MEMBER, 0,
     COUNT(welcome_client), welcome_client},
    ASK(SEND, "SEND", MAY_SEND, LOGGED, send),
    ASK(RECEIPT, "RECEIPT", MAY_SEND, LOGGED, receipt),
    ASK(WITHDRAW, "WITHDRAW", MAY_SEND, LOGGED, withdraw),
    ASK(EVENTS_GET, "EVENTS_GET", MAY_MEMBER, EVENTS, events_get),
    ASK(PROOF_GET, "PROOF_GET", MAY_MEMBER, PROOF, proof_get),
    ASK(BLOB_PUT, "BLOB_PUT", MAY_SEND, BLOB_AT, blob_put),
    ASK(BLOB_GET, "BLOB_GET", MAY_SEND, BLOB_AT, blob_get),
    ASK(BLOB_END, "BLOB_END", MAY_SEND, BLOB_AT, blob_end),
    ASK(PREKEY_PUT, "PREKEY_PUT", MAY_SEND, OK, prekey_put),
    ASK(PREKEY_GET, "PREKEY_GET", MAY_SEND, PREKEYS, prekey_get),
    ASK(COLLECTED_GET, "COLLECTED_GET", MAY_SEND, COLLECTED, collected_get),
    ASK(DIR_GET, "DIR_GET", MAY_MEMBER, DIR, dir_get),
    ASK(STMT_PUT, "STMT_PUT", MAY_MEMBER | MAY_STRANGER, STMT, stmt_put),
    ASK(CONSISTENCY_GET, "CONSISTENCY_GET", MAY_MEMBER, PROOF, consistency_get),
    ASK(TILE_GET, "TILE_GET", MAY_MEMBER, TILE, tile_get),
    ASK(COSIGNED_GET, "COSIGNED_GET", MAY_MEMBER, COSIGNED, cosigned_get),
    ASK(INVITE_NEW, "INVITE_NEW", MAY_REGISTRAR, OK, invite_new),
    ASK(JOIN, "JOIN", MAY_STRANGER, JOIN_STATE, join),
    ASK(JOIN_STATUS, "JOIN_STATUS", MAY_STRANGER, JOIN_STATE, join_status),
    {MSG_JOIN_LIST, "JOIN_LIST", MSG_FROM_CLIENT, MSG_ASKS, MAY_REGISTRAR,
     MSG_JOINS, 0, NULL},
    ASK(JOIN_REFUSE, "JOIN_REFUSE", MAY_REGISTRAR, OK, join_refuse),
    ASK(AUDIT_GET, "AUDIT_GET", MAY_AUDITOR, EVENTS, audit_get),
    ASK(RECEIPT_GET, "RECEIPT_GET", MAY_SEND, LOGGED, receipt_get),

    TELL(WELCOME, "WELCOME", MSG_PUSHES, welcome_relay),
    {MSG_OK, "OK", MSG_FROM_RELAY, MSG_ANSWERS, 0, 0, 0, NULL},
    TELL(LOGGED, "LOGGED", MSG_ANSWERS, logged),
    TELL(DELIVER, "DELIVER", MSG_PUSHES, deliver),
    TELL(EVENTS, "EVENTS", MSG_EITHER, events),
    TELL(PROOF, "PROOF", MSG_ANSWERS, proof),
    TELL(BLOB_AT, "BLOB_AT", MSG_ANSWERS, blob_at),
    TELL(PREKEYS, "PREKEYS", MSG_ANSWERS, prekeys),
    TELL(COLLECTED, "COLLECTED", MSG_ANSWERS, collected),
    TELL(DIR, "DIR", MSG_EITHER, dir),
    TELL(STMT, "STMT", MSG_ANSWERS, stmt),
    TELL(TILE, "TILE", MSG_ANSWERS, tile),
    TELL(COSIGNED, "COSIGNED", MSG_ANSWERS, cosigned),
    TELL(JOIN_STATE, "JOIN_STATE", MSG_ANSWERS, join_state),
    TELL(JOINS, "JOINS", MSG_ANSWERS, joins),
    TELL(ERROR, "ERROR", MSG_ANSWERS, error),
};

const struct msg_spec *
msg_spec_at(unsigned i)
{
    return i < COUNT(table) ? &table[i] : NULL;
}

const struct msg_spec *
msg_spec_of(enum msg_from from, unsigned type)
{
    for (unsigned i = 0; i < COUNT(table); i++)
        if (table[i].type == type && table[i].from == from)
            return &table[i];
    return NULL;
}

const struct perr_row *
perr_row(unsigned number)
{
    static const struct perr_row rows[] = {
        {0, "E-UNKNOWN", false, "The relay gave an error of unknown number.",
         "Update the program."},
#define PERR_ROW(name, number, text, retry, what, todo)                        \
    [name] = {number, text, retry, what, todo},
        PERR_TABLE(PERR_ROW)
#undef PERR_ROW
    };

    return number < COUNT(rows) ? &rows[number] : &rows[0];
}

static const struct {
    const char *name, *text;
} byes[] = {{"unknown", "the other side ended the session"},
#define BYE_ROW(name, number, text, what) [name] = {text, what},
            BYE_TABLE(BYE_ROW)
#undef BYE_ROW
};

const char *
bye_name(unsigned code)
{
    return byes[code < COUNT(byes) ? code : 0].name;
}

const char *
bye_text(unsigned code)
{
    return byes[code < COUNT(byes) ? code : 0].text;
}
