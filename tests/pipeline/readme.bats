bats_require_minimum_version 1.5.0
load ../lib/ehr

# The lines of README.md that begin with a word, from its block number $1.
block() {
	awk -v n="$1" '/^```/ { if (!inside) seen++; inside = !inside; next } inside && seen == n' "$EHR_ROOT/README.md"
}

@test "the README's first lines do what it says, as they stand there" {
	block 2 | sed '/^export PATH/d' >lines
	has lines 'ehr-ingest < testdata/ward/upload.ndjson | ehr-classify -P $P | ehr-redact -P $P -S $S | ehr-seal -P $P -S $S > sealed.ndjson && ehr-notify'
	ln -s "$EHR_ROOT/policies" "$EHR_ROOT/testdata" .
	line 0 'export P=policies/hospital S=site; set -u; . ./lines'
	has err 'uncovered: nobody could be told; sent to the last resort'
	same out <<-'END'
		      3 critical
		     16 high
		      4 low
		     16 medium
		    265 routine
	END
}
