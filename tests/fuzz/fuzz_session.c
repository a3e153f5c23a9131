/* Whole sessions, to a real node on a real store: a member and contact whose keys the input speaks with, two lines of its own, guests at the node's doors, a
 * door that the node comes to itself, time, an honest member's words in between.  What is signed where a signature is needed is signed here, so that what is
 * behind it is reached: the frames are any.
 *
 * Whatever was said, no step fails, each frame that is sent is one, what lies in the stores is sound, and the honest member and the node end as one: the
 * same group, the same messages, and each hears the other's next word.
 *
 *   step x n: what u8, and what that takes (below) */
#include "tests/fuzz/session.h"

#define STEPS_MAX 64u

/* --- lines of the liar ------------------------------------------------------------------------------------------------------------------------ */

static struct net_link *link_of(unsigned k)
{
    return &world.net->link[NET_LINKS - 1 - k];
}

static void push(unsigned k, struct gx_span bytes)
{
    net_push(world.net, VICTIM, (struct gx_input){.kind = GX_IN_FRAME, .session = world.lines[k].session}, bytes);
    net_settle(world.net);
}

static void hang_up(unsigned k)
{
    if (!link_of(k)->open)
        return;
    link_of(k)->open = false;
    net_push(world.net, VICTIM, (struct gx_input){.kind = GX_IN_SESSION_DOWN, .session = world.lines[k].session}, gx_span(NULL, 0));
    net_settle(world.net);
}

static uint32_t door_of(enum where where)
{
    const struct gx_engine *e = world.net->node[VICTIM].engine;

    return where == CARD_DOOR ? e->people.door.number : where == GUESTS_DOOR && e->n_doors > 0 ? e->doors[0].number : 0;
}

/* To a door of the victim's; and HELLO. */
static void open_line(unsigned k, enum where where)
{
    struct net *net = world.net;
    struct line_of_liar *l = &world.lines[k];
    const struct net_door *door = NULL;
    uint8_t bytes[64];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);

    hang_up(k);
    for (int i = 0; i < net->n_doors; i++)
        if (net->door[i].node == VICTIM && net->door[i].number == door_of(where))
            door = &net->door[i];
    if (door == NULL)
        return;
    *l = (struct line_of_liar){.where = where, .session = net->node[VICTIM].next_inbound};
    net->node[VICTIM].next_inbound += 2;
    *link_of(k) = (struct net_link){.open = true, .node = {N_REAL + (int)k, VICTIM}, .session = {1, l->session}};
    memset(&l->transcript.client_key, 0x33 + (int)k, 32);
    memset(&l->transcript.client_nonce, 0x44, sizeof l->transcript.client_nonce);
    l->transcript.server_key = door->pk;
    net_push(net, VICTIM, (struct gx_input){.kind = GX_IN_SESSION_UP, .session = l->session, .inbound = true, .door = door->number,
             .peer_key = l->transcript.client_key, .own_key = door->pk, .peer_addr = net_addr(9)}, gx_span(NULL, 0));
    gx_frame_write_hello(&w, &l->transcript.client_nonce);
    push(k, gx_wr_span(&w));
}

static uint16_t channel_of(unsigned k, unsigned seat)
{
    return (uint16_t)(5 + SEATS * k + seat);
}

static bool shares(unsigned seat)
{
    const struct gx_group *g = group_at(VICTIM, &world.seats[seat].group);

    return g != NULL && gx_group_is_member(g);
}

