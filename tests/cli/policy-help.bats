# ehr-policy help: what the pages of section 5 say of a key.
bats_require_minimum_version 1.5.0
load ../lib/ehr

@test "help: the part of the page, its place and its example, as the manual page prints it" {
	ehr 0 ehr-policy help condition_seconds
	empty err
	sed -n '/^\$ ehr-policy help/,/^\.Ed/p' "$EHR_ROOT/share/man/man1/ehr-policy.1" | sed '1d;$d' | cmp - out
}

@test "help: a key of several pages, with the keys inside it and the lists that it stands in" {
	ehr 0 ehr-policy help roots
	same out <<-'END'
		ehr-policy(5), POLICY.YAML, in record:
		    roots
		        fhir: records are FHIR's, with contained resources and entries of
		        Bundles as roots of their own. Not given: the record is the only root.
		    clinic/policy.yaml:
		          roots: fhir
	END
	ehr 0 ehr-policy help record
	[ "$(grep -v '^ ' out | tr -d '\n')" = 'ehr-policy(5), POLICY.YAML:ehr-spool(5), intent:ehr-tags(5), DESCRIPTION:' ]
	has out '        subject_type'
	has out '          time: [.effectiveDateTime, .period.start, .authoredOn]'
}

@test "help: a word that only the text of a part has" {
	ehr 0 ehr-policy help const
	has out 'ehr-policy(5), POLICY.YAML, in record:'
	has out 'For records that do not say it, a map: const is'
	ehr 0 ehr-policy help current
	has out 'ehr-keys(5), Files of a key directory:'
}

@test "help: no text is wider than a terminal, and no markup is left" {
	for key in rules tiers redact id epoch; do
		ehr 0 ehr-policy help $key
		[ "$(grep -cE '^ *\.[A-Z][a-z]( |$)|\\\(|\\e' out)" -eq 0 ]
	done
	ehr 0 ehr-policy help record
	[ "$(grep -cE '^.{79}' out)" -eq 0 ]
}

@test "help: an unknown key is misuse, and the nearest one is named" {
	ehr 2 ehr-policy help condition_second
	empty out
	has err "no page has this key: 'condition_second', did you mean 'condition_seconds'?"
	ehr 2 ehr-policy help Li
	ehr 2 ehr-policy help
	has err 'needs a KEY'
}

@test "help: several keys are told of one behind the other, and an unknown one among them is misuse" {
	line 0 "ehr-policy help condition_seconds; echo; ehr-policy help prefix"
	mv out want
	ehr 0 ehr-policy help condition_seconds prefix
	cmp want out
	ehr 2 ehr-policy help prefix condition_second
	empty out
	has err "no page has this key: 'condition_second', did you mean 'condition_seconds'?"
}

@test "help: installed programs find their pages, and say when they have none" {
	mkdir -p root/bin root/share/ehr root/share/man/man5
	cp "$EHR_BIN/ehr-policy" root/bin
	cp "$EHR_ROOT"/share/man/man5/*.5 root/share/man/man5
	ehr 0 root/bin/ehr-policy help condition_seconds
	rm -r root/share/man
	ehr 4 root/bin/ehr-policy help condition_seconds
	empty out
	has err 'the manual pages are not there'
}
