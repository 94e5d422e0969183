load ../lib/ehr

# The same sensitive fact, in every way in which records write it, must be gone from what treating staff see; and what only
# resembles it must stay, byte for byte.

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	"$EHR_BIN"/ehr-keys make -P "$EHR_ROOT/policies/hospital" -S site >/dev/null
}

# The versions of level $1 of the records in $2.
versions() {
	ehr-ingest "$2" | ehr-classify -P "$EHR_ROOT/policies/hospital" 2>/dev/null |
		ehr-redact -P "$EHR_ROOT/policies/hospital" -S "$BATS_FILE_TMPDIR/site" --levels "$1" 2>/dev/null
}

# Which facts the versions of level $1 tell, and in which way they are written.  A word is looked for in every string, in
# decoded base64 too, without case; a code as a whole string.
told() {
	versions "$1" in | jq -nr --slurpfile ways ways '
		def strings_of: [.. | strings, (objects | keys[])] | . + [.[] | select(test("^[A-Za-z0-9+/]{16,}=*$")) | try @base64d catch empty];
		def fold: ascii_downcase | gsub("\\."; "") | gsub("[-_+]"; " ");
		inputs.record | $ways[.id[1:] | tonumber - 1] as $way | (strings_of | map(fold)) as $seen |
		$way.words | to_entries[] | (.value | fold) as $word | select(if .key < 2
			then any($seen[]; . == $word) else any($seen[]; contains($word)) end) |
		"\($way.way): \($way.category): \(.value)"'
}

@test "no way to write a sensitive fact leaves it in the version of treating staff" {
	grep -v '^#' "$EHR_ROOT/testdata/facts/facts.tsv" | tail -n +2 |
		jq -Rc 'split("\t")' | jq -c -f "$EHR_ROOT/testdata/facts/hide.jq" >ways
	jq -c '.record + {id: "w\(input_line_number)"}' ways >in
	[ "$(wc -l <in)" -eq 766 ]
	# Whoever may see what is restricted is told in all ways of all categories, but for the type that nobody knows.
	told R >restricted
	[ "$(cut -d : -f 1 restricted | sort -u | wc -l)" -eq 60 ]
	[ "$(cut -d : -f 1,2 restricted | sort -u | wc -l)" -eq 751 ]
	told N >leaks
	empty leaks
}

@test "what resembles a sensitive fact stays as it is" {
	grep -v '^#' "$EHR_ROOT/testdata/facts/ordinary.tsv" | tail -n +2 | cut -f 2 >in
	for category in HIV SUD OPIOIDUD ETHUD MH STD SEX PREGNANT GENDER SDV GDIS SCA VIO DVD PSY RACE REL; do
		[ "$(grep -c "^$category	" "$EHR_ROOT/testdata/facts/ordinary.tsv")" -ge 10 ]
	done
	versions N in | sed 's/.*,"record"://; s/}$//' >out
	same out <in
}
