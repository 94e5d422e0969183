/* SPDX-License-Identifier: ISC */
#ifndef EHR_ACCESS_PARTS_H
#define EHR_ACCESS_PARTS_H

#include "common/access/criteria.h"
#include "common/access/entities.h"
#include "common/access/narrowing.h"
#include "common/access/settled.h"
#include "common/json/json_write.h"

/*
 * parts: what a decision consists of, from a rule to the answer.  A part calls only parts that stand before
 * it here.  Above each part stands the file that has its functions.  What rules compare is in criteria.h.
 */

/*
 * rule.c: one rule of a layer or of a directive, and its state for a request: it does not hold, it is unknown
 * because an attribute is missing, or it holds for an item.  An item is a set of entries of the record,
 * described by the data criteria that are open.
 */
enum effect { EFFECT_DENY, EFFECT_PERMIT };

enum override { OVERRIDE_NO, OVERRIDE_ACKNOWLEDGED, OVERRIDE_ALWAYS };

/* An obligation of a rule. */
struct duty {
	struct bytes action;  /* "audit" */
	struct bytes type;    /* "custom", "notification" */
	struct bytes members; /* of `properties`, as JSON: those that the rule itself states */
	bool expires;
	int64_t after; /* seconds */
};

struct access_rule {
	struct bytes id;
	struct bytes id_text;  /* as a JSON string */
	struct bytes sentence; /* "ID: SAY", escaped as inside a JSON string */
	enum effect effect;
	enum override override;
	bool skip_missing; /* a deny that is unknown counts as one that does not hold */
	bool names_btg;    /* its own `why` lists BTG */
	const struct criteria *criteria;
	struct criteria *except;
	uint32_t excepts;
	struct access_rule *nested; /* of the other effect; in directives only */
	uint32_t nests;
	struct duty *duty;
	uint32_t duties;
	const struct yaml_node *node; /* where it stands, for faults; NULL in directives */
};

/* The open data criteria, by number.  Where SECOND is set, a value must be in both lists. */
struct scope {
	const struct criterion *first[DATA_COUNT];
	const struct criterion *second[DATA_COUNT];
};

struct item {
	const struct access_rule *rule; /* NULL for a directive's own `what` */
	bool whole;                     /* no open criteria */
	struct scope scope;
	const struct scope *except;
	uint32_t excepts;
	const struct item *next; /* in a list */
};

/* True if the item is the whole record. */
static inline bool
item_is_all(const struct item *i)
{
	return i->whole && i->excepts == 0;
}

enum holding { RULE_NO, RULE_UNKNOWN, RULE_HOLDS };

struct rule_state {
	enum holding holding;
	struct attribute_set missing; /* with RULE_UNKNOWN */
	const struct item *item;      /* with RULE_HOLDS */
};

/* The item lives in SCRATCH. */
struct rule_state rule_judge(const struct access_rule *rule, struct situation *s, struct scratch *scratch);

/* The item of criteria that hold with the open data criteria DATA. */
struct item *rule_item(
    const struct access_rule *rule, const struct criteria *c, unsigned data, struct scratch *scratch);

/* Puts a copy of ITEM at *END, the end of a list, and returns the new end. */
const struct item **rule_item_append(
    const struct item **end, const struct item *item, struct scratch *scratch);

/* Where rules stand.  It decides what they may say. */
enum rule_home { HOME_OUTBOUND, HOME_JURISDICTION, HOME_ORGANIZATION, HOME_DIRECTIVE };

/* A list of rules, sorted by id.  An id stands there once.  NODE NULL: an empty list.  False with a fault. */
bool rules_read(struct access_reader *r, const struct yaml_node *node, enum rule_home home,
    struct access_rule **rules, uint32_t *count);

/*
 * layer.c: the policy files of domains (authz/NAME.yaml with `layer:`), and the result of one file's rules
 * for a request.  A deny goes before a permit; the rules of a file are sorted by id, so their order in it
 * never matters.
 */
