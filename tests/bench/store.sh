# shellcheck shell=bash disable=SC2154 # sourced by run.sh, which sets the variables
# What a store is for one byte of records, under the policy as it is shipped: three synthetic hospitals, and a fourth whose
# records are shorter, each with all that is in it.  ehr-seal(1) says what each part of it costs.
store_row() {
	local name
	[ -d "$data/fhir-bulk-10" ] || return 0
	cat "$data"/fhir-synthea-*/*.ndjson >"$work/three"
	cat "$data"/fhir-bulk-10/*.ndjson | ehr-ingest >"$work/short" 2>/dev/null
	for name in three short; do
		ehr-classify -P $P "$work/$name" 2>/dev/null | ehr-redact -P $P -S "$S" 2>/dev/null | ehr-seal -P $P -S "$S" >"$work/$name.sealed"
		say "store, $name" "$(awk "BEGIN { printf \"%.2f\", $(stat -c %s "$work/$name.sealed") / $(stat -c %s "$work/$name") }")" times \
			most "$([ $name = three ] && echo 7 || echo 8)" "$(wc -l <"$work/$name") records of $(awk '{ n += length } END { printf "%.0f", n / NR }' "$work/$name") bytes"
	done
}
