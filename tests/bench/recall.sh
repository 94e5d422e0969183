#!/bin/bash
# usage: recall.sh [POLICY]
#
# How many codes of published lists the value sets of a policy hold, a line for each list, code system and category: the
# share of its codes that are restricted as the only fact of a record.  The lists are those of ../shared/valuesets; without
# them nothing is measured.
#
#	samhsa-2014	value sets of Consent2Share (obhita/consent2share commit c48f6be9).  Of it the policy took the names of
#			drug and alcohol tests and of psychiatric ingredients, not the diagnoses.
#	part2-sud	what CMS labels 42 CFR Part 2 (CMSgov/beneficiary-fhir-data commit 62b2d2e8).  Of it the policy took the
#			services, not the diagnoses.
#	words		Codings of ../shared/data whose display has a word of ../shared/valuesets/words
set -euo pipefail
export LC_ALL=C
policy=${1:-policies/hospital}
lists=../shared/valuesets data=../shared/data
[ -d "$lists" ] || {
	echo "recall: there is no $lists, nothing is measured"
	exit 0
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Lines of LIST SYSTEM CODE CATEGORY become lines of LIST SYSTEM CATEGORY, codes, share restricted.
measure() {
	LC_ALL=C sort -u >"$work/items"
	jq -cR 'split("\t") | {resourceType: "Basic", code: {coding: [{system: .[1], code: .[2]}]}}' "$work/items" |
		ehr-classify -P "$policy" 2>/dev/null | jq -r .ehr.level | paste "$work/items" - |
		awk -F'\t' '{ key = $1 "  " $2 "  " $4; codes[key]++; held[key] += $5 != "N" && $5 != "L" && $5 != "U" }
			END { for (key in codes) printf "%4d codes  %3d %%  %s\n", codes[key], 100 * held[key] / codes[key], key }' |
		sort -k5
}

list() {
	awk -F'\t' -v OFS='\t' -v name="$1" 'NR > 2 { sub(/\*$/, "", $2); print name, $1, $2, $4 }' "$lists/$1.tsv"
}

# The English terms of each category, as whole words.
words() {
	awk -F'\t' -v OFS='\t' 'FNR > 2 && $2 == "en" { print tolower($1), $3 }' "$lists"/words/*.tsv >"$work/terms"
	cat "$data"/fhir-*/*.ndjson |
		jq -r '.. | objects | select((.code | type) == "string" and (.display | type) == "string" and (.system | type) == "string")
			| [.system, .code, (.display | ascii_downcase | gsub("[^a-z0-9]+"; " "))] | @tsv' 2>/dev/null | sort -u |
		awk -F'\t' -v OFS='\t' -v terms="$work/terms" '
			BEGIN { while ((getline line <terms) > 0) { split(line, part, "\t"); category[part[1]] = part[2] } }
			{ for (term in category) if (index(" " $3 " ", " " term " ")) print "words", $1, $2, category[term] }'
}

{
	list samhsa-2014
	list part2-sud
	if [ -d "$data" ]; then words; fi
} | measure