enum layer {
	LAYER_OUTBOUND,
	LAYER_JURISDICTION,
	LAYER_ORGANIZATION,
	LAYER_CONSENT,
	LAYER_CLEARANCE,
	LAYER_COMMAND,
	LAYER_OBLIGATIONS, /* denies if the enforcement point cannot carry out what it owes */
	LAYER_REQUEST,     /* denies if the request has a word that nobody knows */
	LAYER_COUNT,
};

enum result { RESULT_NOT_APPLICABLE, RESULT_PERMIT, RESULT_DENY, RESULT_INDETERMINATE };

enum no_consent { NO_CONSENT_DENY, NO_CONSENT_PERMIT, NO_CONSENT_BREAK_GLASS, NO_CONSENT_IGNORE };

enum on_several { SEVERAL_DENY_OVERRIDES, SEVERAL_NEWEST, SEVERAL_REFUSE };

/* A domain whose assertions about its own staff are believed, as far as they keep to the limits. */
struct trust {
	uint32_t domain;
	bool enforces_outbound;  /* it enforces its outbound policy itself */
	struct criterion *limit; /* the values that an attribute of its users may have */
	uint32_t limits;
};

struct layer_file {
	const char *file;
	enum layer layer;
	uint32_t domain; /* 0: serves every domain */
	const struct yaml_node *domain_node;
	enum result fallback; /* of `default` */
	struct access_rule *rule;
	uint32_t rules;
	/* of the organization only */
	struct trust *trust;
	uint32_t trusts;
	enum no_consent no_consent;
	enum on_several on_several;
	bool service_requires_consent;
	bool negotiated;              /* a directive counts only if a negotiation settled it */
	bool require_verified;        /* a directive counts only if it was verified with the patient */
	struct intern_set no_patient; /* resource types that are about no single patient */
};

struct layers {
	struct layer_file *file;
	uint32_t files;
	bool any[LAYER_COUNT];
};

/* All files of authz/ that say `layer:`.  False with a fault. */
bool layers_read(struct layers *l, struct access_reader *r);

/* The file of LAYER that serves DOMAIN (0: a domain that no policy names); NULL if there is none. */
const struct layer_file *layers_find(const struct layers *l, enum layer layer, uint32_t domain);

/* NULL if F does not trust DOMAIN. */
const struct trust *layer_trust(const struct layer_file *f, uint32_t domain);

/* A limit of a decision: an entry of the record must match one of the items. */
struct keep {
	const struct item *items;
	bool everything; /* no limit */
};

struct layer_outcome {
	enum layer layer;
	bool applies;
	enum result result;
	const char *reason; /* a constant; NULL with Permit and NotApplicable */
	bool by_default;    /* no rule spoke */
	const struct layer_file *file;
	const struct rule_state *state; /* of each of the file's rules; NULL if none was judged */
	struct attribute_set missing;   /* where no rule was judged: the attributes that were needed for it */
	const struct item *redact;      /* of the denies that hold, by rule */
	struct keep keep;
};

/* Judges the rules of F.  What the outcome points to lives in SCRATCH. */
struct layer_outcome layer_decide(const struct layer_file *f, struct situation *s, struct scratch *scratch);

/* True if the result rests on rule I of the outcome's file. */
bool layer_rule_spoke(const struct layer_outcome *o, uint32_t i);

/* True if it does, or if the rule withholds a part of what the layer grants. */
bool layer_rule_acts(const struct layer_outcome *o, uint32_t i);

/*
 * directive.c: what a patient has consented to, and the table from a patient to all of the directives.  If a
 * directive cannot be read but its patient can, that patient's consent is undecided; nothing of the directive
 * is guessed.
 */
enum directive_status { DIRECTIVE_ACTIVE, DIRECTIVE_SETTLING, DIRECTIVE_WITHOUT_EFFECT };

struct directive {
	struct bytes id;
	struct bytes id_text; /* as a JSON string */
	struct bytes patient;
	enum directive_status status;
	const char *status_word; /* as it is written */
	bool unreadable;
	bool verified;  /* with the patient, or with whom she named */
	bool listed;    /* a negotiation says which bytes of it are in force */
	bool unsettled; /* these are not */
	bool base_permit;
	bool dated;
	struct instant date; /* with dated */
	struct interval period;
	const struct criteria *root; /* the requests that it applies to; NULL if it is not readable */
	bool has_what;
	const struct criteria *what; /* of a base permit: the data that it is about */
	struct bytes *acknowledges;
	uint32_t acknowledged;
	struct access_rule *rule;
	uint32_t rules;
	struct moments moments;
	struct directive *next; /* of the same patient, by id */
};

