/* report.html: one file, no script, nothing fetched. */
#include "tests/sim/report/internal.h"

#include "proto/frame.h"
#include <inttypes.h>
#include <string.h>

void html_text(FILE *f, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '&')
            fputs("&amp;", f);
        else if (*text == '<')
            fputs("&lt;", f);
        else if (*text == '>')
            fputs("&gt;", f);
        else if (*text == '"')
            fputs("&quot;", f);
        else if ((unsigned char)*text >= ' ' || *text == '\n' || *text == '\t')
            fputc(*text, f);
    }
}

static const char style[] =
    ":root{color-scheme:light dark;--ground:#fff;--card:#fff;--text:#1b1f24;--soft:#5b6470;--rule:#d9dee4;--grid:#e8ebef;"
    "--s1:#1f5fae;--s2:#c25a12;--s3:#6a3fa0;--good:#17713f;--bad:#b3201c;--good-ground:#e7f4ec;--bad-ground:#fdeceb;--cut:#f6edd9;--fault:#8a5a00}\n"
    "@media(prefers-color-scheme:dark){:root{--ground:#14171b;--card:#1a1e23;--text:#e4e8ec;--soft:#9aa5b1;--rule:#333a42;--grid:#272d34;"
    "--s1:#79b0f5;--s2:#f0a060;--s3:#bd9bf0;--good:#6fcf97;--bad:#ff8f88;--good-ground:#16291f;--bad-ground:#331a1a;--cut:#2b2618;--fault:#e0b25a}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0 auto;max-width:1200px;padding:28px 22px 48px;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,-apple-system,"
    "\"Segoe UI\",Roboto,\"Noto Sans\",\"Liberation Sans\",sans-serif;font-variant-numeric:tabular-nums}\n"
    "h1{font-size:1.65rem;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}\nh2{font-size:1.15rem;margin:36px 0 10px}\nh3{font-size:1rem;margin:0 0 6px}\n"
    "p{margin:6px 0}\n.soft,.note,figcaption{color:var(--soft)}\n.note,figcaption{font-size:.875rem}\nfigcaption b{color:var(--text);font-weight:600}\n"
    "code,pre{font:.8125rem/1.55 ui-monospace,SFMono-Regular,Menlo,\"DejaVu Sans Mono\",\"Liberation Mono\",monospace}\n"
    "pre{margin:8px 0;padding:10px 12px;border:1px solid var(--rule);border-radius:6px;background:var(--card);overflow-x:auto}\n"
    ".verdict{display:inline-block;margin:12px 0 8px;padding:4px 12px;border-radius:6px;font-weight:600}\n"
    ".good{color:var(--good)}.bad,figcaption b.bad{color:var(--bad)}\n.verdict.good{background:var(--good-ground)}.verdict.bad{background:var(--bad-ground)}\n"
    "dl.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:18px 0 0}\n"
    "dl.tiles div{border:1px solid var(--rule);border-radius:8px;padding:10px 14px;background:var(--card)}\n"
    "dt{font-size:.8125rem;color:var(--soft)}\ndd{margin:0;font-size:1.25rem;font-weight:600}\ndd small{display:block;font-size:.8125rem;font-weight:400;color:var(--soft)}\n"
    ".scroll{overflow-x:auto}\ntable{border-collapse:collapse;width:100%;font-size:.875rem}\n"
    "th{text-align:left;font-weight:600;color:var(--soft);white-space:nowrap}\nth,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--rule);vertical-align:top}\n"
    "td.n,th.n{text-align:right;white-space:nowrap}th.s{width:1%}\ntd.v{white-space:nowrap;font-weight:600}\n"
    ".grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,430px),1fr));gap:18px;margin-top:20px}\n"
    ".grid figure:last-child:nth-child(odd){grid-column:1/-1}\n"
    ".one{max-width:600px;margin-top:20px}\n"
    "figure{margin:0;padding:16px 18px 14px;border:1px solid var(--rule);border-radius:8px;background:var(--card);min-width:0}\n"
    "svg{display:block;width:100%;height:auto;margin:4px 0 2px}\nsvg text{font-size:12px;fill:var(--soft)}\nsvg text.what{fill:var(--text)}\n"
    "svg text.fault{fill:var(--fault);font-weight:600}\n"
    ".line{fill:none;stroke-width:2;stroke-linejoin:round}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}.line.s3{stroke:var(--s3);stroke-width:1.5}\n"
    ".area{stroke:none;opacity:.28}.area.s2{fill:var(--s2)}.bar.s1{fill:var(--s1)}\n"
    ".dot{stroke:var(--card);stroke-width:1.5}.dot.s1{fill:var(--s1)}.dot.s2{fill:var(--s2)}.dot.good{fill:var(--good)}\n"
    ".grid path.grid,path.grid{stroke:var(--grid);fill:none}path.axis,path.tick{stroke:var(--soft);fill:none}\n"
    "rect.cut{fill:var(--cut)}path.fault{stroke:var(--fault);stroke-dasharray:3 3;opacity:.75;fill:none}rect.fault{fill:var(--fault)}\n"
    ".key{display:inline-block;margin-right:16px;font-size:.8125rem;color:var(--soft)}\n"
    ".key i{display:inline-block;width:18px;height:3px;margin-right:6px;vertical-align:middle;border-radius:1px}\n"
    ".key i.s1{background:var(--s1)}.key i.s2{background:var(--s2)}.key i.s3{background:var(--s3)}.key i.area{height:11px}\n"
    ".none{padding:40px 0;text-align:center;color:var(--soft)}\n"
    ".share{display:block;height:10px;min-width:1px;background:var(--s1);border-radius:1px}\ntd.w{width:45%;vertical-align:middle}\n"
    "details{margin-top:10px}summary{cursor:pointer}\na{color:var(--s1)}\n"
    "@media(max-width:600px){body{padding:18px 12px 36px}svg text{font-size:15px}figure{padding:12px 10px}}\n";

