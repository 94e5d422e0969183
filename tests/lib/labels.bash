# shellcheck shell=bash
# What ehr-classify makes of one record (testdata/policies/labels).
policy() {
	P=$EHR_ROOT/testdata/policies/labels
}

# The labels of the record $1, one a line and without their quotes, are what stands on standard input: place,
# level, sensitivity, basis, criticality, rule, was; `base` labels are left out.
labels() {
	policy
	printf '%s\n' "$1" >in
	shift
	ehr 0 ehr-classify -P "$P" "$@" in &&
		jq -r '.labels[] | select(.rule != "base" and .rule != "default") |
			[.at, .level, (.sensitivity // [] | join("+")), (.basis // [] | join("+")), .criticality, .rule, .was] |
			map(. // "-" | if . == "" then "-" else . end) | join(" ")' out >shown &&
		same shown
}

# The members $2 of ehr are $3.
tags() {
	policy
	printf '%s\n' "$1" >in
	ehr 0 ehr-classify -P "$P" "${@:4}" in || return 1
	jq -c ".ehr | $2" out >shown
	same shown <<<"$3"
}
