/* JSON-RPC 2.0 on one side, commands and answers of the engine on the other.  All from the tables of command.h.
 *
 * Error codes: -32700 not JSON (or deeper than GX_JSON_DEPTH_MAX, or a 0 byte), -32600 no request, -32601 no such method, -32602 wrong parameters;
 * what the node refuses: -32000 minus the exit code, with data {code, name, hint, ...}. */
#ifndef GX_OS_JSON_H
#define GX_OS_JSON_H

#include "node/engine/answer.h"
#include "node/engine/command.h"
#include "node/os/fail.h"

#include <jansson.h>

#define GX_JSON_DEPTH_MAX 16u
#define GX_JSON_NUMBER_MAX ((1ull << 53) - 1)       /* larger numbers travel as strings of digits */

enum gx_rpc_code {
    GX_RPC_PARSE = -32700,
    GX_RPC_REQUEST = -32600,
    GX_RPC_METHOD = -32601,
    GX_RPC_PARAMS = -32602,
    GX_RPC_NODE = -32000            /* minus the exit code */
};

struct gx_refusal {
    int code;                       /* enum gx_rpc_code */
    char message[160];
};

/* One line.  NULL and *why when it is not one JSON text within the limits; the caller decrefs. */
json_t *gx_json_parse(struct gx_refusal *why, const char *line, size_t n) GX_MUST_CHECK;

/* Methods of os itself, beside those of the engine. */
enum gx_os_method { GX_OS_NONE, GX_OS_STOP, GX_OS_DISCOVER, GX_OS_LOCK, GX_OS_UNLOCK, GX_OS_PASSWD, GX_OS_COUNT };

/* What a request asks for.  Texts of `command` are borrowed from the request. */
struct gx_request {
    json_t *id;                     /* borrowed: string or number; NULL when the request has none that can be returned */
    enum gx_os_method os;           /* GX_OS_NONE: `command` is set (all but its request number) */
    struct gx_command command;
    const char *passphrase, *next;  /* of unlock and passwd; borrowed */
};
bool gx_json_request(struct gx_request *out, struct gx_refusal *why, const json_t *root) GX_MUST_CHECK;

/* Fill a command from its method's name and parameters (NULL: none). */
bool gx_json_command(struct gx_command *out, struct gx_refusal *why, const char *method, const json_t *params) GX_MUST_CHECK;

const char *gx_method_name(enum gx_method method);
/* GX_METHOD_COUNT when there is none. */
enum gx_method gx_method_find(const char *name);
bool gx_method_offline(enum gx_method method);

/* What is parsed may be a passphrase: memory that jansson gives back is wiped.  Once, before anything is parsed. */
void gx_json_wipe_memory(void);

/* The answer's values as an object; NULL when out of memory. */
json_t *gx_json_values(const struct gx_answer *answer) GX_MUST_CHECK;
/* A JSON-RPC error object.  Values of the answer stand in data beside code, name and hint. */
json_t *gx_json_error(const struct gx_answer *answer) GX_MUST_CHECK;
json_t *gx_json_refusal(const struct gx_refusal *why) GX_MUST_CHECK;
json_t *gx_json_fail(const struct gx_fail *why) GX_MUST_CHECK;

/* {"jsonrpc":"2.0","id":...,"result" or "error":...}: takes over `value`; id may be NULL. */
json_t *gx_json_reply(const json_t *id, const char *key, json_t *value) GX_MUST_CHECK;

/* The same lines at once, as text with its newline, for answers that went well and for notes: json_write.c.  out has room for gx_json_line_max
 * bytes (id: NULL for a note); returns how many were written.  id: string or integer. */
size_t gx_json_line_max(const struct gx_answer *answer, const json_t *id);
size_t gx_json_reply_line(char *out, const json_t *id, const struct gx_answer *answer);
size_t gx_json_note_line(char *out, enum gx_method method, const struct gx_answer *answer);

/* rpc.discover: the methods and their parameters. */
json_t *gx_json_discover(void) GX_MUST_CHECK;

#endif
