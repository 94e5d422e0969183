/* SPDX-License-Identifier: ISC */
#include "cmd/policy/parts.h"

#include "cmd/policy/print.h"

#include <stdint.h>

enum { WIDEST = INT32_MAX };

/* TEXT between tags or in an attribute; a '?' replaces what could change the direction of writing. */
static void
put_text(struct sink *out, struct bytes text)
{
	static const struct {
		char character;
		struct bytes name;
	} entities[] = {
		{ '&', BYTES("&amp;") },
		{ '<', BYTES("&lt;") },
		{ '>', BYTES("&gt;") },
		{ '"', BYTES("&quot;") },
		{ '\'', BYTES("&#39;") },
	};
	size_t start = 0;

	for (size_t i = 0; i < text.size; i++)
		for (size_t k = 0; k < sizeof(entities) / sizeof(entities[0]); k++)
			if (text.at[i] == entities[k].character) {
				(void)print_cut(out, (struct bytes){ text.at + start, i - start }, WIDEST);
				(void)sink_put(out, entities[k].name);
				start = i + 1;
			}
	(void)print_cut(out, bytes_behind(text, start), WIDEST);
}

static const char style[] =
    "body{font:15px/1.5 sans-serif;margin:1.5em;color:#111;background:#fff}"
    "main{font-family:monospace}section{margin:1em 0;border-top:1px solid #999;padding-top:.5em}"
    "h1{font-size:1.2em}h2{font:bold 1em sans-serif;margin:.3em 0}"
    "input{margin:0 .3em 0 1em}label{cursor:pointer}"
    ".p{padding-left:calc(var(--d)*1.5em);white-space:pre-wrap;overflow-wrap:anywhere}"
    ".p:hover{background:#eef}.k{color:#036}.l{float:right;color:#666;font:12px sans-serif}"
    /* A printer leaves out backgrounds, and a palette of the user's replaces colours, unless told not to. */
    ".x{print-color-adjust:exact;-webkit-print-color-adjust:exact;forced-color-adjust:none}"
    "@media print{.p{break-inside:avoid}}";

static struct bytes
version_name(const struct dry_run *l, unsigned version)
{
	return l->policy->level[redactor_level(l->redactor, version)].name;
}

static void
put_switch(struct sink *out, const struct dry_run *l, int version)
{
	unsigned versions = redactor_versions(l->redactor);

	for (unsigned v = 0; v <= versions; v++) {
		bool checked = version < 0 ? v == versions : v == (unsigned)version;
		print(out, "<input type=\"radio\" name=\"v\" id=\"v%u\"%s><label for=\"v%u\">", v,
		    checked ? " checked" : "", v);
		put_text(out, v < versions ? version_name(l, v) : (struct bytes)BYTES("the record"));
		print(out, "</label>\n");
	}
}

void
parts_html_begin(struct sink *out, const struct dry_run *l, int version)
{
	print(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
		   "'unsafe-inline'\">\n"
		   "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
	put_text(out, l->policy->name);
	print(out, "</title>\n<style>%s", style);
	for (unsigned v = 0; v < redactor_versions(l->redactor); v++)
		print(out,
		    "#v%u:checked~main .w%u .x,#v%u:checked~main .w%u "
		    ".k{background:#000;color:transparent;user-select:none}"
		    "#v%u:checked~main .t%u .x{background:#fd8}#v%u:checked~main .t%u .x::before{content:\"~ "
		    "\"}",
		    v, v, v, v, v, v, v, v);
	print(out, "</style>\n</head>\n<body>\n<h1>What a reader of each level sees, by ");
	put_text(out, l->policy->name);
	print(out,
	    "</h1>\n<p>Black is withheld, ~ is changed. Point at a part to read the rule.</p>\n"
	    "<p><strong>This page holds the whole record, whatever it shows: it is for people who may see "
	    "all of it.</strong></p>\n");
	put_switch(out, l, version);
	print(out, "<main>\n");
}

void
parts_html_end(struct sink *out)
{
	print(out, "</main>\n</body>\n</html>\n");
}

static void
put_level(struct sink *out, const struct parts *p, uint32_t i)
{
	char text[PARTS_LEVEL];

	put_text(out, parts_level(p, i, text));
}

/* The rules that give the level and that change or withhold the part, each with its sentence. */
static void
put_title(struct sink *out, const struct parts *p, uint32_t i)
{
	const struct parts_item *part = &p->at[i];
	const struct redactor *r = p->run->redactor;
	const struct label *behind[PARTS_BEHIND];

	put_level(out, p, i);
	if (part->label != NULL) {
		struct label_origin origin = classifier_origin(p->run->classifier, part->label->origin);
		print(out, ", by %s: ", origin.id);
		put_text(out, bytes_of(origin.say));
		for (size_t k = 0, count = parts_behind(p, part->label, behind); k < count; k++) {
			origin = classifier_origin(p->run->classifier, behind[k]->origin);
			print(out, "%s%s", k == 0 ? " Behind it: " : ", ", origin.id);
		}
	}
	for (unsigned v = 0; v < p->versions; v++) {
		struct redactor_fate fate = parts_fate(p, v, i);
		struct redactor_rule rule = { 0 };
		if (fate.why == WHY_TRANSFORM)
			rule = redactor_transform(r, fate.transform);
		else if (fate.fate == FATE_WITHHELD && fate.why != WHY_LEVEL)
			rule = redactor_version_rule(r, v);
		if (fate.fate == FATE_KEPT)
			continue;
		print(out, "&#10;");
		put_text(out, version_name(p->run, v));
		print(out, fate.fate == FATE_TRANSFORMED ? ": changed" : ": withheld");
		if (rule.id.size > 0) {
			print(out, " by ");
			put_text(out, rule.id);
			print(out, ": ");
			put_text(out, rule.say);
		}
	}
}

static void
put_part(struct sink *out, const struct parts *p, uint32_t i, unsigned depth)
{
	const struct json *j = &p->run->json;
	const struct parts_item *part = &p->at[i];
	enum json_kind kind = json_kind(j, part->node);

	print(out, "<div class=\"p");
	for (unsigned v = 0; v < p->versions; v++) {
		enum fate fate = parts_fate(p, v, i).fate;
		if (fate != FATE_KEPT)
			print(out, " %c%u", fate == FATE_TRANSFORMED ? 't' : 'w', v);
	}
	print(out, "\" style=\"--d:%u\" title=\"", depth);
	put_title(out, p, i);
	print(out, "\"><span class=\"l\">");
	put_level(out, p, i);
	print(out, "</span><span class=\"x\">");
	if (part->key != 0) {
		print(out, "<span class=\"k\">");
		put_text(out, json_inside(j, part->key));
		print(out, ":</span> ");
	} else if (i > 0) {
		print(out, "- ");
	}
	if (kind != JSON_OBJECT && kind != JSON_ARRAY)
		put_text(out, parts_value(j, part->node));
	else if (part->children == 0)
		print(out, kind == JSON_OBJECT ? "{}" : "[]");
	print(out, "</span></div>\n");
}

void
parts_html_record(struct sink *out, const struct parts *p)
{
	unsigned depth = 0;

	print(out, "<section>\n<h2>");
	put_text(out, p->run->labels.id);
	print(out, "</h2>\n");
	for (uint32_t i = 1; i < p->count; i++) {
		depth = 0;
		for (uint32_t up = p->at[i].parent; up != 0; up = p->at[up].parent)
			depth++;
		put_part(out, p, i, depth);
	}
	print(out, "</section>\n");
}
