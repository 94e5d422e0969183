bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

# A new tag is one row of common/line/tags.def.  The programs in $EHR_TAG_BIN are built with the row of EHR_TEST_TAG: a
# word named test, which a labelled line may carry.
setup_file() {
	site
	ehr-classify -P "$P" <records 2>/dev/null | sed 's/},"labels":/,"test":"one-row"},"labels":/' >labelled
	"$EHR_TAG_BIN/ehr-redact" -P "$P" -S site <labelled >tagged.versions
	"$EHR_TAG_BIN/ehr-seal" -P "$P" -S site <tagged.versions >tagged.sealed
	printf '{"decision":true,"context":{"about":{"subject":"nina","action":"read","resource":{"type":"patient","id":"p1"},"patient":"p1","pseudonym":"%s"},"al":5,"obligations":[]}}\n' \
		"$(head -n 1 sealed | jq -r .ehr.subject)" >decision
}

# carried FILE N: it has N lines, and the tag is in each, behind all others.
carried() {
	[ "$(wc -l <"$1")" -eq "$2" ]
	[ "$(jq -r '.ehr | keys_unsorted[-1] + "=" + .test' "$1" | sort -u)" = test=one-row ]
}

@test "with one row more a tag travels through redact, seal, open, select and notify" {
	carried "$F/tagged.versions" 8
	carried "$F/tagged.sealed" 8
	[ "$(head -n 1 "$F/tagged.sealed" | jq -r .ehr.test)" = one-row ]
	ehr 0 "$EHR_TAG_BIN/ehr-open" -S "$F/site" <"$F/tagged.sealed"
	carried out 8
	cmp <(jq -c .record out) <(jq -c .record "$F/versions")
	ehr 0 "$EHR_TAG_BIN/ehr-select" -P "$P" --decision "$F/decision" "$F/tagged.sealed"
	carried out 2
	ehr 0 "$EHR_TAG_BIN/ehr-notify" -P "$P" -S "$F/site" -v "$F/tagged.sealed"
	has err '8 read'
	has err '0 refused'
}

@test "the tag is read in any form of the line, and a value that is no word is refused" {
	ehr 0 "$EHR_TAG_BIN/ehr-seal" -P "$P" -S "$F/site" < <(sed 's/^{/{ /' "$F/tagged.versions")
	carried out 8
	ehr 0 "$EHR_TAG_BIN/ehr-open" -S "$F/site" < <(sed 's/^{/{ /' "$F/tagged.sealed")
	carried out 8
	ehr 1 "$EHR_TAG_BIN/ehr-open" -S "$F/site" --on-error skip < <(sed 's/one-row/two-row/' "$F/tagged.sealed")
	empty out
	ehr 5 "$EHR_TAG_BIN/ehr-seal" -P "$P" -S "$F/site" < <(sed 's/one-row/one row/' "$F/tagged.versions")
	has err tags-invalid
}

@test "the released programs refuse a tag that they do not know" {
	ehr 5 ehr-redact -P "$P" -S "$F/site" <"$F/labelled"
	has err ':1: tags-invalid'
	ehr 5 ehr-seal -P "$P" -S "$F/site" <"$F/tagged.versions"
	has err ':1: tags-invalid'
	ehr 5 ehr-open -S "$F/site" <"$F/tagged.sealed"
	has err ':1: tags-invalid'
	ehr 5 ehr-select -P "$P" --decision "$F/decision" "$F/tagged.sealed"
	has err ':1: tags-invalid'
	ehr 5 ehr-notify -P "$P" -S "$F/site" "$F/tagged.sealed"
	has err ':1: tags-invalid'
}