void html_begin(FILE *f, const char *title)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
          "<meta name=\"color-scheme\" content=\"light dark\"/>\n<title>",
          f);
    html_text(f, title);
    fprintf(f, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    html_text(f, title);
    fputs("</h1>\n", f);
}

void html_end(FILE *f)
{
    fputs("</body>\n</html>\n", f);
}

/* --- what held ---------------------------------------------------------------------------------------------------------------------------------- */

/* One line of the source. */
static void put_line(FILE *f, const char *source, uint32_t line)
{
    char text[400];
    size_t n = 0;

    for (uint32_t i = 1; source != NULL && i < line; i++) {
        source = strchr(source, '\n');
        source = source == NULL ? NULL : source + 1;
    }
    if (source == NULL)
        return;
    for (; source[n] != 0 && source[n] != '\n' && n + 1 < sizeof text; n++)
        text[n] = source[n];
    text[n] = 0;
    html_text(f, text);
}

static void put_head(FILE *f, const struct report *r)
{
    const struct gx_sim_figures *g = &r->figures;
    char a[2][TEXT_BYTES];

    if (r->about->source != NULL && r->about->source[0] == '#') {           /* it says itself what it is */
        fputs("<p>", f);
        put_line(f, r->about->source + strspn(r->about->source, "# "), 1);
        fputs("</p>\n", f);
    }
    fprintf(f, "<p class=\"soft\">%s nodes, %s of their time; seed %" PRIu64 ", commit <code>%s</code>, trace <code>%.16s</code></p>\n",
            text_count(a[0], g->n_nodes), text_ms(a[1], g->end_ms), g->seed, report_commit(), r->trace);
    if (r->n_violations == 0)
        fputs("<p class=\"verdict good\">✓ All holds</p>\n", f);
    else
        fprintf(f, "<p class=\"verdict bad\">✗ Broken: %zu %s not hold</p>\n", r->n_violations, r->n_violations == 1 ? "thing does" : "things do");
    if (r->about->again == NULL)
        return;
    fputs("<p class=\"soft\">The same run again:</p>\n<pre>", f);
    html_text(f, r->about->again);
    fputs("</pre>\n", f);
}

static void tile(FILE *f, const char *name, const char *value, const char *more)
{
    fprintf(f, "<div><dt>%s</dt><dd>%s<small>%s</small></dd></div>\n", name, value, more);
}