/* The first directive of a patient.  The hash spares looks at directives of others, which are far away. */
struct directive_slot {
	uint64_t hash;
	struct directive *first; /* NULL: the slot is free */
};

struct directives {
	/*
	 * "consent-unreadable: .." for each directive that could not be read, "root-data: .." for each whose
	 * data criteria do not count.
	 */
	struct fault *warning;
	size_t warnings;
	uint64_t others;         /* Consents of another scope, which are no directives */
	bool any;                /* one is active or on its way to it */
	struct settled *settled; /* borrowed, set by the caller; NULL: nothing is said of negotiations */
	/* private */
	struct json_keys *keys;            /* of Consents */
	const struct fhir_names *names;    /* of the Bundle at hand; NULL: none */
	struct pending_directive *pending; /* until the register tells whose they are */
	size_t pendings, pending_room;
	size_t warning_room;
	struct directive_slot *slot; /* open addressing by patient */
	uint32_t room;
	uint32_t patients;
	struct intern ids; /* patient NUL id, of patients with several directives */
	struct criteria_shelf shelf;
	struct scratch scratch;
	struct arena tree; /* of the directive at hand */
};

/* ARENA holds ids and is borrowed. */
void directives_init(struct directives *d, struct arena *arena);

/* May be called twice. */
void directives_release(struct directives *d);

/*
 * Adds the directives of one file: YAML, JSON or NDJSON by the ending of its name.  YAML and JSON hold one
 * directive or a list; in JSON and NDJSON each may be a FHIR Consent, in JSON a Bundle of them.  TEXT has
 * JSON_SLACK bytes behind it and is needed no longer than the call.  False with a fault: whose directive it
 * is cannot be read.
 */
bool directives_read(struct directives *d, struct access_reader *r, const char *path, struct bytes text);

/*
 * Asks the register (NULL: there is none) for the patients whom directives name by an identifier, and sorts
 * the directives of each patient by id.  To be called after the last file.  False with a fault: the register
 * does not have one.
 */
bool directives_ready(struct directives *d, struct access_reader *r, const struct entities *entities);

/* ONE, which is borrowed, as the only directive of all; its own list does not count.  ALONE is empty. */
void directives_alone(struct directives *alone, struct directive *one);

/* directive_table.c: the slot of PATIENT, whose hash is HASH; a free one if she has none yet. */
struct directive_slot *directives_slot(struct directives *d, struct bytes patient, uint64_t hash);

/* The first directive of a patient, `ann` or `Patient/ann`; NULL if there is none. */
const struct directive *directives_of(const struct directives *d, struct bytes patient);

/*
 * Hints.  The first, as soon as the patient is known, fetches into the cache where her directives are listed;
 * the second fetches these, which are judged after the layers before them.
 */
void directives_expect(const struct directives *d, struct bytes patient);
void directives_fetch(const struct directives *d, struct bytes patient);

/*
 * consent.c: the result of a patient's directives for a request, and the rules of the organization that
 * override it.
 */

/* Something that is unknown, and the attributes that are missing. */
struct consent_note {
	struct bytes id_text; /* of the rule or directive, as a JSON string; empty: the layer itself */
	struct attribute_set missing;
	const struct consent_note *next;
};

/* A rule that spoke, or the directive itself. */
struct consent_spoken {
	struct bytes id, id_text;
	const struct access_rule *rule; /* NULL: the directive */
	const struct consent_spoken *next;
};

/* The result of one directive. */
struct opinion {
	const struct directive *directive;
	enum result result; /* RESULT_NOT_APPLICABLE: the directive does not apply */
	const char *reason;
	struct keep keep;
	const struct item *redact;
	const struct consent_note *unknown;
	const struct consent_spoken *spoken;
};

