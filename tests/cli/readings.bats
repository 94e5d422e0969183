#!/usr/bin/env bats
# Readings that are proven: a device signs what it seals, and the server takes those of enrolled devices alone.
load ../lib/ehr
load ../lib/keys
load ../lib/token

setup_file() {
	site
}

setup() {
	export LC_ALL=C TZ=UTC PATH="$EHR_BIN:$PATH" P="$EHR_ROOT/policies/hospital" F="$BATS_FILE_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return 1
	cp -r "$F/site" .
	device cuff sensor
	ehr-keys list --self -S site | jq -c .enc.jwk >server.jwk
	for n in 1 2 3 4 5; do echo "{\"reading\":9$n.0}"; done >readings
}

# device DIR KIND: enrolled at the site
teardown() {
	tpm_stop
}

device() {
	ehr-keys make --kind "$2" --keys "$1" --authority site/authority.jwks --now "$NOW" >"$1.enrol"
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys "$1" | jq -r .sig.jkt)" --now "$NOW" "$1.enrol" >/dev/null
}

sealed() { ehr-seal --to server.jwk --keys site/keys --sign "${BY:-cuff}/keys/sig.pem" "$@"; }
opened() { ehr-open -S site --now "$NOW" --require-signed site/keys/devices.jwts "$@"; }

@test "a signed reading comes back to the byte, from an enrolled sensor" {
	sealed readings >lines
	[ "$(wc -l <lines)" -eq 5 ]
	[ "$(head -n 1 lines | jq -r .protected | unpadded | jq -r .cty)" = ehr-signed ]
	ehr 0 opened lines
	cmp out readings
	# Without a list of devices nobody can say whose they are.
	ehr 6 ehr-open -S site --now "$NOW" lines
	has err algorithm-refused
	empty out
}

@test "several readings in one line: one signature and one seal for all of them" {
	sealed --gather 3 readings >lines
	[ "$(wc -l <lines)" -eq 2 ]
	ehr 0 opened lines
	cmp out readings
	ehr 0 opened --record lines
	cmp out readings
	# As many bytes as a line may have, and no more.
	sealed --gather 10000 --max-record 40 readings >lines
	[ "$(wc -l <lines)" -eq 3 ]
	ehr 0 opened lines
	cmp out readings
	printf '{"a":1}\n[2]\n' >in
	ehr 5 sealed --gather 2 in
	has err not-an-object
	head -n 1 "$F/versions" >in
	ehr 5 sealed --gather 2 in
	has err wrong-stage
}

@test "what nobody, a stranger, a reader or a revoked device has signed is refused" {
	ehr-seal --to server.jwk --keys site/keys readings >plain
	ehr 6 opened plain
	has err 'plain:1: not-signed: no device has signed it'
	empty out
	ehr-keys make --kind sensor --keys stranger --authority site/authority.jwks --now "$NOW" >/dev/null
	BY=stranger sealed readings >lines
	ehr 6 opened lines
	has err 'lines:1: signer-unknown: '
	empty out
	device tablet reader
	BY=tablet sealed readings >lines
	ehr 6 opened lines
	has err 'lines:1: signer-unknown: '
	sealed readings >lines
	ehr 6 ehr-open -S site --now 2028-01-01T00:00:00Z --require-signed site/keys/devices.jwts lines
	has err 'no device that sends readings is enrolled'
	ehr 6 ehr-open -S site --require-signed site/keys/devices.jwts lines
	has err 'enrolments end, so it needs --now TIME'
	ehr-keys revoke -S site --device "$(ehr-keys list --self --keys cuff | jq -r .id)" --now "$NOW" >/dev/null
	ehr 6 opened lines
	has err 'lines:1: signer-unknown: '
	empty out
}

