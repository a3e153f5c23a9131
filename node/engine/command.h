/* Commands of the engine: one table makes JSON-RPC methods, rpc.discover, and (by the client) help. */
#ifndef GX_ENGINE_COMMAND_H
#define GX_ENGINE_COMMAND_H

#include "crypto/base.h"
#include "proto/addr.h"
#include "proto/limits.h"

/* Parameters: name in JSON, member of struct gx_command, type.  A parameter that was not given is NULL, 0 or false; `has_` tells for numbers
 * whose 0 means something. */
#define GX_PARAM_LIST(X)                                                                             \
    X(GX_PARAM_GROUP, group, TEXT, "name of a group, : and 4 or more characters of its id, or @ and a contact") \
    X(GX_PARAM_NAME, name, TEXT, "a name, UTF-8, up to 256 bytes")                                   \
    X(GX_PARAM_CARRY, carry, TEXT, "what to keep of the messages: off, recent or all")               \
    X(GX_PARAM_WHO, who, TEXT, "@ and a name, or : and 4 or more characters of an id")               \
    X(GX_PARAM_TEXT, text, TEXT, "the text of a message")                                            \
    X(GX_PARAM_TOKEN, token, TEXT, "an invitation or a card: GX1:...")                               \
    X(GX_PARAM_NEAR, near, TEXT, "the six digits that a node nearby shows")                         \
    X(GX_PARAM_INVITE, invite, TEXT, "id of an invitation, 4 or more characters")                    \
    X(GX_PARAM_ADDR, addr, TEXT, "ADDR:PORT")                                                        \
    X(GX_PARAM_AT, at, TEXTS, "list of ADDR:PORT")                                                   \
    X(GX_PARAM_REPLY, reply, NUMBER, "seq of the message answered")                                  \
    X(GX_PARAM_SINCE, since, NUMBER, "only what arrived after this seq")                             \
    X(GX_PARAM_LIMIT, limit, NUMBER, "at most so many; 0 is all")                                    \
    X(GX_PARAM_UNREAD, unread, BOOL, "only what was not read yet")                                   \
    X(GX_PARAM_MARK, mark, BOOL, "mark as read")                                                     \
    X(GX_PARAM_QR_MAX, qr_max, NUMBER, "QR codes admit while there are fewer members")               \
    X(GX_PARAM_CAP, cap, NUMBER, "members at most")                                                  \
    X(GX_PARAM_HISTORY, history, NUMBER, "last messages from before that a newcomer is told; 0: none")  \
    X(GX_PARAM_EXPIRES_MS, expires_ms, NUMBER, "Unix time in ms; default: in 7 days")                \
    X(GX_PARAM_USES, uses, NUMBER, "how many may join by it; 0: no limit of its own")                \
    X(GX_PARAM_PEERS, peers, NUMBER, "sessions with members, at least")                              \
    X(GX_PARAM_COUNT, count, NUMBER, "messages held, exactly")                                       \
    X(GX_PARAM_MEMBERS, members, NUMBER, "members, exactly")                                         \
    X(GX_PARAM_HASH, hash, TEXT, "state_hash or messages_hash, hex")                                 \
    X(GX_PARAM_IDLE, idle, BOOL, "nothing left to send or fetch")                                    \
    X(GX_PARAM_NEARBY, nearby, BOOL, "by six digits, for one person on the same LAN: a note tells them, the answer who came in")  \
    X(GX_PARAM_VOUCHED, vouched, BOOL, "and everybody they let in, and those in turn")               \
    X(GX_PARAM_YES, yes, BOOL, "do it; without it, say what would be done")                          \
    X(GX_PARAM_WAIT, wait, TEXT, "answer when it is \"sent\" (another device holds it) or \"delivered\" (all do)")  \
    X(GX_PARAM_TIMEOUT_MS, timeout_ms, NUMBER, "give up after so long")

enum gx_param {
#define GX_X(id, member, type, help) id,
    GX_PARAM_LIST(GX_X)
#undef GX_X
        GX_PARAM_COUNT_
};

