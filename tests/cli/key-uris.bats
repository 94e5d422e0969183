#!/usr/bin/env bats
# Private keys in files, in a TPM and in an HSM: each works for everything, and none of another environment opens.
load ../lib/ehr
load ../lib/keys
load ../lib/ca
load ../lib/token

setup_file() {
	site
}

teardown() {
	tpm_stop
}

pin() {
	printf '%s\n' "$2" >"$1"
	chmod 600 "$1"
}

# The one way: whatever the keys are, the same commands work.  $ENV is what the directory must say it is.
ceremony() {
	local jkt ID
	rm -rf site
	cp -r "$F/site" .
	ehr 0 ehr-keys make --kind reader --keys d --authority site/authority.jwks --now "$NOW" "$@"
	cp out d.enrol
	ehr 0 ehr-keys list --self --keys d
	[ "$(jq -r .env out)" = "$ENV" ]
	jkt=$(jq -r .sig.jkt out)
	ID=$(jq -r .id out)
	jq -c '.enc.jwk' out >d.jwk
	ehr 0 ehr-keys enrol -S site --expect "$jkt" --al-cap 9 --now "$NOW" d.enrol
	decision release-keys 3 >d.decision
	ehr 0 ehr-keys release --offline -S site --device "$ID" --user nina --decision d.decision --now "$NOW"
	cp out d.jwe
	ehr 0 ehr-keys accept --keys d --now "$NOW" d.jwe
	ehr 1 ehr-open --key d --now "$NOW" --on-error skip "$F/sealed"
	[ "$(wc -l <out)" -eq 4 ]
	echo '{"reading":91.0}' >reading
	line 0 'ehr-seal --to d.jwk --keys site/keys reading | ehr-open --key d'
	cmp out reading
	ehr 0 ehr-keys list --self --keys d
	# Two processes at once both finish; SoftHSM hides a token while another process logs in.
	for _ in 1 2 3; do
		ehr-open --key d --now "$NOW" --on-error skip "$F/sealed" >one 2>one.err 3>&- &
		ehr 1 ehr-open --key d --now "$NOW" --on-error skip "$F/sealed"
		wait || true
		lacks one.err key-invalid
		cmp out one
	done
}

@test "keys in files, with and without a PIN" {
	ENV=soft ceremony
	has d/keys/sig.pem 'BEGIN PRIVATE KEY'
	rm -rf d
	pin pin 'a PIN of some length'
	ENV=soft ceremony --pin-file pin
	has d/keys/sig.pem 'BEGIN ENCRYPTED PRIVATE KEY'
	openssl pkey -in d/keys/sig.pem -passin 'pass:a PIN of some length' -noout
	pin pin another
	ehr 6 ehr-open --key d reading
	has err 'key-invalid: keys/enc.pem: not a private key on P-256 in PEM, or its PIN is another'
	rm pin
	ehr 6 ehr-open --key d reading
	has err 'its PIN file cannot be read'
	pin pin 'a PIN of some length'
	chmod 640 pin
	ehr 6 ehr-open --key d reading
	has err "its PIN file is open to others, or somebody else's, expected mode 0600"
	pin pin 'a PIN of some length'
	chmod 640 d/keys/enc.pem
	ehr 6 ehr-open --key d reading
	has err "keys/enc.pem: open to others, or somebody else's, expected mode 0600"
}