/* The gates of what both are in, and that the liar's devices are members': true words. */
static void prove(unsigned k)
{
    const struct gx_transcript *t = &world.lines[k].transcript;
    uint8_t bytes[512], signed_bytes[GX_PROOF_SIGNED_BYTES];
    struct gx_proof proofs[SEATS];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_frame_list list = gx_frame_begin_tags(&w);

    for (unsigned i = 0; i < SEATS; i++) {
        if (!shares(i))
            continue;
        proofs[i] = (struct gx_proof){.channel = channel_of(k, i), .device = world.seats[i].device};
        gx_gate_tag(&proofs[i].tag, &world.seats[i].gate, GX_ROLE_CLIENT, t);
        gx_frame_put_tag(&w, &list, &proofs[i].tag);
    }
    gx_frame_end(&w, &list);
    push(k, gx_wr_span(&w));
    w = gx_wr(bytes, sizeof bytes);
    list = gx_frame_begin_proof(&w);
    for (unsigned i = 0; i < SEATS; i++) {
        if (!shares(i))
            continue;
        gx_proof_signed_bytes(signed_bytes, &world.seats[i].group, GX_ROLE_CLIENT, t);
        gx_sign(&proofs[i].sig, &world.seats[i].device_sk, GX_DOMAIN_SESSION, gx_span(signed_bytes, sizeof signed_bytes));
        gx_frame_put_proof(&w, &list, &proofs[i]);
    }
    gx_frame_end(&w, &list);
    push(k, gx_wr_span(&w));
}

