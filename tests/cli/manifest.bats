bats_require_minimum_version 1.5.0
load ../lib/ehr
load ../lib/keys
load ../lib/ca

# The manifest of a batch: ehr-seal --manifest, ehr-policy sign, ehr-open --manifest.

# Certificates are made now, so keys are released now, too.
NOW=$(date -u +%FT%TZ)
B=b_AAAAAAAAAAAAAAAAAAAAAA

setup_file() {
	site
	ca ca
	certificate ca host emailProtection
	certificate ca officer codeSigning
	ehr-seal -P "$P" -S site --batch "$B" --manifest manifest versions >listed
	sign host manifest
}

sign() {
	ehr-policy sign --key "${F:-.}/$1.key" --cert "${F:-.}/$1.pem" "$2"
}

own() {
	cp "$F/manifest" "$F/manifest.p7s" "$F/listed" "$F"/ca.* .
}

check() {
	ehr-open -S "$F/site" --trust ca.pem --crl ca.crl --manifest manifest "$@"
}

# refused LINE INPUT: that line is not the next of the manifest.
refused() {
	ehr 6 check "$2"
	has err "ehr-open: $2:$1: manifest-differs: not the next line of the manifest"
}

@test "a manifest lists each line by its digest, in order, and says how many of each level there are" {
	own
	head -n 1 manifest >first
	same first <<-END
		{"ehr":{"v":1,"stage":"manifest","domain":"hospital","epoch":1,"batch":"$B","policy":"$(jq -r .ehr.policy listed | head -n 1)","prev":"sha256:$(printf %064d 0)"}}
	END
	while read -r line; do
		jq -j '"{\"seq\":\(.ehr.seq),\"rl\":\"\(.ehr.rl)\",\"sha256\":\""' <<<"$line"
		sha256sum <<<"$line" | head -c 64
		echo '"}'
	done <listed >body
	sed '1d;$d' manifest | cmp - body
	tail -n 1 manifest >end
	same end <<<'{"end":{"lines":8,"versions":{"L":2,"N":2,"R":2,"V":2}}}'
	[ "$(stat -c %a manifest)" = 600 ]
}

@test "lines that are all there, in order, open as without it; a stock tool verifies the signature as it is" {
	own
	ehr 0 check listed
	empty err
	cp out with
	ehr 0 ehr-open -S "$F/site" listed
	cmp out with
	openssl cms -verify -binary -inform DER -in manifest.p7s -content manifest -CAfile ca.pem -out /dev/null 2>said
	ehr 0 ehr-policy verify --trust ca.pem --crl ca.crl manifest
	empty out err
}

@test "a line that is missing, doubled, moved, foreign, or forged with the level's key is refused or said" {
	own
	sed 3d listed >in
	ehr 6 check in
	has err "manifest-differs: 1 of the 8 lines of the manifest did not come"
	ehr 0 check --partial in
	has err "1 of the 8 lines of the manifest did not come"
	[ "$(wc -l <out)" -eq 7 ]
	: >in && ehr 6 check in && has err "8 of the 8"
	sed -n 'p;2p' listed >in && refused 3 in
	sed -n 'p;8p' listed >in && refused 9 in
	{ sed -n 2p listed && sed 2d listed; } >in && refused 2 in
	{ cat listed && sed -n 1p listed; } >in && refused 9 in
	ehr 6 check --partial in
	{ head -n 2 listed && head -n 1 "$F/sealed" && tail -n +4 listed; } >in && refused 3 in
	ehr-seal -P "$P" -S "$F/site" --batch "$B" "$F/versions" >again
	{ head -n 4 listed && sed -n 5p again && tail -n +6 listed; } >in && refused 5 in
	sed '4s/"n":4/"n":3/' listed >in && ehr 6 check in
	ehr 6 check --on-error skip again
	empty out
	has err "8 of the 8"
}

@test "a line that the reader has no key for counts as come" {
	own
	reader low 1
	ehr 1 ehr-open --key low --trust ca.pem --manifest manifest --now "$NOW" --on-error skip listed
	lacks err 'did not come'
	[ "$(wc -l <out)" -eq 2 ]
}

@test "nothing of a line that is not in the manifest is written, and what stands before it is" {
	own
	{ sed -n 1p listed && sed -n 3p listed && sed -n 2p listed; } >in
	ehr 6 check in
	[ "$(wc -l <out)" -eq 2 ]
}

@test "a manifest that is unsigned, altered, cut, empty, or signed by a certificate for code is refused before the first line" {
	own
	bad() {
		ehr 6 check listed
		empty out
		has err "$1"
	}
	rm manifest.p7s && bad 'manifest.p7s: signature-missing'
	own && sed -i 's/"seq":3/"seq":9/' manifest && bad signature-invalid
	own && sed -i '$d' manifest && bad signature-invalid
	own && : >manifest && bad signature-invalid
	own && (cd policy 2>/dev/null || :) && openssl cms -sign -binary -md sha256 -outform DER -in manifest -signer "$F/officer.pem" -inkey "$F/officer.key" -out manifest.p7s
	bad signer-usage
	own && ehr 6 sign officer manifest && has err 'not for manifests'
	own && revoke ca "$F/host" && bad certificate-revoked
	own && : >manifest && openssl cms -sign -binary -md sha256 -outform DER -in manifest -signer "$F/host.pem" -inkey "$F/host.key" -out manifest.p7s
	bad "manifest:0: manifest-invalid: cut: its end is missing"
	ehr 2 ehr-open -S "$F/site" --manifest manifest listed
	has err '--trust CA'
	ehr 2 ehr-open -S "$F/site" --partial listed
	ehr 4 ehr-open -S "$F/site" --trust ca.pem --manifest none listed
}

