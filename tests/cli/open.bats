bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys

setup_file() {
	site
	for al in 1 3 4 5; do reader "al$al" "$al"; done
}

@test "normal flow: a key set of AL n opens exactly the versions with al <= n" {
	for al in 1 3 4 5; do
		ehr 1 ehr-open --key "$F/al$al" --now "$NOW" --on-error skip <"$F/sealed" || [ "$al" -eq 5 ]
		[ "$(jq -r .ehr.al out | sort -u | tail -n 1)" = "$al" ]
		[ "$(wc -l <out)" -eq "$(jq -c "select(.ehr.al <= $al)" "$F/sealed" | wc -l)" ]
	done
}

@test "a level that is not hers ends with 7, and what stands before it is delivered" {
	ehr 7 ehr-open --key "$F/al1" --now "$NOW" <"$F/sealed"
	same err <<-'END'
		ehr-open: <stdin>:2: no-key: no key of that level and epoch here
	END
	[ "$(wc -l <out)" -eq 1 ]
}

@test "opened lines keep their tags, but for the stage" {
	ehr 0 ehr-open -S "$F/site" <"$F/sealed"
	cmp <(jq -c '.ehr | del(.v, .stage)' out) <(jq -c '.ehr | del(.v, .stage)' "$F/sealed")
	[ "$(jq -c '[.ehr.v, .ehr.stage]' out | sort -u)" = '[1,"opened"]' ]
	cmp <(sed 's/^.*"record"://; s/}$//' out) <(sed 's/^.*"record"://; s/}$//' "$F/versions")
}

@test "--record writes the records alone" {
	ehr 0 ehr-open -S "$F/site" --record <"$F/sealed"
	cmp out <(sed 's/^.*"record"://; s/}$//' "$F/versions")
}

