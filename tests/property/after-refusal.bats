load ../lib/ehr

# A refused record leaves nothing behind: whatever is refused before a record, the record's output is the same.
setup_file() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" F="$BATS_FILE_TMPDIR" T="$EHR_ROOT/testdata"
	cd "$F" || return 1
	cp -r "$EHR_ROOT/policies/hospital" hospital
	echo 'visible_change: {keep: 90d, max: 1000}' >>hospital/notify.yaml
	cp -r "$T/policies/labels" labels
	ehr-keys make -P hospital -S site >/dev/null
	perl "$T/canary/make.pl" "$T/canary/places.ndjson"
	{ shuf -n 8 --random-source=records.ndjson records.ndjson && "$EHR_GENERATE" 7 9000 | head -n 4 &&
		head -n 8 "$T/ward/upload.ndjson"; } | ehr-ingest --on-error skip >ingested 2>/dev/null
	ehr-classify -P hospital ingested >labelled 2>/dev/null
	ehr-redact -P hospital -S site labelled >versions
	ehr-seal -P hospital -S site --batch b_AAAAAAAAAAAAAAAAAAAAAA versions >sealed
	cat "$T"/records/bad/*.ndjson >kinds
}

# Bad records for the filter that reads lines of file $1, each on its line: every kind that testdata has, and lines of the
# file that a filter refuses early or late, because something behind the rest of the line is wrong.
worsen() {
	awk 'length < 5000' "$F/kinds"
	perl -ne '
		chomp;
		my $head = qr/\A(\{"ehr":)(\{(?:[^{}]|\{[^{}]*\})*\})/;
		my $inline = q({"url":"http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"});
		print "$_\n" for
			substr($_, 0, length() * 0.9), "${_}x",
			s/\}\}\z/,"active":true,"gender":"x","modifierExtension":[$inline]}}/r,
			s/\}\}\z/,"active":true,"contained":[{"resourceType":"Patient","active":true,"meta":{"security":[{"code":7}]}}]}}/r,
			s/("record":\{)/$1"active":true,"meta":{"security":[7]},/r,
			s/("stage":"ingested")/$1,"floor":["V",{"code":7}]/r,
			s/"labels":\[\K/{"at":"","level":"V","rule":"base"},/r =~ s/\],"record":/,{"at":"\/nope","level":"V","rule":"x"}],"record":/r,
			s/\],"record":/,{"at":"","level":"?","rule":"x"}],"record":/r,
			s/\],"record":/,{"at":"","sensitivity":["?"],"rule":"x"}],"record":/r,
			s/\],"record":/,{"at":"","level":"V","criticality":"?","rule":"x"}],"record":/r,
			s/("of":)\d+/${1}0/r, s/("rl":")[^"]*/$1?/r, s/("n":)\d+/${1}31/r, s/("al":)\d+/${1}9/r,
			s/("tag":"...)./$1_/r, s/("ciphertext":"[^"]*)..(")/$1$2/r, s/("protected":"[^"]*)..(")/$1$2/r,
			s/("criticality":")[^"]*/$1?/r;
	' <(awk 'NR % 7 == 1' "$1" | head -n 5) | grep -vxFf "$1" | sort -u
}

# Output of file $1 with sealing's chances left out.
comparable() {
	if [ "$name" = seal ]; then jq -c '.ehr | del(.seq)' "$1"; else cat "$1"; fi
}

# after NAME LINES ARGS...: each group of lines of file LINES (what stands before an empty line), alone and behind each bad
# record that the filter refuses.
after() {
	local name=$1 lines=$2 group
	shift 2
	worsen "$F/$lines" >bad
	: >refused
	# Some bad records are good for this filter.
	ehr-"$name" "$@" --on-error quarantine --quarantine aside bad >/dev/null 2>&1 || true
	jq -r 'if .base64 then empty else .record end' aside >refused
	rm -f aside
	[ "$(wc -l <refused)" -gt 40 ]
	rm -rf groups
	mkdir groups
	if [ "$name" = notify ] || [ "$name" = open ]; then
		awk '/"n":1,/ { g++ } { print >(sprintf("groups/%03d", g)) }' "$F/$lines"
	else
		split -l 1 -a 3 "$F/$lines" groups/
	fi
	for group in groups/*; do
		# ehr-notify ends with 1 where an urgent event reaches nobody.
		ehr-"$name" "$@" "$group" >alone 2>/dev/null || [ $? -eq 1 ]
		perl -ne 'BEGIN { open my $file, "<", shift; local $/; $good = <$file> } print $_, $good' "$group" refused >mixed
		ehr 1 ehr-"$name" "$@" --on-error skip mixed
		comparable alone >want
		comparable out | perl -e '
			open my $file, "<", "want"; my $want = do { local $/; <$file> };
			my $got = do { local $/; <STDIN> };
			for (my $at = 0; $at < length $got; $at += length $want) {
				next if substr($got, $at, length $want) eq $want;
				print STDERR "differs:\n", substr($got, $at, length $want), $want;
				exit 1;
			}
			exit(length $got == $ARGV[0] * length $want ? 0 : 1)' "$(wc -l <refused)"
	done
}

@test "ehr-classify: a refused record leaves no label, urgency or subject to the next" {
	after classify ingested -P "$F/hospital"
	after classify ingested -P "$F/labels"
	printf '%s\n' '{"resourceType":"Patient","active":true,"meta":{"security":[{"code":7}]}}' \
		'{"resourceType":"Basic","active":true,"gender":"x"}' >in
	ehr 1 ehr-classify -P "$F/labels" --on-error skip in
	has out '"level":"L"'
	lacks out place
}

@test "ehr-redact: a refused record leaves no label, level or edit to the next" {
	after redact labelled -P "$F/hospital" -S "$F/site"
	after redact labelled -P "$F/hospital" -S "$F/site" --levels L,V
}

@test "ehr-seal: a refused version leaves no tag to the next" {
	after seal versions -P "$F/hospital" -S "$F/site" --batch b_AAAAAAAAAAAAAAAAAAAAAA
}

@test "ehr-open and ehr-notify: a refused line leaves no key, tag or group to the next" {
	after open sealed -S "$F/site"
	after notify sealed -P "$F/hospital" -S "$F/site"
}

@test "ehr-ingest: a refused record leaves nothing of a Bundle to the next" {
	cp "$T/ward/upload.ndjson" raw
	cp "$F/kinds" bad
	ehr-ingest --from lines --on-error quarantine --quarantine aside bad >/dev/null 2>&1 || true
	jq -r 'if .base64 then empty else .record end' aside >refused
	jq -c '.entry[0].resource = 7' "$T/ward/bundle.json" >>refused
	jq -c '.entry[5].resource = 7' "$T/ward/bundle.json" >>refused
	jq -c . "$T/ward/bundle.json" >good
	ehr-ingest --from lines good >want
	while IFS= read -r line; do
		printf '%s\n' "$line" >mixed
		cat good >>mixed
		ehr-ingest --from lines --on-error skip mixed >got 2>/dev/null || true
		tail -n "$(wc -l <want)" got | cmp - want
	done <refused
}