/* That a guest has the code, or the card. */
static void prove_code(unsigned k)
{
    const struct line_of_liar *l = &world.lines[k];
    uint8_t bytes[128], signed_bytes[GX_GUEST_SIGNED_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_sig sig;

    gx_guest_signed_bytes(signed_bytes, &world.guests[l->where], &l->transcript);
    gx_sign(&sig, &world.keys[l->where].sk, GX_DOMAIN_GUEST, gx_span(signed_bytes, sizeof signed_bytes));
    gx_frame_write_guest(&w, &world.guests[l->where], &sig);
    push(k, gx_wr_span(&w));
}

/* --- frames ------------------------------------------------------------------------------------------------------------------------------------ */

static bool has_channel(uint8_t kind)
{
    static const uint8_t without[] = {GX_FRAME_HELLO, GX_FRAME_TAGS, GX_FRAME_PROOF,   GX_FRAME_AGAIN, GX_FRAME_GUEST, GX_FRAME_PATH, GX_FRAME_JOIN, GX_FRAME_ADMITTED,
                                      GX_FRAME_REFUSED, GX_FRAME_BYE, GX_FRAME_PING, GX_FRAME_PONG, GX_FRAME_CARD, GX_FRAME_SUM};

    return memchr(without, kind, sizeof without) == NULL;
}

/* A frame that speaks of a group on that line. */
static void right_channel(unsigned k, unsigned seat, uint8_t *bytes, size_t n)
{
    if (n < 3)
        return;
    size_t at = has_channel(bytes[0]) ? 1 : bytes[0] == GX_FRAME_SUM && n >= 6 ? 4 : 0;
    if (at > 0) {
        bytes[at] = world.lines[k].hosts ? 0 : (uint8_t)channel_of(k, seat);
        bytes[at + 1] = 0;
    }
}

/* length u16 | bytes; raw: as they are */
static void say_bytes(unsigned k, unsigned seat, struct fuzz_in *in, bool raw)
{
    static uint8_t bytes[4096];
    struct gx_span s = fuzz_take(in, fuzz_u16(in) % sizeof bytes);

    if (s.n > 0)
        memcpy(bytes, s.p, s.n);
    if (!raw)
        right_channel(k, seat, bytes, s.n);
    push(k, gx_span(bytes, s.n));
}

/* edits u8 x (place u16 | changed bits u8) */
static void edit(uint8_t *bytes, size_t n, struct fuzz_in *in)
{
    for (unsigned left = fuzz_u8(in) % 8u; left > 0 && n > 0; left--) {
        uint16_t at = fuzz_u16(in);
        bytes[at % n] ^= fuzz_u8(in);
    }
}

/* which u8 | edits: one that was said before, on this line and changed. */
static void say_again(unsigned k, unsigned seat, struct fuzz_in *in)
{
    static uint8_t bytes[SAID_BYTES_MAX];
    const struct said *s = &world.said[fuzz_u8(in) % world.n_said];
    size_t n = s->n;

    memcpy(bytes, s->bytes, n);
    right_channel(k, seat, bytes, n);
    edit(bytes, n, in);
    uint8_t cut = fuzz_u8(in);
    push(k, gx_span(bytes, cut > 0 && cut < n ? n - cut : n));
}

/* --- on the LAN ---------------------------------------------------------------------------------------------------------------------------------- */

static const struct gx_addr on_lan = {.family = 4, .ip = {192, 0, 2, 66}, .port = 4066};

/* A beacon of the liar's, by the gate of a group. */
static void write_beacon(struct gx_wr *w, const struct seat *seat, const struct gx_lan_key *key)
{
    const struct gx_dh_sk secret = {{0x77}};
    struct gx_beacon beacon = {.filler = {1}};
    struct gx_lan_said said;

    gx_dh_public(&beacon.r, &secret);
    gx_lan_said(&said, &beacon.r, &on_lan, gx_lan_slot(world.net->now.wall_ms));
    gx_lan_tag(&beacon.tags[0], key, &said);
    gx_lan_capsule_seal(&beacon.capsule, key, &said, seat->group.b, &seat->device, &seat->device_sk);
    gx_beacon_encode(w, &beacon);
}

/* The place as the input has it, in an answer to what the victim said last. */
static void write_answer(struct gx_wr *w, const struct gx_lan_key *key, struct fuzz_in *in)
{
    uint8_t place[GX_LAN_PLACE_BYTES] = {0};
    struct gx_span bytes = fuzz_take(in, fuzz_u8(in) % (sizeof place + 1));
    static const uint8_t seed[32] = {8};
    struct gx_lan_answer answer;
    struct gx_lan_said said;
    struct gx_rng_stream rng;

    if (bytes.n > 0)
        memcpy(place, bytes.p, bytes.n);
    gx_rng_stream_init(&rng, seed);
    memcpy(answer.echo, world.beacon.r.b, sizeof answer.echo);
    gx_lan_said(&said, &world.beacon.r, &world.net->node[VICTIM].lan, gx_lan_slot(world.net->now.wall_ms));
    if (gx_lan_answer_seal(&answer.sealed, &rng.rng, key, &said, place))
        gx_lan_answer_encode(w, &answer);
}

/* (place) | edits | cut u8 */
static void say_on_lan(unsigned which_seat, struct fuzz_in *in, bool answers)
{
    const struct seat *seat = &world.now_seats[which_seat];
    uint8_t bytes[GX_BEACON_BYTES];
    struct gx_wr w = gx_wr(bytes, sizeof bytes);
    struct gx_lan_key key;

    gx_lan_key_of_gate(&key, &seat->gate);
    if (answers)
        write_answer(&w, &key, in);
    else
        write_beacon(&w, seat, &key);
    edit(bytes, w.n, in);
    uint8_t cut = fuzz_u8(in);
    size_t n = cut < w.n ? w.n - cut : w.n;
    net_push(world.net, VICTIM, (struct gx_input){.kind = GX_IN_DATAGRAM, .peer_addr = on_lan}, gx_span(bytes, n));
    net_settle(world.net);
}

/* --- events --------------------------------------------------------------------------------------------------------------------------------------- */

enum how { OF_SAMPLE = 1, SEALED = 2, OTHER_LOG = 4, OTHER_SEQ = 8, OTHER_PREV = 16, OTHER_SIG = 32, UNASKED = 64, UNKEPT = 128 };

static uint8_t body_bytes[GX_EVENT_BODY_MAX];

/* A plain form of any shape, sealed with the key that its place has. */
static void seal_body(struct seat *seat, struct gx_event *ev, struct fuzz_in *in)
{
    uint8_t hdr0[GX_EVENT_HDR_MAX], plain[2048];
    struct gx_sealed_head head = {.n = seat->chain.next};
    struct gx_wr h = gx_wr(hdr0, sizeof hdr0), w = gx_wr(body_bytes, sizeof body_bytes);
    struct gx_span text = fuzz_take(in, fuzz_u16(in) % sizeof plain);
    static struct gx_rng_stream rng;
    struct gx_message_key key;

    gx_rng_stream_init(&rng, ev->prev.b);
    size_t before = ev->type == GX_EV_TOKEN ? 36 : 0;
    memcpy(head.epoch, seat->epoch.b, sizeof head.epoch);
    gx_chain_step(&key, &seat->chain.key);
    seat->chain.next++;
    ev->body_len = (uint32_t)(before + GX_SEALED_HEAD_BYTES + gx_sealed_padded(text.n) + GX_AEAD_TAG_BYTES);
    memset(body_bytes, 0x21, before);
    w.n = before + GX_SEALED_HEAD_BYTES;
    gx_event_write_header0(&h, ev);
    if (text.n > 0)
        memcpy(plain, text.p, text.n);
    gx_message_seal(body_bytes + w.n, &head, &key, &rng.rng, gx_wr_span(&h), gx_span(plain, text.n));
    w.n = before;
    gx_wr_bytes(&w, head.epoch, sizeof head.epoch);
    gx_wr_u32(&w, head.n);
    gx_wr_bytes(&w, head.nonce.b, sizeof head.nonce.b);
    gx_wr_bytes(&w, head.commit, sizeof head.commit);
    ev->body = gx_span(body_bytes, ev->body_len);
}

/* length u16 | bytes.  What is done to somebody begins with who it is: where the first byte is even, the victim. */
static void raw_body(struct gx_event *ev, const struct gx_group *g, struct fuzz_in *in)
{
    struct gx_span body = fuzz_take(in, fuzz_u16(in) % 2048u);

    if (body.n > 0)
        memcpy(body_bytes, body.p, body.n);
    if (body.n >= 32 && (body_bytes[0] & 1) == 0)
        memcpy(body_bytes, g->row.intro.member.b, 32);
    ev->body = gx_span(body_bytes, body.n);
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, 32);
}

