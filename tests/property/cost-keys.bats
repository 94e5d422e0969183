load ../lib/ehr
load ../lib/notify
load ../lib/ca
load ../lib/cost

# What the files of an authority cost: devices, releases, decisions and revocations, of which a large site has many.

@test "ehr-keys: the devices that hold keys, as rotate counts and revoke and list name them" {
	native || return 0
	local file kid
	ehr-keys make -P "$P" -S made --now 2026-11-01T00:00:00Z >epoch
	kid=$(ehr-keys list -S made | jq -r 'select(.rl == "R").kid')
	for file in once twice; do
		cp -r made $file
		perl -e 'print qq({"at":1790000000,"device":"d_$_","sub":"nina","decision":"sha256:0","exp":2000000000,"kids":["$ARGV[0]"]}\n) for 1000000 .. 1000000 + $ARGV[1]' \
			"$kid" "$([ $file = once ] && echo 2000 || echo 4000)" >$file/keys/issued.log
		chmod 600 $file/keys/issued.log
	done
	doubled "$(cost ehr-keys list -S once --holders "$kid")" "$(cost ehr-keys list -S twice --holders "$kid")"
	[ "$(wc -l <out.counted)" -eq 4001 ]
	cp -r twice said
	ehr 0 ehr-keys rotate -P "$P" -S said --now 2026-11-01T00:00:00Z
	has err '4001 devices hold keys'
	doubled "$(cost ehr-keys rotate -P "$P" -S once --now 2026-11-01T00:00:00Z)" \
		"$(cost ehr-keys rotate -P "$P" -S twice --now 2026-11-01T00:00:00Z)"
	doubled "$(cost ehr-keys revoke -S once --party nina --now 2026-11-01T00:00:00Z)" \
		"$(cost ehr-keys revoke -S twice --party nina --now 2026-11-01T00:00:00Z)"
}

@test "ehr-keys: the decisions of a grant, and those that were taken before" {
	native || return 0
	local file
	BATS_FILE_TMPDIR=$PWD told "$P"
	granted nurse 3 nurse
	for file in once twice; do
		cp -r site $file
		perl -MDigest::SHA=sha256_hex -e 'local $/; my $d = <STDIN>;
			for (1 .. shift) { (my $one = $d) =~ s/sha256:0+"/"sha256:" . sha256_hex($_) . "\""/e; print $one }' \
			"$([ $file = once ] && echo 2000 || echo 4000)" <decision >$file.decisions
	done
	doubled "$(cost ehr-keys grant -P "$P" -S once --decision once.decisions --now "$now")" \
		"$(cost ehr-keys grant -P "$P" -S twice --decision twice.decisions --now "$now")"
	[ "$(wc -l <twice/keys/taken.log)" -eq 4001 ]
}

# listed COUNT: a site with so many devices on its list of revocations, and so many subscriptions of a grant.
listed() {
	rm -rf site
	cp -r fresh site
	perl -e 'print qq({"v":1,"iss":"hospital","iat":1790000000,"serial":1,"next":2000000000,"grants":[],"parties":[],"devices":[),
		join(",", map { my $d = "d_" . sprintf "%018d", $_; $ARGV[1] ? "\"$d\"" : "\"" . "x" x 34 . "$_\"" } 1000000000 .. 999999999 + $ARGV[0]), q(],"kids":[]})' \
		"$1" "$2" | python3 "$EHR_ROOT/tests/lib/jws.py" fresh/keys/keys/sig.pem '{"typ":"ehr-revoked+jwt"}' >site/revoked.jwt
	JTI=$(granted_claim nurse jti) perl -e 'print qq({"id":"n$_","party":"nurse","grant":"$ENV{JTI}","responder":"care-team","select":{"subjects":["$ENV{SUBJECT}"]},"purpose":"TREAT"}\n) for 1 .. shift' \
		"$1" >site/subscriptions/all.ndjson
}