@test "use case 1.0.8: every bit of the tags changed, and every other value of a number, is refused" {
	local line
	line=$(head -n 1 "$F/sealed")
	perl -e '$_ = <STDIN>; /^\{"ehr":\{[^}]*\}/ or die; for my $at (7 .. $+[0] - 1) { for my $bit (map { 1 << $_ } 0 .. 6) {
		my $line = $_; substr($line, $at, 1) = chr(ord(substr $_, $at, 1) ^ $bit); print $line unless ($line =~ tr/\n\0//) > 1 } }' <<<"$line" >bits
	[ "$(wc -l <bits)" -gt 2000 ]
	for tag in al n of epoch seq v; do
		for value in 0 1 2 3 4 5 9 10 99; do jq -c ".ehr.$tag = $value" <<<"$line"; done
	done | grep -vxF "$line" >numbers
	ehr 1 ehr-open -S "$F/site" --on-error skip bits
	empty out
	ehr 1 ehr-open -S "$F/site" --on-error skip numbers
	empty out
	jq -c '.ehr.criticality = "low"' <<<"$line" >changed
	ehr 6 ehr-open -S "$F/site" changed
	has err 'changed:1: not-authentic'
	# The same tags in another spelling are other bytes, and a tag that the library's aad alone says is none.
	sed 's/"v":2,/"v": 2,/' <<<"$line" >spelled
	ehr 6 ehr-open -S "$F/site" spelled
	has err 'spelled:1: not-authentic'
	jq -c '.aad = (.ehr | tojson | @base64 | gsub("="; "") | gsub("\\+"; "-") | gsub("/"; "_"))' <<<"$line" >named
	ehr 5 ehr-open -S "$F/site" named
	has err 'named:1: sealed-members'
	empty out
}

@test "of a line of version 1 a changed tag is refused, in ehr, in the header, in both; and neither version passes for the other" {
	local header line
	install -m 0600 "$EHR_ROOT/testdata/keys/recipient.pem" key.pem
	opened() { ehr "$1" ehr-open --allow-test-keys --key key.pem "$2"; }
	cp "$EHR_ROOT/testdata/sealed/v1/recipient.ndjson" first
	opened 0 first
	same out < <(cat "$EHR_ROOT/testdata/sealed/v1/recipient.record" && echo)
	line=$(cat first)
	header=$(part "$line" protected | sed 's/"seq":0/"seq":7/' | basenc -w 0 --base64url | tr -d =)
	jq -c '.ehr.seq = 7' first >ehr
	jq -c ".protected = \"$header\"" first >protected
	jq -c ".ehr.seq = 7 | .protected = \"$header\"" first >both
	header=$(part "$line" protected | jq -c 'del(.ehr)' | tr -d '\n' | basenc -w 0 --base64url | tr -d =)
	jq -c '.ehr.v = 2' first >named
	jq -c ".ehr.v = 2 | .protected = \"$header\"" first >second
	opened 6 ehr && has err 'ehr:1: tag-mismatch'
	opened 6 protected && has err 'protected:1: tag-mismatch'
	opened 6 both && has err 'both:1: not-authentic'
	opened 5 named && has err 'named:1: header-members'
	opened 6 second && has err 'second:1: not-authentic'
	jq -c '.ehr.v = 1' "$EHR_ROOT/testdata/sealed/v2/recipient.ndjson" >first
	opened 5 first && has err 'first:1: header-members'
	empty out
}

@test "a line of one level passed off as another's is refused, also when the cache is warm" {
	ehr-seal -P "$P" -S "$F/site" <"$F/versions" >sealed
	low=$(sed -n 1p sealed) high=$(sed -n 2p sealed)
	for swap in encrypted_key ciphertext iv tag; do
		{
			printf '%s\n%s\n' "$low" "$high"
			jq -c --argjson low "$low" ".$swap = \$low.$swap" <<<"$high"
		} >forged
		ehr 6 ehr-open -S "$F/site" forged
		has err 'forged:3: not-authentic'
		[ "$(wc -l <out)" -eq 2 ]
	done
}

@test "every piece cut off a line is refused" {
	line=$(head -n 1 "$F/sealed")
	for i in 1 20 300 700 1000 $((${#line} / 2)) $((${#line} * 3 / 4)) $((${#line} - 1)); do printf '%s\n' "${line:0:i}"; done >pieces
	ehr 1 ehr-open -S "$F/site" --on-error skip <pieces
	empty out
	[ "$(grep -c '^ehr-open: <stdin>:[0-9]*: ' err)" -eq 8 ]
}

@test "a plaintext that breaks out of its line is refused" {
	head -n 1 "$F/versions" | sed 's/"record":{/"record":{"a":1},"ehr":{"v":1},"x":{/' |
		ehr-seal -P "$P" -S "$F/site" >forged
	ehr 5 ehr-open -S "$F/site" forged
	has err 'trailing-data'
	empty out
}

@test "the worked examples open, with the keys that everybody knows only if that is said" {
	install -m 0600 "$EHR_ROOT/testdata/keys/recipient.pem" key.pem
	ehr 6 ehr-open --key key.pem "$EHR_ROOT/testdata/sealed/v1/recipient.ndjson"
	has err 'test-key'
	ehr 0 ehr-open --allow-test-keys --key key.pem "$EHR_ROOT/testdata/sealed/v1/recipient.ndjson"
	cmp <(head -c -1 out) "$EHR_ROOT/testdata/sealed/v1/recipient.record"
	ehr 7 ehr-open --allow-test-keys --key key.pem "$EHR_ROOT/testdata/sealed/v1/level.ndjson"
	chmod 0640 key.pem
	ehr 6 ehr-open --allow-test-keys --key key.pem "$EHR_ROOT/testdata/sealed/v1/recipient.ndjson"
	has err 'key.pem: key-invalid: open to others'
}

@test "-P holds the tags against the policy; --other-policy accept opens lines of earlier ones" {
	ehr 0 ehr-open -S "$F/site" -P "$P" <"$F/sealed"
	cp -r "$P" policy && echo '# changed' >>policy/seal.yaml
	ehr 5 ehr-open -S "$F/site" -P policy <"$F/sealed"
	has err ':1: other-policy'
	ehr 0 ehr-open -S "$F/site" -P policy --other-policy accept <"$F/sealed"
	sed -i 's/{name: L, al: 1}/{name: L2, al: 1}/' policy/policy.yaml
	ehr 5 ehr-open -S "$F/site" -P policy --other-policy accept <"$F/sealed"
	has err ':1: unknown-level'
}

@test "keys that were released for a time open within it" {
	ehr 2 ehr-open --key "$F/al5" <"$F/sealed"
	has err 'now-missing'
	ehr 0 ehr-open --key "$F/al5" --now 2026-03-09T08:59:59Z <"$F/sealed"
	ehr 7 ehr-open --key "$F/al5" --now 2026-03-09T09:00:00Z <"$F/sealed"
	has err ':1: key-expired'
	ehr 7 ehr-open --key "$F/al5" --now 2026-03-02T08:59:59Z <"$F/sealed"
	has err ':1: key-expired'
	# the site's own keys have a beginning and no end: without a time they open
	ehr 0 ehr-open -S "$F/site" <"$F/sealed"
	ehr 0 ehr-open -S "$F/site" --now 2030-01-01T00:00:00Z <"$F/sealed"
	ehr 7 ehr-open -S "$F/site" --now 2026-03-02T08:59:59Z <"$F/sealed"
}

@test "a release is opened when a line needs it: the bad one of another epoch stops nothing" {
	cp -r "$F/site" site
	head -n 1 "$F/sealed" >old
	ehr 0 ehr-keys rotate -P "$P" -S site --now "$NOW"
	head -n 1 "$F/versions" | ehr-seal -P "$P" -S site >new
	rl=$(jq -r .ehr.rl old)
	cp "site/keys/releases/level-1-$rl.jwe" good
	cp "$F/al5/self.json" "site/keys/releases/level-1-$rl.jwe"
	ehr 0 ehr-open -S site new
	cp out opened
	ehr 6 ehr-open -S site new old
	cmp opened out
	same err <<-END
		ehr-open: site/keys: key-invalid: releases/level-1-$rl.jwe: not a release message
	END
	ehr 6 ehr-open -S site --on-error skip old
	# Owner and mode are looked at before the first line.
	cp good "site/keys/releases/level-1-$rl.jwe"
	chmod 640 "site/keys/releases/level-1-$rl.jwe"
	ehr 6 ehr-open -S site new
	empty out
	same err <<-END
		ehr-open: site/keys: key-directory: releases/level-1-$rl.jwe: open to others, or somebody else's, expected mode 0600
	END
	rm "site/keys/releases/level-1-$rl.jwe"
	ln -s ../../../good "site/keys/releases/level-1-$rl.jwe"
	ehr 6 ehr-open -S site new
	has err "releases/level-1-$rl.jwe: Too many levels of symbolic links"
	rm "site/keys/releases/level-1-$rl.jwe"
	cp good "site/keys/releases/level-1-odd.jwe"
	chmod 600 "site/keys/releases/level-1-odd.jwe"
	# The name of a file only says where to look first.
	ehr 0 ehr-open -S site old
	mv site/keys/releases/level-1-odd.jwe site/keys/releases/level-2-odd.jwe
	ehr 0 ehr-open -S site old
	rm site/keys/releases/level-2-odd.jwe
	ehr 7 ehr-open -S site old
	has err 'old:1: no-key'
}

@test "a revoked key opens nothing, wherever the list is" {
	cp -r "$F/site" site
	cp -r "$F/al5" al5
	kid=$(part "$(sed -n 2p "$F/sealed")" protected | jq -r .kid)
	ehr 0 ehr-keys revoke -S site --kid "$kid" --now "$NOW"
	cp out list
	for place in site site/keys; do
		cp list site/revoked.jwt
		cp list site/keys/revoked.jwt
		rm "$place/revoked.jwt"
		ehr 7 ehr-open -S site "$F/sealed"
		echo "ehr-open: $F/sealed:2: key-revoked: the key is on the revocation list" >want
		cmp want err
		[ "$(wc -l <out)" -eq 1 ]
	done
	ehr 1 ehr-open -S site --on-error skip "$F/sealed"
	[ "$(wc -l <out)" -eq 6 ]
	ehr 7 ehr-open -S "$F/site" --revoked list "$F/sealed"
	ehr 7 ehr-open --key al5 --now "$NOW" --revoked list "$F/sealed"
	# What the device accepted counts without an option, and an older list does not replace it.
	cp list site/keys/revoked.jwt
	ehr 0 ehr-keys revoke -S site --party nina --now "$NOW"
	cp out newer
	ehr 0 ehr-keys accept --keys al5 --now "$NOW" newer
	ehr 7 ehr-open --key al5 --now "$NOW" "$F/sealed"
	ehr 6 ehr-open --key al5 --now "$NOW" --revoked list "$F/sealed"
	same err <<-'END'
		ehr-open: list: revocation-invalid: older than another list that is known here, expected the authority's newest list
	END
	ehr 6 ehr-open --key al5 --now 2026-04-01T09:00:00Z "$F/sealed"
	same err <<-'END'
		ehr-open: al5: revocation-stale: at this time the list has ended, expected the authority's newest one (ehr-keys revoke makes the next)
	END
	# A private key by itself has no authority that could have signed a list.
	ehr 2 ehr-open --key al5/keys/enc.pem --revoked list "$F/sealed"
	has err '--revoked'
	ehr 4 ehr-open -S site --revoked nowhere "$F/sealed"
	same err <<-'END'
		ehr-open: nowhere: No such file or directory
	END
}

@test "a revocation list that does not verify stops ehr-open and ehr-seal, wherever it is" {
	cp -r "$F/site" site
	ehr-keys revoke -S site --party nina --now "$NOW" >list
	mkdir bad bad/directory
	: >bad/empty
	head -c 100 list >bad/half
	sed -E 's/.{9}$/AAAAAAAAA/' list >bad/signature
	ehr-keys make -P "$P" -S other >/dev/null
	ehr-keys revoke -S other --party x >bad/signer
	mkfifo bad/fifo
	for name in directory empty half signature signer fifo; do
		rm -rf site/revoked.jwt site/keys/revoked.jwt site/keys/counters.json
		for program in 'ehr-open -S site' 'ehr-open --key site/keys' "ehr-seal -P $P -S site" "ehr-seal -P $P --keys site/keys"; do
			ehr 6 timeout 60 $program --revoked bad/$name "$F/sealed"
			grep -q "^${program%% *}: bad/$name: revocation-invalid: " err
			empty out
			mv bad/$name site/keys/revoked.jwt
			ehr 6 timeout 60 $program "$F/sealed"
			grep -q "^${program%% *}: site/keys: revoked.jwt: revocation-invalid: " err
			empty out
			mv site/keys/revoked.jwt bad/$name
		done
		mv bad/$name site/revoked.jwt
		ehr 6 timeout 60 ehr-open -S site "$F/sealed"
		grep -q '^ehr-open: site/revoked.jwt: revocation-invalid: ' err
		ehr 6 timeout 60 ehr-seal -P "$P" -S site "$F/versions"
		grep -q '^ehr-seal: site/revoked.jwt: revocation-invalid: ' err
		empty out
		mv site/revoked.jwt bad/$name
	done
}

@test "several keys are tried, each for what it opens" {
	ehr 0 ehr-open --key "$F/al1" --key "$F/al5" --now "$NOW" <"$F/sealed"
	[ "$(wc -l <out)" -eq 8 ]
}

@test "without a key it is misuse, a directory that is none ends with 6 before any input is read" {
	ehr 2 ehr-open <"$F/sealed"
	ehr 6 ehr-open --key nowhere <"$F/sealed"
	mkdir -m 0700 hollow
	ehr 6 ehr-open --key hollow <"$F/sealed"
	has err 'hollow: key-directory: self.json:'
	ehr 2 ehr-open -S "$F/site" --other-policy accept <"$F/sealed"
	ehr 2 ehr-open -S "$F/site" --now soon <"$F/sealed"
}

@test "a reader's directory copied to another device opens nothing" {
	cp -r "$F/al5" copied
	ehr-keys make --kind reader --keys other --authority "$F/site/authority.jwks" >/dev/null
	cp other/self.json other/keys/*.pem copied/ && mv copied/*.pem copied/keys/
	ehr 6 ehr-open --key copied --now "$NOW" <"$F/sealed"
	has err 'sealed to another key'
}

@test "no file of a key directory holds a level key" {
	ehr 0 ehr-keys list -S "$F/site"
	[ "$(grep -rlE "\"k\":|A256KW.*use" "$F/site/keys" "$F/al5" | wc -l)" -eq 0 ]
}

@test "a private key opens in each form that OpenSSL writes by default, and is the same key" {
	cp -r "$F/al3" keys
	pem=keys/$(jq -r .enc.uri keys/self.json | sed 's/^file://')
	ehr 1 ehr-open --key keys --now "$NOW" --on-error skip <"$F/sealed"
	mv out usual
	mv "$pem" kept
	openssl pkey -in kept -outform DER -out der 2>/dev/null
	for form in \
		"openssl ec -in kept" \
		"openssl pkcs8 -topk8 -nocrypt -in kept" \
		"openssl ec -in kept -no_public" \
		"openssl ec -in kept -param_enc explicit" \
		"openssl pkey -in kept -text" \
		"cat der"; do
		(umask 077 && $form >"$pem" 2>/dev/null)
		ehr 1 ehr-open --key keys --now "$NOW" --on-error skip <"$F/sealed"
		cmp out usual
	done
}

@test "a private key that is damaged, locked by a passphrase or on another curve does not open" {
	cp -r "$F/al3" keys
	pem=keys/$(jq -r .enc.uri keys/self.json | sed 's/^file://')
	mv "$pem" kept
	openssl pkey -in kept -outform DER -out der 2>/dev/null
	zeros() { head -c 32 /dev/zero; }
	ones() { zeros | tr '\0' '\377'; }
	pkcs8() { echo '-----BEGIN PRIVATE KEY-----' && base64 -w 64 && echo '-----END PRIVATE KEY-----'; }
	{ head -c 36 der && zeros && tail -c 70 der; } | pkcs8 >zero
	{ head -c 36 der && ones && tail -c 70 der; } | pkcs8 >beyond
	{ head -c 106 der && ones; } | pkcs8 >off
	head -c 100 der | pkcs8 >short
	openssl pkcs8 -topk8 -in kept -passout pass:x >locked 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 >other 2>/dev/null
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 >stranger 2>/dev/null
	openssl genpkey -algorithm RSA >rsa 2>/dev/null
	for form in zero beyond off short locked other stranger rsa; do
		(umask 077 && cat "$form" >"$pem")
		ehr 6 ehr-open --key keys --now "$NOW" <"$F/sealed"
		grep -Eq '^ehr-open: (keys: )?key-invalid' err || { echo "$form" && cat err && false; }
		empty out
	done
}

@test "a record that the locked memory does not hold is opened, and that is said once" {
	native || return 0
	long=$(head -c 300000 /dev/zero | tr '\0' a)
	for size in 20 4000 300000; do printf '{"a":"%s"}\n' "${long:0:size}"; done >records
	ehr-keys list --self --keys "$F/al3" | jq -c '.enc.jwk + {domain:"clinic"}' >to.jwk
	ehr-seal --to to.jwk records >sealed
	(ulimit -S -l 1024 && ehr 0 ehr-open --key "$F/al3" --now "$NOW" sealed)
	empty err
	(ulimit -S -l 64 && ehr 0 ehr-open --key "$F/al3" --now "$NOW" sealed)
	same err <<-'END'
		ehr-open: memory-not-locked: a record was longer than the memory that may be locked (ulimit -l), and may be swapped to disk
	END
	cmp out records
	(ulimit -S -l 64 && head -n 2 sealed | ehr 0 ehr-open --key "$F/al3" --now "$NOW")
	empty err
}
