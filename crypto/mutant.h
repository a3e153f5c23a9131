/* Mutants: bugs that are in the sources on purpose, each behind a switch that only a test build has.  A simulation that never fails proves little;
 * one that finds every one of these would have seen a mistake of that kind.  So each says what should show it, and the simulator holds each against
 * that.  An honest run finds most of them; what more it takes is said with "needs".
 *
 * A build without GX_MUTANTS holds none of this: GX_MUTANT is false there, and the compiler drops what hangs on it. */
#ifndef GX_CRYPTO_MUTANT_H
#define GX_CRYPTO_MUTANT_H

#include "crypto/base.h"

#define GX_MUTANT_LIST(X)                                                                                                                        \
    /* --- the law: all nodes agree, on the wrong thing */                                                                                       \
    X(CAP_BY_ONE, "one member more than the cap; shown by: members of a group > cap")                                                            \
    X(QR_BY_ONE, "a QR code lets in one more than qr_max; shown by: members after an admission by QR > qr_max")                                  \
    X(REMOVAL_UNDONE, "REMOVE ends no membership; shown by: who was removed, and not let in since, is a member")                                 \
    X(REMOVED_ADMITS, "ADMITs beside the removal of their author count; shown by: who a removed one let in meanwhile is a member")               \
    X(READMITTED, "an ADMIT outlives a removal beside it; shown by: let in at two doors, removed by who saw one, is a member")                   \
    X(BAN_OVER, "a BAN keeps nobody out; shown by: who was banned is let in again")                                                              \
    X(RANK_EQUAL, "an admin may remove admins and the owner; shown by: a removal by no higher rank has effect")                                  \
    X(USES_UNCOUNTED, "invitations are never used up; shown by: more seats by one invitation than its uses")                                     \
    X(REVOKED_GOOD, "a revoked invitation still admits; shown by: a member by an invitation that was revoked before it asked")                   \
    X(CONSENT_STALE, "a request is good again after a LEAVE; needs: a member that lets in again by the old one; shown by: who left is a member") \
    X(COUNT_TWICE, "who is let in at two doors counts twice; shown by: the number of members is not the length of their list")                   \
    /* --- the law: nodes differ */                                                                                                              \
    X(ARRIVAL_ORDER, "equal depth is ordered by arrival; shown by: states differ (last seat, two doors)")                                        \
    X(NO_REACHING_BACK, "a removal that comes late leaves earlier ADMITs as judged; shown by: states differ, or change with a restart")          \
    X(ALIAS_STALE, "the name first found stays; needs: the state asked for before a name changes; shown by: states differ")                      \
    /* --- invitations */                                                                                                                        \
    X(EXPIRED_GOOD, "invitations never expire; shown by: somebody is let in after the time")                                                     \
    X(RECORD_EARLY, "where a member is reached is looked at before its ADMIT counts; needs: a door alone; shown by: a newcomer meets nobody")         \
    X(BASELINE_NONE, "newcomers are not told where logs begin; shown by: a newcomer holds messages from before its admission")                   \
    /* --- what is believed */                                                                                                                   \
    X(MESSAGES_UNPROVED, "messages need no good signature; needs: a liar that alters texts; shown by: a text nobody sent, the store check")      \
    X(CONTROL_UNPROVED, "control events need no good signature; needs: a liar that alters one; shown by: the store check, states differ")        \
    X(TWICE, "a control event that is verified twice at once counts twice; shown by: a fork nobody made, numbers of control events differ")      \
    X(BRANCH_REFUSED, "of a forked log only one branch is kept; needs: a liar or a copied home that forks; shown by: messages differ")           \
    /* --- who is out */                                                                                                                         \
    X(CUT_IGNORED, "what a removed one wrote behind the cut is shown; shown by: messages differ, a removed one's are shown")                     \
    X(CUT_LOW, "a removal cuts all that the removed one wrote; shown by: an acknowledged message that everybody had is shown no more")           \
    X(OUT_SERVED, "who is removed is served as before; needs: one that stays on the line; shown by: it gets what is written behind that")        \
    X(GATE_TRUSTED, "who shows a gate, old ones too, is served, whoever it is; shown by: who is out gets what is written behind that")            \
    X(OUT_UNTOLD, "who was removed is not told; shown by: its node says it is a member, when all is quiet")                                      \
    X(LEAVE_FIRST, "a LEAVE overtakes the leaver's messages; needs: to send and leave offline; shown by: an acknowledged message is missing")    \
    X(HASH_STALE, "the hash of messages outlives a change of members; needs: it asked for before a removal; shown by: messages differ")          \
    /* --- catching up */                                                                                                                        \
    X(BUCKET_LOST, "every other part of what is compared is taken for the same; shown by: messages or states differ when all is quiet")         \
    X(WANT_UNSERVED, "who asks for messages is given none; shown by: messages differ when all is quiet")                                         \
    X(WANT_NEWEST, "who asks for messages is given the newest; shown by: messages differ when all is quiet (two were missed)")                   \
    X(RELAY_NONE, "others' logs are not told of to who connects; shown by: messages or states differ while an author is away")                   \
    X(CONTROL_UNASKED, "missing control events are not asked for; shown by: states differ when a partition is over")                             \
    X(BASE_UNTOLD, "a log's beginning is told as 0; shown by: a message counts as held by a newcomer that does not have it")                     \
    X(WANT_EVER, "who asks for all again and again is given it each time; needs: a flooder; shown by: it was given more than there is")            \
    X(WASTE_EVER, "what brings nothing is looked at however much it is; needs: a flooder; shown by: it cost more than there is")                     \
    X(SHUT_NEVER, "who was cut for what it sent is let in at once; needs: a flooder; shown by: it is served before its time is over")               \
    X(DIAL_ONCE, "a node that could not be reached is not tried again; shown by: nodes stay apart when a partition is over")                     \
    /* --- on a LAN */                                                                                                                           \
    X(FOUND_NOWHERE, "who answers a beacon is not connected to; needs: all have moved; shown by: nodes stay apart")                              \
    X(CAPSULE_NONE, "who may have an old gate does not say who it is; needs: one who missed a removal, and moved; shown by: nodes stay apart")   \
    X(CAPSULE_TRUSTED, "a capsule is answered, whoever it is; needs: one who does not know of its removal; shown by: a beacon of theirs is answered") \
    X(DIGITS_UNPROVED, "an invitation is given to whoever asks, whatever they typed; shown by: it is given to who typed other digits")            \
    X(DIGITS_EVER, "digits that are wrong are not counted; needs: five that were tried; shown by: who types the right ones after them comes in") \
    /* --- live, in a large group */                                                                                                             \
    X(PUSH_TWICE, "who is pushed what it has goes on being pushed to; shown by: messages come again and again")                                  \
    X(GRAFT_NEVER, "who lacks what was announced asks for it, and stays out of the tree; needs: a neighbour that is silent; shown by: few are pushed") \
    /* --- the store */                                                                                                                          \
    X(HEAD_LATE, "every other head of the own log is not kept; shown by: after a restart an acknowledged message missing, a fork")               \
    X(SIGNATURE_LOST, "own texts are kept unsigned; shown by: nobody else gets them, the store check")                                           \
    X(RETAIN_UNSENT, "own messages that nobody holds yet are dropped like others; needs: a small quota; shown by: an acknowledged message missing")   \
    X(DROPPED_UNTOLD, "an author is not told that what is not kept was there; needs: much caught up at once by who keeps little; shown by: a LEAVE that is kept back") \
    X(FOLD_LAST, "the fold, here after 64 events, drops a log's last segment; shown by: an acknowledged message missing, the store check")       \
    X(EPOCH_KEPT, "the newest epoch is spoken under, whomever it lists; shown by: newcomers cannot read, the removed can")                       \
    X(REMOVED_LISTED, "an epoch is sealed to who was removed, too; shown by: the removed can read what was written after")                       \
    X(KEY_TWICE, "the own chain stays where it is; shown by: two messages of one author at one place of a chain")                                \
    X(KEYS_UNASKED, "keys that are lacking are not asked for; shown by: names and messages that cannot be read where others can")                \
    X(OPENED_BUT_ONE, "of messages that are opened together the first is not; shown by: a message that others can read is locked")                 \
    X(HISTORY_ALL, "newcomers are given and told all that was said before, whatever the group allows; shown by: they read what was not for them")  \
    X(HISTORY_EVER, "newcomers are told the last of all, and not of before; needs: one who wrote unknowing; shown by: they read what was not for them") \
    X(KEYS_UNCHECKED, "a key that is told is taken as it is; needs: a liar that tells wrong ones; shown by: a message that others can read is locked") \
    X(TRANSPORT_KEPT, "the transport key stays; shown by: after a removal it is the one that who is out knows")                                     \
    X(SEGMENT_UNCOUNTED, "messages of a long chunk are not counted; needs: 16 missed of one author; shown by: the store check")

enum gx_mutant {
    GX_MUTANT_NONE,
#define GX_X(name, text) GX_MUTANT_##name,
    GX_MUTANT_LIST(GX_X)
#undef GX_X
        GX_MUTANT_COUNT,
    /* Of what the simulator does not have: ablation/lan/... */
    GX_MUTANT_MODE_IGNORED      /* groups are shown where contacts alone should be; shown by: a beacon of theirs on that network, an answer */
};

#ifdef GX_MUTANTS
extern int gx_mutant;       /* enum gx_mutant; the test program that links these layers defines and sets it */
#define GX_MUTANT(name) (gx_mutant == GX_MUTANT_##name)
#else
#define GX_MUTANT(name) false
#endif

#endif