/* Operations that the node knows, the newest first in line; ascending, each once. */
static uint8_t choose_deps(const struct gx_law *law, uint8_t *deps, struct fuzz_in *in)
{
    uint8_t n = fuzz_u8(in) % 4u;

    for (uint8_t i = 0; i < n; i++)
        memcpy(deps + 32u * i, law->nodes[(law->n_ops - 1 + (i == 0 ? 0 : fuzz_u8(in))) % law->n_ops].op.id.b, 32);
    qsort(deps, n, 32, by_id);
    for (uint8_t i = 1; i < n;) {
        if (memcmp(deps + 32u * i, deps + 32u * (i - 1u), 32) != 0) {
            i++;
            continue;
        }
        memmove(deps + 32u * (i - 1u), deps + 32u * i, 32u * (size_t)(n - i));
        n--;
    }
    return n;
}

/* how u8 | which u8 | deps | tick u8 | (other seq u8) | (changed prev u8) | body */
static void say_event(unsigned k, unsigned which_seat, struct fuzz_in *in)
{
    static uint8_t frame[GX_FRAME_BYTES_MAX], chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX], deps[4 * 32];
    uint8_t how = fuzz_u8(in), which = fuzz_u8(in);
    const struct sample *sample = &world.samples[which % world.n_samples];
    static const uint8_t sealed_types[] = {GX_EV_TEXT, GX_EV_ALIAS, GX_EV_META, GX_EV_INVITE, GX_EV_REVEAL, GX_EV_TOKEN};
    struct seat *seat = &world.now_seats[which_seat];
    const struct gx_group *g = group_at(VICTIM, &seat->group);
    struct gx_event ev = {.ver = GX_EVENT_VERSION, .group = seat->group, .deps = deps};
    enum gx_log_class cls;

    if (g == NULL || g->law.n_ops == 0)
        return;

    ev.type = (how & OF_SAMPLE) != 0 ? sample->type : (how & SEALED) != 0 ? sealed_types[which % sizeof sealed_types] : which;
    if (!gx_event_class(&cls, ev.type))
        cls = GX_LOG_CONTROL;
    struct pen *pen = &seat->pens[(how & OTHER_LOG) != 0 ? 1 - (int)cls : (int)cls];
    ev.log = pen->log;
    ev.prev = pen->id;
    ev.n_deps = choose_deps(&g->law, deps, in);
    ev.tick = (g->max_tick > pen->tick ? g->max_tick : pen->tick) + fuzz_u8(in) % 64u;
    ev.seq = pen->seq + 1u + ((how & OTHER_SEQ) != 0 ? fuzz_u8(in) : 0u);
    if ((how & OTHER_PREV) != 0)
        ev.prev.b[0] ^= fuzz_u8(in);
    ev.wall_ms = cls == GX_LOG_MESSAGES ? 0 : gx_author_minute(world.net->now);
    if (ev.type == GX_EV_CREATE)
        memset(&ev.group, 0, sizeof ev.group);
    if ((how & OF_SAMPLE) != 0) {
        memcpy(body_bytes, sample->body, sample->n);
        edit(body_bytes, sample->n, in);
        ev.body = gx_span(body_bytes, sample->n);
    } else if ((how & SEALED) != 0) {
        seal_body(seat, &ev, in);
    } else {
        raw_body(&ev, g, in);
    }
    gx_event_seal(&ev, &seat->device_sk);
    if ((how & OTHER_SIG) != 0)
        ev.sig.b[5] ^= 1;

    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(frame, sizeof frame);
    gx_chunk_write_header(&c, &ev.log, (uint32_t)ev.seq, &ev.prev, 1);
    gx_record_encode(&c, &ev);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, channel_of(k, which_seat), (how & UNASKED) != 0 ? 0 : GX_CHUNKS_PUSH);
    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    GX_ASSERT(!w.failed);
    if ((how & UNKEPT) == 0)
        *pen = (struct pen){.log = ev.log, .seq = (uint32_t)ev.seq, .id = ev.id, .tick = ev.tick};
    push(k, gx_wr_span(&w));
}