struct consent {
	bool applies;
	enum result result;
	const char *reason; /* a constant; NULL with Permit */
	bool by_default;    /* no directive spoke */
	bool overridable;   /* false if the patient is missing */
	struct opinion *opinion;
	uint32_t opinions;
	const struct consent_spoken **spoken; /* for the result, by id, each id once */
	uint32_t speaks;
	const struct consent_note *unknown; /* of the layer itself */
	const struct access_rule **overriding;
	uint32_t overrides;
};

/*
 * FILE is the organization's: it says what holds where no directive applies.  What the result points to lives
 * in SCRATCH.
 */
struct consent consent_decide(const struct layer_file *file, const struct directives *directives,
    struct situation *s, struct scratch *scratch);

/*
 * Fills c->overriding if the organization permits and consent is not a permit without limits.  Rules that say
 * `overrides_consent: acknowledged` override if every directive that stands in the way acknowledges them;
 * rules that say `always` (law, break-glass) override any directive.
 */
void consent_override(struct consent *c, const struct layer_outcome *organization, const struct situation *s,
    struct scratch *scratch);

/* True if an overriding rule holds for the whole record: then consent limits nothing. */
bool consent_override_is_whole(const struct consent *c, const struct layer_outcome *organization);

/* The item for which a rule of the organization holds; NULL if it does not hold. */
const struct item *consent_overriding_item(
    const struct layer_outcome *organization, const struct access_rule *rule);

/*
 * clearance.c: how high a reader may go (authz/clearances.yaml).  The rows of `clearances` give an
 * authorization level (AL), those of `caps` lower it, and a claim in the request may lower it further.  A
 * command to a device needs an AL of its own and an id that was not used before.
 */
struct clearance_row {
	struct criteria criteria;
	unsigned al;
	const struct yaml_node *node; /* where it stands */
};

struct command {
	uint32_t word;
	unsigned al;
	int64_t fresh; /* seconds for which an issued command may be sent */
	unsigned approvals;
};

struct clearances {
	bool there; /* the policy has the file */
	const char *file;
	struct clearance_row *row;
	uint32_t rows;
	struct clearance_row *cap;
	uint32_t caps;
	struct command *command;
	uint32_t commands;
};

/* The file may be absent.  False with a fault. */
bool clearances_read(struct clearances *c, struct access_reader *r);

struct clearance {
	const char *reason;              /* of a denial: "no-clearance", "claimed-al"; NULL: none */
	unsigned assessed;               /* before the claim */
	unsigned al;                     /* after it */
	const struct clearance_row *row; /* that gave it; NULL: none */
	const struct clearance_row *cap; /* that lowered it last; NULL: none */
};

/*
 * The authorization level of the user: the highest that a row gives, lowered by each cap that holds or may
 * hold for all that is known, and then by the level that the request claims, which may not be higher.
 */
struct clearance clearance_assess(const struct clearances *c, struct situation *s);

/* The commands that were sent: pairs of device and command id. */
struct used_commands {
	struct intern pairs; /* private */
};

void used_init(struct used_commands *u, struct arena *arena);
void used_release(struct used_commands *u);

/* NDJSON {"device":..,"id":..,"exp":..}; false with a fault. */
bool used_read(struct used_commands *u, struct access_reader *r, struct bytes text);

/* Notes that the command ID was sent to DEVICE.  Both are copied. */
void used_add(struct used_commands *u, struct scratch *scratch, struct bytes device, struct bytes id);

/*
 * How many people other than the requester approved, each counted once, up to ENOUGH.  Only the register
 * says who a person is and which role he has, so without it nobody approves: a fact tells of relatives and
 * devices, too.  Two ids whose refs share a name of a person are one person.
 */
unsigned approvals_count(const struct situation *s, unsigned enough, struct scratch *scratch);

/*
 * NULL, or the reason why the command is denied.  CLEARED: there is an authorization level, AL.  The caller
 * adds the id to USED once everything else permits.
 */
const char *clearance_command(const struct clearances *c, const struct situation *s, bool cleared,
    unsigned al, const struct used_commands *used, struct scratch *scratch);