static void put_tiles(FILE *f, const struct report *r)
{
    const struct gx_sim_figures *g = &r->figures;
    const struct gx_sim_counts *c = r->counts;
    char a[4][TEXT_BYTES], value[TEXT_BYTES], more[4 * TEXT_BYTES];

    fputs("<dl class=\"tiles\">\n", f);
    if (c->due == 0)
        snprintf(value, sizeof value, "none due");
    else
        snprintf(value, sizeof value, "%.*f %%", c->delivered == c->due ? 0 : 2, 100 * (double)c->delivered / (double)c->due);
    snprintf(more, sizeof more, "%s of %s due", text_count(a[0], c->delivered), text_count(a[1], c->due));
    tile(f, "Delivered", value, more);
    snprintf(more, sizeof more, "95 %%: %s", text_never(a[1], report_quantile(r, .95)));
    tile(f, "Half hold a message after", g->n_pairs == 0 ? "–" : text_never(a[0], report_quantile(r, .5)), g->n_pairs == 0 ? "none was due" : more);
    tile(f, "Duplicates per event and node", text_ratio(a[0], report_per_event(r, g->all.again)), "times received again");
    snprintf(more, sizeof more, "%s in all", text_bytes(a[0], (double)g->all.bytes));
    tile(f, "Bytes per event and node", text_bytes(a[1], report_per_event(r, g->all.bytes)), more);
    snprintf(more, sizeof more, "healed at %s", text_ms(a[0], g->healed_ms));
    tile(f, "Agree after healing", !g->healed ? "–" : g->converged ? text_ms(a[1], g->converge_ms) : "never", g->healed ? more : "nothing to heal");
    snprintf(more, sizeof more, "%s a node", text_bytes(a[0], (double)g->all.store_bytes / g->n_nodes));
    tile(f, "Stores", text_bytes(a[1], (double)g->all.store_bytes), more);
    fputs("</dl>\n", f);
}

static const char *holds(bool ok)
{
    return ok ? "<td class=\"v good\">✓ holds</td>" : "<td class=\"v bad\">✗ broken</td>";
}