/* counter u8 | addresses u8 | port u16: where the liar can be reached, signed. */
static void say_record(unsigned k, unsigned which_seat, struct fuzz_in *in)
{
    const struct seat *seat = &world.now_seats[which_seat];
    struct gx_endpoint record = {.device = seat->device, .transport = world.lines[k].transcript.client_key, .counter = fuzz_u8(in)};
    uint8_t frame[1024], signed_bytes[GX_ENDPOINT_SIGNED_MAX];
    struct gx_wr w = gx_wr(frame, sizeof frame);
    struct gx_frame_list list = gx_frame_begin_endpoints(&w, channel_of(k, which_seat));

    record.n_addrs = fuzz_u8(in) % (GX_ENDPOINT_ADDRS_MAX + 1u);
    for (unsigned i = 0; i < record.n_addrs; i++)
        record.addrs[i] = net_addr((uint16_t)(fuzz_u16(in) | 1u));
    gx_sign(&record.sig, &seat->device_sk, GX_DOMAIN_ENDPOINT, gx_span(signed_bytes, gx_endpoint_signed_bytes(signed_bytes, &record, &seat->group)));
    gx_frame_put_endpoint(&w, &list, &record);
    gx_frame_end(&w, &list);
    push(k, gx_wr_span(&w));
}