@test "a PIN comes from a file, a descriptor or a credential of systemd, and never is none" {
	printf 'a PIN of some length' >credential
	exec 4<credential
	ehr 0 ehr-keys signer --domain hospital --pin-file /dev/fd/4 key.pem
	exec 4<&-
	has key.pem 'BEGIN ENCRYPTED PRIVATE KEY'
	cp out key.jwks
	# The first line counts.
	printf 'a PIN of some length\r\nsecond line\n' >lines
	chmod 600 lines
	ehr 0 ehr-keys signer --domain hospital --pin-file lines key.pem
	# What systemd gives a service is root's, with an access list that looks like a mode of 0440.
	chmod 440 credential
	ehr 6 ehr-keys signer --domain hospital --pin-file "$PWD/credential" key.pem
	has err 'its PIN file is open to others'
	if mkdir -p /run/credentials/ehr-test 2>/dev/null; then
		cp -p credential /run/credentials/ehr-test/pin
		ehr 0 ehr-keys signer --domain hospital --pin-file /run/credentials/ehr-test/pin key.pem
		rm -r /run/credentials/ehr-test
		cmp out key.jwks
	fi
	ehr 6 ehr-keys signer --domain hospital --pin-file "/run/credentials/..$PWD/credential" key.pem
	ehr 6 ehr-keys signer --domain hospital --pin-file /dev/fd/4 key.pem
	# An empty PIN would leave the key in the clear.
	for text in '' '\n' 'a\0b'; do
		# shellcheck disable=SC2059
		printf "$text" >nothing
		chmod 600 nothing
		ehr 4 ehr-keys signer --domain hospital --pin-file nothing new.pem
		has err 'its PIN file is empty, or is not a PIN'
		[ ! -e new.pem ]
	done
	cp -r "$F/site" .
	chmod 600 credential
	exec 4<credential
	ehr 4 ehr-keys make --kind reader --keys d --authority site/authority.jwks --pin-file /dev/fd/4
	exec 4<&-
	has err '--pin-file: not a regular file'
	[ ! -e d ]
}

@test "keys that a TPM has wrapped: useless with another parent, PIN or TPM" {
	tpm_start
	tpm_parent 0x81000101 app-parent
	tpm_parent 0x81000102 service-parent
	tpm_pem sig.pem 0x81000101 app-parent app-pin
	tpm_pem enc.pem 0x81000101 app-parent app-pin
	pin pin app-pin
	pin parent app-parent
	ENV=tpm ceremony --sig sig.pem --enc file:enc.pem --pin-file pin --parent-pin-file parent
	# The same keys by their URIs alone.
	ehr-keys list --self --keys d | jq -r .sig.spki | basenc -d --base64url 2>/dev/null | openssl pkey -pubin -inform DER -out pub.pem
	ca ca
	printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >uses
	openssl x509 -new -force_pubkey pub.pem -subj /CN=tpm -CA ca.pem -CAkey ca.key -extfile uses -days 9 -out tpm.pem
	ehr 6 ehr-policy sign --key sig.pem --pin-file pin --cert tpm.pem reading
	ehr 0 ehr-policy sign --key sig.pem --pin-file pin --parent-pin-file parent --cert tpm.pem reading
	ehr 0 ehr-policy verify --trust ca.pem --crl ca.crl reading
	ehr 0 ehr-keys signer --domain hospital --pin-file pin --parent-pin-file parent sig.pem
	echo '{"sub":"nina"}' >asks
	ehr 6 ehr-keys assert --sign sig.pem --pin-file pin --domain hospital asks
	has err "the parent's PIN is another"
	ehr 0 ehr-seal --to d.jwk --keys site/keys --sign sig.pem --pin-file pin --parent-pin-file parent reading
	ehr-seal --to d.jwk --keys site/keys reading >sealed
	ehr 0 ehr-open --key enc.pem --pin-file pin --parent-pin-file parent sealed
	ehr 6 ehr-open --key enc.pem --pin-file pin sealed
	pin parent service-parent
	ehr 6 ehr-open --key d reading
	has err "of another TPM, or the parent's PIN is another"
	pin parent app-parent
	pin pin service-pin
	ehr-seal --to d.jwk --keys site/keys reading >sealed
	ehr 6 ehr-open --key d sealed
	empty out
	has err 'key-refused: the TPM did not agree on a key'
	pin pin app-pin
	tpm_stop
	TPM=$(mktemp -d /tmp/tpm.XXXXXX)
	echo "$TPM" >"$BATS_TEST_TMPDIR/tpm.folder"
	tpm_again
	ehr 6 ehr-open --key d sealed
	empty out
	kill "$(cat "$TPM/pid")"
	ehr 6 ehr-open --key d sealed
	empty out
	has err 'key-invalid'
}