@test "a manifest that is not whole is not signed" {
	broken() {
		sed "$1" "$F/manifest" >manifest
		rm -f manifest.p7s
		ehr 6 sign host manifest
		has err "manifest:$2: manifest-invalid: $3"
		[ ! -e manifest.p7s ]
	}
	broken '$d' 9 'cut: its end is missing'
	broken '3d' 3 'seq has a gap'
	broken '3p' 4 'seq has a gap'
	broken '$s/8/7/' 10 'its end counts other lines'
	broken '$s/"R":2/"R":3/' 10 'its end counts'
	broken '4s/"rl":"R"/"rl":"L"/' 10 'its end counts'
	broken '2s/ *$/ /' 2 'not a line of a manifest'
	broken '2s/"seq":0/"seq":00/' 2 'not a line'
	broken '2s/"sha256":"./&g/' 2 'not a line'
	broken '2s/0"}/"}/; 2s/1"}/"}/; 2s/[2-9a-f]"}/"}/' 2 'not a line'
	broken '$p' 11 'not the first line of a manifest'
	broken '1s/"epoch":1/"epoch":1.0/' 1 'not the first line'
	head -c -1 "$F/manifest" >manifest
	ehr 6 sign host manifest
	has err 'cut in the middle of a line'
}

@test "several runs seal the parts of a batch, and their manifests one behind the other are its manifest" {
	own
	head -n 3 "$F/versions" >one
	tail -n +4 "$F/versions" >two
	ehr-seal -P "$P" -S "$F/site" --batch "$B" --manifest m1 one >s1
	ehr-seal -P "$P" -S "$F/site" --batch "$B" --seq 1000 --manifest m2 two >s2
	cat m1 m2 >manifest && cat s1 s2 >listed
	sign host manifest
	ehr 0 check listed
	empty err
	cat s2 s1 >in && ehr 6 check in
	ehr 6 check s1
	has err '5 of the 8'
	cat m2 m1 >manifest && ehr 6 sign host manifest && has err 'the parts are not in order'
	cat m1 m1 >manifest && ehr 6 sign host manifest && has err 'the parts are not in order'
	ehr-seal -P "$P" -S "$F/site" --seq 3 --batch b_BBBBBBBBBBBBBBBBBBBBBA --manifest m3 two >s3
	cat m1 m3 >manifest && ehr 6 sign host manifest && has err 'the parts are of different batches'
}

@test "to a recipient, and each manifest names the one before" {
	own
	ehr-keys list --self -S "$F/site" | jq -c .enc.jwk >to.jwk
	ehr 0 ehr-seal --to to.jwk --keys "$F/site/keys" --batch "$B" --manifest manifest --after "$F/manifest" "$F/records"
	mv out listed
	[ "$(head -n 1 manifest | jq -r .ehr.prev)" = "sha256:$(sha256sum <"$F/manifest" | head -c 64)" ]
	[ "$(head -n 1 manifest | jq -r .ehr.to)" = "$(jq -r .ehr.to listed | head -n 1)" ]
	[ "$(tail -n 1 manifest)" = '{"end":{"lines":2,"versions":{}}}' ]
	sign host manifest
	ehr 0 ehr-open -S "$F/site" --trust ca.pem --manifest manifest listed
	cmp out "$F/records"
	ehr 2 ehr-seal --to to.jwk --after manifest "$F/records"
	ehr 6 ehr-seal --to to.jwk --keys "$F/site/keys" --manifest m --after listed "$F/records"
	has err 'manifest-invalid'
}

@test "a run that stops leaves a manifest without an end, and one that cannot be written is said" {
	own
	{ head -n 2 "$F/versions" && echo garbage; } >in
	ehr 5 ehr-seal -P "$P" -S "$F/site" --manifest m in
	lacks m '"end"'
	ehr 6 sign host m
	ehr 1 ehr-seal -P "$P" -S "$F/site" --on-error skip --manifest m in
	has m '{"end":{"lines":2'
	ehr 2 ehr-seal -P "$P" -S "$F/site" --manifest in in
	ln -s "$PWD/x" link
	ehr 4 ehr-seal -P "$P" -S "$F/site" --manifest link in
}

@test "a site's CA must agree, whatever CA is given for the manifest" {
	own
	cp -r "$F/site" site
	cp ca.pem site/trust.pem
	ehr 0 ehr-open -S site --manifest manifest listed
	ca mine && certificate mine thief emailProtection
	ehr-policy sign --key thief.key --cert thief.pem manifest
	ehr 6 ehr-open -S site --manifest manifest --trust mine.pem listed
	has err 'does not lead to this CA'
}

@test "the examples of ehr-seal(1) and ehr-open(1) run" {
	cp "$F"/ca.* "$F"/host.* "$F/site" -r .
	cp "$F/versions" versions.ndjson
	mkdir policies && cp -r "$P" policies/hospital
	for page in seal open; do
		awk '/^\.Ed/ { if (on && text ~ /manifest/) printf "%s", text; on = 0 } on { gsub(/\\e/, "\\"); text = text $0 "\n" }
			/^\.Bd -literal/ { on = 1; text = "" }' "$EHR_ROOT/share/man/man1/ehr-$page.1" >commands
		[ "$(grep -c '^ehr-' commands)" -ge 1 ]
		line 0 '. ./commands'
		if [ "$page" = seal ]; then mv sealed.part sealed.ndjson; fi
	done
	[ "$(wc -l <out)" -eq 8 ]
}
