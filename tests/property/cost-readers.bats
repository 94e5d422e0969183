load ../lib/ehr
load ../lib/notify
load ../lib/cost

@test "ehr-authz: the patients of directives and the subjects of facts" {
	native || return 0
	local costs=() of
	cp -r "$EHR_ROOT/testdata/authz" set
	mkdir -p policy/authz
	cp set/policy.yaml policy/ && cp set/hospital/policies/*.yaml policy/authz/
	for of in other collide same; do
		names $of 2000 36 | perl -pe 's/.*/{"fact":"f-$.","relation":"treating","subject":"$&","patient":"$&","from":"2026-03-01T08:00:00Z","until":"2026-03-15T08:00:00Z","by":"$&","at":"2026-03-01T07:58:10Z"}/' >facts
		names $of 2000 36 | perl -pe 's/.*/{"subject":{"type":"user","id":"$&"},"action":{"name":"read"},"resource":{"type":"patient","id":"$&"},"context":{"purpose":"TREAT","time":"2026-03-02T09:00:00Z"}}/' >in
		ehr-authz -P policy --facts facts in >out 2>err || true
		[ "$(wc -l <out)" -eq 2000 ]
		costs+=("$(cost ehr-authz -P policy --facts facts in)")
	done
	bounded "${costs[0]}" "${costs[1]}"
	bounded "${costs[0]}" "${costs[2]}"
}

@test "ehr-policy conflicts: the rules of one directive" {
	native || return 0
	local kind=('"effect":"permit"' '"effect":"deny","why":["HMARKT"]') count i of costs
	for i in 0 1; do
		costs=()
		count=$((100 - 76 * i))
		for of in 1 2; do
			perl -e 'print q({"ehr_authz":1,"consent":"c","patient":"ann","status":"active","base":"permit","rules":[),
				join(",", map { qq({"id":"r$_","say":"Rule.",$ARGV[0],"who":{"id":"u$_"}}) } 1 .. $ARGV[1]), "]}\n"' "${kind[i]}" $((of * count)) >c.json
			costs+=("$(cost ehr-policy conflicts -P "$P" --consents c.json)")
			empty out.counted
		done
		doubled "${costs[@]}"
	done
}

@test "ehr-consent: the patients of negotiations" {
	native || return 0
	local costs=() of
	for of in other collide same; do
		names $of 2000 36 | perl -pe 's/.*/{"v":1,"directive":"c","patient":"$&","event":"proposed","at":"2026-03-01T09:00:00Z","by":{"role":"patient","id":"x"},"directive_sha256":"sha256:@{["0" x 64]}"}/' >in
		ehr 0 ehr-consent in
		[ "$(wc -l <out)" -eq "$([ $of = same ] && echo 1 || echo 2000)" ]
		costs+=("$(cost ehr-consent in)")
	done
	bounded "${costs[0]}" "${costs[1]}"
	bounded "${costs[0]}" "${costs[2]}"
}