@test "the libraries of the TPM log no PIN, whatever the environment asks them to" {
	tpm_start
	tpm_parent 0x81000101 app-parent
	tpm_pem sig.pem 0x81000101 app-parent app-pin
	tpm_pem enc.pem 0x81000101 app-parent app-pin
	pin pin app-pin
	pin parent app-parent
	cp -r "$F/site" .
	export TSS2_LOG=all+trace TSS2_LOGFILE="$PWD/logged"
	ehr 0 ehr-keys make --kind reader --keys d --authority site/authority.jwks --sig sig.pem --enc enc.pem \
		--pin-file pin --parent-pin-file parent
	ehr 0 ehr-keys list --self --keys d
	empty err
	[ ! -e logged ]
	unset TSS2_LOGFILE
	ehr 0 ehr-keys list --self --keys d
	empty err
}

@test "the example of ehr-keys(5) makes a TPM's parent key, keys that it wraps, and a device of them" {
	tpm_start
	cp "$F/site/authority.jwks" .
	awk '/^\.Sh SEE ALSO/ { on = 0 } on && /^\.Ed/ { block = 0 } block { gsub(/\\e/, "\\"); print } /^\.Sh EXAMPLES/ { on = 1 }
		on && /^\.Bd -literal/ { block = 1 }' "$EHR_ROOT/share/man/man5/ehr-keys.5" >commands
	has commands tpm2_createprimary
	line 0 'PARENT=app-parent PIN=app-pin; . ./commands'
	ehr 0 ehr-keys list --self --keys tablet
	[ "$(jq -r .env out)" = tpm ]
	ehr-keys list --self --keys tablet | jq -c '.enc.jwk + {domain: "hospital"}' >to.jwk
	echo '{"resourceType":"Observation"}' >reading
	ehr-seal --to to.jwk reading >sealed
	ehr 0 ehr-open --key tablet sealed
	cmp out reading
}

@test "keys at handles of a TPM" {
	tpm_start
	tpm_handle 0x81000010 dev-pin
	tpm_handle 0x81000011 dev-pin
	pin pin dev-pin
	ENV=tpm ceremony --sig 'handle:0x81000010?pass' --enc 'handle:0x81000011?pass' --pin-file pin --tcti "$TPM2OPENSSL_TCTI"
	[ ! -e d/keys/sig.pem ]
	# The way to the TPM stands in self.json; the environment's does not count.
	TPM2OPENSSL_TCTI=device:/nowhere ehr 0 ehr-keys list --self --keys d
	pin pin other-pin
	ehr-seal --to d.jwk --keys site/keys reading >sealed
	ehr 6 ehr-open --key d sealed
	has err 'key-refused: the TPM'
	empty out
	# Locked after wrong PINs is another thing than a wrong PIN, and no try of ours has made it so.
	tpm2_dictionarylockout --setup-parameters --max-tries=2 --recovery-time=1000 --lockout-recovery-time=1000
	tpm2_dictionarylockout --clear-lockout
	tpm_handle 0x81000012 guarded 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt|sign'
	ehr 6 ehr-seal --to d.jwk --keys site/keys --sign 'handle:0x81000012?pass' --pin-file pin reading
	has err 'key-refused: the TPM did not sign'
	ehr 6 ehr-seal --to d.jwk --keys site/keys --sign 'handle:0x81000012?pass' --pin-file pin reading
	ehr 6 ehr-seal --to d.jwk --keys site/keys --sign 'handle:0x81000012?pass' --pin-file pin reading
	has err 'token-locked: the TPM did not sign: it is locked after wrong PINs'
	empty out
	[ "$(wc -l <err)" -eq 1 ]
	tpm2_dictionarylockout --clear-lockout
	pin pin guarded
	ehr 0 ehr-seal --to d.jwk --keys site/keys --sign 'handle:0x81000012?pass' --pin-file pin reading
	pin pin other-pin
	ehr 6 ehr-keys make --kind reader --keys e --authority site/authority.jwks --sig handle:0x81000055 --tcti "$TPM2OPENSSL_TCTI"
	has err 'key-invalid: handle:0x81000055: not in the TPM'
	[ ! -e e ]
}