@test "the list of devices is the authority's, and a list of another is none" {
	sealed readings >lines
	ehr-keys make -P "$P" -S other --now "$NOW" >/dev/null
	ehr 6 ehr-open -S site --now "$NOW" --require-signed site/keys/devices.jwts --authority other/authority.jwks lines
	has err 'site/keys/devices.jwts:1: not an enrolment that the authority signed'
	ehr 2 ehr-open --key site/keys --now "$NOW" --require-signed site/keys/devices.jwts lines
	has err 'whose enrolments? needs --authority JWKS'
	ehr 0 ehr-open --key site/keys --now "$NOW" --require-signed site/keys/devices.jwts --authority site/authority.jwks lines
	ehr 2 ehr-open --key site/keys --authority site/authority.jwks lines
	ehr 4 ehr-open -S site --now "$NOW" --require-signed none lines
	: >empty
	ehr 6 ehr-open -S site --now "$NOW" --require-signed empty lines
	ehr 2 ehr-seal --to server.jwk --keys site/keys --gather 2 readings
	ehr 2 ehr-seal -P "$P" -S site --sign cuff/keys/sig.pem readings
	ehr 6 ehr-seal --to server.jwk --keys site/keys --sign none.pem readings
	has err 'none.pem: key-invalid: '
	ehr 2 ehr-seal --to server.jwk --keys site/keys --sign cuff/keys/sig.pem --gather 0 readings
}

@test "versions of a record may be signed, too, and keep their tags" {
	BY=cuff ehr-seal -P "$P" --to server.jwk --keys site/keys --sign cuff/keys/sig.pem "$F/versions" >lines
	ehr 0 opened lines
	[ "$(wc -l <out)" -eq "$(wc -l <"$F/versions")" ]
	jq -c .record "$F/versions" | cmp - <(jq -c .record out)
}

observations() {
	for n in 1 2 3; do
		echo '{"resourceType":"Observation","id":"o'$n'","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"59408-5"}]},"subject":{"reference":"Patient/p1"},"valueQuantity":{"value":9'$n'.0,"unit":"%"}}'
	done >observations
	ehr-keys list --self -S site | jq -c '.enc.jwk + {domain}' >server.jwk
}

device_side() { "$EHR_ROOT/share/examples/upload-device.sh" "$@"; }
server_side() { "$EHR_ROOT/share/examples/upload-server.sh" "$P" site "$NOW" "$@"; }

@test "share/examples: the device's side and the server's side of an upload, by a pipe and by a file" {
	observations
	device_side cuff server.jwk <observations >upload
	lacks upload 59408-5
	lacks upload Patient
	ehr 0 server_side upload
	cp out by-file
	[ "$(wc -l <by-file)" -eq 12 ]
	line 0 "'$EHR_ROOT/share/examples/upload-device.sh' cuff server.jwk observations | '$EHR_ROOT/share/examples/upload-server.sh' '$P' site '$NOW'"
	ehr-open -S site --record --now "$NOW" out >piped
	ehr-open -S site --record --now "$NOW" by-file | cmp - piped
	has piped '"value":92.0'
	# How urgent it is follows from NOW, as what counts as a device does.
	jq -c --arg at "$NOW" 'select(.id == "o1") | .effectiveDateTime = $at | .interpretation = [{coding: [{system: "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", code: "LL"}]}]' observations |
		device_side cuff server.jwk >upload.urgent
	ehr 0 server_side upload.urgent
	has out '"criticality":"critical"'
	ehr 0 "$EHR_ROOT/share/examples/upload-server.sh" "$P" site "$(date -u -d "$NOW 2 days" +%FT%TZ)" upload.urgent
	[ "$(wc -l <out)" -eq 4 ]
	lacks out '"criticality":"critical"'
	# One altered line, and one of a stranger: refused, and the good ones go on.
	ehr-keys make --kind sensor --keys stranger --authority site/authority.jwks --now "$NOW" >/dev/null
	device_side stranger server.jwk observations >other
	GATHER=1 device_side cuff server.jwk observations >single
	sed '1s/"tag":"....../"tag":"AAAAAA/' single >spoilt
	cat other spoilt | ehr 1 server_side
	[ "$(ehr-open -S site --record --now "$NOW" out | grep -c '"resourceType":"Observation"')" -le 8 ]
	has err signer-unknown
	has err not-authentic
	# Nothing of it is on the way: the broker's recording has no piece of a reading, key or name.
	cat upload other single >recording
	lacks recording valueQuantity
}

