load ../lib/ehr
load ../lib/cost

@test "a stream: twice the records cost about twice, in each program, for ehr-batch with all that it starts" {
	native || return 0
	local file n i
	ehr-keys make -P "$P" -S site --now 2026-11-01T00:00:00Z >made
	for file in once twice; do
		n=$([ $file = once ] && echo 5 || echo 10)
		for ((i = 0; i < n; i++)); do cat "$EHR_ROOT/testdata/ward/upload.ndjson"; done >$file.upload
		for ((i = 0; i < n; i++)); do cat "$EHR_ROOT/testdata/ward/requests.ndjson"; done >$file.requests
		ehr-classify -P "$P" $file.upload >$file.labelled
		ehr-redact -P "$P" -S site $file.labelled >$file.versions
		ehr-seal -P "$P" -S site --now 2026-11-01T00:00:00Z $file.versions >$file.sealed
		ehr-authz -P "$P" -S site --now 2026-11-01T00:00:00Z $file.requests >$file.decisions
	done
	stage() { doubled "$(cost "$1" "${@:3}" "once.$2")" "$(cost "$1" "${@:3}" "twice.$2")" || { echo "$1" && return 1; }; }
	stage ehr-ingest upload
	stage ehr-classify upload -P "$P"
	stage ehr-redact labelled -P "$P" -S site
	stage ehr-seal versions -P "$P" -S site --now 2026-11-01T00:00:00Z
	stage ehr-open sealed -S site
	stage ehr-notify sealed -P "$P" -S site --now 2026-11-01T00:00:00Z
	stage ehr-authz requests -P "$P" -S site --now 2026-11-01T00:00:00Z
	for file in once twice; do
		ehr 0 ehr-policy replay -P "$P" -S site --now 2026-11-01T00:00:00Z $file.requests $file.decisions
		cost ehr-policy replay -P "$P" -S site --now 2026-11-01T00:00:00Z $file.requests $file.decisions >$file.cost
	done
	doubled "$(cat once.cost)" "$(cat twice.cost)"
	for file in once twice; do
		cost ehr-batch -P "$P" -S site --now 2026-11-01T00:00:00Z $file.upload $file.store >$file.cost
		[ "$(wc -l <$file.store/$file.upload/sealed.ndjson)" -ge 1000 ]
	done
	doubled "$(cat once.cost)" "$(cat twice.cost)"
}

@test "the codes, systems and types of a policy" {
	native || return 0
	local costs=() of
	for of in other collide; do
		rm -rf policy
		cp -r "$EHR_ROOT/testdata/policies/labels" policy
		names $of 2000 36 | perl -pe 's/.*/http:\/\/loinc.org\t$&\tx\tHIV\t\t/' >>policy/valuesets/codes.tsv
		names $of 500 36 | perl -ne 'chomp; $all .= "s$_: urn:$_, "; END { print "s/^systems: {/&$all/\n" }' >edit
		sed -i -e 's/rows: 3}/rows: 2003}/' -f edit policy/classify.yaml
		printf '{"resourceType":"Basic","id":"a"}\n' >in
		ehr 0 ehr-classify -P policy in
		costs+=("$(cost ehr-classify -P policy in)")
	done
	bounded "${costs[@]}"
}