/* The liar lets the victim into rum, whose owner it is, by the request that it heard; flags u8 of what the frame of events says. */
static void admit(struct fuzz_in *in)
{
    static uint8_t frame[GX_FRAME_BYTES_MAX], chunk[GX_CHUNK_HEADER_BYTES + GX_RECORD_BYTES_MAX];
    struct seat *seat = &world.now_seats[RUM];
    struct pen *pen = &seat->pens[GX_LOG_CONTROL];
    struct gx_event ev = {.ver = GX_EVENT_VERSION, .type = GX_EV_ADMIT, .group = seat->group, .log = pen->log, .seq = pen->seq + 1u, .prev = pen->id,
                          .tick = pen->tick + 1, .wall_ms = gx_author_minute(world.net->now), .n_deps = 1, .deps = pen->id.b,
                          .body = gx_span(world.request, world.n_request)};
    struct gx_wr c = gx_wr(chunk, sizeof chunk), w = gx_wr(frame, sizeof frame);
    uint8_t flags = fuzz_u8(in) & (GX_CHUNKS_PUSH | GX_CHUNKS_LAST);

    if (world.n_request == 0)
        return;
    gx_event_seal(&ev, &seat->device_sk);
    gx_frame_write_admitted(&w, &ev.id);
    push(1, gx_wr_span(&w));
    gx_chunk_write_header(&c, &ev.log, (uint32_t)ev.seq, &ev.prev, 1);
    gx_record_encode(&c, &ev);
    w = gx_wr(frame, sizeof frame);
    struct gx_frame_list list = gx_frame_begin_chunks(&w, 0, flags);
    for (unsigned i = 0; i < world.n_rum; i++)
        gx_frame_put_chunk(&w, &list, gx_span(world.rum_chunks[i], world.rum_bytes[i]));
    gx_frame_put_chunk(&w, &list, gx_wr_span(&c));
    gx_frame_end(&w, &list);
    GX_ASSERT(!w.failed && !c.failed);
    *pen = (struct pen){.log = ev.log, .seq = (uint32_t)ev.seq, .id = ev.id, .tick = ev.tick};
    push(1, gx_wr_span(&w));
}

/* --- steps --------------------------------------------------------------------------------------------------------------------------------------- */

static void says(int i, const char *text)
{
    struct gx_command cmd = {.method = GX_CMD_SEND, .group = world.tea, .text = text, .given = NET_TEXT_GIVEN};

    net_ask(world.net, i, cmd, "event", 0);
}

static void line_up(bool up)
{
    line(world.net, VICTIM, HONEST, up);
}

static void command(uint8_t which)
{
    const struct gx_command commands[] = {
        {.method = GX_CMD_GROUP_SHOW, .group = world.tea, .given = 1u << GX_PARAM_GROUP},
        {.method = GX_CMD_STATUS},
        {.method = GX_CMD_READ},
        {.method = GX_CMD_INVITE, .group = world.tea, .given = 1u << GX_PARAM_GROUP},
        {.method = GX_CMD_REQUESTS},
        {.method = GX_CMD_PEERS},
        {.method = GX_CMD_CONTACT_LIST},
        {.method = GX_CMD_ACCEPT, .who = "n3", .given = 1u << GX_PARAM_WHO},
        {.method = GX_CMD_ACCEPT, .who = "n2", .given = 1u << GX_PARAM_WHO},
        {.method = GX_CMD_GROUP_REVEAL, .group = world.tea, .who = "@n2", .given = GIVEN_WHO},
        {.method = GX_CMD_INVITE, .group = world.tea, .who = "@n2", .given = GIVEN_WHO},
        {.method = GX_CMD_CONTACT_REMOVE, .who = "@n2", .given = 1u << GX_PARAM_WHO},
        {.method = GX_CMD_WATCH, .group = world.tea, .given = 1u << GX_PARAM_GROUP},
        {.method = GX_CMD_GROUP_MEMBERS, .group = world.tea, .given = 1u << GX_PARAM_GROUP},
    };

    net_ask(world.net, VICTIM, commands[which % GX_ARRAY_LEN(commands)], NULL, 0);
}

/* The victim follows the code of rum: the liar's second line is the door's. */
static void follow_code(void)
{
    struct gx_command cmd = {.method = GX_CMD_JOIN, .token = world.rum, .given = 1u << GX_PARAM_TOKEN};

    hang_up(1);
    net_ask(world.net, VICTIM, cmd, NULL, 0);
    net_run(world.net, 100);
}