@test "share/examples: the same upload with the device's keys in a TPM" {
	tpm_start
	tpm_handle 0x81000010 dev-pin
	tpm_handle 0x81000011 dev-pin
	printf dev-pin >pin
	chmod 600 pin
	observations
	ehr-keys make --kind sensor --keys pad --authority site/authority.jwks --now "$NOW" --sig 'handle:0x81000010?pass' \
		--enc 'handle:0x81000011?pass' --pin-file pin >pad.enrol
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys pad | jq -r .sig.jkt)" --now "$NOW" pad.enrol >/dev/null
	device_side pad server.jwk observations >upload
	[ "$(wc -l <upload)" -eq 1 ]
	ehr 0 server_side upload
	[ "$(wc -l <out)" -eq 12 ]
	# Keys that a parent key with a PIN has wrapped, and the way to the TPM: the key directory says all of it.
	tpm_parent 0x81000101 app-parent
	tpm_pem sig.pem 0x81000101 app-parent dev-pin
	tpm_pem enc.pem 0x81000101 app-parent dev-pin
	printf app-parent >parent
	chmod 600 parent
	ehr-keys make --kind sensor --keys strap --authority site/authority.jwks --now "$NOW" --sig sig.pem --enc enc.pem \
		--pin-file pin --parent-pin-file parent --tcti "$TPM2OPENSSL_TCTI" >strap.enrol
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys strap | jq -r .sig.jkt)" --now "$NOW" strap.enrol >/dev/null
	(unset TPM2OPENSSL_TCTI && device_side strap server.jwk observations >upload)
	tpm_stop
	ehr 0 server_side upload
	[ "$(wc -l <out)" -eq 12 ]
}

@test "--sign takes the key directory of a device, and no other" {
	ehr-seal --to server.jwk --keys site/keys --sign cuff readings >lines
	ehr 0 opened lines
	cmp out readings
	ehr 2 ehr-seal --to server.jwk --keys site/keys --sign cuff --pin-file /dev/null readings
	has err "self.json says where its PIN is"
	chmod 755 cuff
	ehr 6 ehr-seal --to server.jwk --keys site/keys --sign cuff readings
	has err 'cuff: key-directory: '
	chmod 700 cuff
	ehr-keys make --kind sensor --keys pad --authority site/authority.jwks --now "$NOW" >/dev/null
	cp pad/keys/sig.pem cuff/keys/sig.pem
	ehr 6 ehr-seal --to server.jwk --keys site/keys --sign cuff readings
	has err 'not the key that self.json names'
	mkdir -m 700 empty
	ehr 6 ehr-seal --to server.jwk --keys site/keys --sign empty readings
	has err 'empty: key-directory: '
	empty out
}

@test "published lines that nobody, or nobody known, has signed are refused by name" {
	cp "$EHR_ROOT/testdata/keys/recipient.pem" .
	chmod 600 recipient.pem
	ehr-keys revoke -S site --now "$NOW" >list
	for reason in not-signed signer-unknown; do
		ehr 6 ehr-open --allow-test-keys --key recipient.pem --now "$NOW" --require-signed site/keys/devices.jwts --authority site/authority.jwks \
			--revoked list "$EHR_ROOT/testdata/records/bad/$reason.ndjson"
		has err ":1: $reason: "
	done
}