@test "ehr-select: the names of records" {
	native || return 0
	local costs=() of
	printf '%s\n' 'policy: 1' 'name: p' 'serial: 1' 'levels: [{name: N, al: 0}]' >policy.yaml && mkdir policy && mv policy.yaml policy/
	printf '{"decision":true,"context":{"request":"sha256:0","about":{"subject":"u","action":"read","resource":{"type":"patient","id":"ann"},"patient":"ann","pseudonym":"s_annannannannannannannA"},"al":5,"rl":"N","obligations":[]}}\n' >decision
	for of in other collide; do
		names $of 1000 21 r_ | perl -MMIME::Base64=encode_base64url -ne 'chomp;
			$tags = qq({"v":1,"stage":"sealed","id":"r_${_}A","subject":"s_annannannannannannannA","rl":"N","al":0,"n":1,"of":1,"criticality":"low","domain":"hospital","epoch":37,"batch":"b_AAAAAAAAAAAAAAAAAAAAAA","seq":1,"policy":"sha256:) . "0" x 64 . qq("});
			print qq({"ehr":$tags,"protected":"), encode_base64url(qq({"alg":"A256KW","enc":"A256GCM","typ":"ehr-sealed","cty":"json","kid":"hospital/N/37/abcdefgh","ehr":$tags})),
				qq(","encrypted_key":"), encode_base64url(0 x 40), qq(","iv":"), encode_base64url(0 x 12), qq(","ciphertext":"e30","tag":"), encode_base64url(0 x 16), qq("}\n)' >in
		ehr 0 ehr-select -P policy --decision decision in
		[ "$(wc -l <out)" -eq 1000 ]
		costs+=("$(cost ehr-select -P policy --decision decision in)")
	done
	bounded "${costs[@]}"
}

@test "ehr-notify: the names of records, and the subjects of lines and subscriptions" {
	native || return 0
	local costs=() of
	told "$P"
	granted nurse 3 nurse
	cp -r site fresh
	for of in other collide same; do
		rm -rf site && cp -r fresh site
		names "${of/same/other}" 1000 21 s_ >some
		perl -MDigest::SHA=sha256_hex -e 'local $/; open my $f, "<", "decision"; my $d = <$f>; $/ = "\n"; while (<STDIN>) {
			chomp; (my $one = $d) =~ s/"patient":"a","pseudonym":"[^"]*"/"patient":"$_","pseudonym":"s_${_}A"/; $one =~ s/sha256:0+"/"sha256:" . sha256_hex($_) . "\""/e; print $one }' <some >decisions
		ehr 0 ehr-keys grant -P "$P" -S site --decision decisions --now "$now"
		mv out nurse.grant
		JTI=$(granted_claim nurse jti) perl -pe 'chomp; $_ = qq({"id":"n$.","party":"nurse","grant":"$ENV{JTI}","responder":"care-team","select":{"subjects":["s_${_}A"]},"purpose":"TREAT"}\n)' <some >site/subscriptions/all.ndjson
		[ $of != same ] || { head -n 1 some | perl -ne 'print $_ x 1000' >one && mv one some; }
		perl -MMIME::Base64=encode_base64url -ne 'chomp;
			$tags = qq({"v":1,"stage":"sealed","id":"r_${_}A","subject":"s_${_}A","rl":"N","al":3,"n":1,"of":1,"criticality":"high","domain":"hospital","epoch":1,"batch":"b_AAAAAAAAAAAAAAAAAAAAAA","seq":$.,"policy":"sha256:) . "0" x 64 . qq("});
			print qq({"ehr":$tags,"protected":"), encode_base64url(qq({"alg":"A256KW","enc":"A256GCM","typ":"ehr-sealed","cty":"json","kid":"hospital/N/1/AAAAAAAA","ehr":$tags})), qq("}\n)' <some >in
		ehr 0 ehr-notify -P "$P" -S site --now "$now" in
		[ "$(wc -l <out)" -ge 1000 ]
		costs+=("$(cost ehr-notify -P "$P" -S site --now "$now" in)")
	done
	bounded "${costs[0]}" "${costs[1]}"
	bounded "${costs[0]}" "${costs[2]}"
}

@test "ehr-deliver: intents of different events, of one event, and of one case" {
	native || return 0
	local kind file
	intents() {
		perl -e '
			my ($kind, $count) = @ARGV;
			for (1 .. $count) {
				my $event = $kind eq "event" ? "same" : $_;
				my ($grave, $ack, $dispatch) = $kind eq "case" ? ("critical", q(,"ack":"PT60S"), "PT5S") : ("routine", "", "PT12H");
				print qq({"ehr":{"v":1,"stage":"intent","id":"n_$_","event":"e_$event","record":"r_$_","subject":"s_a","rl":"N","al":3,"criticality":"$grave","policy":"sha256:0"},"kind":"data","to":{"subscription":"s","party":"p","class":"care-team","step":0},"deadline":{"after":"PT0S","dispatch":"$dispatch"$ack,"expires":"PT24H"},"ref":"r_$_/N","payload":"reference","purpose":"TREAT","grant":"g","obligations":[]}\n);
			}
		' "$1" "$2"
	}
	for kind in events event case; do
		for file in once twice; do
			intents $kind "$([ $file = once ] && echo 500 || echo 1000)" >$file
			ehr-deliver init -P "$P" --spool $file.$kind
			cost ehr-deliver enqueue --spool $file.$kind $file >$file.cost
			cost ehr-deliver list --spool $file.$kind >$file.list
			[ "$(wc -l <out.counted)" -ge "$([ $kind = event ] && echo 1 || wc -l <$file)" ]
		done
		doubled "$(cat once.cost)" "$(cat twice.cost)"
		doubled "$(cat once.list)" "$(cat twice.list)"
	done
}