/* method id, JSON-RPC name, params (bits), params that must be there, works offline (node down, store read-only), help */
#define GX_P(x) (1u << GX_PARAM_##x)
#define GX_METHOD_LIST(X)                                                                                                             \
    X(GX_CMD_STATUS, "status", 0u, 0u, true, "what this node is doing")                                                               \
    X(GX_CMD_ID, "id", 0u, 0u, true, "who I am")                                                                                      \
    X(GX_CMD_WAIT, "wait", GX_P(PEERS) | GX_P(GROUP) | GX_P(MEMBERS) | GX_P(COUNT) | GX_P(HASH) | GX_P(IDLE) | GX_P(TIMEOUT_MS), 0u, false, \
      "answer when every condition given holds")                                                                                      \
    X(GX_CMD_GROUP_NEW, "group.new", GX_P(NAME) | GX_P(QR_MAX) | GX_P(CAP) | GX_P(HISTORY), GX_P(NAME), false, "found a group")       \
    X(GX_CMD_GROUP_LIST, "group.list", 0u, 0u, true, "groups of this node")                                                           \
    X(GX_CMD_GROUP_SHOW, "group.show", GX_P(GROUP), GX_P(GROUP), true, "one group")                                                   \
    X(GX_CMD_GROUP_MEMBERS, "group.members", GX_P(GROUP), GX_P(GROUP), true, "members of a group")                                    \
    X(GX_CMD_GROUP_LEAVE, "group.leave", GX_P(GROUP), GX_P(GROUP), false, "leave a group, or give up joining it")                     \
    X(GX_CMD_GROUP_REMOVE, "group.remove", GX_P(GROUP) | GX_P(WHO) | GX_P(VOUCHED) | GX_P(YES), GX_P(GROUP) | GX_P(WHO), false, \
      "remove a member")                                                                                                              \
    X(GX_CMD_GROUP_BAN, "group.ban", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), false, "remove a member, who cannot come back with this key") \
    X(GX_CMD_GROUP_UNBAN, "group.unban", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), false, "let a banned member come back")     \
    X(GX_CMD_GROUP_PROMOTE, "group.promote", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), false, "make a member an admin")        \
    X(GX_CMD_GROUP_DEMOTE, "group.demote", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), false, "make an admin a plain member")    \
    X(GX_CMD_GROUP_TRANSFER, "group.transfer", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), false, "offer the group to a member") \
    X(GX_CMD_GROUP_RENAME, "group.rename", GX_P(GROUP) | GX_P(NAME), GX_P(GROUP) | GX_P(NAME), false, "give the group another name")   \
    X(GX_CMD_GROUP_ALIAS, "group.alias", GX_P(GROUP) | GX_P(NAME), GX_P(GROUP) | GX_P(NAME), false, "what to be called in this group") \
    X(GX_CMD_GROUP_WHY, "group.why", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), true, "by what right somebody is a member, or why an act does not count") \
    X(GX_CMD_GROUP_REVEAL, "group.reveal", GX_P(GROUP) | GX_P(WHO), GX_P(GROUP) | GX_P(WHO), false, "tell a contact which member you are") \
    X(GX_CMD_GROUP_CARRY, "group.carry", GX_P(GROUP) | GX_P(CARRY), GX_P(GROUP) | GX_P(CARRY), false, "how much of a group's messages this node keeps")   \
    X(GX_CMD_PROFILE_SET, "profile.set", GX_P(NAME), GX_P(NAME), false, "what to call yourself, to your contacts")                     \
    X(GX_CMD_CONTACT_ADD, "contact.add", GX_P(TOKEN) | GX_P(AT) | GX_P(NAME), GX_P(TOKEN), false, "ask somebody whose card you have to be a contact") \
    X(GX_CMD_CONTACT_LIST, "contact.list", 0u, 0u, true, "your contacts, and whom you asked")                                         \
    X(GX_CMD_CONTACT_SHOW, "contact.show", GX_P(WHO), GX_P(WHO), true, "one contact")                                                 \
    X(GX_CMD_CONTACT_VERIFY, "contact.verify", GX_P(WHO) | GX_P(YES), GX_P(WHO), true, "the words that both of you read out; yes: they are the same") \
    X(GX_CMD_CONTACT_NAME, "contact.name", GX_P(WHO) | GX_P(NAME), GX_P(WHO) | GX_P(NAME), false, "what you call them; empty: what they call themself") \
    X(GX_CMD_CONTACT_BLOCK, "contact.block", GX_P(WHO), GX_P(WHO), false, "hear nothing from them any more, and tell them nothing")    \
    X(GX_CMD_CONTACT_UNBLOCK, "contact.unblock", GX_P(WHO), GX_P(WHO), false, "take a block back")                                    \
    X(GX_CMD_CONTACT_REMOVE, "contact.remove", GX_P(WHO), GX_P(WHO), false, "be contacts no more")                                    \
    X(GX_CMD_REQUESTS, "requests", 0u, 0u, true, "what waits for your answer")                                                        \
    X(GX_CMD_ACCEPT, "accept", GX_P(WHO), GX_P(WHO), false, "say yes to a request")                                                   \
    X(GX_CMD_REFUSE, "refuse", GX_P(WHO), GX_P(WHO), false, "say no to a request")                                                    \
    X(GX_CMD_INVITE, "invite", GX_P(GROUP) | GX_P(EXPIRES_MS) | GX_P(USES) | GX_P(WHO) | GX_P(NEARBY) | GX_P(TIMEOUT_MS), GX_P(GROUP), false, \
      "make an invitation; who: to that contact alone")                                                                               \
    X(GX_CMD_INVITES, "invites", GX_P(GROUP), 0u, true, "invitations that are known")                                                 \
    X(GX_CMD_REVOKE, "revoke", GX_P(INVITE), GX_P(INVITE), false, "end an invitation")                                                \
    X(GX_CMD_INSPECT, "inspect", GX_P(TOKEN), GX_P(TOKEN), true, "what an invitation says, without using it")                         \
    X(GX_CMD_JOIN, "join", GX_P(TOKEN) | GX_P(NEAR) | GX_P(AT) | GX_P(NAME) | GX_P(TIMEOUT_MS), 0u, false, "join a group by a token, or near") \
    X(GX_CMD_SEND, "send", GX_P(GROUP) | GX_P(TEXT) | GX_P(REPLY) | GX_P(WAIT) | GX_P(TIMEOUT_MS), GX_P(GROUP) | GX_P(TEXT), false, \
      "send a message")                                                                                                               \
    X(GX_CMD_READ, "read", GX_P(GROUP) | GX_P(SINCE) | GX_P(LIMIT) | GX_P(UNREAD) | GX_P(MARK), 0u, true, "messages, oldest first")   \
    X(GX_CMD_WATCH, "watch", GX_P(GROUP) | GX_P(SINCE), 0u, false, "what happens, as it happens: a subscription")                     \
    X(GX_CMD_VACUUM, "vacuum", 0u, 0u, true, "drop what is not to be kept, and give the disk space back")                           \
    X(GX_CMD_PEERS, "peers", 0u, 0u, false, "who is connected")                                                                       \
    X(GX_CMD_PEER_ADD, "peer.add", GX_P(ADDR), GX_P(ADDR), false, "an address to try members' keys at")                               \
    X(GX_CMD_PEER_DROP, "peer.drop", GX_P(ADDR), GX_P(ADDR), false, "forget such an address")

enum gx_method {
#define GX_X(id, name, params, needed, offline, help) id,
    GX_METHOD_LIST(GX_X)
#undef GX_X
        GX_METHOD_COUNT
};

#define GX_COMMAND_ADDRS_MAX 8u
struct gx_command {
    enum gx_method method;
    uint64_t request;               /* the caller's number for it, returned with the answer */
    uint32_t given;                 /* bits of enum gx_param: which were given */
    const char *group, *name, *carry, *who, *text, *token, *near, *invite, *addr, *hash, *wait;       /* NULL when not given; end in 0, no 0 inside */
    const char *at[GX_COMMAND_ADDRS_MAX];
    size_t n_at;
    uint64_t reply, since, limit, qr_max, cap, history, expires_ms, uses, peers, count, members, timeout_ms;
    bool unread, mark, idle, nearby, vouched, yes;
};

static inline bool gx_command_has(const struct gx_command *c, enum gx_param p)
{
    return (c->given & (1u << p)) != 0;
}

#endif