/* What access.c has loaded, and the memory of the decision at hand. */
struct engine {
	struct policy *policy;
	struct intern words;
	struct attributes attributes;
	struct roles roles;
	struct layers layers;
	struct clearances clearances;
	struct directives directives;
	struct settled *settled;   /* NULL: none */
	struct facts *facts;       /* NULL: none */
	size_t unfinished;         /* bytes that are left out of the facts */
	struct entities *entities; /* NULL: none */
	struct used_commands used;
	struct moments moments; /* of all rules and rows */
	bool outbound_only;     /* the outbound layer alone is asked */
	struct scratch scratch;
};

/* An obligation of a rule, for this request. */
struct owed {
	const struct access_rule *rule;
	const struct duty *duty;
	struct instant at; /* with timed: when it expires */
	bool timed;
};

/* What limits.c and decide.c fill in. */
struct verdict {
	const struct request *request;
	struct situation situation;                  /* as the custodian sees it */
	struct layer_outcome outcome[LAYER_CONSENT]; /* outbound, jurisdiction, organization */
	struct consent consent;
	struct clearance clearance;
	const char *reasons[LAYER_COUNT]; /* of clearance, command and obligations, if they deny */
	const char *reason;
	/* what the enforcement point must do */
	const struct item **redact;
	struct keep *keep;
	struct narrowing narrowing;
	const struct rule_state *narrowed[LAYER_CONSENT]; /* of the outcomes' rules for all narrowed data */
	struct verdict *whole;                            /* with a narrowing: on the whole record */
	const struct scope **spared; /* of the narrowing: what is withheld of the entries that meet it */
	uint32_t spares;
	struct owed *owed;
	struct owed *unmet; /* what a permit would owe, if the request cannot carry it out */
	uint32_t redacts;
	uint32_t keeps;
	uint32_t owes;
	uint32_t unmets;
	uint32_t step_up; /* the word of the acr that would help, 0: none */
	struct instant valid_until;
	int level; /* the highest to give: index in the ladder */
	unsigned al;
	enum layer decided_by;
	bool denied[LAYER_COUNT];
	bool permitted;
	bool cleared;   /* the policy has clearances */
	bool commanded; /* the request is a command */
	bool level_owed;
	bool ends; /* at valid_until */
};

/*
 * limits.c: what a verdict withholds of the record: items to redact and lists to keep to.
 */

/* Collects the limits of the layers in V. */
void limits_gather(struct verdict *v, struct scratch *scratch);

/*
 * Adds to V those of ALL that meet its narrowing, and those of the WHOLE record that say which records are
 * meant: references tell of these, and asking for less must not bring them back.  A redaction without
 * exceptions becomes an exception of the narrowing.
 */
void limits_add(struct verdict *v, const struct verdict *all, const struct verdict *whole,
    const struct intern *words, struct scratch *scratch);

/* Lets limits by levels alone lower v->level instead. */
void limits_spend(struct verdict *v);

/*
 * decide.c: from a request to a verdict.  All layers are evaluated and reported.  A request is permitted only
 * if no layer denies and none is undecided.  What a request for a part of the record gets is never more than
 * what a request for the whole record gets of that part.
 */

/* The order in which layers answer for a denial. */
extern const enum layer decide_order[LAYER_COUNT];

/*
 * Judges Q, to which entities_apply() was done.  What V points to lives until the scratch is reset.  The id
 * of a command that is permitted counts as used from then on.
 */
void decide(struct engine *e, struct request *q, struct verdict *v);

/* The same without side effect, and without a look for a stronger acr. */
void decide_trial(struct engine *e, struct request *q, struct verdict *v);

/* The denial of a request of which it is not proven who asks, for this REASON: no layer is asked. */
void decide_unproven(struct engine *e, struct request *q, const char *reason, struct verdict *v);

bool decide_is_command(const struct request *q);

/*
 * undone.c: true if V obliges to something that the request does not list among what can be carried out.
 * Adds to OUT, which may be NULL, a line for each: the action, which data, the rule and its directive.
 */
bool undone_write(struct buffer *out, const struct verdict *v);

/*
 * answer_reason.c: the reasons of a verdict in words: `reason_user`, one of two constants, and
 * `reason_admin`, the sentences of the rules that decided, which PUBLIC_ONLY leaves out.
 */