# The device that signed the published lines is enrolled; recipient.pem opens them.
published_signer() {
	install -m 0600 "$EHR_ROOT/testdata/keys/"{ephemeral,recipient}.pem .
	ehr-keys make --kind sensor --keys rogue --sig ephemeral.pem --authority site/authority.jwks --now "$NOW" >rogue.enrol
	ehr-keys enrol -S site --expect "$(ehr-keys list --self --keys rogue | jq -r .sig.jkt)" --now "$NOW" rogue.enrol >/dev/null
	ehr-keys revoke -S site --now "$NOW" >list
}

# open_published ARGUMENT...: lines in which some are refused.
open_published() {
	ehr 1 ehr-open --allow-test-keys --key recipient.pem --now "$NOW" --require-signed site/keys/devices.jwts --authority site/authority.jwks \
		--revoked list --on-error skip "$@"
}

# Signed with testdata/keys/ephemeral.pem and sealed to recipient.pem: a record, and what would be several lines of output.
@test "what a device signs is one line, or it could pass for several records" {
	published_signer
	for record in '' --record; do
		open_published $record "$EHR_ROOT/testdata/sealed/several-lines.ndjson"
		same out <<<'{"a":1.0}'
		for line in 2 3 4; do has err "several-lines.ndjson:$line: signer-unknown: "; done
	done
}

# Signed and sealed with the same keys: {"a":1.0}, then [], [1], [[]], [{},2], 5, "x", null, true, and [{"a":1},{"b":2}].
@test "what a device signs is a record or a list of some, and another thing is refused by name" {
	published_signer
	for record in '' --record; do
		open_published $record "$EHR_ROOT/testdata/sealed/no-records.ndjson"
		same out <<-'END'
			{"a":1.0}
			{"a":1}
			{"b":2}
		END
		for line in 2 3 4 5 6 7 8 9; do has err "no-records.ndjson:$line: not-an-object: "; done
	done
}

@test "with a private key alone, a list of revocations is needed, and the authority of the enrolments has signed it" {
	sealed readings >lines
	ehr-keys revoke -S site --now "$NOW" >none-yet
	ehr-keys make -P "$P" -S other --now "$NOW" >/dev/null
	ehr-keys revoke -S other --now "$NOW" >foreign
	alone() { ehr "$1" ehr-open "${KEY:---key=site/keys/keys/enc.pem}" --now "$NOW" --require-signed devices --authority site/authority.jwks "${@:2}" lines; }
	cp site/keys/devices.jwts devices
	alone 2
	has err '--revoked FILE, the list of --authority, or its key directory: else a device that was revoked would count'
	empty out
	alone 0 --revoked none-yet
	cmp out readings
	alone 6 --revoked foreign
	has err 'foreign: revocation-invalid: '
	alone 4 --revoked nowhere
	same err <<<'ehr-open: nowhere: No such file or directory'
	ehr 6 ehr-open --key site/keys/keys/enc.pem --now 2026-04-15T09:00:00Z --require-signed devices --authority site/authority.jwks --revoked none-yet lines
	same err <<<"ehr-open: none-yet: revocation-stale: at this time the list has ended, expected the authority's newest one (ehr-keys revoke makes the next)"
	# A key directory of another authority knows nothing of who was revoked here.
	KEY=--key=other/keys alone 2
	has err '--revoked FILE'
	KEY=--key=other/keys alone 7 --revoked none-yet
	has err 'lines:1: no-key: '
	ehr-keys revoke -S site --device "$(ehr-keys list --self --keys cuff | jq -r .id)" --now "$NOW" >list
	alone 6 --revoked list
	has err 'lines:1: signer-unknown: '
	empty out
	KEY=--key=site/keys alone 6
	has err 'lines:1: signer-unknown: '
	# The recipient's own key is revoked.
	ehr-keys revoke -S site --kid "$(ehr-keys list --self -S site | jq -r .enc.jkt)" --now "$NOW" >list
	alone 7 --revoked list
	has err 'lines:1: key-revoked: '
}