@test "ehr-notify: the devices that are revoked" {
	native || return 0
	local form once
	BATS_FILE_TMPDIR=$PWD told "$P"
	granted nurse 3 nurse
	cp -r site fresh
	for form in 0 1; do
		listed 3000 $form
		ehr 0 ehr-notify -P "$P" -S site --now "$now" /dev/null
		once=$(cost ehr-notify -P "$P" -S site --now "$now" /dev/null)
		listed 6000 $form
		doubled "$once" "$(cost ehr-notify -P "$P" -S site --now "$now" /dev/null)"
	done
}

@test "ehr-launch: the bytes of a program" {
	native || return 0
	local file
	ca ca
	certificate ca release codeSigning
	for file in once twice; do
		head -c "$([ $file = once ] && echo 2000000 || echo 4000000)" /dev/zero >$file
		chmod 755 $file
		ehr-policy sign --key release.key --cert release.pem $file
	done
	twice ehr-launch --trust ca.pem --crl ca.crl --verify-only
}

# calls FUNCTION PROGRAM ...: how often that function is called.
calls() {
	local name=$1
	shift
	valgrind --tool=callgrind --callgrind-out-file=called "$@" >out.counted 2>counted
	NAME=$name perl -ne '
		if (/^(c?)fn=\((\d+)\)(?: (.*))?/) { $name{$2} = $3 if defined $3; $callee = $2 if $1 }
		elsif (/^calls=(\d+)/) { $count{$callee} += $1 }
		END { $all += $count{$_} for grep { $name{$_} eq $ENV{NAME} } keys %count; print $all + 0 }' called
}

@test "ehr-open: the releases of epochs that no line names, and the point of one that a line names" {
	native || return 0
	local site
	export now=2026-03-02T09:00:00Z
	ehr-keys make -P "$P" -S one --now "$now" >epoch
	head -n 3 "$EHR_ROOT/testdata/ward/upload.ndjson" | ehr-classify -P "$P" 2>said | ehr-redact -P "$P" -S one 2>said |
		ehr-seal -P "$P" -S one --now "$now" >sealed
	cp -r one six
	for site in 2 3 4 5 6; do ehr-keys rotate -P "$P" -S six --now "$now" >epoch; done
	bounded "$(cost ehr-open -S one --now "$now" sealed)" "$(cost ehr-open -S six --now "$now" sealed)"
	[ "$(wc -l <out.counted)" -eq 12 ]
	# Four levels, each with a point of its own in its release; and the key of who signed them.
	for site in one six; do
		[ "$(calls EVP_PKEY_derive ehr-open -S $site --now "$now" sealed)" -eq 4 ]
		[ "$(calls EVP_PKEY_public_check_quick ehr-open -S $site --now "$now" sealed)" -eq 5 ]
	done
}

@test "ehr-open: the devices whose readings count" {
	native || return 0
	local count file whole
	export now=2026-03-02T09:00:00Z
	ehr-keys make -P "$P" -S site --now "$now" >epoch
	for file in cuff stranger; do
		ehr-keys make --kind sensor --keys $file --authority site/authority.jwks --now "$now" >$file.enrol
	done
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys cuff | jq -r .sig.jkt)" --now "$now" cuff.enrol >one
	ehr-keys list --self -S site | jq -c .enc.jwk >server.jwk
	echo '{"reading":91.0}' | ehr-seal --to server.jwk --keys site/keys --sign stranger/keys/sig.pem >short
	perl -e 'print scalar(<STDIN>) x 500' <one >many
	perl -e 'print scalar(<STDIN>) x 5000' <short >long
	# Of an unknown signer no signature is verified, so that what a line costs is to read it and to look for its signer.
	for count in one many; do
		for file in short long; do
			cost ehr-open -S site --now "$now" --require-signed $count --on-error skip $file >$count.$file
			[ ! -s out.counted ]
		done
	done
	whole=$(($(cat one.long) - $(cat one.short)))
	bounded "$whole" $(($(cat many.long) - $(cat many.short)))
}