void answer_reason_write(struct json_write *w, const struct verdict *v, bool public_only);

/* The sentence for a reason of denial or permission; NULL if there is none. */
const char *answer_reason_sentence(const char *reason);

/*
 * explain.c: for the administrator, what the permit rules of a layer lack that did not permit and that no
 * deny stopped: `would_permit`, the rules that lack one criterion alone, else `nearest`, those that lack the
 * fewest.  {"rule":"H-2","lacks":[{"same":["subject.ward","resource.ward"],"is":"missing"}]}
 */
void explain_outcome(
    struct json_write *w, const struct engine *e, const struct verdict *v, const struct layer_outcome *o);
void explain_consent(struct json_write *w, const struct engine *e, const struct verdict *v);

/*
 * account.c: a verdict for people: the answer, how far it goes, and the sentence of each rule that it rests
 * on.  account_rules(): besides what every rule, directive and row of clearances says of the request, and
 * what it lacks.  To be called before the scratch is reset.
 */
void account_verdict(struct buffer *out, struct engine *e, const struct verdict *v);
void account_rules(struct buffer *out, struct engine *e, const struct verdict *v);

/*
 * remedy.c: what would have to differ for a denied request to be permitted, a line each, the likeliest first.
 * Each was decided: the changed request is permitted.  Nothing if a few changes do not do.
 */
void remedy_write(struct buffer *out, struct engine *e, const struct verdict *v);

/*
 * answer.c: a verdict as JSON, one object without newline.  Buffers have no limit: an answer is bounded by
 * its request and its policy.
 */
struct answer_frame {
	const struct engine *engine;
	struct scratch *scratch; /* the engine's */
	bool public_only;        /* without reasons, rules and layers */
	bool explain;            /* with what the permit rules lack */
	const char *request;     /* "sha256:..." of the request line */
	int item;                /* of a batch: which, from 0; -1 otherwise */
	struct bytes basis;      /* members: "policy":"sha256:..","consents":.. */
};

/* ID is the request's own as it stands, a JSON string or number; empty if it has none. */
void answer_write(
    struct json_write *w, const struct answer_frame *a, const struct verdict *v, struct bytes id);

/* The members that say how far a permit goes: levels, obligations, end. */
void answer_terms_write(struct json_write *w, const struct answer_frame *a, const struct verdict *v);

/* Behind so many bytes an answer to many questions ends. */
enum { ANSWER_MOST = 1 << 26 };

/* The answer to an ill-formed request.  MESSAGE is a constant. */
void answer_error(struct json_write *w, struct bytes id, const char *message);

/* "consent" and the like. */
const char *answer_layer_name(enum layer layer);

/* access.c: what access_load() has made, the verdict of the last request, and whether that was a batch. */
struct access;
struct engine *access_engine(struct access *a);
const struct verdict *access_verdict(const struct access *a);
bool access_batch(const struct access *a);

/*
 * search.c: which subjects or resources of the register, or which of the policy's actions, a request is
 * permitted for.  They are tried one by one, in the order of their ids.
 */
struct search {
	unsigned attribute; /* ATTRIBUTE_SUBJECT_ID, _RESOURCE_ID or _ACTION_NAME; 0: no search */
	/* private */
	struct bytes *key; /* sorted: type NUL id, or the action */
	uint32_t keys;
};

/* Lists what may be found.  ARENA holds the list. */
void search_prepare(struct search *s, const struct engine *e, struct arena *arena);

struct search_page {
	bool asked;
	uint64_t limit;     /* 0: none */
	struct bytes after; /* the id that the page before ended with, in the scratch */
	struct bytes id;    /* the request's own, as answer_write() takes it */
};

/* The member `page` of a request.  NULL, or what is wrong with it. */
const char *search_page_read(struct search_page *p, const struct json *j, struct scratch *scratch);

/* Q lacks what is searched for.  Returns the number of results. */
uint32_t search_write(struct json_write *w, const struct answer_frame *a, const struct search *s,
    struct engine *e, struct request *q, const struct search_page *page);

#endif
