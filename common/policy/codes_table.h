/* SPDX-License-Identifier: ISC */
#ifndef EHR_POLICY_CODES_TABLE_H
#define EHR_POLICY_CODES_TABLE_H

#include "common/policy/codeform.h"
#include "common/policy/codes.h"
#include "common/policy/terms.h"
#include "common/policy/valueset.h"

/*
 * codes_table: how codes.h works inside; for codes.c, which searches, codes_load.c, which fills the table,
 * and codesystem.c alone.
 *
 * A code system has many names in records: URI, OID with and without urn:oid:, http and https, with a slash
 * at its end, with a version, older URIs, short names.  All of them are one number.  The common systems are
 * compiled in (codesystem.def); a policy adds those of its value sets.
 */
enum codesystem_fold {
	FOLD_EXACT, /* byte by byte */
	FOLD_UPPER, /* without regard to case */
	FOLD_ICD,   /* without regard to case, dots, hyphens and blanks: f10.20 is F1020 */
};

enum { CODESYSTEM_NONE = 0, CODESYSTEM_MAX = 0xfffe };

struct codesystem {
	struct bytes uri; /* canonical */
	enum codesystem_fold fold;
	enum codeform form;
	bool is_plain;    /* it classifies nobody's illness */
	bool is_names;    /* no Coding has it: codes_find_name alone finds its rows */
	uint16_t also[2]; /* systems in whose rows its codes are looked up too, CODESYSTEM_NONE */
};

struct codesystems {
	struct codesystem *at; /* from 1 */
	unsigned count;
	/* private */
	unsigned room;
	struct codesystem_name *name; /* open addressing */
	unsigned names;
	unsigned name_room;
};

void codesystems_init(struct codesystems *s);
void codesystems_release(struct codesystems *s);

/* The number of NAME, CODESYSTEM_NONE if no system has this name. */
unsigned codesystems_find(const struct codesystems *s, struct bytes name);

/*
 * The same, but a new name becomes a new system with FOLD_EXACT.  URI is borrowed.  CODESYSTEM_NONE if there
 * are too many.
 */
unsigned codesystems_add(struct codesystems *s, struct bytes uri);

/* True if NAME is a name of the system whose canonical URI is URI. */
bool codesystems_same(struct bytes name, struct bytes uri);

/* True if NAME is empty or blank. */
bool codesystems_is_nameless(struct bytes name);

/* The byte C of a code as FOLD compares it; 0 if FOLD ignores it. */
static inline unsigned char
codesystem_fold(enum codesystem_fold fold, unsigned char c)
{
	if (fold == FOLD_ICD && (c == '.' || c == ' ' || c == '-'))
		return 0;
	return fold != FOLD_EXACT && c >= 'a' && c <= 'z' ? (unsigned char)(c - 'a' + 'A') : c;
}

/*
 * The rows of all value sets stand under one open-addressed table, keyed by (system, folded code, prefix or
 * not).  A row is 32 bytes and points into its file; the rows of one key are a chain.  A row belongs to a
 * group: the rows of one file and one category, which are in the same value sets.
 */
#define CODE_NO_ROW UINT32_MAX

enum {
	CODE_NO_CATEGORY = 0xffff,
	CODE_MAX_FOLDED = 255,
	CODE_MAX_PREFIX = 63,
};

struct code_row {
	const char *code;
	uint32_t next;
	int32_t from; /* days since 1970, both included */
	int32_t until;
	uint16_t code_size;
	uint16_t system;
	uint16_t group;
	bool is_prefix;
};

struct code_group {
	struct code_bits sets;
	const struct policy_file *file; /* NULL: codes written out in a rule */
	const char *first;              /* its first row in the file */
	unsigned category;              /* CODE_NO_CATEGORY in a rule */
	size_t rows;
	bool is_partial; /* one of its sets says complete: false */
};

struct code_set {
	struct bytes name; /* empty: written out in a rule */
	size_t rows;
	bool complete;
	bool is_terms; /* its file has terms, not codes */
	const struct policy_file *file;
	const struct yaml_node *node; /* for faults */
};

/* What the table knows of a system. */
struct code_facts {
	uint64_t prefix_lengths; /* bit n: some prefix has n bytes, folded */
	uint64_t begins; /* bit n: some code or prefix begins with a byte that is n modulo 64, folded */
	size_t rows;     /* of value sets */
	bool in_table;   /* it has a row, of a value set or of a rule */
	bool is_partial;
};

struct codes {
	struct arena arena;
	const struct policy *policy;
	const struct yaml_node *aliases;
	struct codesystems systems;
	struct code_facts *facts; /* by the number of the system */
	unsigned facts_room;
	uint16_t *used_system; /* with in_table */
	unsigned used_systems;
	struct code_row *row;
	uint32_t rows;
	uint32_t row_room;
	uint32_t *slot;      /* the newest row of a key */
	uint32_t *slot_hash; /* 0: the slot is free */
	uint32_t slots;      /* a power of two */
	struct code_set set[CODE_BITS];
	unsigned sets;
	struct code_group group[CODE_BITS];
	unsigned groups;
	struct bytes category[CODE_BITS];
	unsigned categories;
	struct terms terms;
};

/* Room for the facts of every system; called after each new one. */
void codes_note_systems(struct codes *c);

/* Room for ROWS more rows. */
void codes_reserve(struct codes *c, size_t rows);

/* Adds ROW and sets its `next`.  False if the group has the same row already: a mistake in the file. */
bool codes_add(struct codes *c, const struct code_row *row);

/*
 * For codes_text.c.  Whether any row has CODE; as codes_find for CODE, which stands in a longer text, so that
 * only what has the form of a code of SYSTEM counts; and the rows of all systems whose codes have FORM.
 */
bool codes_is_listed(const struct codes *c, struct bytes code);
bool codes_find_part(const struct codes *c, unsigned system, struct bytes code, struct codes_match *match);
bool codes_find_form(const struct codes *c, enum codeform form, struct bytes code, struct codes_match *match);

/* The bytes of TEXT that a message shows, for %.*s. */
static inline int
code_shown(struct bytes text)
{
	return text.size < 80 ? (int)text.size : 80;
}

#endif