# dies COMMAND ...: it takes the first line of the file in, the TPM is killed, and it gets the rest: 6, and out has what the first
# line gave alone, whole.
dies() {
	local got=0 process
	rm -f slow
	mkfifo slow
	"$@" <slow >out 2>err 3>&- &
	process=$!
	exec 9>slow
	head -n 1 in >&9
	for _ in $(seq 1500); do [ ! -s out ] || break; sleep 0.02; done
	cp out first
	kill -KILL "$(cat "$TPM/pid")"
	tail -n +2 in >&9
	exec 9>&-
	wait "$process" || got=$?
	rm -f "$TPM"/sock*
	tpm_again
	[ "$got" -eq 6 ]
	[ "$(wc -l <out)" -eq 1 ]
	cmp out first
	[ "$(wc -l <err)" -eq 1 ]
}

@test "a TPM that goes away in mid-run: 6, what came before is whole, and nothing comes after" {
	tpm_start
	tpm_handle 0x81000010 dev-pin
	tpm_handle 0x81000011 dev-pin
	pin pin dev-pin
	cp -r "$F/site" .
	ehr-keys make --kind sensor --keys d --authority site/authority.jwks --now "$NOW" --sig 'handle:0x81000010?pass' \
		--enc 'handle:0x81000011?pass' --pin-file pin --tcti "$TPM2OPENSSL_TCTI" >d.enrol
	ehr-keys list --self --keys d | jq -c .enc.jwk >d.jwk
	for n in 1 2 3; do echo "{\"reading\":9$n.0}"; done >readings
	# One that signs each line, and one that opens lines of three runs, an agreement each.
	cp readings in
	dies ehr-seal --to d.jwk --keys site/keys --sign 'handle:0x81000010?pass' --pin-file pin
	same err <<<'ehr-seal: key-refused: the TPM did not sign: its PIN is another, or it is gone'
	for n in 1 2 3; do sed -n ${n}p readings | ehr-seal --to d.jwk --keys site/keys; done >in
	dies ehr-open --key d
	has err 'key-refused: the TPM did not agree on a key'
	ehr 0 ehr-open --key d in
	cmp out readings
	# The device's own messages: nothing half.
	ehr-keys challenge -S site --now "$NOW" >challenge
	kill -KILL "$(cat "$TPM/pid")"
	ehr 6 ehr-keys prove --keys d --assertion d.jwk --now "$NOW" challenge
	empty out
	[ ! -e d/pending.json ]
}

# gone UNCHANGED COMMAND ...: the TPM goes away at every fifth of its steps: 6, nothing is printed, and no file of the folder
# UNCHANGED is another; until it stays long enough, and the command ends with 0. A proof's nonce may stand there before it is signed.
gone() {
	local folder=$1 n got=6
	shift
	rm -rf kept && cp -r "$folder" kept
	for ((n = 2; got != 0; n += 5)); do
		[ "$n" -lt 200 ]
		rm -f "$TPM"/relay*
		python3 "$EHR_ROOT/tests/lib/tpm_relay.py" "$TPM/sock" "$TPM/relay" "$n" 3>&- &
		until [ -S "$TPM/relay" ]; do sleep 0.01; done
		got=0
		"$@" >out 2>err || got=$?
		kill %% 2>/dev/null || true
		wait
		kill -KILL "$(cat "$TPM/pid")"
		rm -f "$TPM"/sock*
		tpm_again
		[ "$got" -ne 0 ] || break
		[ "$got" -eq 6 ]
		[ ! -s out ]
		diff -r -x lock -x pending.json kept "$folder"
	done
	[ "$n" -gt 5 ]
}