static void put_expects(FILE *f, const struct report *r)
{
    const struct gx_scenario *scn = r->about->scn;

    if (scn == NULL || scn->n_expects == 0)
        return;
    fputs("<h2>What the scenario expects</h2>\n<div class=\"scroll\"><table>\n<tr><th>verdict</th><th>line</th><th>expected</th><th>found</th></tr>\n", f);
    for (uint32_t i = 0; i < scn->n_expects; i++) {
        const struct gx_scn_expect *x = &scn->expects[i];

        fprintf(f, "<tr>%s<td>%u</td><td><code>", holds(x->ok), x->line);
        put_line(f, r->about->source, x->line);
        fputs("</code></td><td>", f);
        html_text(f, x->got[0] == 0 ? "–" : x->got);
        fputs("</td></tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

static void put_oracles(FILE *f, const struct report *r)
{
    static const char *const says[] = {
#define GX_X(id, name, says) [id] = says,
        GX_SIM_ORACLES(GX_X)
#undef GX_X
    };

    fputs("<h2>Rules</h2>\n<div class=\"scroll\"><table>\n<tr><th>verdict</th><th>rule</th><th>what it says</th></tr>\n", f);
    for (uint32_t k = 0; k < GX_SIM_ORACLE_COUNT; k++) {
        bool ok = true;

        if (k == GX_SIM_EXPECT && r->about->scn != NULL)
            continue;           /* they have a table of their own */
        for (size_t i = 0; i < r->n_violations; i++)
            ok = ok && r->violations[i].oracle != k;
        fprintf(f, "<tr>%s<td>%s</td><td>%s</td></tr>\n", holds(ok), gx_sim_oracle_name((enum gx_sim_oracle)k), says[k]);
    }
    fputs("</table></div>\n", f);
}

static void put_violations(FILE *f, const struct report *r)
{
    char at[TEXT_BYTES];

    if (r->n_violations == 0)
        return;
    fputs("<h2>What does not hold</h2>\n<div class=\"scroll\"><table>\n<tr><th>rule</th><th class=\"n s\">at</th><th>node</th><th>what was found</th></tr>\n", f);
    for (size_t i = 0; i < r->n_violations; i++) {
        const struct gx_sim_violation *v = &r->violations[i];

        fprintf(f, "<tr><td class=\"v bad\">%s</td><td class=\"n\">%s</td><td>", gx_sim_oracle_name(v->oracle), text_ms(at, v->at_ms));
        html_text(f, report_node(r, v->node));
        fputs("</td><td>", f);
        html_text(f, v->text);
        fputs("</td></tr>\n", f);
    }
    fputs("</table></div>\n", f);
}

/* --- lists ---------------------------------------------------------------------------------------------------------------------------------------- */

#define FAULTS_MAX 200u

static void put_faults(FILE *f, const struct report *r)
{
    const struct gx_sim_figures *g = &r->figures;
    char at[TEXT_BYTES], text[200];

    if (g->n_marks == 0)
        return;
    fputs("<h2>Faults</h2>\n<p class=\"note\">Numbers as above the plots; the ground is tinted while a cut stands.</p>\n"
          "<div class=\"scroll\"><table>\n<tr><th class=\"n s\">no.</th><th class=\"n s\">at</th><th>what</th></tr>\n",
          f);
    for (uint32_t i = 0; i < g->n_marks && i < FAULTS_MAX; i++) {
        report_mark(r, &g->marks[i], text);
        fprintf(f, "<tr><td class=\"n\">%u</td><td class=\"n\">%s</td><td>", i + 1, text_ms(at, g->marks[i].at_ms));
        html_text(f, text);
        fputs("</td></tr>\n", f);
    }
    fputs("</table></div>\n", f);
    if (g->n_marks > FAULTS_MAX || g->more_marks > 0)
        fprintf(f, "<p class=\"note\">And %" PRIu64 " more.</p>\n", g->n_marks - (g->n_marks < FAULTS_MAX ? g->n_marks : FAULTS_MAX) + g->more_marks);
}

void html_traffic(FILE *f, const struct report *r)
{
    static const struct { const char *says; uint32_t kinds; } rows[] = {
#define K(name) 1u << GX_FRAME_##name
        {"events", K(CHUNKS)},
        {"what is held and wanted", K(FRONTIER) | K(HEADS) | K(WANT)},
        {"greetings", K(HELLO) | K(TAGS) | K(PROOF) | K(AGAIN) | K(BYE)},
        {"addresses of members", K(ENDPOINTS)},
        {"joining, and memberships that ended", K(GUEST) | K(PATH) | K(JOIN) | K(ADMITTED) | K(REFUSED) | K(BASELINE) | K(CARD) | K(ASK) | K(DENIED) | K(ENDED)},
        {"pings", K(PING) | K(PONG)},
        {"what is no frame", 0},
#undef K
    };
    const struct gx_sim_figures *g = &r->figures;
    uint32_t other = UINT32_MAX;
    char a[2][TEXT_BYTES];

    fputs("<figure>\n<h3>What the bytes were</h3>\n<div class=\"scroll\"><table>\n<tr><th>frames</th><th class=\"n\">number</th><th class=\"n\">bytes</th>"
          "<th>share</th></tr>\n",
          f);
    for (size_t i = 0; i < GX_ARRAY_LEN(rows); i++) {
        uint64_t bytes = 0, frames = 0;

        other &= ~rows[i].kinds;

        for (uint32_t k = 0; k < GX_SIM_KINDS_MAX; k++) {
            uint32_t kinds = rows[i].kinds == 0 ? other : rows[i].kinds;

            bytes += (kinds >> k & 1) * g->kind_bytes[k];
            frames += (kinds >> k & 1) * g->kind_frames[k];
        }
        if (frames == 0)
            continue;
        fprintf(f, "<tr><td>%s</td><td class=\"n\">%s</td><td class=\"n\">%s</td><td class=\"w\"><i class=\"share\" style=\"width:%.2f%%\"></i></td></tr>\n",
                rows[i].says, text_count(a[0], frames), text_bytes(a[1], (double)bytes), g->all.bytes == 0 ? 0 : 100 * (double)bytes / (double)g->all.bytes);
    }
    fprintf(f, "</table></div>\n<figcaption>%s in all, of %s frames, to %u nodes.</figcaption>\n</figure>\n", text_bytes(a[1], (double)g->all.bytes),
            text_count(a[0], g->all.frames), g->n_nodes);
}

bool report_html(const struct report *r, FILE *f)
{
    html_begin(f, r->about->title);
    put_head(f, r);
    put_tiles(f, r);
    put_violations(f, r);
    put_expects(f, r);
    html_charts(f, r);
    put_faults(f, r);
    put_oracles(f, r);
    if (r->about->source != NULL) {
        fputs("<h2>Scenario</h2>\n<pre>", f);
        html_text(f, r->about->source);
        fputs("</pre>\n", f);
    }
    fputs("<p class=\"note\">Nodes are the engine and the store that ship; time and network are simulated: links are TCP connections, so loss makes frames come "
          "later. Not modelled: radio, NAT, the time that computing takes. Every event counts once for each node that received it.</p>\n",
          f);
    html_end(f);
    return ferror(f) == 0;
}
