/* SPDX-License-Identifier: ISC */
/*
 * generate SEED BYTES: FHIR records, one a line, until there are at least BYTES bytes of them.  The same seed
 * gives the same bytes on every machine.  A bench and a long test want any number of records that look like a
 * hospital's: about one in six is sensitive, one in twenty urgent, and numbers end in zeros; the members are
 * those of bulk exports, so that lengths are like theirs (half of them below 1 KB).
 *
 * A template is a record with a $ and a letter where something varies; `fields` says what each letter writes.
 */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 1 << 20, LONGEST = 1 << 14, RECORDS_A_PATIENT = 40 };

static char room[ROOM + LONGEST];
static size_t used;
static uint64_t written;
static uint64_t seed;
static uint64_t state;
static uint64_t patient;

/* splitmix64: small, well mixed, and the same everywhere */
static uint64_t
mixed(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static uint64_t
chance(void)
{
	return mixed(state += UINT64_C(0x9e3779b97f4a7c15));
}

static unsigned
below(unsigned n)
{
	return (unsigned)((chance() >> 32) * n >> 32);
}

static void
put(const char *text)
{
	size_t size = strlen(text);

	memcpy(room + used, text, size);
	used += size;
}

static void
put_digits(uint64_t number, unsigned width)
{
	for (unsigned i = width; i-- > 0; number /= 10)
		room[used + i] = (char)('0' + number % 10);
	used += width;
}

static void
put_number(uint64_t number)
{
	unsigned width = 1;

	for (uint64_t rest = number; rest >= 10; rest /= 10)
		width++;
	put_digits(number, width);
}

static void
put_uuid(uint64_t high, uint64_t low)
{
	static const char digit[] = "0123456789abcdef";

	for (unsigned i = 0; i < 32; i++) {
		if (i == 8 || i == 12 || i == 16 || i == 20)
			room[used++] = '-';
		room[used++] = digit[(i < 16 ? high >> (60 - 4 * i) : low >> (124 - 4 * i)) & 15];
	}
}

/* Words. */
static const char *const families[] = { "Abel", "Brandt", "Dvořák", "Eriksen", "Fabre", "Gómez", "Hill",
	"Ito", "Jönsson", "Kowalski", "Lindqvist", "Moreau", "Nkemelu", "Østby", "Petrov", "Quist", "Rossi",
	"Schäfer", "Tanaka", "Ueda", "Varga", "Wójcik", "Yilmaz", "Zhang 张" };
static const char *const givens[] = { "Ada", "Björn", "Chiara", "Dmitri", "Élise", "Farid", "Greta", "Hana",
	"Ivan", "Jana", "Kenji", "Lucía", "Mads", "Noor", "Olga", "Pavel", "Rosa", "Sven", "Tove", "Uta" };
static const char *const streets[] = { "Ahornweg", "Birch Lane", "Plaça Nova", "Dorfstraße", "Elm Street",
	"Fjordgata", "Rue des Tilleuls", "Via Roma" };
static const char *const cities[] = { "Aalborg", "Bergen", "Coimbra", "Graz", "Lübeck", "Malmö", "Nancy",
	"Poznań" };
static const char *const sentences[] = { "Slept well, no complaints.", "Walked to the window and back.",
	"Daughter visited in the afternoon.", "Ate half of the meal.", "Asked when he may go home.",
	"Wound dry, dressing changed.", "Pain 2 of 10 after the tablet.",
	"Breathing easier than yesterday." };

/* Codes: a coding's members, ready to be written. */
#define CODING(system, code, display)                                                                        \
	"{\"system\":\"" system "\",\"code\":\"" code "\",\"display\":\"" display "\"}"
#define SCT "http://snomed.info/sct"
#define ICD "http://hl7.org/fhir/sid/icd-10-cm"
#define LOINC "http://loinc.org"
#define RXNORM "http://www.nlm.nih.gov/research/umls/rxnorm"

static const char *const conditions[] = {
	CODING(SCT, "38341003", "Hypertension"),
	CODING(SCT, "44054006", "Type 2 diabetes"),
	CODING(SCT, "195662009", "Sore throat, viral"),
	CODING(SCT, "10509002", "Acute bronchitis"),
	CODING(SCT, "444814009", "Sinusitis"),
	CODING(SCT, "233604007", "Pneumonia"),
	CODING(SCT, "84114007", "Heart failure"),
	CODING(SCT, "13645005", "Chronic obstructive lung disease"),
	CODING(ICD, "I10", "Hypertension"),
	CODING(ICD, "E11.9", "Type 2 diabetes"),
	CODING(ICD, "J18.9", "Pneumonia"),
	CODING(ICD, "I50.9", "Heart failure"),
};
static const char *const sensitive_conditions[] = {
	CODING(SCT, "86406008", "HIV infection"),
	CODING(SCT, "66590003", "Alcohol dependence"),
	CODING(SCT, "75544000", "Opioid dependence"),
	CODING(SCT, "370143000", "Major depression"),
	CODING(SCT, "76272004", "Syphilis"),
	CODING(SCT, "77386006", "Pregnant"),
	CODING(SCT, "706893006", "Victim of violence by a partner"),
	CODING(SCT, "190905008", "Cystic fibrosis"),
	CODING(ICD, "B20", "HIV disease"),
	CODING(ICD, "F10.20", "Alcohol dependence"),
	CODING(ICD, "f3290", "Depression, code without its dot"),
	CODING(ICD, "T74.11XA", "Physical abuse"),
};
static const char *const drugs[] = {
	CODING(RXNORM, "314076", "Lisinopril 10 MG Oral Tablet"),
	CODING(RXNORM, "860975", "Metformin 500 MG Extended Release Oral Tablet"),
	CODING(RXNORM, "197361", "Amlodipine 5 MG Oral Tablet"),
	CODING(RXNORM, "313782", "Acetaminophen 325 MG Oral Tablet"),
	CODING(RXNORM, "308136", "Amlodipine 2.5 MG Oral Tablet"),
	CODING(RXNORM, "312961", "Simvastatin 20 MG Oral Tablet"),
};
static const char *const sensitive_drugs[] = {
	CODING(RXNORM, "1433873", "Dolutegravir 50 MG Oral Tablet"),
	CODING(RXNORM, "1010600", "Buprenorphine and naloxone"),
	CODING(RXNORM, "36437", "Sertraline"),
	CODING(RXNORM, "389221", "Etonogestrel implant"),
};

/* What is measured: values go from `least` in `steps` steps, written with `digits` decimals. */
struct sign {
	const char *coding;
	const char *unit;
	const char *code;
	unsigned least;
	unsigned steps;
	unsigned digits;
};

static const struct sign vitals[] = {
	{ CODING(LOINC, "59408-5", "Oxygen saturation"), "%", "%", 900, 100, 1 },
	{ CODING(LOINC, "8867-4", "Heart rate"), "/min", "/min", 48, 70, 0 },
	{ CODING(LOINC, "9279-1", "Respiratory rate"), "/min", "/min", 10, 13, 0 },
	{ CODING(LOINC, "8310-5", "Body temperature"), "°C", "Cel", 360, 26, 1 },
	{ CODING(LOINC, "29463-7", "Body weight"), "kg", "kg", 48000, 60000, 3 },
	{ CODING(LOINC, "2339-0", "Glucose"), "mg/dL", "mg/dL", 6200, 14000, 2 },
	{ CODING(LOINC, "8867-4", "Heart rate"), "beats/minute", "/min", 52, 40, 0 },
};
static const struct sign tests[] = {
	{ CODING(LOINC, "718-7", "Hemoglobin"), "g/dL", "g/dL", 90, 90, 1 },
	{ CODING(LOINC, "2160-0", "Creatinine"), "mg/dL", "mg/dL", 60, 90, 2 },
	{ CODING(LOINC, "2744-1", "pH of arterial blood"), "pH", "[pH]", 735, 11, 2 },
	{ CODING(LOINC, "4548-4", "Hemoglobin A1c"), "%", "%", 48, 50, 1 },
};
static const struct sign sensitive_tests[] = {
	{ CODING(LOINC, "20447-9", "HIV 1 RNA"), "copies/mL", "{copies}/mL", 20, 100000, 0 },
	{ CODING(LOINC, "5643-2", "Ethanol"), "mg/dL", "mg/dL", 0, 200, 0 },
	{ CODING(LOINC, "44261-6", "PHQ-9 total score"), "{score}", "{score}", 0, 27, 0 },
};

#define COUNT(table) (unsigned)(sizeof(table) / sizeof(table)[0])
#define PICK(table) (table)[below(COUNT(table))]

static void
put_sign(const struct sign *s)
{
	static const unsigned power[] = { 1, 10, 100, 1000 };
	unsigned value = s->least + below(s->steps);

	put("\"code\":{\"coding\":[");
	put(s->coding);
	put("]},\"valueQuantity\":{\"value\":");
	put_number(value / power[s->digits]);
	if (s->digits > 0) {
		room[used++] = '.';
		put_digits(value % power[s->digits], s->digits);
	}
	put(",\"unit\":\"");
	put(s->unit);
	put("\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"");
	put(s->code);
	put("\"}");
}

static void
put_date(void)
{
	put_digits(2025 + below(2), 4);
	room[used++] = '-';
	put_digits(1 + below(12), 2);
	room[used++] = '-';
	put_digits(1 + below(28), 2);
}

static void
put_time(void)
{
	put_date();
	room[used++] = 'T';
	put_digits(below(24), 2);
	room[used++] = ':';
	put_digits(below(60), 2);
	put(":00+01:00");
}

static void
put_field(char letter)
{
	static const char *const flags[] = { "N", "N", "N", "N", "H", "L" };

	switch (letter) {
	case 'u':
		put_uuid(chance(), chance());
		break;
	case 'P':
		patient++; /* fall through */
	case 'p':
		put_uuid(mixed(seed ^ patient), mixed(seed + 7919 * patient));
		break;
	case 'd':
		put_time();
		break;
	case 'D':
		put_date();
		break;
	case 'f':
		put(PICK(families));
		break;
	case 'g':
		put(PICK(givens));
		break;
	case 'a':
		put(PICK(streets));
		break;
	case 'y':
		put(PICK(cities));
		break;
	case 'w':
		put(PICK(sentences));
		break;
	case 'n':
		put_number(1 + below(99));
		break;
	case 't':
		put_digits(chance() % 10000000, 7);
		break;
	case 'c':
		put(below(5) == 0 ? PICK(sensitive_conditions) : PICK(conditions));
		break;
	case 'm':
		put(below(6) == 0 ? PICK(sensitive_drugs) : PICK(drugs));
		break;
	case 'v':
		put_sign(&PICK(vitals));
		break;
	case 'l':
		put_sign(below(8) == 0 ? &PICK(sensitive_tests) : &PICK(tests));
		break;
	case 'i':
		put(PICK(flags));
		break;
	default:
		room[used++] = '$';
		break;
	}
}

/* Records: how often each, of all the shares together. */
struct template
{
	unsigned share;
	const char *text;
};

#define META "\"meta\":{\"versionId\":\"1\",\"lastUpdated\":\"$d\",\"source\":\"urn:ward:$n\"}"
#define META_OF(name)                                                                                        \
	"\"meta\":{\"versionId\":\"1\",\"lastUpdated\":\"$d\",\"source\":\"urn:ward:$n\"," PROFILE(name) "}"
#define PROFILE(name) "\"profile\":[\"http://hl7.org/fhir/us/core/StructureDefinition/us-core-" name "\"]"
#define ENCOUNTER "\"encounter\":{\"reference\":\"Encounter/$u\"}"
#define SUBJECT "\"subject\":{\"reference\":\"Patient/$p\",\"display\":\"$g $f\"}"
#define VITAL_CATEGORY                                                                                       \
	"\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"                    \
	"observation-category\","                                                                            \
	"\"code\":\"vital-signs\",\"display\":\"Vital Signs\"}]}]"

static const struct template patients = { 0,
	"{\"resourceType\":\"Patient\",\"id\":\"$P\"," META
	",\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">$g "
	"$f, "
	"born $D</div>\"},\"identifier\":[{\"system\":\"http://hospital.example/mrn\",\"value\":\"MR-$t$t\"},"
	"{\"type\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/"
	"v2-0203\",\"code\":\"SS\"}]},"
	"\"system\":\"http://hl7.org/fhir/sid/us-ssn\",\"value\":\"999-$n-$t\"}],\"active\":true,"
	"\"name\":[{\"use\":\"official\",\"family\":\"$f\",\"given\":[\"$g\",\"$g\"]}],"
	"\"telecom\":[{\"system\":\"phone\",\"value\":\"555-$t\",\"use\":\"home\"}],\"gender\":\"female\","
	"\"birthDate\":\"1949-04-12\",\"address\":[{\"line\":[\"$a $n\"],\"city\":\"$y\","
	"\"postalCode\":\"$t\"}]}" };

static const struct template templates[] = {
	{ 40, "{\"resourceType\":\"Observation\",\"id\":\"$u\"," META ",\"status\":\"final\"," VITAL_CATEGORY
	      "," SUBJECT ",\"encounter\":{\"reference\":\"Encounter/$u\"},\"effectiveDateTime\":\"$d\","
	      "\"issued\":\"$d\",$v,\"device\":{\"reference\":\"Device/$u\"},"
	      "\"note\":[{\"text\":\"$w $w\"}]}" },
	{ 10,
	    "{\"resourceType\":\"Observation\",\"id\":\"$u\"," META ",\"status\":\"final\"," VITAL_CATEGORY
	    ",\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"85354-9\","
	    "\"display\":\"Blood pressure panel\"}]}," SUBJECT ",\"effectiveDateTime\":\"$d\",\"component\":["
	    "{\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"8480-6\"}]},"
	    "\"valueQuantity\":{\"value\":1$n,\"unit\":\"mmHg\",\"system\":\"http://unitsofmeasure.org\","
	    "\"code\":\"mm[Hg]\"}},{\"code\":{\"coding\":[{\"system\":\"http://"
	    "loinc.org\",\"code\":\"8462-4\"}]},"
	    "\"valueQuantity\":{\"value\":$n.0,\"unit\":\"mmHg\",\"system\":\"http://unitsofmeasure.org\","
	    "\"code\":\"mm[Hg]\"}}]}" },
	{ 15, "{\"resourceType\":\"Observation\",\"id\":\"$u\"," META
	      ",\"status\":\"final\",\"category\":[{\"coding\":"
	      "[{\"system\":\"http://terminology.hl7.org/CodeSystem/observation-category\","
	      "\"code\":\"laboratory\"}]}]," SUBJECT
	      ",\"effectiveDateTime\":\"$d\",$l,\"interpretation\":[{\"coding\":"
	      "[{\"system\":\"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation\","
	      "\"code\":\"$i\"}]}],\"referenceRange\":[{\"low\":{\"value\":7.40},\"high\":{\"value\":1.1E+2}}"
	      "]}" },
	{ 14, "{\"resourceType\":\"Condition\",\"id\":\"$u\"," META_OF(
		  "condition-encounter-diagnosis") ",\"clinicalStatus\":{\"coding\":[{\"system\":\"http://"
						   "terminology.hl7.org/CodeSystem/"
						   "condition-clinical\","
						   "\"code\":\"active\"}]},\"verificationStatus\":{"
						   "\"coding\":[{\"system\":\"http://terminology.hl7.org/"
						   "CodeSystem/"
						   "condition-ver-status\",\"code\":\"confirmed\"}]},"
						   "\"category\":[{\"coding\":[{\"system\":"
						   "\"http://terminology.hl7.org/CodeSystem/"
						   "condition-category\",\"code\":\"encounter-diagnosis\","
						   "\"display\":\"Encounter "
						   "Diagnosis\"}]}],\"code\":{\"coding\":[$c]}," SUBJECT
						   "," ENCOUNTER ",\"onsetDateTime\":\"$d\",\"recordedDate\":"
						   "\"$d\",\"note\":[{\"text\":\"$w\"}]}" },
	{ 14, "{\"resourceType\":\"MedicationRequest\",\"id\":\"$u\"," META_OF(
		  "medicationrequest") ",\"status\":\"active\",\"intent\":\"order\","
				       "\"category\":[{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
				       "CodeSystem/"
				       "medicationrequest-category\",\"code\":\"community\",\"display\":"
				       "\"Community\"}],\"text\":\"Community\"}],"
				       "\"medicationCodeableConcept\":{\"coding\":[$m]}," SUBJECT
				       "," ENCOUNTER ",\"authoredOn\":\"$d\",\"requester\":"
				       "{\"reference\":\"Practitioner/$u\",\"display\":\"Dr. "
				       "$f\"},\"dosageInstruction\":[{\"sequence\":1,"
				       "\"text\":\"$n drops\\nwith "
				       "water\",\"doseAndRate\":[{\"doseQuantity\":{\"value\":1.00}}]}]}" },
	{ 12, "{\"resourceType\":\"Encounter\",\"id\":\"$u\"," META_OF(
		  "encounter") ",\"status\":\"finished\",\"class\":{\"system\":"
			       "\"http://terminology.hl7.org/CodeSystem/"
			       "v3-ActCode\",\"code\":\"AMB\"},\"type\":[{\"coding\":[{\"system\":"
			       "\"http://snomed.info/sct\",\"code\":\"185347001\",\"display\":\"Encounter "
			       "for problem\"}],\"text\":"
			       "\"Encounter for problem\"}]," SUBJECT
			       ",\"participant\":[{\"type\":[{\"coding\":[{\"system\":"
			       "\"http://terminology.hl7.org/CodeSystem/"
			       "v3-ParticipationType\",\"code\":\"PPRF\",\"display\":"
			       "\"primary performer\"}],\"text\":\"primary "
			       "performer\"}],\"period\":{\"start\":\"$d\",\"end\":\"$d\"},"
			       "\"individual\":{\"reference\":\"Practitioner/$u\",\"display\":\"Dr. "
			       "$f\"}}],\"serviceProvider\":"
			       "{\"reference\":\"Organization/$u\",\"display\":\"Hospital of $y\"}"
			       ",\"period\":{\"start\":\"$d\",\"end\":\"$d\"},\"reasonCode\":[{\"coding\":[$"
			       "c]}],\"location\":"
			       "[{\"location\":{\"reference\":\"Location/$u\",\"display\":\"Ward $n\"}}]}" },
	{ 10, "{\"resourceType\":\"Procedure\",\"id\":\"$u\"," META_OF(
		  "procedure") ",\"status\":\"completed\",\"code\":{\"coding\":[{\"system\":\"http://"
			       "snomed.info/sct\",\"code\":"
			       "\"430193006\",\"display\":\"Medication "
			       "reconciliation\"}],\"text\":\"Medication reconciliation\"}," SUBJECT
			       "," ENCOUNTER ",\"performedPeriod\":{\"start\":\"$d\",\"end\":\"$d\"},"
			       "\"performer\":[{\"actor\":"
			       "{\"reference\":\"Practitioner/$u\",\"display\":\"Dr. "
			       "$f\"}}],\"location\":{\"reference\":\"Location/$u\","
			       "\"display\":\"Ward "
			       "$n\"},\"reasonCode\":[{\"coding\":[$c]}],\"note\":[{\"text\":\"$w\"}]}" },
	{ 5, "{\"resourceType\":\"DiagnosticReport\",\"id\":\"$u\"," META_OF(
		 "diagnosticreport-note") ",\"text\":{\"status\":\"generated\",\"div\":"
					  "\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\"><p>$g "
					  "$f</p><p>$w $w $w $w</p></div>\"},"
					  "\"status\":\"final\",\"code\":{\"coding\":[{\"system\":\"http://"
					  "loinc.org\",\"code\":\"34133-9\"}]}," SUBJECT
					  ",\"effectiveDateTime\":\"$d\",\"conclusion\":\"$w "
					  "$w\",\"conclusionCode\":[{\"coding\":[$c]},"
					  "{\"coding\":[$c]}]}" },
};

static void
put_record(const struct template *t)
{
	for (const char *at = t->text; *at != '\0'; at++)
		if (*at == '$')
			put_field(*++at);
		else
			room[used++] = *at;
	room[used++] = '\n';
}

static const struct template *
any_template(void)
{
	unsigned all = 0;

	for (unsigned i = 0; i < COUNT(templates); i++)
		all += templates[i].share;
	unsigned at = below(all);
	const struct template *t = templates;

	for (; at >= t->share; t++)
		at -= t->share;
	return t;
}

static bool
flush(void)
{
	for (size_t done = 0; done < used;) {
		ssize_t n = write(STDOUT_FILENO, room + done, used - done);

		if (n < 0)
			return false;
		done += (size_t)n;
	}
	written += used;
	used = 0;
	return true;
}

static bool
read_number(const char *text, uint64_t *number)
{
	*number = 0;
	for (; *text >= '0' && *text <= '9'; text++)
		*number = *number * 10 + (uint64_t)(*text - '0');
	return *text == '\0';
}

int
main(int argc, char **argv)
{
	uint64_t bytes;

	if (argc != 3 || !read_number(argv[1], &seed) || !read_number(argv[2], &bytes)) {
		static const char usage[] = "usage: generate SEED BYTES\n";

		return write(STDERR_FILENO, usage, sizeof usage - 1) < 0 ? 4 : 2;
	}
	state = mixed(seed);
	for (uint64_t record = 0; written + used < bytes; record++) {
		put_record(record % RECORDS_A_PATIENT == 0 ? &patients : any_template());
		if (used >= ROOM && !flush())
			return 4;
	}
	return flush() ? 0 : 4;
}