@test "a TPM that goes away at any step of prove, release and accept: 6, nothing is spent, taken or half done" {
	tpm_start
	for n in 0 1 2 3; do tpm_handle 0x8100001$n dev-pin; done
	pin pin dev-pin
	local way=swtpm:path=$TPM/relay
	made() { ehr-keys make --now "$NOW" --pin-file pin --tcti "$TPM2OPENSSL_TCTI" "$@"; }
	made -P "$P" -S site --sig 'handle:0x81000010?pass' --enc 'handle:0x81000011?pass' >epoch
	made --kind reader --keys d --authority site/authority.jwks --sig 'handle:0x81000012?pass' --enc 'handle:0x81000013?pass' >d.enrol
	ehr-keys list --self --keys d >self
	ID=$(jq -r .id self)
	ehr-keys enrol -S site --expect "$(jq -r .sig.jkt self)" --al-cap 9 --now "$NOW" d.enrol >/dev/null
	decision release-keys 3 >decision
	ehr-keys challenge -S site --now "$NOW" >challenge
	sed -i "s|$TPM2OPENSSL_TCTI|$way|" d/self.json site/keys/self.json
	echo token >token
	gone d ehr-keys prove --keys d --assertion token --now "$NOW" challenge
	gone site ehr-keys release --offline -S site --device "$ID" --user nina --decision decision --now "$NOW"
	cp out release
	gone d ehr-keys accept --keys d --now "$NOW" release
	sed -i "s|$way|$TPM2OPENSSL_TCTI|" d/self.json site/keys/self.json
	ehr 7 ehr-keys release --offline -S site --device "$ID" --user nina --decision decision --now "$NOW"
	[ "$(ehr-keys list --keys d | grep -c kid)" -ge 3 ]
}

@test "keys in an HSM: each application has a token, and none opens the other's" {
	hsm_start
	hsm_token app app-pin
	hsm_token service service-pin
	pin pin app-pin
	ENV=hsm ceremony --sig "$(hsm_uri app sig)" --enc "$(hsm_uri app enc)&pin-source=file:$PWD/pin" --pin-file pin
	pin pin service-pin
	ehr 6 ehr-open --key d reading
	has err 'not behind PKCS#11, or the PIN is missing or another'
	pin pin app-pin
	# Each of these opens both keys.
	for _ in 1 2 3; do
		for n in 1 2 3; do ehr-keys list --self --keys d >"self.$n" 2>&1 3>&- & done
		wait || true
		cmp self.1 self.2
		cmp self.2 self.3
		has self.3 '"env":"hsm"'
	done
	# A PIN has no place in a URI, wherever it stands and however it is written, and no message repeats it.
	for uri in 'token=app;object=sig?pin-value=app-pin' 'token=app;object=sig;pin-value=app-pin' 'token=app;pin-value=app-pin;object=sig' \
		'token=app;object=sig;pin%2Dvalue=app-pin' 'pin-value=app-pin' "token=app;object=sig;pin-source=file:$PWD/pin" ';token=app'; do
		ehr 6 ehr-keys make --kind reader --keys e --authority site/authority.jwks --sig "pkcs11:$uri"
		has err ': expected '
		lacks err app-pin
		ehr 6 ehr-seal --to d.jwk --keys site/keys --sign "pkcs11:$uri" reading
		lacks err app-pin
	done
	ehr 6 ehr-seal --to d.jwk --keys site/keys --sign "PKCS11:token=app;pin-value=app-pin" reading
	lacks err app-pin
	# The words behind the ? stand in any order.
	ehr 0 ehr-seal --to d.jwk --keys site/keys --sign "pkcs11:token=app;object=sig;type=private?pin-source=file:$PWD/pin&module-path=$HSM_MODULE" reading
	# The key of a token signs decisions and says who asks, too.
	ehr 0 ehr-keys signer --domain hospital --pin-file pin "$(hsm_uri app sig)"
	has out '"kty":"EC"'
	PKCS11_MODULE_PATH=/nowhere ehr 0 ehr-keys list --self --keys d
}

@test "nothing of the environment changes which code opens a key" {
	ENV=soft ceremony
	mkdir hostile
	printf 'openssl_conf = x\n[x]\nproviders = y\n[y]\nz = w\n[w]\nmodule = %s/hostile/z.so\nactivate = 1\n' "$PWD" >hostile.cnf
	for name in OPENSSL_CONF=$PWD/hostile.cnf OPENSSL_MODULES=$PWD/hostile OPENSSL_ENGINES=$PWD/hostile; do
		env "$name" bash -c 'ehr-open --key d --now "$0" --on-error skip "$1"' "$NOW" "$F/sealed" >out 2>err || [ $? -eq 1 ]
		cmp out one
	done
}