/* what u8: the step, 16 the second line, 32 another way, 64 and 128 the group. */
static void step(struct fuzz_in *in)
{
    uint8_t what = fuzz_u8(in);
    unsigned k = what >> 4 & 1u, seat = (what >> 6) % SEATS;
    bool other = (what & 32u) != 0;

    switch (what & 15u) {
    case 0:
    case 1:
        say_bytes(k, seat, in, other);
        break;
    case 2:
        say_record(k, seat, in);
        break;
    case 3:
        say_again(k, seat, in);
        break;
    case 4:
        say_on_lan(seat, in, other);
        break;
    case 5:
    case 6:
    case 7:
        say_event(k, seat, in);
        break;
    case 8:
        open_line(k, (enum where)(fuzz_u8(in) % DOORS));
        break;
    case 9:
        if (world.lines[k].where == MEMBERS_DOOR)
            prove(k);
        else
            prove_code(k);
        break;
    case 10:
        if (!other)
            hang_up(k);
        else if (seat == RUM)
            admit(in);
        else
            follow_code();
        break;
    case 11:
        net_run(world.net, 10u * (uint64_t)(fuzz_u16(in) % 3000u));
        break;
    case 12:
        says(HONEST, "an honest word");
        break;
    case 13:
        if (other)
            says(VICTIM, "of the node itself");
        else
            command(fuzz_u8(in));
        break;
    case 14:
        line_up(other);
        break;
    default:
        open_line(k, MEMBERS_DOOR);
        prove(k);
    }
}

/* --- what has to hold ------------------------------------------------------------------------------------------------------------------------------ */

static void complain(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "%s\n", text);
}

static void sound(int i)
{
    struct gx_engine *e = world.net->node[i].engine;
    struct gx_check_report report;
    struct gx_txn *txn = NULL;

    GX_ASSERT(gx_txn_begin(&txn, world.net->node[i].store, false) == GX_OK);
    GX_ASSERT(gx_store_check(txn, &report, complain, NULL) == GX_OK);
    gx_txn_abort(&txn);
    GX_ASSERT(report.problems == 0 && "stored what nobody signed");
    GX_ASSERT(e->n_jobs == 0 && e->job_bytes == 0 && e->n_sessions < 16);
}

/* How far what `of` wrote has come to `at`. */
static uint32_t heard(int at, int of)
{
    const struct gx_group *g = group_at(of, &world.seats[TEA].group), *there = group_at(at, &world.seats[TEA].group);

    GX_ASSERT(g != NULL && there != NULL && g->own_messages != GX_NONE);
    const struct gx_log_id *id = &g->logs[g->own_messages].row.id;
    for (uint32_t i = 0; i < there->n_logs; i++)
        if (gx_log_id_equal(&there->logs[i].row.id, id))
            return there->logs[i].row.head_seq;
    return 0;
}

static bool same(const char *what)
{
    char here[65];

    snprintf(here, sizeof here, "%.64s", net_get(world.net, VICTIM, GX_CMD_GROUP_SHOW, world.tea, what));
    return strcmp(here, net_get(world.net, HONEST, GX_CMD_GROUP_SHOW, world.tea, what)) == 0;
}

static bool are_one(void)
{
    return heard(VICTIM, HONEST) == heard(HONEST, HONEST) && heard(HONEST, VICTIM) == heard(VICTIM, VICTIM) && same("state_hash") && same("messages_hash");
}

/* Who was cut off for long tries again only after a while. */
static void as_one(void)
{
    line_up(true);
    says(HONEST, "the last word");
    says(VICTIM, "the last word but one");
    for (unsigned i = 0; i < 60 && !are_one(); i++)
        net_run(world.net, 15000);
    GX_ASSERT(are_one() && "the honest end as one");
    net_run(world.net, 5000);
    GX_ASSERT(are_one() && "and stay so");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_in in = {data, size};

    if (world.net == NULL)
        make_world();
    begin_world();
    uint32_t said = heard(HONEST, HONEST), said_there = heard(VICTIM, VICTIM);
    open_line(0, MEMBERS_DOOR);
    prove(0);
    for (unsigned i = 0; in.left > 0 && i < STEPS_MAX; i++)
        step(&in);
    as_one();
    GX_ASSERT(heard(HONEST, HONEST) > said && heard(VICTIM, VICTIM) > said_there);
    sound(VICTIM);
    sound(HONEST);
    end_world();
    return 0;
}
